package import History

extension ComparisonReport {
  /// One page with a strip for each figure: every run is a mark, so that the reader sees what the verdict rests on.
  package static func html(_ comparison: RunComparison) -> String {
    var body = "<p class=\"verdict \(comparison.verdict.rawValue.lowercased())\">\(Markup.escape(sentence(comparison)))</p>\n"
    body += "<p>\(Markup.escape(title(comparison)))</p>\n"
    for warning in comparison.warnings { body += "<p class=\"suspect\">forced: \(Markup.escape(warning.text))</p>\n" }
    body += "<table>\n<thead><tr><th scope=\"col\">figure</th><th scope=\"col\">before</th><th scope=\"col\">after</th><th scope=\"col\">change</th>"
    body += "<th scope=\"col\">99 % interval</th><th scope=\"col\">runs</th><th scope=\"col\">verdict</th></tr></thead>\n<tbody>\n"
    for metric in comparison.metrics {
      body += "<tr><th scope=\"row\">\(Markup.escape(metric.name))</th><td class=\"n\">\(FigureText.value(metric.medianBefore, metric.unit))</td>"
      body += "<td class=\"n\">\(FigureText.value(metric.medianAfter, metric.unit))</td><td class=\"n\">\(FigureText.change(metric))</td>"
      body += "<td class=\"n\">\(FigureText.interval(metric))</td><td>\(strip(metric))</td>"
      body += "<td class=\"\(metric.verdict.rawValue.lowercased())\">\(Markup.escape(FigureText.verdict(metric)))</td></tr>\n"
    }
    body += "</tbody></table>\n"
    if !comparison.consistency.isEmpty {
      body += "<h2>Wrong data, sums over the runs</h2>\n<table>\n<thead><tr><th scope=\"col\">count</th><th scope=\"col\">before</th><th scope=\"col\">after</th>"
      body += "<th scope=\"col\">verdict</th></tr></thead>\n<tbody>\n"
      for count in comparison.consistency {
        body += "<tr><th scope=\"row\">\(Markup.escape(count.name))</th><td class=\"n\">\(count.before)</td><td class=\"n\">\(count.after)</td>"
        body += "<td class=\"\(count.verdict.rawValue.lowercased())\">\(count.verdict.rawValue)</td></tr>\n"
      }
      body += "</tbody></table>\n"
    }
    return ComparisonPage.page(title: "compare: \(title(comparison))", body: body)
  }

  /// Before above, after below, on one scale.
  private static func strip(_ metric: MetricComparison) -> String {
    let all = metric.before + metric.after
    guard let low = all.min(), let high = all.max() else { return "" }
    let span = max(high - low, high * 0.02, 1e-12)
    func x(_ value: Double) -> String { Quantities.trimmed(6 + (value - low) / span * 148, decimals: 1) }
    var svg = "<svg viewBox=\"0 0 160 24\" width=\"160\" height=\"24\" role=\"img\" aria-label=\"runs before above, runs after below\">"
    for value in metric.before { svg += "<circle class=\"before\" cx=\"\(x(value))\" cy=\"7\" r=\"3\"/>" }
    for value in metric.after { svg += "<circle class=\"after\" cx=\"\(x(value))\" cy=\"17\" r=\"3\"/>" }
    return svg + "</svg>"
  }
}

extension TrendReport {
  /// One page with a plot for each figure: a mark for each run, a line for each level.
  package static func html(_ trend: RunTrend) -> String {
    let verdict: ComparisonVerdict = trend.hasRegression ? .regressed : .equivalent
    var body = "<p class=\"verdict \(verdict.rawValue.lowercased())\">\(Markup.escape(sentence(trend)))</p>\n<p>\(Markup.escape(title(trend)))</p>\n"
    for series in trend.series {
      body += "<section><h2>\(Markup.escape(series.name))</h2>\n\(plot(series, in: trend))\n<p>"
      body += series.levels.map { level in
        let from = FigureText.instant(trend.runs[series.runIndices[level.range.lowerBound]].startedAt)
        return "from \(from): \(FigureText.value(level.median, series.unit)) (\(level.range.count) run\(level.range.count == 1 ? "" : "s"))"
      }.joined(separator: "; ")
      body += "</p></section>\n"
    }
    return ComparisonPage.page(title: "trend: \(title(trend))", body: body)
  }

  private static func plot(_ series: MetricTrend, in trend: RunTrend) -> String {
    let (width, height, left, bottom) = (720.0, 160.0, 70.0, 20.0)
    let low = series.values.min() ?? 0
    let high = series.values.max() ?? 1
    let margin = max((high - low) * 0.1, high * 0.02, 1e-12)
    let (from, to) = (max(0, low - margin), high + margin)
    func x(_ index: Int) -> Double { left + (Double(index) + 0.5) / Double(max(1, series.values.count)) * (width - left - 8) }
    func y(_ value: Double) -> Double { 6 + (to - value) / (to - from) * (height - bottom - 6) }
    func n(_ value: Double) -> String { Quantities.trimmed(value, decimals: 1) }
    var svg = "<svg class=\"plot\" viewBox=\"0 0 \(n(width)) \(n(height))\" role=\"img\" aria-label=\"\(Markup.escape(series.name)) of \(series.values.count) runs\">"
    for value in [low, high] {
      svg += "<line class=\"grid\" x1=\"\(n(left))\" x2=\"\(n(width))\" y1=\"\(n(y(value)))\" y2=\"\(n(y(value)))\"/>"
      svg += "<text x=\"\(n(left - 6))\" y=\"\(n(y(value) + 4))\" text-anchor=\"end\">\(FigureText.value(value, series.unit))</text>"
      if high - low < 1e-12 { break }
    }
    for level in series.levels {
      let (a, b) = (x(level.range.lowerBound), x(level.range.upperBound - 1))
      svg += "<line class=\"level\" x1=\"\(n(a - 3))\" x2=\"\(n(b + 3))\" y1=\"\(n(y(level.median)))\" y2=\"\(n(y(level.median)))\"/>"
    }
    for (index, value) in series.values.enumerated() {
      let run = trend.runs[series.runIndices[index]]
      svg += "<circle class=\"after\" cx=\"\(n(x(index)))\" cy=\"\(n(y(value)))\" r=\"3\"><title>"
      svg += "\(FigureText.instant(run.startedAt)): \(FigureText.value(value, series.unit))</title></circle>"
    }
    if let first = trend.runs.first, let last = trend.runs.last {
      svg += "<text x=\"\(n(left))\" y=\"\(n(height - 4))\">\(FigureText.instant(first.startedAt))</text>"
      svg += "<text x=\"\(n(width - 4))\" y=\"\(n(height - 4))\" text-anchor=\"end\">\(FigureText.instant(last.startedAt))</text>"
    }
    return svg + "</svg>"
  }
}

/// The frame of the pages: no reference to anything outside, readable without scripts, light and dark.
enum ComparisonPage {
  static func page(title: String, body: String) -> String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>\(Markup.escape(title))</title>
    <style>
    :root { color-scheme: light dark; --ink: #1c2024; --faint: #60646c; --line: #d5d9de; --bad: #c62a2f; --good: #18794e; --doubt: #9a6700; --page: #fff; }
    @media (prefers-color-scheme: dark) { :root { --ink: #edeef0; --faint: #b0b4ba; --line: #43484e; --bad: #ff9592; --good: #3dd68c; --doubt: #ffca16; --page: #111113; } }
    body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 70rem; margin: 1rem auto; padding: 0 1rem; }
    h1 { font-size: 1.3rem; } h2 { font-size: 1rem; margin-bottom: .2rem; }
    table { border-collapse: collapse; display: block; overflow-x: auto; }
    th, td { text-align: left; padding: .2rem .7rem .2rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; font-weight: normal; }
    thead th { color: var(--faint); } .n { text-align: right; font-variant-numeric: tabular-nums; }
    .verdict { font-size: 1.1rem; font-weight: 600; } .regressed { color: var(--bad); font-weight: 600; } .suspect { color: var(--doubt); }
    .improved { color: var(--good); } .inconclusive { color: var(--faint); }
    svg text { font: 11px system-ui, sans-serif; fill: var(--faint); } .plot { width: 100%; max-width: 720px; height: auto; }
    .grid { stroke: var(--line); } .level { stroke: var(--doubt); stroke-width: 2; } .before { fill: var(--faint); } .after { fill: #0090ff; }
    @media print { body { max-width: none; } }
    </style>
    </head>
    <body>
    <h1>\(Markup.escape(title))</h1>
    \(body)</body>
    </html>

    """
  }
}
