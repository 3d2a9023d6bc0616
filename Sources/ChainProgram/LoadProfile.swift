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
  /// How long a user rests after an iteration that failed; nil for not at all.
  package let backoff: ErrorBackoff?
  package let range: SourceRange

  package init(
    name: String, model: Model, warmUpNanoseconds: UInt64, gracefulStopNanoseconds: UInt64, mix: [Int]? = nil, backoff: ErrorBackoff? = nil,
    range: SourceRange
  ) {
    self.name = name
    self.model = model
    self.warmUpNanoseconds = warmUpNanoseconds
    self.gracefulStopNanoseconds = gracefulStopNanoseconds
    self.mix = mix
    self.backoff = backoff
    self.range = range
  }

  /// How long iterations are started; nil if the load ends after a number of them.
  package var loadNanoseconds: UInt64? {
    switch model {
    case .open(let load): load.curve.durationNanoseconds
    case .closed(let load): load.durationNanoseconds
    }
  }

  /// Virtual users that may be needed at once.
  package var usersMax: Int {
    switch model {
    case .closed(let load): load.users
    case .open(let load): load.usersMax
    }
  }
}

/// Virtual users, each starting its next iteration when the last one has ended.
package struct ClosedLoad: Sendable {
  package enum Extent: Sendable {
    /// Iterations in all, shared by the users.
    case iterations(Int)
    /// Iterations of each user.
    case iterationsPerUser(Int)
    /// Nanoseconds.
    case duration(UInt64)
    /// The number of users over time; the load ends with it.
    case stages(LoadCurve)
  }
  /// At most, if there are stages.
  package let users: Int
  package let extent: Extent
  /// When the users start their first iterations; nil for all at once.
  package let startOffset: StartOffset?
  /// From one start of a user's iteration to the next; nil for as soon as the last one has ended.
  package let pacing: Pacing?

  package init(users: Int, extent: Extent, startOffset: StartOffset? = nil, pacing: Pacing? = nil) {
    self.users = users
    self.extent = extent
    self.startOffset = startOffset
    self.pacing = pacing
  }

  package init(stages: LoadCurve, pacing: Pacing? = nil) {
    self.init(users: Int(stages.peak.rounded()), extent: .stages(stages), pacing: pacing)
  }

  package var durationNanoseconds: UInt64? {
    switch extent {
    case .iterations, .iterationsPerUser: nil
    case .duration(let nanoseconds): nanoseconds
    case .stages(let curve): curve.durationNanoseconds
    }
  }

  /// Iterations in all, where that is known before.
  package var iterations: UInt64? {
    switch extent {
    case .iterations(let count): UInt64(count)
    case .iterationsPerUser(let count): UInt64(count) &* UInt64(users)
    case .duration, .stages: nil
    }
  }
}

/// Iterations that arrive at a rate, whether or not the last ones have ended.
package struct OpenLoad: Sendable {
  /// How the curve was written, for words about it.
  package enum Shape: Sendable, Hashable {
    case constant, stages, spike, step
    /// The file's name, and the beginning of its content's SHA-256: runs with another recording are runs of another load.
    case recorded(file: String, fingerprint: String)
  }
  package enum Arrivals: UInt8, Sendable {
    /// When the area under the rate first exceeds 0, 1, 2 …: evenly spaced at a constant rate.
    case constant
    /// Exponential gaps.
    case poisson
    /// One at a random place between two of the constant ones.
    case uniform
  }
  package enum Saturation: UInt8, Sendable {
    /// An arrival that finds no free user waits; its intended start stays.
    case queue
    /// It is counted as dropped.
    case drop
  }
  /// Arrivals per second over time; the load ends with it.
  package let curve: LoadCurve
  package let shape: Shape
  package let arrivals: Arrivals
  package let usersMax: Int
  package let onSaturation: Saturation

  package init(curve: LoadCurve, shape: Shape, arrivals: Arrivals, usersMax: Int, onSaturation: Saturation) {
    self.curve = curve
    self.shape = shape
    self.arrivals = arrivals
    self.usersMax = usersMax
    self.onSaturation = onSaturation
  }

  /// A constant rate.
  package init(rate: Double, durationNanoseconds: UInt64, arrivals: Arrivals, usersMax: Int, onSaturation: Saturation) {
    self.init(
      curve: LoadCurve(constant: rate, nanoseconds: durationNanoseconds), shape: .constant, arrivals: arrivals, usersMax: usersMax,
      onSaturation: onSaturation)
  }
}
