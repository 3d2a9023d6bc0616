import ChainProgram
import Metrics

/// What became of each event, once nothing more can change it.
extension EventBook {
  /// Writes rows in the order of arrival, each once its settle time has passed.
  func advance(now: UInt64, isFinal: Bool, limit: Int, into rows: inout EventRows) {
    for row in lateRows { rows.append(row) }
    lateRows.removeAll(keepingCapacity: true)
    for hop in hops {
      hop.orderWhatIsKnown(isFinal: isFinal)
      if isFinal { hop.endMonotonicReads(now: now) }
    }
    var count = 0
    while count < limit, !undecided.isEmpty {
      let number = undecided.head
      if records[number].origin == .unclaimed {
        unclaimed.append(undecided.removeFirst())
      } else {
        guard isFinal || isDue(number, now: now) else { break }
        decide(undecided.removeFirst(), now: now, into: &rows)
      }
      count += 1
    }
    while count < limit, !unclaimed.isEmpty {
      let number = unclaimed.head
      if records[number].origin != .unclaimed, !isFinal {
        undecided.append(unclaimed.removeFirst())
      } else {
        if !isFinal {
          // One that nobody has seen yet begins its time now.
          if records[number].begun == 0 { records[number].begun = now }
          guard isUnclaimable(records[number].horizon), now > records[number].begun &+ event.settleNanoseconds else { break }
        }
        decide(unclaimed.removeFirst(), now: now, into: &rows)
      }
      count += 1
    }
    if !lingering.isEmpty {
      lingering.removeAll { number in
        guard isFree(number) else { return false }
        release(number)
        return true
      }
    }
    if isFinal { for hop in hops { hop.gapEnded(at: now) } }
  }

  private func isDue(_ number: Int, now: UInt64) -> Bool {
    now > records[number].acknowledged &+ event.settleNanoseconds && hops.allSatisfy { $0.isOrdered(number) }
  }

  private func isFree(_ number: Int) -> Bool { hops.allSatisfy { $0.isFree(number) } }

  private func decide(_ number: Int, now: UInt64, into rows: inout EventRows) {
    records[number].isDecided = true
    for hop in hops { hop.forget(number) }
    let record = records[number]
    if record.origin == .rolledBack { undecidedRolledBack -= 1 }
    // Given up: what comes now comes too late to be waited for.
    if record.origin == .committed || record.origin == .unknown { for hop in hops where !hop.isSeen(number) { hop.eventSettled() } }
    let id = rows.keep(ids[number])
    let key = event.hasKey ? keep(0, of: number, in: &rows) : .absent
    let version = event.hasVersion ? keep(1, of: number, in: &rows) : .absent
    eachOutcome(of: record, number, now: now) { position, outcome in
      let hop = hops[position]
      for _ in 0...record.repeatedCommits { hop.counts.count(outcome) }
      var anomalies = hop.anomalies(number, isClaimed: record.origin != .unclaimed, commits: record.repeatedCommits)
      if record.origin == .committed {
        hop.recordStability(number, sent: record.sent, acknowledged: record.acknowledged)
        if hop.judgeReadYourWrites(number, record, settle: event.settleNanoseconds, now: now, key: keyID(record)) { anomalies.append(.readYourWrites) }
      }
      rows.append(
        event: index, hop: position, id: id, key: key, version: version, sentNanoseconds: record.sent == 0 ? nil : record.sent,
        ackedNanoseconds: record.origin == .committed ? record.acknowledged : nil,
        lowNanoseconds: hop.lowerBound(number, sent: record.sent), highNanoseconds: hop.seenAt(number), outcome: outcome,
        anomalies: anomalies)
    }
    if holdsStates { keepFinalState(number) }
    if isFree(number) { release(number) } else { lingering.append(number) }
  }

  private func keyID(_ record: Record) -> EventID? { event.hasKey && record.key >= 0 ? keys.keys[Int(record.key)] : nil }

  /// For the comparison at the end. What nobody knows the outcome of is not compared, nor what nobody attempted or saw.
  private func keepFinalState(_ number: Int) {
    let record = records[number]
    switch record.origin {
    case .unknown: return
    case .unclaimed: guard hops.contains(where: { $0.isSeen(number) }) else { return }
    case .rolledBack, .committed: break
    }
    var mismatches: UInt32 = 0
    for hop in hops where hop.hop < 30 && hop.isMismatch(number) { mismatches |= 1 << UInt32(hop.hop) }
    finalStates.append(
      ids[number], version: record.version, body: record.origin == .committed ? keptBody(number) : 0, origin: record.origin,
      mismatches: mismatches)
  }

  /// Tells what became of the event hop by hop; hops at which there is nothing to say are left out.
  @inline(__always)
  func eachOutcome(of record: Record, _ number: Int, now: UInt64, _ body: (_ hop: Int, EventOutcome) -> Void) {
    var isBlocked = false
    for (position, hop) in hops.enumerated() {
      let outcome: EventOutcome
      switch (record.origin, hop.isSeen(number)) {
      case (.committed, true): outcome = hop.isLate(number, acknowledged: record.acknowledged, event.deadlineNanoseconds) ? .late : .ok
      case (.committed, false):
        if isBlocked {
          outcome = .blocked
        } else if isSuperseded(record, at: hop) {
          outcome = .superseded
        } else if now < record.acknowledged &+ event.settleNanoseconds
          || hop.mayHaveMissed(number, from: record.sent, to: record.acknowledged &+ event.settleNanoseconds)
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
      body(position, outcome)
    }
  }

  private func isSuperseded(_ record: Record, at hop: HopBook) -> Bool {
    record.hasVersion && record.key >= 0
      && hop.isSuperseded(key: Int(record.key), version: record.version, by: record.acknowledged &+ event.settleNanoseconds)
  }

  /// Lets the record go, and keeps of it what tells later sightings apart.
  private func release(_ number: Int) {
    if table.find(ids[number]) == number {
      table.remove(ids[number])
      remember(number)
    }
    for hop in hops { hop.endRecord(number) }
    records[number].isAlive = false
    ids[number] = .int(0)
    freeRecords.append(Int32(truncatingIfNeeded: number))
  }

  private func remember(_ number: Int) {
    let record = records[number]
    var seen: UInt32 = 0
    var isSettled = record.origin == .committed
    for hop in hops {
      if hop.isSeen(number) {
        if hop.hop < 30 { seen |= 1 << UInt32(hop.hop + 2) }
      } else if !isSuperseded(record, at: hop) {
        isSettled = false
      }
    }
    if isSettled {
      if decided.note(.settled, of: ids[number].compact) { exceptions.removeAll() }
    } else if record.origin == .rolledBack, seen == 0 {
      if decided.note(.rolledBack, of: ids[number].compact) { exceptions.removeAll() }
    } else if record.origin != .unclaimed || seen != 0 {
      noteException(ids[number].compact, seen | UInt32(record.origin.rawValue))
    }
  }
}
