/// The random numbers of one iteration at one place in the chain.
///
/// A stream is a pure function of (seed, stream, iteration, step), so adding a step does not shift the draws of the others, and a run cut into
/// segments draws the same values. SplitMix64: G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators", 2014.
package struct Randomness: Sendable {
  private let base: UInt64
  private var state: UInt64

  package init(seed: UInt64, stream: UInt64, iteration: UInt64) {
    base = Randomness.mix(seed &+ Randomness.mix(stream &* 0x9E37_79B9_7F4A_7C15 &+ Randomness.mix(iteration &+ 0x632B_E59B_D9B4_E019)))
    state = base
  }

  /// Begins the draws of a step.
  package mutating func enter(step: Int) { state = Randomness.mix(base ^ (UInt64(truncatingIfNeeded: step) &+ 1) &* 0xD1B5_4A32_D192_ED03) }

  package mutating func next() -> UInt64 {
    state = state &+ 0x9E37_79B9_7F4A_7C15
    return Randomness.mix(state)
  }

  /// A number below `bound`, all equally likely: Lemire's multiplication with rejection.
  package mutating func next(below bound: UInt64) -> UInt64 {
    guard bound > 1 else { return 0 }
    var (high, low) = next().multipliedFullWidth(by: bound)
    if low < bound {
      let threshold = (0 &- bound) % bound
      while low < threshold { (high, low) = next().multipliedFullWidth(by: bound) }
    }
    return high
  }

  /// In [0, 1), with 53 random bits.
  package mutating func nextUnit() -> Double { Double(next() >> 11) * 0x1p-53 }

  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

internal import Glibc

extension Randomness {
  /// The natural logarithm, from the C library.
  static func logarithm(_ value: Double) -> Double { log(value) }
}
