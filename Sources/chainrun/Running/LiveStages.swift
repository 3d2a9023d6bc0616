import ChainProgram
import LiveOutputs
import Metrics

extension LivePlan {
  init(start: JournalStart, profile: LoadProfile) {
    switch profile.model {
    case .open(let load):
      let stage = Stage(fromNanoseconds: 0, toNanoseconds: load.durationNanoseconds, askedFrom: load.rate, askedTo: load.rate)
      self.init(start: start, stages: [stage], usersMax: load.usersMax)
    case .closed(let load):
      var stages: [Stage] = []
      if case .duration(let nanoseconds) = load.extent {
        stages.append(Stage(fromNanoseconds: 0, toNanoseconds: nanoseconds, askedFrom: Double(load.users), askedTo: Double(load.users)))
      }
      self.init(start: start, stages: stages, usersMax: load.users)
    }
  }
}
