import LosslessJSON
import Testing

@testable import Metrics

/// The event row's own reader against the general one.
@Suite struct PlainEventRowTests {
  private static func plain(_ line: [UInt8]) -> JournalEventRow? {
    // With its end, behind which a reader may look eight bytes.
    (line + Array("\n        ".utf8)).withUnsafeBytes { text in
      let row = PlainEventRow(in: UnsafeRawBufferPointer(rebasing: text[..<(line.count + 1)]), at: 0)
      return row.flatMap { $0.byteCount == line.count ? $0.decoded : nil }
    }
  }

  private static func line(_ row: JournalEventRow) -> [UInt8] { Array(row.line().dropLast()) }

  @Test func `a row that is read without the general reader is the row that was written`() throws {
    var random = EventRowSamples()
    var plainCount = 0
    for _ in 0..<4_000 {
      let row = random.row()
      let line = Self.line(row)
      let general = JournalEventRow(try JSONDocument(parsing: line).root)
      #expect(general == row, "seed \(random.seed)")
      if let plain = Self.plain(line) {
        plainCount += 1
        #expect(plain == row, "seed \(random.seed)")
      }
    }
    #expect(plainCount > 400 && plainCount < 4_000, "of both kinds some, seed \(random.seed)")
  }

  /// Else runs would be slow again, and nothing would tell.
  @Test func `every member of a plain row is read without the general reader`() {
    let row = JournalEventRow(
      event: 1, hop: 12, id: "81234", key: "k,1", version: "-17", sentNanoseconds: 1, ackedNanoseconds: 20_000_000,
      lowNanoseconds: 3_123_456_789, highNanoseconds: 999_999_999_999_999_999, outcome: .late, anomalies: EventAnomaly.allCases)
    #expect(Self.plain(Self.line(row)) == row)
    for outcome in EventOutcome.allCases {
      let row = JournalEventRow(event: 0, hop: 0, id: "0f8fad5b-d9cb-469f-a165-70867728950e", outcome: outcome)
      #expect(Self.plain(Self.line(row)) == row)
    }
  }

  @Test(arguments: [
    #"{"r":"event","event":0,"hop":0,"id":"1","outcome":"ok"#, #"{"r":"event","event":00,"hop":0,"id":"1","outcome":"ok"}"#,
    #"{"r":"event","event":0,"hop":0,"id":"1","new":1,"outcome":"ok"}"#, #"{"r":"event","event":0,"hop":0,"id":1,"outcome":"ok"}"#,
    #"{"r":"event","event":0,"hop":0,"id":"1","outcome":"ok"} "#, #"{"r":"event","event":-1,"hop":0,"id":"1","outcome":"ok"}"#,
    #"{"r":"event","event":0,"hop":0,"outcome":"ok"}"#, #"{"r":"event","event":0,"hop":0,"id":"","outcome":"ok"}"#,
    #"{"r":"event","event":0,"hop":0,"outcome":"ok","id":"1"}"#, #"{"r":"event","event":0,"hop":0,"id":"1","outcome":"never"}"#,
    #"{"r":"event","event":0,"hop":0,"id":"1","sent":012,"outcome":"ok"}"#,
    #"{"r":"event","event":0,"hop":0,"id":"1","sent":1:2,"outcome":"ok"}"#,
    #"{"r":"event","event":0,"hop":0,"id":"1","sent":1/2,"outcome":"ok"}"#,
    #"{"r":"event","event":0,"hop":0,"id":"1","sent":,"outcome":"ok"}"#,
    #"{"r":"event","event":0,"hop":0,"id":"1","sent":1000000000000000000,"outcome":"ok"}"#,
    #"{"r":"event","event":0,"hop":0,"id":"1","outcome":"ok","anomalies":[]}"#,
    #"{"r":"event","event":0,"hop":0,"id":"1","outcome":"ok","anomalies":["duplicate","new"]}"#,
    #"{"r":"events","event":0}"#, #"{"r":"event""#, "", "{", #"{"r":"event","event":"#, #"{"r":"event","anomalies":[],"id":"1"}"#,
  ])
  func `what is not written that way is left to the general reader`(_ text: String) { #expect(Self.plain(Array(text.utf8)) == nil) }

  @Test func `a line cut anywhere is no row`() {
    var random = EventRowSamples()
    for _ in 0..<50 {
      let line = Self.line(random.row())
      for end in 0..<line.count { #expect(Self.plain(Array(line[..<end])) == nil) }
    }
  }

  /// A byte that a disk got wrong must not become another row than the general reader makes of it, if it makes any.
  @Test func `a line with a wrong byte is read as the general reader reads it, or not at all`() {
    let row = JournalEventRow(
      event: 10, hop: 2, id: "1234567890", key: "k,1", version: "17", sentNanoseconds: 123_456_789_012_345_678,
      ackedNanoseconds: 98_765_432, lowNanoseconds: 7, highNanoseconds: 1_234_567_890_123, outcome: .late,
      anomalies: [.duplicate, .mismatch])
    let line = Self.line(row)
    for place in line.indices {
      for byte in UInt8.min ... .max {
        var damaged = line
        damaged[place] = byte
        guard let plain = Self.plain(damaged) else { continue }
        let general = try? JSONDocument(parsing: damaged)
        #expect(general.map { JournalEventRow($0.root) } == plain, "byte \(place) is \(byte)")
      }
    }
  }
}
