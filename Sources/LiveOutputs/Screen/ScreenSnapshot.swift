package import Metrics

/// Everything that a screen shows, as plain values: what is drawn is a function of this, a size and a style.
package struct ScreenSnapshot: Sendable {
  package struct Times: Sendable {
    package var p50: UInt64?
    package var p95: UInt64?
    package var p99: UInt64?
    package var max: UInt64?
    package var count: UInt64 = 0

    package init() {}

    init(_ values: HistogramSnapshot) {
      p50 = values.estimableQuantile(0.5)
      p95 = values.estimableQuantile(0.95)
      p99 = values.estimableQuantile(0.99)
      max = values.maxNanoseconds
      count = values.count
    }

    init(_ values: Histogram) {
      p50 = values.estimableQuantile(0.5)
      p95 = values.estimableQuantile(0.95)
      p99 = values.estimableQuantile(0.99)
      max = values.maxNanoseconds
      count = values.count
    }
  }

  /// Per second, in the last one.
  package struct Rates: Sendable {
    package var asked: Double?
    package var arrived: Double
    package var done: Double
  }

  package struct Step: Sendable {
    package var name: String
    package var perSecond: Double
    /// Failed or of unknown outcome, so far.
    package var failed: UInt64
    package var lastSecond: Times
    package var soFar: Times
  }

  /// The bounds of a lag.
  package struct Lag: Sendable {
    package var low = Times()
    package var high = Times()
  }

  package struct Hop: Sendable {
    package var name: String
    package var progress: HopProgress?
    package var lastSecond: Lag
    package var soFar: Lag
  }

  package struct Event: Sendable {
    package var name: String
    package var counts: EventCounts
    package var hops: [Hop]
  }

  package struct ErrorKind: Sendable {
    package var count: UInt64
    package var step: String?
    package var errorClass: String
    package var code: String
    package var message: String
  }

  package struct Generator: Sendable {
    /// Of what affinity and cgroup allow: in the last second, and so far.
    package var cpuShare = 0.0
    package var cpuShareSoFar = 0.0
    package var cpus = 0.0
    /// p99 of the 10 ms heartbeat's lateness, and the longest standstill, so far.
    package var latenessHigh: UInt64?
    package var longestGapNanoseconds: UInt64 = 0
    package var stealShare = 0.0
  }

  package struct Pool: Sendable {
    package var progress: PoolProgress
    /// p99 of the wait in the last second; the longest where there are too few.
    package var waitHigh: UInt64?
  }

  /// A value for each second, oldest first, of the last two minutes.
  package struct History: Sendable {
    package private(set) var done: [Double] = []
    package private(set) var p95: [Double] = []
    package private(set) var busy: [Double] = []
    package private(set) var errors: [Double] = []
    private static let length = 120

    package init() {}

    package mutating func append(done: Double, p95: Double, busy: Double, errors: Double) {
      if self.done.count == Self.length {
        self.done.removeFirst()
        self.p95.removeFirst()
        self.busy.removeFirst()
        self.errors.removeFirst()
      }
      self.done.append(done)
      self.p95.append(p95)
      self.busy.append(busy)
      self.errors.append(errors)
    }
  }

  package var plan: LivePlan
  package var progress: RunProgress
  package var rates: Rates?
  package var lastSecond = Times()
  package var soFar = Times()
  package var steps: [Step] = []
  package var events: [Event] = []
  /// The most frequent first.
  package var errors: [ErrorKind] = []
  package var errorsTotal: UInt64 = 0
  package var generator = Generator()
  package var pools: [Pool] = []
  package var history = History()
  /// Names of the reasons to doubt the generator so far; nil where nobody judges it.
  package var doubts: [String]?

  package init(plan: LivePlan, progress: RunProgress) {
    self.plan = plan
    self.progress = progress
  }

  /// Counts by class, the most frequent first.
  var errorClasses: [(name: String, count: UInt64)] {
    var order: [String] = []
    var counts: [String: UInt64] = [:]
    for error in errors {
      if counts[error.errorClass] == nil { order.append(error.errorClass) }
      counts[error.errorClass, default: 0] += error.count
    }
    return order.map { ($0, counts[$0] ?? 0) }.sorted { $0.1 > $1.1 }
  }
}
