import ChainIO
import ChainProgram

/// One declared PostgreSQL connection on one reactor: its plans, its pool, and what becomes of calls whose connection is lost.
final class PostgresDriver: ConnectionDriver, TimerOwner, TurnFlushable {
  let plans: [StatementPlan]
  let connectionText: String
  let displayAddress: String
  /// `prepare: auto`.
  let isPreparing: Bool
  /// Whether a statement of the chain, on whichever connection, may make what others name.
  let mayDefine: Bool
  var arena: ParameterArena

  private let declaration: ConnectionDeclaration
  private let target: PostgresTarget
  private var name: String { declaration.name }
  private let reactor: Reactor
  /// By the program's operation index; nil for operations of other connections.
  private let plansByOperation: HeldObjects<StatementPlan>
  private let connectTimeoutNanoseconds: UInt64
  private let connections: HeldObjects<PostgresConnection>
  private var pool: ExclusivePool
  /// Connections with a statement to be sent at the end of the turn.
  private var sending: ContiguousArray<Int> = []
  private var acquireTimer: ReactorTimer!
  /// Connects under way, and connections that wait for their turn. A backend costs the server a process: never more than 16 at once.
  private var connectsInFlight = 0
  private var connectQueue: [Int] = []
  private static let connectsInFlightMax = 16
  private var opening: Opening?
  private var lastConnectError: OperationError?
  private var reconnects = 0
  private var meter = PoolMeter()
  private var limiter: ReconnectLimiter
  private var isClosed = false

  private struct Opening {
    /// Nanoseconds.
    let deadline: UInt64
    let completion: (OperationError?) -> Void
  }

  init(connection: ConnectionIndex, target: PostgresTarget, program: Program, users: Int, reactor: Reactor) throws(OperationError) {
    let declaration = program.connections[connection.index]
    var plans: [StatementPlan] = []
    var byOperation = ContiguousArray<StatementPlan?>(repeating: nil, count: program.operations.count)
    var timeoutNanosecondsMax: UInt64 = 0
    for (index, operation) in program.operations.enumerated() where operation.connection == connection {
      let plan = try StatementPlan(number: plans.count, operation: operation, stepId: program.steps[operation.step.index].id)
      plans.append(plan)
      byOperation[index] = plan
      timeoutNanosecondsMax = max(timeoutNanosecondsMax, operation.timeoutNanoseconds)
    }
    self.plans = plans
    plansByOperation = HeldObjects(byOperation)
    mayDefine = program.operations.contains { StatementPlan.mayDefine($0) }
    self.declaration = declaration
    self.target = target
    displayAddress = target.displayAddress
    connectTimeoutNanoseconds = declaration.connectTimeoutNanoseconds
    // The server gives up by itself what we would give up: a backend whose client has left would go on otherwise. Not a moment earlier than
    // the longest deadline, so that nothing fails that was in time.
    connectionText = target.connectionText(
      isReadOnly: declaration.access != "write", statementTimeoutMilliseconds: (timeoutNanosecondsMax + 999_999) / 1_000_000,
      connectTimeoutNanoseconds: declaration.connectTimeoutNanoseconds)
    // A text that is another one each time is prepared in vain.
    if case .choice("never") = declaration.option("prepare") { isPreparing = false } else { isPreparing = !program.traceContext.contains(.sql) }
    arena = ParameterArena(capacity: plans.map(\.parameters.count).max() ?? 0)
    let size: Int
    switch declaration.pool {
    case .size(let count): size = max(1, count)
    case .perUser: size = max(1, users)
    }
    pool = ExclusivePool(
      size: size, acquireTimeoutNanoseconds: declaration.acquireTimeoutNanoseconds, isPerUser: declaration.pool == .perUser)
    limiter = ReconnectLimiter(declaration)
    self.reactor = reactor
    connections = HeldObjects((0..<size).map { PostgresConnection(number: $0, statements: plans.count, reactor: reactor) })
    connections.each { $0.belong(to: self) }
    acquireTimer = ReactorTimer(owner: self)
  }

  // Opening

  package func open(deadline: UInt64, completion: @escaping (OperationError?) -> Void) {
    precondition(opening == nil, "a driver is opened once")
    opening = Opening(deadline: deadline, completion: completion)
    connections.each { wantsToConnect($0) }
  }

  private func finishOpening(_ error: OperationError?) {
    guard let opening else { return }
    self.opening = nil
    reactor.enqueue(CompletionJob(completion: opening.completion, error: error))
  }

  /// Tells the opener from a job of its own, outside all connections.
  private final class CompletionJob: ReactorJob {
    let completion: (OperationError?) -> Void
    let error: OperationError?
    init(completion: @escaping (OperationError?) -> Void, error: OperationError?) {
      self.completion = completion
      self.error = error
    }
    func run(now: UInt64) { completion(error) }
  }

  /// A closed connection may be opened; at once, or when another attempt has ended.
  func wantsToConnect(_ connection: PostgresConnection) {
    guard !isClosed else { return }
    guard connectsInFlight < PostgresDriver.connectsInFlightMax else { return connectQueue.append(connection.number) }
    connectsInFlight += 1
    pool.connectionAttempted(connection.number)
    connection.open(deadline: min(MonotonicClock.now &+ connectTimeoutNanoseconds, opening?.deadline ?? .max))
  }

  private func connectEnded() {
    connectsInFlight -= 1
    if !connectQueue.isEmpty { connections.with(connectQueue.removeFirst()) { wantsToConnect($0) } }
  }

  func connectionOpened(_ connection: PostgresConnection) {
    connectEnded()
    lastConnectError = nil
    if opening == nil {
      reconnects += 1
      meter.reconnected()
    }
    perform(pool.connectionOpened(connection.number))
    if pool.openCount == connections.count { finishOpening(nil) }
  }

  /// The connection, or the attempt to open it, is gone.
  func connectionLost(
    _ connection: PostgresConnection, underWay: (call: OperationCall, plan: StatementPlan)?, wasOpen: Bool, _ error: OperationError,
    now: UInt64
  ) {
    pool.connectionLost(connection.number)
    note(now: now)
    let holder = connection.leaseHolder
    connection.leaseHolder = nil
    if let (call, plan) = underWay {
      end(call, plan, isInTransaction: holder === call, isSent: connection.wasSent, error, now: now)
    }
    if !wasOpen {
      connectEnded()
      connection.failedAttempts += 1
      meter.connectFailed()
      lastConnectError = error
    }
    guard !isClosed else { return }
    let delay = PostgresDriver.backoff(afterFailures: connection.failedAttempts)
    if !wasOpen, let opening, !PostgresDriver.mayPass(error) || now &+ delay >= opening.deadline { finishOpening(error) }
    connection.retry(at: opening == nil ? limiter.reserve(earliest: now &+ delay) : now &+ delay)
  }

  /// Errors that a server gives while it starts or is full for a moment: worth another attempt while opening.
  private static func mayPass(_ error: OperationError) -> Bool { error.code == "57P03" || error.code == "53300" }

  /// Nanoseconds: 50 ms, doubling to 2 s, times a random factor from 0.5 to 1.
  private static func backoff(afterFailures failures: Int) -> UInt64 {
    let full = min(50_000_000 << UInt64(min(failures, 6)), 2_000_000_000)
    return UInt64(Double(full) * Double.random(in: 0.5...1))
  }

  // Calls

  package func submit(_ call: OperationCall) {
    plansByOperation.with(call.operation) { submit(call, $0) }
  }

  private func submit(_ call: OperationCall, _ plan: StatementPlan) {
    let now = reactor.now
    if let connection = leasedConnection(of: call), connection.leaseHolder === call, plan.role != .beginsTransaction {
      return run(call, plan, on: connection)
    }
    guard call.lease == nil, plan.mayBeginAnywhere else { return submitOutOfPlace(call, plan, now: now) }
    guard !isClosed else { return call.fail(OperationError(.disconnected, "the connection '\(name)' is closed"), at: now) }
    perform(pool.callArrived(call, now: now))
  }

  /// What does not fit the call's lease: a transaction that has lost its connection, has never begun, or would be a second one; and plain
  /// calls whose user is in a transaction of another driver.
  private func submitOutOfPlace(_ call: OperationCall, _ plan: StatementPlan, now: UInt64) {
    let lost = leasedConnection(of: call).map { $0.leaseHolder !== call } ?? false
    switch plan.role {
    case .beginsTransaction:
      call.fail(OperationError(.protocol, code: "25001", "a transaction is open already; transactions do not nest"), at: now)
    case .rollsBackTransaction:
      // The server has rolled back what lost its connection, and what has not begun needs nothing.
      if lost { call.lease = nil }
      call.succeed(at: now)
    case .commitsTransaction:
      if lost { call.lease = nil }
      call.fail(lost ? PostgresDriver.transactionLost : PostgresDriver.noTransaction, at: now)
    case .plain:
      if lost { call.fail(PostgresDriver.transactionLost, at: now) } else { perform(pool.callArrived(call, now: now)) }
    }
  }

  private static var noTransaction: OperationError { OperationError(.protocol, code: "25P01", "there is no transaction to commit") }

  private static var transactionLost: OperationError {
    OperationError(.disconnected, "the transaction's connection was lost; the server rolled it back")
  }

  /// The connection of this driver that the call's user holds, or held before it was lost.
  private func leasedConnection(of call: OperationCall) -> PostgresConnection? {
    guard let lease = call.lease, let connection = lease as? PostgresConnection else { return nil }
    return connection.belongs(to: self) ? connection : nil
  }

  private func perform(_ action: ExclusivePool.Action) {
    switch action {
    case .rest: break
    case .wait(let deadline):
      // Deadlines come in the queue's order: an armed timer is early enough.
      if !acquireTimer.isArmed { reactor.arm(acquireTimer, at: deadline) }
    case .run(let call, let number):
      plansByOperation.with(call.operation) { plan in
        connections.with(number) { run(call, plan, on: $0) }
      }
    }
    note(now: reactor.now)
  }

  /// Statements are sent together, at the end of the turn. Measured alone it makes no difference to sending each at once (docs/performance.md);
  /// what it was made for, backends that take the processor away in the midst of a turn, shows beside compilers only.
  private func run(_ call: OperationCall, _ plan: StatementPlan, on connection: PostgresConnection) {
    call.place = connection.number
    connection.run(call, plan)
    sending.append(connection.number)
    if sending.count == 1 { reactor.flushAtTurnEnd(self) }
  }

  func turnEnded(now: UInt64) {
    // A call that cannot be sent frees its connection, and another may take it.
    var position = 0
    while position < sending.count {
      if position + 1 < sending.count { connections.with(sending[position + 1]) { $0.prefetchStatement() } }
      connections.with(sending[position]) { $0.sendNow() }
      position += 1
    }
    sending.removeAll(keepingCapacity: true)
  }

  package func timerFired(_ timer: ReactorTimer, now: UInt64) {
    while let call = pool.takeExpired(now: now) {
      var message = "no connection of '\(name)' became free within the acquire timeout"
      if let lastConnectError { message += "; \(lastConnectError.message)" }
      call.fail(OperationError(.timeout, code: "pool", message), at: now)
      meter.refused()
    }
    note(now: now)
    let next = pool.earliestDeadlineNanoseconds
    if next != .max { reactor.arm(timer, at: next) }
  }

  /// The server has answered, and the connection waits for the next statement.
  func callFinished(on connection: PostgresConnection, _ call: OperationCall, _ plan: StatementPlan, _ error: OperationError?, now: UInt64)
  {
    var error = error
    let isLeased = connection.leaseHolder === call
    switch plan.role {
    case .beginsTransaction:
      if error == nil {
        pool.transactionBegan(on: connection.number)
        connection.leaseHolder = call
        call.lease = connection
        return finish(call, plan, nil, now: now)
      }
    case .commitsTransaction, .rollsBackTransaction:
      call.lease = nil
      connection.leaseHolder = nil
    case .plain:
      if isLeased { return finish(call, plan, error, now: now) }
      if error == nil, connection.isInTransaction {
        error = OperationError(.protocol, "the statement left a transaction open, which was rolled back; use 'transaction:'")
      }
    }
    finish(call, plan, error, now: now)
    free(connection, now: now)
  }

  /// A limit of ours ends a call although the server did what it was asked: for a write outside a transaction nobody can say "failed" then.
  private func finish(_ call: OperationCall, _ plan: StatementPlan, _ error: OperationError?, now: UInt64) {
    guard let error else { return call.succeed(at: now) }
    if error.code == "result-too-large", plan.writes, call.lease == nil { return call.endUnknown(error, at: now) }
    call.fail(error, at: now)
  }

  private func free(_ connection: PostgresConnection, now: UInt64) {
    if connection.isInTransaction { return connection.rollBack(deadline: now &+ PostgresDriver.rollbackNanosecondsMax, now: now) }
    perform(pool.connectionFreed(connection.number))
  }

  /// How long a rollback may take before its connection is dropped, which rolls back as well.
  private static let rollbackNanosecondsMax: UInt64 = 2_000_000_000

  func connectionCleaned(_ connection: PostgresConnection) {
    perform(pool.connectionFreed(connection.number))
  }

  package func abandon(_ call: OperationCall, now: UInt64) {
    switch call.state {
    case .idle, .ended: return
    case .waiting:
      pool.callLeft(call)
      meter.refused()
      note(now: now)
      call.fail(OperationError(.timeout, code: "pool", "no connection of '\(name)' became free before the deadline"), at: now)
    case .inFlight:
      let plan = plansByOperation.with(call.operation) { $0 }
      let connection = connections.with(call.place) { $0 }
      let isInTransaction = connection.leaseHolder === call
      if connection.takeBack() {
        call.fail(OperationError(.timeout, code: "pool", "no connection of '\(name)' became free before the deadline"), at: now)
        if !isInTransaction { free(connection, now: now) }
        return
      }
      // The reply may come at any time, and whatever came next on this connection would take it for its own: the connection goes.
      connection.leaseHolder = nil
      connection.drop()
      pool.connectionLost(connection.number)
      note(now: now)
      let error = OperationError(.timeout, code: "deadline", "no answer by the deadline")
      end(call, plan, isInTransaction: isInTransaction, isSent: connection.wasSent, error, now: now)
      connection.retry(at: limiter.reserve(earliest: now))
    }
  }

  /// Ends a call whose connection is gone. Without a connection the server rolls a transaction back, so only what commits is unknown.
  private func end(
    _ call: OperationCall, _ plan: StatementPlan, isInTransaction: Bool, isSent: Bool, _ error: OperationError, now: UInt64
  ) {
    let mayHaveHappened = isSent && (plan.commits || (plan.writes && !isInTransaction && plan.role == .plain))
    if mayHaveHappened { call.endUnknown(error, at: now) } else { call.fail(error, at: now) }
  }

  package func endLease(_ call: OperationCall) {
    guard let connection = leasedConnection(of: call) else { return }
    call.lease = nil
    guard connection.leaseHolder === call else { return }
    connection.leaseHolder = nil
    free(connection, now: reactor.now)
  }

  package func makeObserver(hop: HopDeclaration, sink: any SightingSink) throws(OperationError) -> any HopObserver {
    try QueryObserver(hop: hop, declaration: declaration, target: target, reactor: reactor, sink: sink)
  }

  package func close() {
    isClosed = true
    acquireTimer.invalidate()
    connections.each { connection in
      pool.connectionLost(connection.number)
      connection.close()
    }
  }

  private func note(now: UInt64) { meter.changed(busy: pool.busyCount, waiting: pool.waitingCount, now: now) }

  package func takePoolReading(now: UInt64) -> PoolReading {
    var reading = meter.take(now: now)
    reading.size = connections.count
    return reading
  }

  package var statistics: DriverStatistics {
    var statistics = DriverStatistics()
    statistics.connections = pool.openCount
    statistics.busy = pool.busyCount
    statistics.waiting = pool.waitingCount
    statistics.reconnects = reconnects
    return statistics
  }
}
