import ChainIO
import ChainProgram

/// Watches keys that the server tells of as they change: by client-side-caching notices, or by keyspace events.
///
/// Connection A is subscribed, carries the pings, and is told which keys changed. Connection B reads values, and asks once a second whether
/// the server still tells.
final class NoticeObserver: HopObserver, RedisSessionOwner, TimerOwner, ReactorJob {
  private let reactor: Reactor
  private let target: RedisTarget
  private unowned let sink: any SightingSink
  private let source: NoticeSource
  private let pattern: KeyPattern
  private let readsContent: Bool

  private let notices: RedisSession
  private let reads: RedisSession
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
  /// Nanoseconds: from then on a PING goes out with the next read, and soon without one.
  private var pingDueNanoseconds = UInt64.max
  private var readQueue = ValueReadQueue()
  private var isDeliveryAsked = false
  /// What B's replies, in order, answer.
  private var expected = SequenceQueue<ReadsReply>()
  /// Nanoseconds: the server told of changes then, as a later answer of it proved.
  private var tellingProvenNanoseconds: UInt64 = 0
  private var checkSentNanoseconds: UInt64?

  private lazy var pingTimer = ReactorTimer(owner: self, tag: 0)
  private lazy var silenceTimer = ReactorTimer(owner: self, tag: 1)
  private lazy var checkTimer = ReactorTimer(owner: self, tag: 2)
  private lazy var retryTimer = ReactorTimer(owner: self, tag: 3)

  /// Keyspace: which of its two kinds of channels the server was found to use.
  private var channels = KeyspaceChannels?.none
  /// Nanoseconds: before the subscription to them was sent.
  private var subscribedNanoseconds: UInt64 = 0

  private(set) var operationsSent: UInt64 = 0
  private(set) var fencesSent: UInt64 = 0
  var fencePauseNanoseconds: UInt64 = 1_000_000
  /// Notices of keys that were gone when their value was to be read: deleted or expired.
  private(set) var missingValues: UInt64 = 0
  /// Times that a whole database was emptied.
  private(set) var flushes: UInt64 = 0
  var mode: String { source.rawValue }
  let reason: String
  /// Tracking merges the writes of a key within one of the server's loop cycles; keyspace events are one for each write.
  var countsRepeats: Bool { source == .keyspace }

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
    /// The server's setting for keyspace events, asked before the subscription.
    case setting
    case check(sent: UInt64)
    case value
  }

  static let silenceNanosecondsMax: UInt64 = 5_000_000_000
  static let checkNanoseconds: UInt64 = 1_000_000_000
  private static let pingNanosecondsMax: UInt64 = 1_000_000_000

  init(_ source: NoticeSource, because reason: String, watch: WatchedKeys, target: RedisTarget, reactor: Reactor, sink: any SightingSink) {
    self.source = source
    self.reason = reason
    pattern = watch.pattern
    readsContent = watch.readsContent
    self.reactor = reactor
    self.target = target
    self.sink = sink
    random = SmallRandom(seed: MonotonicClock.now)
    backoff = Backoff(seed: MonotonicClock.now)
    notices = RedisSession(reactor: reactor, target: target)
    reads = RedisSession(reactor: reactor, target: target)
    notices.belong(to: self)
    reads.belong(to: self)
    notices.transport.isObserving = true
  }

  /// The first fence comes a pause later: an event that nobody had waited for before is not sent yet, and no bound is better than that.
  var isFencing = false {
    didSet {
      if isFencing != oldValue, state == .observing, fence.inFlightNanoseconds == nil { schedulePing(now: reactor.now) }
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
    if session === notices { areNoticesReady = true } else { areReadsReady = true }
    switch source {
    case .tracking:
      if session === notices {
        session.output.append(contentsOf: RESP.command(["CLIENT", "ID"]))
        session.output.append(contentsOf: RESP.command(["SUBSCRIBE", "__redis__:invalidate"]))
        session.flushSoon()
      }
      beginTrackingIfPossible()
    case .keyspace:
      guard areNoticesReady, areReadsReady else { return }
      expected.append(.setting)
      reads.output.append(contentsOf: source.checkBytes)
      reads.flushSoon()
    }
  }

  private func beginTrackingIfPossible() {
    guard areReadsReady, isSubscribed, let redirectId else { return }
    var words = ["CLIENT", "TRACKING", "ON", "REDIRECT", String(redirectId), "BCAST"].map { Array($0.utf8) }
    // Without a prefix, all keys are told.
    if !pattern.literalPrefix.isEmpty { words += [Array("PREFIX".utf8), pattern.literalPrefix] }
    expected.append(.tracking(sent: MonotonicClock.now))
    RESP.append(words, to: &reads.output)
    reads.flushSoon()
  }

  /// The server's setting has come: subscribes to what it sends, if that is enough.
  private func settingArrived(_ outcome: ReplyOutcome, now: UInt64) {
    guard outcome == .value else { return broke(setupError(reads), isTellingLost: true, now: now) }
    guard let channels = KeyspaceChannels(setting: checkResult) else {
      let error = OperationError(
        .connect, code: "keyspace-off",
        "\(target.displayAddress) sends no keyspace events for texts: 'notify-keyspace-events' needs K (or E) and $ or A, "
          + "and chainrun does not change it")
      return broke(error, isTellingLost: true, now: now)
    }
    self.channels = channels
    subscribedNanoseconds = MonotonicClock.now
    RESP.append([Array("PSUBSCRIBE".utf8), channels.subscription(pattern, database: target.database)], to: &notices.output)
    notices.flushSoon()
  }

  private func tellingBegan(sent: UInt64, now: UInt64) {
    state = .observing
    backoff.reset()
    fence = PingFence(armed: sent)
    tellingProvenNanoseconds = sent
    checkSentNanoseconds = nil
    ping()
    reactor.arm(checkTimer, at: now + NoticeObserver.checkNanoseconds)
    if let (_, completion) = arming {
      arming = nil
      completion(nil)
    } else {
      // What changed while nobody was told, the ledger has read.
      sink.gapEnded(at: now)
    }
  }

  // Losing the observation

  func sessionClosed(_ session: RedisSession, _ error: OperationError, now: UInt64) {
    broke(error, isTellingLost: session === reads, now: now)
  }

  private func broke(_ error: OperationError, isTellingLost: Bool, now: UInt64) {
    let wasObserving = state == .observing
    notices.close()
    reads.close()
    for timer in [pingTimer, silenceTimer, checkTimer] { timer.disarm() }
    pingDueNanoseconds = .max
    expected = SequenceQueue()
    // Whatever was told of but not yet read is missed, too.
    var start = min(fence.provenNanoseconds, readQueue.earliestNotBefore)
    if isTellingLost { start = min(start, tellingProvenNanoseconds) }
    readQueue.removeAll()
    if let (_, completion) = arming {
      arming = nil
      state = .closed
      return completion(error)
    }
    state = .broken
    reactor.arm(retryTimer, at: now + backoff.next())
    if wasObserving { sink.gapBegan(at: start, cause: error.message) }
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
      let due = sent + NoticeObserver.silenceNanosecondsMax
      guard due <= now else { return reactor.arm(silenceTimer, at: due) }
      broke(silence, isTellingLost: false, now: now)
    case (1, .arming):
      broke(
        OperationError(.connect, code: "timeout", "cannot watch keys at \(target.displayAddress): no answer by the deadline"),
        isTellingLost: true, now: now)
    case (2, .observing): check(now: now)
    case (3, .broken): connect(deadline: now + NoticeObserver.silenceNanosecondsMax)
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
    pingDueNanoseconds = .max
    pingTimer.disarm()
    notices.output.append(contentsOf: NoticeObserver.pingBytes)
    notices.flushSoon()
    operationsSent += 1
    fencesSent += 1
    reactor.arm(silenceTimer, at: now + NoticeObserver.silenceNanosecondsMax)
  }

  private static let pingBytes = RESP.command(["PING"])

  /// A redirection whose target is gone is silent in RESP2, and so is a setting that was changed; only this question tells.
  private func check(now: UInt64) {
    if let sent = checkSentNanoseconds {
      if now >= sent + NoticeObserver.silenceNanosecondsMax { return broke(silence, isTellingLost: true, now: now) }
    } else {
      let sent = MonotonicClock.now
      checkSentNanoseconds = sent
      expected.append(.check(sent: sent))
      reads.output.append(contentsOf: source.checkBytes)
      reads.flushSoon()
      operationsSent += 1
    }
    reactor.arm(checkTimer, at: now + NoticeObserver.checkNanoseconds)
  }

  private func checked(_ outcome: ReplyOutcome, sent: UInt64, now: UInt64) {
    checkSentNanoseconds = nil
    // Tracking before 6.2 cannot be asked for; the subscribed connection's end and its pings must do.
    if outcome == .value, let loss = source.loss(in: checkResult, channels) {
      let error = OperationError(.disconnected, code: source.rawValue, "\(target.displayAddress) \(loss.phrase)")
      return broke(error, isTellingLost: loss.isSinceLastCheck, now: now)
    }
    tellingProvenNanoseconds = sent
  }

  // Replies

  func replyTarget(_ session: RedisSession) -> Unmanaged<OperationResult>? {
    if session === notices { return .passUnretained(noticeResult) }
    guard !expected.isEmpty else { return nil }
    switch expected[expected.first] {
    case .tracking, .setting, .check: return .passUnretained(checkResult)
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
      guard outcome == .value else { return broke(setupError(reads), isTellingLost: true, now: now) }
      tellingBegan(sent: sent, now: now)
    case .setting?: settingArrived(outcome, now: now)
    case .check(let sent)?: checked(outcome, sent: sent, now: now)
    case .value?:
      if outcome == .error, reads.errorText.starts(with: Array("NOPERM".utf8)) {
        // Nothing can be read of what changes: better a gap, with its cause, than events that nobody can tell.
        let error = OperationError(.server, code: "NOPERM", "the user may not read the keys that are watched (GET)")
        return broke(error, isTellingLost: false, now: now)
      }
      readQueue.valueArrived(outcome, now: now)
      if !isDeliveryAsked {
        isDeliveryAsked = true
        reactor.enqueue(self)
      }
    case nil: broke(brokenProtocol, isTellingLost: true, now: now)
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
      if outcome == .error, state == .arming { return broke(setupError(notices), isTellingLost: true, now: now) }
      return broke(brokenProtocol, isTellingLost: false, now: now)
    }
    let nodes = noticeResult.nodes
    guard let first = nodes.first else { return }
    switch first.kind {
    case .integer:
      redirectId = first.integer
      beginTrackingIfPossible()
    case .array where nodes.count >= 2 && nodes[1].kind == .text:
      switch noticeResult.withBytes(nodes[1].place, PushKind.init) {
      case .pong:
        guard fence.pongArrived() else { return broke(brokenProtocol, isTellingLost: false, now: now) }
        pongArrived(now: now)
      case .subscribed:
        isSubscribed = true
        if source == .keyspace { tellingBegan(sent: subscribedNanoseconds, now: now) } else { beginTrackingIfPossible() }
      case .message where nodes.count >= 4:
        if nodes[3].kind == .array { keysChanged(now: now) } else { flushed(now: now) }
      case .patternMessage where nodes.count >= 5 && nodes[3].kind == .text && nodes[4].kind == .text: keyEvent(now: now)
      case .message, .patternMessage, .other: break
      }
    case .null, .text, .array: break
    }
  }

  private func pongArrived(now: UInt64) {
    silenceTimer.disarm()
    schedulePing(now: now)
  }

  /// At least once a second, so that a loss is known to be no older. While fences run, the next one waits a little for a read to go with:
  /// the server is then woken once for both, and so are we. There is no PING in flight, so the last one is what is proven.
  private func schedulePing(now: UInt64) {
    let latest = max(now, fence.provenNanoseconds + NoticeObserver.pingNanosecondsMax)
    pingDueNanoseconds = isFencing ? now + random.jittered(fencePauseNanoseconds) : .max
    reactor.arm(pingTimer, at: isFencing ? min(latest, pingDueNanoseconds + fencePauseNanoseconds / 4) : latest)
  }

  /// A notice: `["message", "__redis__:invalidate", [key, …]]`.
  private func keysChanged(now: UInt64) {
    guard state == .observing else { return }
    let count = Int(noticeResult.nodes[3].length)
    for index in 4..<min(4 + count, noticeResult.nodes.count) where noticeResult.nodes[index].kind == .text {
      let node = noticeResult.nodes[index]
      noticeResult.withBytes(node.place) { key in
        guard pattern.matches(key) else { return }
        if readsContent { readValue(key, notBefore: fence.provenNanoseconds, now: now) } else { deliverBare(key, now: now) }
      }
      guard state == .observing else { return }
    }
  }

  /// A database was emptied (the server does not say which): what was written just before and not read yet cannot be seen any more.
  private func flushed(now: UInt64) {
    flushes += 1
    guard state == .observing else { return }
    let start = min(fence.provenNanoseconds, readQueue.earliestNotBefore)
    sink.gapBegan(at: start, cause: "a database of \(target.displayAddress) was emptied")
    sink.gapEnded(at: now)
  }

  /// A keyspace event: `["pmessage", pattern, channel, event]`, or with the event in the channel and the key behind it.
  private func keyEvent(now: UInt64) {
    guard state == .observing, let channels else { return }
    let nodes = noticeResult.nodes
    let prefixBytes = channels.prefix(database: target.database).count
    noticeResult.withBytes(nodes[3].place) { channel in
      noticeResult.withBytes(nodes[4].place) { payload in
        guard channel.count >= prefixBytes else { return }
        let rest = UnsafeRawBufferPointer(rebasing: channel[prefixBytes...])
        let (key, event) = channels == .keyspace ? (rest, payload) : (payload, rest)
        guard pattern.matches(key) else { return }
        switch KeyspaceChange(event) {
        case .written:
          if readsContent { readValue(key, notBefore: fence.provenNanoseconds, now: now) } else { deliverBare(key, now: now) }
        case .removed: missingValues += 1
        case .neither: break
        }
      }
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

  private func readValue(_ key: UnsafeRawBufferPointer, notBefore: UInt64, now: UInt64) {
    readQueue.noticed(key, notBefore: notBefore, seen: now)
    expected.append(.value)
    RESP.appendGet(key, to: &reads.output)
    reads.flushSoon()
    operationsSent += 1
    if pingDueNanoseconds <= now { ping() }
  }

  /// Delivers the values of this turn, after all of its notices are known.
  func run(now: UInt64) {
    isDeliveryAsked = false
    while state == .observing, let read = readQueue.popArrived() {
      switch read.value {
      case .pending: break
      case .missing: missingValues += 1
      case .present: read.result._withUnsafeGuaranteedRef { deliver($0, notBefore: read.notBefore, seen: read.seen) }
      }
      readQueue.recycle(read)
    }
  }
}
