package import LosslessJSON

/// How a hop is observed. Written when the observer is in place, and again at the end with its counts.
package struct JournalObserver: JournalRecord, Hashable {
  package static let kind = JournalKind.observer

  /// Rows of the start record's tables.
  package var event: Int
  package var hop: Int
  /// `tap`, `stream`, `tracking`, `keyspace`, `poll`, `query`.
  package var how: String
  /// Why so, as a phrase; empty where there was no choice.
  package var reason: String
  /// Requests sent to the observed system, `fences` among them.
  package var operations: UInt64
  /// Pings and markers, which touch no data of the system.
  package var fences: UInt64

  package init(event: Int, hop: Int, how: String, reason: String, operations: UInt64 = 0, fences: UInt64 = 0) {
    self.event = event
    self.hop = hop
    self.how = how
    self.reason = reason
    self.operations = operations
    self.fences = fences
  }

  package func writeMembers(to json: inout JSONWriter) {
    json.member("event", event)
    json.member("hop", hop)
    json.member("how", how)
    if !reason.isEmpty { json.member("why", reason) }
    json.nonZero("operations", operations)
    json.nonZero("fences", fences)
  }

  package init(_ json: JSONValue) {
    self.init(
      event: json.int("event"), hop: json.int("hop"), how: json.text("how"), reason: json.text("why"), operations: json.unsigned("operations"),
      fences: json.unsigned("fences"))
  }
}
