import LosslessJSON
import Metrics
import Testing

@testable import Reports

/// Many seconds of one reason, as people read them.
@Suite struct FoldedValidityTests {
  private func reason(_ name: String, _ from: Double, _ to: Double, _ verdict: ValidityVerdict = .degraded, share: Double) -> JournalValidity {
    JournalValidity(
      verdict: verdict, name: name, fromNanoseconds: SyntheticRun.instant(from), toNanoseconds: SyntheticRun.instant(to), detail: "\(share * 100) of it",
      measured: .init("the hypervisor took # of it", share, .share))
  }

  private func run(_ reasons: [JournalValidity]) throws -> RunRecord {
    var run = SyntheticRun(steps: 1)
    for index in 0..<30 { run.add(SyntheticRun.interval(index, steps: 1, count: 20)) }
    for reason in reasons { run.add(reason) }
    return try run.record(lasting: 30)
  }

  @Test func `the spans of one reason are one row, with the smallest and the largest figure`() throws {
    let folded = FoldedValidity.all(
      of: try run([
        reason("steal", 3, 6, share: 0.02), reason("cpu", 4, 5, share: 0.8), reason("steal", 9, 10, share: 0.045), reason("steal", 12, 15, share: 0.03),
      ]))
    #expect(folded.map(\.name) == ["steal", "cpu"])
    #expect(folded[0].when == "7 s of 30: 3–6, 9–10, 12–15 s" && folded[0].detail == "the hypervisor took 2 to 4.5 % of it")
    #expect(folded[1].when == "4.0–5.0 s" && folded[1].detail == "80.0 of it")
  }

  @Test func `what is equal is said once, and of many spans the first are named`() throws {
    let folded = FoldedValidity.all(of: try run((0..<10).map { reason("steal", Double($0) * 3, Double($0) * 3 + 1, share: 0.02) }))
    #expect(folded.count == 1 && folded[0].detail == "the hypervisor took 2 % of it")
    #expect(folded[0].when == "10 s of 30: 0–1, 3–4, 6–7, 9–10, 12–13, 15–16 s and 4 more")
  }

  @Test func `times fold as times, and reasons without a figure only where they say the same`() throws {
    func gap(_ from: Double, _ length: Double) -> JournalValidity {
      JournalValidity(
        verdict: .degraded, name: "loop-gap", fromNanoseconds: SyntheticRun.instant(from), toNanoseconds: SyntheticRun.instant(from + length), detail: "x",
        measured: .init("it stood still for #", length * 1e9, .nanoseconds))
    }
    let folded = FoldedValidity.all(
      of: try run([
        gap(2, 0.3), gap(8, 1.2), JournalValidity(verdict: .degraded, name: "clamped", detail: "one"),
        JournalValidity(verdict: .degraded, name: "clamped", detail: "two"),
      ]))
    #expect(folded.map(\.detail) == ["it stood still for 0.30–1.20 s", "one", "two"])
    #expect(folded[0].when == "1.5 s of 30: 2–2.3, 8–9.2 s")
  }

  @Test func `notes do not make a run doubtful, and stand apart`() throws {
    let noted = try run([reason("steal", 3, 6, .valid, share: 0.02), reason("steal", 9, 10, .valid, share: 0.04)])
    #expect(noted.validityVerdict == .valid)
    let text = TerminalSummary.text(of: noted, style: .plain)
    #expect(text.hasPrefix("PASS  synthetic: ") && !text.contains("validity"), "\(text)")
    #expect(text.contains("\n  the hypervisor took 2 to 4 % of it; 4 s of 30: 3–6, 9–10 s\n"), "\(text)")
    let summary = try JSONDocument(parsing: SummaryJSON.text(of: noted)).root
    #expect(summary["validity"]?["verdict"]?.string == "valid" && summary["validity"]?["reasons"]?.count == 0 && summary["validity"]?["notes"]?.count == 2)
    #expect(HTMLReport.text(of: noted).contains("<td class=\"faint\">note</td>"))
    #expect(!JUnitXML.text(of: noted).contains("<skipped"))
    #expect(TimelineChart.marks(of: noted).isEmpty)
  }

  @Test func `a run that goes on says so first, and what is on its way is no loss`() throws {
    var made = SyntheticRun(steps: 1)
    made.start.events = [EventInfo(name: "placed", originStep: 0, hops: [HopInfo(name: "cached", how: "tracking")])]
    for index in 0..<5 { made.add(SyntheticRun.interval(index, steps: 1, count: 20)) }
    var hop = HopCounts()
    hop.ok = 90
    made.add(JournalLedger(event: 0, counts: EventCounts(attempted: 102, committed: 100, rolledBack: 2), hops: [hop]).soFar(at: SyntheticRun.instant(5)))
    var run = try made.record(exitCode: nil, lasting: 5)
    #expect(run.isCrashed)
    run.isRunning = true
    #expect(!run.isCrashed)
    let text = TerminalSummary.text(of: run, style: .plain)
    #expect(text.hasPrefix("RUNNING  synthetic: still running, so far 100 iterations in 5 s\n"), "\(text)")
    #expect(
      text.contains("102 attempted = 100 committed + 2 rolled back\n") && text.contains("100 committed = 90 ok + 10 not decided yet (0 were seen so far)") && !text.contains("add up"),
      "\(text)")
    #expect(JUnitXML.text(of: run).contains("<error type=\"running\""))
    #expect(HTMLReport.text(of: run).contains("RUNNING"))
  }
}
