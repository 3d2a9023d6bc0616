package import Metrics

/// `results_events.csv`: one row for each event and hop, however often the event was seen.
///
/// Times are absolute CLOCK_MONOTONIC nanoseconds of the host, empty where unbounded. Anomalies are separated by `;`.
package struct EventsCSV {
  package static let header = "event,id,key,version,sent_ns,acked_ns,hop,lo_ns,hi_ns,outcome,anomalies\n"

  private let events: [EventInfo]
  private var csv = CSVWriter(lineEnd: "\n")

  package init(events: [EventInfo]) {
    self.events = events
  }

  /// One line for one row.
  package mutating func line(for row: JournalEventRow) -> String {
    let event = events.indices.contains(row.event) ? events[row.event] : nil
    let hop = event.flatMap { $0.hops.indices.contains(row.hop) ? $0.hops[row.hop] : nil }
    func field(_ nanoseconds: UInt64?) -> String { nanoseconds.map { String($0) } ?? "" }
    csv.row([
      event?.name ?? "", row.id, row.key ?? "", row.version ?? "", field(row.sentNanoseconds), field(row.ackedNanoseconds),
      hop?.name ?? "", field(row.lowNanoseconds), field(row.highNanoseconds), row.outcome.rawValue,
      row.anomalies.map(\.rawValue).joined(separator: ";"),
    ])
    return csv.take()
  }
}
