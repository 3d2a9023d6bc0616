internal import LosslessJSON
package import Metrics

/// `results_events.csv`: one row for each event and hop, however often the event was seen.
///
/// Times are absolute CLOCK_MONOTONIC nanoseconds of the host, empty where unbounded. Anomalies are separated by `;`.
/// A run has far more of these rows than of all others, so a row that is plain in the journal is copied from there part by part.
package struct EventsCSV {
  package static let header = "event,id,key,version,sent_ns,acked_ns,hop,lo_ns,hi_ns,outcome,anomalies\n"

  /// By event: its name as a field, and its hops' names.
  private let names: [(event: [UInt8], hops: [[UInt8]])]
  /// The same for plain rows, without arrays in arrays: all names behind one another, where those of each event and hop stand, and by event
  /// where its hops begin.
  private let nameBytes: [UInt8]
  private let places: [(event: Range<Int>, hop: Range<Int>)]
  private let firstHops: [Int]

  package init(events: [EventInfo]) {
    names = events.map { event in (EventsCSV.field(event.name), event.hops.map { EventsCSV.field($0.name) }) }
    var bytes: [UInt8] = []
    var places: [(event: Range<Int>, hop: Range<Int>)] = []
    var firstHops = [0]
    for event in names {
      let start = bytes.count
      bytes += event.event
      let name = start..<bytes.count
      for hop in event.hops {
        let start = bytes.count
        bytes += hop
        places.append((name, start..<bytes.count))
      }
      firstHops.append(places.count)
    }
    (nameBytes, self.places, self.firstHops) = (bytes, places, firstHops)
  }

  /// Appends one line for one row.
  package func append(_ line: EventRowLine, to bytes: inout [UInt8]) {
    switch line {
    case .plain(let row): append(row, to: &bytes)
    case .general(let row): append(row, to: &bytes)
    }
  }

  private func append(_ row: PlainEventRow, to bytes: inout [UInt8]) {
    guard row.event < firstHops.count - 1, case let position = firstHops[row.event] + row.hop, position < firstHops[row.event + 1] else {
      return append(row.decoded, to: &bytes)
    }
    let place = places[position]
    // The names, and less than its line in the journal: each part has a name of its own there, which is longer than a comma and two quotes.
    nameBytes.withUnsafeBytes { names in
      bytes.append(upTo: place.event.count + place.hop.count + row.byteCount) { text in
        text.bytes(UnsafeRawBufferPointer(rebasing: names[place.event]))
        text.literal(",")
        EventsCSV.write(row.id, of: row, to: &text)
        text.literal(",")
        EventsCSV.write(row.key, of: row, to: &text)
        text.literal(",")
        EventsCSV.write(row.version, of: row, to: &text)
        text.literal(",")
        text.piece(row.sent)
        text.literal(",")
        text.piece(row.acked)
        text.literal(",")
        text.bytes(UnsafeRawBufferPointer(rebasing: names[place.hop]))
        text.literal(",")
        text.piece(row.low)
        text.literal(",")
        text.piece(row.high)
        if case .ok = row.outcome {
          text.literal(",ok,")
        } else {
          text.literal(",")
          text.text(row.outcome.rawValue)
          text.literal(",")
        }
        if row.hasAnomalies { text.text(EventsCSV.list(row.anomalies)) }
        text.literal("\n")
      }
    }
  }

  /// Of what makes quotes necessary a plain text can only have commas.
  @inline(__always)
  private static func write(_ piece: UnsafeRawBufferPointer, of row: PlainEventRow, to text: inout TextCursor) {
    guard row.hasComma, piece.contains(UInt8(ascii: ",")) else { return text.piece(piece) }
    text.literal("\"")
    text.piece(piece)
    text.literal("\"")
  }

  /// Any row.
  private func append(_ row: JournalEventRow, to bytes: inout [UInt8]) {
    let isKnown = names.indices.contains(row.event)
    if isKnown { bytes += names[row.event].event }
    append(row.id, to: &bytes)
    append(row.key, to: &bytes)
    append(row.version, to: &bytes)
    append(row.sentNanoseconds, to: &bytes)
    append(row.ackedNanoseconds, to: &bytes)
    bytes.append(UInt8(ascii: ","))
    if isKnown, names[row.event].hops.indices.contains(row.hop) { bytes += names[row.event].hops[row.hop] }
    append(row.lowNanoseconds, to: &bytes)
    append(row.highNanoseconds, to: &bytes)
    append(row.outcome.rawValue, to: &bytes)
    append(EventsCSV.list(row.anomalies), to: &bytes)
    bytes.append(UInt8(ascii: "\n"))
  }

  private static func list(_ anomalies: [EventAnomaly]) -> String { anomalies.map(\.rawValue).joined(separator: ";") }

  private func append(_ text: String?, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: ","))
    if let text { CSVWriter.append(text, to: &bytes) }
  }

  private func append(_ nanoseconds: UInt64?, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: ","))
    if let nanoseconds { JSONWriter.appendDigits(nanoseconds, to: &bytes) }
  }

  private static func field(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    CSVWriter.append(text, to: &bytes)
    return bytes
  }
}
