package import LosslessJSON

/// The comparison of a hop's entries with what was committed, at the end of a run.
package struct JournalSweep: JournalRecord, Hashable {
  package static let kind = JournalKind.sweep

  /// Rows of the start record's tables.
  package var event: Int
  package var hop: Int
  /// Entries that were read.
  package var entries: UInt64
  /// Entries that were not: there were more than are kept, or the reading ended early.
  package var unread: UInt64
  /// CLOCK_MONOTONIC nanoseconds.
  package var fromNanoseconds: UInt64
  package var toNanoseconds: UInt64
  /// Why it ended early; nil if it did not.
  package var error: String?

  package init(event: Int, hop: Int, entries: UInt64, unread: UInt64, fromNanoseconds: UInt64, toNanoseconds: UInt64, error: String? = nil) {
    self.event = event
    self.hop = hop
    self.entries = entries
    self.unread = unread
    self.fromNanoseconds = fromNanoseconds
    self.toNanoseconds = toNanoseconds
    self.error = error
  }

  package func writeMembers(to json: inout JSONWriter) {
    json.member("event", event)
    json.member("hop", hop)
    json.member("entries", entries)
    json.nonZero("unread", unread)
    json.member("from_ns", fromNanoseconds)
    json.member("to_ns", toNanoseconds)
    json.optional("error", error)
  }

  package init(_ json: JSONValue) {
    self.init(
      event: json.int("event"), hop: json.int("hop"), entries: json.unsigned("entries"), unread: json.unsigned("unread"),
      fromNanoseconds: json.unsigned("from_ns"), toNanoseconds: json.unsigned("to_ns"), error: json.optionalText("error"))
  }
}

/// Ids of one kind of trouble that no event row tells of: found by the final sweep, or seen after the row was written.
package struct JournalOffenders: JournalRecord, Hashable {
  package static let kind = JournalKind.offenders

  package var event: Int
  package var hop: Int
  /// The raw value of an ``EventAnomaly``.
  package var anomaly: String
  /// All of them, listed or not.
  package var count: UInt64
  /// The first ``OffenderList/idsMax``; keys where entries belong to keys.
  package var ids: [String]

  package init(event: Int, hop: Int, anomaly: String, count: UInt64, ids: [String]) {
    self.event = event
    self.hop = hop
    self.anomaly = anomaly
    self.count = count
    self.ids = ids
  }

  package func writeMembers(to json: inout JSONWriter) {
    json.member("event", event)
    json.member("hop", hop)
    json.member("anomaly", anomaly)
    json.member("count", count)
    json.list("ids", ids) { $1.string($0) }
  }

  package init(_ json: JSONValue) {
    self.init(
      event: json.int("event"), hop: json.int("hop"), anomaly: json.text("anomaly"), count: json.unsigned("count"), ids: json.texts("ids"))
  }
}
