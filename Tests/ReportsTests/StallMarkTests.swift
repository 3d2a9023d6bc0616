import Metrics
import Testing

@testable import Reports

/// What is marked on the timeline where a target stood still.
@Suite struct StallMarkTests {
  private func marks(_ run: SyntheticRun, lasting seconds: Int) throws -> [TimelineChart.Mark] {
    TimelineChart.marks(of: try run.record(lasting: seconds)).filter { $0.kind == .stall || $0.kind == .exhausted }
  }

  @Test func `a second in which a step was far slower than usual is marked, also where no server was asked`() throws {
    var run = SyntheticRun(steps: 1)
    for second in 0..<12 { run.add(SyntheticRun.interval(second, steps: 1, count: 50, center: second == 7 ? 400_000_000 : 2_000_000)) }
    let found = try marks(run, lasting: 12)
    #expect(found.map(\.kind) == [.stall])
    // What ended late ran before: the mark begins when the slowest of the second began.
    #expect(found.first.map { $0.from <= 7 && $0.from >= 3 && $0.to == 8 } == true, "\(found)")
    #expect(found.first?.text.hasPrefix("'step_0' took up to ") == true)
  }

  @Test func `an even run has no such mark`() throws {
    var run = SyntheticRun(steps: 2)
    for second in 0..<12 { run.add(SyntheticRun.interval(second, steps: 2, count: 50)) }
    #expect(try marks(run, lasting: 12).isEmpty)
  }
}
