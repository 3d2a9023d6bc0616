/// Adds up the intervals of a window of a run that is still going, for claims that are checked meanwhile.
package struct WindowRecord {
  private var start: JournalStart
  private var builder = RunRecordBuilder()
  private var ledgersBefore: [JournalLedger] = []

  /// - Parameter start: Its tables say which steps, measures, events and checks there are.
  package init(start: JournalStart) {
    self.start = start
    self.start.format = JournalStart.currentFormat
    reset(ledgers: [])
  }

  /// Begins a new window.
  ///
  /// - Parameter ledgers: What the ledger has counted up to here.
  package mutating func reset(ledgers: [JournalLedger]) {
    builder = RunRecordBuilder()
    builder.keepsTimeline = false
    builder.begin(start)
    ledgersBefore = ledgers
  }

  package mutating func add(_ interval: JournalInterval) { builder.add(interval) }

  /// The window as a record of its own. Its outcomes are those that were decided inside of it.
  ///
  /// - Parameter ledgers: What the ledger has counted up to its end.
  package func record(ledgers: [JournalLedger]) -> RunRecord {
    var builder = builder
    for ledger in ledgers {
      builder.add(ledgersBefore.first { $0.event == ledger.event }.map { ledger.since($0) } ?? ledger)
    }
    // The only errors are a missing start and a format that it does not have.
    return (try? builder.finish()) ?? RunRecord()
  }
}

extension JournalLedger {
  /// What was counted since an earlier look.
  package func since(_ earlier: JournalLedger) -> JournalLedger {
    var ledger = self
    ledger.counts.attempted &-= earlier.counts.attempted
    ledger.counts.committed &-= earlier.counts.committed
    ledger.counts.rolledBack &-= earlier.counts.rolledBack
    ledger.counts.unknown &-= earlier.counts.unknown
    for hop in ledger.hops.indices where earlier.hops.indices.contains(hop) { ledger.hops[hop] = ledger.hops[hop].since(earlier.hops[hop]) }
    return ledger
  }
}

extension HopCounts {
  /// Counts that an outcome can leave again (an event that was given up and came all the same) do not go below nothing.
  func since(_ earlier: HopCounts) -> HopCounts {
    func less(_ now: UInt64, _ before: UInt64) -> UInt64 { now > before ? now - before : 0 }
    func less(_ now: UInt64?, _ before: UInt64?) -> UInt64? { now.map { less($0, before ?? 0) } }
    var counts = self
    counts.ok = less(ok, earlier.ok)
    counts.late = less(late, earlier.late)
    counts.lost = less(lost, earlier.lost)
    counts.unobserved = less(unobserved, earlier.unobserved)
    counts.superseded = less(superseded, earlier.superseded)
    counts.blocked = less(blocked, earlier.blocked)
    counts.recovered = less(recovered, earlier.recovered)
    counts.absent = less(absent, earlier.absent)
    counts.unexpected = less(unexpected, earlier.unexpected)
    counts.aborted = less(aborted, earlier.aborted)
    counts.duplicate = less(duplicate, earlier.duplicate)
    counts.reordered = less(reordered, earlier.reordered)
    counts.mismatch = less(mismatch, earlier.mismatch)
    counts.regressed = less(regressed, earlier.regressed)
    counts.foreign = less(foreign, earlier.foreign)
    for guarantee in SessionGuarantee.allCases { counts[guarantee] = self[guarantee]?.since(earlier[guarantee] ?? GuaranteeCounts()) }
    return counts
  }
}
