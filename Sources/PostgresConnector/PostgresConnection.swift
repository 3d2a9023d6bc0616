internal import CPostgres
import ChainIO
import ChainProgram
import Glibc

/// One connection to PostgreSQL: owns libpq's handle and its place in the reactor, opens itself, and runs one call at a time.
///
/// It decides nothing about other calls: what happened is told to its driver.
final class PostgresConnection: ReadinessSource, TimerOwner {
  private enum Activity {
    case closed
    case connecting
    /// Statements are being prepared; what each reply in the pipeline is for.
    case preparing(replies: [(plan: StatementPlan, describes: Bool)], position: Int, failure: OperationError?)
    case idle
    /// The call's statement is sent at the end of the turn.
    case sending(Work)
    /// The call's statement could not be prepared when the connection was opened, and is now, before it runs.
    case preparingFor(Work)
    case running(Work)
    /// A transaction that nobody wants any more is being rolled back.
    case cleaning
  }

  /// A call and its statement. Neither is counted: a call keeps itself until its owner was told how it ended, and the driver keeps its plans.
  private struct Work {
    private let call: Unmanaged<OperationCall>
    private let plan: Unmanaged<StatementPlan>

    init(_ call: OperationCall, _ plan: StatementPlan) {
      self.call = .passUnretained(call)
      self.plan = .passUnretained(plan)
    }

    @inline(__always)
    func with<Result>(_ body: (OperationCall, StatementPlan) -> Result) -> Result {
      call._withUnsafeGuaranteedRef { call in plan._withUnsafeGuaranteedRef { plan in body(call, plan) } }
    }

    /// Counted, for what happens seldom.
    var both: (call: OperationCall, plan: StatementPlan) { (call.takeUnretainedValue(), plan.takeUnretainedValue()) }
  }

  let number: Int
  /// The driver owns its connections.
  private var owner: Unmanaged<PostgresDriver>!
  private var driver: PostgresDriver { owner.takeUnretainedValue() }
  private let reactor: Reactor
  /// libpq's handle; this object is its one owner.
  private var handle: OpaquePointer?
  private var registration: Registration?
  private var activity = Activity.closed
  /// Of the plans, by number: whether this connection has the statement prepared.
  private var isPrepared: ContiguousArray<Bool>
  private var timer: ReactorTimer!
  /// What the running call's replies said so far.
  private var failure: OperationError?
  /// Whether libpq took the running call's statement at all.
  private(set) var wasSent = false
  /// Reads of the running call's reply after the first one.
  private var furtherReads: UInt64 = 0
  private var bytesReceivedBefore: UInt64 = 0
  /// The user for whom a transaction keeps this connection.
  var leaseHolder: OperationCall?
  /// Attempts to connect that failed in a row.
  var failedAttempts = 0

  /// Without a driver yet, which keeps its connections in a constant. `belong(to:)` comes before `open`.
  ///
  /// - Parameter statements: How many the driver has.
  init(number: Int, statements: Int, reactor: Reactor) {
    self.number = number
    self.reactor = reactor
    isPrepared = ContiguousArray(repeating: false, count: statements)
    timer = ReactorTimer(owner: self)
  }

  func belong(to driver: PostgresDriver) { owner = .passUnretained(driver) }
  func belongs(to driver: PostgresDriver) -> Bool { owner.toOpaque() == Unmanaged.passUnretained(driver).toOpaque() }

  deinit { PQfinish(handle) }

  // Opening

  /// Tries to connect again at `nanoseconds`.
  func retry(at nanoseconds: UInt64) { reactor.arm(timer, at: nanoseconds) }

  /// Starts to connect; the driver is told `connectionOpened` or `connectionLost` by `deadline` (nanoseconds), never from inside this call.
  func open(deadline: UInt64) {
    precondition(handle == nil, "a connection is opened once at a time")
    activity = .connecting
    reactor.arm(timer, at: deadline)
    handle = PQconnectStart(driver.connectionText)
    guard let handle, PQstatus(handle) != CONNECTION_BAD else { return reactor.arm(timer, at: 0) }
    // With the code in it: what failed while connecting has no result to ask.
    PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
    // libpq prints notices on standard error unless told otherwise.
    _ = PQsetNoticeReceiver(handle, { _, _ in }, nil)
    // libpq: behave as if PQconnectPoll had said PGRES_POLLING_WRITING, manual 34.1.
    if !register(.writable) { reactor.arm(timer, at: 0) }
  }

  private func register(_ interest: Readiness) -> Bool {
    registration = try? reactor.register(PQsocket(handle), interest: interest, source: self)
    return registration != nil
  }

  private func deregister() {
    if let registration { reactor.deregister(registration) }
    registration = nil
  }

  private func continueConnecting(now: UInt64) {
    // Each poll may close the socket and open another, even with the same number, so it is registered anew.
    deregister()
    switch PQconnectPoll(handle) {
    case PGRES_POLLING_READING: if !register(.readable) { lose(connectError(), now: now) }
    case PGRES_POLLING_WRITING: if !register(.writable) { lose(connectError(), now: now) }
    case PGRES_POLLING_OK:
      guard PQsetnonblocking(handle, 1) == 0, register(.readable) else { return lose(connectError(), now: now) }
      PQsetErrorVerbosity(handle, PQERRORS_DEFAULT)
      for index in isPrepared.indices { isPrepared[index] = false }
      prepare(from: 0, now: now)
    default: lose(connectError(), now: now)
    }
  }

  /// libpq's words for it, without the address in front and with the server's code taken out:
  /// `connection to server at "127.0.0.1", port 5432 failed: FATAL:  28P01: password authentication failed for user "orders"`.
  private func connectError() -> OperationError { PostgresConnection.connectError(handle, address: driver.displayAddress) }

  static func connectError(_ handle: OpaquePointer?, address: String) -> OperationError {
    guard let handle else { return OperationError(.environment, "out of memory") }
    var text = String(cString: PQerrorMessage(handle)).split(whereSeparator: \.isNewline).first.map(String.init) ?? "no reason was given"
    if let cut = text.range(ofText: "failed: ") { text = String(text[cut.upperBound...]) }
    var code = ""
    for severity in ["FATAL:  ", "ERROR:  ", "PANIC:  "] where text.hasPrefix(severity) {
      let rest = text.dropFirst(severity.count)
      let word = rest.prefix { $0 != ":" }
      if word.utf8.count == 5, rest.dropFirst(5).hasPrefix(": ") {
        code = String(word)
        text = String(rest.dropFirst(7))
      }
    }
    if code.isEmpty, text == "Connection refused" { code = "ECONNREFUSED" }
    return OperationError(.connect, code: code, "cannot connect to \(address): \(ServerReply.firstLine(text.lowercasedFirst))")
  }

  /// Prepares the plans from `first` on in one pipeline, and asks for the columns of those that are not known yet.
  private func prepare(from first: Int, now: UInt64) {
    var replies: [(plan: StatementPlan, describes: Bool)] = []
    if driver.isPreparing, first < driver.plans.count {
      var isSent = PQenterPipelineMode(handle) == 1
      for plan in driver.plans[first...] {
        isSent = isSent && PQsendPrepare(handle, plan.name, plan.text, 0, nil) == 1
        replies.append((plan, false))
        if plan.columnNames == nil {
          isSent = isSent && PQsendDescribePrepared(handle, plan.name) == 1
          replies.append((plan, true))
        }
      }
      isSent = isSent && PQpipelineSync(handle) == 1
      guard isSent else { return lose(OperationError(.protocol, "cannot prepare statements: \(libpqMessage)"), now: now) }
    }
    guard !replies.isEmpty else { return becomeReady() }
    activity = .preparing(replies: replies, position: 0, failure: nil)
    flush(now: now)
  }

  private func becomeReady() {
    timer.disarm()
    failedAttempts = 0
    activity = .idle
    driver.connectionOpened(self)
  }

  private func readPreparing(now: UInt64) {
    guard case .preparing(let replies, var position, var failure) = activity else { return }
    // A NULL stands between the replies to two commands.
    var nulls = 0
    while PQisBusy(handle) == 0 {
      guard let pointer = PQgetResult(handle) else {
        nulls += 1
        if nulls > 2 { break }
        continue
      }
      nulls = 0
      let reply = ServerReply(pointer)
      switch reply.kind {
      case .sync:
        guard PQexitPipelineMode(handle) == 1 else {
          return lose(OperationError(.protocol, "the pipeline did not end: \(libpqMessage)"), now: now)
        }
        return finishPreparing(failedPlan: failure == nil ? nil : replies[min(position, replies.count - 1)].plan, failure, now: now)
      case .error:
        if failure == nil { failure = reply.error }
        if reply.isFatal { return lose(reply.error, now: now) }
      case .aborted: break
      case .command, .rows, .copy:
        if failure == nil, position < replies.count {
          let (plan, describes) = replies[position]
          if describes { plan.columnNames = reply.columnNames } else { isPrepared[plan.number] = true }
          position += 1
        }
      }
    }
    activity = .preparing(replies: replies, position: position, failure: failure)
  }

  private func finishPreparing(failedPlan: StatementPlan?, _ failure: OperationError?, now: UInt64) {
    guard let plan = failedPlan, let failure else { return becomeReady() }
    // What the chain makes itself cannot be known yet: the statement is prepared when it first runs.
    if driver.mayDefine, PostgresConnection.isUndefined(failure.code) {
      isPrepared[plan.number] = false
      return prepare(from: plan.number + 1, now: now)
    }
    lose(OperationError(.server, code: failure.code, "step '\(plan.stepId)' cannot be prepared: \(failure.message)"), now: now)
  }

  /// undefined table, column, function, object, schema; manual, appendix A.
  static func isUndefined(_ code: String) -> Bool { ["42P01", "42703", "42883", "42704", "3F000"].contains(code) }

  // Running

  /// Takes the call; its statement is sent when the driver says `sendNow`, at the end of the turn. The connection is idle.
  func run(_ call: OperationCall, _ plan: StatementPlan) {
    guard case .idle = activity else { preconditionFailure("a call was given to a connection that is not idle") }
    call.started(at: reactor.now)
    failure = nil
    furtherReads = 0
    wasSent = false
    activity = .sending(Work(call, plan))
  }

  /// Asks for the memory of what `sendNow` will send.
  func prefetchStatement() {
    if case .sending(let work) = activity { work.with { call, _ in call.prefetchArguments() } }
  }

  /// Sends the statement of the call that was taken; nothing if the connection was lost, or the call left, in the meantime.
  func sendNow() {
    guard case .sending(let work) = activity else { return }
    work.with { call, plan in owner._withUnsafeGuaranteedRef { driver in sendNow(work, call, plan, driver) } }
  }

  private func sendNow(_ work: Work, _ call: OperationCall, _ plan: StatementPlan, _ driver: PostgresDriver) {
    let now = MonotonicClock.now
    // Its service time begins here: until now it has waited.
    call.started(at: now)
    do throws(OperationError) {
      try driver.arena.encode(plan.parameters, call.arguments)
    } catch {
      activity = .idle
      return driver.callFinished(on: self, call, plan, error, now: now)
    }
    guard isPrepared[plan.number] || !driver.isPreparing else {
      activity = .preparingFor(work)
      if PQsendPrepare(handle, plan.name, plan.text, 0, nil) == 1 { flush(now: now) } else { loseSoon() }
      return
    }
    send(work, call, plan, driver, now: now)
  }

  /// Takes the call back before its statement was sent.
  ///
  /// - Returns: false if it was sent.
  func takeBack() -> Bool {
    guard case .sending = activity else { return false }
    activity = .idle
    return true
  }

  /// Sends the statement with the parameters that stand in the arena.
  private func send(_ work: Work, _ call: OperationCall, _ plan: StatementPlan, _ driver: PostgresDriver, now: UInt64) {
    activity = .running(work)
    let handle = handle
    let usesPrepared = isPrepared[plan.number]
    let traced = call.traceParent.map { plan.text(of: $0) }
    let sent = driver.arena.withPointers { count, values in
      if let traced { return PQsendQueryParams(handle, traced, count, nil, values, nil, nil, 0) }
      return usesPrepared
        ? PQsendQueryPrepared(handle, plan.name, count, values, nil, nil, 0)
        : PQsendQueryParams(handle, plan.text, count, nil, values, nil, nil, 0)
    }
    wasSent = sent == 1
    if wasSent { flush(now: now) } else { loseSoon() }
  }

  private func runAfterPreparing(_ work: Work, now: UInt64) {
    let (call, plan) = work.both
    activity = .idle
    if let failure { return driver.callFinished(on: self, call, plan, failure, now: now) }
    isPrepared[plan.number] = true
    do throws(OperationError) {
      try driver.arena.encode(plan.parameters, call.arguments)
    } catch {
      return driver.callFinished(on: self, call, plan, error, now: now)
    }
    send(work, call, plan, driver, now: now)
  }

  /// Rolls back a transaction that is open on the idle connection, by `deadline`; then the driver is told `connectionCleaned`.
  func rollBack(deadline: UInt64, now: UInt64) {
    guard case .idle = activity else { preconditionFailure("a connection that is not idle was to be rolled back") }
    activity = .cleaning
    reactor.arm(timer, at: deadline)
    guard PQsendQueryParams(handle, "ROLLBACK", 0, nil, nil, nil, nil, 0) == 1 else { return loseSoon() }
    flush(now: now)
  }

  var isInTransaction: Bool { PQtransactionStatus(handle) != PQTRANS_IDLE }

  /// Sends what libpq has buffered. libpq: after PQflush says 1, wait for either readiness and call it again, manual 34.4.
  private func flush(now: UInt64) {
    switch PQflush(handle) {
    case 0: setInterest(.readable)
    case 1: setInterest(.readableAndWritable)
    default: loseSoon()
    }
  }

  private func setInterest(_ interest: Readiness) {
    if let registration { reactor.setInterest(interest, for: registration) }
  }

  /// A connection that was found lost while a call was given to it: told from a turn of its own.
  private func loseSoon() { reactor.arm(timer, at: 0) }

  package func descriptorReady(_ readiness: Readiness, now: UInt64) {
    switch activity {
    case .closed: return
    case .connecting: return continueConnecting(now: now)
    case .preparing, .idle, .sending, .preparingFor, .running, .cleaning: break
    }
    if readiness.isWritable { flush(now: now) }
    guard readiness.wantsRead else { return }
    consume()
    // A TLS record holds up to 16 KiB and libpq takes at least 8 KiB of it at a time: the rest would lie in the TLS library, where no
    // readiness tells of it.
    if let handle, PQsslInUse(handle) != 0, PQisBusy(handle) != 0 { consume() }
  }

  private func consume() {
    let work = underWay
    work?.with { call, _ in call.prefetch() }
    // libpq: PQconsumeInput before PQisBusy, manual 34.4.
    let isAlive = PQconsumeInput(handle) == 1
    let stamp = MonotonicClock.now
    work?.with { call, _ in call.prefetchResult() }
    guard isAlive else { return lose(disconnected(), now: stamp) }
    if case .preparing = activity { return readPreparing(now: stamp) }
    read(now: stamp)
  }

  private func read(now: UInt64) {
    while PQisBusy(handle) == 0 {
      guard let pointer = PQgetResult(handle) else { return replyEnded(now: now) }
      let reply = ServerReply(pointer)
      if case .preparingFor = activity, reply.kind == .command { continue }
      guard let work = underWay else { continue }
      switch reply.kind {
      case .rows, .command: work.with { call, plan in take(reply, call, plan) }
      case .error, .aborted, .sync:
        // 57P01 and its like, and then a closed socket. It may come after a commit that was not acknowledged yet.
        if reply.isFatal { return lose(OperationError(.disconnected, code: reply.error.code, reply.error.message), now: now) }
        failure = reply.error
      case .copy:
        return lose(OperationError(.protocol, code: "copy", "COPY with the client is not supported"), now: now)
      }
    }
    checkSize(now: now)
  }

  private func take(_ reply: borrowing ServerReply, _ call: OperationCall, _ plan: StatementPlan) {
    if let wrong = reply.write(to: call.result, plan: plan) { failure = wrong }
    if plan.commits, reply.isRollback {
      failure = OperationError(.server, code: "25P02", "the transaction had failed before; COMMIT rolled it back")
    }
  }

  /// The call that is waiting for this connection's reply.
  private var underWay: Work? {
    switch activity {
    case .running(let work), .preparingFor(let work): work
    case .closed, .connecting, .preparing, .idle, .sending, .cleaning: nil
    }
  }

  private func replyEnded(now: UInt64) {
    switch activity {
    case .preparingFor(let work):
      if PQstatus(handle) == CONNECTION_BAD { return lose(failure ?? disconnected(), now: now) }
      runAfterPreparing(work, now: now)
    case .running(let work):
      // libpq gave up on bytes that make no sense.
      if PQstatus(handle) == CONNECTION_BAD { return lose(failure ?? disconnected(), now: now) }
      activity = .idle
      work.with { call, plan in
        owner._withUnsafeGuaranteedRef { driver in driver.callFinished(on: self, call, plan, failure, now: now) }
      }
    case .cleaning:
      if isInTransaction || PQstatus(handle) == CONNECTION_BAD { return lose(disconnected(), now: now) }
      timer.disarm()
      activity = .idle
      driver.connectionCleaned(self)
    // What the server says unasked: notices, changed parameters, the reason why it is about to close.
    case .closed, .connecting, .preparing, .idle, .sending: break
    }
  }

  /// libpq gathers a whole result in memory before it shows any of it. So that a mistaken query does not take all memory, a reply that
  /// goes on is measured by the bytes that came in, and cut at four times what a result may hold.
  private func checkSize(now: UInt64) {
    guard case .running = activity else { return }
    furtherReads += 1
    if furtherReads == 1 { bytesReceivedBefore = bytesReceived }
    guard furtherReads % 8 == 0 else { return }
    if bytesReceived &- bytesReceivedBefore > UInt64(4 * OperationResult.bytesMax) { lose(ServerReply.tooLarge, now: now) }
  }

  /// Bytes that the kernel received on this connection; on a Unix socket, a lower bound: libpq reads at least 8 KiB at a time when there is so much.
  private var bytesReceived: UInt64 {
    withUnsafeTemporaryAllocation(byteCount: 256, alignment: 8) { information in
      information.initializeMemory(as: UInt8.self, repeating: 0)
      var length = socklen_t(256)
      // struct tcp_info of linux/tcp.h: tcpi_bytes_received is the 64-bit field at offset 128 (Linux 4.1). glibc's header ends before it.
      guard getsockopt(PQsocket(handle), Int32(IPPROTO_TCP), TCP_INFO, information.baseAddress!, &length) == 0, length >= 136 else {
        return furtherReads * 8192
      }
      return information.load(fromByteOffset: 128, as: UInt64.self)
    }
  }

  // Ending

  private var libpqMessage: String { handle.map { ServerReply.firstLine(String(cString: PQerrorMessage($0))) } ?? "" }

  private func disconnected() -> OperationError {
    OperationError(.disconnected, code: "EOF", "lost the connection to \(driver.displayAddress): \(libpqMessage)")
  }

  package func timerFired(_ timer: ReactorTimer, now: UInt64) {
    switch activity {
    case .closed: driver.wantsToConnect(self)
    case .connecting, .preparing:
      if let handle, PQstatus(handle) == CONNECTION_BAD { return lose(connectError(), now: now) }
      lose(OperationError(.connect, code: "timeout", "cannot connect to \(driver.displayAddress): no answer by the deadline"), now: now)
    // Only `loseSoon` and a rollback's deadline arm it now.
    case .idle, .sending, .preparingFor, .running, .cleaning: lose(disconnected(), now: now)
    }
  }

  /// Drops the connection at once; a reply that is still on its way goes nowhere. The driver is not told.
  func drop() {
    timer.disarm()
    deregister()
    // Sends Terminate and closes; on a non-blocking connection it does not wait.
    PQfinish(handle)
    handle = nil
    activity = .closed
  }

  private func lose(_ error: OperationError, now: UInt64) {
    var underWay = underWay
    if case .sending(let work) = activity { underWay = work }
    let wasOpen: Bool
    switch activity {
    case .closed: return
    case .connecting, .preparing: wasOpen = false
    case .idle, .sending, .preparingFor, .running, .cleaning: wasOpen = true
    }
    drop()
    driver.connectionLost(self, underWay: underWay?.both, wasOpen: wasOpen, error, now: now)
  }

  /// Closes for ever.
  func close() {
    drop()
    timer.invalidate()
  }
}

extension String {
  fileprivate func range(ofText text: String) -> Range<String.Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
      start = index(after: start)
    }
    return nil
  }

  fileprivate var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}
