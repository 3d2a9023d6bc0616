import Foundation
import LosslessJSON

/// What a run left behind, read as any other program would read it.
struct RunResults {
  let folder: String
  let summary: JSONValue
  let journal: [JSONValue]
  let events: [EventRow]

  /// A row of `results_events.csv`. Times are nanoseconds of CLOCK_MONOTONIC.
  struct EventRow {
    let event, id, hop, outcome, anomalies: String
    let sent, acknowledged, low, high: UInt64?
  }

  /// - Parameter isTorn: The run was killed: the journal's last line may be half a line.
  init(_ folder: String, isTorn: Bool = false) throws {
    self.folder = folder
    summary = try JSONDocument(parsing: RunResults.text(folder + "/summary.json")).root
    var records = RunResults.text(folder + "/journal.ndjson").split(separator: "\n")
    if isTorn, let last = records.last, (try? JSONDocument(parsing: String(last))) == nil { records.removeLast() }
    journal = try records.map { try JSONDocument(parsing: String($0)).root }
    var lines = RunResults.text(folder + "/results_events.csv").split(separator: "\n")
    guard !lines.isEmpty, lines.removeFirst() == "event,id,key,version,sent_ns,acked_ns,hop,lo_ns,hi_ns,outcome,anomalies" else {
      throw Unreadable(description: "results_events.csv has another header")
    }
    events = try lines.map { line in
      // No field of these chains needs quotes.
      let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      guard fields.count == 11 else { throw Unreadable(description: "results_events.csv: \(line)") }
      return EventRow(
        event: fields[0], id: fields[1], hop: fields[6], outcome: fields[9], anomalies: fields[10], sent: UInt64(fields[4]),
        acknowledged: UInt64(fields[5]), low: UInt64(fields[7]), high: UInt64(fields[8]))
    }
  }

  struct Unreadable: Error, CustomStringConvertible {
    let description: String
  }

  static func text(_ path: String) -> String {
    (try? Data(contentsOf: URL(fileURLWithPath: path))).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  // The summary, by paths such as `iterations/arrivals`

  func value(_ path: String) -> JSONValue? {
    path.split(separator: "/").reduce(summary as JSONValue?) { $0?[String($1)] }
  }
  /// -1 where there is none, so that a comparison fails and says so.
  func count(_ path: String) -> Int { value(path)?.integer(as: Int.self) ?? -1 }
  func seconds(_ path: String) -> Double { value(path)?.double ?? -1 }
  func text(_ path: String) -> String { value(path)?.string ?? "" }

  var isConserved: Bool {
    count("iterations/arrivals")
      == ["completed", "failed", "unknown", "interrupted", "dropped"].reduce(0) { $0 + count("iterations/\($1)") }
  }

  /// A verdict of the tool on itself; anything but `valid` is worth reading in the log of the tests.
  var validity: String {
    let reasons = value("validity/reasons")?.elements.compactMap { $0["detail"]?.string } ?? []
    return ([text("validity/verdict")] + reasons).joined(separator: "; ")
  }
  var isValid: Bool { text("validity/verdict") == "valid" }

  // The journal

  func records(_ kind: String) -> [JSONValue] { journal.filter { $0["r"]?.string == kind } }
  var runID: String { journal.first?["run"]?.string ?? "" }
  var end: JSONValue? { journal.last.flatMap { $0["r"]?.string == "end" ? $0 : nil } }

  // The events

  func rows(_ hop: String, _ outcome: String) -> [EventRow] { events.filter { $0.hop == hop && $0.outcome == outcome } }

  /// Nanoseconds.
  func medianWidth(_ hop: String) -> UInt64? {
    let widths = events.compactMap { row in row.hop == hop ? row.high.flatMap { high in row.low.map { high - $0 } } : nil }.sorted()
    return widths.isEmpty ? nil : widths[widths.count / 2]
  }
}
