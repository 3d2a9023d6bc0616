package import ChainIO
package import ChainProgram

extension PostgresConnector: OnlineInspection {
  /// Prepares and describes each statement, and has it planned with nulls (EXPLAIN checks privileges), in read-only transactions that are
  /// rolled back. Nothing is executed.
  package func inspect(connection: ConnectionIndex, target: any ConnectionTarget, program: Program, deadline: UInt64) -> InspectionReport {
    guard let target = target as? PostgresTarget else {
      preconditionFailure("a PostgreSQL inspection was given another connector's target")
    }
    var inspection = PostgresInspection(program: program, connection: connection)
    do throws(OperationError) {
      let session = try InspectionSession(target: target, deadline: deadline)
      try inspection.run(session)
    } catch {
      inspection.report.add(.unreachable, .connection, error.message)
    }
    return inspection.report
  }
}

private struct PostgresInspection {
  var report = InspectionReport()
  private let program: Program
  private let connection: ConnectionIndex
  private let mayDefine: Bool
  private var described: [Description] = []

  private struct Description {
    let operation: Int
    var parameters: [UInt32] = []
    var columns: [(name: String, type: UInt32, modifier: Int32)] = []
  }

  init(program: Program, connection: ConnectionIndex) {
    self.program = program
    self.connection = connection
    mayDefine = program.operations.contains { StatementPlan.mayDefine($0) }
  }

  mutating func run(_ session: InspectionSession) throws(OperationError) {
    report.server = "PostgreSQL \(session.serverVersion)"
    var seen: [String: Int] = [:]
    try session.query("BEGIN READ ONLY")
    for (index, operation) in program.operations.enumerated() where operation.connection == connection && operation.role == .plain {
      guard let plan = try? StatementPlan(number: index, operation: operation, stepId: program.steps[operation.step.index].id) else { continue }
      let text = String(cString: plan.text)
      // A flow that is used twice has each of its statements twice; one answer is enough.
      let isKnown = seen.updateValue(index, forKey: "\(program.steps[operation.step.index].range.start) \(text)") != nil
      if !isKnown { try look(at: plan, text, operation: index, session) }
    }
    try session.query("ROLLBACK")
    try nameTypes(session)
  }

  // One statement

  private struct Refusal {
    let error: OperationError
    let position: Int?
    let hint: String?
  }

  private mutating func look(at plan: StatementPlan, _ text: String, operation: Int, _ session: InspectionSession) throws(OperationError) {
    var refusal: Refusal?
    func note(_ reply: borrowing ServerReply) {
      if reply.kind == .error, refusal == nil { refusal = Refusal(error: reply.error, position: reply.errorPosition, hint: reply.errorHint) }
    }
    try session.prepare(plan) { note($0) }
    if let refusal {
      report(refusal, plan, text, operation: operation)
      return try beginAgain(session)
    }
    var description = Description(operation: operation)
    try session.describe(plan) { reply in
      note(reply)
      guard reply.kind != .error else { return }
      description.parameters = reply.parameterTypes
      description.columns = zip(reply.columnNames, reply.columnTypes).map { ($0, $1.type, $1.modifier) }
    }
    if refusal == nil { described.append(description) }
    if refusal == nil, PostgresInspection.explainable.contains(SQLEffect.firstKeyword(text)) {
      let nulls = description.parameters.isEmpty ? "" : "(" + description.parameters.map { _ in "NULL" }.joined(separator: ", ") + ")"
      try session.query("EXPLAIN EXECUTE \(String(cString: plan.name))\(nulls)") { note($0) }
      if let refused = refusal {
        // Privileges are what the plan is made for; another refusal may come from the nulls.
        if refused.error.code == "42501" {
          report(refused, plan, text, operation: operation)
        } else {
          report.add(
            .unchecked, .operation(operation, position: nil),
            "whether the user may run this could not be checked: \(PostgresInspection.phrase(refused.error.message))")
        }
      }
    } else if refusal == nil, !plan.explains {
      report.add(
        .unchecked, .operation(operation, position: nil),
        "'\(SQLEffect.firstKeyword(text))' is checked by the server only when it runs")
    }
    if refusal != nil { try beginAgain(session) }
  }

  private static let explainable: Set<String> = ["SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "TABLE", "WITH"]

  /// After an error the transaction takes no more statements.
  private func beginAgain(_ session: InspectionSession) throws(OperationError) {
    try session.query("ROLLBACK")
    try session.query("BEGIN READ ONLY")
  }

  private mutating func report(_ refusal: Refusal, _ plan: StatementPlan, _ text: String, operation: Int) {
    let position = refusal.position.map { max(0, PostgresInspection.offset(ofCharacter: $0, in: text) - plan.prefixBytes) }
    let subject = InspectionProblem.Subject.operation(operation, position: position)
    let code = refusal.error.code
    let message = PostgresInspection.phrase(refusal.error.message)
    if mayDefine, PostgresConnection.isUndefined(code) {
      return report.add(.unchecked, subject, "\(message), and the chain may make it itself: what it does with it is not checked")
    }
    let kind: InspectionProblem.Kind =
      switch code {
      case "42703": .unknownColumn
      case "42501": .permission
      default: .statement
      }
    report.add(kind, subject, "\(message) (SQLSTATE \(code))", help: refusal.hint.map { PostgresInspection.phrase($0) })
  }

  /// The server counts characters from one; findings count UTF-8 bytes from nought.
  private static func offset(ofCharacter position: Int, in text: String) -> Int {
    let scalars = text.unicodeScalars
    let index = scalars.index(scalars.startIndex, offsetBy: max(0, position - 1), limitedBy: scalars.endIndex) ?? scalars.endIndex
    return text.utf8.distance(from: text.utf8.startIndex, to: index)
  }

  /// The server's words as findings write: single quotes around names, a small letter first, no full stop.
  private static func phrase(_ message: String) -> String {
    var text = String(message.map { $0 == "\"" ? "'" : $0 })
    if text.hasSuffix(".") { text.removeLast() }
    let second = text.dropFirst().first
    return second?.isLowercase == true || second == " " ? text.prefix(1).lowercased() + text.dropFirst() : text
  }

  // Types

  private mutating func nameTypes(_ session: InspectionSession) throws(OperationError) {
    let used = Set(described.flatMap { $0.parameters + $0.columns.map(\.type) }).sorted()
    var names: [UInt32: (shown: String, base: String)] = [:]
    if !used.isEmpty {
      try session.query(
        """
        SELECT t.oid, pg_catalog.format_type(t.oid, NULL), coalesce(b.typname, t.typname)
        FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype
        WHERE t.oid IN (\(used.map(String.init).joined(separator: ", ")))
        """
      ) { reply in
        guard reply.kind == .rows else { return }
        for row in 0..<reply.rowCount {
          if let type = UInt32(reply.text(row: row, column: 0)) {
            names[type] = (reply.text(row: row, column: 1), reply.text(row: row, column: 2))
          }
        }
      }
    }
    func type(_ number: UInt32, modifier: Int32) -> ColumnType {
      let (shown, base) = names[number] ?? ("type \(number)", "")
      return ColumnType(name: shown, family: PostgresInspection.family(base, modifier: modifier))
    }
    for description in described {
      report.statements.append(
        StatementFacts(
          operation: description.operation, parameters: description.parameters.map { type($0, modifier: -1) },
          columns: description.columns.map { StatementFacts.Column(name: $0.name, type: type($0.type, modifier: $0.modifier)) }))
    }
  }

  /// - Parameter modifier: Of `numeric(precision, scale)`: the two in 16 bits each, plus four; -1 if it says neither.
  static func family(_ base: String, modifier: Int32) -> ColumnType.Family {
    switch base {
    case "int2", "int4", "int8", "oid": .integer
    // The scale has eleven bits and a sign since PostgreSQL 15.
    case "numeric": .decimal(scale: modifier < 4 ? nil : Int(((modifier - 4) & 0x7ff) ^ 1024) - 1024)
    case "float4", "float8": .float
    case "bool": .bool
    case "text", "varchar", "bpchar", "name", "char", "citext", "unknown": .text
    case "uuid": .uuid
    case "timestamptz": .instant
    case "timestamp", "date", "time", "timetz": .calendar
    case "interval": .interval
    case "json", "jsonb": .json
    case "bytea": .bytes
    default: .other
    }
  }
}
