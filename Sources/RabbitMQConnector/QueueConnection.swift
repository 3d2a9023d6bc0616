import ChainIO
import ChainProgram

/// The connection for `peek`, `consume` and `queue`, with a channel for each of them that is under way.
///
/// It is not the one that publishes: `basic.get` on a stream closes the whole connection (540, seen), and an alarm stops the broker from
/// reading acknowledgements from a connection that has published. So no queue operation can disturb a confirm.
final class QueueConnection: BrokerSessionOwner, TimerOwner {
  private unowned let driver: RabbitMQDriver
  private let reactor: Reactor
  private let address: BrokerAddress
  private let acquireTimeoutNanoseconds: UInt64
  private(set) lazy var session = BrokerSession(reactor: reactor, address: address, owner: self)
  private(set) var isReady = false
  private var isClosed = false
  private var isReconnecting = false
  private(set) var reconnects = 0
  private var channels: ContiguousArray<QueueChannel> = []
  private var waiting = SequenceRing<(call: OperationCall, template: QueueTemplate)>()
  private var isServing = false
  /// Queues that were found to be classic, since the connection was made. A queue that is deleted and comes back as another kind meanwhile is
  /// not noticed; asking each time would write an error into the broker's log each time.
  private var classicQueues: Set<[UInt8]> = []
  private var backoff = Backoff()
  private var reconnectTimer: ReactorTimer?
  private var acquireTimer: ReactorTimer?

  /// Well below the 2 047 channels that a broker allows by default.
  static let channelsMax = 256
  private static let classicQueuesMax = 1_000

  init(driver: RabbitMQDriver, reactor: Reactor, address: BrokerAddress, acquireTimeoutNanoseconds: UInt64) {
    self.driver = driver
    self.reactor = reactor
    self.address = address
    self.acquireTimeoutNanoseconds = acquireTimeoutNanoseconds
  }

  var busyCount: Int { channels.reduce(0) { $0 + ($1.call == nil ? 0 : 1) } }
  var waitingCount: Int { waiting.count }

  func connect(deadline: UInt64) { session.connect(deadline: deadline) }

  // Calls

  func submit(_ call: OperationCall, _ template: QueueTemplate) {
    let ticket = waiting.append((call, template))
    call.place = PublishConnection.Place(.queue, connection: 0, sequence: ticket).packed
    serve()
    if waiting.count == 1 { armAcquireTimer() }
  }

  /// Gives waiting calls to free channels.
  private func serve() {
    guard !isServing else { return }
    isServing = true
    defer { isServing = false }
    while isReady, !waiting.isEmpty, let channel = freeChannel(), let (call, template) = waiting.popFirst() {
      call.place = PublishConnection.Place(.queue, connection: Int(channel.number), sequence: 0).packed
      attempt(now: MonotonicClock.now) { () throws(OperationError) in try channel.begin(call, template) }
    }
  }

  private func freeChannel() -> QueueChannel? {
    if let channel = channels.first(where: \.isFree) { return channel }
    guard channels.count < QueueConnection.channelsMax else { return nil }
    let channel = QueueChannel(connection: self, number: UInt16(channels.count + 1), reactor: reactor)
    channels.append(channel)
    return channel
  }

  func channelFreed() {
    serve()
    driver.queueLineChanged(now: reactor.now)
  }

  /// Sends something; the connection is lost if it cannot be encoded.
  func attempt(now: UInt64, _ body: () throws(OperationError) -> Void) {
    do throws(OperationError) { try body() } catch { session.lose(error, now: now) }
  }

  func abandon(_ call: OperationCall, _ place: PublishConnection.Place, now: UInt64) {
    if place.connection == 0 {
      _ = waiting.take(place.sequence)
      driver.queueLineChanged(refused: true, now: now)
      return call.fail(OperationError(.timeout, code: "deadline", "the queue was not asked by the deadline: \(reasonForWaiting)"), at: now)
    }
    session.suspect(sent: call.startedNanoseconds)
    channels[place.connection - 1].abandon(now: now)
  }

  private var reasonForWaiting: String {
    isReady ? "\(QueueConnection.channelsMax) operations on queues are under way" : "no connection to \(address.displayAddress)"
  }

  private func armAcquireTimer() {
    guard let first = waiting.first else { return }
    let timer = acquireTimer ?? ReactorTimer(owner: self, tag: 1)
    acquireTimer = timer
    reactor.arm(timer, at: first.call.submittedNanoseconds + acquireTimeoutNanoseconds)
  }

  // What is known of queues

  func isKnownClassic(_ queue: [UInt8]) -> Bool { classicQueues.contains(queue) }
  func forget(_ queue: [UInt8]) { classicQueues.remove(queue) }

  func remember(classic queue: [UInt8]) {
    if classicQueues.count >= QueueConnection.classicQueuesMax { classicQueues.removeAll() }
    classicQueues.insert(queue)
  }

  // The session

  func sessionOpened(_ session: BrokerSession, now: UInt64) {
    isReady = true
    backoff.reset()
    if isReconnecting { reconnects += 1 }
    isReconnecting = false
    driver.queueConnectionReady(now: now)
    serve()
  }

  func sessionReceived(_ session: BrokerSession, channel: UInt16, _ frame: IncomingFrame, now: UInt64) {
    guard channel >= 1, Int(channel) <= channels.count else { return }
    attempt(now: now) { () throws(OperationError) in try channels[Int(channel) - 1].received(frame, now: now) }
  }

  func sessionBlockedChanged(_ session: BrokerSession, now: UInt64) {}
  func sessionFlushed(_ session: BrokerSession, now: UInt64) {}

  func sessionClosed(_ session: BrokerSession, _ error: OperationError, now: UInt64) {
    isReady = false
    classicQueues.removeAll()
    for channel in channels { channel.lost(error, now: now) }
    driver.queueConnectionLost(error, now: now)
  }

  /// Connects again after a while: when, says the driver, given how long to wait at least (nanoseconds). Called once per loss.
  func reconnectLater(_ when: (UInt64) -> UInt64) {
    let timer = reconnectTimer ?? ReactorTimer(owner: self, tag: 0)
    reconnectTimer = timer
    reactor.arm(timer, at: when(backoff.nextDelay()))
  }

  func timerFired(_ timer: ReactorTimer, now: UInt64) {
    guard !isClosed else { return }
    if timer.tag == 0 {
      isReconnecting = true
      return connect(deadline: now + driver.connectTimeoutNanoseconds)
    }
    while let first = waiting.first, first.call.submittedNanoseconds + acquireTimeoutNanoseconds <= now {
      _ = waiting.popFirst()
      let error = OperationError(.timeout, code: "pool", "the queue was not asked within the acquire timeout: \(reasonForWaiting)")
      first.call.fail(error, at: now)
      driver.queueLineChanged(refused: true, now: now)
    }
    armAcquireTimer()
  }

  func close() {
    isClosed = true
    isReady = false
    reconnectTimer?.invalidate()
    reconnectTimer = nil
    acquireTimer?.invalidate()
    acquireTimer = nil
    for channel in channels { channel.close() }
    session.close()
  }
}
