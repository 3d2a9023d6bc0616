import ChainIO
import ChainProgram
import Diagnostics
import Glibc

@testable import RabbitMQConnector

/// A reactor on the test's own thread, with calls that remember how they ended.
final class Workbench: CallOwner {
  let reactor: Reactor
  var ended: [OperationCall] = []
  /// What to do with a call that has ended, beside remembering it.
  var whenEnded: ((OperationCall) -> Void)?

  init() { reactor = try! Reactor() }

  func callEnded(_ call: OperationCall) {
    if let whenEnded { whenEnded(call) } else { ended.append(call) }
  }

  /// Turns the reactor until `condition` holds.
  ///
  /// - Returns: false when the time is over.
  func turn(seconds: Double = 10, until condition: () -> Bool) -> Bool {
    let deadline = MonotonicClock.now + UInt64(seconds * 1e9)
    while !condition() {
      if MonotonicClock.now > deadline { return false }
      reactor.turn(waitingAtMost: 5_000_000)
    }
    return true
  }

  func idle(seconds: Double) { _ = turn(seconds: seconds) { false } }

  func open(_ driver: any ConnectionDriver, seconds: Double = 5) -> (completed: Bool, error: OperationError?) {
    var outcome: (completed: Bool, error: OperationError?) = (false, nil)
    driver.open(deadline: MonotonicClock.now + UInt64(seconds * 1e9)) { outcome = (true, $0) }
    _ = turn(seconds: seconds + 2) { outcome.completed }
    return outcome
  }

  /// Begins and submits a call with the arguments given, which stay alive for ever: tests are short.
  @discardableResult
  func submit(_ driver: any ConnectionDriver, operation: Int = 0, arguments: [Value] = [], call: OperationCall? = nil) -> OperationCall {
    let call = call ?? OperationCall(owner: self, reactor: reactor)
    let frame = UnsafeMutablePointer<Value>.allocate(capacity: max(arguments.count, 1))
    frame.initialize(from: arguments, count: arguments.count)
    call.begin(operation: operation, arguments: UnsafePointer(frame), now: MonotonicClock.now)
    driver.submit(call)
    return call
  }
}

let nowhere = SourceRange(file: FileIndex(0), start: 0, end: 0)

func textTemplate(_ text: String) -> OperandTemplate { .text(TextTemplate(text)) }

func argument(_ number: Int) -> OperandTemplate { .text(TextTemplate([.argument(number, .text)])) }

/// A `publish` operation with the operands given; the exchange comes first.
func publishOperation(_ exchange: OperandTemplate, _ keys: (String, OperandTemplate)...) -> ChainProgram.Operation {
  ChainProgram.Operation(
    step: StepIndex(0), connection: ConnectionIndex(0), verb: "publish", role: .plain, writes: true,
    operands: [(name: "publish", value: exchange)] + keys.map { (name: $0.0, value: $0.1) }, argumentBase: SlotIndex(0), argumentCount: 0,
    argumentTypes: [], timeoutNanoseconds: 1_000_000_000)
}

/// A `peek`, `consume` or `queue` operation; the queue's name is argument 0 unless given.
func queueOperation(
  _ verb: String, _ keys: [(name: String, value: OperandTemplate)] = [], queue: OperandTemplate = argument(0)
) -> ChainProgram.Operation {
  ChainProgram.Operation(
    step: StepIndex(0), connection: ConnectionIndex(0), verb: verb, role: .plain, writes: verb == "consume",
    operands: [(name: verb, value: queue)] + keys, argumentBase: SlotIndex(0), argumentCount: 0, argumentTypes: [],
    timeoutNanoseconds: 1_000_000_000)
}

func program(
  _ operations: [ChainProgram.Operation] = [], access: String = "publish", pool: ConnectionDeclaration.Pool = .size(1),
  acquireSeconds: Double = 5
) -> Program {
  var program = Program(chain: "test", chainDescription: "", chainHash: "")
  program.connections = [
    ConnectionDeclaration(
      name: "mq", kind: "amqp", address: .literal(""), access: access, pool: pool,
      acquireTimeoutNanoseconds: UInt64(acquireSeconds * 1e9), connectTimeoutNanoseconds: 3_000_000_000, options: [], range: nowhere)
  ]
  program.operations = operations
  return program
}

func makeDriver(
  _ bench: Workbench, _ address: String, _ operations: [ChainProgram.Operation] = [], access: String = "publish",
  pool: ConnectionDeclaration.Pool = .size(1), acquireSeconds: Double = 5
) throws -> any ConnectionDriver {
  let program = program(operations, access: access, pool: pool, acquireSeconds: acquireSeconds)
  let connector = RabbitMQConnector()
  let target = try connector.resolve(program.connections[0], address: address)
  return try connector.makeDriver(connection: ConnectionIndex(0), target: target, program: program, users: 1, reactor: bench.reactor)
}

func tapHop(
  exchange: String, routingKey: String? = nil, readsContent: Bool = true, keys: [(name: String, value: OperandTemplate)] = []
) -> HopDeclaration {
  var operands = [(name: "tap", value: textTemplate(exchange))] + keys
  if let routingKey { operands.append((name: "routing_key", value: textTemplate(routingKey))) }
  return HopDeclaration(
    name: "queued", connection: ConnectionIndex(0), observer: "tap", operands: operands, mappingEntry: 0, idSlot: SlotIndex(0),
    keySlot: nil,
    versionSlot: nil, bodySlots: [], readsContent: readsContent, range: nowhere)
}

/// Keeps what an observer says.
final class SightingLog: SightingSink {
  struct Entry {
    let notBefore: UInt64
    let seen: UInt64
    let key: String
    let body: String
    let headers: [String]
  }
  var entries: [Entry] = []
  var gapsBegun: [UInt64] = []
  var causes: [String] = []
  var gapsEnded: [UInt64] = []

  func sighted(_ sighting: borrowing Sighting) {
    let content = sighting.content
    entries.append(
      Entry(
        notBefore: sighting.notBefore, seen: sighting.seen, key: content.string(content.key), body: content.string(content.body),
        headers: content.headers.map { "\(content.string($0.name))=\(content.string($0.value))" }))
  }
  func gapBegan(at start: UInt64, cause: String) {
    gapsBegun.append(start)
    causes.append(cause)
  }
  func gapEnded(at end: UInt64) { gapsEnded.append(end) }
}

/// The address of the sandbox's broker; nil where there is none.
let brokerAddress: String? = getenv("ORDERS_MQ").map { String(cString: $0) }
