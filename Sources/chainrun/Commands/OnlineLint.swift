import ChainIO
import ChainLanguage
import ChainProgram
import Diagnostics

/// `chainrun lint --online`: asks the systems themselves whether what the chain says of them is true.
///
/// Read-only, one connection after the other, each with a deadline. What cannot be found out is said and is no error.
enum OnlineLint {
  /// Nanoseconds for one connection, its connecting included.
  static let patienceNanoseconds: UInt64 = 10_000_000_000

  /// The compilation with what its systems say added to its findings. A chain with errors is not taken to any system.
  static func look(at compilation: Compilation) -> Compilation {
    guard let program = compilation.program else { return compilation }
    var look = OnlineLook(program: program, places: compilation.operandPlaces)
    for index in program.connections.indices { look.inspect(ConnectionIndex(index)) }
    return compilation.adding(look.findings)
  }
}

/// One look at all systems of a program, and what it found.
struct OnlineLook {
  let program: Program
  let places: [SourceRange: OperandPlace]
  private(set) var findings: [Finding] = []
  private let readings: [ResultReading]

  init(program: Program, places: [SourceRange: OperandPlace]) {
    self.program = program
    self.places = places
    readings = ResultReading.all(in: program)
  }

  mutating func add(_ name: FindingName, at range: SourceRange, _ message: String, help: String? = nil, severity: Severity? = nil) {
    findings.append(Finding(name, at: range, message, help: help, severity: severity))
  }

  // One connection

  mutating func inspect(_ connection: ConnectionIndex) {
    let declaration = program.connections[connection.index]
    func unreachable(_ reason: String, help: String? = nil) {
      add(.onlineUnreachable, at: declaration.range, "'\(declaration.name)' was not checked: \(reason)", help: help)
    }
    guard let connector = connectors.first(where: { $0.schema.kind == declaration.kind }) else { return }
    let address: String
    switch declaration.address {
    case .literal(let text): address = text
    case .environment(let name):
      guard let text = Terminal.environment(name), !text.isEmpty else {
        return unreachable("the environment variable \(name) is not set", help: "set it to the system's address")
      }
      address = text
    }
    let target: any ConnectionTarget
    do throws(OperationError) {
      target = try connector.resolve(declaration, address: address)
    } catch {
      return unreachable(error.message)
    }
    if let hosts = program.guardHosts, !hosts.contains(target.host) {
      return unreachable("its host '\(target.host)' is not one of those that 'guard: hosts' lists")
    }
    let deadline = MonotonicClock.now + OnlineLint.patienceNanoseconds
    if let connector = connector as? any OnlineInspection {
      judge(connector.inspect(connection: connection, target: target, program: program, deadline: deadline), connection)
    } else if let error = ReachabilityCheck.failure(connector, connection, target, program, deadline: deadline) {
      unreachable(error.message)
    }
  }

  private mutating func judge(_ report: InspectionReport, _ connection: ConnectionIndex) {
    for problem in report.problems { judge(problem, connection) }
    for facts in report.statements {
      judgeParameters(facts)
      judgeReadings(facts)
    }
  }

  private mutating func judge(_ problem: InspectionProblem, _ connection: ConnectionIndex) {
    let range = range(of: problem.subject, connection)
    let name: FindingName
    switch problem.kind {
    case .unreachable:
      let declaration = program.connections[connection.index]
      return add(.onlineUnreachable, at: range, "'\(declaration.name)' was not checked, or not to its end: \(problem.message)", help: problem.help)
    case .unchecked: name = .onlineUnchecked
    case .version: name = .onlineVersion
    case .statement: name = .onlineStatementError
    case .unknownColumn: name = .onlineUnknownColumn
    case .missingExchange: name = .onlineMissingExchange
    case .missingQueue: name = .onlineMissingQueue
    case .permission: name = .onlinePermission
    }
    add(name, at: range, problem.message, help: problem.help)
  }

  // Statements

  private mutating func judgeParameters(_ facts: StatementFacts) {
    let operation = program.operations[facts.operation]
    guard case .sql(_, let numbers)? = operation.operand(operation.verb) else { return }
    let place = place(ofOperation: facts.operation)
    for (index, type) in facts.parameters.enumerated() where index < numbers.count {
      let given = operation.argumentTypes[numbers[index]]
      guard !ColumnFit.takes(type.family, given) else { continue }
      let range = place.map { index < $0.parameters.count ? $0.parameters[index] : $0.range } ?? stepRange(facts.operation)
      add(
        .onlineParameterType, at: range, "the server reads this parameter as \(type.name), and the value is \(ColumnFit.phrase(given))",
        help: "bind a value of another type, or convert it in SQL with '::text::\(type.name)'")
    }
  }

  private mutating func judgeReadings(_ facts: StatementFacts) {
    let step = program.steps[program.operations[facts.operation].step.index]
    for reading in readings where reading.operation == facts.operation {
      guard let name = reading.column else { continue }
      guard let column = facts.columns.first(where: { $0.name == name }) else {
        let names = facts.columns.map(\.name)
        let help =
          names.isEmpty
          ? "let the statement return rows, such as with RETURNING"
          : nearestName(to: name, among: names).map { "did you mean '\($0)'?" } ?? "it has \(names.prefix(12).joined(separator: ", "))"
        add(
          .onlineUnknownColumn, at: reading.range,
          names.isEmpty ? "'\(step.id)' returns no columns, and '\(name)' is read" : "the result of '\(step.id)' has no column '\(name)'",
          help: help)
        continue
      }
      guard let target = reading.target else { continue }
      let said = "the column '\(name)' is \(column.type.name)"
      switch ColumnFit.reads(column.type.family, as: target) {
      case .always: break
      case .sometimes:
        add(
          .onlineCaptureType, at: reading.range, "\(said), and not all that it may hold is \(ColumnFit.phrase(target))",
          help: "read it as \(ColumnFit.natural(column.type.family)), or convert it in SQL", severity: .warning)
      case .never:
        add(
          .onlineCaptureType, at: reading.range, "\(said), which is never \(ColumnFit.phrase(target))",
          help: "read it as \(ColumnFit.natural(column.type.family)), or convert it in SQL")
      }
    }
  }

  // Places

  private func stepRange(_ operation: Int) -> SourceRange { program.steps[program.operations[operation].step.index].range }

  private func place(ofOperation operation: Int) -> OperandPlace? { places[stepRange(operation)] }

  private func range(of subject: InspectionProblem.Subject, _ connection: ConnectionIndex) -> SourceRange {
    switch subject {
    case .connection: return program.connections[connection.index].range
    case .hop(let event, let hop):
      let range = program.events[event].hops[hop].range
      return places[range]?.range ?? range
    case .operation(let index, let position):
      guard let place = place(ofOperation: index) else { return stepRange(index) }
      guard let position, case .sql(let text, _)? = program.operations[index].operand(program.operations[index].verb) else {
        return place.isOneLine ? place.range : stepRange(index)
      }
      return place.range(ofCompiled: SQLWord.range(at: position, in: text))
    }
  }
}

/// For a connector that has no questions to ask: whether its driver opens.
private final class ReachabilityCheck {
  /// Why it does not; nil if it does.
  static func failure(
    _ connector: any Connector, _ connection: ConnectionIndex, _ target: any ConnectionTarget, _ program: Program, deadline: UInt64
  ) -> OperationError? {
    do throws(OperationError) {
      let reactor = try Reactor()
      let driver = try connector.makeDriver(connection: connection, target: target, program: program, users: 1, reactor: reactor)
      var answer: OperationError?? = .none
      driver.open(deadline: deadline) { answer = .some($0) }
      while answer == nil, MonotonicClock.now < deadline + 1_000_000_000 { reactor.turn(waitingAtMost: 100_000_000) }
      driver.close()
      guard let answer else { return OperationError(.connect, code: "timeout", "no answer by the deadline") }
      return answer
    } catch {
      return error
    }
  }
}
