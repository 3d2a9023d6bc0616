package import Diagnostics

/// A claim about the run that decides its exit code.
package struct Threshold: Sendable {
  /// As its author wrote it.
  package let text: String
  package let metric: Metric
  package let comparison: Comparison
  /// In the metric's unit: nanoseconds for times, a count, or a fraction. With ``isOfBaseline`` a factor of what the baseline has.
  package let limit: Double
  package let isOfBaseline: Bool
  /// Nil for a claim about the whole run that only its end decides.
  package let window: Window?
  package let range: SourceRange

  package init(
    text: String, metric: Metric, comparison: Comparison, limit: Double, isOfBaseline: Bool = false, window: Window? = nil, range: SourceRange
  ) {
    self.text = text
    self.metric = metric
    self.comparison = comparison
    self.limit = limit
    self.isOfBaseline = isOfBaseline
    self.window = window
    self.range = range
  }

  /// A claim that is checked while the load runs.
  package struct Window: Sendable, Hashable {
    /// Windows of this length follow each other from the end of the warm-up; nil for one that grows from there.
    package let overNanoseconds: UInt64?
    /// Windows in a row that must fail.
    package let failures: Int
    /// Ends the load when they have.
    package let aborts: Bool

    package init(overNanoseconds: UInt64?, failures: Int, aborts: Bool) {
      self.overNanoseconds = overNanoseconds
      self.failures = failures
      self.aborts = aborts
    }
  }

  package enum Metric: Sendable, Hashable {
    /// `p99(step.insert_order)`: the quantile (0.99) of a series of times.
    case quantile(Double, Series)
    case mean(Series)
    case minimum(Series)
    case maximum(Series)
    /// `count(event.order_created.lost)`
    case count(Count)
    /// `rate(errors)`: the count's share of the iterations (or of the events).
    case rate(Count)
  }

  package enum Series: Sendable, Hashable {
    /// A step's service time.
    case step(StepIndex)
    /// The lag of an event at a hop: two-sided, hence three-valued.
    case lag(EventIndex, hop: Int)
    /// When a hop that holds a state last changed to the right one; two-sided as well.
    case stable(EventIndex, hop: Int)
    /// How long violations of a session guarantee lasted; two-sided as well, and some have no end.
    case violation(EventIndex, hop: Int, HopGuarantees.Kind)
    /// Whole iterations.
    case response
    case service
    case startDelay
    /// `p95(measure.insert_to_replica)`: a measure's times, by its place in `Program.measures`.
    case measure(Int)
  }

  package enum Count: Sendable, Hashable {
    case errors
    case iterations
    case dropped
    case failedChecks
    case stepErrors(StepIndex)
    /// An outcome or anomaly by its name in `summary.json`; of one hop, or of all when nil.
    case outcome(EventIndex, hop: Int?, name: String)
    /// Violations of a session guarantee: certain ones, and with the possible ones; of one hop, or of all that promise it when nil.
    case violations(EventIndex, hop: Int?, HopGuarantees.Kind)
  }

  /// Outcomes and anomalies that a selector may name.
  package static let outcomeNames = [
    "ok", "late", "lost", "unobserved", "superseded", "blocked", "unexpected", "aborted", "duplicate", "reordered", "mismatch", "regressed",
    "stale_final", "missing", "extra", "foreign", "recovered", "absent", "visible_before_ack",
  ]
}
