import LosslessJSON
import Testing

@testable import Metrics

/// A journal of a hop that is asked for both guarantees.
enum GuaranteeJournal {
  static func start() -> JournalStart {
    var start = JournalStart()
    start.events = [
      EventInfo(
        name: "made",
        hops: [HopInfo(name: "cache", guarantees: [GuaranteeInfo(.readYourWrites, isRequired: true), GuaranteeInfo(.monotonicReads, isRequired: false)])])
    ]
    return start
  }

  static func interval(_ second: UInt64) -> JournalInterval {
    func histogram(_ values: UInt64...) -> HistogramSnapshot {
      let histogram = Histogram()
      for value in values { histogram.record(value) }
      return histogram.snapshot()
    }
    var interval = JournalInterval()
    interval.startNanoseconds = second * 1_000_000_000
    interval.endNanoseconds = (second + 1) * 1_000_000_000
    var hop = HopInterval(event: 0, hop: 0)
    var ages = ViolationAges()
    ages.low = histogram(100 + second, 300)
    ages.high = histogram(200 + second)
    hop.ages[.readYourWrites] = ages
    if second == 0 {
      var back = ViolationAges()
      back.low = histogram(7)
      hop.ages[.monotonicReads] = back
    }
    interval.hops = [hop]
    return interval
  }

  static func ledger() -> JournalLedger {
    var hop = HopCounts()
    hop.ok = 9
    hop.lost = 1
    hop.readYourWrites = GuaranteeCounts(violated: 3, possible: 1, held: 5, unchecked: 1)
    hop.monotonicReads = GuaranteeCounts()
    return JournalLedger(event: 0, counts: EventCounts(attempted: 10, committed: 10), hops: [hop])
  }

  static func longest() -> JournalGuarantee {
    var back = JournalGuarantee.Violation(id: "a", key: "k", version: 1, newer: 3, ageLow: 7, ageHigh: nil)
    back.sinceAckLowNanoseconds = -5
    back.sinceAckHighNanoseconds = 4
    return JournalGuarantee(
      event: 0, hop: 0, guarantee: "monotonic_reads",
      longest: [back, JournalGuarantee.Violation(id: "b", ageLow: 0, ageHigh: 2)])
  }
}

@Suite struct GuaranteeRecordTests {
  @Test func `guarantees read back from the journal, counts and ages added up`() throws {
    var json = JSONWriter()
    GuaranteeJournal.start().write(to: &json)
    for second in 0..<2 as Range<UInt64> { GuaranteeJournal.interval(second).write(to: &json) }
    GuaranteeJournal.ledger().write(to: &json)
    GuaranteeJournal.longest().write(to: &json)
    let event = try JournalReader.read(bytes: json.bytes).events[0]
    let found = event.guarantees
    #expect(found.map(\.guarantee) == [.readYourWrites, .monotonicReads] && found.map(\.isRequired) == [true, false])
    #expect(found[0].counts == GuaranteeCounts(violated: 3, possible: 1, held: 5, unchecked: 1) && found[0].isViolated && !found[0].isUndecided)
    #expect(found[0].ages.low.count == 4 && found[0].ages.high.sum == 401 && found[0].ages.unended == 2 && found[0].longest.isEmpty)
    // Measured only: what nothing could tell of is no fault.
    #expect(found[1].counts?.checked == 0 && !found[1].isUndecided && !found[1].isViolated)
    #expect(found[1].ages.unended == 1 && found[1].longest == GuaranteeJournal.longest().longest)
    #expect(event.isViolated)
  }

  @Test func `after a crash the rows say what was violated`() throws {
    var json = JSONWriter()
    GuaranteeJournal.start().write(to: &json)
    for id in 1...3 {
      JournalEventRow(event: 0, hop: 0, id: String(id), outcome: .ok, anomalies: id == 2 ? [] : [.readYourWrites]).write(to: &json)
    }
    let event = try JournalReader.read(bytes: json.bytes).events[0]
    #expect(event.guarantees[0].counts?.violated == 2 && event.hops[0].offenders.map(\.kind) == ["read_your_writes"])
    #expect(event.guarantees[1].counts == nil)
  }

  @Test func `a window has the violations that were decided inside of it`() {
    var window = WindowRecord(start: GuaranteeJournal.start())
    var earlier = GuaranteeJournal.ledger()
    earlier.hops[0].readYourWrites = GuaranteeCounts(violated: 1, held: 2)
    window.reset(ledgers: [earlier])
    window.add(GuaranteeJournal.interval(0))
    let event = window.record(ledgers: [GuaranteeJournal.ledger()]).events[0]
    #expect(event.guarantees[0].counts == GuaranteeCounts(violated: 2, possible: 1, held: 3, unchecked: 1) && event.guarantees[0].ages.low.count == 2)
  }
}
