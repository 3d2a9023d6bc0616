import LosslessJSON
import Testing

@testable import Metrics

/// The event rows' own writer against the general one.
@Suite struct EventRowsTests {
  private func written(_ rows: EventRows) -> [UInt8] {
    var json = JSONWriter()
    rows.write(to: &json)
    return json.bytes
  }

  @Test func `rows are written byte for byte as the general writer does`() {
    var random = EventRowSamples()
    var rows = EventRows()
    var samples: [JournalEventRow] = []
    for _ in 0..<4_000 { samples.append(random.row()) }
    for sample in samples {
      rows.append(sample)
      var alone = EventRows()
      alone.append(sample)
      #expect(written(alone) == sample.line(), "seed \(random.seed)")
    }
    #expect(rows.decoded == samples, "seed \(random.seed)")
    #expect(written(rows) == samples.flatMap { $0.line() }, "seed \(random.seed)")
  }

  @Test(arguments: [0, 7, -1, Int64.max, .min]) func `a number is written as its text is`(_ number: Int64) {
    var numbers = EventRows()
    numbers.append(event: 0, hop: 1, id: .integer(number), key: .integer(number), version: .integer(number), outcome: .ok)
    let row = JournalEventRow(event: 0, hop: 1, id: String(number), key: String(number), version: String(number), outcome: .ok)
    #expect(written(numbers) == row.line() && numbers.decoded == [row])
  }

  @Test func `a text that several rows have is kept once`() {
    var rows = EventRows()
    let id = rows.keep("a1")
    for hop in 0..<3 { rows.append(event: 0, hop: hop, id: id, outcome: .ok) }
    #expect(rows.decoded == (0..<3).map { JournalEventRow(event: 0, hop: $0, id: "a1", outcome: .ok) })
  }

  @Test func `bytes that are no text are repaired, as they are elsewhere`() {
    var rows = EventRows()
    let id = rows.keep { $0 += [0x61, 0xFF] }
    rows.append(event: 0, hop: 0, id: id, outcome: .ok)
    #expect(written(rows) == JournalEventRow(event: 0, hop: 0, id: "a\u{FFFD}", outcome: .ok).line())
  }
}
