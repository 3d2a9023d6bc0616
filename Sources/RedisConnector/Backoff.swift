/// How long to wait before the next attempt: 50 ms, doubled each time up to 2 s, each between half and one and a half of that.
struct Backoff {
  private var nanoseconds: UInt64 = 50_000_000
  private var random: SmallRandom

  init(seed: UInt64) { random = SmallRandom(seed: seed) }

  mutating func next() -> UInt64 {
    defer { nanoseconds = min(nanoseconds * 2, 2_000_000_000) }
    return random.jittered(nanoseconds)
  }

  mutating func reset() { nanoseconds = 50_000_000 }
}

/// SplitMix64 (Steele, Lea, Flood 2014): for jitter, where nothing depends on the quality and a system call would be dear.
struct SmallRandom {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// Between half of `nanoseconds` and one and a half.
  mutating func jittered(_ nanoseconds: UInt64) -> UInt64 {
    nanoseconds / 2 + next() % max(nanoseconds, 1)
  }
}
