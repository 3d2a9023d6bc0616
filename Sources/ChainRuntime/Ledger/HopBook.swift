import ChainIO
import ChainProgram
import Metrics

/// What was seen at one hop of one event. Records are the event book's: places that are used again.
final class HopBook: SightingSink {
  let declaration: HopDeclaration
  private let event: Int
  let hop: Int
  private let connection: String
  /// The book whose page this is, which owns it: not counted, and a weak reference would make each count of the book a slow one.
  private var owner: Unmanaged<EventBook>?
  func belong(to book: EventBook) { owner = .passUnretained(book) }
  var book: EventBook? { owner?.takeUnretainedValue() }
  /// Where the mapping leaves what it reads: slots, -1 for what it does not map. As plain numbers: a declaration's copy costs reference counts.
  struct Mapping {
    let entry: Int
    let id: Int
    let key: Int
    let version: Int
    /// Whether there is a block that reads whose run it is.
    let namesRun: Bool
  }
  let mapping: Mapping
  /// The slots of the event's body, -1 for fields that the hop does not map.
  let bodySlots: UnsafeMutablePointer<Int>
  /// The mapping's own frame and reader.
  let frame: UnsafeMutablePointer<Value>
  private let slotCount: Int
  let reader = ResultReader(OperationResult())

  private struct Sight {
    /// 0: nothing proves a lower bound.
    var notBefore: UInt64 = 0
    /// 0: not seen.
    var seen: UInt64 = 0
    /// As above, of the last change to the right value.
    var stableNotBefore: UInt64 = 0
    var stableSeen: UInt64 = 0
    var extraSightings: UInt32 = 0
    /// Sightings that wait in `unordered`.
    var unordered: UInt32 = 0
    var isMismatch = false
    var isReordered = false
    var isRegressed = false
    /// The hop shows what it should.
    var isRight = false
    /// Nanoseconds: it was looked for then, after a gap, and was not there; 0 if it was not.
    var sweptAt: UInt64 = 0
    /// Seen before the record was made, at a time that is not known any more.
    var isOld = false
    /// Nanoseconds: it was first seen when its entry was read after a gap, and what made it so may still be told of; 0 if it was not.
    var readAt: UInt64 = 0
  }

  private var sights = PagedArray<Sight>()
  /// By record: of those who wait for it the last one that joined; the others hang from its `nextWaiting`. Unmanaged, since a user that
  /// waits is its pool's, and leaves before it goes.
  private var waiting = PagedArray<Unmanaged<VirtualUser>?>()
  private var earlyLooks: [Int: [EarlyLook]] = [:]
  private var gaps: [(from: UInt64, to: UInt64)] = []
  private var openGap: UInt64?
  private var gapCause = ""
  private var untakenGaps: [JournalGap] = []
  var counts = HopCounts()
  private var duplicates: UInt64 = 0
  private var mismatches: UInt64 = 0
  private var visibleBeforeAck: UInt64 = 0
  var unreadable: UInt64 = 0
  /// What other runs made.
  var foreign: UInt64 = 0
  private var lateDuplicates = OffenderTally()
  private var mismatchesAtEnd = OffenderTally()

  /// The comparison at the end of the run.
  struct Sweep {
    var entries: UInt64 = 0
    var unread: UInt64 = 0
    var staleFinal = OffenderTally()
    var missing = OffenderTally()
    var extra = OffenderTally()
    /// Entries go by themselves, and some have had the time to.
    var mayHaveExpired = false
    var began: UInt64 = 0
    var ended: UInt64 = 0
    /// Why it ended early: then it counts nothing.
    var error: String?
  }
  var sweep: Sweep?
  /// Whether it shows the fields of the body that are kept for the comparison.
  var comparesKeptBody = false
  /// Attempted events that may still be seen here. While there are any, the observer keeps its fences running: what is not awaited
  /// needs no lower bound, and each fence is an operation on the observed system.
  private(set) var pendingCount = 0
  private var observer: (any HopObserver)?
  /// The observer, if it wants to know what is on its way.
  private var seeker: (any SeekingObserver)?
  /// Where one event will be found, by its id, key, version and body; nil if the hop does not say.
  private let place: TextTemplate?
  private var placeText: [UInt8] = []
  /// Nanoseconds, smoothed: how long events take to this hop.
  private var typicalLag: UInt64 = 0
  /// Whether each delivery or write is told of, so that a second one can be counted.
  private var countsRepeats: Bool
  private(set) var lagCount: UInt64 = 0
  private let lagLow = Histogram()
  private let lagHigh = Histogram()
  private let width = Histogram()
  private let stableLow = Histogram()
  private let stableHigh = Histogram()

  /// How entries are named, and whether one belongs to an event or to its key. Of no meaning where messages are seen.
  private(set) var names: EntryNames
  private var shape: EntryNames.Shape { names.shape }
  /// Versions in the order in which they were seen.
  private(set) var order = HopOrder()
  /// What the hop promises to a session that reads there; nil where it is not asked.
  var readYourWrites: GuaranteeTally?
  var monotonicReads: MonotonicReads?
  /// Whether changes of what was seen once are seen as well.
  private(set) var followsChanges = true
  let isVersioned: Bool
  let showsMessages: Bool
  /// Whether key and version of a sighting are those of its origin, or one of them.
  private let ordersByOrigin: Bool

  /// A sighting whose version is not known before its origin is.
  private struct Unordered {
    let record: Int
    let serial: UInt32
    let version: Int64?
    let key: Int
    let isFirst: Bool
    let notBefore: UInt64
    let seen: UInt64
    /// Origins from this number on were submitted after it was seen.
    let horizon: UInt64
  }
  private var unordered: [Unordered] = []
  private var unorderedStart = 0

  /// What was seen before its origin was known.
  struct EarlyLook {
    let body: [Value?]
    let version: Int64?
    let notBefore: UInt64
    let seen: UInt64
  }

  init(declaration: HopDeclaration, event: EventDeclaration, eventIndex: Int, hop: Int, connection: String, slotCount: Int) {
    self.declaration = declaration
    self.event = eventIndex
    self.hop = hop
    self.connection = connection
    self.slotCount = slotCount
    if case .text(let template)? = declaration.operand("at") { place = template } else { place = nil }
    names = EntryNames(hasKey: event.hasKey)
    countsRepeats = declaration.showsMessages
    isVersioned = event.hasVersion || declaration.versionSlot != nil
    ordersByOrigin = declaration.versionSlot == nil || (declaration.keySlot == nil && event.hasKey)
    if declaration.guarantees[.readYourWrites] != nil { readYourWrites = GuaranteeTally() }
    if declaration.guarantees[.monotonicReads] != nil { monotonicReads = MonotonicReads() }
    frame = .allocate(capacity: slotCount)
    frame.initialize(repeating: .null, count: slotCount)
    mapping = Mapping(
      entry: declaration.mappingEntry, id: declaration.idSlot.index, key: declaration.keySlot?.index ?? -1,
      version: declaration.versionSlot?.index ?? -1, namesRun: declaration.run != nil)
    showsMessages = declaration.showsMessages
    bodySlots = .allocate(capacity: max(1, declaration.bodySlots.count))
    for (field, slot) in declaration.bodySlots.enumerated() { bodySlots[field] = slot?.index ?? -1 }
  }

  deinit {
    frame.deinitialize(count: slotCount).deallocate()
    bodySlots.deallocate()
  }

  // SightingSink

  func sighted(_ sighting: borrowing Sighting) {
    let (notBefore, seen, content) = (sighting.notBefore, sighting.seen, sighting.content)
    owner?._withUnsafeGuaranteedRef { $0.sighted(self, notBefore: notBefore, seen: seen, content: content) }
  }

  func gapBegan(at start: UInt64, cause: String) {
    guard openGap == nil else { return }
    openGap = start
    gapCause = cause
  }

  func gapEnded(at end: UInt64) {
    guard let start = openGap else { return }
    openGap = nil
    gaps.append((start, end))
    untakenGaps.append(
      JournalGap(event: event, hop: hop, connection: connection, fromNanoseconds: start, toNanoseconds: end, reason: gapCause))
    owner?._withUnsafeGuaranteedRef { $0.gapEnded(self, start) }
  }

  /// The observer that feeds this book; nil lets go of it.
  func attach(_ observer: (any HopObserver)?) {
    self.observer = observer
    seeker = observer as? any SeekingObserver
  }

  /// The observer is in place, and knows by now how it observes.
  func armed() {
    guard let observer else { return }
    countsRepeats = showsMessages || observer.countsRepeats
    if seeker?.isSeeking == false { seeker = nil }
    followsChanges = observer.followsChanges
  }

  /// - Parameter values: The event's id, key, version and body.
  func seek(_ number: Int, id: Value, _ values: UnsafePointer<Value>) {
    guard let seeker, !isSeen(number) else { return }
    placeText.removeAll(keepingCapacity: true)
    place?.append(to: &placeText, arguments: values)
    seeker.seek(number, id: id, place: placeText)
  }

  func forget(_ number: Int) { seeker?.forget(number) }
  func absentSince(_ number: Int) -> UInt64 { seeker?.absentSince(number) ?? 0 }

  func eventPending() {
    pendingCount += 1
    if pendingCount == 1 { observer?.isFencing = true }
  }

  /// It was seen here, or given up.
  func eventSettled() {
    pendingCount -= 1
    if pendingCount == 0 { observer?.isFencing = false }
  }

  // Records

  /// Makes room for a record, or clears the place of one that was let go.
  func beginRecord(_ number: Int) {
    if number == sights.count {
      sights.append(Sight())
      waiting.append(nil)
    } else {
      sights[number] = Sight()
    }
  }

  /// What a new record of the same id takes over from an older one that is still there.
  func copySight(from old: Int, to number: Int) {
    sights[number].notBefore = sights[old].notBefore
    sights[number].seen = sights[old].seen
    sights[number].isOld = sights[old].isOld
    sights[number].isRight = sights[old].isRight
    sights[number].stableNotBefore = sights[old].stableNotBefore
    sights[number].stableSeen = sights[old].stableSeen
  }

  /// The id was seen here by an attempt whose rows are written.
  func markSeenEarlier(_ number: Int) { sights[number].isOld = true }

  func isSeen(_ number: Int) -> Bool { sights[number].seen != 0 || sights[number].isOld }
  func seenAt(_ number: Int) -> UInt64? { sights[number].seen == 0 ? nil : sights[number].seen }
  /// Whether nobody refers to the record any more.
  func isFree(_ number: Int) -> Bool { waiting[number] == nil }
  func endRecord(_ number: Int) { if !earlyLooks.isEmpty { earlyLooks[number] = nil } }

  /// Where one event will be found, by the hop's `at`: empty if it does not say.
  func entryName(_ values: UnsafePointer<Value>) -> [UInt8] {
    guard let place else { return [] }
    var name: [UInt8] = []
    place.append(to: &name, arguments: values)
    return name
  }

  var saysWhere: Bool { place != nil }

  /// - Parameter isRead: The entry was read, which tells of no write.
  /// - Returns: whether this is the first sighting.
  func see(_ number: Int, notBefore: UInt64, seen: UInt64, isRead: Bool) -> Bool {
    guard !isSeen(number) else {
      if isRead { return false }
      // The write that had been read already: one that was proved to come after the reading is another.
      if notBefore >= sights[number].readAt { sights[number].extraSightings &+= 1 }
      sights[number].readAt = 0
      return false
    }
    if isRead { sights[number].readAt = seen }
    sights[number].notBefore = notBefore
    sights[number].seen = seen
    seeker?.forget(number)
    return true
  }

  /// The hop showed the event's state, right or not: `stable_since` is the last change to the right one.
  func show(_ number: Int, isRight: Bool, notBefore: UInt64, seen: UInt64) {
    if isRight, !sights[number].isRight {
      sights[number].stableNotBefore = notBefore
      sights[number].stableSeen = seen
    }
    sights[number].isRight = isRight
    if !isRight { markMismatch(number) }
  }

  func lowerBound(_ number: Int, sent: UInt64) -> UInt64? {
    guard sights[number].seen != 0 else { return nil }
    let bound = low(sights[number].notBefore, sights[number].seen, sent: sent)
    return bound == 0 ? nil : bound
  }

  /// Nothing can be seen before it was sent. What was told of after a gap need not have been the first change: it may have been there
  /// since the gap began.
  func low(_ notBefore: UInt64, _ seen: UInt64, sent: UInt64) -> UInt64 {
    var notBefore = notBefore
    for gap in gaps where sent < gap.to && gap.to <= seen { notBefore = min(notBefore, gap.from) }
    return min(max(notBefore, sent), seen)
  }

  func recordLag(_ number: Int, sent: UInt64, acknowledged: UInt64) {
    let high = sights[number].seen
    let low = low(sights[number].notBefore, high, sent: sent)
    lagCount &+= 1
    lagLow.record(difference: Int64(bitPattern: low &- acknowledged))
    lagHigh.record(difference: Int64(bitPattern: high &- acknowledged))
    width.record(high &- low)
    if high < acknowledged { visibleBeforeAck &+= 1 }
    adaptFences(lag: high > acknowledged ? high &- acknowledged : 0)
  }

  /// Fences come 5 % of the usual lag apart, within 1 ms and 4 ms: each is a request, and a bracket far narrower than the lag says no more.
  private func adaptFences(lag: UInt64) {
    typicalLag = typicalLag &- typicalLag / 8 &+ min(lag, 1_000_000_000) / 8
    if lagCount & 15 == 0 { observer?.fencePauseNanoseconds = min(max(typicalLag / 20, 1_000_000), 4_000_000) }
  }

  /// Once for each event that was seen, when nothing more will change.
  func recordStability(_ number: Int, sent: UInt64, acknowledged: UInt64) {
    guard !showsMessages, sights[number].isRight, sights[number].stableSeen != 0 else { return }
    let high = sights[number].stableSeen
    let low = low(sights[number].stableNotBefore, high, sent: sent)
    stableLow.record(difference: Int64(bitPattern: low &- acknowledged))
    stableHigh.record(difference: Int64(bitPattern: high &- acknowledged))
  }

  /// Late unless the first look with it came in time: an upper bound, so an event is never called on time that was late.
  func isLate(_ number: Int, acknowledged: UInt64, _ deadline: UInt64) -> Bool { sights[number].seen > acknowledged &+ deadline }

  func markMismatch(_ number: Int) {
    guard !sights[number].isMismatch else { return }
    mismatches += 1
    sights[number].isMismatch = true
    book?.mismatched(number)
  }
  func isMismatch(_ number: Int) -> Bool { sights[number].isMismatch }

  /// The final sweep found a body that nothing had told of.
  func markMismatchAtEnd(_ id: EventID) {
    mismatches += 1
    mismatchesAtEnd.add(id)
  }

  func markSwept(_ number: Int, at asked: UInt64) { sights[number].sweptAt = asked }

  func keepEarly(_ number: Int, _ look: EarlyLook) { earlyLooks[number, default: []].append(look) }
  func takeEarly(_ number: Int) -> [EarlyLook]? { earlyLooks.isEmpty ? nil : earlyLooks.removeValue(forKey: number) }

  /// - Parameter commits: Commits with this id beyond the first: as many sightings more are in order.
  func anomalies(_ number: Int, isClaimed: Bool, commits: UInt32) -> [EventAnomaly] {
    var found: [EventAnomaly] = []
    let sight = sights[number]
    // A cache may be written twice with the same value; only where each delivery or write is told of can a second be counted.
    if countsRepeats, isClaimed, sight.extraSightings > commits {
      duplicates += UInt64(sight.extraSightings - commits)
      found.append(.duplicate)
    }
    if sight.isReordered, countsReordered { found.append(.reordered) }
    if sight.isMismatch { found.append(.mismatch) }
    if sight.isRegressed, countsRegressed {
      found.append(.regressed)
      if monotonicReads != nil, followsChanges { found.append(.monotonicReads) }
    }
    return found
  }

  /// A second delivery after the event's row was written is still counted.
  func countLateDuplicate(_ number: Int, commits: UInt32, _ id: EventID) {
    if sights[number].extraSightings > commits { countLateDuplicate(id) }
  }

  /// Another commit with an id whose outcome is known shares it.
  func countRepeat(_ outcome: EventOutcome) {
    counts.count(outcome)
    readYourWrites?.counts.unchecked += 1
  }

  func countLateDuplicate(_ id: EventID) {
    guard countsRepeats else { return }
    duplicates += 1
    lateDuplicates.add(id)
  }

  /// Nanoseconds: when the first gap began that had not ended by then; nil if there is none.
  func firstGap(after instant: UInt64) -> UInt64? { gaps.first { $0.to > instant }?.from ?? openGap }

  /// Whether a gap between the two may hide the event. One after which it was looked for does not.
  func mayHaveMissed(_ number: Int, from start: UInt64, to end: UInt64) -> Bool {
    if let openGap, openGap < end { return true }
    let swept = sights[number].sweptAt
    return gaps.contains { $0.from < end && start < $0.to && $0.to > swept }
  }

  // Order

  private var countsReordered: Bool { isVersioned && (showsMessages || shape != .perKey) }
  var countsRegressed: Bool { isVersioned && !showsMessages && shape != .perEvent }
  /// Whether a newer version takes an older one's place here.
  var holdsNewest: Bool { !showsMessages && shape == .perKey }
  func isSuperseded(key: Int, version: Int64, by limit: UInt64) -> Bool {
    holdsNewest && order.isSuperseded(key: key, version: version, by: limit)
  }

  /// Whether the names of entries are not known well enough.
  var wantsNames: Bool { !showsMessages && names.isOpen }
  func learnName(_ content: OperationResult, id: EventID, key: EventID?) {
    names.learn(content.withBytes(content.key) { Array($0) }, id: id, key: key)
  }

  /// - Parameters:
  ///   - record: Its record, claimed or not; nil when it was let go.
  ///   - version: As the hop showed it; nil where it shows none.
  ///   - key: The key's index, -1 where the hop shows none.
  ///   - id: Its id where there is no record.
  func inOrder(
    record: (number: Int, serial: UInt32)?, version: Int64?, key: Int, isFirst: Bool, notBefore: UInt64, seen: UInt64, horizon: UInt64, id: EventID? = nil
  ) {
    guard isVersioned else { return }
    if ordersByOrigin {
      guard let record else { return }
      let next = Unordered(record: record.number, serial: record.serial, version: version, key: key, isFirst: isFirst, notBefore: notBefore, seen: seen,
        horizon: horizon)
      guard unordered.isEmpty, take(next, isFinal: false) else {
        unordered.append(next)
        sights[record.number].unordered += 1
        return
      }
    } else if let version, key >= 0 {
      note(
        key: key, version: version, isFirst: isFirst, notBefore: notBefore, seen: seen, record: record?.number ?? -1, serial: record?.serial ?? 0, id: id)
    }
  }

  /// Takes what has become known since, in the order in which it was seen.
  func orderWhatIsKnown(isFinal: Bool = false) {
    guard !unordered.isEmpty else { return }
    while unorderedStart < unordered.count, take(unordered[unorderedStart], isFinal: isFinal) {
      sights[unordered[unorderedStart].record].unordered -= 1
      unorderedStart += 1
    }
    if unorderedStart == unordered.count || unorderedStart >= 4096 {
      unordered.removeSubrange(..<unorderedStart)
      unorderedStart = 0
    }
  }

  func isOrdered(_ number: Int) -> Bool { sights[number].unordered == 0 }

  /// - Returns: false if its origin may still come.
  private func take(_ sighting: Unordered, isFinal: Bool) -> Bool {
    guard let book else { return true }
    switch book.place(of: sighting.record, horizon: sighting.horizon) {
    case .pending: return isFinal
    case .unknown: return true
    case .known(let key, let version):
      guard let version = sighting.version ?? version else { return true }
      note(
        key: sighting.key >= 0 ? sighting.key : key, version: version, isFirst: sighting.isFirst, notBefore: sighting.notBefore,
        seen: sighting.seen, record: sighting.record, serial: sighting.serial, id: nil)
      return true
    }
  }

  private func note(
    key: Int, version: Int64, isFirst: Bool, notBefore: UInt64, seen: UInt64, record: Int, serial: UInt32, id: EventID?
  ) {
    let isKnown = monotonicReads != nil && order.isKnown(key: key)
    let step = order.see(key: key, version: version, isFirst: isFirst, notBefore: notBefore, seen: seen, record: record, serial: serial)
    if isKnown {
      let id = id ?? (record >= 0 && step.isRegressed ? book?.ids[record] : nil)
      judgeMonotonicReads(step, key: key, version: version, id: id, notBefore: notBefore, seen: seen)
    }
    if record >= 0 {
      if step.isReordered { sights[record].isReordered = true }
      if step.isRegressed { sights[record].isRegressed = true }
    }
    if let displaced = step.displaced, shape == .perKey, displaced.record != record, book?.isAlive(displaced.record, displaced.serial) == true {
      sights[displaced.record].isRight = false
    }
  }

  // Waiting users

  func join(_ number: Int, _ user: VirtualUser) {
    user.nextWaiting = waiting[number]
    waiting[number] = Unmanaged.passUnretained(user)
  }

  func leave(_ number: Int, _ user: VirtualUser) {
    defer { user.nextWaiting = nil }
    guard let first = waiting[number] else { return }
    var other = first.takeUnretainedValue()
    if other === user {
      waiting[number] = user.nextWaiting
      return
    }
    while let next = other.nextWaiting?.takeUnretainedValue() {
      if next === user {
        other.nextWaiting = user.nextWaiting
        return
      }
      other = next
    }
  }

  func wake(_ number: Int, seen: UInt64) {
    guard var next = waiting[number] else { return }
    waiting[number] = nil
    while true {
      let following = next._withUnsafeGuaranteedRef { user in
        let following = user.nextWaiting
        user.nextWaiting = nil
        user.hopSeen(at: seen)
        return following
      }
      guard let following else { return }
      next = following
    }
  }

  // Figures

  func takeInterval() -> HopInterval? {
    guard !lagHigh.isEmpty || !stableHigh.isEmpty || visibleBeforeAck > 0 || readYourWrites?.hasAges == true || monotonicReads?.tally.hasAges == true
    else { return nil }
    var interval = HopInterval(event: event, hop: hop)
    interval.lagLow = lagLow.takeSnapshot()
    interval.lagHigh = lagHigh.takeSnapshot()
    interval.width = width.takeSnapshot()
    interval.stableLow = stableLow.takeSnapshot()
    interval.stableHigh = stableHigh.takeSnapshot()
    takeAges(into: &interval)
    interval.visibleBeforeAck = visibleBeforeAck
    visibleBeforeAck = 0
    return interval
  }

  func takeGaps() -> [JournalGap] {
    defer { untakenGaps.removeAll() }
    return untakenGaps
  }

  /// The counts with what could be checked; nil stays where the chain maps no field for it.
  func finalCounts(checksBody: Bool, checksVersion: Bool) -> HopCounts {
    var final = counts
    if countsRepeats { final.duplicate = duplicates }
    if countsReordered {
      final.reordered = order.reordered
      if order.reordered > 0 { final.reorderedExtentMax = order.extentMax }
    }
    if countsRegressed { final.regressed = order.regressed }
    if checksBody && declaration.bodySlots.contains(where: { $0 != nil }) || checksVersion && declaration.versionSlot != nil {
      final.mismatch = mismatches
    }
    if declaration.run != nil { final.foreign = foreign }
    addGuarantees(to: &final)
    if let sweep, sweep.error == nil {
      if checksVersion, names.areOfKeys || declaration.versionSlot != nil { final.staleFinal = sweep.staleFinal.count }
      if !sweep.mayHaveExpired { final.missing = sweep.missing.count }
      final.extra = sweep.extra.count
    }
    return final
  }

  /// What no row tells of.
  func offenders() -> [JournalOffenders] {
    var found = [(EventAnomaly.duplicate, lateDuplicates), (.mismatch, mismatchesAtEnd)]
    if let sweep, sweep.error == nil {
      found += [(.staleFinal, sweep.staleFinal), (.extra, sweep.extra)]
      if !sweep.mayHaveExpired { found.append((.missing, sweep.missing)) }
    }
    return found.filter { $0.1.count > 0 }.map { anomaly, tally in
      JournalOffenders(event: event, hop: hop, anomaly: anomaly.rawValue, count: tally.count, ids: tally.ids)
    }
  }

  func sweepRecord() -> JournalSweep? {
    sweep.map {
      JournalSweep(
        event: event, hop: hop, entries: $0.entries, unread: $0.unread, fromNanoseconds: $0.began, toNanoseconds: $0.ended, error: $0.error)
    }
  }
}
