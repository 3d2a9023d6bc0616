import ChainIO
import ChainProgram
import Glibc

@testable import RedisConnector

/// A reactor on the test's thread, a program of Redis commands, and calls to submit. Every wait has a deadline.
final class Bench: CallOwner {
  let reactor: Reactor
  let driver: RedisDriver
  private(set) var ended: [OperationCall] = []
  private var arguments: [UnsafeMutablePointer<Value>] = []

  init(
    address: String, commands: [TestCommand], access: String = "write", pool: ConnectionDeclaration.Pool = .size(1), users: Int = 1,
    acquireTimeout: UInt64 = 2_000_000_000
  ) throws {
    reactor = try Reactor()
    let program = Bench.program(address: address, commands: commands, access: access, pool: pool, acquireTimeout: acquireTimeout)
    let connector = RedisConnector()
    let target = try connector.resolve(program.connections[0], address: address)
    let made = try connector.makeDriver(connection: ConnectionIndex(0), target: target, program: program, users: users, reactor: reactor)
    guard let driver = made as? RedisDriver else { preconditionFailure("the connector makes its own drivers") }
    self.driver = driver
  }

  deinit { for pointer in arguments { pointer.deallocate() } }

  static func program(
    address: String, commands: [TestCommand], access: String = "write", pool: ConnectionDeclaration.Pool = .size(1),
    acquireTimeout: UInt64 = 2_000_000_000
  ) -> Program {
    var program = Program(chain: "test", chainDescription: "", chainHash: "")
    program.connections = [
      ConnectionDeclaration(
        name: "cache", kind: "redis", address: .literal(address), access: access, pool: pool, acquireTimeoutNanoseconds: acquireTimeout,
        connectTimeoutNanoseconds: 2_000_000_000, options: [], range: .init(file: .init(0), start: 0, end: 0))
    ]
    program.operations = commands.map { command in
      Operation(
        step: StepIndex(0), connection: ConnectionIndex(0), verb: "redis", role: .plain, writes: command.writes,
        operands: [("redis", .words(command.words))], argumentBase: SlotIndex(0), argumentCount: 8, argumentTypes: [],
        timeoutNanoseconds: 1_000_000_000)
    }
    return program
  }

  func callEnded(_ call: OperationCall) { ended.append(call) }

  /// Turns the reactor until `isDone` or the deadline.
  @discardableResult
  func run(for limit: Duration = .seconds(20), until isDone: () -> Bool) -> Bool {
    let deadline = MonotonicClock.now + UInt64(limit / .nanoseconds(1))
    while !isDone() {
      guard MonotonicClock.now < deadline else { return false }
      reactor.turn(waitingAtMost: 5_000_000)
    }
    return true
  }

  func open(within limit: Duration = .seconds(3)) -> OperationError?? {
    var outcome: OperationError??
    driver.open(deadline: MonotonicClock.now + UInt64(limit / .nanoseconds(1))) { outcome = .some($0) }
    run(for: limit + .seconds(1)) { outcome != nil }
    return outcome
  }

  /// Why it could not be opened; nil if it could.
  func refusal(within limit: Duration = .seconds(3)) -> OperationError? { open(within: limit) ?? nil }

  /// Submits an operation, of a virtual user of its own, and leaves it under way.
  func submit(_ operation: Int, _ values: [Value] = []) -> OperationCall {
    let call = OperationCall(owner: self, reactor: reactor, user: arguments.count)
    let pointer = UnsafeMutablePointer<Value>.allocate(capacity: 8)
    pointer.initialize(repeating: .null, count: 8)
    for (index, value) in values.enumerated() { pointer[index] = value }
    arguments.append(pointer)
    call.begin(operation: operation, arguments: pointer, now: MonotonicClock.now)
    driver.submit(call)
    return call
  }

  /// Submits an operation and waits for its end.
  func ask(_ operation: Int, _ values: [Value] = [], within limit: Duration = .seconds(20)) -> OperationCall {
    let call = submit(operation, values)
    run(for: limit) { call.state == .idle }
    return call
  }
}

/// A command for a test program: `{0}` in a word is argument 0.
struct TestCommand: ExpressibleByStringLiteral {
  let words: [TextTemplate]
  let writes: Bool

  init(stringLiteral text: String) { self.init(text.split(separator: " ").map(String.init)) }

  init(_ words: [String], writes: Bool? = nil) {
    self.words = words.map { word in
      var pieces: [TextPiece] = []
      var literal: [UInt8] = []
      let bytes = Array(word.utf8)
      var at = 0
      while at < bytes.count {
        if bytes[at] == UInt8(ascii: "{"), at + 2 < bytes.count, bytes[at + 2] == UInt8(ascii: "}") {
          if !literal.isEmpty { pieces.append(.literal(literal)) }
          literal = []
          pieces.append(.argument(Int(bytes[at + 1] - UInt8(ascii: "0")), .text))
          at += 3
        } else {
          literal.append(bytes[at])
          at += 1
        }
      }
      if !literal.isEmpty || pieces.isEmpty { pieces.append(.literal(literal)) }
      return TextTemplate(pieces)
    }
    if let writes {
      self.writes = writes
    } else if case .reads = RedisCommandTable.effect(ofCommandIn: words.joined(separator: " ")) {
      self.writes = false
    } else {
      self.writes = true
    }
  }
}

extension OperationResult {
  /// The reply as text for comparing: `["a", 1, null]`.
  var shown: String {
    var at = 0
    func one() -> String {
      guard at < nodes.count else { return "?" }
      let node = nodes[at]
      at += 1
      switch node.kind {
      case .null: return "null"
      case .integer: return "\(node.integer)"
      case .text: return "\"\(string(node))\""
      case .array:
        var parts: [String] = []
        for _ in 0..<node.length { parts.append(one()) }
        return "[" + parts.joined(separator: ", ") + "]"
      }
    }
    return one()
  }
}
