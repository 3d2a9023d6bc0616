import ChainIO
import ChainProgram
import Metrics

/// What was seen at one hop of one event.
final class HopBook: SightingSink {
  let declaration: HopDeclaration
  private let event: Int
  private let hop: Int
  private let connection: String
  weak var book: EventBook?
  /// The mapping's own frame and reader.
  let frame: UnsafeMutablePointer<Value>
  private let slotCount: Int
  let reader = ResultReader(OperationResult())

  private struct Sight {
    /// 0: nothing proves a lower bound.
    var notBefore: UInt64 = 0
    /// 0: not seen.
    var seen: UInt64 = 0
    var extraSightings: UInt32 = 0
    var isMismatch = false
  }

  private var sights: ContiguousArray<Sight> = []
  /// Of those who wait for a record the last one that joined; the others hang from its `nextWaiting`.
  private var waiting: [Int: VirtualUser] = [:]
  private var earlyBodies: [Int: [Value?]] = [:]
  private var gaps: [(from: UInt64, to: UInt64)] = []
  private var openGap: UInt64?
  private var gapCause = ""
  private var untakenGaps: [JournalGap] = []
  var counts = HopCounts()
  private var duplicates: UInt64 = 0
  private var mismatches: UInt64 = 0
  private var visibleBeforeAck: UInt64 = 0
  var unreadable: UInt64 = 0
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
  private var countsDuplicates: Bool
  private(set) var lagCount: UInt64 = 0
  private let lagLow = Histogram()
  private let lagHigh = Histogram()
  private let width = Histogram()

  init(declaration: HopDeclaration, event: Int, hop: Int, connection: String, slotCount: Int) {
    self.declaration = declaration
    self.event = event
    self.hop = hop
    self.connection = connection
    self.slotCount = slotCount
    if case .text(let template)? = declaration.operand("at") { place = template } else { place = nil }
    countsDuplicates = declaration.observer == "tap"
    frame = .allocate(capacity: slotCount)
    frame.initialize(repeating: .null, count: slotCount)
  }

  deinit { frame.deinitialize(count: slotCount).deallocate() }

  // SightingSink

  func sighted(_ sighting: borrowing Sighting) {
    book?.sighted(self, notBefore: sighting.notBefore, seen: sighting.seen, content: sighting.content)
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
  }

  /// The observer that feeds this book; nil lets go of it.
  func attach(_ observer: (any HopObserver)?) {
    self.observer = observer
    seeker = observer as? any SeekingObserver
    if seeker?.isSeeking == false { seeker = nil }
  }

  /// The observer is in place, and knows by now how it observes.
  func armed() { if let observer { countsDuplicates = countsDuplicates || observer.countsRepeats } }

  /// - Parameter values: The event's id, key, version and body.
  func seek(_ number: Int, id: Value, _ values: UnsafePointer<Value>) {
    guard let seeker, sights[number].seen == 0 else { return }
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

  func addRecord() { sights.append(Sight()) }
  func copySight(from old: Int, to number: Int) {
    sights[number].notBefore = sights[old].notBefore
    sights[number].seen = sights[old].seen
  }
  func isSeen(_ number: Int) -> Bool { sights[number].seen != 0 }
  func seenAt(_ number: Int) -> UInt64? { sights[number].seen == 0 ? nil : sights[number].seen }

  /// - Returns: whether this is the first sighting.
  func see(_ number: Int, notBefore: UInt64, seen: UInt64) -> Bool {
    guard sights[number].seen == 0 else {
      sights[number].extraSightings &+= 1
      return false
    }
    sights[number].notBefore = notBefore
    sights[number].seen = seen
    seeker?.forget(number)
    return true
  }

  func lowerBound(_ number: Int, sent: UInt64) -> UInt64? {
    guard sights[number].seen != 0 else { return nil }
    let bound = low(number, sent: sent)
    return bound == 0 ? nil : bound
  }

  /// Nothing can be seen before it was sent. What was told of after a gap need not have been the first change: it may have been there
  /// since the gap began.
  private func low(_ number: Int, sent: UInt64) -> UInt64 {
    let seen = sights[number].seen
    var notBefore = sights[number].notBefore
    for gap in gaps where sent < gap.to && gap.to <= seen { notBefore = min(notBefore, gap.from) }
    return min(max(notBefore, sent), seen)
  }

  func recordLag(_ number: Int, sent: UInt64, acknowledged: UInt64) {
    let high = sights[number].seen
    let low = low(number, sent: sent)
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

  /// Late unless the first look with it came in time: an upper bound, so an event is never called on time that was late.
  func isLate(_ number: Int, acknowledged: UInt64, _ deadline: UInt64) -> Bool { sights[number].seen > acknowledged &+ deadline }

  func markMismatch(_ number: Int) {
    if !sights[number].isMismatch { mismatches += 1 }
    sights[number].isMismatch = true
  }

  func keepEarlyBody(_ number: Int, _ body: [Value?]) { earlyBodies[number] = body }
  func takeEarlyBody(_ number: Int) -> [Value?]? { earlyBodies.isEmpty ? nil : earlyBodies.removeValue(forKey: number) }

  /// - Parameter commits: Commits with this id beyond the first: as many sightings more are in order.
  func anomalies(_ number: Int, isClaimed: Bool, commits: UInt32) -> [EventAnomaly] {
    var found: [EventAnomaly] = []
    // A cache may be written twice with the same value; only at a queue is a second delivery an anomaly.
    if countsDuplicates, isClaimed, sights[number].extraSightings > commits {
      duplicates += UInt64(sights[number].extraSightings - commits)
      found.append(.duplicate)
    }
    if sights[number].isMismatch { found.append(.mismatch) }
    return found
  }

  /// A second delivery after the event's row was written is still counted.
  func countLateDuplicate(_ number: Int, commits: UInt32) {
    if countsDuplicates, sights[number].extraSightings > commits { duplicates += 1 }
  }

  func mayHaveMissed(from start: UInt64, to end: UInt64) -> Bool {
    if let openGap, openGap < end { return true }
    return gaps.contains { $0.from < end && start < $0.to }
  }

  // Waiting users

  func join(_ number: Int, _ user: VirtualUser) { user.nextWaiting = waiting.updateValue(user, forKey: number) }

  func leave(_ number: Int, _ user: VirtualUser) {
    defer { user.nextWaiting = nil }
    guard let first = waiting[number] else { return }
    if first === user {
      waiting[number] = user.nextWaiting
      return
    }
    var other = first
    while let next = other.nextWaiting {
      if next === user {
        other.nextWaiting = user.nextWaiting
        return
      }
      other = next
    }
  }

  func wake(_ number: Int, seen: UInt64) {
    guard !waiting.isEmpty else { return }
    var next = waiting.removeValue(forKey: number)
    while let user = next {
      next = user.nextWaiting
      user.nextWaiting = nil
      user.hopSeen(at: seen)
    }
  }

  // Figures

  func takeInterval() -> HopInterval? {
    guard !lagHigh.isEmpty || visibleBeforeAck > 0 else { return nil }
    var interval = HopInterval(event: event, hop: hop)
    interval.lagLow = lagLow.takeSnapshot()
    interval.lagHigh = lagHigh.takeSnapshot()
    interval.width = width.takeSnapshot()
    interval.visibleBeforeAck = visibleBeforeAck
    visibleBeforeAck = 0
    return interval
  }

  func takeGaps() -> [JournalGap] {
    defer { untakenGaps.removeAll() }
    return untakenGaps
  }

  /// The counts with what could be checked; nil stays where the chain maps no field for it.
  func finalCounts(checksBody: Bool) -> HopCounts {
    var final = counts
    if countsDuplicates { final.duplicate = duplicates }
    if checksBody, declaration.bodySlots.contains(where: { $0 != nil }) { final.mismatch = mismatches }
    return final
  }
}
