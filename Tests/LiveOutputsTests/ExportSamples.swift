@testable import LiveOutputs
import Metrics

/// The same made-up runs as those of the screens, as metrics.
enum ExportSamples {
  static func reports(_ seconds: UInt64, hasTrouble: Bool = true) -> [RunProgress] {
    ScreenSamples.reports(.open, seconds: seconds, hasTrouble: hasTrouble)
  }

  static func plan() -> LivePlan {
    var start = ScreenSamples.start(.open)
    start.runID = "7f3a"
    start.seed = 42
    start.measures = ["order_to_cache"]
    start.checks = [CheckInfo(step: 0, text: #"note == "a\b""#)]
    start.realtimeNanoseconds = 1_785_400_000_000_000_000
    return ScreenSamples.plan(start)
  }

  static func totals(_ seconds: UInt64) -> MetricTotals {
    let totals = MetricTotals(plan: plan())
    for report in reports(seconds) { totals.take(report) }
    return totals
  }
}
