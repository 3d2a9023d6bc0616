/// What is kept of a run for comparing it with others: who it was, and one number for each figure.
///
/// It is derived from `summary.json`, which is derived from the journal: the history is a cache that can be thrown away.
package struct RunFigures: Hashable, Sendable {
  package var runID = ""
  /// The result folder; empty for a run that another machine reported.
  package var folder = ""
  /// Seconds since 1970.
  package var startedAt: Double = 0
  package var durationSeconds: Double = 0
  package var exitCode: Int?
  package var isCrashed = false
  /// `valid`, `degraded` or `invalid`.
  package var validity = ""
  package var conditions = RunConditions()
  package var metrics: [Metric] = []
  /// Counts of what must not be, by `event.hop.kind`: lost, duplicate, mismatch and so on. What was not checkable is absent.
  package var consistency: [ConsistencyCount] = []

  package init() {}

  package func value(of name: String) -> Double? { metrics.first { $0.name == name }?.value }
}

/// What must be the same for two runs to be comparable.
package struct RunConditions: Hashable, Sendable {
  package var chain = ""
  package var chainHash = ""
  package var profile = ""
  /// The profile in words, with its rate: `open, 200/s constant, 30 s`.
  package var profileText = ""
  package var model = ""
  /// What `--var` set: `patience=2s`, by name.
  package var variables: [String] = []
  /// What `--traceparent` asked for: telling a system the trace changes its requests.
  package var traceContext = ""
  /// How each hop was observed: `order_created.cached tracking`.
  package var observation: [String] = []
  package var host = ""

  package init() {}
}

/// One figure of one run.
package struct Metric: Hashable, Sendable {
  package enum Unit: String, Sendable {
    /// Lower is better.
    case seconds
    /// Higher is better.
    case perSecond = "per_second"
    /// Lower is better.
    case share
  }

  /// `step.insert_order.p99`, `event.order_created.cached.p95`.
  package let name: String
  package let unit: Unit
  package let value: Double

  package init(_ name: String, _ unit: Unit, _ value: Double) {
    self.name = name
    self.unit = unit
    self.value = value
  }

  /// Given from so many samples only as bound it.
  package var isQuantile: Bool { [".p50", ".p95", ".p99"].contains { name.hasSuffix($0) } }

  /// The least relative change that matters: 5 % of a median or a rate, 10 % further out, where run and run differ more.
  package static func effectMin(of name: String) -> Double {
    name.hasSuffix(".p95") || name.hasSuffix(".p99") ? 0.10 : 0.05
  }
}

package struct ConsistencyCount: Hashable, Sendable {
  /// `order_created.cached.lost`
  package let name: String
  package let count: UInt64

  package init(_ name: String, _ count: UInt64) {
    self.name = name
    self.count = count
  }
}
