import ChainIO
import ChainProgram
import Metrics

@testable import ChainRuntime

/// A ledger with one event `made` of two hops, a tap and a cache; `deadline` 100, `settle` 1000 nanoseconds.
final class Books {
  let ledger: Ledger
  let program: Program
  var rows: [JournalEventRow] = []

  init(
    idType: ValueType = .int, body: [(name: String, type: ValueType)] = [], mapping: ProgramSketch.Mapping = .init(),
    hops: [(name: String, observer: String)] = Books.twoHops
  ) {
    var sketch = ProgramSketch()
    let step = sketch.step("insert")
    _ = sketch.event("made", origin: step, idType: idType, body: body, deadline: 100, settle: 1000, mapping: mapping, hops: hops)
    program = sketch.program
    ledger = Ledger(program: program, evaluator: Evaluator(program: program), runID: "run-1")
  }

  static let twoHops = [(name: "queue", observer: "tap"), (name: "cache", observer: "watch")]

  private func values(_ id: Value, _ body: [Value]) -> [Value] { [id, .null, .null] + body }

  func commit(_ id: Value, sent: UInt64, acked: UInt64, body: [Value] = []) {
    values(id, body).withUnsafeBufferPointer { ledger.committed(event: 0, $0.baseAddress!, sent: sent, acknowledged: acked) }
  }

  func commit(_ id: Int64, sent: UInt64, acked: UInt64, body: [Value] = []) { commit(.int(id), sent: sent, acked: acked, body: body) }

  /// A commit of a versioned event.
  func commit(_ id: Int64, key: Int64?, version: Int64?, sent: UInt64, acked: UInt64, body: [Value] = []) {
    let values = [.int(id), key.map { .int($0) } ?? .null, version.map { .int($0) } ?? .null] + body
    values.withUnsafeBufferPointer { ledger.committed(event: 0, $0.baseAddress!, sent: sent, acknowledged: acked) }
  }

  func rollBack(_ id: Int64?, at now: UInt64) {
    guard let id else { return ledger.rolledBack(event: 0, nil, at: now) }
    values(.int(id), []).withUnsafeBufferPointer { ledger.rolledBack(event: 0, $0.baseAddress!, at: now) }
  }

  func lose(_ id: Int64?, sent: UInt64, at now: UInt64) {
    guard let id else { return ledger.unknown(event: 0, nil, sent: sent, at: now) }
    values(.int(id), []).withUnsafeBufferPointer { ledger.unknown(event: 0, $0.baseAddress!, sent: sent, at: now) }
  }

  func sight(_ hop: Int, _ id: Int64, notBefore: UInt64 = 0, seen: UInt64, content: String? = nil) {
    sight(hop, key: String(id), notBefore: notBefore, seen: seen, content: content)
  }

  func sight(_ hop: Int, key: String, notBefore: UInt64 = 0, seen: UInt64, content: String? = nil) {
    ledger.sink(event: 0, hop: hop).sighted(Sighting(notBefore: notBefore, seen: seen, content: sightingContent(key: key, content)))
  }

  func advance(to now: UInt64) { rows += ledger.advance(now: now, limit: 500).decoded }
  func finish(at now: UInt64) { rows += ledger.finish(now: now).decoded }

  var counts: JournalLedger { ledger.counts()[0] }

  /// `queue:ok cache:late`; anomalies after a plus sign.
  func outcome(_ id: String) -> String {
    rows.filter { $0.id == id }.map { row in
      (["\(program.events[0].hops[row.hop].name):\(row.outcome.rawValue)"] + row.anomalies.map(\.rawValue)).joined(separator: "+")
    }.joined(separator: " ")
  }

  func outcome(_ id: Int64) -> String { outcome(String(id)) }
}
