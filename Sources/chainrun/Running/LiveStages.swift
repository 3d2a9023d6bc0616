import ChainProgram
import LiveOutputs
import Metrics

extension LivePlan {
  /// The profile's curve as stages; the stages of a constant load are one.
  init(start: JournalStart, profile: LoadProfile) {
    let curve: LoadCurve? =
      switch profile.model {
      case .open(let load): load.curve
      case .closed(let load):
        switch load.extent {
        case .stages(let curve): curve
        case .duration(let nanoseconds): LoadCurve(constant: Double(load.users), nanoseconds: nanoseconds)
        case .iterations, .iterationsPerUser: nil
        }
      }
    let stages = curve.map { curve in
      zip(curve.pieces, curve.starts).map { piece, begin in
        Stage(fromNanoseconds: begin, toNanoseconds: begin + piece.nanoseconds, askedFrom: piece.from, askedTo: piece.to)
      }
    }
    self.init(start: start, stages: stages ?? [], usersMax: profile.usersMax)
  }
}
