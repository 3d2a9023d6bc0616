internal import Metrics

/// The run in one word and one sentence.
struct RunVerdict {
  let word: String
  let tone: Tone
  let sentence: String

  init(of run: RunRecord) {
    let iterations = Quantities.count(run.iterations.arrivals, "iteration")
    let span = "\(iterations) in \(Quantities.trimmed(run.durationSeconds, decimals: 1)) s"
    let troubles = Self.troubles(of: run)
    let rest = troubles.isEmpty ? "" : "; " + troubles.joined(separator: ", ")

    if run.isRunning {
      (word, tone) = ("RUNNING", .doubtful)
      sentence = "still running, so far \(span)\(rest)"
      return
    }
    guard let end = run.end else {
      (word, tone) = ("CRASHED", .bad)
      sentence = "the journal has no end; these are the figures up to its last second: \(span)\(rest)"
      return
    }
    // The exit codes of MEASUREMENT.md, section 8.
    switch end.exitCode {
    case 0:
      (word, tone) = run.validityVerdict == .valid ? ("PASS", .good) : ("PASS", .doubtful)
      sentence = span + (troubles.isEmpty ? Self.praise(of: run) : rest)
    case 1: (word, tone, sentence) = ("FAIL", .bad, span + rest)
    case 4: (word, tone, sentence) = ("INCONSISTENT", .bad, span + rest)
    case 5: (word, tone, sentence) = ("NOT TRUSTED", .doubtful, span + rest)
    case 130, 143:
      (word, tone) = ("INTERRUPTED", .doubtful)
      sentence = "by \(end.interruptedBy ?? "a signal") after \(span)\(rest)"
    case 3: (word, tone, sentence) = ("ENVIRONMENT", .bad, "a connection or the setup failed" + rest)
    case 70: (word, tone, sentence) = ("INTERNAL ERROR", .bad, "the program's own accounts do not agree; please report it" + rest)
    default: (word, tone, sentence) = ("FAIL", .bad, "exit code \(end.exitCode), \(span)\(rest)")
    }
  }

  /// The gravest first, three at most: the sections below have the rest.
  private static func troubles(of run: RunRecord) -> [String] {
    var troubles: [String] = []
    if run.isStoppedByWriteBudget { troubles.append("stopped early, its budget of writes was used up") }
    let hops = run.events.flatMap(\.hops)
    let kinds: [(String, (HopCounts) -> UInt64)] = [
      ("lost", \.lost), ("unexpected", \.unexpected), ("seen though rolled back", \.aborted), ("with another body", { $0.mismatch ?? 0 }),
      ("delivered again", { $0.duplicate ?? 0 }), ("out of order", { $0.reordered ?? 0 }), ("gone back", { $0.regressed ?? 0 }),
      ("stale at the end", { $0.staleFinal ?? 0 }), ("missing", { $0.missing ?? 0 }), ("extra", { $0.extra ?? 0 }),
      ("unobserved", \.unobserved), ("late", \.late),
    ]
    for (name, count) in kinds {
      for hop in hops where count(hop.counts) > 0 {
        troubles.append("\(Quantities.count(count(hop.counts))) \(name) at '\(hop.info.name)'")
      }
    }
    for event in run.events {
      for hop in event.hops {
        for found in event.guarantees(of: hop) where found.isViolated || found.isUndecided {
          let name = "\(found.guarantee.rawValue) at '\(hop.info.name)'"
          troubles.append(found.isUndecided ? "\(name) not checkable" : "\(Quantities.count(found.counts?.violated ?? 0, "violation")) of \(name)")
        }
      }
    }
    let missed = run.thresholds.count { $0.verdict != .pass }
    if missed > 0 { troubles.append("\(missed) of \(Quantities.count(UInt64(run.thresholds.count), "threshold")) not met") }
    let failedChecks = run.checks.reduce(0) { $0 + $1.failed }
    if failedChecks > 0 { troubles.append(Quantities.count(failedChecks, "failed check")) }
    for (count, what) in [
      (run.iterations.failed, "failed"), (run.iterations.unknown, "with an unknown outcome"), (run.iterations.dropped, "dropped"),
    ] where count > 0 {
      troubles.append("\(Quantities.count(count, "iteration")) \(what)")
    }
    if run.validityVerdict != .valid { troubles.append("validity \(run.validityVerdict.rawValue)") }
    let shownMax = 3
    let rest = troubles.count - shownMax
    return rest > 1 ? troubles.prefix(shownMax) + ["and \(rest) more"] : troubles
  }

  private static func praise(of run: RunRecord) -> String {
    var parts = ["all completed"]
    if run.events.contains(where: { ($0.counts?.committed ?? 0) > 0 }) { parts.append("every event arrived in time") }
    if !run.thresholds.isEmpty { parts.append(Quantities.count(UInt64(run.thresholds.count), "threshold") + " met") }
    return ", " + parts.joined(separator: ", ")
  }
}
