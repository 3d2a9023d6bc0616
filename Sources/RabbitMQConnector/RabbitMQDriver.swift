import ChainIO
import ChainProgram

/// One declared broker on one reactor: a pool of connections for publishing that all users share, round robin, and one connection for
/// operations on queues if the program has any.
final class RabbitMQDriver: ConnectionDriver, TimerOwner {
  private let reactor: Reactor
  private let declaration: ConnectionDeclaration
  private let address: BrokerAddress
  /// By the program's operation numbers; nil for other connections' operations.
  private let templates: HeldObjects<PublishTemplate>
  private let queueTemplates: HeldObjects<QueueTemplate>
  private let connections: HeldObjects<PublishConnection>
  private var nextConnection = 0
  private var queueConnection: QueueConnection?
  /// Calls that no connection can take now, oldest first.
  private var waiting = SequenceRing<OperationCall>()
  private var acquireTimer: ReactorTimer?
  private var meter = PoolMeter()
  private var limiter: ReconnectLimiter
  private var reconnectsTold = 0
  /// User *n* publishes over connection *n*. Operations on queues share one connection all the same: each has a channel of its own there.
  private let isPerUser: Bool
  private var opening: Opening?
  private var isOpen = false

  /// The pool's first connecting.
  private struct Opening {
    let deadline: UInt64
    let completion: (OperationError?) -> Void
    var started = 0
    var ready = 0
  }

  static let connectsInFlightMax = 64

  /// - Throws: an `OperationError` of class `protocol` when an operation cannot be compiled.
  init(declaration: ConnectionDeclaration, index: ConnectionIndex, address: BrokerAddress, program: Program, users: Int, reactor: Reactor)
    throws(OperationError)
  {
    self.reactor = reactor
    self.declaration = declaration
    self.address = address
    limiter = ReconnectLimiter(declaration)
    isPerUser = declaration.pool == .perUser
    var templates: ContiguousArray<PublishTemplate?> = []
    var queueTemplates: ContiguousArray<QueueTemplate?> = []
    for operation in program.operations {
      let isOurs = operation.connection == index
      let isOnQueue = QueueTemplate.verbs.contains(operation.verb)
      if isOurs { try RabbitMQDriver.checkAccess(operation.verb, declaration) }
      templates.append(
        isOurs && !isOnQueue
          ? try PublishTemplate(operation, channel: PublishConnection.channel, tellsTraces: program.traceContext.contains(.amqp)) : nil)
      queueTemplates.append(isOurs && isOnQueue ? try QueueTemplate(operation) : nil)
    }
    self.templates = HeldObjects(templates)
    self.queueTemplates = HeldObjects(queueTemplates)
    let usesQueues = queueTemplates.contains { $0 != nil }
    let size: Int
    switch declaration.pool {
    // Who only looks into queues needs no confirms.
    case _ where usesQueues && templates.allSatisfy({ $0 == nil }): size = 0
    case .size(let count): size = max(count, 1)
    case .perUser: size = max(users, 1)
    }
    connections = HeldObjects((0..<size).map { PublishConnection(reactor: reactor, address: address, index: $0) })
    connections.each { $0.belong(to: self) }
    if usesQueues {
      queueConnection = QueueConnection(
        driver: self, reactor: reactor, address: address, acquireTimeoutNanoseconds: declaration.acquireTimeoutNanoseconds)
    }
  }

  private static func checkAccess(_ verb: String, _ declaration: ConnectionDeclaration) throws(OperationError) {
    let needed: String
    switch verb {
    case "peek", "queue": return
    case "publish":
      if declaration.access != "inspect" { return }
      needed = "publish"
    case "consume":
      if declaration.access == "consume" { return }
      needed = "consume"
    default: throw OperationError(.protocol, code: "bad-operation", "RabbitMQ has no verb '\(verb)'")
    }
    throw OperationError(
      .protocol, code: "bad-operation",
      "'\(verb)' on '\(declaration.name)', whose access is '\(declaration.access)': it needs 'access: \(needed)'")
  }

  var connectTimeoutNanoseconds: UInt64 { declaration.connectTimeoutNanoseconds }

  // Opening

  func open(deadline: UInt64, completion: @escaping (OperationError?) -> Void) {
    precondition(opening == nil && !isOpen, "a driver is opened once")
    opening = Opening(deadline: deadline, completion: completion)
    queueConnection?.connect(deadline: deadline)
    startConnecting()
  }

  private func startConnecting() {
    while var current = opening, current.started < connections.count, current.started - current.ready < RabbitMQDriver.connectsInFlightMax {
      let index = current.started
      current.started += 1
      opening = current
      connections.with(index) { $0.connect(deadline: current.deadline) }
    }
  }

  func connectionReady(now: UInt64) {
    if opening != nil {
      opening!.ready += 1
      if !completeOpening() { startConnecting() }
    }
    connectionMayPublish(now: now)
  }

  func queueConnectionReady(now: UInt64) { _ = completeOpening() }

  /// - Returns: whether everything is open.
  private func completeOpening() -> Bool {
    guard opening?.ready == connections.count, queueConnection?.isReady != false else { return false }
    isOpen = true
    opening.take()?.completion(nil)
    return true
  }

  func queueConnectionLost(_ error: OperationError, now: UInt64) {
    if failOpening(error) { return }
    if error.class == .connect { meter.connectFailed() }
    if isOpen { queueConnection?.reconnectLater { self.limiter.reserve(earliest: now + $0) } }
  }

  private func failOpening(_ error: OperationError) -> Bool {
    guard let failed = opening.take() else { return false }
    connections.each { $0.close() }
    queueConnection?.close()
    failed.completion(error)
    return true
  }

  func connectionLost(_ connection: PublishConnection, _ error: OperationError, now: UInt64) {
    if failOpening(error) { return }
    if error.class == .connect { meter.connectFailed() }
    if isOpen { connection.reconnectLater { self.limiter.reserve(earliest: now + $0) } }
  }

  // Calls

  func submit(_ call: OperationCall) {
    if let queueConnection, queueTemplates.ifPresent(call.operation, { queueConnection.submit(call, $0) }) != nil {
      return note(now: reactor.now)
    }
    if waiting.isEmpty || isPerUser, let connection = takeConnection(for: call) {
      // Nothing lies between being submitted and being sent: its service time begins there.
      publish(call, connection: connection, now: call.submittedNanoseconds)
    } else {
      let ticket = waiting.append(call)
      call.place = PublishConnection.Place(.waiting, connection: 0, sequence: ticket).packed
      note(now: reactor.now)
      if waiting.count == 1 { armAcquireTimer() }
    }
  }

  private func publish(_ call: OperationCall, connection index: Int, now: UInt64) {
    connections.with(index) { connection in
      templates.with(call.operation) { connection.publish(call, $0, now: now) }
    }
  }

  /// - Returns: The number of a connection that can publish now.
  private func takeConnection(for call: OperationCall) -> Int? {
    guard isPerUser else { return takeConnection() }
    let own = call.user % connections.count
    return connections.with(own, \.canPublish) ? own : nil
  }

  private func takeConnection() -> Int? {
    for _ in 0..<connections.count {
      let index = nextConnection
      nextConnection += 1
      if nextConnection == connections.count { nextConnection = 0 }
      if connections.with(index, \.canPublish) { return index }
    }
    return nil
  }

  /// Something has changed that may let waiting calls go.
  func connectionMayPublish(now: UInt64) {
    guard !waiting.isEmpty else { return }
    defer { note(now: now) }
    if isPerUser {
      for ticket in waiting.head..<waiting.next {
        guard let call = waiting[ticket], let connection = takeConnection(for: call), waiting.take(ticket) != nil else { continue }
        publish(call, connection: connection, now: MonotonicClock.now)
      }
      return
    }
    while !waiting.isEmpty, let connection = takeConnection(), let call = waiting.popFirst() {
      publish(call, connection: connection, now: MonotonicClock.now)
    }
  }

  func abandon(_ call: OperationCall, now: UInt64) {
    let place = PublishConnection.Place(packed: call.place)
    switch place.book {
    case .waiting:
      _ = waiting.take(place.sequence)
      meter.refused()
      note(now: now)
      call.fail(OperationError(.timeout, code: "deadline", "the message was not sent by the deadline: \(reasonForWaiting)"), at: now)
    case .confirms, .handing: connections.with(place.connection) { $0.abandon(call, place, now: now) }
    case .queue: queueConnection?.abandon(call, place, now: now)
    }
  }

  private var reasonForWaiting: String {
    if connections.contains(where: \.isBlocked) { return "the broker has blocked its publishers (connection.blocked)" }
    if connections.contains(where: { $0.stage == .ready }) { return "the broker does not read fast enough" }
    return "no connection to \(address.displayAddress)"
  }

  private func armAcquireTimer() {
    guard let first = waiting.first else { return }
    let timer = acquireTimer ?? ReactorTimer(owner: self)
    acquireTimer = timer
    reactor.arm(timer, at: first.submittedNanoseconds + declaration.acquireTimeoutNanoseconds)
  }

  func timerFired(_ timer: ReactorTimer, now: UInt64) {
    while let first = waiting.first, first.submittedNanoseconds + declaration.acquireTimeoutNanoseconds <= now {
      _ = waiting.popFirst()
      meter.refused()
      note(now: now)
      first.fail(OperationError(.timeout, code: "pool", "no connection was free within the acquire timeout: \(reasonForWaiting)"), at: now)
    }
    armAcquireTimer()
  }

  func endLease(_ call: OperationCall) {}

  /// The queue connection's channels were given to calls, or a call left their line.
  func queueLineChanged(refused: Bool = false, now: UInt64) {
    if refused { meter.refused() }
    note(now: now)
  }

  private func note(now: UInt64) { meter.changed(busy: 0, waiting: waiting.count + (queueConnection?.waitingCount ?? 0), now: now) }

  var inFlight: Int {
    var count = queueConnection?.busyCount ?? 0
    connections.each { count += $0.inFlight }
    return count
  }

  func takePoolReading(now: UInt64) -> PoolReading {
    var reading = meter.take(now: now)
    reading.size = connections.count + (queueConnection == nil ? 0 : 1)
    reading.isShared = true
    let reconnects = statistics.reconnects
    reading.reconnects = UInt64(max(0, reconnects - reconnectsTold))
    reconnectsTold = reconnects
    return reading
  }

  /// The exchange that the call publishes to.
  func exchangeName(of call: OperationCall) -> String {
    var name: [UInt8] = []
    templates.with(call.operation) { $0.exchange.append(to: &name, arguments: call.arguments) }
    return String(decoding: name, as: UTF8.self)
  }

  func makeObserver(hop: HopDeclaration, sink: any SightingSink) throws(OperationError) -> any HopObserver {
    if hop.observer == "stream" {
      return try StreamReader(
        hop: hop, sink: sink, reactor: reactor, address: address, connectTimeoutNanoseconds: declaration.connectTimeoutNanoseconds)
    }
    return try ExchangeTap(
      hop: hop, sink: sink, reactor: reactor, address: address, connectTimeoutNanoseconds: declaration.connectTimeoutNanoseconds)
  }

  func close() {
    isOpen = false
    opening = nil
    acquireTimer?.invalidate()
    acquireTimer = nil
    connections.each { $0.close() }
    queueConnection?.close()
  }

  var statistics: DriverStatistics {
    var statistics = DriverStatistics()
    connections.each { connection in
      if connection.stage == .ready { statistics.connections += 1 }
      if connection.hasCallsInFlight { statistics.busy += 1 }
      if connection.isBlocked { statistics.blocked += 1 }
      statistics.reconnects += connection.reconnects
    }
    statistics.waiting = waiting.count
    if let queueConnection {
      if queueConnection.isReady { statistics.connections += 1 }
      statistics.busy += queueConnection.busyCount
      statistics.waiting += queueConnection.waitingCount
      statistics.reconnects += queueConnection.reconnects
    }
    return statistics
  }
}
