package import History

// JUnit: a suite for the comparison or the trend, a case for each figure. Inconclusive is no failure, and says so in its output.
extension ComparisonReport {
  package static func junit(_ comparison: RunComparison) -> String {
    var cases: [JUnitCase] = comparison.metrics.map { metric in
      let text = "\(FigureText.value(metric.medianBefore, metric.unit)) -> \(FigureText.value(metric.medianAfter, metric.unit)), \(FigureText.change(metric)) (99 %: \(FigureText.interval(metric)))"
      return JUnitCase(name: metric.name, output: "\(metric.verdict.rawValue): \(text)", isFailure: metric.verdict == .regressed)
    }
    cases += comparison.consistency.map { count in
      JUnitCase(name: count.name, output: "\(count.verdict.rawValue): \(count.before) -> \(count.after)", isFailure: count.verdict == .regressed)
    }
    return JUnitCase.suite("compare \(title(comparison))", cases)
  }
}

extension TrendReport {
  package static func junit(_ trend: RunTrend) -> String {
    JUnitCase.suite(
      "trend \(title(trend))",
      trend.series.map { series in
        JUnitCase(
          name: series.name, output: "\(series.newest.rawValue): level \(FigureText.value(series.levels.last?.median ?? 0, series.unit))",
          isFailure: series.newest == .regressed)
      })
  }
}

struct JUnitCase {
  let name: String
  let output: String
  let isFailure: Bool

  static func suite(_ name: String, _ cases: [JUnitCase]) -> String {
    let failures = cases.count(where: \.isFailure)
    var lines = ["<?xml version=\"1.0\" encoding=\"UTF-8\"?>"]
    lines.append("<testsuites tests=\"\(cases.count)\" failures=\"\(failures)\">")
    lines.append("  <testsuite name=\"\(escaped(name))\" tests=\"\(cases.count)\" failures=\"\(failures)\" errors=\"0\" skipped=\"0\">")
    for one in cases {
      lines.append("    <testcase classname=\"\(escaped(name))\" name=\"\(escaped(one.name))\">")
      lines.append(
        one.isFailure
          ? "      <failure message=\"\(escaped(one.output))\"></failure>" : "      <system-out>\(escaped(one.output))</system-out>")
      lines.append("    </testcase>")
    }
    lines += ["  </testsuite>", "</testsuites>"]
    return lines.joined(separator: "\n") + "\n"
  }

  private static func escaped(_ text: String) -> String { PageText.escaped(text) }
}
