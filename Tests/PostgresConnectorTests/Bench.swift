import ChainIO
import ChainProgram
import Diagnostics
import Glibc
import PostgresConnector
import Testing

/// The address of the sandbox's database; nil where there is none.
let serverAddress: String? = getenv("ORDERS_DB").map { String(cString: $0) }

/// One operation of a test's program.
struct Statement {
  var sql = ""
  var parameters: [Int] = []
  var writes = false
  var role = OperationRole.plain

  static func sql(_ sql: String, _ parameters: [Int] = [], writes: Bool = false) -> Statement {
    Statement(sql: sql, parameters: parameters, writes: writes)
  }
  static func begin(_ level: String = "read committed") -> Statement { Statement(sql: level, role: .beginsTransaction) }
  static let commit = Statement(role: .commitsTransaction)
  static let rollback = Statement(role: .rollsBackTransaction)
}

/// A driver with its reactor, turned by the test's own thread.
final class Bench: CallOwner {
  let reactor: Reactor
  let driver: any ConnectionDriver
  let declaration: ConnectionDeclaration
  private(set) var endedCount = 0
  var whenEnded: ((OperationCall) -> Void)?

  init(
    _ statements: [Statement], address: String? = serverAddress, access: String = "write", pool: Int = 2, prepare: String? = nil,
    acquireTimeoutMilliseconds: UInt64 = 5_000, connectTimeoutMilliseconds: UInt64 = 5_000, timeoutMilliseconds: UInt64 = 10_000
  ) throws {
    reactor = try Reactor()
    let nowhere = SourceRange(file: FileIndex(0), start: 0, end: 0)
    declaration = ConnectionDeclaration(
      name: "db", kind: "postgres", address: .environment("ORDERS_DB"), access: access, pool: .size(pool),
      acquireTimeoutNanoseconds: acquireTimeoutMilliseconds * 1_000_000, connectTimeoutNanoseconds: connectTimeoutMilliseconds * 1_000_000,
      options: prepare.map { [("prepare", .choice($0))] } ?? [], range: nowhere)
    var program = Program(chain: "test", chainDescription: "", chainHash: "")
    program.connections = [declaration]
    for (index, statement) in statements.enumerated() {
      let operands: [(name: String, value: OperandTemplate)] =
        switch statement.role {
        case .plain: [("sql", .sql(text: statement.sql, parameters: statement.parameters))]
        case .beginsTransaction: [("transaction", .choice(statement.sql))]
        case .commitsTransaction, .rollsBackTransaction: []
        }
      program.steps.append(
        StepDescription(
          id: "step_\(index)", name: "step_\(index)", method: "SQL", verb: "sql", range: nowhere, connection: ConnectionIndex(0)))
      program.operations.append(
        Operation(
          step: StepIndex(index), connection: ConnectionIndex(0), verb: statement.role == .plain ? "sql" : "transaction",
          role: statement.role,
          writes: statement.writes, operands: operands, argumentBase: SlotIndex(0),
          argumentCount: statement.parameters.isEmpty ? 0 : statement.parameters.max()! + 1, argumentTypes: [],
          timeoutNanoseconds: timeoutMilliseconds * 1_000_000))
    }
    let connector = PostgresConnector()
    let target = try connector.resolve(declaration, address: address ?? "")
    driver = try connector.makeDriver(connection: ConnectionIndex(0), target: target, program: program, users: 1, reactor: reactor)
  }

  deinit {
    driver.close()
    reactor.turn(waitingAtMost: 0)
  }

  func callEnded(_ call: OperationCall) {
    endedCount += 1
    whenEnded?(call)
  }

  /// Turns the reactor until `condition` holds.
  ///
  /// - Returns: false if it does not within the time given.
  @discardableResult
  func turn(milliseconds: UInt64 = 10_000, until condition: () -> Bool) -> Bool {
    let deadline = MonotonicClock.now + milliseconds * 1_000_000
    while !condition() {
      if MonotonicClock.now > deadline { return false }
      reactor.turn(waitingAtMost: 5_000_000)
    }
    return true
  }

  func turn(for milliseconds: UInt64) { turn(milliseconds: milliseconds) { false } }

  /// Opens the driver; the error it reported.
  func open(milliseconds: UInt64 = 5_000) throws -> OperationError? {
    var outcome: OperationError??
    driver.open(deadline: MonotonicClock.now + milliseconds * 1_000_000) { outcome = .some($0) }
    try #require(turn(milliseconds: milliseconds + 1_000) { outcome != nil }, "the driver neither opened nor failed")
    return outcome!
  }

  static func opened(
    _ statements: [Statement], access: String = "write", pool: Int = 2, prepare: String? = nil, acquireTimeoutMilliseconds: UInt64 = 5_000
  )
    throws -> Bench
  {
    let bench = try Bench(statements, access: access, pool: pool, prepare: prepare, acquireTimeoutMilliseconds: acquireTimeoutMilliseconds)
    let failure = try bench.open()
    try #require(failure == nil)
    return bench
  }
}

/// A virtual user: one call, and room for its arguments.
final class User {
  let bench: Bench
  let call: OperationCall
  private let arguments: UnsafeMutablePointer<Value>

  init(_ bench: Bench, tag: Int = 0) {
    self.bench = bench
    call = OperationCall(owner: bench, reactor: bench.reactor, tag: tag)
    arguments = .allocate(capacity: 16)
    arguments.initialize(repeating: .null, count: 16)
  }

  deinit {
    arguments.deinitialize(count: 16)
    arguments.deallocate()
  }

  func submit(_ operation: Int, _ values: [Value] = []) {
    for (index, value) in values.enumerated() { arguments[index] = value }
    call.begin(operation: operation, arguments: UnsafePointer(arguments), now: MonotonicClock.now)
    bench.driver.submit(call)
  }

  var isIdle: Bool { call.state == .idle }

  /// Submits and waits until the call has ended.
  @discardableResult
  func run(_ operation: Int, _ values: [Value] = []) throws -> Outcome {
    submit(operation, values)
    try #require(bench.turn { isIdle }, "the call did not end")
    return outcome
  }

  var outcome: Outcome {
    let result = call.result
    return Outcome(
      ending: call.ending, failure: call.failure, columns: Array(result.columnNames.prefix(result.columnCount)),
      cells: result.nodes.map { $0.kind == .null ? nil : result.string($0) }, rowCount: result.rowCount, affected: result.affected)
  }
}

struct Outcome {
  let ending: OperationCall.Ending
  let failure: OperationError?
  let columns: [String]
  let cells: [String?]
  let rowCount: Int
  let affected: Int64
  var isOk: Bool { ending == .ok }
}
