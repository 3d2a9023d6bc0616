import ChainIO
import ChainProgram
import Metrics

/// Counts what happened on one reactor since the last interval. Confined to the reactor's thread; read by taking an interval.
final class Recorder {
  private struct StepCell {
    var count: UInt64 = 0
    var failed: UInt64 = 0
    var unknown: UInt64 = 0
    // Owned by the recorder, which lets go of them in `deinit`: reached in plain memory, a reference would be counted at each record.
    let service = Unmanaged.passRetained(Histogram())
    let poolWait = Unmanaged.passRetained(Histogram())
  }

  private struct CheckCell {
    var passed: UInt64 = 0
    var failed: UInt64 = 0
  }

  var iterations = IterationCounts()
  /// Of iterations that arrived in the warm-up, whenever they end: they are kept out of the figures whole, so that the others add up.
  private var early = IterationCounts()
  /// Whether this interval lies in the warm-up.
  var isWarmUp = false
  var pauses = PauseCounts()
  let response = Histogram()
  let startDelay = Histogram()
  let startDelayWaited = Histogram()
  let service = Histogram()
  private let steps: UnsafeMutableBufferPointer<StepCell>
  private let checks: UnsafeMutableBufferPointer<CheckCell>
  private let measures: [Histogram]
  private var failures = ErrorTable()
  private var retries: [[UInt64]]
  private let program: Program
  let loopLateness = Histogram(digits: 2)
  private var longestGapNanoseconds: UInt64 = 0
  private var longestGapEndNanoseconds: UInt64 = 0
  /// Arrivals that started more than 1 ms late although a user was free: our own fault.
  var lateUserFree: UInt64 = 0
  /// Arrivals that started late because every user was busy: the target's doing.
  var lateNoUserFree: UInt64 = 0
  var probeOperations: UInt64 = 0
  /// Operations of ordinary steps: what probes are compared with.
  private var targetOperations: UInt64 = 0

  init(program: Program) {
    self.program = program
    steps = .allocate(capacity: program.steps.count)
    for index in 0..<program.steps.count { steps.initializeElement(at: index, to: StepCell()) }
    checks = .allocate(capacity: program.checks.count)
    checks.initialize(repeating: CheckCell())
    measures = program.measures.map { _ in Histogram() }
    retries = program.retries.map { _ in [] }
  }

  deinit {
    for step in steps {
      step.service.release()
      step.poolWait.release()
    }
    steps.deallocate()
    checks.deallocate()
  }

  /// What begins later than this is counted as late.
  static let lateNanoseconds: UInt64 = 1_000_000

  /// The counts of iterations that arrived in the warm-up, or after it.
  subscript(isEarly isEarly: Bool) -> IterationCounts {
    get { isEarly ? early : iterations }
    _modify { if isEarly { yield &early } else { yield &iterations } }
  }

  /// An iteration of the open model began so many nanoseconds after it was intended.
  func startedLate(by delay: UInt64, userWasFree: Bool) {
    startDelay.record(delay)
    if !userWasFree { startDelayWaited.record(delay) }
    guard delay > Recorder.lateNanoseconds else { return }
    if userWasFree { lateUserFree &+= 1 } else { lateNoUserFree &+= 1 }
  }

  /// A heartbeat of the loop that was due at `due`, the last one having been at `last`.
  ///
  /// - Returns: when the next one is due.
  func heartbeat(due: UInt64, last: UInt64, every period: UInt64, now: UInt64) -> UInt64 {
    let gap = now &- min(last, now)
    if gap > longestGapNanoseconds { (longestGapNanoseconds, longestGapEndNanoseconds) = (gap, now) }
    loopLateness.record(now &- min(due, now))
    var next = due &+ period
    // A share of the heartbeats is to be a share of the time: those that were slept through were late as well. A standstill counts once, as such.
    while gap <= Recorder.standstillNanoseconds, next <= now {
      loopLateness.record(now &- next)
      next &+= period
    }
    return max(next, now)
  }

  /// So long without a heartbeat is a reason of its own to doubt the figures.
  static let standstillNanoseconds: UInt64 = 200_000_000

  /// One operation that ended well.
  ///
  /// - Parameters: nanoseconds. `poolWait` is kept apart from the service time.
  func stepSucceeded(_ step: Int, serviceNanoseconds: UInt64, poolWaitNanoseconds: UInt64?) {
    steps[step].count &+= 1
    steps[step].service._withUnsafeGuaranteedRef { $0.record(serviceNanoseconds) }
    if let poolWaitNanoseconds {
      steps[step].poolWait._withUnsafeGuaranteedRef { $0.record(poolWaitNanoseconds) }
      targetOperations &+= 1
    }
  }

  /// One iteration that completed.
  ///
  /// - Parameters: nanoseconds. `response` is nil where no start was intended: in a closed load.
  func iterationCompleted(serviceNanoseconds: UInt64, responseNanoseconds: UInt64?) {
    service.record(serviceNanoseconds)
    if let responseNanoseconds { response.record(responseNanoseconds) }
  }

  /// One operation that failed or whose outcome is unknown; its time is in no histogram.
  func stepFailed(_ step: Int, isUnknown: Bool) {
    steps[step].count &+= 1
    if isUnknown { steps[step].unknown &+= 1 } else { steps[step].failed &+= 1 }
  }

  /// One value of a measure; a negative difference counts as 0.
  func measured(_ measure: Int, nanoseconds: Int64) { measures[measure].record(difference: nanoseconds) }

  func checkEnded(_ check: Int, passed: Bool) {
    if passed { checks[check].passed &+= 1 } else { checks[check].failed &+= 1 }
  }

  /// A further attempt (from 1) of a `retry:`.
  func retried(_ retry: Int, attempt: Int) {
    let place = min(attempt, 16) - 1
    while retries[retry].count <= place { retries[retry].append(0) }
    retries[retry][place] &+= 1
  }

  /// Off the hot path: builds a fingerprint.
  func failed(step: Int?, _ error: OperationError, at now: UInt64, _ attributes: [FailureAttribute] = []) {
    var target = ""
    if let step, let connection = program.steps[step].connection { target = program.connections[connection.index].kind }
    failures.record(
      ErrorFingerprint(step: step, target: target, errorClass: error.class.rawValue, code: error.code, message: error.message),
      atNanoseconds: now, attributes: attributes)
  }

  /// Failures since the last call, by fingerprint.
  func takeFailures() -> [JournalFailure] { failures.isEmpty ? [] : failures.drain() }

  /// What happened since the last interval; everything starts again from zero.
  func takeInterval(from start: UInt64, to end: UInt64, isWarmUp: Bool) -> JournalInterval {
    var interval = JournalInterval()
    interval.startNanoseconds = start
    interval.endNanoseconds = end
    interval.isWarmUp = isWarmUp
    if isWarmUp {
      // What has arrived after the warm-up by now belongs to the next interval.
      interval.iterations = early
    } else {
      interval.iterations = iterations
      interval.early = early
      iterations = IterationCounts()
    }
    early = IterationCounts()
    interval.pauses = pauses
    pauses = PauseCounts()
    interval.response = response.takeSnapshot()
    interval.startDelay = startDelay.takeSnapshot()
    interval.startDelayWaited = startDelayWaited.takeSnapshot()
    interval.service = service.takeSnapshot()
    for index in 0..<steps.count where steps[index].count > 0 {
      var step = StepInterval(step: index)
      step.count = steps[index].count
      step.failed = steps[index].failed
      step.unknown = steps[index].unknown
      step.service = steps[index].service.takeUnretainedValue().takeSnapshot()
      step.poolWait = steps[index].poolWait.takeUnretainedValue().takeSnapshot()
      interval.steps.append(step)
      steps[index].count = 0
      steps[index].failed = 0
      steps[index].unknown = 0
    }
    for index in 0..<checks.count where checks[index].passed > 0 || checks[index].failed > 0 {
      interval.checks.append(CheckInterval(check: index, passed: checks[index].passed, failed: checks[index].failed))
      checks[index] = CheckCell()
    }
    for (index, measure) in measures.enumerated() where !measure.isEmpty {
      interval.measures.append(MeasureInterval(measure: index, values: measure.takeSnapshot()))
    }
    for retry in retries.indices where !retries[retry].isEmpty {
      interval.retries.append(RetryInterval(retry: retry, attempts: retries[retry]))
      retries[retry] = []
    }
    interval.generator.loopLateness = loopLateness.takeSnapshot()
    interval.generator.longestGapNanoseconds = longestGapNanoseconds
    interval.generator.longestGapEndNanoseconds = longestGapEndNanoseconds
    longestGapNanoseconds = 0
    longestGapEndNanoseconds = 0
    interval.generator.lateUserFree = lateUserFree
    interval.generator.lateNoUserFree = lateNoUserFree
    lateUserFree = 0
    lateNoUserFree = 0
    interval.probes = ProbeCounts(operations: probeOperations, targetOperations: targetOperations)
    probeOperations = 0
    targetOperations = 0
    return interval
  }
}
