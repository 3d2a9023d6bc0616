import LosslessJSON
import Testing

@testable import Metrics

/// The event row's own writer and reader against the general ones.
@Suite struct EventRowTextTests {
  private static let texts = ["1", "9007199254740993", "", "a,b", "O'Brien \"x\" \\", "Grüße 😀", "line\nend\u{7f}\t", "0f8fad5b-d9cb-469f-a165-70867728950e"]

  private static let rows: [JournalEventRow] = texts.flatMap { text in
    [
      JournalEventRow(event: 0, hop: 0, id: text, outcome: .ok),
      JournalEventRow(
        event: 12, hop: 3, id: text, key: text, version: text, sentNanoseconds: 0, ackedNanoseconds: 999_999_999_999_999_999,
        lowNanoseconds: 1_000_000_000_000_000_000, highNanoseconds: .max, outcome: .absent, anomalies: EventAnomaly.allCases),
    ]
  } + EventOutcome.allCases.map { JournalEventRow(event: 1, hop: 1, id: "7", key: "k", highNanoseconds: 5, outcome: $0, anomalies: [.missing]) }

  private func generalLine(_ row: JournalEventRow) -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.member("r", JournalEventRow.kind.rawValue)
    row.writeMembers(to: &json)
    json.endObject()
    json.endLine()
    return json.bytes
  }

  @Test(arguments: rows) func `a row is written byte for byte as the general writer does`(_ row: JournalEventRow) {
    #expect(row.line() == generalLine(row))
  }

  @Test(arguments: rows) func `a row that is read without the general reader is the row that was written`(_ row: JournalEventRow) throws {
    let line = Array(row.line().dropLast())
    let general = JournalEventRow(try JSONDocument(parsing: line).root)
    #expect(general == row)
    if let quick = EventRowText.row(line, 0..<line.count) { #expect(quick == row) }
  }

  /// Else runs would be slow again, and nothing would tell.
  @Test func `every member of a plain row is read without the general reader`() {
    let row = JournalEventRow(
      event: 1, hop: 2, id: "81234", key: "k1", version: "17", sentNanoseconds: 1, ackedNanoseconds: 2, lowNanoseconds: 3,
      highNanoseconds: 4, outcome: .late, anomalies: [.duplicate, .staleFinal])
    let line = Array(row.line().dropLast())
    #expect(EventRowText.row(line, 0..<line.count) == row)
  }

  @Test(arguments: [
    #"{"r":"event","event":0,"hop":0,"id":"1","outcome":"ok"#, #"{"r":"event","event":00,"hop":0,"id":"1","outcome":"ok"}"#,
    #"{"r":"event","event":0,"hop":0,"id":"1","new":1,"outcome":"ok"}"#, #"{"r":"event","event":0,"hop":0,"id":1,"outcome":"ok"}"#,
    #"{"r":"event","event":0,"hop":0,"id":"1","outcome":"ok"} "#, #"{"r":"event","event":-1,"hop":0,"id":"1","outcome":"ok"}"#,
    #"{"r":"events","event":0}"#, #"{"r":"event""#, "", "{", #"{"r":"event","event":"#, #"{"r":"event","anomalies":[],"id":"1"}"#,
  ])
  func `what is not written that way is left to the general reader`(_ text: String) {
    let line = Array(text.utf8)
    #expect(EventRowText.row(line, 0..<line.count) == nil)
  }

  @Test func `a line cut anywhere is no row`() {
    for row in EventRowTextTests.rows {
      let line = Array(row.line().dropLast())
      for end in 0..<line.count { #expect(EventRowText.row(line, 0..<end) == nil) }
    }
  }
}
