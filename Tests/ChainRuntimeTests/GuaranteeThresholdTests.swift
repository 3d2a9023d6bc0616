import ChainProgram
import Metrics
import Testing

@testable import ChainRuntime

/// Claims about session guarantees are decided by bounds.
@Suite struct GuaranteeThresholdTests {
  private func record(_ counts: GuaranteeCounts?, low: [UInt64] = [], high: [UInt64] = [], committed: UInt64 = 100) -> RunRecord {
    func histogram(_ values: [UInt64]) -> HistogramSnapshot {
      let histogram = Histogram()
      for value in values { histogram.record(value) }
      return histogram.snapshot()
    }
    var record = RunRecord()
    let info = HopInfo(name: "cache", guarantees: [GuaranteeInfo(.readYourWrites, isRequired: true)])
    record.events = [EventRecord(info: EventInfo(name: "made", hops: [info, HopInfo(name: "other")]))]
    record.events[0].counts = EventCounts(attempted: committed, committed: committed)
    record.events[0].hops[0].counts.readYourWrites = counts
    var ages = ViolationAges()
    ages.low = histogram(low)
    ages.high = histogram(high)
    record.events[0].hops[0].ages[.readYourWrites] = ages
    return record
  }

  private func verdict(_ metric: Threshold.Metric, _ comparison: Comparison, _ limit: Double, _ record: RunRecord) -> JournalThreshold {
    ThresholdEvaluation.evaluate([Threshold(text: "t", metric: metric, comparison: comparison, limit: limit, range: nowhere)], record)[0]
  }

  private let count = Threshold.Metric.count(.violations(EventIndex(0), hop: 0, .readYourWrites))
  private func age(_ q: Double) -> Threshold.Metric { .quantile(q, .violation(EventIndex(0), hop: 0, .readYourWrites)) }
  private let longest = Threshold.Metric.maximum(.violation(EventIndex(0), hop: 0, .readYourWrites))

  @Test func `certain violations fail a count, possible ones leave it open`() {
    #expect(verdict(count, .equal, 0, record(GuaranteeCounts(held: 100))).verdict == .pass)
    #expect(verdict(count, .equal, 0, record(GuaranteeCounts(violated: 1, possible: 3, held: 96))).verdict == .fail)
    let open = verdict(count, .equal, 0, record(GuaranteeCounts(possible: 3, held: 97)))
    #expect(open.verdict == .inconclusive && open.observed == "0–3")
    #expect(verdict(count, .lessOrEqual, 3, record(GuaranteeCounts(possible: 3, held: 97))).verdict == .pass)
    // All hops that are asked for it.
    #expect(verdict(.count(.violations(EventIndex(0), hop: nil, .readYourWrites)), .equal, 2, record(GuaranteeCounts(violated: 2, held: 1))).verdict == .pass)
    let rate = Threshold.Metric.rate(.violations(EventIndex(0), hop: 0, .readYourWrites))
    #expect(verdict(rate, .less, 0.03, record(GuaranteeCounts(violated: 2, held: 98))).verdict == .pass)
    #expect(verdict(rate, .less, 0.03, record(GuaranteeCounts(violated: 2, possible: 2, held: 96))).verdict == .inconclusive)
  }

  @Test func `what nothing could tell of is undecided, not 0`() {
    for counts in [nil, GuaranteeCounts(unchecked: 100)] {
      let record = record(counts)
      #expect(verdict(count, .equal, 0, record).verdict == .inconclusive && verdict(longest, .less, 1e9, record).verdict == .inconclusive)
      #expect(record.events[0].guarantees[0].isUndecided && !record.events[0].isViolated)
    }
    #expect(!record(nil, committed: 0).events[0].guarantees[0].isUndecided)
  }

  @Test func `a quantile of the age is decided by both bounds, and an age without an end is longer than every limit`() {
    let (low, high) = ((1...1000).map { UInt64($0) * 1_000_000 }, (1...1000).map { UInt64($0) * 1_000_000 + 20_000_000 })
    let all = record(GuaranteeCounts(violated: 1000), low: low, high: high)
    #expect(verdict(age(0.99), .less, 1.02e9, all).verdict == .pass)
    #expect(verdict(age(0.99), .less, 1e9, all).verdict == .inconclusive && verdict(age(0.99), .less, 0.98e9, all).verdict == .fail)
    #expect(verdict(age(0.5), .less, 0.53e9, all).verdict == .pass && verdict(longest, .less, 1.03e9, all).verdict == .pass)
    // 30 more were lost: they are the longest of all, and p50 is hardly touched.
    let lost = record(GuaranteeCounts(violated: 1030), low: low + Array(repeating: 10_000_000_000, count: 30), high: high)
    #expect(verdict(age(0.5), .less, 0.55e9, lost).verdict == .pass && verdict(age(0.99), .less, 3600e9, lost).verdict == .inconclusive)
    #expect(verdict(age(0.99), .less, 5e9, lost).verdict == .fail && verdict(longest, .less, 5e9, lost).verdict == .fail)
    #expect(verdict(age(0.99), .less, 3600e9, lost).detail?.contains("30 of 1030 have no end") == true)
  }

  @Test func `no violation passes every limit, and few are judged by the longest of them`() {
    let none = verdict(age(0.99), .less, 1, record(GuaranteeCounts(held: 100)))
    #expect(none.verdict == .pass && none.observed == "no violation of 100")
    let few = record(GuaranteeCounts(violated: 2, held: 98), low: [1_000_000, 2_000_000], high: [3_000_000, 4_000_000])
    #expect(verdict(age(0.99), .less, 5e6, few).verdict == .pass && verdict(age(0.99), .less, 0.5e6, few).verdict == .fail)
    let open = verdict(age(0.99), .less, 3.5e6, few)
    #expect(open.verdict == .inconclusive && open.detail?.contains("too few") == true)
  }

  @Test func `dropped arrivals wrote nothing that could be missed`() {
    var record = record(GuaranteeCounts(held: 100))
    record.iterations.dropped = 5
    #expect(verdict(longest, .less, 1e9, record).verdict == .pass)
  }
}
