import ChainIO
import ChainProgram
import Metrics

/// A step that asks a connection for something: handing the call over, and going on when it has ended or its time is up.
extension VirtualUser {
  func submit(_ index: Int) throws(OperationError) {
    let operation = context.operations[index]
    if operation.spendsWrite { try context.spendWrite() }
    let now = MonotonicClock.now
    for position in 0..<operation.originCount {
      let event = context.originEvents[operation.firstOrigin + position]
      guard !origins[event].isAttempting else { continue }
      origins[event].isAttempting = true
      origins[event].number = ledger.originSubmitted(event: event)
    }
    // A pattern: `==` of another module's enum is called through its witness table.
    if case .beginsTransaction = operation.role { leaseConnection = operation.connection }
    reader.contentChanged()
    call.begin(operation: index, arguments: UnsafePointer(frame + operation.argumentBase), now: now)
    if context.tellsTraces { call.traceParent = operation.carriesTrace ? nextTraceParent() : nil }
    activity = .calling
    var deadline = now &+ operation.timeoutNanoseconds
    if isProbing { deadline = min(deadline, max(probeDeadline, now &+ 1_000_000)) }
    reactor.arm(deadlineTimer, at: deadline)
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
        recorder.probeOperations &+= 1
      } else if isMeasured {
        recorder.stepSucceeded(
          step, serviceNanoseconds: call.endedNanoseconds &- call.startedNanoseconds,
          poolWaitNanoseconds: call.startedNanoseconds &- call.submittedNanoseconds)
      }
      pc += 1
    case .failed, .unknown:
      if isMeasured { recorder.stepFailed(step, isUnknown: call.ending == .unknown) }
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
      if isMeasured { recorder.stepFailed(currentStep, isUnknown: false) }
      let error = OperationError(.missedDeadline, code: "not-seen", "the event was not seen at the hop within the time given")
      if raise(error, .failed, originEnding: .ok) { execute() }
    case .idle, .starting, .running, .calling, .resuming, .joining:
      break
    }
  }
}
