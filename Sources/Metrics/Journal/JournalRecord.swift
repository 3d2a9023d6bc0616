package import LosslessJSON

/// A line of the journal: one JSON object whose member `r` says which record it is.
///
/// Readers skip records and members they do not know, and take what is missing as nothing, so that shapes can grow.
package protocol JournalRecord: Sendable {
  static var kind: JournalKind { get }
  /// Writes the members, without the braces and without `r`.
  func writeMembers(to json: inout JSONWriter)
  init(_ json: JSONValue)
}

package enum JournalKind: String, Sendable {
  case start, phase, interval, failure, event, observer, gap, ledger, sweep, offenders, guarantee, output, validity, threshold, server, serverFacts = "server_facts", end
  case alert
  case alertAction = "alert_action"
  case alertTally = "alert_tally"
}

extension JournalRecord {
  /// Appends the record as one line.
  package func write(to json: inout JSONWriter) {
    json.beginObject()
    json.member("r", Self.kind.rawValue)
    writeMembers(to: &json)
    json.endObject()
    json.endLine()
  }

  package func line() -> [UInt8] {
    var json = JSONWriter()
    write(to: &json)
    return json.bytes
  }
}
