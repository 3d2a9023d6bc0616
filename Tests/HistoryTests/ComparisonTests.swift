import Testing

@testable import History

@Suite struct ComparisonTests {
  private func compare(_ before: [RunFigures], _ after: [RunFigures], force: Bool = false) throws -> RunComparison {
    switch RunComparison.compare(before: before, after: after, force: force) {
    case .compared(let comparison): return comparison
    case .refused(let refusals): throw Refused(refusals: refusals)
    }
  }
  private struct Refused: Error { let refusals: [ComparisonRefusal] }

  private func verdicts(_ comparison: RunComparison) -> [String: ComparisonVerdict] {
    Dictionary(uniqueKeysWithValues: comparison.metrics.map { ($0.name, $0.verdict) })
  }

  @Test func `a hundred splits of equal runs regress at most once for each figure`() throws {
    let runs = (0..<24).map { SyntheticSystem(runScatter: 0.03).run($0, seed: UInt64($0)) }
    var regressed: [String: Int] = [:]
    var generator = SeededGenerator(seed: 7)
    for _ in 0..<100 {
      let shuffled = runs.shuffled(using: &generator)
      for (name, verdict) in verdicts(try compare(Array(shuffled[0..<5]), Array(shuffled[5..<10]))) where verdict == .regressed {
        regressed[name, default: 0] += 1
      }
    }
    #expect(regressed.values.allSatisfy { $0 <= 1 })
  }

  @Test func `a step slowed from 20 to 24 ms is found every time, with its shift`() throws {
    var covered = 0
    for round in 0..<20 {
      let before = (0..<5).map { SyntheticSystem(runScatter: 0.004).run($0, seed: UInt64(round * 100 + $0)) }
      let after = (0..<5).map { SyntheticSystem(milliseconds: 24, runScatter: 0.004).run(5 + $0, seed: UInt64(round * 100 + 50 + $0)) }
      let comparison = try compare(before, after)
      let metric = try #require(comparison.metrics.first { $0.name == "step.insert.p50" })
      #expect(metric.verdict == .regressed)
      let shift = try #require(metric.shift)
      #expect(shift > 0.0038 && shift < 0.0044)
      if try #require(metric.ratioInterval).contains(1.2) { covered += 1 }
      #expect(comparison.verdict == .regressed)
    }
    // A 99 % interval misses one time in a hundred.
    #expect(covered >= 19)
  }

  @Test func `a slow share moves p99 and leaves p50 where it was`() throws {
    let before = (0..<8).map { SyntheticSystem().run($0, seed: UInt64($0)) }
    let after = (0..<8).map { SyntheticSystem(slowShare: 0.02).run(8 + $0, seed: UInt64(100 + $0)) }
    let verdicts = verdicts(try compare(before, after))
    #expect(verdicts["step.insert.p99"] == .regressed)
    #expect(verdicts["step.insert.p50"] == .equivalent)
  }

  @Test func `what gets faster improves`() throws {
    let before = (0..<5).map { SyntheticSystem(milliseconds: 24).run($0, seed: UInt64($0)) }
    let after = (0..<5).map { SyntheticSystem().run(5 + $0, seed: UInt64(50 + $0)) }
    #expect(verdicts(try compare(before, after))["step.insert.p50"] == .improved)
  }

  @Test(arguments: [1, 2, 4]) func `fewer than five runs are at most suspect`(count: Int) throws {
    let before = (0..<count).map { SyntheticSystem().run($0, seed: UInt64($0)) }
    let after = (0..<count).map { SyntheticSystem(milliseconds: 60).run(5 + $0, seed: UInt64(50 + $0)) }
    let comparison = try compare(before, after)
    #expect(comparison.verdict == .suspect)
    #expect(comparison.metrics.allSatisfy { $0.verdict == .suspect })
    #expect(!comparison.hasEnoughRuns)
  }

  @Test func `a count of wrong data that rises from nothing is a regression, even of one run`() throws {
    let before = RunFigures.synthetic(0, [], consistency: [ConsistencyCount("order_created.cached.lost", 0)])
    let after = RunFigures.synthetic(1, [], consistency: [ConsistencyCount("order_created.cached.lost", 1)])
    let comparison = try compare([before], [after])
    #expect(comparison.consistency.map(\.verdict) == [.regressed])
    #expect(comparison.verdict == .regressed)
    #expect(try compare([after], [before]).consistency.map(\.verdict) == [.improved])
  }

  @Test func `runs of different things are refused, whether forced or not`() {
    let run = SyntheticSystem().run(0, seed: 1)
    var other = SyntheticSystem().run(1, seed: 2)
    for change: (inout RunConditions) -> Void in [
      { $0.chain = "another" }, { $0.chainHash = "def" },
      { $0.variables = ["patience=2s"] }, { $0.traceContext = "sql" }, { $0.profileText = "open, 400/s constant, 30 s" }, { $0.observation = ["order_created.cached poll"] },
    ] {
      other.conditions = run.conditions
      change(&other.conditions)
      guard case .refused(let refusals) = RunComparison.compare(before: [run], after: [other], force: true) else {
        Issue.record("compared")
        continue
      }
      #expect(refusals.map(\.reason) == [.different])
    }
  }

  @Test func `runs that do not trust themselves are compared only when forced`() throws {
    let run = SyntheticSystem().run(0, seed: 1)
    var degraded = SyntheticSystem().run(1, seed: 2)
    degraded.validity = "degraded"
    guard case .refused(let refusals) = RunComparison.compare(before: [run], after: [degraded]) else {
      Issue.record("compared")
      return
    }
    #expect(refusals.map(\.text) == ["run 'run-1' is degraded"])
    #expect(try compare([run], [degraded], force: true).warnings == refusals)
  }
}
