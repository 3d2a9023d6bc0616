import ChainIO
import ChainProgram
import Glibc
import HTTPConnector
import Testing

/// A reactor on the test's thread, one driver, and calls with their own arguments.
final class HTTPBench: CallOwner {
  /// One `http` step as the compiler would hand it over.
  struct Step {
    var request: [TextPiece]
    var headers: [(name: String, value: TextTemplate)] = []
    var json: TextTemplate?
    var text: TextTemplate?
    var contentType: String?
    var query: [(name: String, value: TextTemplate)] = []
    /// A GraphQL document instead of the request.
    var document: String?
    var variables: TextTemplate?
    var path: TextTemplate?
    var writes = false

    static func graphQL(_ document: String, variables: TextTemplate? = nil) -> Step {
      Step(request: [], document: document, variables: variables)
    }
    static func get(_ path: String) -> Step { Step(request: [.literal(Array("GET \(path)".utf8))]) }
    static func post(_ path: String) -> Step { Step(request: [.literal(Array("POST \(path)".utf8))], writes: true) }
  }

  let reactor: Reactor
  let driver: any ConnectionDriver
  private(set) var calls: [OperationCall] = []
  private var arguments: [UnsafeMutablePointer<Value>] = []
  private(set) var endedTags: [Int] = []
  /// Called in the turn in which a call has ended.
  var onEnd: ((OperationCall) -> Void)?

  /// - Parameter users: For `pool: per_vu` with as many declared users, instead of a pool's size.
  init(
    _ url: String, pool: Int = 4, users: Int? = nil, access: String = "write", headers: [(name: String, value: TextTemplate)] = [],
    caFile: String? = nil, acquireMilliseconds: UInt64 = 5_000, connectMilliseconds: UInt64 = 2_000, readsHeaders: Bool = true,
    steps: [Step]
  ) throws {
    signal(SIGPIPE, SIG_IGN)
    var options: [(name: String, value: OperandTemplate)] = []
    if !headers.isEmpty { options.append(("headers", .textMap(headers))) }
    if let caFile { options.append(("ca_file", .text(TextTemplate(caFile)))) }
    let declaration = ConnectionDeclaration(
      name: "api", kind: "http", address: .literal(url), access: access,
      pool: users == nil ? .size(pool) : .perUser,
      acquireTimeoutNanoseconds: acquireMilliseconds * 1_000_000, connectTimeoutNanoseconds: connectMilliseconds * 1_000_000,
      options: options, range: .init(file: .init(0), start: 0, end: 0))
    var program = Program(chain: "test", chainDescription: "", chainHash: "")
    program.connections = [declaration]
    if readsHeaders { program.resultPaths = [ResultPath(field: .headers, segments: [.member("x")])] }
    for step in steps {
      let verb = step.document == nil ? "http" : "graphql"
      var operands: [(name: String, value: OperandTemplate)] = [
        (verb, .text(step.document.map { TextTemplate($0) } ?? TextTemplate(step.request)))
      ]
      if !step.query.isEmpty { operands.append(("query", .textMap(step.query))) }
      if let variables = step.variables { operands.append(("variables", .json(variables))) }
      if let path = step.path { operands.append(("path", .text(path))) }
      if !step.headers.isEmpty { operands.append(("headers", .textMap(step.headers))) }
      if let json = step.json { operands.append(("json", .json(json))) }
      if let text = step.text { operands.append(("text", .text(text))) }
      if let type = step.contentType { operands.append(("content_type", .text(TextTemplate(type)))) }
      program.operations.append(
        Operation(
          step: StepIndex(0), connection: ConnectionIndex(0), verb: verb, role: .plain, writes: step.writes, operands: operands,
          argumentBase: SlotIndex(0), argumentCount: 4, argumentTypes: [], timeoutNanoseconds: 5_000_000_000))
    }
    let connector = HTTPConnector()
    let target = try connector.resolve(declaration, address: url)
    reactor = try Reactor()
    driver = try connector.makeDriver(
      connection: ConnectionIndex(0), target: target, program: program, users: users ?? 64, reactor: reactor)
  }

  deinit {
    driver.close()
    for pointer in arguments {
      pointer.deinitialize(count: 4)
      pointer.deallocate()
    }
  }

  func callEnded(_ call: OperationCall) {
    endedTags.append(call.tag)
    onEnd?(call)
  }

  /// Submits an operation on a call of its own.
  @discardableResult func submit(_ operation: Int = 0, _ values: [Value] = [], user: Int = 0) -> OperationCall {
    let call = OperationCall(owner: self, reactor: reactor, tag: calls.count, user: user)
    calls.append(call)
    let pointer = UnsafeMutablePointer<Value>.allocate(capacity: 4)
    pointer.initialize(repeating: .null, count: 4)
    for (index, value) in values.enumerated() { pointer[index] = value }
    arguments.append(pointer)
    again(call, operation, pointer)
    return call
  }

  func again(_ call: OperationCall, _ operation: Int, _ pointer: UnsafePointer<Value>? = nil) {
    call.begin(operation: operation, arguments: pointer ?? UnsafePointer(arguments[call.tag]), now: MonotonicClock.now)
    driver.submit(call)
  }

  /// Turns until the condition holds, at most `milliseconds`.
  @discardableResult func turn(_ milliseconds: UInt64 = 5_000, until condition: () -> Bool) -> Bool {
    let deadline = MonotonicClock.now + milliseconds * 1_000_000
    while !condition() {
      guard MonotonicClock.now < deadline else { return false }
      reactor.turn(waitingAtMost: 10_000_000)
    }
    return true
  }

  /// Submits one call and turns until it has ended.
  @discardableResult func run(_ operation: Int = 0, _ values: [Value] = [], user: Int = 0) throws -> OperationCall {
    let call = submit(operation, values, user: user)
    try #require(turn { call.state == .idle }, "the call did not end")
    return call
  }
}

extension OperationCall {
  var bodyText: String { result.string(result.body) }
  func header(_ name: String) -> String? {
    for header in result.headers where result.string(header.name) == name { return result.string(header.value) }
    return nil
  }
}
