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
  private let commands: ContiguousArray<RedisCommand?>
  private var connections: ContiguousArray<PipelinedConnection> = []
  /// Connections that were idle when they were put here.
  private var idle: ContiguousArray<Int> = []
  /// Calls for which no connection is up; nil where the user has given up.
  private var waiting = SequenceQueue<OperationCall?>()
  private var waitingCount = 0
  private lazy var waitTimer = ReactorTimer(owner: self)
  private var scratch: [UInt8] = []
  private var reconnects = 0
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
    self.commands = commands
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

  func writes(_ call: OperationCall) -> Bool { commands[call.operation]?.writes ?? true }

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
    }
    drainWaiting(now: now)
  }

  func connectionLost(_ connection: PipelinedConnection, _ error: OperationError, wasReady: Bool, now: UInt64) {
    lastError = error
    if let current = opening, !wasReady {
      opening = nil
      for connection in connections { connection.close() }
      return current.completion(error)
    }
    // A connection that was ready and is lost while others still open comes back like any other.
    connection.retryLater(now: now)
  }

  func connectionIdle(_ connection: PipelinedConnection) {
    guard !connection.isListedIdle else { return }
    connection.isListedIdle = true
    idle.append(connection.index)
  }

  // Calls

  func submit(_ call: OperationCall) {
    let now = reactor.now
    if let connection = leastBusy() { return send(call, on: connection, now: now) }
    call.place = CallPlace.waiting(number: waiting.append(call))
    waitingCount += 1
    if waitingCount == 1 { reactor.arm(waitTimer, at: call.submittedNanoseconds + acquireTimeoutNanoseconds) }
  }

  private func send(_ call: OperationCall, on connection: PipelinedConnection, now: UInt64) {
    guard let command = commands[call.operation] else { preconditionFailure("an operation was submitted to another connection's driver") }
    connection.send(call, command, scratch: &scratch, now: now)
  }

  private func leastBusy() -> PipelinedConnection? {
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

  func timerFired(_ timer: ReactorTimer, now: UInt64) {
    while !waiting.isEmpty {
      if let call = waiting[waiting.first] {
        let due = call.submittedNanoseconds + acquireTimeoutNanoseconds
        guard due <= now else { return reactor.arm(waitTimer, at: due) }
        waitingCount -= 1
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
