package import ChainProgram

/// The pauses of a pacing. A function of the seed and of the iteration that the pause begins with, so that a run can be repeated.
package enum Pace {
  /// Nanoseconds from this iteration's start to the user's next.
  package static func draw(_ pacing: Pacing, seed: UInt64, iteration: UInt64) -> UInt64 {
    switch pacing {
    case .constant(let nanoseconds): return nanoseconds
    case .uniform(let shortest, let longest):
      var draws = Randomness(seed: seed, stream: 0x9ACE, iteration: iteration)
      return shortest + UInt64(draws.nextUnit() * Double(longest - shortest))
    case .exponential(let mean):
      var draws = Randomness(seed: seed, stream: 0x9ACE, iteration: iteration)
      return UInt64(draws.nextExponential() * Double(mean))
    }
  }
}
