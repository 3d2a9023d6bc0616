import ChainIO
import ChainProgram
import Metrics

/// The ledger's pages for one declared event: a record for each id under way, and its sightings hop by hop.
///
/// A record is let go once its rows are written; `decided` keeps what is needed to tell what comes later. So memory follows the events of one
/// settle time, not those of the run.
final class EventBook {
  /// What is known of an id's origin, from the weakest to the strongest: of several attempts with one id the strongest counts.
  enum Origin: UInt8 {
    /// Seen before (or without) any attempt of this run.
    case unclaimed
    case rolledBack
    case unknown
    case committed
  }

  /// Plain memory, which is copied without counting anything: the id stands in `ids`.
  struct Record {
    var sent: UInt64 = 0
    var acknowledged: UInt64 = 0
    /// Nanoseconds: the first sighting of an unclaimed one, or when a user began to wait for it.
    var begun: UInt64 = 0
    /// Of an unclaimed one: origins from this number on were submitted after it was first seen.
    var horizon: UInt64 = 0
    var version: Int64 = 0
    /// The key's index; -1 before it is claimed.
    var key: Int32 = -1
    /// Grows each time the place is used anew.
    var serial: UInt32 = 0
    /// Commits with this id after the first. They share its outcome, and as many sightings more are no duplicates.
    var repeatedCommits: UInt32 = 0
    var origin = Origin.unclaimed
    var hasVersion = false
    /// Its rows are written.
    var isDecided = false
    var isAlive = true
  }

  let event: EventDeclaration
  let index: Int
  private let program: Program
  let evaluator: Evaluator
  let runID: String
  var table = EventIDTable()
  var records = PagedArray<Record>()
  /// By record.
  var ids = PagedArray<EventID>()
  var freeRecords: ContiguousArray<Int32> = []
  /// key, version and body of each record; empty if the chain maps none of them.
  private var fields = PagedArray<Value>()
  private let fieldCount: Int
  /// Fields of the event's body.
  private let bodyCount: Int
  let hops: [HopBook]
  /// The same, for what is asked for each event.
  private let pages: HeldObjects<HopBook>
  /// Whether keys are looked up: at some hop versions are compared.
  private let usesKeys: Bool
  var eventCounts = EventCounts()
  /// Records in the order of arrival, in which they are decided.
  var undecided = IndexQueue()
  /// Records that were seen but not attempted when their turn came: an attempt may still claim them, and they hold up nobody.
  var unclaimed = IndexQueue()
  /// Decided, and waited for by a user whose patience is longer than `settle`.
  var lingering: [Int] = []
  private var underWay = OriginsUnderWay()
  private(set) var keys = KeyTable()
  /// By key: what entries that belong to keys should hold. As long as there are keys, where such entries may be.
  private(set) var keyStates: ContiguousArray<KeyState> = []
  /// By event: what entries of their own should hold.
  var finalStates: FinalStates
  /// Whether some hop has entries that are compared at the end.
  let holdsStates: Bool
  /// The fields of the body that are: those that the first such hop maps.
  let sweptFields: [Int]
  /// Nanoseconds: the first attempt was sent; 0 before.
  private(set) var firstSent: UInt64 = 0
  /// Told when an observer sees again: its hop, and when the gap began (nanoseconds).
  var onGapEnded: ((Int, UInt64) -> Void)?
  var decided = DecidedEvents()
  /// Of decided events of which two bits do not say enough: the origin in the two lowest bits, then a bit for each hop that has seen it.
  /// Hops from number 30 on are taken as having seen it.
  var exceptions: [Int64: UInt32] = [:]
  static let exceptionsMax = 1 << 20
  /// Rows of what came after its event was decided.
  var lateRows: [JournalEventRow] = []
  private var lastAcknowledged: UInt64 = 0
  /// Events of rolled-back transactions that no other attempt has claimed: nobody expects to see them, so only time settles them.
  var undecidedRolledBack = 0
  private var lastRolledBack: UInt64 = 0
  /// Told of origins and sightings, for `chainrun trace`; nil in every other run.
  var tracer: Tracer?

  init(event: EventDeclaration, index: Int, program: Program, evaluator: Evaluator, runID: String) {
    self.runID = runID
    self.event = event
    self.index = index
    self.program = program
    self.evaluator = evaluator
    finalStates = FinalStates(hasVersion: event.hasVersion)
    bodyCount = event.body.count
    fieldCount = event.hasKey || event.hasVersion || !event.body.isEmpty ? 2 + event.body.count : 0
    hops = event.hops.enumerated().map { number, hop in
      HopBook(
        declaration: hop, event: event, eventIndex: index, hop: number, connection: program.connections[hop.connection.index].name,
        slotCount: max(1, program.slots.count))
    }
    pages = HeldObjects(hops)
    holdsStates = hops.contains { !$0.showsMessages }
    usesKeys = hops.contains { $0.isVersioned } || (event.hasKey && holdsStates)
    let comparing = hops.first { !$0.showsMessages && $0.declaration.bodySlots.contains { $0 != nil } }
    sweptFields = (comparing?.declaration.bodySlots ?? []).enumerated().filter { $0.element != nil }.map(\.offset)
    for hop in hops {
      hop.belong(to: self)
      let fields = hop.declaration.bodySlots.enumerated().filter { $0.element != nil }.map(\.offset)
      hop.comparesKeptBody = !hop.showsMessages && fields == sweptFields
    }
  }

  // Origins

  /// While an origin is under way its event may show up at any hop: fences must run by then to give the sighting a lower bound.
  ///
  /// - Returns: its number, for `originEnded`.
  func originSubmitted() -> UInt64 {
    pages.each { $0.eventPending() }
    return underWay.begin()
  }

  func originEnded(_ number: UInt64) {
    pages.each { $0.eventSettled() }
    underWay.end(number)
    pages.each { $0.orderWhatIsKnown() }
  }

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
    guard var number = table.find(id) ?? newAttempt(origin, id) else { return }
    let (earlier, wasDecided) = (records[number].origin, records[number].isDecided)
    guard origin.rawValue > earlier.rawValue else {
      if origin == .committed { repeatCommit(number) }
      return
    }
    if earlier == .rolledBack, !wasDecided { undecidedRolledBack -= 1 }
    if wasDecided {
      // Its rows are written and stand; what was seen counts for the new attempt too.
      number = successor(of: number)
    }
    // The strongest attempt owns the record: a retry that commits after one that was rolled back or lost its answer.
    records[number].origin = origin
    records[number].sent = sent
    records[number].acknowledged = acknowledged
    identify(number, id, values)
    // What was rolled back is looked for as well: it should not be seen.
    pages.each { $0.seek(number, id: values[0], values) }
    guard origin != .rolledBack else {
      undecidedRolledBack += 1
      lastRolledBack = max(lastRolledBack, acknowledged)
      return
    }
    lastAcknowledged = max(lastAcknowledged, acknowledged)
    if earlier != .unknown || wasDecided { pages.each { if !$0.isSeen(number) { $0.eventPending() } } }
    guard origin == .committed else { return }
    pages.each { hop in
      if hop.seenAt(number) != nil {
        hop.recordLag(number, sent: sent, acknowledged: acknowledged)
        for look in hop.takeEarly(number) ?? [] { show(number, hop, look) }
      }
      hop.orderWhatIsKnown()
    }
  }

  private func identify(_ number: Int, _ id: EventID, _ values: UnsafePointer<Value>) {
    if fieldCount > 0 { for field in 0..<fieldCount { fields[number * fieldCount + field] = values[1 + field] } }
    if case .int(let version) = values[2], event.hasVersion {
      records[number].version = version
      records[number].hasVersion = true
    }
    if firstSent == 0 { firstSent = records[number].sent }
    guard usesKeys, let key = event.hasKey ? EventID(values[1]) : id else { return }
    let keyIndex = keyIndex(key)
    records[number].key = Int32(truncatingIfNeeded: keyIndex)
    guard event.hasKey, holdsStates else { return }
    switch records[number].origin {
    case .committed:
      guard !keyStates[keyIndex].hasCommit || records[number].version >= keyStates[keyIndex].version else { return }
      keyStates[keyIndex].hasCommit = true
      keyStates[keyIndex].version = records[number].version
      keyStates[keyIndex].id = id
      keyStates[keyIndex].body = keptBody(number)
    case .unknown:
      keyStates[keyIndex].hasUncertain = true
      keyStates[keyIndex].uncertain = max(keyStates[keyIndex].uncertain, records[number].version)
    case .rolledBack, .unclaimed: break
    }
  }

  private func keyIndex(_ key: EventID) -> Int {
    let index = keys.index(of: key)
    if event.hasKey, holdsStates, index == keyStates.count { keyStates.append(KeyState()) }
    return index
  }

  /// Where the hop says that the event will be found, by its id, key, version and body.
  func entryName(_ hop: HopBook, of number: Int) -> [UInt8] {
    var values = [ids[number].value]
    for field in 0..<max(2, fieldCount) { values.append(fieldCount > 0 ? fields[number * fieldCount + field] : .null) }
    return values.withUnsafeBufferPointer { hop.entryName($0.baseAddress!) }
  }

  /// A hash of the fields that are compared at the end.
  func keptBody(_ number: Int) -> UInt64 {
    guard !sweptFields.isEmpty else { return 0 }
    var hash = BodyHash()
    for field in sweptFields { hash.combine(fields[number * fieldCount + 2 + field]) }
    return hash.value
  }

  /// A hop showed something else than it should: of the key's newest version nobody need say it again.
  func mismatched(_ number: Int) {
    let key = Int(records[number].key)
    guard key >= 0, key < keyStates.count else { return }
    keyStates[key].mismatched = max(keyStates[key].mismatched, records[number].version)
  }

  func gapEnded(_ hop: HopBook, _ start: UInt64) { onGapEnded?(hop.hop, start) }

  /// An attempt with an id that has no record.
  ///
  /// - Returns: its new record; nil if the attempt changes nothing.
  private func newAttempt(_ origin: Origin, _ id: EventID) -> Int? {
    var seen: UInt32 = 0
    switch decided.trace(of: id.compact) {
    case .none: break
    case .settled:
      if origin == .committed { for hop in hops { hop.countRepeat(.ok) } }
      return nil
    case .rolledBack: if origin == .rolledBack { return nil }
    case .exception:
      let exception = exceptions[id.compact] ?? 0
      seen = exception >> 2
      guard origin.rawValue > exception & 3 else {
        if origin == .committed {
          for hop in hops { hop.countRepeat(EventBook.isSet(exception, hop: hop.hop) ? .ok : .lost) }
        }
        return nil
      }
    }
    let number = append(id)
    for hop in hops where EventBook.isSet(seen << 2, hop: hop.hop) && seen != 0 { hop.markSeenEarlier(number) }
    return number
  }

  static func isSet(_ exception: UInt32, hop: Int) -> Bool { hop >= 30 || exception >> UInt32(hop + 2) & 1 != 0 }

  /// Another commit with an id that has one already: the first keeps the record, and this one shares its outcome.
  private func repeatCommit(_ number: Int) {
    records[number].repeatedCommits += 1
    if records[number].isDecided {
      let record = records[number]
      eachOutcome(of: record, number, now: record.acknowledged &+ event.settleNanoseconds) { hop, outcome in hops[hop].countRepeat(outcome) }
    }
  }

  /// A record of its own for a later attempt with the same id.
  private func successor(of old: Int) -> Int {
    let id = ids[old]
    table.remove(id)
    let number = append(id)
    for hop in hops { hop.copySight(from: old, to: number) }
    return number
  }

  private func append(_ id: EventID) -> Int {
    let number: Int
    if let free = freeRecords.popLast() {
      number = Int(free)
      let serial = records[number].serial &+ 1
      records[number] = Record()
      ids[number] = id
      records[number].serial = serial
      for field in 0..<fieldCount { fields[number * fieldCount + field] = .null }
    } else {
      number = records.count
      records.append(Record())
      ids.append(id)
      for _ in 0..<fieldCount { fields.append(.null) }
    }
    records[number].horizon = underWay.next
    pages.each { $0.beginRecord(number) }
    undecided.append(number)
    table.insert(id, record: number)
    return number
  }

  /// Nanoseconds; nil if the record was let go, or was not committed.
  func acknowledgement(of number: Int, _ serial: UInt32) -> UInt64? {
    isAlive(number, serial) && records[number].origin == .committed ? records[number].acknowledged : nil
  }

  func isAlive(_ number: Int, _ serial: UInt32) -> Bool { records[number].serial == serial && records[number].isAlive }

  /// Whether no origin under way can claim what was seen before `horizon`.
  func isUnclaimable(_ horizon: UInt64) -> Bool { underWay.oldest >= horizon }

  enum Place {
    /// Its origin may still come.
    case pending
    case unknown
    case known(key: Int, version: Int64?)
  }

  func place(of number: Int, horizon: UInt64) -> Place {
    let record = records[number]
    if record.key >= 0 { return .known(key: Int(record.key), version: record.hasVersion ? record.version : nil) }
    return record.origin != .unclaimed || isUnclaimable(horizon) ? .unknown : .pending
  }

  // Sightings

  func sink(hop: Int) -> any SightingSink { hops[hop] }
  func attach(_ observer: (any HopObserver)?, hop: Int) { hops[hop].attach(observer) }
  func armed(hop: Int) { hops[hop].armed() }

  /// - Parameter isRead: The entry was read after a gap, which tells of no write.
  func sighted(_ hop: HopBook, notBefore proven: UInt64, seen: UInt64, content: OperationResult, isRead: Bool = false) {
    var notBefore = proven
    let mapping = hop.mapping
    switch hop.map(content, evaluator, runID: runID) {
    case .ours: break
    case .foreign:
      hop.foreign += 1
      return
    case .unreadable:
      hop.unreadable += 1
      return
    }
    guard let id = EventID(hop.frame[mapping.id]) else {
      hop.unreadable += 1
      return
    }
    if let tracer { trace(hop, notBefore: notBefore, seen: seen, to: tracer) }
    var version: Int64?
    if mapping.version >= 0, case .int(let number) = hop.frame[mapping.version] { version = number }
    var key = -1
    if hop.isVersioned {
      if mapping.key >= 0, let value = EventID(hop.frame[mapping.key]) {
        key = keyIndex(value)
      } else if !event.hasKey {
        key = keyIndex(id)
      }
    }
    guard let number = table.find(id) ?? newSighting(id, hop, notBefore: notBefore, seen: seen, isRead: isRead) else {
      hop.inOrder(record: nil, version: version, key: key, isFirst: false, notBefore: notBefore, seen: seen, horizon: underWay.next, id: id)
      return
    }
    // Field by field: a record's copy costs reference counts.
    let (origin, isDecided) = (records[number].origin, records[number].isDecided)
    notBefore = max(notBefore, hop.absentSince(number))
    if records[number].begun == 0 { records[number].begun = seen }
    let isFirst = hop.see(number, notBefore: notBefore, seen: seen, isRead: isRead)
    if hop.isVersioned {
      hop.inOrder(
        record: (number, records[number].serial), version: version, key: key, isFirst: isFirst, notBefore: notBefore, seen: seen,
        horizon: underWay.next)
    }
    if hop.wantsNames, !event.hasKey || records[number].key >= 0 || key >= 0 {
      hop.learnName(content, id: id, key: event.hasKey ? keys.keys[key >= 0 ? key : Int(records[number].key)] : nil)
    }
    switch origin {
    case .committed:
      if isFirst, !isDecided {
        hop.eventSettled()
        hop.recordLag(number, sent: records[number].sent, acknowledged: records[number].acknowledged)
      }
      var isRight = isRightVersion(version, number)
      for field in 0..<bodyCount where isRight {
        let slot = hop.bodySlots[field]
        if slot >= 0 { isRight = isRightField(field, hop.frame[slot], number) }
      }
      hop.show(number, isRight: isRight, notBefore: notBefore, seen: seen)
    case .unclaimed, .rolledBack, .unknown:
      // A commit may still claim it, and then wants to know what was shown.
      if bodyCount > 0 || version != nil || !hop.showsMessages {
        hop.keepEarly(number, HopBook.EarlyLook(body: body(hop), version: version, notBefore: notBefore, seen: seen))
      }
      if isFirst, origin == .unknown, !isDecided { hop.eventSettled() }
    }
    guard isFirst else {
      if !isRead, isDecided, origin != .unclaimed { hop.countLateDuplicate(number, commits: records[number].repeatedCommits, id) }
      return
    }
    hop.wake(number, seen: seen)
  }

  /// A sighting of an id that has no record.
  ///
  /// - Returns: its new record; nil if what it means is settled already.
  private func newSighting(_ id: EventID, _ hop: HopBook, notBefore: UInt64, seen: UInt64, isRead: Bool) -> Int? {
    let compact = id.compact
    switch decided.trace(of: compact) {
    case .none: return append(id)
    case .settled: if !isRead { hop.countLateDuplicate(id) }
    case .rolledBack: sightedLate(id, hop, exception: UInt32(Origin.rolledBack.rawValue), notBefore: notBefore, seen: seen, isRead: isRead)
    case .exception: sightedLate(id, hop, exception: exceptions[compact] ?? 0, notBefore: notBefore, seen: seen, isRead: isRead)
    }
    return nil
  }

  private func sightedLate(_ id: EventID, _ hop: HopBook, exception: UInt32, notBefore: UInt64, seen: UInt64, isRead: Bool) {
    let isSecond = EventBook.isSet(exception, hop: hop.hop)
    if hop.hop < 30 { noteException(id.compact, exception | 1 << UInt32(hop.hop + 2)) }
    let outcome: EventOutcome
    switch Origin(rawValue: UInt8(exception & 3)) ?? .unclaimed {
    case .committed, .unknown:
      // What was lost or absent stays so: it came after its time.
      if isSecond, !isRead { hop.countLateDuplicate(id) }
      return
    case .rolledBack: outcome = .aborted
    case .unclaimed: outcome = .unexpected
    }
    guard !isSecond else { return }
    hop.counts.count(outcome)
    if holdsStates, outcome == .unexpected { finalStates.append(id, version: 0, body: 0, origin: .unclaimed, mismatches: 0) }
    lateRows.append(
      JournalEventRow(
        event: index, hop: hop.hop, id: id.text, lowNanoseconds: notBefore == 0 ? nil : notBefore, highNanoseconds: seen, outcome: outcome))
  }

  func noteException(_ id: Int64, _ exception: UInt32) {
    if decided.note(.exception, of: id) || exceptions.count >= EventBook.exceptionsMax { exceptions.removeAll(keepingCapacity: true) }
    exceptions[id] = exception
  }

  private func trace(_ hop: HopBook, notBefore: UInt64, seen: UInt64, to tracer: Tracer) {
    let declaration = hop.declaration
    let shown = zip(event.body, declaration.bodySlots).compactMap { field, slot in slot.map { (field.name, hop.frame[$0.index]) } }
    tracer.sighted(event: index, hop: hop.hop, id: hop.frame[declaration.idSlot.index], body: shown, notBefore: notBefore, seen: seen)
  }

  /// What the hop showed, in the order of the event's body.
  private func body(_ hop: HopBook) -> [Value?] { (0..<bodyCount).map { hop.bodySlots[$0] >= 0 ? hop.frame[hop.bodySlots[$0]] : nil } }

  /// What was seen before its origin was known, now that it is.
  private func show(_ number: Int, _ hop: HopBook, _ look: HopBook.EarlyLook) {
    var isRight = isRightVersion(look.version, number)
    for (field, value) in look.body.enumerated() where isRight {
      if let value { isRight = isRightField(field, value, number) }
    }
    hop.show(number, isRight: isRight, notBefore: look.notBefore, seen: look.seen)
  }

  private func isRightVersion(_ shown: Int64?, _ number: Int) -> Bool {
    shown == nil || !records[number].hasVersion || shown == records[number].version
  }

  private func isRightField(_ field: Int, _ shown: Value, _ number: Int) -> Bool {
    Ordering.holds(.equal, .string, fields[number * fieldCount + 2 + field], shown)
  }

  /// Keeps a record's key or version for its rows.
  func keep(_ field: Int, of number: Int, in rows: inout EventRows) -> EventRows.Text {
    if case .int(let value) = fields[number * fieldCount + field] { return .integer(value) }
    var hasText = false
    let text = rows.keep { hasText = fields[number * fieldCount + field].appendText(to: &$0) }
    return hasText ? text : .absent
  }

  // Waiting users

  func join(hop: Int, id: Value, user: VirtualUser) -> Ledger.JoinResult {
    guard let id = EventID(id) else { return .pending(Ledger.Join(event: index, hop: hop, record: -1)) }
    let number: Int
    if let found = table.find(id) {
      number = found
    } else {
      switch decided.trace(of: id.compact) {
      case .none: number = append(id)
      case .settled: return .seen(at: 0)
      case .exception where EventBook.isSet(exceptions[id.compact] ?? 0, hop: hop): return .seen(at: 0)
      // Given up; nobody is told of what may still come.
      case .rolledBack, .exception: return .pending(Ledger.Join(event: index, hop: hop, record: -1))
      }
    }
    if let seen = hops[hop].seenAt(number) { return .seen(at: seen) }
    hops[hop].join(number, user)
    return .pending(Ledger.Join(event: index, hop: hop, record: number))
  }

  func leave(hop: Int, record: Int, user: VirtualUser) { if record >= 0 { hops[hop].leave(record, user) } }

  func isSettled(now: UInt64) -> Bool {
    guard undecidedRolledBack == 0 || now > lastRolledBack &+ event.settleNanoseconds else { return false }
    return hops.allSatisfy { $0.pendingCount == 0 } || now > lastAcknowledged &+ event.settleNanoseconds
  }

  // Figures

  func takeHopIntervals() -> [HopInterval] { hops.compactMap { $0.takeInterval() } }
  func takeGaps() -> [JournalGap] { hops.flatMap { $0.takeGaps() } }

  func counts() -> JournalLedger {
    JournalLedger(
      event: index, counts: eventCounts, hops: hops.map { $0.finalCounts(checksBody: !event.body.isEmpty, checksVersion: event.hasVersion) })
  }

  var isConserved: Bool { eventCounts.areConserved && hops.allSatisfy { $0.counts.accountedFor == eventCounts.committed } }
  var progress: EventProgress {
    EventProgress(
      counts: eventCounts,
      hops: hops.map {
        HopProgress(
          seen: $0.lagCount, awaited: UInt64($0.pendingCount),
          counts: $0.finalCounts(checksBody: !event.body.isEmpty, checksVersion: event.hasVersion))
      })
  }
  func settlesWithin(now: UInt64) -> UInt64? {
    guard hops.contains(where: { $0.pendingCount > 0 }) else { return nil }
    let end = lastAcknowledged &+ event.settleNanoseconds
    return end > now ? end - now : 0
  }
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
