import ChainIO
import ChainProgram

/// Looks at the keys of the events that are on their way: one MGET (or EXISTS where only the key matters) for all keys that are due, and never
/// two requests at a time.
///
/// A value that differs from the last look's became visible between the two requests. Changes between two looks at one key are seen as one.
/// Once an event was seen its key is not looked at any more, unless another event is on its way to it.
final class KeyPollObserver: SeekingObserver, RedisSessionOwner, TimerOwner {
  private let reactor: Reactor
  private let target: RedisTarget
  private unowned let sink: any SightingSink
  private let pattern: KeyPattern
  private lazy var session = RedisSession(reactor: reactor, target: target, owner: self)
  private let answer = OperationResult()
  private let shown = OperationResult()
  private var keys = PolledKeys()
  private var schedule: PollSchedule
  private var backoff: Backoff
  private var state = State.closed
  private var arming: ((OperationError?) -> Void)?
  /// The look that is under way.
  private var look: (sent: UInt64, keys: [Int])?
  private var lastLookNanoseconds: UInt64 = 0
  /// Nanoseconds: until then every event was looked for as it should be.
  private var aliveNanoseconds: UInt64 = 0
  private lazy var lookTimer = ReactorTimer(owner: self, tag: 0)
  private lazy var silenceTimer = ReactorTimer(owner: self, tag: 1)
  private lazy var retryTimer = ReactorTimer(owner: self, tag: 2)

  private(set) var operationsSent: UInt64 = 0
  /// Nothing is pushed, so a fence would prove nothing.
  var isFencing = false
  let mode = "poll"
  let reason: String
  let countsRepeats = false
  let followsChanges = false
  let isSeeking = true

  private enum State {
    case closed
    case arming
    /// The first question is under way: may this user read such keys?
    case asking
    case observing
    case broken
  }

  static let silenceNanosecondsMax: UInt64 = 5_000_000_000
  static let keysPerLookMax = 1000

  init(because reason: String, watch: WatchedKeys, target: RedisTarget, reactor: Reactor, sink: any SightingSink) {
    self.reason = reason
    pattern = watch.pattern
    schedule = PollSchedule(every: watch.every, seed: MonotonicClock.now)
    backoff = Backoff(seed: MonotonicClock.now)
    self.target = target
    self.reactor = reactor
    self.sink = sink
  }

  // What is looked for

  func seek(_ number: Int, id: Value, place: [UInt8]) {
    forget(number)
    schedule.add(keys.add(number, place), now: MonotonicClock.now)
    lookSoon()
  }

  func forget(_ number: Int) {
    if let key = keys.remove(number) { schedule.remove(key) }
  }

  func absentSince(_ number: Int) -> UInt64 { 0 }

  // Arming

  func arm(deadline: UInt64, completion: @escaping (OperationError?) -> Void) {
    precondition(state == .closed, "an observer is armed once")
    arming = completion
    connect(deadline: deadline)
  }

  private func connect(deadline: UInt64) {
    state = .arming
    reactor.arm(silenceTimer, at: deadline)
    session.connect(deadline: deadline)
  }

  func sessionReady(_ session: RedisSession, now: UInt64) {
    state = .asking
    // A key that matches the pattern as permissions see it.
    RESP.append([Array("MGET".utf8), pattern.literalPrefix + [UInt8(ascii: "0")]], to: &session.output)
    session.flushSoon()
    operationsSent += 1
  }

  private func permissionArrived(_ outcome: ReplyOutcome, now: UInt64) {
    if outcome == .error {
      let error = OperationError.redis(session.errorText)
      return broke(
        OperationError(
          .connect, code: error.code, "cannot look at keys of \(target.displayAddress): the server says '\(error.code) \(error.message)'"),
        now: now)
    }
    state = .observing
    aliveNanoseconds = now
    backoff.reset()
    silenceTimer.disarm()
    if let completion = arming {
      arming = nil
      completion(nil)
    } else {
      sink.gapEnded(at: now)
      schedule.expedite(now: now)
    }
    lookSoon()
  }

  // Looks

  private func lookSoon() {
    guard state == .observing, look == nil, let due = schedule.nextDue() else { return }
    reactor.arm(lookTimer, at: max(due, lastLookNanoseconds &+ PollSchedule.pauseNanosecondsMin))
  }

  private func beginLook(now: UInt64) {
    guard look == nil else { return }
    let due = schedule.takeDue(now: now, limit: KeyPollObserver.keysPerLookMax)
    guard !due.isEmpty else { return lookSoon() }
    var words = [Array("MGET".utf8)]
    for key in due { words.append(keys.text(key)) }
    let sent = MonotonicClock.now
    look = (sent, due)
    lastLookNanoseconds = sent
    RESP.append(words, to: &session.output)
    session.flushSoon()
    operationsSent += 1
    reactor.arm(silenceTimer, at: sent + KeyPollObserver.silenceNanosecondsMax)
  }

  private func lookArrived(_ outcome: ReplyOutcome, now: UInt64) {
    guard let look else { return broke(brokenProtocol, now: now) }
    self.look = nil
    silenceTimer.disarm()
    switch outcome {
    case .value: break
    case .error:
      let error = OperationError.redis(session.errorText)
      return broke(OperationError(.server, code: error.code, "MGET was refused: '\(error.code) \(error.message)'"), now: now)
    case .tooLarge: return broke(OperationError(.protocol, code: "too-large", "the values are too large to be looked at"), now: now)
    }
    guard answer.nodes.count == look.keys.count + 1 else { return broke(brokenProtocol, now: now) }
    aliveNanoseconds = look.sent
    for (index, key) in look.keys.enumerated() {
      let node = answer.nodes[index + 1]
      let change = answer.withBytes(node.place) { keys.looked(key, node.kind == .text ? $0 : nil, sent: look.sent) }
      if let change { tell(key, node, notBefore: change.notBefore, seen: now) }
      schedule.looked(key, sent: look.sent)
    }
    lookSoon()
  }

  private func tell(_ key: Int, _ node: OperationResult.Node, notBefore: UInt64, seen: UInt64) {
    shown.clear()
    keys.text(key).withUnsafeBytes { shown.setKey($0) }
    answer.withBytes(node.place) { shown.setBody($0) }
    deliver(shown, notBefore: notBefore, seen: seen)
  }

  /// Never inlined: the optimizer of Swift 6.3.1 stops with an internal error when it inlines a noncopyable argument into a closure.
  @inline(never)
  private func deliver(_ content: OperationResult, notBefore: UInt64, seen: UInt64) {
    sink.sighted(Sighting(notBefore: notBefore, seen: seen, content: content))
  }

  // Sessions and time

  func replyTarget(_ session: RedisSession) -> Unmanaged<OperationResult>? { .passUnretained(answer) }

  func replied(_ session: RedisSession, _ outcome: ReplyOutcome, now: UInt64) {
    switch state {
    case .asking: permissionArrived(outcome, now: now)
    case .observing: lookArrived(outcome, now: now)
    case .closed, .arming, .broken: break
    }
    answer.clear()
  }

  private var brokenProtocol: OperationError {
    OperationError(.protocol, code: "resp", "\(target.displayAddress) sent what nothing had asked for")
  }

  func sessionClosed(_ session: RedisSession, _ error: OperationError, now: UInt64) { broke(error, now: now) }

  func timerFired(_ timer: ReactorTimer, now: UInt64) {
    switch (timer.tag, state) {
    case (0, .observing): beginLook(now: now)
    case (1, .observing):
      broke(OperationError(.disconnected, code: "stalled", "\(target.displayAddress) did not answer for 5 s"), now: now)
    case (1, .arming), (1, .asking):
      broke(
        OperationError(.connect, code: "timeout", "cannot look at keys of \(target.displayAddress): no answer by the deadline"), now: now)
    case (2, .broken): connect(deadline: now + KeyPollObserver.silenceNanosecondsMax)
    default: break
    }
  }

  private func broke(_ error: OperationError, now: UInt64) {
    let wasObserving = state == .observing
    session.close()
    lookTimer.disarm()
    silenceTimer.disarm()
    look = nil
    if let completion = arming {
      arming = nil
      state = .closed
      return completion(error)
    }
    state = .broken
    reactor.arm(retryTimer, at: now + backoff.next())
    if wasObserving { sink.gapBegan(at: aliveNanoseconds, cause: error.message) }
  }

  func close() {
    state = .closed
    session.close()
    for timer in [lookTimer, silenceTimer, retryTimer] { timer.invalidate() }
  }
}
