import ChainProgram
import Metrics

extension LoadProfile {
  /// Writes into an interval what this profile asked for in its span.
  ///
  /// - Parameters: nanoseconds of CLOCK_MONOTONIC. After `loadStop` nothing was asked for.
  func ask(_ interval: inout JournalInterval, loadStart: UInt64, loadStop: UInt64) {
    func area(_ curve: LoadCurve) -> Double {
      func until(_ instant: UInt64) -> Double { curve.area(until: max(loadStart, min(instant, loadStop)) - loadStart) }
      let area = max(0, until(interval.endNanoseconds) - until(interval.startNanoseconds))
      // What the differences of large areas lose is not written down.
      return (area * 1e6).rounded() / 1e6
    }
    let seconds = Double(max(1, interval.endNanoseconds &- min(interval.startNanoseconds, interval.endNanoseconds))) / 1e9
    switch model {
    case .open(let load): interval.askedArrivals = area(load.curve)
    case .closed(let load):
      switch load.extent {
      // They end with their iterations: how long their users are asked for is not known before.
      case .iterations, .iterationsPerUser: break
      case .duration(let nanoseconds): interval.askedUsers = area(LoadCurve(constant: Double(load.users), nanoseconds: nanoseconds)) / seconds
      case .stages(let curve): interval.askedUsers = area(curve) / seconds
      }
    }
  }
}
