internal import CPostgres
import ChainIO
import ChainProgram
import Glibc

/// One `PGresult`, freed with its owner.
struct ServerReply: ~Copyable {
  private let result: OpaquePointer
  static let rowsMax = 100_000

  init(_ result: OpaquePointer) { self.result = result }

  deinit { PQclear(result) }

  enum Kind {
    case rows
    case command
    case error
    /// The server wants to copy, which this connector does not speak.
    case copy
    /// Sent after an error in a pipeline, up to its sync.
    case aborted
    case sync
  }

  var kind: Kind {
    switch PQresultStatus(result) {
    case PGRES_TUPLES_OK, PGRES_SINGLE_TUPLE: .rows
    case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: .command
    case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH: .copy
    case PGRES_PIPELINE_ABORTED: .aborted
    case PGRES_PIPELINE_SYNC: .sync
    default: .error
    }
  }

  /// Whether it is COMMIT's answer to a transaction that had already failed: PostgreSQL says success and rolls back.
  var isRollback: Bool { strcmp(PQcmdStatus(result), "ROLLBACK") == 0 }

  var columnNames: [String] { (0..<PQnfields(result)).map { String(cString: PQfname(result, $0)) } }

  /// Of a description: each parameter's type.
  var parameterTypes: [UInt32] { (0..<PQnparams(result)).map { PQparamtype(result, $0) } }

  /// Each column's type and type modifier.
  var columnTypes: [(type: UInt32, modifier: Int32)] { (0..<PQnfields(result)).map { (PQftype(result, $0), PQfmod(result, $0)) } }

  var rowCount: Int { Int(PQntuples(result)) }

  /// Empty for NULL.
  func text(row: Int, column: Int) -> String { String(cString: PQgetvalue(result, Int32(row), Int32(column))) }

  func isNull(row: Int, column: Int) -> Bool { PQgetisnull(result, Int32(row), Int32(column)) != 0 }

  /// Of an error: the character of the statement, from one, where it lies; nil if the server does not say.
  var errorPosition: Int? { field(.statementPosition).flatMap { Int($0) } }

  /// Of an error: the server's advice.
  var errorHint: String? { field(.hint) }

  /// Writes rows and counts into `target`.
  ///
  /// - Parameter plan: Its column names are shared with the result, so that nothing is copied per execution.
  /// - Returns: what is wrong if a limit is exceeded.
  func write(to target: OperationResult, plan: StatementPlan) -> OperationError? {
    target.affected = Int64(strtoll(PQcmdTuples(result), nil, 10))
    let columns = PQnfields(result)
    let rows = PQntuples(result)
    if plan.explains, rows > 0, columns > 0 {
      let length = Int(PQgetlength(result, 0, 0))
      guard length <= OperationResult.bytesMax else { return ServerReply.tooLarge }
      target.setBody(UnsafeRawBufferPointer(start: PQgetvalue(result, 0, 0), count: length))
      return nil
    }
    target.columnCount = Int(columns)
    target.rowCount = 0
    if columns == 0 { return nil }
    if let known = plan.columnNames, isNamed(known) {
      target.columnNames = known
    } else {
      let names = columnNames
      plan.columnNames = names
      target.columnNames = names
    }
    guard Int(rows) <= ServerReply.rowsMax else {
      return OperationError(.protocol, code: "result-too-large", "the result has \(rows) rows; at most \(ServerReply.rowsMax) are taken")
    }
    for row in 0..<rows {
      for column in 0..<columns {
        // libpq: PQgetvalue is the empty string for NULL, manual 34.3.2.
        let length = Int(PQgetlength(result, row, column))
        if length == 0, PQgetisnull(result, row, column) != 0 {
          target.appendNull()
        } else {
          guard target.bytes.count + length <= OperationResult.bytesMax else { return ServerReply.tooLarge }
          target.appendText(UnsafeRawBufferPointer(start: PQgetvalue(result, row, column), count: length))
        }
      }
    }
    target.rowCount = Int(rows)
    return nil
  }

  static var tooLarge: OperationError {
    OperationError(.protocol, code: "result-too-large", "the result is larger than \(OperationResult.bytesMax >> 20) MiB")
  }

  private func isNamed(_ names: [String]) -> Bool {
    guard names.count == Int(PQnfields(result)) else { return false }
    for (index, name) in names.enumerated() where !ServerReply.isEqual(name, PQfname(result, Int32(index))) { return false }
    return true
  }

  private static func isEqual(_ name: String, _ text: UnsafePointer<CChar>?) -> Bool {
    guard let text else { return false }
    var position = 0
    for byte in name.utf8 {
      // A NUL is unequal to any byte of a name, so this never reads beyond the text's end.
      guard UInt8(bitPattern: text[position]) == byte else { return false }
      position += 1
    }
    return text[position] == 0
  }

  /// The server's no: SQLSTATE and primary message. The detail is left out, since it holds values.
  var error: OperationError {
    let code = field(.sqlState) ?? ""
    guard let message = field(.primaryMessage) else {
      // libpq's own complaint, such as a lost connection.
      return OperationError(.protocol, code: code, ServerReply.firstLine(String(cString: PQresultErrorMessage(result))))
    }
    return OperationError(.server, code: code, ServerReply.masked(message, code: code))
  }

  /// Whether the server closes the connection after this error.
  var isFatal: Bool {
    let severity = field(.severity)
    return severity == "FATAL" || severity == "PANIC"
  }

  /// The letters of postgres_ext.h's PG_DIAG macros, which Swift does not import.
  private enum DiagnosticField: UInt8 {
    /// PG_DIAG_SEVERITY_NONLOCALIZED
    case severity = 0x56
    /// PG_DIAG_SQLSTATE
    case sqlState = 0x43
    /// PG_DIAG_MESSAGE_PRIMARY
    case primaryMessage = 0x4D
    /// PG_DIAG_MESSAGE_HINT
    case hint = 0x48
    /// PG_DIAG_STATEMENT_POSITION
    case statementPosition = 0x50
  }

  private func field(_ field: DiagnosticField) -> String? { PQresultErrorField(result, Int32(field.rawValue)).map { String(cString: $0) } }

  /// Messages of class 22, data exceptions, quote the value that was wrong; those of other classes quote names.
  static func masked(_ message: String, code: String) -> String {
    guard code.hasPrefix("22"), let first = message.firstIndex(of: "\""), let last = message.lastIndex(of: "\""), first < last else {
      return firstLine(message)
    }
    return firstLine(message[..<first] + "\"…\"" + message[message.index(after: last)...])
  }

  static func firstLine(_ message: some StringProtocol) -> String {
    String((message.split(whereSeparator: \.isNewline).first ?? "").prefix(200))
  }
}
