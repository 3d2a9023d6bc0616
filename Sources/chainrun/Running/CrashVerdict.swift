import ChainRuntime
import Metrics
import Reports

/// Judges a run that could not judge itself: it was killed, or crashed, and its journal has no end record.
enum CrashVerdict {
  /// Adds the validity and the thresholds' verdicts, from what is there. Does nothing to a run that has its end.
  static func judge(_ record: inout RunRecord) {
    guard record.isCrashed else { return }
    let reach = record.seconds.last(where: { !$0.isWarmUp }).map { "the figures reach to second \($0.second + 1) of the load" }
    record.validity += Validity.judge(record, isInterrupted: true)
    record.validity.append(
      JournalValidity(
        verdict: .invalid, name: "crashed",
        detail: "the run was killed or crashed: its journal has no end; \(reach ?? "it ended before the first second of the load was over")"))
    let rules = record.start.thresholdRules
    record.thresholds = record.start.thresholds.enumerated().map { index, text in
      guard rules.indices.contains(index), let threshold = ThresholdRule.read(rules[index], text: text, of: record.start) else {
        return JournalThreshold(
          text: text, verdict: .inconclusive, observed: "not judged", detail: ThresholdRule.reason(rules.indices.contains(index) ? rules[index] : nil))
      }
      var verdict = ThresholdEvaluation.evaluate([threshold], record)[0]
      // What was lost with the crash can only add: a pass is one of the part that is left.
      let note = "judged on what was left by the crash"
      verdict.detail = verdict.detail.map { "\($0); \(note)" } ?? note
      return verdict
    }
  }
}
