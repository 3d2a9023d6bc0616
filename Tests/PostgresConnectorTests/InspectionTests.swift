import ChainIO
import ChainProgram
import Diagnostics
import PostgresConnector
import Testing

@Suite(.serialized, .enabled(if: serverAddress != nil))
struct PostgresInspectionTests {
  private func inspect(_ statements: [String], address: String? = serverAddress) throws -> InspectionReport {
    let nowhere = SourceRange(file: FileIndex(0), start: 0, end: 0)
    var program = Program(chain: "test", chainDescription: "", chainHash: "")
    program.connections = [
      ConnectionDeclaration(
        name: "db", kind: "postgres", address: .literal(""), access: "write", pool: .size(1), acquireTimeoutNanoseconds: 1,
        connectTimeoutNanoseconds: 1, options: [], range: nowhere)
    ]
    program.steps = [StepDescription(id: "s", name: "s", method: "", verb: "sql", range: nowhere, connection: ConnectionIndex(0))]
    program.operations = statements.map {
      Operation(
        step: StepIndex(0), connection: ConnectionIndex(0), verb: "sql", role: .plain, writes: true,
        operands: [("sql", .sql(text: $0, parameters: []))], argumentBase: SlotIndex(0), argumentCount: 0, argumentTypes: [],
        timeoutNanoseconds: 1_000_000_000)
    }
    let connector = PostgresConnector()
    let target = try connector.resolve(program.connections[0], address: address ?? "")
    return connector.inspect(
      connection: ConnectionIndex(0), target: target, program: program, deadline: MonotonicClock.now + 5_000_000_000)
  }

  @Test func `parameters and columns have their names and types`() throws {
    let report = try inspect([
      "SELECT $1::bigint AS n, 1.50::numeric(12, 2) AS m, sum(1::bigint) AS s, 'x'::text AS t, true AS b, now() AS w, $2::uuid AS u, '{}'::jsonb AS j"
    ])
    let facts = try #require(report.statements.first)
    #expect(facts.parameters.map(\.name) == ["bigint", "uuid"])
    #expect(facts.columns.map(\.name) == ["n", "m", "s", "t", "b", "w", "u", "j"])
    #expect(
      facts.columns.map(\.type.family) == [
        .integer, .decimal(scale: 2), .decimal(scale: nil), .text, .bool, .instant, .uuid, .json,
      ])
    #expect(report.problems.isEmpty)
    #expect(report.server.hasPrefix("PostgreSQL "))
  }

  @Test func `an error has its place in UTF-8 bytes, and the statements after it are still looked at`() throws {
    let report = try inspect(["SELECT 'größe', nowhere_at_all", "SELECT 1 AS one"])
    let problem = try #require(report.problems.first)
    #expect(problem.kind == .unknownColumn)
    #expect(problem.subject == .operation(0, position: "SELECT 'größe', ".utf8.count))
    #expect(report.statements.map(\.operation) == [1])
  }

  @Test func `what the chain makes itself is not taken for missing`() throws {
    let report = try inspect(["CREATE TABLE inspection_own (id int)", "SELECT id FROM inspection_own"])
    #expect(report.problems.map(\.kind) == [.unchecked, .unchecked])
  }

  @Test func `a database that is not there is told as not checked, by the deadline`() throws {
    let began = MonotonicClock.now
    let report = try inspect(["SELECT 1"], address: "postgresql://me:secret@127.0.0.1:1/db")
    #expect(report.problems.map(\.kind) == [.unreachable])
    #expect(report.problems.allSatisfy { !$0.message.contains("secret") })
    #expect(MonotonicClock.now - began < 6_000_000_000)
  }
}
