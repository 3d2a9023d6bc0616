import ChainIO
import ChainProgram
import Metrics

/// The ledger's pages for one declared event: a record for each id, and its sightings hop by hop.
final class EventBook {
  /// What is known of an id's origin, from the weakest to the strongest: of several attempts with one id the strongest counts.
  enum Origin: UInt8 {
    /// Seen before (or without) any attempt of this run.
    case unclaimed
    case rolledBack
    case unknown
    case committed
  }

  private struct Record {
    var id: EventID
    var sent: UInt64 = 0
    var acknowledged: UInt64 = 0
    var origin = Origin.unclaimed
    /// Its rows are written.
    var isDecided = false
    /// Commits with this id after the first. They share its outcome, and as many sightings more are no duplicates.
    var repeatedCommits: UInt32 = 0
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
  /// Records below this are decided, or stand in `unclaimed`; outcomes are decided in the order of arrival.
  private var firstUnwritten = 0
  /// Records that were seen but not attempted when their turn came: an attempt may still claim them, and they hold up nobody.
  private var unclaimed: [Int] = []
  private var lastAcknowledged: UInt64 = 0
  /// Told of origins and sightings, for `chainrun trace`; nil in every other run.
  var tracer: Tracer?

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

  /// While an origin is under way its event may show up at any hop: fences must run by then to give the sighting a lower bound.
  func originSubmitted() { for hop in hops { hop.eventPending() } }
  func originEnded() { for hop in hops { hop.eventSettled() } }

  func attempt(_ origin: Origin, _ values: UnsafePointer<Value>?, sent: UInt64, acknowledged: UInt64) {
    tracer?.attempted(origin, event: index, id: values?[0], sent: sent, acknowledged: acknowledged)
    let id = values.flatMap { EventID($0[0]) }
    eventCounts.attempted += 1
    switch origin {
    // A commit without an id can be followed nowhere.
    case .committed: if id == nil { eventCounts.unknown += 1 } else { eventCounts.committed += 1 }
    case .rolledBack: eventCounts.rolledBack += 1
    case .unknown, .unclaimed: eventCounts.unknown += 1
    }
    guard let values, let id else { return }
    var number = record(for: id)
    let before = records[number]
    guard origin.rawValue > before.origin.rawValue else {
      if origin == .committed { repeatCommit(number) }
      return
    }
    if before.isDecided {
      // Its rows are written and stand; what was seen counts for the new attempt too.
      number = successor(of: number)
    }
    // The strongest attempt owns the record: a retry that commits after one that was rolled back or lost its answer.
    records[number].origin = origin
    records[number].sent = sent
    records[number].acknowledged = acknowledged
    if fieldCount > 0 { for field in 0..<fieldCount { fields[number * fieldCount + field] = values[1 + field] } }
    // What was rolled back is looked for as well: it should not be seen.
    for hop in hops { hop.seek(number, id: values[0], values) }
    guard origin != .rolledBack else { return }
    lastAcknowledged = max(lastAcknowledged, acknowledged)
    if before.origin != .unknown || before.isDecided { for hop in hops where !hop.isSeen(number) { hop.eventPending() } }
    guard origin == .committed else { return }
    for hop in hops where hop.isSeen(number) {
      hop.recordLag(number, sent: sent, acknowledged: acknowledged)
      if let early = hop.takeEarlyBody(number) { compare(early, number, hop) }
    }
  }

  /// Another commit with an id that has one already: the first keeps the record, and this one shares its outcome.
  private func repeatCommit(_ number: Int) {
    records[number].repeatedCommits += 1
    if records[number].isDecided {
      for (hop, outcome) in outcomes(number, now: records[number].acknowledged &+ event.settleNanoseconds) { hops[hop].counts.count(outcome) }
    }
  }

  /// A record of its own for a later attempt with the same id.
  private func successor(of old: Int) -> Int {
    let number = append(Record(id: records[old].id))
    table.replace(records[old].id, record: number)
    for hop in hops { hop.copySight(from: old, to: number) }
    return number
  }

  private func record(for id: EventID) -> Int {
    if let found = table.find(id) { return found }
    let number = append(Record(id: id))
    table.insert(id, record: number)
    return number
  }

  private func append(_ record: Record) -> Int {
    let number = records.count
    records.append(record)
    for _ in 0..<fieldCount { fields.append(.null) }
    for hop in hops { hop.addRecord() }
    return number
  }

  // Sightings

  func sink(hop: Int) -> any SightingSink { hops[hop] }
  func attach(_ observer: (any HopObserver)?, hop: Int) { hops[hop].attach(observer) }
  func armed(hop: Int) { hops[hop].armed() }

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
    let record = records[number]
    if let tracer { trace(hop, notBefore: notBefore, seen: seen, to: tracer) }
    guard hop.see(number, notBefore: max(notBefore, hop.absentSince(number)), seen: seen) else {
      if record.isDecided, record.origin != .unclaimed { hop.countLateDuplicate(number, commits: record.repeatedCommits) }
      return
    }
    switch record.origin {
    case .committed:
      if !record.isDecided { hop.eventSettled() }
      hop.recordLag(number, sent: record.sent, acknowledged: record.acknowledged)
      compare(body(hop), number, hop)
    case .unclaimed, .rolledBack, .unknown:
      // A commit may still claim it, and then wants to know what was shown.
      if !event.body.isEmpty { hop.keepEarlyBody(number, body(hop)) }
      if record.origin == .unknown, !record.isDecided { hop.eventSettled() }
    }
    hop.wake(number, seen: seen)
  }

  private func trace(_ hop: HopBook, notBefore: UInt64, seen: UInt64, to tracer: Tracer) {
    let declaration = hop.declaration
    guard let position = hops.firstIndex(where: { $0 === hop }) else { return }
    let shown = zip(event.body, declaration.bodySlots).compactMap { field, slot in slot.map { (field.name, hop.frame[$0.index]) } }
    tracer.sighted(event: index, hop: position, id: hop.frame[declaration.idSlot.index], body: shown, notBefore: notBefore, seen: seen)
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

  func leave(hop: Int, record: Int, user: VirtualUser) { if record >= 0 { hops[hop].leave(record, user) } }

  // Outcomes

  /// Writes rows in the order of arrival, each once its settle time has passed.
  func advance(now: UInt64, isFinal: Bool, limit: Int, into rows: inout [JournalEventRow]) {
    let end = min(records.count, limit == .max ? .max : firstUnwritten + limit)
    while firstUnwritten < end {
      let record = records[firstUnwritten]
      if !isFinal, record.origin == .unclaimed {
        unclaimed.append(firstUnwritten)
      } else {
        guard isFinal || now > record.acknowledged &+ event.settleNanoseconds else { break }
        decide(firstUnwritten, now: now, into: &rows)
      }
      firstUnwritten += 1
    }
    guard isFinal else { return }
    for number in unclaimed { decide(number, now: now, into: &rows) }
    unclaimed = []
    for hop in hops { hop.gapEnded(at: now) }
  }

  private func decide(_ number: Int, now: UInt64, into rows: inout [JournalEventRow]) {
    records[number].isDecided = true
    for hop in hops { hop.forget(number) }
    let record = records[number]
    // Given up: what comes now comes too late to be waited for.
    if record.origin == .committed || record.origin == .unknown { for hop in hops where !hop.isSeen(number) { hop.eventSettled() } }
    for (position, outcome) in outcomes(number, now: now) {
      let hop = hops[position]
      for _ in 0...record.repeatedCommits { hop.counts.count(outcome) }
      let anomalies = hop.anomalies(number, isClaimed: record.origin != .unclaimed, commits: record.repeatedCommits)
      rows.append(
        JournalEventRow(
          event: index, hop: position, id: record.id.text, key: text(number, 0, event.hasKey), version: text(number, 1, event.hasVersion),
          sentNanoseconds: record.sent == 0 ? nil : record.sent, ackedNanoseconds: record.origin == .committed ? record.acknowledged : nil,
          lowNanoseconds: hop.lowerBound(number, sent: record.sent), highNanoseconds: hop.seenAt(number), outcome: outcome,
          anomalies: anomalies))
    }
  }

  /// What became of the event hop by hop; hops at which there is nothing to say are left out.
  private func outcomes(_ number: Int, now: UInt64) -> [(hop: Int, outcome: EventOutcome)] {
    let record = records[number]
    var found: [(hop: Int, outcome: EventOutcome)] = []
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
      found.append((position, outcome))
    }
    return found
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
  /// Sightings that a hop's mapping could not read (not JSON, no id): on nobody's account, so each hop reports its own as a failure.
  func unreadableSightings(at now: UInt64) -> [JournalFailure] {
    hops.filter { $0.unreadable > 0 }.map { hop in
      JournalFailure(
        fingerprint: ErrorFingerprint(
          step: nil, target: program.connections[hop.declaration.connection.index].kind, errorClass: "value", code: "unreadable-sighting",
          message: "what was seen at \(event.name).\(hop.declaration.name) could not be read by its mapping"),
        count: hop.unreadable, firstNanoseconds: now, lastNanoseconds: now, exampleNanoseconds: [])
    }
  }
}
