import ChainIO
import ChainProgram
import Synchronization

/// What the scripted system does with one operation.
enum ScriptedReply {
  /// Ends well after so many nanoseconds (at once when 0), with the result that the closure writes.
  case ok(after: UInt64 = 0, (OperationResult) -> Void = { _ in })
  /// A connection takes the call only after `pool` nanoseconds.
  case waits(pool: UInt64, service: UInt64)
  case fails(after: UInt64 = 0, OperationError = OperationError(.server, code: "E1", "the script says no"))
  case unknown(after: UInt64 = 0)
  case never
  /// Stays with no connection for ever.
  case neverStarts
}

struct ScriptedRequest {
  let connection: Int
  let operation: Int
  let step: Int
  let role: OperationRole
  /// From 0, over all connections.
  let number: Int
  let arguments: [Value]
  let at: UInt64
}

/// The scripted system and what it saw.
///
/// `@unchecked Sendable`: read and written on the reactor's thread only, and by the test before the run starts and after it has ended.
final class Script: @unchecked Sendable {
  var reply: (ScriptedRequest) -> ScriptedReply
  var openError: OperationError?
  var openDelay: UInt64 = 0
  var armError: OperationError?
  /// Whether `submitted` is kept; counting goes on without.
  var isRecording = true
  var submitted: [ScriptedRequest] = []
  var submittedCount = 0 { didSet { submittedSoFar.store(submittedCount, ordering: .relaxed) } }
  /// For the test's thread while a run is under way.
  private let submittedSoFar = Atomic<Int>(0)
  /// A byte for each of the first eight steps; stays at 255.
  private let submittedOfStep = Atomic<UInt64>(0)
  var abandoned = 0
  var lateReplies = 0
  var endedLeases = 0
  var heldLeases = 0
  var openedDrivers = 0
  var closedDrivers = 0
  var observers: [String: ScriptedObserver] = [:]
  /// What entry readers find: content by name; nil for a system without entries.
  var entries: [String: String]?
  var readError: OperationError?
  var readNames: [String] = []

  init(_ reply: @escaping (ScriptedRequest) -> ScriptedReply = { _ in .ok() }) { self.reply = reply }

  /// Waits, on the test's thread, until the run has submitted so many operations.
  func wait(submitted count: Int, within limit: UInt64 = 15 * seconds) {
    let deadline = MonotonicClock.now + limit
    while submittedSoFar.load(ordering: .relaxed) < count, MonotonicClock.now < deadline { sleep(nanoseconds: milliseconds) }
  }

  /// For the test's thread: whether so many operations of a step have been submitted. Of steps below 8.
  func isWaitingAt(_ step: Int, count: Int) -> Bool { (submittedOfStep.load(ordering: .relaxed) >> (8 * UInt64(step))) & 0xff >= UInt64(count) }

  func noteStep(_ step: Int) {
    guard step < 8 else { return }
    let counts = submittedOfStep.load(ordering: .relaxed)
    if (counts >> (8 * UInt64(step))) & 0xff < 0xff { submittedOfStep.store(counts + (1 << (8 * UInt64(step))), ordering: .relaxed) }
  }

  /// Delivers a sighting of an integer id at a hop.
  func sight(_ hop: String, id: Int64, notBefore: UInt64 = 0, seen: UInt64 = MonotonicClock.now, content: String? = nil) {
    sight(hop, key: String(id), notBefore: notBefore, seen: seen, content: content)
  }

  func sight(_ hop: String, key: String, notBefore: UInt64 = 0, seen: UInt64 = MonotonicClock.now, content: String? = nil) {
    guard let observer = observers[hop], observer.isOpen else { return }
    observer.sink.sighted(Sighting(notBefore: notBefore, seen: seen, content: sightingContent(key: key, content)))
  }
}

func sightingContent(key: String, _ content: String?) -> OperationResult {
  let result = OperationResult()
  var key = key
  key.withUTF8 { result.setKey(UnsafeRawBufferPointer($0)) }
  if var content { content.withUTF8 { result.setBody(UnsafeRawBufferPointer($0)) } }
  return result
}

struct ScriptedConnector: Connector {
  let script: Script
  let schema = ConnectorSchema(
    kind: "scripted", title: "Script", addressSchemes: ["scripted"], accessLevels: ["write"], connectionKeys: [], defaultPool: 1, verbs: [],
    observers: [])

  struct Target: ConnectionTarget {
    let displayAddress = "scripted"
    let host = "scripted"
  }

  func resolve(_ declaration: ConnectionDeclaration, address: String) throws(OperationError) -> any ConnectionTarget { Target() }

  func makeDriver(connection: ConnectionIndex, target: any ConnectionTarget, program: Program, users: Int, reactor: Reactor)
    throws(OperationError) -> any ConnectionDriver
  {
    if let error = script.openError, error.class == .protocol { throw error }
    return ScriptedDriver(script: script, connection: connection.index, program: program, reactor: reactor)
  }
}

/// Answers at once.
final class ScriptedReader: EntryReader {
  private let script: Script
  private(set) var operationsSent: UInt64 = 0
  init(_ script: Script) { self.script = script }

  func read(
    _ names: EntryNameList, deadline: UInt64, each: @escaping (Int, OperationResult?, UInt64) -> Void,
    completion: @escaping (OperationError?) -> Void
  ) {
    if let error = script.readError { return completion(error) }
    for place in 0..<names.count {
      operationsSent += 1
      let name = names.withName(place) { String(decoding: $0, as: UTF8.self) }
      script.readNames.append(name)
      each(place, script.entries?[name].map { sightingContent(key: name, $0) }, MonotonicClock.now)
    }
    completion(nil)
  }

  func close() {}
}

final class ScriptedDriver: ConnectionDriver, TimerOwner {
  private let script: Script
  private let connection: Int
  private let program: Program
  private let reactor: Reactor
  /// By place: the call and what becomes of it when its timer fires.
  private var pending: [(call: OperationCall?, reply: ScriptedReply, isStarted: Bool)] = []
  private var timers: [ReactorTimer] = []
  private var freePlaces: [Int] = []
  private var openCompletion: ((OperationError?) -> Void)?
  let statistics = DriverStatistics()

  init(script: Script, connection: Int, program: Program, reactor: Reactor) {
    self.script = script
    self.connection = connection
    self.program = program
    self.reactor = reactor
  }

  func makeEntryReader(hop: HopDeclaration) -> (any EntryReader)? { script.entries == nil ? nil : ScriptedReader(script) }

  func open(deadline: UInt64, completion: @escaping (OperationError?) -> Void) {
    script.openedDrivers += 1
    guard script.openDelay > 0 else { return completion(script.openError) }
    openCompletion = completion
    let timer = ReactorTimer(owner: self, tag: -1)
    timers.append(timer)
    pending.append((nil, .never, false))
    reactor.arm(timer, at: MonotonicClock.now + script.openDelay)
  }

  func submit(_ call: OperationCall) {
    let operation = program.operations[call.operation]
    let now = MonotonicClock.now
    let arguments = script.isRecording ? (0..<operation.argumentCount).map { call.arguments[$0] } : []
    let request = ScriptedRequest(
      connection: connection, operation: call.operation, step: operation.step.index, role: operation.role, number: script.submittedCount,
      arguments: arguments, at: now)
    script.submittedCount += 1
    script.noteStep(request.step)
    if script.isRecording { script.submitted.append(request) }
    switch script.reply(request) {
    case .ok(0, let write):
      call.started(at: now)
      finish(call, .ok(after: 0, write), now: MonotonicClock.now)
    case .fails(0, let error):
      call.started(at: now)
      finish(call, .fails(after: 0, error), now: MonotonicClock.now)
    case .unknown(0):
      call.started(at: now)
      finish(call, .unknown(), now: MonotonicClock.now)
    case .ok(let after, let write): hold(call, .ok(after: after, write), until: now + after, now: now)
    case .fails(let after, let error): hold(call, .fails(after: after, error), until: now + after, now: now)
    case .unknown(let after): hold(call, .unknown(after: after), until: now + after, now: now)
    case .waits(let pool, let service): hold(call, .waits(pool: pool, service: service), until: now + pool, now: nil)
    case .never: hold(call, .never, until: .max, now: now)
    case .neverStarts: hold(call, .never, until: .max, now: nil)
    }
  }

  private func hold(_ call: OperationCall, _ reply: ScriptedReply, until: UInt64, now: UInt64?) {
    if let now { call.started(at: now) }
    let place = freePlaces.popLast() ?? pending.count
    if place == pending.count {
      pending.append((nil, .never, false))
      timers.append(ReactorTimer(owner: self, tag: place))
    }
    pending[place] = (call, reply, now != nil)
    call.place = place
    if until != .max { reactor.arm(timers[place], at: until) }
  }

  private func finish(_ call: OperationCall, _ reply: ScriptedReply, now: UInt64) {
    switch reply {
    case .ok(_, let write):
      write(call.result)
      switch program.operations[call.operation].role {
      case .plain: break
      case .beginsTransaction:
        call.lease = self
        script.heldLeases += 1
      case .commitsTransaction, .rollsBackTransaction: release(call)
      }
      call.succeed(at: now)
    case .fails(_, let error): call.fail(error, at: now)
    case .unknown:
      release(call)
      call.endUnknown(OperationError(.disconnected, code: "gone", "the script lost the connection"), at: now)
    case .never, .waits, .neverStarts: break
    }
  }

  private func release(_ call: OperationCall) {
    if call.lease != nil { script.heldLeases -= 1 }
    call.lease = nil
  }

  func timerFired(_ timer: ReactorTimer, now: UInt64) {
    if timer.tag < 0 {
      let completion = openCompletion
      openCompletion = nil
      completion?(script.openError)
      return
    }
    let (call, reply, isStarted) = pending[timer.tag]
    guard let call else {
      // Its call was abandoned: the reply comes all the same, and must matter to nobody.
      script.lateReplies += 1
      freePlaces.append(timer.tag)
      return
    }
    if case .waits(_, let service) = reply, !isStarted {
      call.started(at: now)
      pending[timer.tag].isStarted = true
      reactor.arm(timer, at: now + service)
      return
    }
    pending[timer.tag].call = nil
    freePlaces.append(timer.tag)
    if case .waits = reply { return finish(call, .ok(), now: now) }
    finish(call, reply, now: now)
  }

  func abandon(_ call: OperationCall, now: UInt64) {
    // Drivers may rely on it: the call is theirs, and has not ended.
    precondition(call.state == .waiting || call.state == .inFlight, "a call was abandoned after it had ended")
    script.abandoned += 1
    let place = call.place
    pending[place].call = nil
    if !timers[place].isArmed { freePlaces.append(place) }
    let error = OperationError(.timeout, code: "deadline", "no reply by the deadline")
    if call.state == .inFlight, program.operations[call.operation].writes, call.lease == nil {
      call.endUnknown(error, at: now)
    } else {
      call.fail(error, at: now)
    }
  }

  func endLease(_ call: OperationCall) {
    precondition(call.lease === self, "a lease was given back to a driver that has not got it")
    script.endedLeases += 1
    release(call)
  }

  func makeObserver(hop: HopDeclaration, sink: any SightingSink) throws(OperationError) -> any HopObserver {
    let observer = ScriptedObserver(sink: sink, armError: script.armError)
    script.observers[hop.name] = observer
    return observer
  }

  func close() {
    script.closedDrivers += 1
    for timer in timers { timer.invalidate() }
  }
}

final class ScriptedObserver: HopObserver {
  let sink: any SightingSink
  private let armError: OperationError?
  var isOpen = false
  var isFencing = false
  let mode = "scripted"
  var operationsSent: UInt64 = 0

  init(sink: any SightingSink, armError: OperationError?) {
    self.sink = sink
    self.armError = armError
  }

  func arm(deadline: UInt64, completion: @escaping (OperationError?) -> Void) {
    isOpen = armError == nil
    completion(armError)
  }

  func close() { isOpen = false }
}
