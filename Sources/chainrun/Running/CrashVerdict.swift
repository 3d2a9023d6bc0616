import ChainProgram
import ChainRuntime
import Metrics
import Reports

/// Judges a run that could not judge itself: it was killed, or crashed, or is not over yet; its journal has no end record.
struct CrashVerdict {
  /// The file that the record was read from.
  let journal: String

  /// Judges the run in a folder if it could not judge itself. Whether it still goes on is asked before the journal is read and after it: a run that
  /// ended meanwhile has its end record by then, and one that began meanwhile has its lock.
  static func conclude(_ record: inout RunRecord, _ folder: String, wasRunning: Bool) {
    let journal = folder + "/" + ResultFiles.journalName
    record.isRunning = record.end == nil && (wasRunning || JournalLock.isHeld(journal: journal))
    CrashVerdict(journal: journal).judge(&record)
  }

  /// Adds the validity and the thresholds' verdicts, from what is there. Does nothing to a run that has its end.
  func judge(_ record: inout RunRecord) {
    guard record.end == nil else { return }
    record.validity += Validity.judge(record, isInterrupted: true)
    if record.isCrashed {
      let reach = record.seconds.last(where: { !$0.isWarmUp }).map { "the figures reach to second \($0.second + 1) of the load" }
      record.validity.append(
        JournalValidity(
          verdict: .invalid, name: "crashed",
          detail: "the run was killed or crashed: its journal has no end; \(reach ?? "it ended before the first second of the load was over")"))
    }
    record.thresholds = thresholds(record)
  }

  private func thresholds(_ record: RunRecord) -> [JournalThreshold] {
    let rules = record.start.thresholdRules
    var claims: [Int: Threshold] = [:]
    for (index, text) in record.start.thresholds.enumerated() where rules.indices.contains(index) {
      claims[index] = ThresholdRule.read(rules[index], text: text, of: record.start)
    }
    let (windows, seconds) = replayed(claims, record)
    // What was lost with the crash, or is still to come, can only add: a pass is one of the part that is there.
    let difference = record.baselineDifference
    let note = record.isRunning ? "judged on what there is so far" : "judged on what was left by the crash"
    return record.start.thresholds.enumerated().map { index, text in
      if let difference, Self.isOfBaseline(text) { return ThresholdEvaluation.undecided(text, because: difference) }
      guard let claim = claims[index] else {
        return JournalThreshold(
          text: text, verdict: .inconclusive, observed: "not judged", detail: ThresholdRule.reason(rules.indices.contains(index) ? rules[index] : nil))
      }
      var verdict = windows[index] ?? ThresholdEvaluation.evaluate([claim], record)[0]
      let reach = windows[index] == nil ? note : "\(note), up to second \(seconds) of the load"
      verdict.detail = verdict.detail.map { "\($0); \(reach)" } ?? reach
      return verdict
    }
  }

  /// The rule has only what its limit came to; its author's text has the word.
  private static func isOfBaseline(_ text: String) -> Bool {
    text.split { !$0.isLetter && !$0.isNumber && $0 != "_" && $0 != "." }.contains("baseline")
  }

  /// Claims over windows, decided by the seconds that the journal has; and how many it has.
  private func replayed(_ claims: [Int: Threshold], _ record: RunRecord) -> (verdicts: [Int: JournalThreshold], seconds: Int) {
    var replay = ThresholdReplay(claims: claims, start: record.start)
    guard !replay.isEmpty else { return ([:], 0) }
    // It could be read a moment ago; if it no longer can, these claims stay undecided.
    try? JournalReader.replay(path: journal) { replay.take($0) }
    return (replay.verdicts, replay.seconds)
  }
}
