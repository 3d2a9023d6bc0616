package import History
internal import LosslessJSON

/// The figures of one chain from run to run, for the terminal, a pull request and machines.
package enum TrendReport {
  package static func text(_ trend: RunTrend, width: Int, style: TextStyle) -> String {
    guard !trend.runs.isEmpty else { return "no runs to look at\(leftOut(trend))\n" }
    var lines = [style.paint("trend: \(title(trend))", .heading), ""]
    let plotWidth = max(8, min(40, width - 62))
    var table = TextTable([.left, .left, .right, .right, .left])
    table.header(["figure", "old to new", "newest", "level", "changes"])
    for series in trend.series {
      table.row([
        Cell(series.name), Cell(FigureText.sparkline(series.values, width: plotWidth)), Cell(FigureText.value(series.values.last ?? 0, series.unit)),
        Cell(FigureText.value(series.levels.last?.median ?? 0, series.unit)), changes(series, in: trend),
      ])
    }
    lines += table.lines(width: width, style: style)
    lines += ["", style.paint(sentence(trend), FigureText.tone(trend.hasRegression ? .regressed : .equivalent))]
    return lines.joined(separator: "\n") + "\n"
  }

  package static func markdown(_ trend: RunTrend) -> String {
    var lines = ["## Trend: \(MarkdownSummary.escape(title(trend)))", "", MarkdownSummary.escape(sentence(trend)), ""]
    lines += ["| figure | old to new | newest | level | changes |", "|---|---|--:|--:|---|"]
    for series in trend.series {
      lines.append(
        "| `\(series.name)` | \(FigureText.sparkline(series.values, width: 40)) | \(FigureText.value(series.values.last ?? 0, series.unit)) "
          + "| \(FigureText.value(series.levels.last?.median ?? 0, series.unit)) | \(changes(series, in: trend).text) |")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  package static func json(_ trend: RunTrend) -> String {
    var json = JSONWriter(indentation: 2)
    json.beginObject()
    json.member("format", 1)
    json.member("regressed", trend.hasRegression)
    json.member("left_out", trend.leftOut)
    json.key("runs")
    json.beginArray()
    for run in trend.runs {
      json.beginObject()
      json.member("run", run.runID)
      json.member("folder", run.folder)
      json.member("started_at", Quantities.instant(realtimeNanoseconds: UInt64(max(0, run.startedAt)) * 1_000_000_000))
      json.endObject()
    }
    json.endArray()
    json.key("metrics")
    json.beginArray()
    for series in trend.series {
      json.beginObject()
      json.member("name", series.name)
      json.member("unit", series.unit.rawValue)
      json.member("verdict", series.newest.rawValue)
      json.key("values")
      json.beginArray()
      for (index, value) in zip(series.runIndices, series.values) {
        json.beginArray()
        json.integer(index)
        json.double(value)
        json.endArray()
      }
      json.endArray()
      json.key("changes")
      json.beginArray()
      for (change, levels) in zip(series.changes, zip(series.levels, series.levels.dropFirst())) {
        json.beginObject()
        json.member("run", trend.runs[series.runIndices[change.index]].runID)
        json.member("before", levels.0.median)
        json.member("after", levels.1.median)
        json.member("p_value", change.pValue)
        json.endObject()
      }
      json.endArray()
      json.endObject()
    }
    json.endArray()
    json.endObject()
    return json.text + "\n"
  }

  /// The newest change in words: `+15 % at 2026-11-20 10:33`.
  private static func changes(_ series: MetricTrend, in trend: RunTrend) -> Cell {
    let texts = zip(series.changes, zip(series.levels, series.levels.dropFirst())).map { change, levels in
      let size = levels.0.median > 0 ? FigureText.relative(levels.1.median / levels.0.median) : "from nothing"
      return "\(size) at \(FigureText.instant(trend.runs[series.runIndices[change.index]].startedAt))"
    }
    return Cell(texts.reversed().joined(separator: ", "), FigureText.tone(series.newest))
  }

  static func title(_ trend: RunTrend) -> String {
    let conditions = trend.runs.last?.conditions ?? RunConditions()
    return "\(conditions.chain), \(conditions.profile) (\(conditions.profileText)), \(Quantities.count(UInt64(trend.runs.count), "run"))"
      + leftOut(trend)
  }

  private static func leftOut(_ trend: RunTrend) -> String {
    trend.leftOut == 0 ? "" : " (\(trend.leftOut) left out: not valid, or run under other conditions)"
  }

  static func sentence(_ trend: RunTrend) -> String {
    let worse = trend.series.filter { $0.newest == .regressed }.map(\.name)
    let better = trend.series.filter { $0.newest == .improved }.map(\.name)
    if !worse.isEmpty { return "REGRESSED at the last change: \(worse.joined(separator: ", "))" }
    if trend.runs.count < 2 * ChangePoints.sideMin { return "too few runs for a change to be told: \(2 * ChangePoints.sideMin) are needed" }
    return better.isEmpty ? "no change of level" : "IMPROVED at the last change: \(better.joined(separator: ", "))"
  }
}
