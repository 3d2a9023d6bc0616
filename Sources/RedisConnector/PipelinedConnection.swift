import ChainIO

/// One connection of a pool: commands of many virtual users go out in order, and replies are matched by that order.
final class PipelinedConnection: RedisSessionOwner, TimerOwner {
  private unowned let driver: RedisDriver
  private let reactor: Reactor
  let index: Int
  private let session: RedisSession
  /// What was sent and is not answered yet.
  private var expected = SequenceQueue<Expected>()
  private(set) var state = State.closed
  /// Whether the driver's list of idle connections has this one.
  var isListedIdle = false
  /// Whether the driver has counted it among those that `open` waits for.
  var wasOpened = false
  private var backoff: Backoff
  private lazy var retryTimer = ReactorTimer(owner: self, tag: 0)
  private lazy var stallTimer = ReactorTimer(owner: self, tag: 1)
  /// The number of the oldest abandoned command, if `stallTimer` watches one.
  private var watchedNumber: Int?

  enum State {
    case closed
    case connecting
    case ready
    /// Waits for its next attempt.
    case broken
  }

  private struct Expected {
    /// Nil once its user has given up: its reply, when it comes, belongs to nobody. Not counted: a call keeps itself until its owner was told.
    var call: Unmanaged<OperationCall>?
    /// Bytes appended to the connection up to the command's end.
    let endOffset: UInt64
    var abandonedNanoseconds: UInt64
  }

  /// How long the server may owe the answer to an abandoned command before the connection is dropped: nanoseconds.
  static let patienceNanoseconds: UInt64 = 5_000_000_000

  init(driver: RedisDriver, reactor: Reactor, index: Int) {
    self.driver = driver
    self.reactor = reactor
    self.index = index
    session = RedisSession(reactor: reactor, target: driver.target, audit: driver.audit)
    backoff = Backoff(seed: MonotonicClock.now &+ UInt64(index) << 32)
    session.belong(to: self)
  }

  /// Commands that the server has not answered.
  var outstanding: Int { expected.count }

  func connect(deadline: UInt64) {
    state = .connecting
    session.connect(deadline: deadline)
  }

  func close() {
    state = .closed
    session.close()
    retryTimer.invalidate()
    stallTimer.invalidate()
  }

  /// Sends the call's command. The connection must be ready.
  func send(_ call: OperationCall, _ command: RedisCommand, scratch: inout [UInt8], now: UInt64) {
    command.encode(arguments: call.arguments, to: &session.output, scratch: &scratch)
    let number = expected.append(Expected(call: .passUnretained(call), endOffset: session.appendedBytes, abandonedNanoseconds: 0))
    call.place = CallPlace.inFlight(connection: index, number: number)
    call.started(at: max(now, call.submittedNanoseconds))
    session.flushSoon()
  }

  /// The user has given up on the command with this number; its place in the order stays.
  func abandon(_ number: Int, now: UInt64) {
    expected[number].call = nil
    expected[number].abandonedNanoseconds = now
    if watchedNumber == nil { watch(number) }
  }

  private func watch(_ number: Int) {
    watchedNumber = number
    reactor.arm(stallTimer, at: expected[number].abandonedNanoseconds + PipelinedConnection.patienceNanoseconds)
  }

  func timerFired(_ timer: ReactorTimer, now: UInt64) {
    if timer === retryTimer {
      if state == .broken { connect(deadline: now + driver.connectTimeoutNanoseconds) }
    } else if let number = watchedNumber {
      watchedNumber = nil
      guard state == .ready else { return }
      if expected.contains(number) {
        let error = OperationError(
          .disconnected, code: "stalled",
          "\(driver.target.displayAddress) left a command unanswered for 5 s after its deadline; the connection was dropped")
        session.close()
        return sessionClosed(session, error, now: now)
      }
      for later in expected.first..<expected.next where expected[later].call == nil { return watch(later) }
    }
  }

  // What the session tells

  func sessionReady(_ session: RedisSession, now: UInt64) {
    state = .ready
    backoff.reset()
    driver.connectionReady(self, now: now)
  }

  func replyTarget(_ session: RedisSession) -> Unmanaged<OperationResult>? {
    expected.isEmpty ? nil : expected[expected.first].call?._withUnsafeGuaranteedRef { .passUnretained($0.result) }
  }

  func replied(_ session: RedisSession, _ outcome: ReplyOutcome, now: UInt64) {
    guard let answered = expected.popFirst() else {
      session.close()
      return sessionClosed(session, OperationError(.protocol, code: "resp", "the server sent a reply that nothing had asked for"), now: now)
    }
    if expected.isEmpty { driver.connectionIdle(self) } else { prefetchNext() }
    answered.call?._withUnsafeGuaranteedRef { end($0, session, outcome, now: now) }
  }

  /// The memory of the calls whose replies come next: where the first one's will be written, and the second call's own.
  private func prefetchNext() {
    expected[expected.first].call?._withUnsafeGuaranteedRef { $0.prefetchResult() }
    if expected.count > 1 { expected[expected.first + 1].call?._withUnsafeGuaranteedRef { $0.prefetch() } }
  }

  private func end(_ call: OperationCall, _ session: RedisSession, _ outcome: ReplyOutcome, now: UInt64) {
    switch outcome {
    case .value: call.succeed(at: now)
    case .error: call.fail(.redis(session.errorText), at: now)
    case .tooLarge:
      let error = OperationError(.protocol, code: "too-large", "the reply is larger than \(OperationResult.bytesMax >> 20) MiB")
      if driver.writes(call) { call.endUnknown(error, at: now) } else { call.fail(error, at: now) }
    }
  }

  func sessionClosed(_ session: RedisSession, _ error: OperationError, now: UInt64) {
    let wasReady = state == .ready
    state = .broken
    stallTimer.disarm()
    watchedNumber = nil
    let sent = session.sentBytes
    let reason = error.class == .protocol ? error : OperationError(.disconnected, code: error.code, error.message)
    while let lost = expected.popFirst() {
      guard let call = lost.call?.takeUnretainedValue() else { continue }
      // A command of which the server does not have the last byte has not been executed.
      if driver.writes(call) && lost.endOffset <= sent { call.endUnknown(reason, at: now) } else { call.fail(reason, at: now) }
    }
    driver.connectionLost(self, error, wasReady: wasReady, now: now)
  }

  /// Tries again after a while: when, says the driver, given how long to wait at least (nanoseconds).
  func retryLater(_ when: (UInt64) -> UInt64) {
    state = .broken
    reactor.arm(retryTimer, at: when(backoff.next()))
  }
}

/// What `OperationCall.place` holds for this driver.
enum CallPlace {
  case waiting(Int)
  case sent(connection: Int, number: Int)

  private static let numberBits = 44

  static func waiting(number: Int) -> Int { number }
  static func inFlight(connection: Int, number: Int) -> Int { (connection + 1) << numberBits | number & (1 << numberBits - 1) }

  init(_ place: Int) {
    let number = place & (1 << CallPlace.numberBits - 1)
    let connection = place >> CallPlace.numberBits
    self = connection == 0 ? .waiting(number) : .sent(connection: connection - 1, number: number)
  }
}
