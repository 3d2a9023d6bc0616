/// When the users of a closed load start their first iterations, so that they are not in phase.
package struct StartOffset: Sendable, Hashable {
  package enum Spread: UInt8, Sendable {
    /// User i of n after i / n of the time.
    case even
    /// Each after a random part of it.
    case random
  }
  package let nanoseconds: UInt64
  package let spread: Spread

  package init(nanoseconds: UInt64, spread: Spread) {
    self.nanoseconds = nanoseconds
    self.spread = spread
  }

  /// Nanoseconds after the load's start.
  ///
  /// - Parameter unit: A random number in [0, 1).
  package func offset(user: Int, of users: Int, unit: Double) -> UInt64 {
    switch spread {
    case .even: UInt64(Double(nanoseconds) * (Double(user) / Double(max(1, users))))
    case .random: UInt64(Double(nanoseconds) * unit)
    }
  }
}

/// How long it is from one start of a user's iteration to the next, at least.
package enum Pacing: Sendable, Hashable {
  /// Nanoseconds.
  case constant(UInt64)
  /// Between the two, all equally likely.
  case uniform(UInt64, UInt64)
  /// The mean.
  case exponential(UInt64)

  package var meanNanoseconds: UInt64 {
    switch self {
    case .constant(let nanoseconds), .exponential(let nanoseconds): nanoseconds
    case .uniform(let shortest, let longest): shortest / 2 + longest / 2
    }
  }
}

/// How long a virtual user rests after an iteration that failed or whose outcome is unknown, before it takes its next one.
package struct ErrorBackoff: Sendable, Hashable {
  package let startNanoseconds: UInt64
  /// How much each pause grows while iterations of the user fail one after the other; 1 for pauses that are all alike.
  package let factor: Double
  package let maxNanoseconds: UInt64
  /// The part of a pause, from 0 to 1, of which a random share is taken away, so that users who failed together do not come back together.
  package let jitter: Double

  package init(startNanoseconds: UInt64, factor: Double, maxNanoseconds: UInt64, jitter: Double) {
    self.startNanoseconds = startNanoseconds
    self.factor = factor
    self.maxNanoseconds = maxNanoseconds
    self.jitter = jitter
  }

  /// Nanoseconds; between 1 - jitter and 1 of min(max, start * factor ^ (failures - 1)).
  ///
  /// - Parameters:
  ///   - failures: The user's failed iterations in a row, this one included.
  ///   - unit: A random number in [0, 1).
  package func pause(failures: Int, unit: Double) -> UInt64 {
    var pause = Double(startNanoseconds)
    for _ in 1..<max(1, min(failures, 64)) { pause = min(pause * factor, Double(maxNanoseconds)) }
    return UInt64(min(pause, Double(maxNanoseconds)) * (1 - jitter * unit))
  }
}
