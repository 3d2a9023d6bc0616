package import History

// JUnit: a suite for the comparison or the trend, a case for each figure. Inconclusive is no failure, and says so in its output.
extension ComparisonReport {
  package static func junit(_ comparison: RunComparison) -> String {
    var cases: [JUnitCase] = comparison.metrics.map { metric in
      let text = "\(FigureText.value(metric.medianBefore, metric.unit)) -> \(FigureText.value(metric.medianAfter, metric.unit)), \(FigureText.change(metric)) (99 %: \(FigureText.interval(metric)))"
      return JUnitCase(
        name: metric.name, output: metric.missing == nil ? "\(metric.verdict.rawValue): \(text)" : FigureText.verdict(metric),
        isFailure: metric.verdict == .regressed)
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
    let failures = String(cases.count(where: \.isFailure))
    let total = String(cases.count)
    let tests = cases.map { one in
      let outcome =
        one.isFailure ? Markup.empty("failure", ["message": one.output]) : Markup.element("system-out", [:], Markup.escape(one.output))
      return Markup.element("testcase", ["classname": name, "name": one.name], outcome)
    }
    let suite = Markup.element(
      "testsuite", ["name": name, "tests": total, "failures": failures, "errors": "0", "skipped": "0"], "\n" + tests.joined(separator: "\n") + "\n")
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + Markup.element("testsuites", ["tests": total, "failures": failures], suite) + "\n"
  }
}
