package import Metrics

/// A summary that fits into a pull request: the verdict, and only the tables that say something.
package enum MarkdownSummary {
  private static let rowsMax = 12

  package static func text(of run: RunRecord) -> String {
    let verdict = RunVerdict(of: run)
    let sections = [
      ["### \(mark(verdict.tone)) \(verdict.word): \(escape(run.start.chain))", "", escape(verdict.sentence)],
      facts(run), thresholds(run), alerts(run), times(run), events(run), checks(run), errors(run), validity(run), outputs(run),
    ]
    return sections.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n"
  }

  private static func facts(_ run: RunRecord) -> [String] {
    var facts = [escape(run.start.profileText), "started \(Quantities.instant(realtimeNanoseconds: run.start.realtimeNanoseconds))"]
    facts.append("seed \(run.start.seed)")
    if !run.start.chainHash.isEmpty { facts.append("chain `\(run.start.chainHash.prefix(8))`") }
    facts += run.start.versions.prefix(4).map { "\(escape($0.name)) \(escape($0.value))" }
    return ["<sub>" + facts.filter { !$0.isEmpty }.joined(separator: " · ") + "</sub>"]
  }

  private static func thresholds(_ run: RunRecord) -> [String] {
    guard !run.thresholds.isEmpty else { return [] }
    return table(
      ["", "threshold", "observed", ""],
      run.thresholds.map { threshold in
        let word: String
        switch threshold.verdict {
        case .pass: word = "\(mark(.good)) pass"
        case .fail: word = "\(mark(.bad)) **fail**"
        case .inconclusive: word = "\(mark(.doubtful)) undecided"
        }
        return [word, escape(threshold.text), escape(threshold.observed), escape(threshold.detail ?? "")]
      })
  }

  /// Those that fired, could not be decided, or reached nobody: the others are no news.
  private static func alerts(_ run: RunRecord) -> [String] {
    let rows = run.alerts.compactMap { alert -> [String]? in
      let phrase = AlertPhrase(alert, of: run)
      guard alert.firings > 0 || alert.wasBlind || phrase.trouble != nil else { return nil }
      let details = [phrase.detail, phrase.trouble ?? ""].filter { !$0.isEmpty }
      return ["\(mark(phrase.tone)) \(phrase.word)", escape(alert.info.name), escape(alert.info.condition), escape(details.joined(separator: "; "))]
    }
    return rows.isEmpty ? [] : table(["", "alert", "when", ""], rows)
  }

  private static func times(_ run: RunRecord) -> [String] {
    var rows: [[String]] = []
    func row(_ name: String, _ count: UInt64, _ bad: UInt64, _ values: HistogramSnapshot) {
      func cell(_ q: Double) -> String { values.estimableQuantile(q).map(Quantities.duration) ?? "–" }
      rows.append([name, Quantities.count(count), bad > 0 ? "**\(Quantities.count(bad))**" : "0", cell(0.5), cell(0.95), cell(0.99)])
    }
    let bad = run.iterations.failed + run.iterations.unknown
    if !run.response.isEmpty { row("**response**", run.iterations.arrivals, bad, run.response) }
    if !run.service.isEmpty { row("**service**", run.iterations.started, bad, run.service) }
    for step in run.steps where step.count > 0 { row(escape(step.info.id), step.count, step.failed + step.unknown, step.service) }
    for measure in run.measures where !measure.values.isEmpty { row(escape(measure.name), measure.values.count, 0, measure.values) }
    guard !rows.isEmpty else { return [] }
    return table(["time", "count", "failed", "p50", "p95", "p99"], rows, rightFrom: 1, max: 30)
  }

  private static func events(_ run: RunRecord) -> [String] {
    let rows = run.events.flatMap { event in
      event.hops.map { hop -> [String] in
        func interval(_ q: Double) -> String {
          guard let high = hop.lagHigh.estimableQuantile(q) else { return "–" }
          return Quantities.interval(min(hop.lagLow.quantile(q) ?? 0, high), high)
        }
        let wrong = ConsistencyCount.all(of: run).filter { $0.event == event.info.name && $0.hop == hop.info.name }
          .compactMap { count in (count.count ?? 0) > 0 ? "**\(Quantities.count(count.count ?? 0)) \(escape(count.name))**" : nil }
        return [
          "\(escape(event.info.name)) → \(escape(hop.info.name))", event.counts.map { Quantities.count($0.committed) } ?? "–",
          Quantities.count(hop.counts.ok), Quantities.count(hop.counts.late), Quantities.count(hop.counts.unobserved),
          wrong.isEmpty ? "–" : wrong.joined(separator: ", "), interval(0.5), interval(0.99),
        ]
      }
    }
    guard !rows.isEmpty else { return [] }
    return table(["event", "committed", "ok", "late", "unobserved", "wrong", "lag p50", "lag p99"], rows, rightFrom: 1)
  }

  private static func checks(_ run: RunRecord) -> [String] {
    let failing = run.checks.filter { $0.failed > 0 }
    guard !failing.isEmpty else { return [] }
    return table(
      ["failed", "passed", "step", "check"],
      failing.map {
        ["**\(Quantities.count($0.failed))**", Quantities.count($0.passed), escape(run.stepName($0.info.step) ?? ""), escape($0.info.text)]
      })
  }

  private static func errors(_ run: RunRecord) -> [String] {
    guard !run.failures.isEmpty else { return [] }
    return table(
      ["errors", "step", "what"],
      run.failures.map {
        [Quantities.count($0.count), escape(run.stepName($0.fingerprint.step) ?? "–"), escape($0.fingerprint.phrase)]
      }) + (run.patterns.isEmpty ? [] : ["", "What they have in common:"])
      + run.patterns.prefix(rowsMax).map { pattern in
        let failure = pattern.failures.first.map { run.failures[$0] }
        return "- \(escape(failure?.fingerprint.phrase ?? "")): **\(escape(pattern.phrase))**"
      }
  }

  private static func validity(_ run: RunRecord) -> [String] {
    let reasons = FoldedValidity.all(of: run)
    guard !reasons.isEmpty else { return [] }
    return ["Validity **\(run.validityVerdict.rawValue)**:"]
      + reasons.map { "- \(escape($0.name))\($0.when.isEmpty ? "" : " (\(escape($0.when)))"): \(escape($0.detail))" }
  }

  private static func outputs(_ run: RunRecord) -> [String] {
    run.outputs.compactMap { output in output.loss.map { "- live output \(escape(output.name.rawValue)): \(escape($0))" } }
  }

  // Markdown

  private static func mark(_ tone: Tone) -> String {
    switch tone {
    case .good: "✅"
    case .doubtful: "⚠️"
    case .bad: "❌"
    case .plain, .heading, .faint: "·"
    }
  }

  private static func table(_ header: [String], _ rows: [[String]], rightFrom: Int = .max, max: Int = rowsMax) -> [String] {
    func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }
    let rule = header.indices.map { $0 >= rightFrom ? "---:" : "---" }
    let more = rows.count > max ? ["", "and \(rows.count - max) more"] : []
    return [line(header), line(rule)] + rows.prefix(max).map(line) + more
  }

  /// What others wrote, as text and nothing else: no markup of HTML or Markdown, no mention, on one line.
  static func escape(_ text: String) -> String {
    var escaped = ""
    for scalar in Markup.escape(text).unicodeScalars {
      switch scalar {
      case "\n", "\r", "\t": escaped += " "
      case "|", "\\", "`", "*", "_", "[", "]", "~": escaped += "\\\(scalar)"
      case "@": escaped += "@\u{200B}"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
