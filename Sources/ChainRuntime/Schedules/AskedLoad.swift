import ChainProgram
import Metrics

/// What a profile asks for over time, dealt out to the intervals of a run.
struct AskedLoad {
  /// The rate, or the users; nil where the load ends with its iterations, so that it is not known before how long its users are asked for.
  private let curve: LoadCurve?
  private let isOpen: Bool
  private let start: UInt64
  private var dealtOut = 0.0

  /// - Parameter start: Nanoseconds of CLOCK_MONOTONIC, second 0 of the load.
  init(profile: LoadProfile, start: UInt64) {
    self.start = start
    switch profile.model {
    case .open(let load):
      isOpen = true
      curve = load.curve
    case .closed(let load):
      isOpen = false
      switch load.extent {
      case .iterations, .iterationsPerUser: curve = nil
      case .duration(let nanoseconds): curve = LoadCurve(constant: Double(load.users), nanoseconds: nanoseconds)
      case .stages(let stages): curve = stages
      }
    }
  }

  /// Writes into an interval what was asked for in its span.
  ///
  /// - Parameters:
  ///   - stop: When the load was cut short; from then on nothing was asked for.
  ///   - isComplete: All arrivals of the schedule are through. What is left of the area behind the last of them belongs to it.
  mutating func fill(_ interval: inout JournalInterval, stop: UInt64, isComplete: Bool) {
    guard let curve else { return }
    let until = isComplete ? curve.area : curve.area(until: max(start, min(interval.endNanoseconds, stop)) - start)
    let area = max(0, until - dealtOut)
    dealtOut += area
    let seconds = Double(max(1, interval.endNanoseconds - min(interval.startNanoseconds, interval.endNanoseconds))) / 1e9
    // What the differences of large areas lose is not written down.
    let asked = ((isOpen ? area : area / seconds) * 1e6).rounded() / 1e6
    if isOpen { interval.askedArrivals = asked } else { interval.askedUsers = asked }
  }
}
