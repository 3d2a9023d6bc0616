package import Metrics

/// `junit.xml`, for the build servers that show tests: a suite for the scenario, a case for each threshold, check and
/// consistency count, and one for the run itself.
package enum JUnitXML {
  private enum Outcome {
    case passed
    case failed(type: String, message: String, text: String)
    case error(type: String, message: String)
    case skipped(String)
  }

  private struct Case {
    let className: String
    let name: String
    let outcome: Outcome

    var isRed: Bool {
      switch outcome {
      case .failed, .error: true
      case .passed, .skipped: false
      }
    }
  }

  package static func text(of run: RunRecord) -> String {
    let cases = self.cases(of: run)
    func count(_ isWanted: (Outcome) -> Bool) -> String { String(cases.count { isWanted($0.outcome) }) }
    let failures = count { if case .failed = $0 { true } else { false } }
    let errors = count { if case .error = $0 { true } else { false } }
    let skipped = count { if case .skipped = $0 { true } else { false } }
    let time = Quantities.fixed(run.durationSeconds, decimals: 3)
    let total = String(cases.count)

    let properties: [(String, String)] =
      [
        ("run", run.start.runID), ("profile", run.start.profileText), ("model", run.start.model.rawValue), ("seed", String(run.start.seed)),
        ("chain_hash", run.start.chainHash), ("validity", run.validityVerdict.rawValue),
      ] + run.start.versions.map { ("version.\($0.name)", $0.value) }
    var lines = ["<?xml version=\"1.0\" encoding=\"UTF-8\"?>"]
    lines.append(
      open("testsuites", ["name": "chainrun", "tests": total, "failures": failures, "errors": errors, "skipped": skipped, "time": time]))
    lines.append(
      open(
        "testsuite",
        [
          "name": run.start.chain, "tests": total, "failures": failures, "errors": errors, "skipped": skipped, "time": time,
          "timestamp": String(Quantities.instant(realtimeNanoseconds: run.start.realtimeNanoseconds).dropLast()),
          "hostname": run.start.host.name,
        ]))
    lines.append("<properties>")
    for (name, value) in properties { lines.append(Markup.empty("property", ["name": name, "value": value])) }
    lines.append("</properties>")
    for test in cases {
      let attributes: KeyValuePairs = ["classname": "\(run.start.chain).\(test.className)", "name": test.name, "time": "0"]
      switch test.outcome {
      case .passed: lines.append(Markup.empty("testcase", attributes))
      case .failed(let type, let message, let text):
        lines.append(
          Markup.element("testcase", attributes, Markup.element("failure", ["type": type, "message": message], Markup.escape(text))))
      case .error(let type, let message):
        lines.append(Markup.element("testcase", attributes, Markup.empty("error", ["type": type, "message": message])))
      case .skipped(let reason): lines.append(Markup.element("testcase", attributes, Markup.empty("skipped", ["message": reason])))
      }
    }
    let verdict = RunVerdict(of: run)
    lines.append(Markup.element("system-out", [:], Markup.escape("\(verdict.word) \(run.start.chain): \(verdict.sentence)")))
    return (lines + ["</testsuite>", "</testsuites>"]).joined(separator: "\n") + "\n"
  }

  private static func open(_ name: String, _ attributes: KeyValuePairs<String, String>) -> String {
    String(Markup.element(name, attributes, "").dropLast(name.utf8.count + 3))
  }

  private static func cases(of run: RunRecord) -> [Case] {
    let claims =
      [generator(run)] + run.thresholds.map(threshold) + run.alerts.map { alert($0, run) } + run.checks.map { check($0, run) }
      + ConsistencyCount.all(of: run).map(consistency)
    return [theRun(run, isExplained: claims.contains { $0.isRed })] + claims
  }

  /// - Parameter isExplained: Whether another case says why the exit code is not 0. Where none does (nothing succeeded and no threshold asked, a
  ///   budget was used up), this one is it: a suite is never green for a run that said no.
  private static func theRun(_ run: RunRecord, isExplained: Bool) -> Case {
    let name = "the run came to its end"
    let verdict = RunVerdict(of: run)
    if run.isRunning { return Case(className: "run", name: name, outcome: .error(type: "running", message: verdict.sentence)) }
    guard let end = run.end else { return Case(className: "run", name: name, outcome: .error(type: "crashed", message: verdict.sentence)) }
    switch end.exitCode {
    case 0: return Case(className: "run", name: name, outcome: .passed)
    case 3, 70, 130, 143:
      return Case(className: "run", name: name, outcome: .error(type: verdict.word.lowercased(), message: verdict.sentence))
    default:
      if isExplained { return Case(className: "run", name: name, outcome: .passed) }
      let message = "\(verdict.word), exit code \(end.exitCode): \(verdict.sentence)"
      return Case(className: "run", name: name, outcome: .failed(type: verdict.word.lowercased(), message: message, text: ""))
    }
  }

  private static func generator(_ run: RunRecord) -> Case {
    let name = "the figures can be trusted"
    let reasons = FoldedValidity.all(of: run).filter { $0.verdict != .valid }
      .map { "\($0.name): \($0.detail)\($0.when.isEmpty ? "" : ", \($0.when)")" }.joined(separator: "; ")
    switch run.validityVerdict {
    case .valid: return Case(className: "run", name: name, outcome: .passed)
    // Doubtful, and no reason to fail a build.
    case .degraded: return Case(className: "run", name: name, outcome: .skipped("degraded: " + reasons))
    case .invalid: return Case(className: "run", name: name, outcome: .error(type: "invalid", message: reasons))
    }
  }

  private static func threshold(_ threshold: JournalThreshold) -> Case {
    let outcome: Outcome
    let message = "observed \(threshold.observed)"
    switch threshold.verdict {
    case .pass: outcome = .passed
    case .fail: outcome = .failed(type: "threshold", message: message, text: threshold.detail ?? "")
    case .inconclusive: outcome = .failed(type: "inconclusive", message: message, text: threshold.detail ?? "")
    }
    return Case(className: "thresholds", name: threshold.text, outcome: outcome)
  }

  /// An alert has told somebody, and decides nothing: no reason to fail a build.
  private static func alert(_ alert: AlertRecord, _ run: RunRecord) -> Case {
    let phrase = AlertPhrase(alert, of: run)
    let isQuiet = alert.firings == 0 && !alert.wasBlind
    return Case(
      className: "alerts", name: "\(alert.info.name): \(alert.info.condition)",
      outcome: isQuiet ? .passed : .skipped("\(phrase.word.lowercased()): \(phrase.detail)"))
  }

  private static func check(_ check: CheckRecord, _ run: RunRecord) -> Case {
    let name = "\(run.stepName(check.info.step) ?? ""): \(check.info.text)"
    let total = check.passed + check.failed
    let outcome: Outcome =
      total == 0
      ? .skipped("never reached")
      : check.failed == 0
        ? .passed : .failed(type: "check", message: "\(check.failed) of \(total) failed", text: "line \(check.info.line) of \(run.start.chainFile)")
    return Case(className: "checks", name: name, outcome: outcome)
  }

  private static func consistency(_ count: ConsistencyCount) -> Case {
    let name = "\(count.event) at \(count.hop): \(count.name) == 0"
    if count.isUndecided {
      let message = "nothing could tell as the hop was observed, and the chain requires it"
      return Case(className: "consistency", name: name, outcome: .failed(type: "undecided", message: message, text: ""))
    }
    guard let value = count.count else {
      return Case(className: "consistency", name: name, outcome: .skipped("not checkable with what the chain maps"))
    }
    guard value > 0 else { return Case(className: "consistency", name: name, outcome: .passed) }
    let ids = count.offenders?.ids.joined(separator: " ") ?? ""
    return Case(
      className: "consistency", name: name, outcome: .failed(type: count.name, message: "\(value) \(count.meaning)", text: ids))
  }
}
