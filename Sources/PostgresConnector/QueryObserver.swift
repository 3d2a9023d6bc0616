import ChainIO
import ChainProgram

/// Looks for events in a second session, such as one to a replica: asks with one statement for all events that are due, and never twice at
/// a time. A row that comes became visible between the last look that did not show its event and this one.
///
/// The session is read-only by the server's own rule. A driver with a program of one statement carries it: connecting, preparing, and coming
/// back after a loss are the same as for the chain's own statements.
final class QueryObserver: SeekingObserver, CallOwner, TimerOwner {
  private let reactor: Reactor
  private let driver: PostgresDriver
  private unowned let sink: any SightingSink
  private lazy var call = OperationCall(owner: self, reactor: reactor)
  /// The one argument of the statement: the ids as an array's text.
  private let argument: UnsafeMutablePointer<Value>
  private let row = OperationResult()
  private var schedule: PollSchedule
  /// By the ledger's numbers: the id as an element of an array, and when the last look was sent that did not show it.
  private var sought: [Int: (element: String, absentSince: UInt64)] = [:]
  private var look: (sent: UInt64, events: [Int])?
  private var lastLookNanoseconds: UInt64 = 0
  /// Nanoseconds: until then every event was looked for as it should be.
  private var aliveNanoseconds: UInt64 = 0
  private var isArmed = false
  private var isInGap = false
  private var isClosed = false
  private lazy var lookTimer = ReactorTimer(owner: self, tag: 0)
  private lazy var deadlineTimer = ReactorTimer(owner: self, tag: 1)

  private(set) var operationsSent: UInt64 = 0
  /// Nothing is pushed, so a fence would prove nothing.
  var isFencing = false
  let mode = "query"
  let reason: String
  let countsRepeats = false
  let followsChanges = false
  let isSeeking = true

  static let idsPerLookMax = 1000
  /// Nanoseconds after which a look that was not answered is a gap.
  static let patienceNanoseconds: UInt64 = 5_000_000_000

  init(
    hop: HopDeclaration, declaration: ConnectionDeclaration, target: PostgresTarget, reactor: Reactor, sink: any SightingSink
  ) throws(OperationError) {
    guard case .sql(let text, let parameters)? = hop.operands.first?.value else {
      throw OperationError(.protocol, "the hop '\(hop.name)' has no SQL text")
    }
    if let refusal = QueryObserver.refusal(hop.operands) { throw OperationError(.protocol, code: "query", refusal.message) }
    var every: UInt64?
    if case .duration(let nanoseconds)? = hop.operand("every") { every = UInt64(max(nanoseconds, 1_000_000)) }
    var program = Program(chain: "", chainDescription: "", chainHash: "")
    program.connections = [
      ConnectionDeclaration(
        name: declaration.name, kind: declaration.kind, address: declaration.address, access: "read", pool: .size(1),
        acquireTimeoutNanoseconds: QueryObserver.patienceNanoseconds, connectTimeoutNanoseconds: declaration.connectTimeoutNanoseconds,
        options: declaration.options, range: declaration.range)
    ]
    program.steps = [
      StepDescription(id: hop.name, name: hop.name, method: "SQL", verb: "sql", range: hop.range, connection: ConnectionIndex(0))
    ]
    program.operations = [
      Operation(
        step: StepIndex(0), connection: ConnectionIndex(0), verb: "sql", role: .plain, writes: false,
        operands: [("sql", .sql(text: text, parameters: parameters.map { _ in 0 }))], argumentBase: SlotIndex(0), argumentCount: 1,
        argumentTypes: [.string], timeoutNanoseconds: QueryObserver.patienceNanoseconds)
    ]
    driver = try PostgresDriver(connection: ConnectionIndex(0), target: target, program: program, users: 1, reactor: reactor)
    reason = every == nil ? "" : "the chain gives a pause with 'every'"
    schedule = PollSchedule(every: every, seed: MonotonicClock.now)
    self.reactor = reactor
    self.sink = sink
    argument = .allocate(capacity: 1)
    argument.initialize(to: .null)
  }

  deinit { argument.deinitialize(count: 1).deallocate() }

  /// Why a hop's statement cannot be what is looked with; nil if it can.
  static func refusal(_ operands: [(name: String, value: OperandTemplate)]) -> ObserverRefusal? {
    guard case .sql(let text, _)? = operands.first?.value else { return nil }
    if case .duration(let nanoseconds)? = operands.first(where: { $0.name == "every" })?.value, nanoseconds < 1_000_000 {
      return ObserverRefusal("every", "the pause between two looks is 1 ms at least")
    }
    switch SQLEffect.of(text) {
    case .reads: return nil
    case .writes, .consumes, .destroys, .unclear:
      return ObserverRefusal("query", "looking changes nothing, and this statement is not known to only read", help: "write a SELECT")
    }
  }

  // What is looked for

  func seek(_ number: Int, id: Value, place: [UInt8]) {
    guard let element = QueryObserver.element(id) else { return }
    sought[number] = (element, 0)
    schedule.add(number, now: MonotonicClock.now)
    lookSoon()
  }

  func forget(_ number: Int) {
    guard sought.removeValue(forKey: number) != nil else { return }
    schedule.remove(number)
  }

  func absentSince(_ number: Int) -> UInt64 { sought[number]?.absentSince ?? 0 }

  /// An id as an element of an array's text. PostgreSQL manual, 8.15.6: quoted, with a backslash before quotes and backslashes.
  static func element(_ id: Value) -> String? {
    var bytes: [UInt8] = []
    guard id.appendText(to: &bytes) else { return nil }
    var text = "\""
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
      if scalar == "\"" || scalar == "\\" { text.unicodeScalars.append("\\") }
      text.unicodeScalars.append(scalar)
    }
    return text + "\""
  }

  // Arming

  func arm(deadline: UInt64, completion: @escaping (OperationError?) -> Void) {
    driver.open(deadline: deadline) { [self] error in
      guard !isClosed else { return }
      if error == nil {
        isArmed = true
        aliveNanoseconds = MonotonicClock.now
        lookSoon()
      }
      completion(error)
    }
  }

  // Looks

  private func lookSoon() {
    guard isArmed, look == nil, let due = schedule.nextDue() else { return }
    reactor.arm(lookTimer, at: max(due, lastLookNanoseconds &+ PollSchedule.pauseNanosecondsMin))
  }

  private func beginLook(now: UInt64) {
    guard look == nil else { return }
    let due = schedule.takeDue(now: now, limit: QueryObserver.idsPerLookMax)
    guard !due.isEmpty else { return lookSoon() }
    argument.pointee = .string("{" + due.compactMap { sought[$0]?.element }.joined(separator: ",") + "}")
    // Before the statement can leave: an earlier stamp widens the bracket, a later one would break it.
    let sent = MonotonicClock.now
    look = (sent, due)
    lastLookNanoseconds = sent
    call.begin(operation: 0, arguments: UnsafePointer(argument), now: sent)
    driver.submit(call)
    operationsSent += 1
    reactor.arm(deadlineTimer, at: sent &+ QueryObserver.patienceNanoseconds)
  }

  func callEnded(_ call: OperationCall) {
    deadlineTimer.disarm()
    guard !isClosed, let look else { return }
    self.look = nil
    if call.ending == .ok {
      if isInGap {
        isInGap = false
        sink.gapEnded(at: look.sent)
      }
      // A look that waited for its connection was sent later than its stamp: wider, never wrong.
      aliveNanoseconds = look.sent
      for number in 0..<call.result.rowCount { tell(call.result, row: number, seen: call.endedNanoseconds) }
      for event in look.events where sought[event] != nil { sought[event]?.absentSince = look.sent }
    } else {
      interrupted(call.failure)
    }
    for event in look.events { schedule.looked(event, sent: look.sent) }
    lookSoon()
  }

  private func interrupted(_ error: OperationError?) {
    guard !isInGap else { return }
    isInGap = true
    sink.gapBegan(at: aliveNanoseconds, cause: error?.message ?? "the look did not end")
  }

  private func tell(_ result: OperationResult, row number: Int, seen: UInt64) {
    row.clear()
    row.columnNames = result.columnNames
    row.columnCount = result.columnCount
    row.rowCount = 1
    for node in result.nodes[(number * result.columnCount)..<((number + 1) * result.columnCount)] {
      if node.kind == .null {
        row.appendNull()
      } else {
        result.withBytes(OperationResult.TextRange(offset: node.offset, length: node.length)) { row.appendText($0) }
      }
    }
    deliver(row, seen: seen)
  }

  /// Never inlined: the optimizer of Swift 6.3.1 stops with an internal error when it inlines a noncopyable argument into a closure.
  @inline(never)
  private func deliver(_ content: OperationResult, seen: UInt64) {
    sink.sighted(Sighting(notBefore: 0, seen: seen, content: content))
  }

  func timerFired(_ timer: ReactorTimer, now: UInt64) {
    guard !isClosed else { return }
    if timer.tag == 0 { return beginLook(now: now) }
    if look != nil { driver.abandon(call, now: now) }
  }

  func close() {
    guard !isClosed else { return }
    isClosed = true
    if look != nil, call.state == .waiting || call.state == .inFlight { driver.abandon(call, now: MonotonicClock.now) }
    lookTimer.invalidate()
    deadlineTimer.invalidate()
    driver.close()
  }
}
