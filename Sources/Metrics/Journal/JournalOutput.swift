package import LosslessJSON

/// What one output for other programs (a metrics port, a metrics file, an OTLP receiver) has delivered and lost so far. The last record of a
/// name counts.
package struct JournalOutput: JournalRecord, Hashable {
  package static let kind = JournalKind.output

  package enum Name: String, Hashable, Sendable {
    /// The answers of the metrics port.
    case port = "metrics"
    /// The times that the metrics file was written.
    case file = "metrics-file"
    /// The reports that were sent to an OTLP receiver.
    case otlp
    /// Seconds that none of the outputs tells of, because one stood still.
    case seconds
  }

  package var name: Name
  package var delivered: UInt64
  package var lost: UInt64
  /// Why the last one was lost, a phrase without addresses; empty without losses.
  package var reason: String

  package init(_ name: Name, delivered: UInt64, lost: UInt64 = 0, reason: String = "") {
    self.name = name
    self.delivered = delivered
    self.lost = lost
    self.reason = reason
  }

  /// `12 of 30 reports did not arrive (status 503)`; nil if nothing was lost.
  package var loss: String? {
    guard lost > 0 else { return nil }
    let why = reason.isEmpty ? "" : " (\(reason))"
    switch name {
    case .port: return "\(lost) of \(lost &+ delivered) answers were cut off\(why)"
    case .file: return "\(lost) of \(lost &+ delivered) writes failed\(why)"
    case .otlp: return "\(lost) of \(lost &+ delivered) reports did not arrive\(why)"
    case .seconds: return "\(lost) seconds were not counted\(why)"
    }
  }

  package func writeMembers(to json: inout JSONWriter) {
    json.member("name", name.rawValue)
    json.member("delivered", delivered)
    json.nonZero("lost", lost)
    if !reason.isEmpty { json.member("reason", reason) }
  }

  package init(_ json: JSONValue) {
    self.init(
      Name(rawValue: json.text("name")) ?? .seconds, delivered: json.unsigned("delivered"), lost: json.unsigned("lost"), reason: json.text("reason"))
  }
}
