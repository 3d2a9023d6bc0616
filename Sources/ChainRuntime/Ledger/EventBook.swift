import ChainIO
import ChainProgram
import Metrics

/// The ledger's pages for one declared event: a record for each id, and its sightings hop by hop.
final class EventBook {
  enum Origin: UInt8 {
    /// Seen before (or without) any attempt of this run.
    case unclaimed
    case committed
    case rolledBack
    case unknown
  }

  private struct Record {
    var id: EventID
    var sent: UInt64 = 0
    var acknowledged: UInt64 = 0
    var origin = Origin.unclaimed
  }

  private let event: EventDeclaration
  private let index: Int
  private let program: Program
  private let evaluator: Evaluator
  private var table = EventIDTable()
  private var records: ContiguousArray<Record> = []
  /// key, version and body of each record; empty if the chain maps none of them.
  private var fields: ContiguousArray<Value> = []
  private let fieldCount: Int
  private let hops: [HopBook]
  private(set) var eventCounts = EventCounts()
  /// Records below this are written; outcomes are decided in the order of arrival.
  private var firstUnwritten = 0
  private var lastAcknowledged: UInt64 = 0

  init(event: EventDeclaration, index: Int, program: Program, evaluator: Evaluator) {
    self.event = event
    self.index = index
    self.program = program
    self.evaluator = evaluator
    fieldCount = event.hasKey || event.hasVersion || !event.body.isEmpty ? 2 + event.body.count : 0
    hops = event.hops.enumerated().map { number, hop in
      HopBook(
        declaration: hop, event: index, hop: number, connection: program.connections[hop.connection.index].name,
        slotCount: max(1, program.slots.count))
    }
    for hop in hops { hop.book = self }
  }

  // Origins

  func attempt(_ origin: Origin, _ values: UnsafePointer<Value>?, sent: UInt64, acknowledged: UInt64) {
    eventCounts.attempted += 1
    switch origin {
    case .committed: eventCounts.committed += 1
    case .rolledBack: eventCounts.rolledBack += 1
    case .unknown, .unclaimed: eventCounts.unknown += 1
    }
    guard let values, let id = EventID(values[0]) else { return }
    let number = record(for: id)
    // A second attempt with the id of an earlier one: the first keeps the record, and the sightings count as its duplicates.
    guard records[number].origin == .unclaimed else { return }
    records[number].origin = origin
    records[number].sent = sent
    records[number].acknowledged = acknowledged
    if fieldCount > 0 { for field in 0..<fieldCount { fields[number * fieldCount + field] = values[1 + field] } }
    guard origin != .rolledBack else { return }
    lastAcknowledged = max(lastAcknowledged, acknowledged)
    for hop in hops where !hop.isSeen(number) { hop.eventPending() }
    guard origin == .committed else { return }
    for hop in hops where hop.isSeen(number) {
      hop.recordLag(number, sent: sent, acknowledged: acknowledged)
      if let early = hop.takeEarlyBody(number) { compare(early, number, hop) }
    }
  }

  private func record(for id: EventID) -> Int {
    if let found = table.find(id) { return found }
    let number = records.count
    table.insert(id, record: number)
    records.append(Record(id: id))
    for _ in 0..<fieldCount { fields.append(.null) }
    for hop in hops { hop.addRecord() }
    return number
  }

  // Sightings

  func sink(hop: Int) -> any SightingSink { hops[hop] }
  func attach(_ observer: (any HopObserver)?, hop: Int) { hops[hop].attach(observer) }

  func sighted(_ hop: HopBook, notBefore: UInt64, seen: UInt64, content: OperationResult) {
    let declaration = hop.declaration
    hop.reader.read(content)
    var draws = Randomness(seed: 0, stream: 0, iteration: 0)
    do throws(OperationError) {
      try evaluator.runBlock(entry: declaration.mappingEntry, frame: hop.frame, content: hop.reader, draws: &draws)
    } catch {
      hop.unreadable += 1
      return
    }
    guard let id = EventID(hop.frame[declaration.idSlot.index]) else {
      hop.unreadable += 1
      return
    }
    let number = record(for: id)
    guard hop.see(number, notBefore: notBefore, seen: seen) else { return }
    let record = records[number]
    switch record.origin {
    case .committed:
      hop.eventSeen()
      hop.recordLag(number, sent: record.sent, acknowledged: record.acknowledged)
      compare(body(hop), number, hop)
    case .unclaimed:
      if !event.body.isEmpty { hop.keepEarlyBody(number, body(hop)) }
    case .unknown: hop.eventSeen()
    case .rolledBack: break
    }
    hop.wake(number, seen: seen)
  }

  /// What the hop showed, in the order of the event's body.
  private func body(_ hop: HopBook) -> [Value?] { hop.declaration.bodySlots.map { $0.map { hop.frame[$0.index] } } }

  private func compare(_ shown: [Value?], _ number: Int, _ hop: HopBook) {
    for position in event.body.indices {
      guard let value = shown[position] else { continue }
      guard Ordering.holds(.equal, .string, fields[number * fieldCount + 2 + position], value) else {
        hop.markMismatch(number)
        return
      }
    }
  }

  // Waiting users

  func join(hop: Int, id: Value, user: VirtualUser) -> Ledger.JoinResult {
    guard let id = EventID(id) else { return .pending(Ledger.Join(event: index, hop: hop, record: -1)) }
    let number = record(for: id)
    if let seen = hops[hop].seenAt(number) { return .seen(at: seen) }
    hops[hop].join(number, user)
    return .pending(Ledger.Join(event: index, hop: hop, record: number))
  }

  func leave(hop: Int, record: Int) { hops[hop].leave(record) }

  // Outcomes

  /// Writes rows in the order of arrival, each once its settle time has passed.
  func advance(now: UInt64, isFinal: Bool, limit: Int, into rows: inout [JournalEventRow]) {
    let end = min(records.count, limit == .max ? .max : firstUnwritten + limit)
    while firstUnwritten < end {
      let record = records[firstUnwritten]
      guard isFinal || (record.origin != .unclaimed && now > record.acknowledged &+ event.settleNanoseconds) else { break }
      decide(firstUnwritten, now: now, into: &rows)
      firstUnwritten += 1
    }
  }

  private func decide(_ number: Int, now: UInt64, into rows: inout [JournalEventRow]) {
    let record = records[number]
    var isBlocked = false
    for (position, hop) in hops.enumerated() {
      let outcome: EventOutcome
      switch (record.origin, hop.isSeen(number)) {
      case (.committed, true): outcome = hop.isLate(number, acknowledged: record.acknowledged, event.deadlineNanoseconds) ? .late : .ok
      case (.committed, false):
        if isBlocked {
          outcome = .blocked
        } else if now < record.acknowledged &+ event.settleNanoseconds
          || hop.mayHaveMissed(from: record.sent, to: record.acknowledged &+ event.settleNanoseconds)
        {
          outcome = .unobserved
        } else {
          outcome = .lost
          isBlocked = true
        }
      case (.unknown, true): outcome = .recovered
      case (.unknown, false): outcome = .absent
      case (.rolledBack, true): outcome = .aborted
      case (.unclaimed, true): outcome = .unexpected
      case (.rolledBack, false), (.unclaimed, false): continue
      }
      hop.counts.count(outcome)
      let anomalies = hop.anomalies(number, isClaimed: record.origin != .unclaimed)
      rows.append(
        JournalEventRow(
          event: index, hop: position, id: record.id.text, key: text(number, 0, event.hasKey), version: text(number, 1, event.hasVersion),
          sentNanoseconds: record.sent == 0 ? nil : record.sent, ackedNanoseconds: record.origin == .committed ? record.acknowledged : nil,
          lowNanoseconds: hop.lowerBound(number, sent: record.sent), highNanoseconds: hop.seenAt(number), outcome: outcome,
          anomalies: anomalies))
    }
  }

  private func text(_ number: Int, _ field: Int, _ isMapped: Bool) -> String? {
    guard isMapped else { return nil }
    var bytes: [UInt8] = []
    guard fields[number * fieldCount + field].appendText(to: &bytes) else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  func isSettled(now: UInt64) -> Bool {
    hops.allSatisfy { $0.pendingCount == 0 } || now > lastAcknowledged &+ event.settleNanoseconds
  }

  // Figures

  func takeHopIntervals() -> [HopInterval] { hops.compactMap { $0.takeInterval() } }
  func takeGaps() -> [JournalGap] { hops.flatMap { $0.takeGaps() } }

  func counts() -> JournalLedger {
    JournalLedger(event: index, counts: eventCounts, hops: hops.map { $0.finalCounts(checksBody: !event.body.isEmpty) })
  }

  var isConserved: Bool { eventCounts.areConserved && hops.allSatisfy { $0.counts.accountedFor == eventCounts.committed } }
  var visibleAtLastHop: UInt64 { hops.last?.lagCount ?? 0 }
  var lostCount: UInt64 { hops.reduce(0) { $0 + $1.counts.lost } }
  /// Sightings whose mapping failed: not JSON, no id.
  var unreadableCount: UInt64 { hops.reduce(0) { $0 + $1.unreadable } }
}
