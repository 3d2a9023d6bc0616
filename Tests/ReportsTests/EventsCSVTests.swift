import LosslessJSON
import Metrics
import Reports
import Testing

/// Rows that are copied from the journal against the same rows that are decoded.
@Suite struct EventsCSVTests {
  private static let events = [
    EventInfo(name: "made", hops: [HopInfo(name: "queued"), HopInfo(name: "a,b \"c\"")]),
    EventInfo(name: "none", hops: []),
    EventInfo(name: "x,\"y\"", hops: [HopInfo(name: "cached")]),
  ]

  private struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }

  private func start() -> JournalStart {
    var start = JournalStart()
    start.events = Self.events
    return start
  }

  private func csv(_ journal: [UInt8]) throws -> (text: String, plain: Int) {
    let csv = EventsCSV(events: Self.events)
    var bytes: [UInt8] = []
    var plain = 0
    let record = try JournalReader.read(bytes: journal) { (line) throws(JournalReadError) in
      if case .plain = line { plain += 1 }
      csv.append(line, to: &bytes)
    }
    #expect(record.damagedLines == 0)
    return (String(decoding: bytes, as: UTF8.self), plain)
  }

  private func row(_ random: inout SplitMix) -> JournalEventRow {
    let texts = ["7", "-12", "9007199254740993", "a,b", ",", "say \"x\"", "Grüße", "", "two\nlines", "0f8fad5b-d9cb-469f"]
    func number() -> UInt64? { Bool.random(using: &random) ? random.next() >> UInt64.random(in: 0..<64, using: &random) : nil }
    func text() -> String? { Bool.random(using: &random) ? texts.randomElement(using: &random)! : nil }
    return JournalEventRow(
      event: Int.random(in: 0..<4, using: &random), hop: Int.random(in: 0..<3, using: &random), id: texts.randomElement(using: &random)!,
      key: text(), version: text(), sentNanoseconds: number(), ackedNanoseconds: number(), lowNanoseconds: number(),
      highNanoseconds: number(), outcome: EventOutcome.allCases.randomElement(using: &random)!,
      anomalies: Bool.random(using: &random) ? [] : Array(EventAnomaly.allCases.shuffled(using: &random).prefix(2)))
  }

  @Test func `a row that is copied from the journal is the row that decoding it gives`() throws {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SplitMix(state: seed)
    let rows = (0..<3_000).map { _ in row(&random) }
    let quick = try csv(start().line() + rows.flatMap { $0.line() })
    // A space more, and it is a line for the general reader.
    let general = try csv(start().line() + rows.flatMap { Array("{ ".utf8) + $0.line().dropFirst() })
    #expect(quick.plain > 300 && quick.plain < 3_000 && general.plain == 0, "seed \(seed)")
    #expect(quick.text == general.text, "seed \(seed)")
  }

  @Test func `quotes stand where a comma needs them, and what is absent is empty`() throws {
    let rows = [
      JournalEventRow(
        event: 0, hop: 1, id: "a,b", key: "k", version: "2", sentNanoseconds: 10, ackedNanoseconds: 100_000_000, lowNanoseconds: 0,
        highNanoseconds: 677_998_347_550, outcome: .late, anomalies: [.duplicate, .mismatch]),
      JournalEventRow(event: 2, hop: 0, id: "7", outcome: .ok), JournalEventRow(event: 1, hop: 0, id: "8", outcome: .lost),
      JournalEventRow(event: 9, hop: 0, id: "9", key: "1,5", outcome: .absent),
    ]
    let (text, plain) = try csv(start().line() + rows.flatMap { $0.line() })
    #expect(plain == 4)
    #expect(
      text == """
        made,"a,b",k,2,10,100000000,"a,b ""c""\",0,677998347550,late,duplicate;mismatch
        "x,""y""\",7,,,,,cached,,,ok,
        none,8,,,,,,,,lost,
        ,9,"1,5",,,,,,,info:absent,

        """)
  }
}
