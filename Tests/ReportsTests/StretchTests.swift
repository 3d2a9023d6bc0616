import Metrics
import Testing

@testable import Reports

/// Quantiles over time: each over as many seconds as bound it.
@Suite struct StretchTests {
  private func run(_ counts: [Int], warmUp: Int = 0) -> RunRecord {
    var record = RunRecord()
    for (index, count) in counts.enumerated() {
      var second = SecondRecord(second: index - warmUp, isWarmUp: index < warmUp, stepCount: 0)
      second.service = SyntheticRun.spread(UInt64(index + 1) * 1_000_000, count, 0)
      record.seconds.append(second)
    }
    return record
  }

  private func spans(_ counts: [Int], _ samples: UInt64, limit: Int = 600, warmUp: Int = 0) -> [String] {
    Stretch.all(of: run(counts, warmUp: warmUp), samples: samples, limit: limit) { [$0.service] }.map {
      "\(Int($0.from))-\(Int($0.to)): \($0.values[0].count)"
    }
  }

  @Test func `seconds are joined until they have the samples that a quantile needs`() {
    #expect(spans([100, 100, 100], 72) == ["0-1: 100", "1-2: 100", "2-3: 100"])
    #expect(spans([30, 30, 30, 30, 30, 30, 30], 72) == ["0-3: 90", "3-6: 90"], "what is left is no stretch")
    #expect(spans([10, 10], 368) == [])
    #expect(spans([], 6) == [])
  }

  @Test func `a stretch begins where something happened, and none reaches from the warm-up into the load`() {
    #expect(spans([0, 0, 50, 0, 0, 50, 50], 72) == ["2-6: 100"])
    #expect(spans([50, 50, 50, 50, 50], 72, warmUp: 1) == ["0-2: 100", "2-4: 100"])
  }

  @Test func `a long run has no more stretches than can be seen`() {
    let spans = spans(Array(repeating: 400, count: 1_800), 368, limit: 300)
    #expect((250...300).contains(spans.count) && spans[0] == "0-6: 2400")
  }

  @Test func `joined histograms are the histogram of both, whatever their digits`() {
    for (left, right) in [(3, 3), (2, 2), (3, 2)] {
      let (one, two, both) = (Histogram(digits: left), Histogram(digits: right), Histogram(digits: 3))
      for value in stride(from: UInt64(1_000), to: 9_000_000, by: 1_777) { one.record(value) }
      for value in stride(from: UInt64(50), to: 80_000_000, by: 21_001) { two.record(value) }
      both.add(one.snapshot())
      both.add(two.snapshot())
      let (joined, truth) = (one.snapshot().joined(with: two.snapshot()), both.snapshot())
      #expect(joined.count == truth.count && joined.sum == truth.sum && joined.max == truth.max && joined.min == truth.min)
      for q in [0.01, 0.5, 0.95, 0.99, 1] {
        let (mine, theirs) = (Double(joined.quantile(q) ?? 0), Double(truth.quantile(q) ?? 1))
        #expect(abs(mine - theirs) <= (left == right && left == 2 ? 0.02 : 0.002) * theirs, "\(left) \(right) \(q)")
      }
    }
    let empty = HistogramSnapshot()
    let some = SyntheticRun.spread(1_000_000, 10, 0)
    #expect(empty.joined(with: some) == some && some.joined(with: empty) == some)
  }

  @Test func `the timeline has the steps that took most of the time, and each hop between its bounds`() throws {
    var run = SyntheticRun(steps: 6)
    run.start.events = [EventInfo(name: "placed", originStep: 0, hops: [HopInfo(name: "queued"), HopInfo(name: "cached"), HopInfo(name: "never")])]
    for index in 0..<10 {
      var interval = SyntheticRun.interval(index, steps: 6, count: 80)
      for step in 0..<6 { interval.steps[step].service = SyntheticRun.spread(UInt64(step + 1) * 1_000_000, 80, index) }
      for hop in 0..<2 {
        var row = HopInterval(event: 0, hop: hop)
        // From the sixth second on the second hop takes ten times as long.
        let lag = UInt64(hop == 1 && index >= 5 ? 20_000_000 : 2_000_000)
        row.lagLow = SyntheticRun.spread(lag, 80, 0)
        row.lagHigh = SyntheticRun.spread(lag + 500_000, 80, 0)
        interval.hops.append(row)
      }
      run.add(interval)
    }
    let record = try run.record(lasting: 10)
    let panels = TimelineChart.panels(of: record, limit: 600)
    #expect(panels.map(\.title) == ["service of steps", "lag of placed"])
    #expect(panels[0].series.map(\.name) == ["step_2", "step_3", "step_4", "step_5"])
    #expect(panels[1].series.map(\.name) == ["queued", "cached"])
    let medians = panels[1].series[1].medians.map { ($0.values[1].quantile(0.5) ?? 0, $0.values[0].quantile(0.5) ?? 0) }
    #expect(medians.count == 10)
    for (index, (low, high)) in medians.enumerated() {
      let truth = index >= 5 ? 20_000_000.0 : 2_000_000
      #expect(abs(Double(low) - truth) < 0.05 * truth && abs(Double(high) - truth - 500_000) < 0.05 * truth, "second \(index): \(low) to \(high)")
    }
    let page = HTMLReport.text(of: record)
    #expect(page.contains("lag of placed") && page.contains("service of steps") && page.contains("lag of placed over time"))
  }
}
