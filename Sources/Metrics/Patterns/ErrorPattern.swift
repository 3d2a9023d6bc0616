/// A circumstance under which an error was much more frequent than elsewhere.
package struct ErrorPattern: Hashable, Sendable {
  package enum Circumstance: Hashable, Sendable {
    case step(String)
    /// An alternative of a control step: `of` is the step's id.
    case branch(String, of: String)
    case target(String)
    /// A row of a feed, from 0.
    case row(Int, of: String)
    /// The number of the attempt, from 1.
    case attempt(Int)
    /// Seconds since the start of the load: from, and to but not included.
    case burst(from: Int, to: Int)
  }

  package let circumstance: Circumstance
  /// Positions in ``RunRecord/failures``: the same error may come from several steps.
  package let failures: [Int]
  /// Failures under the circumstance, and all of this error that the comparison is about.
  package let hits: UInt64
  package let total: UInt64
  /// The circumstance's share of the attempts.
  package let attemptShare: Double
  /// The rate of failures under the circumstance over that elsewhere; nil where there was none elsewhere.
  package let ratio: Double?
  /// After Holm's correction over everything that was looked at in this run.
  package let pValue: Double
}
