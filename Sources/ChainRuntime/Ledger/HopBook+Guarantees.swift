import Metrics

/// What the hop promises to a session that reads there. Judged from what the observer saw alone: no step asks anything for it.
extension HopBook {
  /// Whether its writer could read a committed event's write from the acknowledgement on. Called once, when nothing more can change it.
  ///
  /// Where one entry holds the newest version of its key, a newer version than the own one is as good.
  ///
  /// - Parameters:
  ///   - settle: Nanoseconds after the acknowledgement; what was not seen by then is not waited for.
  ///   - key: What the list of the longest violations shows.
  /// - Returns: whether the promise was broken for certain.
  func judgeReadYourWrites(_ number: Int, _ record: EventBook.Record, settle: UInt64, now: UInt64, key: EventID?) -> Bool {
    guard readYourWrites != nil else { return false }
    // Another commit with the id has its own acknowledgement, which is not kept.
    readYourWrites?.counts.unchecked += UInt64(record.repeatedCommits)
    let end = record.acknowledged &+ settle
    var bounds = seenAt(number).map { (low: lowerBound(number, sent: record.sent) ?? record.sent, high: $0) }
    if bounds == nil, isSeen(number) {
      readYourWrites?.counts.unchecked += 1
      return false
    }
    if holdsNewest, record.hasVersion, record.key >= 0, let newer = order.firstSeen(key: Int(record.key), atLeast: record.version), newer.seen <= end {
      let low = low(newer.notBefore, newer.seen, sent: record.sent)
      bounds = (min(bounds?.low ?? low, low), min(bounds?.high ?? newer.seen, newer.seen))
    }
    func violation(_ low: UInt64, _ high: UInt64?) -> GuaranteeTally.Violation {
      GuaranteeTally.Violation(id: book?.ids[number] ?? .int(0), key: key, version: record.hasVersion ? record.version : nil, ageLow: low, ageHigh: high)
    }
    guard let bounds else {
      guard now >= end, !mayHaveMissed(number, from: record.sent, to: end) else {
        readYourWrites?.counts.unchecked += 1
        return false
      }
      readYourWrites?.judgeUnended(low: settle, violation)
      return true
    }
    return readYourWrites?.judge(
      low: Int64(bitPattern: bounds.low &- record.acknowledged), high: Int64(bitPattern: bounds.high &- record.acknowledged), violation) ?? false
  }

  /// A key's entry showed a version, and not for the first time.
  func judgeMonotonicReads(
    _ step: HopOrder.Step, key: Int, version: Int64, id: EventID?, notBefore: UInt64, seen: UInt64
  ) {
    guard let newest = order.highest(key: key), let book else { return }
    if step.isRegressed {
      let acknowledged = step.displaced.flatMap { book.acknowledgement(of: $0.record, $0.serial) }
      monotonicReads?.regressed(
        key: key, id: id, version: version, newer: newest,
        beganLow: low(notBefore, seen, sent: order.highestNotBefore(key: key)), beganHigh: seen, acknowledged: acknowledged)
      return
    }
    monotonicReads?.held()
    guard version >= newest, let since = monotonicReads?.standsSince(key: key) else { return }
    monotonicReads?.madeGood(key: key, book.keys.keys[key], low: low(notBefore, seen, sent: since), high: seen)
  }

  /// The run is over: what is violated by now has no end.
  func endMonotonicReads(now: UInt64) {
    guard let book, monotonicReads?.hasStanding == true else { return }
    monotonicReads?.end({ book.keys.keys[$0] }, seenUntil: { firstGap(after: $0) ?? now })
  }

  /// Of what the promises that the hop is asked for came to; nil where it cannot tell.
  func addGuarantees(to final: inout HopCounts) {
    final.readYourWrites = readYourWrites?.counts
    final.monotonicReads = followsChanges && countsRegressed ? monotonicReads?.counts : nil
  }

  func takeAges(into interval: inout HopInterval) {
    if readYourWrites?.hasAges == true { interval.ages[.readYourWrites] = readYourWrites?.takeAges() }
    if monotonicReads?.tally.hasAges == true { interval.ages[.monotonicReads] = monotonicReads?.takeAges() }
  }

  func longestViolations(event: Int) -> [JournalGuarantee] {
    [
      readYourWrites?.record(.readYourWrites, event: event, hop: hop),
      followsChanges && countsRegressed ? monotonicReads?.tally.record(.monotonicReads, event: event, hop: hop) : nil,
    ].compactMap(\.self)
  }
}
