import ChainIO
import ChainProgram
import Metrics

/// What becomes of an error: a handler of the chain goes on with it, or the iteration ends.
extension VirtualUser {
  /// - Returns: whether execution goes on, in a handler; otherwise the iteration has ended.
  ///
  /// - Parameter recordedAt: The step at which a lane has recorded the error already; nil if it is to be recorded here.
  func raise(
    _ error: OperationError, _ ending: OperationCall.Ending, originEnding: OperationCall.Ending, recordedAt: Int? = nil
  ) -> Bool {
    if firstError == nil {
      firstError = error
      firstErrorStep = recordedAt ?? currentStep
      firstEnding = ending
      if recordedAt == nil { recorder.failed(step: currentStep, error, at: lastStamp, failureAttributes()) }
    }
    if isTraced, recordedAt == nil { context.tracer?.raised(error, ending, traceView) }
    // In a transaction the handler's `originAbort` settles the event, after the rollback.
    if call.lease == nil { for event in context.originsOfStep[currentStep] { settleOrigin(event, originEnding) } }
    return enterHandler(error)
  }

  /// Goes on in the innermost handler that covers the pc; without one the iteration ends.
  func enterHandler(_ error: OperationError) -> Bool {
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

  func check(_ check: CheckIndex, _ value: Value, continues: Bool) throws(OperationError) {
    var passed = false
    if case .bool(true) = value { passed = true }
    recorder.checkEnded(check.index, passed: passed)
    guard !passed else { return }
    let error = OperationError(.check, code: "check", "a check did not hold: \(program.checks[check.index].text)")
    guard continues else { throw error }
    recorder.failed(step: currentStep, error, at: lastStamp, failureAttributes())
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
}
