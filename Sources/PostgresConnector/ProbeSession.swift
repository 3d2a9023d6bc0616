internal import CPostgres
import ChainIO

/// A connection of its own for the probe of a server: one query at a time, on a reactor, without blocking.
///
/// Its owner watches the time: `close` ends whatever is under way without another word.
final class ProbeSession: ReadinessSource, TimerOwner {
  enum Answer {
    case rows(names: [String], rows: [[String?]])
    /// The server's no; the session goes on.
    case refused(OperationError)
    /// The session is closed.
    case lost(OperationError)
  }

  private enum Activity {
    case closed
    case connecting((OperationError?) -> Void)
    case idle
    case asking((Answer) -> Void)
  }

  private let target: PostgresTarget
  private let statementTimeoutMilliseconds: UInt64
  private let reactor: Reactor
  /// libpq's handle; this object is its one owner.
  private var handle: OpaquePointer?
  private var registration: Registration?
  private var activity = Activity.closed
  private var timer: ReactorTimer?
  private var answer: Answer?
  /// Of the last answer.
  private(set) var columnNames: [String] = []

  static let rowsMax = 10_000

  init(target: PostgresTarget, statementTimeoutMilliseconds: UInt64, reactor: Reactor) {
    self.target = target
    self.statementTimeoutMilliseconds = statementTimeoutMilliseconds
    self.reactor = reactor
  }

  deinit { if let handle { PQfinish(handle) } }

  var isOpen: Bool {
    switch activity {
    case .idle, .asking: true
    case .closed, .connecting: false
    }
  }

  /// `150006`
  var serverVersionNumber: Int32 { handle.map { PQserverVersion($0) } ?? 0 }

  /// - Parameter completion: Called from a turn of its own, unless `close` comes first.
  func open(deadline: UInt64, completion: @escaping (OperationError?) -> Void) {
    close()
    activity = .connecting(completion)
    let timer = ReactorTimer(owner: self)
    self.timer = timer
    let now = MonotonicClock.now
    // Told apart from the load's sessions by whoever looks at pg_stat_activity; libpq: of a keyword given twice the last one counts.
    let text = target.connectionText(
      isReadOnly: true, statementTimeoutMilliseconds: statementTimeoutMilliseconds, connectTimeoutNanoseconds: deadline > now ? deadline - now : 0)
      + " application_name='chainrun server view'"
    handle = PQconnectStart(text)
    guard let handle, PQstatus(handle) != CONNECTION_BAD else { return reactor.arm(timer, at: 0) }
    reactor.arm(timer, at: deadline)
    PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
    _ = PQsetNoticeReceiver(handle, { _, _ in }, nil)
    // libpq: behave as if PQconnectPoll had said PGRES_POLLING_WRITING, manual 34.1.
    if !register(.writable) { reactor.arm(timer, at: 0) }
  }

  /// Sends one statement. Only while open and idle.
  func ask(_ query: String, completion: @escaping (Answer) -> Void) {
    guard case .idle = activity else { preconditionFailure("a session is asked one thing at a time") }
    activity = .asking(completion)
    answer = nil
    guard PQsendQueryParams(handle, query, 0, nil, nil, nil, nil, 0) == 1 else {
      if let timer { reactor.arm(timer, at: 0) }
      return
    }
    flush()
  }

  func close() {
    timer?.invalidate()
    timer = nil
    deregister()
    if let handle { PQfinish(handle) }
    handle = nil
    activity = .closed
  }

  private func register(_ interest: Readiness) -> Bool {
    registration = try? reactor.register(PQsocket(handle), interest: interest, source: self)
    return registration != nil
  }

  private func deregister() {
    if let registration { reactor.deregister(registration) }
    registration = nil
  }

  func timerFired(_ timer: ReactorTimer, now: UInt64) {
    if case .connecting = activity, let handle, PQstatus(handle) != CONNECTION_BAD {
      return lose(OperationError(.connect, code: "timeout", "cannot connect to \(target.displayAddress): no answer by the deadline"))
    }
    lose(broken())
  }

  func descriptorReady(_ readiness: Readiness, now: UInt64) {
    switch activity {
    case .closed: return
    case .connecting(let completion): continueConnecting(completion)
    case .idle:
      // A notice, or the end.
      if PQconsumeInput(handle) != 1 { lose(broken()) }
    case .asking:
      if readiness.wantsRead, PQconsumeInput(handle) != 1 { return lose(broken()) }
      if readiness.isWritable { flush() }
      read()
    }
  }

  private func continueConnecting(_ completion: (OperationError?) -> Void) {
    // Each poll may close the socket and open another, even with the same number, so it is registered anew.
    deregister()
    switch PQconnectPoll(handle) {
    case PGRES_POLLING_READING: if !register(.readable) { lose(broken()) }
    case PGRES_POLLING_WRITING: if !register(.writable) { lose(broken()) }
    case PGRES_POLLING_OK:
      guard PQsetnonblocking(handle, 1) == 0, register(.readable) else { return lose(broken()) }
      PQsetErrorVerbosity(handle, PQERRORS_DEFAULT)
      timer?.disarm()
      activity = .idle
      completion(nil)
    default: lose(broken())
    }
  }

  private func flush() {
    let pending = PQflush(handle)
    guard pending >= 0 else {
      if let timer { reactor.arm(timer, at: 0) }
      return
    }
    if let registration { reactor.setInterest(pending == 0 ? .readable : .readableAndWritable, for: registration) }
  }

  private func read() {
    // libpq: PQconsumeInput before PQisBusy, manual 34.4.
    while PQisBusy(handle) == 0 {
      guard let pointer = PQgetResult(handle) else { return finish() }
      let reply = ServerReply(pointer)
      switch reply.kind {
      case .rows:
        columnNames = reply.columnNames
        answer = answer ?? .rows(names: columnNames, rows: reply.texts(rowsMax: ProbeSession.rowsMax))
      case .error:
        if reply.isFatal { return lose(OperationError(.disconnected, code: reply.error.code, reply.error.message)) }
        answer = .refused(reply.error)
      case .command, .copy, .aborted, .sync: break
      }
    }
  }

  private func finish() {
    guard case .asking(let completion) = activity else { return }
    activity = .idle
    completion(answer ?? .rows(names: [], rows: []))
  }

  private func broken() -> OperationError {
    if case .connecting = activity { return PostgresConnection.connectError(handle, address: target.displayAddress) }
    let text = handle.map { ServerReply.firstLine(String(cString: PQerrorMessage($0))) } ?? ""
    return OperationError(.disconnected, code: "EOF", "lost the connection to \(target.displayAddress): \(text)")
  }

  private func lose(_ error: OperationError) {
    let before = activity
    close()
    switch before {
    case .connecting(let completion): completion(error)
    case .asking(let completion): completion(.lost(error))
    case .closed, .idle: break
    }
  }
}

extension ServerReply {
  /// Every cell as text, nil for NULL.
  borrowing func texts(rowsMax: Int) -> [[String?]] {
    let columns = columnNames.count
    return (0..<min(rowCount, rowsMax)).map { row in (0..<columns).map { isNull(row: row, column: $0) ? nil : text(row: row, column: $0) } }
  }
}
