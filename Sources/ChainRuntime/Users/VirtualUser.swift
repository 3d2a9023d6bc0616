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
  enum Activity: UInt8 {
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

  // What each step uses stands together, at the beginning: it is fetched ahead when a call ends (`UpcomingMemory`).
  /// Bytes of this object, its header of 16 among them, up to `index`.
  private static let hotBytes = 312
  let frame: UnsafeMutablePointer<Value>
  // Constants, which nobody need keep alive by a count while they are used.
  let call: OperationCall
  let reader: ResultReader
  private let evaluator: Evaluator
  let context: UserContext
  // Of the context, once more: a constant of this object need not be kept alive by a count while it is used, one of another's is.
  let reactor: Reactor
  let recorder: Recorder
  let ledger: Ledger
  let origins: UnsafeMutablePointer<OriginRecord>
  /// Shared with the lanes.
  let circumstances: Circumstances
  let deadlineTimer = ReactorTimer(tag: 0)
  let wakeTimer = ReactorTimer(tag: 1)
  unowned var owner: any IterationOwner
  var pc = 0
  var currentStep = 0
  /// The latest stamp of this iteration: its end, when it ends.
  var lastStamp: UInt64 = 0
  var stepStart: UInt64 = 0
  var actualStart: UInt64 = 0
  /// Nanoseconds; 0 in the closed model.
  private(set) var intendedStart: UInt64 = 0
  var draws = Randomness(seed: 0, stream: 0, iteration: 0)
  private(set) var iteration: UInt64 = 0
  var stream: UInt64 = 0
  var entry = 0
  var probeDeadline: UInt64 = 0
  var probeStart: UInt64 = 0
  var probePauseNanoseconds: Double = 0
  var activity = Activity.idle
  /// Whether the reactor has a job for this user.
  private var isQueued = false
  /// Whether this iteration's figures count as load (setup and teardown do not).
  var isMeasured = true
  private var userWasFree = true
  /// The iteration arrived in the warm-up: where it ends after it, its times are in no figure.
  var isEarly = false
  var isInterrupted = false
  /// The iteration was ended by `stop`; of a lane: so is its parent's.
  var hasStopped = false
  var isProbing = false
  /// `setup_vu` has run.
  var isPrepared = false
  /// An iteration has begun: there may be something to tear down.
  private(set) var hasBegun = false
  var isPreparing = false
  var firstEnding = OperationCall.Ending.ok
  /// Of a lane; its frame is the parent's, who outlives it.
  let isLane: Bool
  /// Whether `context.tracer` is told what happens. Read once an instruction, so it stands here.
  let isTraced: Bool
  var laneIsPending = false
  private let setsUp: Bool
  /// Of the program.
  let eventCount: Int
  var lanesRunning = 0
  var firstError: OperationError?

  let index: Int
  var firstErrorStep = 0
  /// The error that a handler has caught and `rethrow` would pass on.
  var pendingError: OperationError?
  var joined: Ledger.Join?
  /// The ledger's own: another user that waits for the same event at the same hop.
  var nextWaiting: Unmanaged<VirtualUser>?
  /// The connection whose transaction this user is in: the driver that gave `call.lease`.
  var leaseConnection = 0
  /// Operations of this iteration whose system was told the trace, and which lane of it this is, 0 for the iteration itself.
  var tracedCalls = 0
  var traceLane = 0
  var lanes: [VirtualUser] = []
  var laneJoin = LanesDescription.Join.all
  var laneSucceeded = false
  var laneError: (error: OperationError, step: Int, ending: OperationCall.Ending)?
  /// How a lane ended the whole iteration: it said `stop`, or its feed had no row left.
  var laneStop: IterationEnding?

  convenience init(index: Int, context: UserContext, owner: any IterationOwner) {
    let slotCount = max(1, context.program.slots.count)
    let frame = UnsafeMutablePointer<Value>.allocate(capacity: slotCount)
    frame.initialize(repeating: .null, count: slotCount)
    self.init(index: index, context: context, owner: owner, frame: frame, circumstances: Circumstances(program: context.program), isLane: false)
    for (slot, value) in context.program.initialValues { frame[slot.index] = value }
    for (slot, value) in context.secretValues { frame[slot.index] = value }
    if let slot = context.program.runIdSlot { frame[slot.index] = .string(context.runID) }
  }

  init(
    index: Int, context: UserContext, owner: any IterationOwner, frame: UnsafeMutablePointer<Value>, circumstances: Circumstances, isLane: Bool
  ) {
    self.circumstances = circumstances
    self.index = index
    self.context = context
    self.owner = owner
    self.frame = frame
    self.isLane = isLane
    evaluator = context.evaluator
    reactor = context.reactor
    recorder = context.recorder
    ledger = context.ledger
    isTraced = context.tracer != nil
    eventCount = context.program.events.count
    setsUp = context.program.userSetupEntry != nil && !isLane
    origins = .allocate(capacity: max(1, context.program.events.count))
    for (index, event) in context.program.events.enumerated() { (origins + index).initialize(to: OriginRecord(event: event)) }
    reader = ResultReader(OperationResult())
    call = OperationCall(reactor: reactor, user: index)
    reader.read(call.result)
    let origins = UnsafeRawBufferPointer(start: origins, count: min(eventCount, 4) * MemoryLayout<OriginRecord>.stride)
    let slots = UnsafeRawBufferPointer(start: frame, count: min(max(1, context.program.slots.count), 16) * MemoryLayout<Value>.stride)
    call.belong(to: self, using: UpcomingMemory(object: self, bytes: VirtualUser.hotBytes, other: reader, slots, origins))
    deadlineTimer.belong(to: self)
    wakeTimer.belong(to: self)
  }

  deinit {
    if !isLane { frame.deinitialize(count: max(1, program.slots.count)).deallocate() }
    origins.deinitialize(count: eventCount).deallocate()
  }

  /// Breaks the cycles with the timers. The user is not used afterwards.
  func retire() {
    deadlineTimer.invalidate()
    wakeTimer.invalidate()
    for lane in lanes { lane.retire() }
  }

  var isIdle: Bool { activity == .idle }

  /// Its many tables belong to the context: here they would stand between what each step uses.
  var program: Program { context.program }

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
  func enqueue() {
    if !isQueued { reactor.enqueue(self) }
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

  func begin() {
    actualStart = MonotonicClock.now
    lastStamp = actualStart
    if isMeasured, intendedStart != 0, !isEarly || recorder.isWarmUp {
      recorder.startedLate(by: actualStart &- min(intendedStart, actualStart), userWasFree: userWasFree)
    }
    hasBegun = true
    hasStopped = false
    firstError = nil
    firstEnding = .ok
    pendingError = nil
    isProbing = false
    pc = entry
    if setsUp, !isPrepared, isMeasured, let userSetup = program.userSetupEntry {
      isPreparing = true
      isMeasured = false
      pc = userSetup
    }
    for event in 0..<eventCount { origins[event].reset() }
    activity = .running
    if isTraced { context.tracer?.began(traceView, isLane: isLane) }
    execute()
  }

  /// What a tracer is shown of this user.
  var traceView: TraceView {
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

  /// Ends the call now, unless it has ended in this turn and its job waits: it is the driver's no more then.
  func abandonCall(now: UInt64) {
    guard call.state == .waiting || call.state == .inFlight else { return }
    context.drivers[context.operations[call.operation].connection].abandon(call, now: now)
  }

  func finish(_ ending: IterationEnding) {
    if isTraced { context.tracer?.ended(ending, traceView, isLane: isLane) }
    if call.lease != nil { context.drivers[leaseConnection].endLease(call) }
    activity = .idle
    isInterrupted = false
    isPreparing = false
    laneIsPending = false
    if isMeasured, !isLane, ending == .completed, !isEarly || recorder.isWarmUp {
      recorder.iterationCompleted(
        serviceNanoseconds: lastStamp &- actualStart,
        responseNanoseconds: intendedStart == 0 ? nil : lastStamp &- min(intendedStart, lastStamp))
    }
    if !isLane { dropSpentValues() }
    owner.iterationEnded(self, ending, now: lastStamp)
  }

  /// Lets go of values now, while they are in the processor's caches: in the next iteration, which writes over them, they are not.
  private func dropSpentValues() {
    for slot in context.spentSlots { frame[slot] = .null }
  }

  // The loop

  func execute() {
    while true {
      if isTraced { context.tracer?.reached(traceView) }
      do throws(OperationError) {
        switch evaluator.instructions[pc] {
        case .constant, .move, .binary, .compare, .not, .negate, .cast, .call, .jsonMember, .element, .makeList, .castAll, .match, .buildText,
          .loadResult, .loadResultAt, .loadResultInt, .loadResultDecimal, .loadResultJSON, .loadPresence, .loadKeyInt, .jump,
          .jumpIfFalse, .jumpIfTrue, .jumpIfNull:
          try evaluator.run(&pc, frame: frame, content: reader, draws: &draws, single: isTraced)
        case .enterStep(let step):
          currentStep = step.place
          stepStart = lastStamp
          draws.enter(step: step.place)
          pc += 1
        case .submit(let operation):
          try submit(operation.place)
          return
        case .check(let check, let a, let continues):
          try self.check(check, frame[a.place], continues: continues)
          pc += 1
        case .think(let a, let b):
          pc += 1
          think(frame[a.place], frame[b.place])
          return
        case .probeBegin(let step, let within):
          currentStep = step.place
          beginProbe(within)
          pc += 1
        case .probeAgain(let within, let target):
          try probeAgain(within, target)
          return
        case .probeEnd(let step, _):
          isProbing = false
          recordControl(step.place, from: probeStart)
          pc += 1
        case .awaitHop(let step, let event, let hop, let a, let b):
          currentStep = step.place
          if joinHop(event, Int(hop), id: frame[a.place], within: frame[b.place]) { return }
        case .originIdentify(let event, let a):
          origins[event.place].identify(from: UnsafePointer(frame + a.place))
          pc += 1
        case .originAcknowledge(let event):
          acknowledge(event.place)
          pc += 1
        case .originAbort(let event):
          settleOrigin(event.place, firstEnding == .unknown ? .unknown : .failed)
          pc += 1
        case .chooseBranch(let branch, let d):
          let choice = context.branches[branch.place].next()
          circumstances.chose(branch.place, choice, iteration: iteration)
          frame[d.place] = .int(Int64(choice))
          pc += 1
        case .count(let d, let a):
          frame[d.place] = .int(Int64(elementCount(frame[a.place])))
          pc += 1
        case .runLanes(let index):
          if runLanes(program.lanes[index.place]) { return }
        case .stamp(let d, let kind):
          frame[d.place] = .int(Int64(bitPattern: stamp(kind)))
          pc += 1
        case .measure(let measure, let from, let to):
          recordMeasure(measure, frame[from.place], frame[to.place])
          pc += 1
        case .retryAgain(let retry, let attempts, let target):
          if retryAgain(retry.place, attempts, target) { return }
        case .endGroup(let step, let from):
          if case .int(let start) = frame[from.place] { recordControl(step.place, from: UInt64(bitPattern: start)) }
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
          guard drawRow(feed.place, d) else {
            owner.stopRequested()
            settleOrigins(.interrupted)
            finish(.withdrawn)
            return
          }
          pc += 1
        case .log(_, let a):
          log(frame[a.place])
          pc += 1
        case .fail(_, let a):
          throw OperationError(.failed, text(frame[a.place]))
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
        if error.class == .missedDeadline, isMeasured { recorder.stepFailed(currentStep, isUnknown: false) }
        // The operation itself ended well: an origin that autocommitted did happen.
        guard raise(error, .failed, originEnding: .ok) else { return }
      }
    }
  }

  /// An iteration fails by an error that no handler forgot.
  var firstErrorEnding: IterationEnding {
    guard firstError != nil else { return .completed }
    return firstEnding == .unknown ? .unknown : .failed
  }
}
