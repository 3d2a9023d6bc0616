internal import CPostgres
import ChainIO
import ChainProgram
import Glibc

/// One operation as libpq wants it. Made with the driver, shared by its connections.
final class StatementPlan {
  /// Place among the driver's plans.
  let number: Int
  /// The prepared statement's name, the same on every connection. Owned.
  let name: UnsafeMutablePointer<CChar>
  /// The SQL text with `$1`…. Owned.
  let text: UnsafeMutablePointer<CChar>
  /// Parameter *n* is the call's argument `parameters[n - 1]`.
  let parameters: [Int]
  let role: OperationRole
  /// Whether it needs no transaction that is open already.
  let mayBeginAnywhere: Bool
  let writes: Bool
  /// Whether losing the connection while it runs leaves open what became of a transaction.
  let commits: Bool
  let stepId: String
  /// Whether its one row is a plan, which is the result's content.
  let explains: Bool
  /// Bytes of the text in front of what the chain's author wrote.
  let prefixBytes: Int
  private static let explanation = "EXPLAIN (FORMAT JSON) "
  /// Learnt from the first description; nil before.
  var columnNames: [String]?

  init(number: Int, operation: Operation, stepId: String) throws(OperationError) {
    var parameters: [Int] = []
    var explains = false
    var prefixBytes = 0
    let sql: String
    switch operation.role {
    case .plain:
      guard case .sql(let text, let numbers) = operation.operand(operation.verb) else {
        throw OperationError(.protocol, "step '\(stepId)': the verb '\(operation.verb)' has no SQL text")
      }
      explains = operation.verb == "explain"
      prefixBytes = explains ? StatementPlan.explanation.utf8.count : 0
      sql = explains ? StatementPlan.explanation + text : text
      parameters = numbers
    case .beginsTransaction:
      guard case .choice(let level) = operation.operand("transaction"), PostgresConnector.isolationLevels.contains(level) else {
        throw OperationError(.protocol, "step '\(stepId)': the transaction has no isolation level")
      }
      sql = "BEGIN ISOLATION LEVEL " + level.uppercased()
    case .commitsTransaction: sql = "COMMIT"
    case .rollsBackTransaction: sql = "ROLLBACK"
    }
    guard !sql.utf8.contains(0) else { throw OperationError(.protocol, "step '\(stepId)': the SQL text holds a NUL character") }
    // The extended protocol counts parameters in 16 bits.
    guard parameters.count <= Int(UInt16.max) else { throw OperationError(.protocol, "step '\(stepId)': more than 65535 parameters") }
    let keyword = SQLEffect.firstKeyword(sql)
    self.number = number
    self.parameters = parameters
    self.stepId = stepId
    self.explains = explains
    self.prefixBytes = prefixBytes
    role = operation.role
    mayBeginAnywhere = operation.role == .plain || operation.role == .beginsTransaction
    writes = operation.writes
    commits = operation.role == .commitsTransaction || keyword == "COMMIT" || keyword == "END"
    name = strdup("chainrun_\(number)")
    text = strdup(sql)
  }

  deinit {
    free(name)
    free(text)
  }

  /// The statement with the trace behind it, as sqlcommenter writes it: where an error is in the text stays true. A line break ends a
  /// comment that the author has left open with `--`.
  func text(of trace: TraceParent) -> [CChar] {
    var bytes: [UInt8] = []
    Value.append("\n/*traceparent='", to: &bytes)
    trace.append(to: &bytes)
    Value.append("'*/", to: &bytes)
    bytes.append(0)
    return UnsafeBufferPointer(start: text, count: strlen(text)) + bytes.map { CChar(bitPattern: $0) }
  }

  /// Whether the operation may make a table that other statements name, so that these cannot be prepared before it ran.
  static func mayDefine(_ operation: Operation) -> Bool {
    guard operation.verb == "sql", case .sql(let text, _) = operation.operand("sql") else { return false }
    return ["CREATE", "ALTER", "DROP", "DO", "CALL"].contains(SQLEffect.firstKeyword(text))
  }
}

/// A call's arguments as the NUL-terminated texts that libpq wants. Reused for every call: libpq copies what it sends.
struct ParameterArena: ~Copyable {
  private var bytes: [UInt8] = []
  /// Where each parameter begins; -1 for NULL.
  private var offsets: ContiguousArray<Int> = []
  private let pointers: UnsafeMutablePointer<UnsafePointer<CChar>?>

  /// - Parameter capacity: The most parameters that any statement has.
  init(capacity: Int) {
    pointers = .allocate(capacity: max(1, capacity))
    bytes.reserveCapacity(4096)
    offsets.reserveCapacity(capacity)
  }

  deinit { pointers.deallocate() }

  /// Writes the texts of one call's parameters.
  ///
  /// - Throws: class `value` when a value has no text that PostgreSQL takes.
  mutating func encode(_ parameters: [Int], _ arguments: UnsafePointer<Value>) throws(OperationError) {
    bytes.removeAll(keepingCapacity: true)
    offsets.removeAll(keepingCapacity: true)
    for argument in parameters {
      let start = bytes.count
      var mayHoldNUL = false
      switch arguments[argument] {
      case .null:
        offsets.append(-1)
        continue
      case .bytes(let content): appendHex(content)
      case .list: throw OperationError(.value, "parameter \(offsets.count + 1) is a list, and SQL parameters are single values")
      case .string, .json:
        _ = arguments[argument].appendText(to: &bytes)
        mayHoldNUL = true
      case .bool, .int, .decimal, .float, .duration, .instant, .uuid, .rate, .size, .percentage:
        _ = arguments[argument].appendText(to: &bytes)
      }
      // libpq takes a text parameter up to its first NUL: the rest would be lost in silence.
      if mayHoldNUL, bytes[start...].withUnsafeBytes({ !$0.isEmpty && memchr($0.baseAddress!, 0, $0.count) != nil }) {
        throw OperationError(.value, "parameter \(offsets.count + 1) holds a NUL character, which PostgreSQL cannot store in text")
      }
      offsets.append(start)
      bytes.append(0)
    }
  }

  private mutating func appendHex(_ content: [UInt8]) {
    bytes.append(UInt8(ascii: "\\"))
    bytes.append(UInt8(ascii: "x"))
    for byte in content {
      bytes.append(ParameterArena.digit(byte >> 4))
      bytes.append(ParameterArena.digit(byte & 15))
    }
  }

  private static func digit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10 }

  /// The texts last written, as libpq's array of pointers; valid inside `body` only.
  mutating func withPointers(_ body: (Int32, UnsafePointer<UnsafePointer<CChar>?>) -> Int32) -> Int32 {
    bytes.withUnsafeBufferPointer { buffer in
      for (index, offset) in offsets.enumerated() {
        pointers[index] = offset < 0 ? nil : UnsafeRawPointer(buffer.baseAddress! + offset).assumingMemoryBound(to: CChar.self)
      }
      return body(Int32(offsets.count), pointers)
    }
  }
}
