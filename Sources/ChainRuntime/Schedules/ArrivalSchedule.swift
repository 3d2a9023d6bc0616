package import ChainProgram

/// When arrival *n* of an open load is intended: a pure function of (profile, seed). The executor only obeys it.
///
/// Arrivals stand on the area under the rate: constant ones where it first exceeds 0, 1, 2 …; uniform ones at a random place between two of
/// those; Poisson ones at sums of exponential gaps of mean 1. The instant of an area is computed from the start of the piece of the
/// curve that it lies in, so no error adds up. Takes the same memory for any number of arrivals, and allocates nothing for one.
package struct ArrivalSchedule: Sendable {
  private let curve: LoadCurve
  private let arrivals: OpenLoad.Arrivals
  private let count: UInt64
  private var draws: Randomness
  private var next: UInt64 = 0
  /// Where the last Poisson arrival stands.
  private var area = 0.0
  private var piece = 0
  private var last: UInt64 = 0

  package init(load: OpenLoad, seed: UInt64) {
    curve = load.curve
    arrivals = load.arrivals
    count = load.curve.count
    draws = Randomness(seed: seed, stream: 0xA441, iteration: 0)
  }

  /// How many arrivals a load has, where that is known without going through them: all but Poisson's, and those too if there are few.
  package static func count(of load: OpenLoad, seed: UInt64) -> UInt64? {
    guard load.arrivals == .poisson else { return load.curve.count }
    // 100 000 draws take a few milliseconds before the start.
    guard load.curve.area <= 100_000 else { return nil }
    var schedule = ArrivalSchedule(load: load, seed: seed)
    while schedule.nextOffset() != nil {}
    return schedule.next
  }

  /// Nanoseconds since the start of the load at which the next arrival is intended, never before the last one's; nil after the last one.
  package mutating func nextOffset() -> UInt64? {
    let place: Double
    switch arrivals {
    case .constant:
      guard next < count else { return nil }
      place = Double(next)
    case .uniform:
      guard next < count else { return nil }
      // The last unit may have less than all of its area within the load.
      place = Double(next) + draws.nextUnit() * min(1, curve.area - Double(next))
    case .poisson:
      area -= Randomness.logarithm(1 - draws.nextUnit())
      guard area < curve.area else { return nil }
      place = area
    }
    next += 1
    last = max(last, offset(ofArea: place))
    return last
  }

  /// When the area under the rate first exceeds `place`. Places must not fall from call to call.
  mutating func offset(ofArea place: Double) -> UInt64 {
    while piece + 1 < curve.pieces.count, place >= curve.areas[piece + 1] { piece += 1 }
    let current = curve.pieces[piece]
    let part = max(0, place - curve.areas[piece])
    let elapsed: Double
    if current.from == current.to {
      elapsed = part * 1e9 / current.from
    } else if part == 0 {
      elapsed = 0
    } else {
      // from t + (to - from) / (2 d) t^2 = part, solved without a difference of two numbers that are nearly the same.
      let slope = (current.to - current.from) / (Double(current.nanoseconds) / 1e9)
      elapsed = 2e9 * part / (current.from + max(0, current.from * current.from + 2 * slope * part).squareRoot())
    }
    // To the nearest nanosecond, so that what is whole comes out whole.
    let within = elapsed < Double(current.nanoseconds) ? UInt64(elapsed.rounded()) : current.nanoseconds
    return min(curve.starts[piece] + within, curve.durationNanoseconds - 1)
  }
}
