package import Metrics

/// Whether the generator has been honest so far: the rules of ``Validity`` on the seconds that have just passed, while the run goes on.
///
/// Each rule looks at five seconds, so the last nine tell all that a further second can change; what they say is remembered by name. The run's
/// own verdict is made at its end, from the whole journal.
package struct ValidityWatch {
  private var record = RunRecord()
  private let response = Histogram()
  /// Names of reasons for doubt, in the order in which they came up.
  package private(set) var doubts: [String] = []
  private static let secondsKept = 2 * ValidityRule.windowSeconds - 1

  /// - Parameter start: The run's start record.
  package init(start: JournalStart) { record.start = start }

  /// Takes the next second of the run.
  package mutating func take(_ interval: JournalInterval) {
    guard !interval.isWarmUp else { return }
    if record.loadStartNanoseconds == 0 { record.loadStartNanoseconds = interval.startNanoseconds }
    response.add(interval.response)
    record.response = response.snapshot()
    let elapsed = interval.startNanoseconds - min(record.loadStartNanoseconds, interval.startNanoseconds)
    var second = SecondRecord(second: Int((elapsed + 500_000_000) / 1_000_000_000), isWarmUp: false, stepCount: 0)
    second.iterations = interval.iterations
    second.startDelay = interval.startDelay
    second.startDelayWaited = interval.startDelayWaited
    second.generator = interval.generator
    record.seconds.append(second)
    if record.seconds.count > Self.secondsKept { record.seconds.removeFirst() }
    // A run that goes on owes no arrivals yet, and what is invalid as a whole only the whole can tell.
    for reason in Validity.judge(record, isInterrupted: true) where reason.verdict == .degraded && !doubts.contains(reason.name) {
      doubts.append(reason.name)
    }
  }
}
