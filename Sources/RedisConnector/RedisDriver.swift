import ChainIO
import ChainProgram

/// A declared Redis connection on one reactor: a pool of pipelined connections, the one with the fewest unanswered commands first.
final class RedisDriver: ConnectionDriver, TimerOwner {
  let target: RedisTarget
  /// Nil where writing is allowed or no command is sent.
  let audit: CommandAudit?
  let connectTimeoutNanoseconds: UInt64
  let reactor: Reactor
  private let acquireTimeoutNanoseconds: UInt64
  /// For each operation of the program; nil for those of other connections.
  private let commands: HeldObjects<RedisCommand>
  private var connections: ContiguousArray<PipelinedConnection> = []
  /// Connections that were idle when they were put here.
  private var idle: ContiguousArray<Int> = []
  /// Calls for which no connection is up; nil where the user has given up.
  private var waiting = SequenceQueue<OperationCall?>()
  private var waitingCount = 0
  private lazy var waitTimer = ReactorTimer(owner: self)
  private var scratch: [UInt8] = []
  private var reconnects = 0
  private var meter = PoolMeter()
  private var limiter: ReconnectLimiter
  /// User *n* has connection *n*.
  private let isPerUser: Bool
  private var lastError: OperationError?
  private var opening: Opening?

  private struct Opening {
    let deadline: UInt64
    let completion: (OperationError?) -> Void
    var next = 0
    var ready = 0
  }

  private static let connectsInFlightMax = 64

  init(connection: ConnectionIndex, target: RedisTarget, program: Program, users: Int, reactor: Reactor) throws(OperationError) {
    let declaration = program.connections[connection.index]
    self.target = target
    self.reactor = reactor
    acquireTimeoutNanoseconds = declaration.acquireTimeoutNanoseconds
    connectTimeoutNanoseconds = declaration.connectTimeoutNanoseconds
    var commands: ContiguousArray<RedisCommand?> = []
    for operation in program.operations {
      commands.append(operation.connection == connection ? try RedisCommand(operation) : nil)
    }
    self.commands = HeldObjects(commands)
    limiter = ReconnectLimiter(declaration)
    isPerUser = declaration.pool == .perUser
    let used = commands.compactMap { $0.map { (name: $0.name, subcommand: $0.subcommand) } }
    audit = declaration.access == "write" || used.isEmpty ? nil : CommandAudit(connection: declaration.name, commands: used)
    let size =
      switch declaration.pool {
      case .size(let size): size
      case .perUser: users
      }
    for index in 0..<max(1, size) { connections.append(PipelinedConnection(driver: self, reactor: reactor, index: index)) }
    scratch.reserveCapacity(1024)
    idle.reserveCapacity(connections.count)
  }

  func writes(_ call: OperationCall) -> Bool { commands.ifPresent(call.operation) { $0.writes } ?? true }

  // Opening and losing connections

  func open(deadline: UInt64, completion: @escaping (OperationError?) -> Void) {
    precondition(opening == nil, "a driver is opened once")
    opening = Opening(deadline: deadline, completion: completion)
    for _ in 0..<min(RedisDriver.connectsInFlightMax, connections.count) { openNext() }
  }

  private func openNext() {
    guard let current = opening, current.next < connections.count else { return }
    opening?.next += 1
    connections[current.next].connect(deadline: current.deadline)
  }

  func connectionReady(_ connection: PipelinedConnection, now: UInt64) {
    connectionIdle(connection)
    if let current = opening, !connection.wasOpened {
      connection.wasOpened = true
      opening?.ready += 1
      if current.ready + 1 == connections.count {
        opening = nil
        current.completion(nil)
      } else {
        openNext()
      }
    } else {
      reconnects += 1
      meter.reconnected()
    }
    drainWaiting(now: now)
  }

  func connectionLost(_ connection: PipelinedConnection, _ error: OperationError, wasReady: Bool, now: UInt64) {
    lastError = error
    if !wasReady { meter.connectFailed() }
    if let current = opening, !wasReady {
      opening = nil
      for connection in connections { connection.close() }
      return current.completion(error)
    }
    // A connection that was ready and is lost while others still open comes back like any other.
    connection.retryLater { self.limiter.reserve(earliest: now + $0) }
  }

  func connectionIdle(_ connection: PipelinedConnection) {
    guard !connection.isListedIdle else { return }
    connection.isListedIdle = true
    idle.append(connection.index)
  }

  // Calls

  func submit(_ call: OperationCall) {
    let now = reactor.now
    if let connection = connection(for: call) { return send(call, on: connection, now: now) }
    call.place = CallPlace.waiting(number: waiting.append(call))
    waitingCount += 1
    note(now: now)
    if waitingCount == 1 { reactor.arm(waitTimer, at: call.submittedNanoseconds + acquireTimeoutNanoseconds) }
  }

  private func send(_ call: OperationCall, on connection: PipelinedConnection, now: UInt64) {
    commands.with(call.operation) { connection.send(call, $0, scratch: &scratch, now: now) }
  }

  private func connection(for call: OperationCall) -> PipelinedConnection? {
    guard isPerUser else { return leastBusy() }
    let own = connections[call.user % connections.count]
    return own.state == .ready ? own : nil
  }

  private func note(now: UInt64) { meter.changed(busy: 0, waiting: waitingCount, now: now) }

  private func leastBusy() -> PipelinedConnection? {
    if connections.count == 1 { return connections[0].state == .ready ? connections[0] : nil }
    while let index = idle.popLast() {
      let connection = connections[index]
      connection.isListedIdle = false
      if connection.state == .ready, connection.outstanding == 0 { return connection }
    }
    var best: PipelinedConnection?
    for connection in connections where connection.state == .ready {
      if connection.outstanding < best?.outstanding ?? .max { best = connection }
    }
    return best
  }

  private func drainWaiting(now: UInt64) {
    defer { note(now: now) }
    if isPerUser { return drainOwned(now: now) }
    while !waiting.isEmpty {
      guard let call = waiting[waiting.first] else {
        _ = waiting.popFirst()
        continue
      }
      guard let connection = leastBusy() else { return }
      _ = waiting.popFirst()
      waitingCount -= 1
      send(call, on: connection, now: now)
    }
    waitTimer.disarm()
  }

  /// A connection of one user has come back, and only that user's calls may go.
  private func drainOwned(now: UInt64) {
    for number in waiting.first..<waiting.next {
      guard let call = waiting[number], let connection = connection(for: call) else { continue }
      waiting[number] = nil
      waitingCount -= 1
      send(call, on: connection, now: now)
    }
    if waitingCount == 0 { waitTimer.disarm() }
  }

  func timerFired(_ timer: ReactorTimer, now: UInt64) {
    defer { note(now: now) }
    while !waiting.isEmpty {
      if let call = waiting[waiting.first] {
        let due = call.submittedNanoseconds + acquireTimeoutNanoseconds
        guard due <= now else { return reactor.arm(waitTimer, at: due) }
        waitingCount -= 1
        meter.refused()
        call.fail(noConnection, at: now)
      }
      _ = waiting.popFirst()
    }
  }

  private var noConnection: OperationError {
    OperationError(
      .timeout, code: "pool",
      "no connection to \(target.displayAddress) came in time" + (lastError.map { "; the last attempt ended with: \($0.message)" } ?? ""))
  }

  func abandon(_ call: OperationCall, now: UInt64) {
    switch CallPlace(call.place) {
    case .waiting(let number):
      waiting[number] = nil
      waitingCount -= 1
      meter.refused()
      note(now: now)
      call.fail(noConnection, at: now)
    case .sent(let index, let number):
      connections[index].abandon(number, now: now)
      let error = OperationError(.timeout, code: "deadline", "no reply by the deadline")
      if writes(call) { call.endUnknown(error, at: now) } else { call.fail(error, at: now) }
    }
  }

  /// Nothing is ever leased: no command that needs it is sent.
  func endLease(_ call: OperationCall) {}

  func makeEntryReader(hop: HopDeclaration) -> (any EntryReader)? { RedisEntryReader(target: target, reactor: reactor) }

  func close() {
    for connection in connections { connection.close() }
    waitTimer.invalidate()
  }

  var inFlight: Int { connections.reduce(0) { $0 + $1.outstanding } }

  func takePoolReading(now: UInt64) -> PoolReading {
    var reading = meter.take(now: now)
    reading.size = connections.count
    reading.isShared = true
    return reading
  }

  var statistics: DriverStatistics {
    var statistics = DriverStatistics()
    for connection in connections where connection.state == .ready {
      statistics.connections += 1
      if connection.outstanding > 0 { statistics.busy += 1 }
    }
    statistics.waiting = waitingCount
    statistics.reconnects = reconnects
    return statistics
  }
}
