package import Metrics

/// Whether the generator itself was honest: the rules of docs/measurement.md, applied to the record of a run.
///
/// A function of the record and so of the journal. Each rule looks at every five seconds of the load (and at the whole of a shorter one): a
/// second is too short to tell bad luck from trouble, a whole run too long to show ten bad seconds. Reasons name the seconds that are to blame.
package enum Validity {
  /// - Parameter isInterrupted: A run cut short is not blamed for arrivals that never became due.
  package static func judge(_ record: RunRecord, isInterrupted: Bool) -> [JournalValidity] {
    let seconds = record.seconds.filter { !$0.isWarmUp }
    var reasons = emptiness(record, isInterrupted: isInterrupted)
    reasons += standstills(record, seconds)
    for rule in ValidityRule.all(for: record) { reasons += rule.reasons(record, seconds) }
    reasons += StealRule.reasons(record, seconds, besides: reasons)
    reasons += offeredRate(record, isInterrupted: isInterrupted)
    reasons += clamping(record)
    reasons += damage(record)
    reasons += overwhelmed(record, seconds)
    return reasons
  }

  /// For whoever has nothing but the journal.
  package static func judge(_ record: RunRecord) -> [JournalValidity] {
    judge(record, isInterrupted: record.isCrashed || record.end?.interruptedBy != nil)
  }

  /// Nothing was measured.
  private static func emptiness(_ record: RunRecord, isInterrupted: Bool) -> [JournalValidity] {
    guard record.iterations.arrivals == 0, record.warmUpIterations.arrivals == 0, !isInterrupted else { return [] }
    return [JournalValidity(verdict: .invalid, name: "no-load", detail: "no iteration began: there is nothing to conclude from")]
  }

  /// Whoever has stopped or starved this process: for that long it saw nothing and did nothing.
  private static func standstills(_ record: RunRecord, _ seconds: [SecondRecord]) -> [JournalValidity] {
    seconds.filter { $0.generator.longestGapNanoseconds > Recorder.standstillNanoseconds }.map { second in
      let gap = second.generator.longestGapNanoseconds
      let end = second.generator.longestGapEndNanoseconds
      let range = end > gap ? (end - gap, end) : record.span(of: second)
      return JournalValidity(
        verdict: .degraded, name: "loop-gap", fromNanoseconds: range.0, toNanoseconds: range.1,
        detail: "the event loop stood still for \(Figure.time(Double(gap))) (limit 200 ms): this process was stopped, or had no processor",
        measured: .init("the event loop stood still for # (limit 200 ms): this process was stopped, or had no processor", Double(gap), .nanoseconds))
    }
  }

  private static func offeredRate(_ record: RunRecord, isInterrupted: Bool) -> [JournalValidity] {
    guard record.start.model == .open, !isInterrupted, !record.isStoppedByWriteBudget, let asked = record.start.askedArrivals else { return [] }
    let arrivals = record.iterations.arrivals + record.warmUpIterations.arrivals
    guard Double(arrivals) < 0.99 * Double(asked) else { return [] }
    return [JournalValidity(verdict: .degraded, name: "offered-rate", detail: "only \(arrivals) of \(asked) arrivals became due")]
  }

  private static func clamping(_ record: RunRecord) -> [JournalValidity] {
    let series = [record.response, record.service, record.startDelay] + record.steps.flatMap { [$0.service, $0.poolWait] } + record.measures.map(\.values)
    let clamped = series.map(\.clampedCount).max() ?? 0
    guard clamped > 0 else { return [] }
    return [
      JournalValidity(
        verdict: .degraded, name: "clamped", detail: "\(clamped) times were longer than the hour that is measured: their quantiles are lower bounds")
    ]
  }

  private static func damage(_ record: RunRecord) -> [JournalValidity] {
    guard record.damagedLines > 0 else { return [] }
    return [
      JournalValidity(
        verdict: .degraded, name: "journal-damaged", detail: "\(record.damagedLines) lines of the journal cannot be read: the counts are too small")
    ]
  }

  /// Nothing can be concluded where this program itself was the slowest part for most of the time: not even a median says then what the target
  /// did. A second is lost when more than half of its heartbeats were late by more than their own period, or when it has a standstill of more
  /// than half of it.
  private static func overwhelmed(_ record: RunRecord, _ seconds: [SecondRecord]) -> [JournalValidity] {
    let lost = seconds.reduce(0) { lost, second in
      let (lateness, gap) = (second.generator.loopLateness, second.generator.longestGapNanoseconds)
      // A standstill of several seconds stands in the record of one of them.
      if gap > 500_000_000 { return lost + Int((gap + 500_000_000) / 1_000_000_000) }
      return lost + (lateness.count > 0 && lateness.count(above: 10_000_000) * 2 > lateness.count ? 1 : 0)
    }
    guard lost >= 5, lost * 2 > seconds.count, let first = seconds.first, let last = seconds.last else { return [] }
    return [
      JournalValidity(
        verdict: .invalid, name: "overwhelmed", fromNanoseconds: record.span(of: first).0, toNanoseconds: record.span(of: last).1,
        detail: "in \(lost) of \(seconds.count) seconds this program had no processor for most of the time: the figures are its own, not the target's")
    ]
  }
}

extension RunRecord {
  /// CLOCK_MONOTONIC nanoseconds of a second of the timeline.
  func span(of second: SecondRecord) -> (UInt64, UInt64) {
    let start = Int64(bitPattern: loadStartNanoseconds) &+ Int64(second.second) &* 1_000_000_000
    return (UInt64(max(0, start)), UInt64(max(0, start &+ 1_000_000_000)))
  }
}
