import ChainIO
import ChainProgram
import Metrics

/// Steps that ask no connection: pauses, probes, waiting for a hop, measures, retries, feeds and logs.
extension VirtualUser {
  func recordControl(_ step: Int, from start: UInt64) {
    guard isMeasured else { return }
    recorder.stepSucceeded(step, serviceNanoseconds: lastStamp &- min(start, lastStamp), poolWaitNanoseconds: nil)
  }

  func think(_ shortest: Value, _ longest: Value) {
    var pause = nanoseconds(shortest)
    let limit = nanoseconds(longest)
    if limit > pause { pause += draws.next(below: limit - pause + 1) }
    activity = .thinking
    reactor.arm(wakeTimer, at: max(lastStamp, reactor.now) &+ pause)
  }

  func beginProbe(_ within: SlotIndex) {
    isProbing = true
    probeStart = MonotonicClock.now
    lastStamp = probeStart
    probeDeadline = probeStart &+ nanoseconds(frame[within.index])
    probePauseNanoseconds = Double(nanoseconds(frame[within.index + 1]))
  }

  func probeAgain(_ within: SlotIndex, _ target: UInt32) throws(OperationError) {
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
    reactor.arm(wakeTimer, at: next)
  }

  /// - Returns: whether the user now waits.
  func joinHop(_ event: EventIndex, _ hop: Int, id: Value, within: Value) -> Bool {
    let now = MonotonicClock.now
    stepStart = now
    switch ledger.join(event: event.index, hop: hop, id: id, user: self) {
    case .seen(let at):
      lastStamp = max(now, at)
      recordControl(currentStep, from: now)
      pc += 1
      return false
    case .pending(let join):
      joined = join
      activity = .awaiting
      reactor.arm(wakeTimer, at: now &+ nanoseconds(within))
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

  func leaveHop() {
    if let join = joined { ledger.leave(join, user: self) }
    joined = nil
  }

  /// `setup_vu` has ended well: the iteration itself begins.
  func beginAfterSetup() {
    isPreparing = false
    isPrepared = true
    isMeasured = true
    actualStart = MonotonicClock.now
    lastStamp = actualStart
    pc = entry
  }

  // Figures

  func stamp(_ kind: StampKind) -> UInt64 {
    switch kind {
    case .operationStart: call.startedNanoseconds
    case .operationEnd: call.endedNanoseconds
    case .now: lastStamp
    }
  }

  func recordMeasure(_ measure: MeasureIndex, _ from: Value, _ to: Value) {
    guard isMeasured, case .int(let from) = from, case .int(let to) = to else { return }
    recorder.measured(measure.index, nanoseconds: to &- from)
  }

  func elementCount(_ value: Value) -> Int {
    switch value {
    case .list(let elements): elements.count
    case .json(let json): json.kind == .array ? json.count : 0
    case .null, .bool, .int, .decimal, .float, .duration, .instant, .string, .uuid, .bytes, .rate, .size, .percentage: 0
    }
  }

  /// - Returns: whether the user now pauses before its next attempt.
  func retryAgain(_ number: Int, _ attempts: SlotIndex, _ target: UInt32) -> Bool {
    let retry = program.retries[number]
    var made: Int64 = 0
    if case .int(let count) = frame[attempts.index] { made = count }
    // What may have happened is never blindly repeated.
    guard let error = pendingError, firstEnding != .unknown, made < Int64(retry.attemptsMax), RetryRule.matches(retry, error) else {
      pc += 1
      return false
    }
    frame[attempts.index] = .int(made + 1)
    if isMeasured { recorder.retried(number, attempt: Int(made) + 1) }
    if call.lease == nil { settleOrigins(firstEnding == .unknown ? .unknown : .failed) }
    pendingError = nil
    firstError = nil
    firstEnding = .ok
    let pause = RetryRule.pause(retry, attempt: Int(made), unit: draws.nextUnit())
    pc = Int(target)
    activity = .pausing
    reactor.arm(wakeTimer, at: MonotonicClock.now &+ pause)
    return true
  }

  func drawRow(_ feed: Int, _ d: SlotIndex) -> Bool {
    let cursor = context.feeds[feed]
    guard let row = cursor.row(iteration: iteration) else { return false }
    circumstances.drew(row, of: feed, iteration: iteration)
    let columns = cursor.feed.columns.count
    for column in 0..<columns { frame[d.index + column] = cursor.feed.cells[row * columns + column] }
    return true
  }

  func log(_ value: Value) { context.log(text(value)) }

  func text(_ value: Value) -> String {
    if case .string(let text) = value { return text }
    var bytes: [UInt8] = []
    _ = value.appendText(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  private func nanoseconds(_ value: Value) -> UInt64 {
    if case .duration(let nanoseconds) = value { return UInt64(max(0, nanoseconds)) }
    return 0
  }
}

extension SlotIndex {
  fileprivate static func + (slot: SlotIndex, offset: Int) -> Int { slot.index + offset }
}
