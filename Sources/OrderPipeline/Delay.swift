import Foundation

/// How long an event is kept before it goes on: `50ms` (always), `exp:50ms` (exponential with this mean) or `10ms..90ms` (uniform).
enum Delay: Sendable, Equatable {
  /// All in nanoseconds.
  case constant(UInt64)
  case exponential(mean: UInt64)
  case uniform(from: UInt64, to: UInt64)

  init(_ text: String) throws {
    if text.hasPrefix("exp:") {
      self = .exponential(mean: try Delay.nanoseconds(String(text.dropFirst(4))))
    } else if let dots = text.range(of: "..") {
      let (from, to) = (try Delay.nanoseconds(String(text[..<dots.lowerBound])), try Delay.nanoseconds(String(text[dots.upperBound...])))
      guard from <= to else { throw PipelineError("'\(text)' ends before it begins") }
      self = .uniform(from: from, to: to)
    } else {
      self = .constant(try Delay.nanoseconds(text))
    }
  }

  /// Nanoseconds; the same for the same event and seed. An exponential delay ends at twenty times its mean.
  ///
  /// - Parameter stream: One number for each place that delays, so that they do not delay alike.
  func nanoseconds(for id: Int64, seed: UInt64, stream: UInt64) -> UInt64 {
    var random = SeededRandom(seed: seed ^ UInt64(bitPattern: id), stream: stream)
    switch self {
    case .constant(let delay): return delay
    case .exponential(let mean): return UInt64(min(-log(random.nextFraction()), 20) * Double(mean))
    case .uniform(let from, let to): return from + (to > from ? random.next(below: to - from + 1) : 0)
    }
  }

  /// `250us`, `50ms` or `2s`.
  static func nanoseconds(_ text: String) throws -> UInt64 {
    for (unit, factor) in [("us", 1e3), ("ms", 1e6), ("s", 1e9)] where text.hasSuffix(unit) {
      if let number = Double(text.dropLast(unit.count)), number >= 0, number * factor <= 3.6e12 { return UInt64(number * factor) }
      break
    }
    throw PipelineError("'\(text)' is not a time such as 250us, 50ms or 2s")
  }
}

/// Nanoseconds of CLOCK_MONOTONIC.
func monotonicNow() -> UInt64 { clock(CLOCK_MONOTONIC) }

/// Nanoseconds since 1970.
func realtimeNow() -> UInt64 { clock(CLOCK_REALTIME) }

private func clock(_ id: clockid_t) -> UInt64 {
  var time = timespec()
  clock_gettime(id, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
