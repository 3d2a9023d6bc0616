import Testing

@testable import History

/// Figures that not every run has, and shares that rise from nothing.
@Suite struct MissingFigureTests {
  /// Runs whose step takes 20 ms, give or take what no one would notice; `nil` is one with too few samples.
  private func runs(_ from: Int, _ p50: [Double?], errors: [Double?]? = nil) -> [RunFigures] {
    p50.enumerated().map { index, value in
      var metrics = [Metric("response.p50", .seconds, 0.05 + Double(index) * 1e-6)]
      if let value { metrics.append(Metric("step.charge.p50", .seconds, value + Double(index) * 1e-6)) }
      if let errors, let share = errors[index] { metrics.append(Metric("step.charge.errors", .share, share)) }
      return .synthetic(from + index, metrics)
    }
  }

  private func compare(_ before: [RunFigures], _ after: [RunFigures]) throws -> RunComparison {
    guard case .compared(let comparison) = RunComparison.compare(before: before, after: after) else { throw Refused() }
    return comparison
  }
  private struct Refused: Error {}

  private static let five: [Double?] = Array(repeating: 0.02, count: 5)

  static let lacking: [(before: [Double?], after: [Double?], missing: String)] = [
    (five, [0.02, nil, 0.02, nil, 0.02], "2 of 5 runs after have too few samples"),
    (five, [0.02, 0.02, 0.02, 0.02, nil], "1 of 5 runs after has too few samples"),
    (five, [nil, nil, nil, nil, nil], "5 of 5 runs after have too few samples"),
    ([nil, 0.02, 0.02, 0.02, 0.02], five, "1 of 5 runs before has too few samples"),
    (
      [nil, 0.02, 0.02, 0.02, 0.02], [0.02, nil, nil, 0.02, 0.02],
      "1 of 5 runs before has too few samples, 2 of 5 runs after have too few samples"
    ),
  ]

  @Test(arguments: lacking) func `a figure that some runs lack is a row that decides nothing, and the whole is not equivalent`(
    before: [Double?], after: [Double?], missing: String
  ) throws {
    let comparison = try compare(runs(0, before), runs(5, after))
    let row = try #require(comparison.metrics.first { $0.name == "step.charge.p50" })
    #expect(row.verdict == .inconclusive && row.missing == missing)
    #expect(comparison.metrics.first { $0.name == "response.p50" }?.verdict == .equivalent)
    #expect(comparison.verdict == .inconclusive)
  }

  @Test func `a figure that no run has is no row, and what all have is compared as ever`() throws {
    let none: [Double?] = Array(repeating: nil, count: 5)
    #expect(try compare(runs(0, none), runs(5, none)).metrics.map(\.name) == ["response.p50"])
    let comparison = try compare(runs(0, Self.five), runs(5, Self.five))
    #expect(comparison.metrics.map(\.verdict) == [.equivalent, .equivalent] && comparison.verdict == .equivalent)
  }

  static let shares: [(before: [Double?], after: [Double?], verdict: ComparisonVerdict)] = [
    ([0, 0, 0, 0, 0], [0, 0, 0, 0, 0], .equivalent),
    // Far below one point, and in every run.
    ([0, 0, 0, 0, 0], [0.001, 0.002, 0.001, 0.003, 0.001], .regressed),
    ([0, 0, 0, 0, 0], [0.2, 0.21, 0.2, 0.19, 0.2], .regressed),
    // One run's mishap.
    ([0, 0, 0, 0, 0], [0, 0, 0.001, 0, 0], .suspect),
    ([0, 0], [0, 0.001], .suspect),
    ([0.001, 0, 0, 0, 0], [0.001, 0.002, 0.001, 0.003, 0.001], .equivalent),
    ([0.2, 0.21, 0.2, 0.19, 0.2], [0, 0, 0, 0, 0], .improved),
    ([0, 0, 0, 0, 0], [0, nil, 0, 0, 0], .inconclusive),
  ]

  @Test(arguments: shares) func `a share of failed attempts that rises from nothing is told from one that was there`(
    before: [Double?], after: [Double?], verdict: ComparisonVerdict
  ) throws {
    func steady(_ count: Int) -> [Double?] { Array(repeating: 0.02, count: count) }
    let comparison = try compare(runs(0, steady(before.count), errors: before), runs(5, steady(after.count), errors: after))
    let row = try #require(comparison.metrics.first { $0.name == "step.charge.errors" })
    #expect(row.verdict == verdict)
    #expect(comparison.verdict.severity >= verdict.severity)
    if after.contains(nil) { #expect(row.missing == "1 of 5 runs after does not have it") }
  }
}
