/// What happened in one second (or less). Several records may cover the same second, one from each reactor, or one for
/// the warm-up and one for the load: readers add them up.
package struct JournalInterval: JournalRecord, Hashable {
  package static let kind = JournalKind.interval

  /// CLOCK_MONOTONIC nanoseconds.
  package var startNanoseconds: UInt64 = 0
  package var endNanoseconds: UInt64 = 0
  /// Who counted. The user counts of one reactor replace each other within a second, those of several add up.
  package var reactor = 0
  /// Warm-up is recorded and excluded: such a record counts in nothing but the timeline.
  package var isWarmUp = false

  package var iterations = IterationCounts()
  /// After the warm-up: what became of iterations that arrived in it. They count as warm-up.
  package var early = IterationCounts()
  /// What the profile asked for in this span: arrivals, as the area under the rate (open load); users, on average (closed load). The area
  /// adds up over intervals; nil where the journal is older than it.
  package var askedArrivals: Double?
  package var askedUsers: Double?
  package var pauses = PauseCounts()
  /// Virtual users inside an iteration, and all there are, at the interval's end.
  package var usersBusy: UInt64 = 0
  package var usersTotal: UInt64 = 0
  /// End minus intended start; open load only.
  package var response = HistogramSnapshot()
  /// Actual minus intended start; open load only.
  package var startDelay = HistogramSnapshot()
  /// Of these, the starts that had to wait because no user was free: the target is slow. The others are our own doing.
  package var startDelayWaited = HistogramSnapshot()
  /// End minus actual start.
  package var service = HistogramSnapshot()

  package var steps: [StepInterval] = []
  package var measures: [MeasureInterval] = []
  package var hops: [HopInterval] = []
  package var checks: [CheckInterval] = []
  package var retries: [RetryInterval] = []
  /// By declared connection; those of which something is known.
  package var pools: [PoolInterval] = []
  package var generator = GeneratorHealth()
  package var probes = ProbeCounts()

  package init() {}
}

package struct StepInterval: Hashable, Sendable {
  /// Row of the start record's step table.
  package var step: Int
  /// Attempts that ended: succeeded, failed or unknown.
  package var count: UInt64 = 0
  package var failed: UInt64 = 0
  package var unknown: UInt64 = 0
  /// Not run, because an earlier step of the iteration failed.
  package var skipped: UInt64 = 0
  package var responseBytes: UInt64 = 0
  package var service = HistogramSnapshot()
  package var poolWait = HistogramSnapshot()

  package init(step: Int) {
    self.step = step
  }
}

package struct MeasureInterval: Hashable, Sendable {
  package var measure: Int
  package var values: HistogramSnapshot

  package init(measure: Int, values: HistogramSnapshot) {
    self.measure = measure
    self.values = values
  }
}

package struct HopInterval: Hashable, Sendable {
  package var event: Int
  package var hop: Int
  /// The two bounds of the lag, kept apart: they bound every quantile. A negative bound is recorded as 0.
  package var lagLow = HistogramSnapshot()
  package var lagHigh = HistogramSnapshot()
  /// High minus low; its median is the resolution.
  package var width = HistogramSnapshot()
  /// The bounds of when a hop that holds a state last changed to the right one; counted when the event is decided.
  package var stableLow = HistogramSnapshot()
  package var stableHigh = HistogramSnapshot()
  /// How long violations of the guarantees that the hop is asked for lasted; counted when they are decided.
  package var ages: [SessionGuarantee: ViolationAges] = [:]
  /// Sightings before the acknowledgement: legal, counted.
  package var visibleBeforeAck: UInt64 = 0

  package init(event: Int, hop: Int) {
    self.event = event
    self.hop = hop
  }
}

package struct CheckInterval: Hashable, Sendable {
  package var check: Int
  package var passed: UInt64
  package var failed: UInt64

  package init(check: Int, passed: UInt64, failed: UInt64) {
    self.check = check
    self.passed = passed
    self.failed = failed
  }
}

package struct ProbeCounts: Hashable, Sendable {
  /// Operations that only observe, and those that the chain itself performed.
  package var operations: UInt64 = 0
  package var targetOperations: UInt64 = 0
  /// Pings and markers of the observers, which touch no data of the system: not among `operations`.
  package var fences: UInt64 = 0

  package init(operations: UInt64 = 0, targetOperations: UInt64 = 0, fences: UInt64 = 0) {
    self.operations = operations
    self.targetOperations = targetOperations
    self.fences = fences
  }

  package var share: Double { targetOperations + operations == 0 ? 0 : Double(operations) / Double(operations + targetOperations) }
}
