import ChainIO
import ChainProgram
import Metrics

/// One virtual user: a frame of slots and a place in the program.
///
/// Not a task: the pc is the continuation. A step that must wait leaves the loop, and whatever ends the wait (a driver, a timer, the
/// ledger) comes back in as a job of the reactor. Confined to the reactor's thread.
///
/// A lane of a `parallel:` step is a virtual user of its own that shares its parent's frame: slots that lanes write are disjoint by
/// construction. The parent waits for its lanes as their iteration owner.
final class VirtualUser: CallOwner, TimerOwner, ReactorJob, IterationOwner {
  private enum Activity: UInt8 {
    case idle
    /// An iteration is about to begin.
    case starting
    /// Inside the loop.
    case running
    /// An operation is under way.
    case calling
    case thinking
    /// Between two looks of a probe.
    case pausing
    /// Joined to an event's hop.
    case awaiting
    /// The hop was seen; the job that resumes is queued.
    case resuming
    /// Lanes are running.
    case joining
  }

  let index: Int
  private let context: UserContext
  private let program: Program
  private let evaluator: Evaluator
  private unowned var owner: any IterationOwner
  private let frame: UnsafeMutablePointer<Value>
  /// Of a lane; its frame is the parent's, who outlives it.
  private let isLane: Bool
  /// Shared with the lanes.
  private let circumstances: Circumstances
  private var lanes: [VirtualUser] = []
  private var lanesRunning = 0
  private var laneJoin = LanesDescription.Join.all
  private var laneSucceeded = false
  private var laneIsPending = false
  private var laneError: (error: OperationError, step: Int, ending: OperationCall.Ending)?
  /// How a lane ended the whole iteration: it said `stop`, or its feed had no row left.
  private var laneStop: IterationEnding?
  /// `setup_vu` has run.
  private var isPrepared = false
  /// An iteration has begun: there may be something to tear down.
  private(set) var hasBegun = false
  private var isPreparing = false
  private var call: OperationCall!
  private let reader: ResultReader
  private var deadlineTimer: ReactorTimer!
  private var wakeTimer: ReactorTimer!
  private var activity = Activity.idle
  /// Whether the reactor has a job for this user.
  private var isQueued = false
  private var pc = 0
  private var entry = 0
  private var draws = Randomness(seed: 0, stream: 0, iteration: 0)
  private(set) var iteration: UInt64 = 0
  private var stream: UInt64 = 0
  /// Operations of this iteration whose system was told the trace, and which lane of it this is, 0 for the iteration itself.
  private var tracedCalls = 0
  private var traceLane = 0
  /// Nanoseconds; 0 in the closed model.
  private(set) var intendedStart: UInt64 = 0
  private(set) var actualStart: UInt64 = 0
  /// Whether this iteration's figures count as load (setup and teardown do not).
  private var isMeasured = true
  private var userWasFree = true
  /// The iteration arrived in the warm-up: where it ends after it, its times are in no figure.
  var isEarly = false
  private var currentStep = 0
  /// The latest stamp of this iteration: its end, when it ends.
  private var lastStamp: UInt64 = 0
  private var stepStart: UInt64 = 0
  private(set) var firstError: OperationError?
  private(set) var firstErrorStep = 0
  /// The iteration was ended by `stop`; of a lane: so is its parent's.
  private var hasStopped = false
  private var firstEnding = OperationCall.Ending.ok
  /// The error that a handler has caught and `rethrow` would pass on.
  private var pendingError: OperationError?
  private var isProbing = false
  private var probeDeadline: UInt64 = 0
  private var probeStart: UInt64 = 0
  private var probePauseNanoseconds: Double = 0
  private var joined: Ledger.Join?
  /// The ledger's own: another user that waits for the same event at the same hop.
  var nextWaiting: VirtualUser?
  /// The connection whose transaction this user is in: the driver that gave `call.lease`.
  private var leaseConnection = 0
  private let origins: UnsafeMutablePointer<OriginRecord>
  /// Whether `context.tracer` is told what happens. Read once an instruction, so it stands here.
  private let isTraced: Bool

  convenience init(index: Int, context: UserContext, owner: any IterationOwner) {
    let slotCount = max(1, context.program.slots.count)
    let frame = UnsafeMutablePointer<Value>.allocate(capacity: slotCount)
    frame.initialize(repeating: .null, count: slotCount)
    self.init(index: index, context: context, owner: owner, frame: frame, circumstances: Circumstances(program: context.program), isLane: false)
    for (slot, value) in context.program.initialValues { frame[slot.index] = value }
    for (slot, value) in context.secretValues { frame[slot.index] = value }
    if let slot = context.program.runIdSlot { frame[slot.index] = .string(context.runID) }
  }

  private init(
    index: Int, context: UserContext, owner: any IterationOwner, frame: UnsafeMutablePointer<Value>, circumstances: Circumstances, isLane: Bool
  ) {
    self.circumstances = circumstances
    self.index = index
    self.context = context
    self.owner = owner
    self.frame = frame
    self.isLane = isLane
    program = context.program
    evaluator = context.evaluator
    isTraced = context.tracer != nil
    origins = .allocate(capacity: max(1, context.program.events.count))
    for (index, event) in context.program.events.enumerated() { (origins + index).initialize(to: OriginRecord(event: event)) }
    reader = ResultReader(OperationResult())
    call = OperationCall(owner: self, reactor: context.reactor, user: index)
    reader.read(call.result)
    deadlineTimer = ReactorTimer(owner: self, tag: 0)
    wakeTimer = ReactorTimer(owner: self, tag: 1)
  }

  deinit {
    if !isLane { frame.deinitialize(count: max(1, program.slots.count)).deallocate() }
    origins.deinitialize(count: program.events.count).deallocate()
  }

  /// Breaks the cycles with the timers. The user is not used afterwards.
  func retire() {
    deadlineTimer.invalidate()
    wakeTimer.invalidate()
    for lane in lanes { lane.retire() }
  }

  var isIdle: Bool { activity == .idle }

  /// From the executor to the session, for `teardown_vu`.
  func handOver(to owner: any IterationOwner) {
    precondition(activity == .idle, "a virtual user changes its owner between iterations")
    self.owner = owner
  }

  // Starting and ending

  /// Starts an iteration, in this turn.
  ///
  /// - Parameters:
  ///   - entry: The block's first instruction.
  ///   - intendedStart: Nanoseconds; 0 in the closed model.
  ///   - userWasFree: Whether it could have started when it was intended.
  func start(entry: Int, iteration: UInt64, stream: UInt64, intendedStart: UInt64, isMeasured: Bool, userWasFree: Bool = true) {
    precondition(activity == .idle, "a virtual user runs one iteration at a time")
    activity = .starting
    self.entry = entry
    self.iteration = iteration
    self.intendedStart = intendedStart
    self.isMeasured = isMeasured
    self.stream = stream
    self.userWasFree = userWasFree
    draws = Randomness(seed: context.seed, stream: stream, iteration: iteration)
    tracedCalls = 0
    enqueue()
  }

  /// Once at a time: an interrupted user may start anew before the job of its last life has run.
  private func enqueue() {
    if !isQueued { context.reactor.enqueue(self) }
    isQueued = true
  }

  func run(now: UInt64) {
    isQueued = false
    switch activity {
    case .starting: begin()
    case .resuming:
      activity = .running
      if lanesRunning == 0, laneIsPending { return resumeFromLanes() }
      execute()
    case .idle: break
    case .running, .calling, .thinking, .pausing, .awaiting, .joining:
      preconditionFailure("a job for a virtual user that waits for something else")
    }
  }

  private func begin() {
    actualStart = MonotonicClock.now
    lastStamp = actualStart
    if isMeasured, intendedStart != 0, !isEarly || context.recorder.isWarmUp {
      context.recorder.startedLate(by: actualStart &- min(intendedStart, actualStart), userWasFree: userWasFree)
    }
    hasBegun = true
    hasStopped = false
    firstError = nil
    firstEnding = .ok
    pendingError = nil
    isProbing = false
    pc = entry
    if let userSetup = program.userSetupEntry, !isPrepared, isMeasured, !isLane {
      isPreparing = true
      isMeasured = false
      pc = userSetup
    }
    for event in 0..<program.events.count { origins[event].reset() }
    activity = .running
    if isTraced { context.tracer?.began(traceView, isLane: isLane) }
    execute()
  }

  /// What a tracer is shown of this user.
  private var traceView: TraceView {
    TraceView(user: ObjectIdentifier(self), frame: UnsafePointer(frame), pc: pc, step: currentStep, stamp: lastStamp, iteration: iteration)
  }

  /// Cuts the iteration short: the run is over.
  func interrupt(now: UInt64) {
    guard activity != .idle else { return }
    deadlineTimer.disarm()
    wakeTimer.disarm()
    if activity == .calling {
      isInterrupted = true
      abandonCall(now: now)
      return
    }
    if activity == .joining {
      isInterrupted = true
      for lane in lanes where !lane.isIdle { lane.interrupt(now: now) }
      return
    }
    leaveHop()
    lastStamp = now
    settleOrigins(.interrupted)
    finish(.interrupted)
  }

  private var isInterrupted = false

  /// Ends the call now, unless it has ended in this turn and its job waits: it is the driver's no more then.
  private func abandonCall(now: UInt64) {
    guard call.state == .waiting || call.state == .inFlight else { return }
    context.drivers[context.operations[call.operation].connection].abandon(call, now: now)
  }

  private func finish(_ ending: IterationEnding) {
    if isTraced { context.tracer?.ended(ending, traceView, isLane: isLane) }
    if call.lease != nil { context.drivers[leaseConnection].endLease(call) }
    activity = .idle
    isInterrupted = false
    isPreparing = false
    laneIsPending = false
    if isMeasured, !isLane, ending == .completed, !isEarly || context.recorder.isWarmUp {
      context.recorder.service.record(lastStamp &- actualStart)
      if intendedStart != 0 { context.recorder.response.record(lastStamp &- min(intendedStart, lastStamp)) }
    }
    owner.iterationEnded(self, ending, now: lastStamp)
  }

  // The loop

  private func execute() {
    while true {
      let instruction = evaluator.instructions[pc]
      if isTraced { context.tracer?.reached(traceView) }
      do throws(OperationError) {
        switch instruction {
        case .constant, .move, .binary, .compare, .not, .negate, .cast, .call, .jsonMember, .element, .makeList, .castAll, .match, .buildText,
          .loadResult, .loadResultAt, .loadResultInt, .loadResultDecimal, .jump, .jumpIfFalse, .jumpIfTrue, .jumpIfNull:
          pc = try evaluator.execute(instruction, pc: pc, frame: frame, content: reader, draws: &draws)
        case .enterStep(let step):
          currentStep = step.index
          stepStart = lastStamp
          draws.enter(step: step.index)
          pc += 1
        case .submit(let operation):
          try submit(operation.index)
          return
        case .check(let check, let a, let continues):
          try self.check(check, frame[a.index], continues: continues)
          pc += 1
        case .think(let a, let b):
          pc += 1
          think(frame[a.index], frame[b.index])
          return
        case .probeBegin(let step, let within):
          currentStep = step.index
          beginProbe(within)
          pc += 1
        case .probeAgain(let within, let target):
          try probeAgain(within, target)
          return
        case .probeEnd(let step, _):
          isProbing = false
          recordControl(step.index, from: probeStart)
          pc += 1
        case .awaitHop(let step, let event, let hop, let a, let b):
          currentStep = step.index
          if joinHop(event, Int(hop), id: frame[a.index], within: frame[b.index]) { return }
        case .originIdentify(let event, let a):
          origins[event.index].identify(from: UnsafePointer(frame + a.index))
          pc += 1
        case .originAcknowledge(let event):
          acknowledge(event.index)
          pc += 1
        case .originAbort(let event):
          settleOrigin(event.index, firstEnding == .unknown ? .unknown : .failed)
          pc += 1
        case .chooseBranch(let branch, let d):
          let choice = context.branches[branch.index].next()
          circumstances.chose(branch.index, choice, iteration: iteration)
          frame[d.index] = .int(Int64(choice))
          pc += 1
        case .count(let d, let a):
          frame[d.index] = .int(Int64(elementCount(frame[a.index])))
          pc += 1
        case .runLanes(let index):
          if runLanes(program.lanes[index.index]) { return }
        case .stamp(let d, let kind):
          frame[d.index] = .int(Int64(bitPattern: stamp(kind)))
          pc += 1
        case .measure(let measure, let from, let to):
          recordMeasure(measure, frame[from.index], frame[to.index])
          pc += 1
        case .retryAgain(let retry, let attempts, let target):
          if retryAgain(retry.index, attempts, target) { return }
        case .endGroup(let step, let from):
          if case .int(let start) = frame[from.index] { recordControl(step.index, from: UInt64(bitPattern: start)) }
          pc += 1
        case .stop(_, let endsRun):
          if endsRun {
            owner.stopRequested()
            context.stopLoad()
          }
          hasStopped = true
          // A transaction that is open here is rolled back when its connection is given back.
          settleOrigins(.interrupted)
          finish(firstErrorEnding)
          return
        case .drawRow(let feed, let d):
          guard drawRow(feed.index, d) else {
            owner.stopRequested()
            settleOrigins(.interrupted)
            finish(.withdrawn)
            return
          }
          pc += 1
        case .log(_, let a):
          log(frame[a.index])
          pc += 1
        case .fail(_, let a):
          throw OperationError(.failed, text(frame[a.index]))
        case .rethrow:
          guard let error = pendingError else {
            pc += 1
            continue
          }
          guard enterHandler(error) else { return }
        case .end:
          settleOrigins(.completed)
          if isPreparing, firstError == nil {
            beginAfterSetup()
            continue
          }
          finish(firstErrorEnding)
          return
        }
      } catch {
        if error.class == .missedDeadline, isMeasured { context.recorder.stepFailed(currentStep, isUnknown: false) }
        // The operation itself ended well: an origin that autocommitted did happen.
        guard raise(error, .failed, originEnding: .ok) else { return }
      }
    }
  }

  /// An iteration fails by an error that no handler forgot.
  private var firstErrorEnding: IterationEnding {
    guard firstError != nil else { return .completed }
    return firstEnding == .unknown ? .unknown : .failed
  }

  // Operations

  private func submit(_ index: Int) throws(OperationError) {
    let operation = context.operations[index]
    if operation.spendsWrite { try context.spendWrite() }
    let now = MonotonicClock.now
    for position in 0..<operation.originCount {
      let event = context.originEvents[operation.firstOrigin + position]
      guard !origins[event].isAttempting else { continue }
      origins[event].isAttempting = true
      origins[event].number = context.ledger.originSubmitted(event: event)
    }
    if operation.role == .beginsTransaction { leaseConnection = operation.connection }
    reader.contentChanged()
    call.begin(operation: index, arguments: UnsafePointer(frame + operation.argumentBase), now: now)
    if context.tellsTraces { call.traceParent = operation.carriesTrace ? nextTraceParent() : nil }
    activity = .calling
    var deadline = now &+ operation.timeoutNanoseconds
    if isProbing { deadline = min(deadline, max(probeDeadline, now &+ 1_000_000)) }
    context.reactor.arm(deadlineTimer, at: deadline)
    context.drivers[operation.connection].submit(call)
  }

  /// Lanes of an iteration share its trace; a span is the n-th operation of its lane.
  private func nextTraceParent() -> TraceParent {
    tracedCalls += 1
    var ids = Randomness(seed: context.seed, stream: 0x7ACE_0000 &+ stream, iteration: iteration)
    let (high, low) = (ids.next(), ids.next())
    ids.enter(step: tracedCalls << 20 | traceLane)
    return TraceParent(traceHigh: high, traceLow: low, span: ids.next())
  }

  func callEnded(_ call: OperationCall) {
    deadlineTimer.disarm()
    lastStamp = call.endedNanoseconds
    activity = .running
    if isInterrupted {
      settleOrigins(call.ending == .unknown ? .unknown : .interrupted)
      return finish(.interrupted)
    }
    let step = context.operations[call.operation].step
    currentStep = step
    if isTraced { context.tracer?.operationEnded(call, traceView) }
    switch call.ending {
    case .ok:
      if isProbing {
        context.recorder.probeOperations &+= 1
      } else if isMeasured {
        context.recorder.stepSucceeded(
          step, serviceNanoseconds: call.endedNanoseconds &- call.startedNanoseconds,
          poolWaitNanoseconds: call.startedNanoseconds &- call.submittedNanoseconds)
      }
      pc += 1
    case .failed, .unknown:
      if isMeasured { context.recorder.stepFailed(step, isUnknown: call.ending == .unknown) }
      isProbing = false
      guard var error = call.failure else { preconditionFailure("a failed call has its error") }
      if context.operations[call.operation].role == .rollsBackTransaction {
        // Nothing of what follows may run in the old transaction, and what went wrong is the error that asked for the rollback.
        if call.lease != nil { context.drivers[leaseConnection].endLease(call) }
        error = pendingError ?? error
      }
      guard raise(error, call.ending, originEnding: call.ending) else { return }
    }
    execute()
  }

  func timerFired(_ timer: ReactorTimer, now: UInt64) {
    if timer.tag == 0 {
      if activity == .calling { abandonCall(now: now) }
      return
    }
    switch activity {
    case .thinking, .pausing:
      lastStamp = max(lastStamp, now)
      activity = .running
      execute()
    case .awaiting:
      leaveHop()
      lastStamp = max(lastStamp, now)
      activity = .running
      if isMeasured { context.recorder.stepFailed(currentStep, isUnknown: false) }
      let error = OperationError(.missedDeadline, code: "not-seen", "the event was not seen at the hop within the time given")
      if raise(error, .failed, originEnding: .ok) { execute() }
    case .idle, .starting, .running, .calling, .resuming, .joining:
      break
    }
  }

  // Errors

  /// - Returns: whether execution goes on, in a handler; otherwise the iteration has ended.
  ///
  /// - Parameter recordedAt: The step at which a lane has recorded the error already; nil if it is to be recorded here.
  private func raise(
    _ error: OperationError, _ ending: OperationCall.Ending, originEnding: OperationCall.Ending, recordedAt: Int? = nil
  ) -> Bool {
    if firstError == nil {
      firstError = error
      firstErrorStep = recordedAt ?? currentStep
      firstEnding = ending
      if recordedAt == nil { context.recorder.failed(step: currentStep, error, at: lastStamp, failureAttributes()) }
    }
    if isTraced, recordedAt == nil { context.tracer?.raised(error, ending, traceView) }
    // In a transaction the handler's `originAbort` settles the event, after the rollback.
    if call.lease == nil { for event in context.originsOfStep[currentStep] { settleOrigin(event, originEnding) } }
    return enterHandler(error)
  }

  /// Goes on in the innermost handler that covers the pc; without one the iteration ends.
  private func enterHandler(_ error: OperationError) -> Bool {
    for handler in program.handlers where handler.range.contains(pc) {
      if handler.forgets {
        pendingError = nil
        firstError = nil
        firstEnding = .ok
        // In a transaction that goes on, what was inserted before still waits for its commit.
        if call.lease == nil { settleOrigins(.failed) }
        if isTraced { context.tracer?.forgave(traceView) }
      } else {
        pendingError = error
      }
      isProbing = false
      pc = handler.target
      return true
    }
    settleOrigins(firstEnding == .unknown ? .unknown : .failed)
    finish(firstErrorEnding)
    return false
  }

  private func check(_ check: CheckIndex, _ value: Value, continues: Bool) throws(OperationError) {
    var passed = false
    if case .bool(true) = value { passed = true }
    context.recorder.checkEnded(check.index, passed: passed)
    guard !passed else { return }
    let error = OperationError(.check, code: "check", "a check did not hold: \(program.checks[check.index].text)")
    guard continues else { throw error }
    context.recorder.failed(step: currentStep, error, at: lastStamp, failureAttributes())
  }

  /// Under which circumstances the step at the pc fails. Off the hot path.
  private func failureAttributes() -> [FailureAttribute] {
    var attributes = circumstances.attributes(iteration: iteration)
    // The innermost one that repeats this code.
    if let extent = context.retryExtents.filter({ $0.code.contains(pc) }).min(by: { $0.code.count < $1.code.count }),
      case .int(let made) = frame[extent.attempts.index]
    {
      attributes.append(FailureAttribute(.attempt, table: extent.retry, value: Int(min(made, 16))))
    }
    return attributes
  }

  // Control steps

  private func recordControl(_ step: Int, from start: UInt64) {
    guard isMeasured else { return }
    context.recorder.stepSucceeded(step, serviceNanoseconds: lastStamp &- min(start, lastStamp), poolWaitNanoseconds: nil)
  }

  private func think(_ shortest: Value, _ longest: Value) {
    var pause = nanoseconds(shortest)
    let limit = nanoseconds(longest)
    if limit > pause { pause += draws.next(below: limit - pause + 1) }
    activity = .thinking
    context.reactor.arm(wakeTimer, at: max(lastStamp, context.reactor.now) &+ pause)
  }

  private func beginProbe(_ within: SlotIndex) {
    isProbing = true
    probeStart = MonotonicClock.now
    lastStamp = probeStart
    probeDeadline = probeStart &+ nanoseconds(frame[within.index])
    probePauseNanoseconds = Double(nanoseconds(frame[within.index + 1]))
  }

  private func probeAgain(_ within: SlotIndex, _ target: UInt32) throws(OperationError) {
    let now = MonotonicClock.now
    // Each pause is jittered by a tenth: a fixed period stays locked to a target that works in batches.
    let jitter = 0.9 + 0.2 * draws.nextUnit()
    let next = now &+ UInt64(max(1000, probePauseNanoseconds * jitter))
    guard next < probeDeadline else {
      isProbing = false
      lastStamp = now
      throw OperationError(.missedDeadline, code: "not-held", "the awaited condition did not hold within the time given")
    }
    if case .float(let factor) = frame[within.index + 2] {
      probePauseNanoseconds = min(probePauseNanoseconds * factor, Double(nanoseconds(frame[within.index + 3])))
    }
    pc = Int(target)
    activity = .pausing
    context.reactor.arm(wakeTimer, at: next)
  }

  /// - Returns: whether the user now waits.
  private func joinHop(_ event: EventIndex, _ hop: Int, id: Value, within: Value) -> Bool {
    let now = MonotonicClock.now
    stepStart = now
    switch context.ledger.join(event: event.index, hop: hop, id: id, user: self) {
    case .seen(let at):
      lastStamp = max(now, at)
      recordControl(currentStep, from: now)
      pc += 1
      return false
    case .pending(let join):
      joined = join
      activity = .awaiting
      context.reactor.arm(wakeTimer, at: now &+ nanoseconds(within))
      return true
    }
  }

  /// The ledger's: the joined hop was seen at `seen` (nanoseconds).
  func hopSeen(at seen: UInt64) {
    guard activity == .awaiting else { return }
    joined = nil
    wakeTimer.disarm()
    lastStamp = max(seen, stepStart)
    recordControl(currentStep, from: stepStart)
    pc += 1
    activity = .resuming
    enqueue()
  }

  private func leaveHop() {
    if let join = joined { context.ledger.leave(join, user: self) }
    joined = nil
  }

  /// `setup_vu` has ended well: the iteration itself begins.
  private func beginAfterSetup() {
    isPreparing = false
    isPrepared = true
    isMeasured = true
    actualStart = MonotonicClock.now
    lastStamp = actualStart
    pc = entry
  }

  // Lanes

  /// - Returns: whether the user now waits for its lanes.
  private func runLanes(_ description: LanesDescription) -> Bool {
    guard !description.entries.isEmpty else {
      pc += 1
      return false
    }
    while lanes.count < description.entries.count {
      lanes.append(VirtualUser(index: index, context: context, owner: self, frame: frame, circumstances: circumstances, isLane: true))
    }
    laneJoin = description.join
    laneSucceeded = false
    laneError = nil
    laneStop = nil
    laneIsPending = true
    lanesRunning = description.entries.count
    stepStart = lastStamp
    activity = .joining
    for (lane, entry) in description.entries.enumerated() {
      lanes[lane].currentStep = currentStep
      lanes[lane].traceLane = lane + 1
      lanes[lane].start(entry: entry, iteration: iteration, stream: stream, intendedStart: 0, isMeasured: isMeasured)
    }
    return true
  }

  /// A lane has ended.
  func iterationEnded(_ lane: VirtualUser, _ ending: IterationEnding, now: UInt64) {
    lanesRunning -= 1
    // A lane that was ended because of another one is not what the join waited for.
    if ending != .interrupted || isInterrupted { lastStamp = max(lastStamp, now) }
    switch ending {
    case .completed:
      if lane.hasStopped { laneStop = .completed } else { laneSucceeded = true }
    case .failed, .unknown:
      if lane.hasStopped { laneStop = ending }
      if laneError == nil, let error = lane.firstError {
        laneError = (error, lane.firstErrorStep, ending == .unknown ? .unknown : .failed)
      }
    case .withdrawn: laneStop = .withdrawn
    case .interrupted: break
    }
    let decided = laneStop != nil || (laneJoin == .any ? laneSucceeded : laneError != nil)
    if decided, lanesRunning > 0 {
      // `interrupt` may end a lane at once, which comes back here: the count is read anew each time.
      for other in lanes where !other.isIdle && !other.isEnding { other.interrupt(now: MonotonicClock.now) }
    }
    guard lanesRunning == 0, activity == .joining else { return }
    activity = .resuming
    enqueue()
  }

  private func resumeFromLanes() {
    laneIsPending = false
    if isInterrupted {
      settleOrigins(.interrupted)
      return finish(.interrupted)
    }
    if let laneStop {
      hasStopped = laneStop != .withdrawn
      settleOrigins(.interrupted)
      return finish(laneStop)
    }
    let failed = laneJoin == .any ? !laneSucceeded : laneError != nil
    if failed, let (error, step, ending) = laneError {
      // Recorded by the lane, at the step that failed.
      guard raise(error, ending, originEnding: .ok, recordedAt: step) else { return }
    } else {
      pc += 1
    }
    execute()
  }

  var isEnding: Bool { isInterrupted }

  func stopRequested() { owner.stopRequested() }

  // Figures of control steps

  private func stamp(_ kind: StampKind) -> UInt64 {
    switch kind {
    case .operationStart: call.startedNanoseconds
    case .operationEnd: call.endedNanoseconds
    case .now: lastStamp
    }
  }

  private func recordMeasure(_ measure: MeasureIndex, _ from: Value, _ to: Value) {
    guard isMeasured, case .int(let from) = from, case .int(let to) = to else { return }
    context.recorder.measured(measure.index, nanoseconds: to &- from)
  }

  private func elementCount(_ value: Value) -> Int {
    switch value {
    case .list(let elements): elements.count
    case .json(let json): json.kind == .array ? json.count : 0
    case .null, .bool, .int, .decimal, .float, .duration, .instant, .string, .uuid, .bytes, .rate, .size, .percentage: 0
    }
  }

  /// - Returns: whether the user now pauses before its next attempt.
  private func retryAgain(_ number: Int, _ attempts: SlotIndex, _ target: UInt32) -> Bool {
    let retry = program.retries[number]
    var made: Int64 = 0
    if case .int(let count) = frame[attempts.index] { made = count }
    // What may have happened is never blindly repeated.
    guard let error = pendingError, firstEnding != .unknown, made < Int64(retry.attemptsMax), RetryRule.matches(retry, error) else {
      pc += 1
      return false
    }
    frame[attempts.index] = .int(made + 1)
    if isMeasured { context.recorder.retried(number, attempt: Int(made) + 1) }
    if call.lease == nil { settleOrigins(firstEnding == .unknown ? .unknown : .failed) }
    pendingError = nil
    firstError = nil
    firstEnding = .ok
    let pause = RetryRule.pause(retry, attempt: Int(made), unit: draws.nextUnit())
    pc = Int(target)
    activity = .pausing
    context.reactor.arm(wakeTimer, at: MonotonicClock.now &+ pause)
    return true
  }

  private func drawRow(_ feed: Int, _ d: SlotIndex) -> Bool {
    let cursor = context.feeds[feed]
    guard let row = cursor.row(iteration: iteration) else { return false }
    circumstances.drew(row, of: feed, iteration: iteration)
    let columns = cursor.feed.columns.count
    for column in 0..<columns { frame[d.index + column] = cursor.feed.cells[row * columns + column] }
    return true
  }

  private func log(_ value: Value) { context.log(text(value)) }

  private func text(_ value: Value) -> String {
    if case .string(let text) = value { return text }
    var bytes: [UInt8] = []
    _ = value.appendText(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  private func nanoseconds(_ value: Value) -> UInt64 {
    if case .duration(let nanoseconds) = value { return UInt64(max(0, nanoseconds)) }
    return 0
  }

  // Events

  private enum OriginEnd { case failed, unknown, completed, interrupted }

  private func acknowledge(_ event: Int) {
    guard origins[event].isAttempting, origins[event].isIdentified else { return }
    context.ledger.committed(
      event: event, UnsafePointer(origins[event].values), sent: call.startedNanoseconds, acknowledged: call.endedNanoseconds)
    endOrigin(event)
  }

  private func settleOrigin(_ event: Int, _ ending: OperationCall.Ending) {
    guard origins[event].isAttempting else { return }
    let values = origins[event].isIdentified ? UnsafePointer(origins[event].values) : nil
    switch ending {
    case .failed: context.ledger.rolledBack(event: event, values, at: lastStamp)
    // An origin that ended well and was never acknowledged (a capture failed): it happened, and nobody knows under which id.
    case .unknown, .ok: context.ledger.unknown(event: event, values, sent: call.startedNanoseconds, at: lastStamp)
    }
    endOrigin(event)
  }

  /// After the ledger has been told what became of it, so that fences do not stop in between.
  private func endOrigin(_ event: Int) {
    context.ledger.originEnded(event: event, origins[event].number)
    origins[event].reset()
  }

  private func settleOrigins(_ end: OriginEnd) {
    for event in 0..<program.events.count where origins[event].isAttempting {
      switch end {
      case .failed: settleOrigin(event, .failed)
      case .unknown, .completed: settleOrigin(event, .unknown)
      case .interrupted: settleOrigin(event, call.lease == nil ? .unknown : .failed)
      }
    }
  }
}

extension SlotIndex {
  fileprivate static func + (slot: SlotIndex, offset: Int) -> Int { slot.index + offset }
}
