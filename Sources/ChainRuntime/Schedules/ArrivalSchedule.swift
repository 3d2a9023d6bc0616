package import ChainProgram

/// When arrival *n* of an open load is intended: a pure function of (profile, seed). The executor only obeys it.
package struct ArrivalSchedule: Sendable {
  private let rate: Double
  private let durationNanoseconds: UInt64
  private let arrivals: OpenLoad.Arrivals
  private var draws: Randomness
  private var next: UInt64 = 0
  private var elapsed = 0.0

  package init(load: OpenLoad, seed: UInt64) {
    rate = load.rate
    durationNanoseconds = load.durationNanoseconds
    arrivals = load.arrivals
    draws = Randomness(seed: seed, stream: 0xA441, iteration: 0)
  }

  /// How many arrivals an evenly spaced load has: one at 0, and then one in each period that begins before the end.
  ///
  /// 200/s for 30 s are exactly 6 000: computed in one rounding, so that no error adds up.
  package static func evenCount(rate: Double, durationNanoseconds: UInt64) -> UInt64 {
    let exact = rate * Double(durationNanoseconds) / 1e9
    // The three roundings above add up to less than 4e-16 of the value: what is a whole number but for them is not rounded up.
    return UInt64((exact - exact * 1e-15).rounded(.up))
  }

  /// Nanoseconds since the start of the load at which the next arrival is intended; nil after the last one.
  package mutating func nextOffset() -> UInt64? {
    switch arrivals {
    case .constant:
      guard next < ArrivalSchedule.evenCount(rate: rate, durationNanoseconds: durationNanoseconds) else { return nil }
      defer { next += 1 }
      // From n, not by adding periods: the error stays below a nanosecond for ever.
      return UInt64(Double(next) * 1e9 / rate)
    case .poisson:
      // Gaps of a Poisson process are exponential: -ln(1 - u) / rate.
      elapsed -= Randomness.logarithm(1 - draws.nextUnit()) / rate * 1e9
      guard elapsed < Double(durationNanoseconds) else { return nil }
      next += 1
      return UInt64(elapsed)
    }
  }
}
