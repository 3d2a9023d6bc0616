package import History
internal import LosslessJSON

/// Two sets of runs, for the terminal, a pull request and machines.
package enum ComparisonReport {
  /// - Parameter width: Columns of the terminal.
  package static func text(_ comparison: RunComparison, width: Int, style: TextStyle) -> String {
    var lines = [style.paint("compare: \(title(comparison))", .heading), ""]
    for warning in comparison.warnings { lines.append(style.paint("  forced: \(warning.text)", .doubtful)) }
    if !comparison.warnings.isEmpty { lines.append("") }
    var table = TextTable([.left, .right, .right, .right, .right, .right, .left], optionalColumn: 5)
    table.header(["figure", "before", "after", "change", "shift", "99 % interval", "verdict"])
    for metric in comparison.metrics {
      table.row([
        Cell(metric.name), Cell(FigureText.value(metric.medianBefore, metric.unit)), Cell(FigureText.value(metric.medianAfter, metric.unit)),
        Cell(FigureText.change(metric)), Cell(FigureText.shift(metric), .faint), Cell(FigureText.interval(metric), .faint),
        Cell(FigureText.verdict(metric), FigureText.tone(metric.verdict)),
      ])
    }
    lines += table.lines(width: width, style: style)
    if !comparison.consistency.isEmpty {
      lines += ["", style.paint("wrong data, sums over the runs", .heading)]
      var counts = TextTable([.left, .right, .right, .left])
      counts.header(["count", "before", "after", "verdict"])
      for count in comparison.consistency {
        counts.row([
          Cell(count.name), Cell(Quantities.count(count.before)), Cell(Quantities.count(count.after)),
          Cell(count.verdict.rawValue, FigureText.tone(count.verdict)),
        ])
      }
      lines += counts.lines(width: width, style: style)
    }
    lines += ["", style.paint(sentence(comparison), FigureText.tone(comparison.verdict))]
    return lines.joined(separator: "\n") + "\n"
  }

  /// For a pull request.
  package static func markdown(_ comparison: RunComparison) -> String {
    var lines = ["## \(comparison.verdict.rawValue): \(MarkdownSummary.escape(title(comparison)))", "", MarkdownSummary.escape(sentence(comparison)), ""]
    for warning in comparison.warnings { lines += ["> forced: \(MarkdownSummary.escape(warning.text))", ""] }
    lines += ["| figure | before | after | change | shift | 99 % interval | verdict |", "|---|--:|--:|--:|--:|--:|---|"]
    for metric in comparison.metrics {
      let verdict = metric.verdict == .regressed ? "**\(metric.verdict.rawValue)**" : FigureText.verdict(metric)
      lines.append(
        "| `\(metric.name)` | \(FigureText.value(metric.medianBefore, metric.unit)) | \(FigureText.value(metric.medianAfter, metric.unit)) "
          + "| \(FigureText.change(metric)) | \(FigureText.shift(metric)) | \(FigureText.interval(metric)) | \(verdict) |")
    }
    if !comparison.consistency.isEmpty {
      lines += ["", "| wrong data | before | after | verdict |", "|---|--:|--:|---|"]
      for count in comparison.consistency {
        lines.append("| `\(count.name)` | \(count.before) | \(count.after) | \(count.verdict.rawValue) |")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  package static func json(_ comparison: RunComparison) -> String {
    var json = JSONWriter(indentation: 2)
    json.beginObject()
    json.member("format", 1)
    json.member("verdict", comparison.verdict.rawValue)
    json.member("enough_runs", comparison.hasEnoughRuns)
    json.key("before")
    write(comparison.before, to: &json)
    json.key("after")
    write(comparison.after, to: &json)
    json.key("warnings")
    json.beginArray()
    for warning in comparison.warnings { json.string(warning.text) }
    json.endArray()
    json.key("metrics")
    json.beginArray()
    for metric in comparison.metrics {
      json.beginObject()
      json.member("name", metric.name)
      json.member("unit", metric.unit.rawValue)
      json.member("before", metric.medianBefore)
      json.member("after", metric.medianAfter)
      json.member("ratio", metric.ratio)
      json.member("ratio_low", metric.ratioInterval?.lowerBound)
      json.member("ratio_high", metric.ratioInterval?.upperBound)
      json.member("shift", metric.shift)
      json.member("p_value", metric.pValue)
      json.member("verdict", metric.verdict.rawValue)
      json.member("missing", metric.missing)
      json.endObject()
    }
    json.endArray()
    json.key("consistency")
    json.beginArray()
    for count in comparison.consistency {
      json.beginObject()
      json.member("name", count.name)
      json.member("before", count.before)
      json.member("after", count.after)
      json.member("verdict", count.verdict.rawValue)
      json.endObject()
    }
    json.endArray()
    json.endObject()
    return json.text + "\n"
  }

  private static func write(_ runs: [RunFigures], to json: inout JSONWriter) {
    json.beginArray()
    for run in runs {
      json.beginObject()
      json.member("run", run.runID)
      json.member("folder", run.folder)
      json.endObject()
    }
    json.endArray()
  }

  static func title(_ comparison: RunComparison) -> String {
    let conditions = comparison.before.first?.conditions ?? RunConditions()
    let counts = "\(Quantities.count(UInt64(comparison.before.count), "run")) before, \(comparison.after.count) after"
    return "\(conditions.chain), \(conditions.profile) (\(conditions.profileText)), \(counts)"
  }

  /// The verdict in one sentence, with what it rests on.
  static func sentence(_ comparison: RunComparison) -> String {
    func names(_ verdict: ComparisonVerdict) -> [String] {
      comparison.consistency.filter { $0.verdict == verdict }.map { "\($0.name) \($0.before) -> \($0.after)" }
        + comparison.metrics.filter { $0.verdict == verdict }.map { "\($0.name) \(FigureText.change($0))" }
    }
    func list(_ names: [String]) -> String {
      names.prefix(4).joined(separator: ", ") + (names.count > 4 ? " and \(names.count - 4) more" : "")
    }
    let verdict = comparison.verdict
    let few = comparison.hasEnoughRuns ? "" : "; \(RunComparison.runsMin) runs on each side would decide it"
    let missing = comparison.metrics.filter { $0.missing != nil }
    switch verdict {
    case .regressed: return "REGRESSED: \(list(names(.regressed)))"
    case .suspect: return "SUSPECT: \(list(names(.suspect)))\(few)"
    case .improved: return "IMPROVED: \(list(names(.improved)))"
    case .equivalent: return "EQUIVALENT: no figure changed by as much as matters"
    case .inconclusive:
      var reasons: [String] = []
      if !missing.isEmpty { reasons.append("not all runs have \(list(missing.map { "\($0.name) (\($0.missing ?? ""))" }))") }
      let scattered = comparison.metrics.filter { $0.verdict == .inconclusive && $0.missing == nil }
        .map { "\($0.name) \(FigureText.change($0))" }
      if comparison.hasEnoughRuns {
        let counts = comparison.consistency.filter { $0.verdict == .inconclusive }.map { "\($0.name) \($0.before) -> \($0.after)" }
        if !(counts + scattered).isEmpty { reasons.append("the runs scatter too much to tell \(list(counts + scattered))") }
      } else if reasons.isEmpty {
        reasons.append("nothing stands out")
      }
      return "INCONCLUSIVE: \(reasons.joined(separator: "; "))\(few)"
    }
  }
}
