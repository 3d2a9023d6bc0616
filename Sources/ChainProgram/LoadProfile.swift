package import Diagnostics

/// How iterations are started. A named entry of `load:`.
package struct LoadProfile: Sendable {
  package enum Model: Sendable {
    case closed(ClosedLoad)
    case open(OpenLoad)
  }

  package let name: String
  package let model: Model
  /// Nanoseconds at the start that are recorded as warm-up and kept out of the figures.
  package let warmUpNanoseconds: UInt64
  /// Nanoseconds that running iterations are given to finish after the last one was started.
  package let gracefulStopNanoseconds: UInt64
  /// Shares of the scenarios by their index, where the profile has a `mix:`; nil for the scenarios' own weights.
  package let mix: [Int]?
  package let range: SourceRange

  package init(
    name: String, model: Model, warmUpNanoseconds: UInt64, gracefulStopNanoseconds: UInt64, mix: [Int]? = nil, range: SourceRange
  ) {
    self.name = name
    self.model = model
    self.warmUpNanoseconds = warmUpNanoseconds
    self.gracefulStopNanoseconds = gracefulStopNanoseconds
    self.mix = mix
    self.range = range
  }
}

/// A fixed number of virtual users, each starting its next iteration when the last one has ended.
package struct ClosedLoad: Sendable {
  package enum Extent: Sendable {
    /// Iterations in all, shared by the users.
    case iterations(Int)
    /// Iterations of each user.
    case iterationsPerUser(Int)
    /// Nanoseconds.
    case duration(UInt64)
  }
  package let users: Int
  package let extent: Extent

  package init(users: Int, extent: Extent) {
    self.users = users
    self.extent = extent
  }
}

/// Iterations that arrive at a rate, whether or not the last ones have ended.
package struct OpenLoad: Sendable {
  package enum Arrivals: UInt8, Sendable {
    /// Evenly spaced.
    case constant
    /// Exponential gaps.
    case poisson
  }
  package enum Saturation: UInt8, Sendable {
    /// An arrival that finds no free user waits; its intended start stays.
    case queue
    /// It is counted as dropped.
    case drop
  }
  /// Arrivals per second.
  package let rate: Double
  /// Nanoseconds.
  package let durationNanoseconds: UInt64
  package let arrivals: Arrivals
  package let usersMax: Int
  package let onSaturation: Saturation

  package init(rate: Double, durationNanoseconds: UInt64, arrivals: Arrivals, usersMax: Int, onSaturation: Saturation) {
    self.rate = rate
    self.durationNanoseconds = durationNanoseconds
    self.arrivals = arrivals
    self.usersMax = usersMax
    self.onSaturation = onSaturation
  }
}
