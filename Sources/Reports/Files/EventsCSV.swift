internal import LosslessJSON
package import Metrics

/// `results_events.csv`: one row for each event and hop, however often the event was seen.
///
/// Times are absolute CLOCK_MONOTONIC nanoseconds of the host, empty where unbounded. Anomalies are separated by `;`.
/// A run has far more of these rows than of all others, so a line is put together as bytes, in a buffer that stays.
package struct EventsCSV {
  package static let header = "event,id,key,version,sent_ns,acked_ns,hop,lo_ns,hi_ns,outcome,anomalies\n"

  /// By event: its name as a field, and its hops' names.
  private let names: [(event: [UInt8], hops: [[UInt8]])]
  private var bytes: [UInt8] = []

  package init(events: [EventInfo]) {
    names = events.map { event in (EventsCSV.field(event.name), event.hops.map { EventsCSV.field($0.name) }) }
  }

  /// One line for one row.
  package mutating func line(for row: JournalEventRow) -> [UInt8] {
    bytes.removeAll(keepingCapacity: true)
    let isKnown = names.indices.contains(row.event)
    if isKnown { bytes.append(contentsOf: names[row.event].event) }
    append(row.id)
    append(row.key)
    append(row.version)
    append(row.sentNanoseconds)
    append(row.ackedNanoseconds)
    bytes.append(UInt8(ascii: ","))
    if isKnown, names[row.event].hops.indices.contains(row.hop) { bytes.append(contentsOf: names[row.event].hops[row.hop]) }
    append(row.lowNanoseconds)
    append(row.highNanoseconds)
    append(row.outcome.rawValue)
    append(row.anomalies.isEmpty ? nil : row.anomalies.map(\.rawValue).joined(separator: ";"))
    bytes.append(UInt8(ascii: "\n"))
    return bytes
  }

  private mutating func append(_ text: String?) {
    bytes.append(UInt8(ascii: ","))
    if let text { CSVWriter.append(text, to: &bytes) }
  }

  private mutating func append(_ nanoseconds: UInt64?) {
    bytes.append(UInt8(ascii: ","))
    if let nanoseconds { JSONWriter.appendDigits(nanoseconds, to: &bytes) }
  }

  private static func field(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    CSVWriter.append(text, to: &bytes)
    return bytes
  }
}
