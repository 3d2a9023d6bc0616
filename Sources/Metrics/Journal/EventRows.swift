internal import LosslessJSON

/// Event rows on their way from the ledger to the journal: numbers, and all texts in one arena, so that a reactor hands over any number of them
/// without an allocation or a reference for each.
package struct EventRows: Sendable {
  /// A text of a row: numbers are not turned into text before the journal's thread writes them.
  package enum Text: BitwiseCopyable, Sendable {
    case absent
    case integer(Int64)
    case bytes(start: UInt32, count: UInt32)

    fileprivate var isAbsent: Bool {
      switch self {
      case .absent: true
      case .integer, .bytes: false
      }
    }
  }

  private struct Row: Sendable {
    var event: Int32
    var hop: Int32
    var id: Text
    var key: Text
    var version: Text
    var sentNanoseconds: UInt64?
    var ackedNanoseconds: UInt64?
    var lowNanoseconds: UInt64?
    var highNanoseconds: UInt64?
    var outcome: EventOutcome
    /// Where its anomalies begin among those of all rows.
    var anomalyStart: UInt32
    var anomalyCount: UInt32
  }

  private var rows: ContiguousArray<Row> = []
  private var bytes: [UInt8] = []
  private var anomalies: [EventAnomaly] = []

  package init() {}

  package var count: Int { rows.count }
  package var isEmpty: Bool { rows.isEmpty }

  /// Keeps a text for rows that are appended afterwards; several may have it.
  package mutating func keep(_ append: (inout [UInt8]) -> Void) -> Text {
    let start = bytes.count
    append(&bytes)
    return .bytes(start: UInt32(start), count: UInt32(bytes.count - start))
  }

  package mutating func keep(_ text: String) -> Text {
    keep { $0.append(contentsOf: text.utf8) }
  }

  /// Appends a row; what its parts mean is told at ``JournalEventRow``.
  package mutating func append(
    event: Int, hop: Int, id: Text, key: Text = .absent, version: Text = .absent, sentNanoseconds: UInt64? = nil,
    ackedNanoseconds: UInt64? = nil, lowNanoseconds: UInt64? = nil, highNanoseconds: UInt64? = nil, outcome: EventOutcome,
    anomalies: [EventAnomaly] = []
  ) {
    if rows.isEmpty { rows.reserveCapacity(32) }
    rows.append(
      Row(
        event: Int32(event), hop: Int32(hop), id: id, key: key, version: version, sentNanoseconds: sentNanoseconds,
        ackedNanoseconds: ackedNanoseconds, lowNanoseconds: lowNanoseconds, highNanoseconds: highNanoseconds, outcome: outcome,
        anomalyStart: UInt32(self.anomalies.count), anomalyCount: UInt32(anomalies.count)))
    if !anomalies.isEmpty { self.anomalies += anomalies }
  }

  package mutating func append(_ row: JournalEventRow) {
    append(
      event: row.event, hop: row.hop, id: keep(row.id), key: row.key.map { keep($0) } ?? .absent,
      version: row.version.map { keep($0) } ?? .absent, sentNanoseconds: row.sentNanoseconds, ackedNanoseconds: row.ackedNanoseconds,
      lowNanoseconds: row.lowNanoseconds, highNanoseconds: row.highNanoseconds, outcome: row.outcome, anomalies: row.anomalies)
  }

  /// Each as the general code knows it.
  package var decoded: [JournalEventRow] { rows.map { decoded($0) } }

  private func decoded(_ row: Row) -> JournalEventRow {
    func text(_ text: Text) -> String? {
      switch text {
      case .absent: nil
      case .integer(let number): String(number)
      case .bytes(let start, let count): String(decoding: bytes[Int(start)..<Int(start + count)], as: UTF8.self)
      }
    }
    return JournalEventRow(
      event: Int(row.event), hop: Int(row.hop), id: text(row.id) ?? "", key: text(row.key), version: text(row.version),
      sentNanoseconds: row.sentNanoseconds, ackedNanoseconds: row.ackedNanoseconds, lowNanoseconds: row.lowNanoseconds,
      highNanoseconds: row.highNanoseconds, outcome: row.outcome, anomalies: Array(anomalies(of: row)))
  }

  private func anomalies(of row: Row) -> ArraySlice<EventAnomaly> {
    anomalies[Int(row.anomalyStart)..<Int(row.anomalyStart + row.anomalyCount)]
  }

  // The journal's thread

  /// Appends each row as one line, as ``JournalRecord/write(to:)`` does.
  func write(to json: inout JSONWriter) {
    bytes.withUnsafeBytes { bytes in
      for row in rows {
        if isPlain(row.id, bytes), isPlain(row.key, bytes), isPlain(row.version, bytes) {
          json.line(upTo: capacity(for: row)) { write(row, bytes, to: &$0) }
        } else {
          decoded(row).write(to: &json)
        }
      }
    }
  }

  /// Whether nothing in it needs an escape. What is not ASCII could need a repair.
  @inline(__always)
  private func isPlain(_ text: Text, _ bytes: UnsafeRawBufferPointer) -> Bool {
    guard case .bytes(let start, let count) = text else { return true }
    for byte in bytes[Int(start)..<Int(start + count)] {
      guard byte >= 0x20, byte < 0x7F, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") else { return false }
    }
    return true
  }

  /// The members' names and numbers, and what has no limit.
  private func capacity(for row: Row) -> Int {
    func count(_ text: Text) -> Int {
      guard case .bytes(_, let count) = text else { return TextCursor.digitsMax + 1 }
      return Int(count)
    }
    return 320 + count(row.id) + count(row.key) + count(row.version) + 32 * Int(row.anomalyCount)
  }

  @inline(__always)
  private func write(_ row: Row, _ bytes: UnsafeRawBufferPointer, to line: inout TextCursor) {
    line.literal(#"{"r":"event","event":"#)
    line.digits(UInt64(row.event))
    line.literal(#","hop":"#)
    line.digits(UInt64(row.hop))
    line.literal(#","id":""#)
    write(row.id, bytes, to: &line)
    if !row.key.isAbsent {
      line.literal(#"","key":""#)
      write(row.key, bytes, to: &line)
    }
    if !row.version.isAbsent {
      line.literal(#"","version":""#)
      write(row.version, bytes, to: &line)
    }
    line.literal(#"""#)
    if let sent = row.sentNanoseconds {
      line.literal(#","sent":"#)
      line.digits(sent)
    }
    if let acked = row.ackedNanoseconds {
      line.literal(#","acked":"#)
      line.digits(acked)
    }
    if let low = row.lowNanoseconds {
      line.literal(#","lo":"#)
      line.digits(low)
    }
    if let high = row.highNanoseconds {
      line.literal(#","hi":"#)
      line.digits(high)
    }
    if case .ok = row.outcome {
      line.literal(#","outcome":"ok""#)
    } else {
      line.literal(#","outcome":""#)
      line.text(row.outcome.rawValue)
      line.literal(#"""#)
    }
    if row.anomalyCount > 0 { writeAnomalies(of: row, to: &line) }
    line.literal("}")
  }

  @inline(__always)
  private func write(_ text: Text, _ bytes: UnsafeRawBufferPointer, to line: inout TextCursor) {
    switch text {
    case .absent: break
    case .integer(let number): line.integer(number)
    case .bytes(let start, let count): line.bytes(UnsafeRawBufferPointer(rebasing: bytes[Int(start)..<Int(start + count)]))
    }
  }

  private func writeAnomalies(of row: Row, to line: inout TextCursor) {
    line.literal(#","anomalies":["#)
    for (position, anomaly) in anomalies(of: row).enumerated() {
      if position > 0 { line.literal(",") }
      line.literal(#"""#)
      line.text(anomaly.rawValue)
      line.literal(#"""#)
    }
    line.literal("]")
  }
}
