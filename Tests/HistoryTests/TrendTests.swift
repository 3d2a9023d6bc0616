import Foundation
import Testing

@testable import History

@Suite struct TrendTests {
  private func history(_ seed: UInt64, count: Int = 50, scatter: Double = 0.03, level: (Int) -> Double = { _ in 1 }) -> [Double] {
    var draws = Draws(seed)
    return (0..<count).map { log(0.020 * level($0)) + scatter * draws.normal() }
  }

  @Test func `of two hundred stable histories at most six are flagged`() {
    let flagged = (0..<200).filter { !ChangePoints.find(in: history(UInt64($0), scatter: 0.06), effectMin: log(1.05)).isEmpty }
    #expect(flagged.count <= 6)
  }

  @Test func `a step of 15 % is always found, nearly always within one run of its place`() {
    var near = 0
    for seed in 0..<100 {
      let at = 10 + seed % 30
      let found = ChangePoints.find(in: history(UInt64(1_000 + seed)) { $0 >= at ? 1.15 : 1 }, effectMin: log(1.05))
      #expect(!found.isEmpty)
      if found.contains(where: { abs($0.index - at) <= 1 }) { near += 1 }
    }
    #expect(near >= 95)
  }

  @Test func `a single outlier is no change`() {
    for seed in 0..<50 {
      let at = 5 + seed % 40
      #expect(ChangePoints.find(in: history(UInt64(2_000 + seed)) { $0 == at ? 5 : 1 }, effectMin: log(1.05)).isEmpty)
    }
  }

  @Test func `two steps are two changes, and the newest one gives the verdict`() {
    func run(_ index: Int, _ value: Double) -> RunFigures { .synthetic(index, [Metric("step.insert.p50", .seconds, value)]) }
    let values = history(5, count: 60) { $0 < 20 ? 1 : $0 < 40 ? 1.4 : 1.1 }.map { exp($0) }
    let trend = RunTrend(values.enumerated().map { run($0.offset, $0.element) }.reversed())
    #expect(trend.series.count == 1)
    #expect(trend.series[0].levels.count == 3)
    #expect(trend.series[0].newest == .improved)
    #expect(!trend.hasRegression)
    let worse = RunTrend(values.prefix(40).enumerated().map { run($0.offset, $0.element) })
    #expect(worse.series[0].newest == .regressed && worse.hasRegression)
  }

  @Test func `runs of other conditions and degraded ones are left out and counted`() {
    var runs = (0..<10).map { SyntheticSystem().run($0, seed: UInt64($0), requests: 400) }
    runs[3].validity = "degraded"
    runs[4].conditions.profileText = "open, 100/s constant, 30 s"
    runs[5].conditions.host = "another machine"
    let trend = RunTrend(runs)
    #expect(trend.runs.count == 8 && trend.leftOut == 2)
    #expect(RunTrend(runs, includesUntrusted: true).runs.count == 9)
    #expect(RunTrend([]).series.isEmpty)
  }
}
