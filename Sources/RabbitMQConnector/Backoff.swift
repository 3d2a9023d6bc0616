/// Delays between attempts to reconnect: 50 ms, doubling to 2 s, each jittered by half.
struct Backoff {
  private var attempt: UInt64 = 0
  private var jitter = JitterSource()

  /// Nanoseconds until the next attempt.
  mutating func nextDelay() -> UInt64 {
    let full: UInt64 = min(50_000_000 << min(attempt, 6), 2_000_000_000)
    attempt += 1
    return jitter.next(from: full / 2, to: full)
  }

  mutating func reset() { attempt = 0 }
}

/// Cheap random numbers for jitter (xorshift64*, Vigna 2016): the system's generator is a system call each.
struct JitterSource {
  private var state = UInt64.random(in: 1...UInt64.max)

  mutating func next(from low: UInt64, to high: UInt64) -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return low + (state &* 0x2545_F491_4F6C_DD1D) % (high - low + 1)
  }
}
