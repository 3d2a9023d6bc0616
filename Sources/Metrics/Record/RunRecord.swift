/// Everything that a run left behind, derived from its journal and from nothing else. Reports are functions of it.
///
/// Totals leave the warm-up out; the timeline has it. Event rows are not kept here (a long run has millions):
/// ``JournalReader`` hands them over one by one.
package struct RunRecord: Sendable {
  package var start = JournalStart()
  package var phases: [JournalPhase] = []
  /// Nil for a run that crashed, or has not ended yet.
  package var end: JournalEnd?
  /// Whether the process that writes the journal was still there when it was read: the reader asks for its ``JournalLock``, since no journal can
  /// tell. Everything here is what there is so far, then.
  package var isRunning = false

  /// CLOCK_MONOTONIC nanoseconds: the start of second 0, and the end of the load.
  package var loadStartNanoseconds: UInt64 = 0
  package var loadEndNanoseconds: UInt64 = 0
  /// Processor time of the process, user and system, from the beginning of the load, warm-up included, until its last iteration had ended: without
  /// connecting before it, and without the comparison, the rows and the reports after it. Nil where the run did not get there, or did not say.
  package var loadCPUNanoseconds: UInt64? {
    guard let begin = phases.first(where: { $0.name == .warmUp || $0.name == .load })?.cpuNanoseconds,
      let end = phases.first(where: { $0.name == .settle })?.cpuNanoseconds
    else { return nil }
    return end - min(begin, end)
  }

  package var iterations = IterationCounts()
  package var warmUpIterations = IterationCounts()
  package var pauses = PauseCounts()
  /// Arrivals that the rate asked for after the warm-up: the area under it; nil in the closed model.
  package var askedArrivals: Double?
  package var response = HistogramSnapshot()
  package var startDelay = HistogramSnapshot()
  /// The part of it that waited for a user: the target's doing, not ours.
  package var startDelayWaited = HistogramSnapshot()
  package var service = HistogramSnapshot()
  package var steps: [StepRecord] = []
  package var measures: [MeasureRecord] = []
  package var events: [EventRecord] = []
  package var checks: [CheckRecord] = []
  /// One for each fingerprint, most frequent first.
  package var failures: [JournalFailure] = []
  /// When and under which circumstances; as many as ``failures``, in their order.
  package var failureDetails: [FailureDetail] = []
  /// What is behind the failures, as far as their circumstances tell.
  package var patterns: [ErrorPattern] = []
  /// Further attempts of each `retry:`, by their number from 1.
  package var retries: [[UInt64]] = []
  package var thresholds: [JournalThreshold] = []
  package var alerts: [AlertRecord] = []
  package var validity: [JournalValidity] = []
  package var gaps: [JournalGap] = []
  /// Outputs for other programs, as they were asked for.
  package var outputs: [JournalOutput] = []
  /// By declared connection.
  package var pools: [PoolRecord] = []
  /// What servers told about themselves; those that have figures, in the order of the connections.
  package var servers: [ServerRecord] = []
  package var generator = GeneratorHealth()
  package var probes = ProbeCounts()
  /// Ascending; a second in which warm-up and load meet has two.
  package var seconds: [SecondRecord] = []
  /// Lines in the middle of the journal that are not JSON or lack their kind.
  package var damagedLines = 0

  package init() {}

  package var isCrashed: Bool { end == nil && !isRunning }
  package var durationSeconds: Double { Double(loadEndNanoseconds - min(loadStartNanoseconds, loadEndNanoseconds)) / 1e9 }
  package var validityVerdict: ValidityVerdict { validity.map(\.verdict).max() ?? .valid }
  /// Reasons for doubt; and what is worth knowing without being one.
  package var doubts: [JournalValidity] { validity.filter { $0.verdict != .valid } }
  package var notes: [JournalValidity] { validity.filter { $0.verdict == .valid } }
  /// The load ended early, because `guard: writes` was used up.
  package var isStoppedByWriteBudget: Bool { failures.contains { $0.fingerprint.code == "guard-writes" } }

  package var failureCount: UInt64 { failures.reduce(0) { $0 &+ $1.count } }

  /// Seconds since the start of the load; negative during setup and warm-up.
  package func seconds(at nanoseconds: UInt64) -> Double {
    (Double(nanoseconds) - Double(loadStartNanoseconds)) / 1e9
  }

  /// CLOCK_REALTIME nanoseconds of a monotonic instant, by the start record's clock pair.
  package func realtimeNanoseconds(at nanoseconds: UInt64) -> UInt64 {
    let shift = Int64(bitPattern: nanoseconds) &- Int64(bitPattern: start.monotonicNanoseconds)
    return UInt64(bitPattern: Int64(bitPattern: start.realtimeNanoseconds) &+ shift)
  }
}

package struct FailureDetail: Hashable, Sendable {
  /// Seconds since the start of the load, ascending, with failures in them.
  package var seconds: [SecondCount] = []
  package var attributes = FailureAttributeCounts()

  package struct SecondCount: Hashable, Sendable {
    package var second: Int
    package var count: UInt64
  }

  package init() {}
}

package struct StepRecord: Hashable, Sendable {
  package var info: StepInfo
  package var count: UInt64 = 0
  package var failed: UInt64 = 0
  package var unknown: UInt64 = 0
  package var skipped: UInt64 = 0
  package var responseBytes: UInt64 = 0
  package var service = HistogramSnapshot()
  package var poolWait = HistogramSnapshot()

  package init(info: StepInfo) {
    self.info = info
  }
}

package struct MeasureRecord: Hashable, Sendable {
  package var name: String
  package var values = HistogramSnapshot()

  package init(name: String) {
    self.name = name
  }
}

package struct CheckRecord: Hashable, Sendable {
  package var info: CheckInfo
  package var passed: UInt64 = 0
  package var failed: UInt64 = 0

  package init(info: CheckInfo) {
    self.info = info
  }
}

package struct EventRecord: Hashable, Sendable {
  package var info: EventInfo
  /// Nil where the ledger record is missing: the rows alone do not tell what was attempted.
  package var counts: EventCounts?
  package var hops: [HopRecord]
  /// Whether the counts are the ledger's last word. Otherwise events are on their way that are in no outcome.
  package var isFinal = true

  /// Committed events that have no outcome at a hop yet, seen or not: an event is decided when its settle time has passed. 0 where the ledger
  /// has had its last word.
  package func undecided(at hop: HopRecord) -> UInt64 {
    guard !isFinal, let counts, counts.committed > hop.counts.accountedFor else { return 0 }
    return counts.committed - hop.counts.accountedFor
  }

  package init(info: EventInfo) {
    self.info = info
    hops = info.hops.map { HopRecord(info: $0) }
  }
}

package struct HopRecord: Hashable, Sendable {
  package var info: HopInfo
  package var counts = HopCounts()
  package var lagLow = HistogramSnapshot()
  package var lagHigh = HistogramSnapshot()
  package var width = HistogramSnapshot()
  package var stableLow = HistogramSnapshot()
  package var stableHigh = HistogramSnapshot()
  /// How long violations of the guarantees that it is asked for lasted, and the longest of them.
  package var ages: [SessionGuarantee: ViolationAges] = [:]
  package var longestViolations: [SessionGuarantee: [JournalGuarantee.Violation]] = [:]
  package var visibleBeforeAck: UInt64 = 0
  /// The comparison at the end; nil where there was none.
  package var sweep: JournalSweep?
  /// How it was observed, why so, and with how many requests; nil in a run that ended before its observers were in place.
  package var observation: JournalObserver?
  /// By outcome or anomaly, those that are not `ok`: the first ids of each kind.
  package var offenders: [OffenderList] = []

  package init(info: HopInfo) {
    self.info = info
  }

  /// Median width of the bracket, nanoseconds; nil with too few to bound it.
  package var resolutionNanoseconds: UInt64? { width.estimableQuantile(0.5) }
}

package struct OffenderList: Hashable, Sendable {
  package static let idsMax = 100

  /// The raw value of an ``EventOutcome`` or ``EventAnomaly``.
  package var kind: String
  package var ids: [String] = []
  /// All of them, listed or not.
  package var count: UInt64 = 0

  package init(kind: String) {
    self.kind = kind
  }
}

/// One second of the run.
package struct SecondRecord: Hashable, Sendable {
  /// Since the start of the load; negative before it.
  package var second: Int
  package var isWarmUp: Bool
  package var iterations = IterationCounts()
  /// Arrivals that the rate asked for: the area under it in this second; nil in the closed model.
  package var askedArrivals: Double?
  /// Users that the closed model asked for, on average over the second; nil in the open model.
  package var askedUsers: Double?
  package var usersBusy: UInt64 = 0
  package var usersTotal: UInt64 = 0
  package var response = HistogramSnapshot()
  package var startDelay = HistogramSnapshot()
  package var startDelayWaited = HistogramSnapshot()
  package var service = HistogramSnapshot()
  package var generator = GeneratorHealth()
  /// As long as the step table.
  package var steps: [StepSecond]
  /// The hops of all events, one event after the other; empty where no hop was seen in this second.
  package var hops: [HopSecond] = []
  package var failures: UInt64 = 0

  package init(second: Int, isWarmUp: Bool, stepCount: Int) {
    self.second = second
    self.isWarmUp = isWarmUp
    steps = Array(repeating: StepSecond(), count: stepCount)
  }
}

/// The bounds of the lag of what was seen in one second.
package struct HopSecond: Hashable, Sendable {
  package var low = HistogramSnapshot()
  package var high = HistogramSnapshot()

  package init() {}
}

package struct StepSecond: Hashable, Sendable {
  package var count: UInt64 = 0
  /// Failed or unknown.
  package var failed: UInt64 = 0
  package var responseBytes: UInt64 = 0
  package var service = HistogramSnapshot()

  package init() {}
}
