import LosslessJSON
import Metrics
import Testing

@testable import Reports

/// What the reports say of session guarantees.
@Suite struct GuaranteeReportTests {
  private static let millisecond: UInt64 = 1_000_000

  /// A hop that has broken its promises, and one of which nothing could tell.
  private static func run(isRequired: Bool = true) throws -> RunRecord {
    var run = SyntheticRun(steps: 1)
    let asked = [GuaranteeInfo(.readYourWrites, isRequired: isRequired), GuaranteeInfo(.monotonicReads, isRequired: isRequired)]
    run.start.events = [
      EventInfo(name: "made", originStep: 0, hops: [HopInfo(name: "cached", guarantees: asked), HopInfo(name: "polled", guarantees: [asked[1]])])
    ]
    func histogram(_ values: [UInt64]) -> HistogramSnapshot {
      let histogram = Histogram()
      for value in values { histogram.record(value) }
      return histogram.snapshot()
    }
    var interval = SyntheticRun.interval(0, steps: 1, count: 100)
    var hop = HopInterval(event: 0, hop: 0)
    var ages = ViolationAges()
    ages.low = histogram((1...100).map { $0 * millisecond } + [5_000 * millisecond])
    ages.high = histogram((1...100).map { ($0 + 10) * millisecond })
    hop.ages[.readYourWrites] = ages
    interval.hops = [hop]
    run.add(interval)
    for id in 1...3 { run.add(JournalEventRow(event: 0, hop: 0, id: "<\(id)>", outcome: .ok, anomalies: [.readYourWrites])) }
    var violation = JournalGuarantee.Violation(id: "<7>", key: "k", version: 1, newer: 3, ageLow: 20 * millisecond, ageHigh: 30 * millisecond)
    violation.sinceAckLowNanoseconds = -2
    violation.sinceAckHighNanoseconds = 2_000
    run.add(JournalGuarantee(event: 0, hop: 0, guarantee: "monotonic_reads", longest: [violation]))
    run.add(
      JournalGuarantee(
        event: 0, hop: 0, guarantee: "read_your_writes",
        longest: [JournalGuarantee.Violation(id: "<8>", ageLow: 5_000 * millisecond, ageHigh: nil)]))
    var counts = HopCounts()
    counts.ok = 200
    counts.readYourWrites = GuaranteeCounts(violated: 98, possible: 3, held: 99)
    counts.monotonicReads = GuaranteeCounts(violated: 1, held: 50)
    var other = HopCounts()
    other.ok = 200
    run.add(JournalLedger(event: 0, counts: EventCounts(attempted: 200, committed: 200), hops: [counts, other]))
    return try run.record(exitCode: isRequired ? 4 : 0, lasting: 1)
  }

  @Test func `the terminal shows counts, ages and the longest violations`() throws {
    let text = TerminalSummary.text(of: try Self.run(), style: .plain, width: 120)
    let lines = text.split(separator: "\n").map { $0.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ") }
    #expect(lines.contains("guarantee violated possible held lasted p50 p95 longest"), "\(text)")
    #expect(lines.contains { $0.hasPrefix("read_your_writes at cached 98 3 99 51.") && $0.hasSuffix("> 5.00 s") }, "\(text)")
    #expect(lines.contains { $0.hasPrefix("monotonic_reads at polled not checkable") }, "\(text)")
    #expect(text.contains("<7> (version 1 after 3 of k) 20.0–30.0 ms") && text.contains("<8> more than 5.00 s"), "\(text)")
    #expect(text.contains("98 violations of read_your_writes at 'cached'") && text.contains("monotonic_reads at 'polled' not checkable"), "\(text)")
  }

  @Test func `what is only measured is no trouble`() throws {
    let text = TerminalSummary.text(of: try Self.run(isRequired: false), style: .plain, width: 120)
    #expect(text.contains("read_your_writes at cached (measured)") && !text.contains("violations of"), "\(text)")
    #expect(!JUnitXML.text(of: try Self.run(isRequired: false)).contains("read_your_writes"))
  }

  @Test func `summary, page and JUnit say the same, and the page shows ids as text`() throws {
    let run = try Self.run()
    let summary = try JSONDocument(parsing: SummaryJSON.text(of: run)).root
    let found = summary["events"]?["made"]?["hops"]?["cached"]?["guarantees"]
    let own = found?["read_your_writes"]
    #expect(own?["required"]?.bool == true && own?["violated"]?.integer() == 98 && own?["possible"]?.integer() == 3 && own?["held"]?.integer() == 99)
    #expect(own?["unended"]?.integer() == 1 && own?["age"]?["lo"]?["count"]?.integer() == 101 && own?["age"]?["hi"]?["count"]?.integer() == 100)
    let longest = found?["monotonic_reads"]?["longest"]?.elements.first { _ in true }
    #expect(longest?["newer"]?.integer() == 3 && longest?["age_hi_s"]?.double == 0.03 && longest?["since_ack_lo_s"]?.double == -2e-9)
    #expect(summary["events"]?["made"]?["hops"]?["polled"]?["guarantees"]?["monotonic_reads"]?["violated"]?.kind == .null)
    let page = HTMLReport.text(of: run)
    #expect(page.contains("read_your_writes at cached") && page.contains("&lt;8&gt; more than 5.00 s") && !page.contains("<8>"))
    let junit = JUnitXML.text(of: run)
    #expect(junit.contains("made at cached: read_your_writes == 0") && junit.contains("98 not to be seen by their writers"))
    #expect(junit.contains("nothing could tell as the hop was observed"))
  }
}
