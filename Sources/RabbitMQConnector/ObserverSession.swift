internal import CRabbitMQ
import ChainIO

/// What an observer does with its session. Called on the reactor's thread.
protocol ObserverSessionOwner: AnyObject {
  /// The virtual host is open: what observes is to be put in place, and `proved` called when it is.
  func sessionOpened(now: UInt64) throws(OperationError)
  /// - Parameter frame: Of a channel of ours; valid during the call only. What is thrown loses the session.
  func frameArrived(_ frame: IncomingFrame, channel: UInt16, now: UInt64) throws(OperationError)
  /// `connection.blocked` or `connection.unblocked` came.
  func sessionBlockedChanged(now: UInt64)
  /// The session is lost; it will be opened again.
  ///
  /// - Returns: Nanoseconds: until then nothing was missed.
  func sessionLost(_ error: OperationError) -> UInt64
  /// What the broker did not do, for a message: `did not let the stream 'x' be read`.
  var undone: String { get }
}

/// The life of an observer's own connection to the broker: armed once by a deadline, then opened again whenever it is lost, with each loss told
/// as a gap.
final class ObserverSession: BrokerSessionOwner, TimerOwner {
  private enum Stage {
    case idle
    /// Being opened, or what observes is being put in place.
    case settingUp
    case armed
    case awaitingReconnect
    case closed
  }

  weak var owner: (any ObserverSessionOwner)?
  private(set) var sink: (any SightingSink)?
  private let reactor: Reactor
  private let address: BrokerAddress
  private let connectTimeoutNanoseconds: UInt64
  private let isObserving: Bool
  private lazy var session = BrokerSession(reactor: reactor, address: address, owner: self)
  private var stage = Stage.idle
  private var completion: ((OperationError?) -> Void)?
  /// `gapBegan` was told and `gapEnded` not yet.
  private var isInGap = false
  private var backoff = Backoff()
  private lazy var reconnectTimer = ReactorTimer(owner: self, tag: 0)
  private lazy var armingTimer = ReactorTimer(owner: self, tag: 1)

  /// - Parameter isObserving: Whether the kernel is to stamp what arrives.
  init(sink: any SightingSink, reactor: Reactor, address: BrokerAddress, connectTimeoutNanoseconds: UInt64, isObserving: Bool) {
    self.sink = sink
    self.reactor = reactor
    self.address = address
    self.connectTimeoutNanoseconds = connectTimeoutNanoseconds
    self.isObserving = isObserving
  }

  var isBlocked: Bool { session.isBlocked }

  // Arming

  func arm(deadline: UInt64, completion: @escaping (OperationError?) -> Void) {
    precondition(stage == .idle, "an observer is armed once")
    self.completion = completion
    connect(deadline: deadline)
  }

  private func connect(deadline: UInt64) {
    stage = .settingUp
    session.isObserving = isObserving
    reactor.arm(armingTimer, at: deadline)
    session.connect(deadline: deadline)
  }

  /// Everything is in place, and was proved to be.
  ///
  /// - Parameter since: Nanoseconds: nothing was missed from then on.
  func proved(since: UInt64) {
    stage = .armed
    armingTimer.disarm()
    backoff.reset()
    endGap(at: since)
    let completion = completion
    self.completion = nil
    completion?(nil)
  }

  func endGap(at end: UInt64) {
    guard isInGap else { return }
    isInGap = false
    sink?.gapEnded(at: end)
  }

  // Sending

  /// Runs what sends; an error loses the session.
  func attempt(now: UInt64, _ body: () throws(OperationError) -> Void) {
    do throws(OperationError) { try body() } catch { session.lose(error, now: now) }
  }

  func lose(_ error: OperationError, now: UInt64) { session.lose(error, now: now) }

  func openChannel(_ channel: UInt16) throws(OperationError) {
    try session.sendMethod(AMQP_CHANNEL_OPEN_METHOD, amqp_channel_open_t(out_of_band: .none), channel: channel)
  }

  func sendMethod<Method: BitwiseCopyable>(_ id: amqp_method_number_t, _ method: Method, channel: UInt16) throws(OperationError) {
    try session.sendMethod(id, method, channel: channel)
  }

  func write(_ body: (inout [UInt8]) throws(OperationError) -> Void) throws(OperationError) { try session.write(body) }

  // BrokerSessionOwner

  func sessionOpened(_ session: BrokerSession, now: UInt64) {
    attempt(now: now) { () throws(OperationError) in try owner?.sessionOpened(now: now) }
  }

  func sessionReceived(_ session: BrokerSession, channel: UInt16, _ frame: IncomingFrame, now: UInt64) {
    attempt(now: now) { () throws(OperationError) in try owner?.frameArrived(frame, channel: channel, now: now) }
  }

  func sessionBlockedChanged(_ session: BrokerSession, now: UInt64) { owner?.sessionBlockedChanged(now: now) }
  func sessionFlushed(_ session: BrokerSession, now: UInt64) {}

  func sessionClosed(_ session: BrokerSession, _ error: OperationError, now: UInt64) {
    guard stage != .closed, let owner else { return }
    reconnectTimer.disarm()
    armingTimer.disarm()
    let seenUntil = owner.sessionLost(error)
    if let completion {
      self.completion = nil
      stage = .closed
      return completion(error)
    }
    if !isInGap {
      isInGap = true
      sink?.gapBegan(at: seenUntil, cause: error.message)
    }
    stage = .awaitingReconnect
    reactor.arm(reconnectTimer, at: now + backoff.nextDelay())
  }

  func timerFired(_ timer: ReactorTimer, now: UInt64) {
    if timer.tag == 0 {
      if stage == .awaitingReconnect { connect(deadline: now + connectTimeoutNanoseconds) }
      return
    }
    session.lose(OperationError(.connect, code: "timeout", "\(address.displayAddress) \(owner?.undone ?? "did not answer") by the deadline"), now: now)
  }

  func close() {
    stage = .closed
    reconnectTimer.invalidate()
    armingTimer.invalidate()
    session.close()
    sink = nil
    completion = nil
  }
}
