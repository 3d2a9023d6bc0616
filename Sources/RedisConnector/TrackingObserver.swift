import ChainIO
import ChainProgram

/// Watches keys by client-side-caching notices (`CLIENT TRACKING … BCAST`), which need no configuration of the server.
///
/// Connection A is subscribed to `__redis__:invalidate`, carries the pings, and is told which keys changed. Connection B holds the tracking
/// and reads values. Redis tells of changes in all databases and merges those of one key within one of its loop cycles.
final class TrackingObserver: HopObserver, RedisSessionOwner, TimerOwner, ReactorJob {
  private let reactor: Reactor
  private let target: RedisTarget
  private unowned let sink: any SightingSink
  private let pattern: KeyPattern
  private let readsContent: Bool

  private lazy var notices = RedisSession(reactor: reactor, target: target, owner: self)
  private lazy var reads = RedisSession(reactor: reactor, target: target, owner: self)
  private let noticeResult = OperationResult()
  private let checkResult = OperationResult()
  private let bareResult = OperationResult()
  private var random: SmallRandom
  private var backoff: Backoff

  private var state = State.closed
  private var arming: (deadline: UInt64, completion: (OperationError?) -> Void)?
  private var areNoticesReady = false
  private var areReadsReady = false
  /// A's connection number at the server, once told.
  private(set) var redirectId: Int64?
  private var isSubscribed = false

  private var fence = PingFence(armed: 0)
  private var readQueue = ValueReadQueue()
  private var isDeliveryAsked = false
  /// What B's replies, in order, answer.
  private var expected = SequenceQueue<ReadsReply>()
  /// Nanoseconds: B held the tracking then, as a later answer of it proved.
  private var trackingProvenNanoseconds: UInt64 = 0
  private var checkSentNanoseconds: UInt64?

  private lazy var pingTimer = ReactorTimer(owner: self, tag: 0)
  private lazy var silenceTimer = ReactorTimer(owner: self, tag: 1)
  private lazy var checkTimer = ReactorTimer(owner: self, tag: 2)
  private lazy var retryTimer = ReactorTimer(owner: self, tag: 3)

  private(set) var operationsSent: UInt64 = 0
  /// Notices of keys that were gone when their value was to be read: deleted or expired.
  private(set) var missingValues: UInt64 = 0
  /// Times that a whole database was emptied.
  private(set) var flushes: UInt64 = 0
  let mode = "tracking"

  private enum State {
    case closed
    /// Both connections on their way, for the first time or again.
    case arming
    case observing
    /// Waits for the next attempt.
    case broken
  }

  private enum ReadsReply {
    case tracking(sent: UInt64)
    case check(sent: UInt64)
    case value
  }

  static let silenceNanosecondsMax: UInt64 = 5_000_000_000
  static let checkNanoseconds: UInt64 = 1_000_000_000
  static let fencePauseNanoseconds: UInt64 = 1_000_000

  init(hop: HopDeclaration, target: RedisTarget, reactor: Reactor, sink: any SightingSink) throws(OperationError) {
    guard case .text(let template)? = hop.operands.first?.value, let text = template.literal, !text.isEmpty else {
      throw OperationError(.protocol, code: "watch", "'watch' needs a key pattern without expressions, such as 'order:*'")
    }
    if case .choice(let how)? = hop.operand("how"), how != "tracking" {
      throw OperationError(.protocol, code: "not-supported", "'how: \(how)' is not supported yet; 'tracking' is")
    }
    if hop.operand("every") != nil {
      throw OperationError(.protocol, code: "not-supported", "'every' polls, which is not supported yet; without it, 'tracking' is used")
    }
    pattern = KeyPattern(text)
    readsContent = hop.readsContent
    self.reactor = reactor
    self.target = target
    self.sink = sink
    random = SmallRandom(seed: MonotonicClock.now)
    backoff = Backoff(seed: MonotonicClock.now)
    notices.transport.isObserving = true
  }

  var isFencing = false {
    didSet {
      if isFencing && !oldValue && state == .observing && fence.inFlightNanoseconds == nil { ping() }
    }
  }

  // Arming

  func arm(deadline: UInt64, completion: @escaping (OperationError?) -> Void) {
    precondition(state == .closed, "an observer is armed once")
    arming = (deadline, completion)
    connect(deadline: deadline)
  }

  private func connect(deadline: UInt64) {
    state = .arming
    areNoticesReady = false
    areReadsReady = false
    redirectId = nil
    isSubscribed = false
    reactor.arm(silenceTimer, at: deadline)
    notices.connect(deadline: deadline)
    reads.connect(deadline: deadline)
  }

  func sessionReady(_ session: RedisSession, now: UInt64) {
    if session === notices {
      areNoticesReady = true
      session.output.append(contentsOf: RESP.command(["CLIENT", "ID"]))
      session.output.append(contentsOf: RESP.command(["SUBSCRIBE", "__redis__:invalidate"]))
      session.flushSoon()
    } else {
      areReadsReady = true
    }
    beginTrackingIfPossible()
  }

  private func beginTrackingIfPossible() {
    guard areReadsReady, isSubscribed, let redirectId else { return }
    var words = ["CLIENT", "TRACKING", "ON", "REDIRECT", String(redirectId), "BCAST"]
    // Without a prefix, all keys are told.
    if !pattern.literalPrefix.isEmpty { words.append("PREFIX") }
    var bytes: [UInt8] = []
    RESP.appendHeader(UInt8(ascii: "*"), words.count + (pattern.literalPrefix.isEmpty ? 0 : 1), to: &bytes)
    for word in words { RESP.appendBulk(Array(word.utf8), to: &bytes) }
    if !pattern.literalPrefix.isEmpty { RESP.appendBulk(pattern.literalPrefix, to: &bytes) }
    expected.append(.tracking(sent: MonotonicClock.now))
    reads.output.append(contentsOf: bytes)
    reads.flushSoon()
  }

  private func trackingBegan(sent: UInt64, now: UInt64) {
    state = .observing
    backoff.reset()
    fence = PingFence(armed: sent)
    trackingProvenNanoseconds = sent
    checkSentNanoseconds = nil
    ping()
    reactor.arm(checkTimer, at: now + TrackingObserver.checkNanoseconds)
    if let (_, completion) = arming {
      arming = nil
      completion(nil)
    } else {
      sink.gapEnded(at: now)
    }
  }

  // Losing the observation

  func sessionClosed(_ session: RedisSession, _ error: OperationError, now: UInt64) {
    broke(error, isTrackingLost: session === reads, now: now)
  }

  private func broke(_ error: OperationError, isTrackingLost: Bool, now: UInt64) {
    let wasObserving = state == .observing
    notices.close()
    reads.close()
    for timer in [pingTimer, silenceTimer, checkTimer] { timer.disarm() }
    expected = SequenceQueue()
    // Whatever was told of but not yet read is missed, too.
    var start = min(fence.provenNanoseconds, readQueue.earliestNotBefore)
    if isTrackingLost { start = min(start, trackingProvenNanoseconds) }
    readQueue.removeAll()
    if let (_, completion) = arming {
      arming = nil
      state = .closed
      return completion(error)
    }
    state = .broken
    reactor.arm(retryTimer, at: now + backoff.next())
    if wasObserving { sink.gapBegan(at: start) }
  }

  func close() {
    state = .closed
    notices.close()
    reads.close()
    for timer in [pingTimer, silenceTimer, checkTimer, retryTimer] { timer.invalidate() }
  }

  func timerFired(_ timer: ReactorTimer, now: UInt64) {
    switch (timer.tag, state) {
    case (0, .observing):
      if fence.inFlightNanoseconds == nil { ping() }
    case (1, .observing):
      guard let sent = fence.inFlightNanoseconds else { return }
      let due = sent + TrackingObserver.silenceNanosecondsMax
      guard due <= now else { return reactor.arm(silenceTimer, at: due) }
      broke(silence, isTrackingLost: false, now: now)
    case (1, .arming):
      broke(
        OperationError(.connect, code: "timeout", "cannot watch keys at \(target.displayAddress): no answer by the deadline"),
        isTrackingLost: true, now: now)
    case (2, .observing): check(now: now)
    case (3, .broken): connect(deadline: now + TrackingObserver.silenceNanosecondsMax)
    default: break
    }
  }

  private var silence: OperationError {
    OperationError(
      .disconnected, code: "stalled", "\(target.displayAddress) did not answer for 5 s; the observer's connections were dropped")
  }

  // Fences and checks

  private func ping() {
    let now = MonotonicClock.now
    fence.pingSent(at: now)
    notices.output.append(contentsOf: TrackingObserver.pingBytes)
    notices.flushSoon()
    operationsSent += 1
    reactor.arm(silenceTimer, at: now + TrackingObserver.silenceNanosecondsMax)
  }

  private static let pingBytes = RESP.command(["PING"])
  private static let checkBytes = RESP.command(["CLIENT", "TRACKINGINFO"])

  /// A redirection whose target is gone is silent in RESP2; only this question tells.
  private func check(now: UInt64) {
    if let sent = checkSentNanoseconds {
      if now >= sent + TrackingObserver.silenceNanosecondsMax { return broke(silence, isTrackingLost: true, now: now) }
    } else {
      let sent = MonotonicClock.now
      checkSentNanoseconds = sent
      expected.append(.check(sent: sent))
      reads.output.append(contentsOf: TrackingObserver.checkBytes)
      reads.flushSoon()
      operationsSent += 1
    }
    reactor.arm(checkTimer, at: now + TrackingObserver.checkNanoseconds)
  }

  private func checked(_ outcome: ReplyOutcome, sent: UInt64, now: UInt64) {
    checkSentNanoseconds = nil
    // Before 6.2 the server cannot be asked; the subscribed connection's end and its pings must do.
    if outcome == .value {
      var isOn = false
      var isBroken = false
      for node in checkResult.nodes where node.kind == .text {
        let text = checkResult.string(node)
        if text == "on" { isOn = true }
        if text == "broken_redirect" { isBroken = true }
      }
      if isBroken || !isOn {
        let error = OperationError(.disconnected, code: "tracking", "\(target.displayAddress) no longer tells of changed keys")
        return broke(error, isTrackingLost: !isOn, now: now)
      }
    }
    trackingProvenNanoseconds = sent
  }

  // Replies

  func replyTarget(_ session: RedisSession) -> OperationResult? {
    if session === notices { return noticeResult }
    guard !expected.isEmpty else { return nil }
    switch expected[expected.first] {
    case .tracking, .check: return checkResult
    case .value: return readQueue.target
    }
  }

  func replied(_ session: RedisSession, _ outcome: ReplyOutcome, now: UInt64) {
    if session === notices {
      noticeArrived(outcome, now: now)
      noticeResult.clear()
    } else {
      readArrived(outcome, now: now)
      checkResult.clear()
    }
  }

  private func readArrived(_ outcome: ReplyOutcome, now: UInt64) {
    switch expected.popFirst() {
    case .tracking(let sent)?:
      guard outcome == .value else { return broke(setupError(reads), isTrackingLost: true, now: now) }
      trackingBegan(sent: sent, now: now)
    case .check(let sent)?: checked(outcome, sent: sent, now: now)
    case .value?:
      readQueue.valueArrived(outcome, now: now)
      if !isDeliveryAsked {
        isDeliveryAsked = true
        reactor.enqueue(self)
      }
    case nil: broke(brokenProtocol, isTrackingLost: true, now: now)
    }
  }

  private func setupError(_ session: RedisSession) -> OperationError {
    let error = OperationError.redis(session.errorText)
    return OperationError(
      .connect, code: error.code, "cannot watch keys at \(target.displayAddress): the server says '\(error.code) \(error.message)'")
  }

  private var brokenProtocol: OperationError {
    OperationError(.protocol, code: "resp", "\(target.displayAddress) sent what nothing had asked for")
  }

  private func noticeArrived(_ outcome: ReplyOutcome, now: UInt64) {
    guard outcome == .value else {
      if outcome == .error, state == .arming { return broke(setupError(notices), isTrackingLost: true, now: now) }
      return broke(brokenProtocol, isTrackingLost: false, now: now)
    }
    let nodes = noticeResult.nodes
    guard let first = nodes.first else { return }
    switch first.kind {
    case .integer:
      redirectId = first.integer
      beginTrackingIfPossible()
    case .array where nodes.count >= 2 && nodes[1].kind == .text:
      let kind = noticeResult.withBytes(nodes[1].place) { $0.first }
      switch kind {
      case UInt8(ascii: "p"):
        guard fence.pongArrived() else { return broke(brokenProtocol, isTrackingLost: false, now: now) }
        pongArrived(now: now)
      case UInt8(ascii: "s"):
        isSubscribed = true
        beginTrackingIfPossible()
      case UInt8(ascii: "m") where nodes.count >= 4:
        if nodes[3].kind == .array { keysChanged(now: now) } else { flushes += 1 }
      default: break
      }
    case .null, .text, .array: break
    }
  }

  private func pongArrived(now: UInt64) {
    silenceTimer.disarm()
    let pause = isFencing ? random.jittered(TrackingObserver.fencePauseNanoseconds) : 1_000_000_000
    reactor.arm(pingTimer, at: now + pause)
  }

  /// A notice: `["message", "__redis__:invalidate", [key, …]]`.
  private func keysChanged(now: UInt64) {
    guard state == .observing else { return }
    let count = Int(noticeResult.nodes[3].length)
    for index in 4..<min(4 + count, noticeResult.nodes.count) where noticeResult.nodes[index].kind == .text {
      let node = noticeResult.nodes[index]
      noticeResult.withBytes(node.place) { key in
        guard pattern.matches(key) else { return }
        if readsContent { readValue(key, now: now) } else { deliverBare(key, now: now) }
      }
      guard state == .observing else { return }
    }
  }

  private func deliverBare(_ key: UnsafeRawBufferPointer, now: UInt64) {
    bareResult.clear()
    bareResult.setKey(key)
    deliver(bareResult, notBefore: fence.provenNanoseconds, seen: now)
  }

  /// Never inlined: the optimizer of Swift 6.3.1 stops with an internal error when it inlines a noncopyable argument into a closure.
  @inline(never)
  private func deliver(_ content: OperationResult, notBefore: UInt64, seen: UInt64) {
    sink.sighted(Sighting(notBefore: notBefore, seen: seen, content: content))
  }

  private func readValue(_ key: UnsafeRawBufferPointer, now: UInt64) {
    readQueue.noticed(key, notBefore: fence.provenNanoseconds, seen: now)
    expected.append(.value)
    RESP.appendHeader(UInt8(ascii: "*"), 2, to: &reads.output)
    reads.output.append(contentsOf: TrackingObserver.getBytes)
    RESP.appendBulk(key, to: &reads.output)
    reads.flushSoon()
    operationsSent += 1
  }

  private static let getBytes = Array("$3\r\nGET\r\n".utf8)

  /// Delivers the values of this turn, after all of its notices are known.
  func run(now: UInt64) {
    isDeliveryAsked = false
    while state == .observing, let read = readQueue.popArrived() {
      switch read.value {
      case .pending: break
      case .missing: missingValues += 1
      case .present: deliver(read.result, notBefore: read.notBefore, seen: read.seen)
      }
      readQueue.recycle(read)
    }
  }
}
