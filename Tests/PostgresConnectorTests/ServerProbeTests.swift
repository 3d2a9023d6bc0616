import ChainIO
import ChainProgram
import Diagnostics
import Testing

@testable import PostgresConnector

struct ServerQueryTests {
  private typealias Session = ServerQueries.Session

  @Test func `sessions are told apart by what they do and wait for, and the waits behind them by name`() {
    var reading = ServerReading()
    ServerQueries.read(
      [
        Session(["t", "active", nil, nil, "2", "0.5", "100"]), Session(["t", "active", "Lock", "transactionid", "9", "12.25", "100"]),
        Session(["t", "active", "Lock", "tuple", "1", "3", "100"]), Session(["t", "active", "IO", "DataFileRead", "3", "1", "100"]),
        Session(["t", "active", "Client", "ClientWrite", "1", nil, "100"]), Session(["t", "active", "IPC", "SyncRep", "1", nil, "100"]),
        Session(["t", "idle", "Client", "ClientRead", "20", nil, "100"]), Session(["t", "idle in transaction", "Client", "ClientRead", "4", "40", "100"]),
        Session(["f", "active", "Lock", "relation", "8", "400", "100"]),
        // Of somebody whom the user may not look into.
        Session(["t", nil, nil, nil, "5", nil, "100"]),
      ], into: &reading)
    let wanted: [String: Double] = [
      "backends": 46, "active": 17, "running": 2, "idle_in_transaction": 4, "waiting": 14, "waiting_lock": 10, "waiting_lwlock": 0, "waiting_io": 3,
      "waiting_client": 1, "waiting_other": 1, "longest_transaction": 40e9, "connections_used": 0.55,
    ]
    #expect(reading.values == wanted)
    #expect(reading.parts.map { "\($0.name) \(Int($0.count))" } == ["Lock: transactionid 9", "IO: DataFileRead 3", "IPC: SyncRep 1", "Lock: tuple 1"])
  }

  @Test func `a statement's text is shown only if no literal is left in it`() {
    for text in ["SELECT * FROM orders2 WHERE id = $1", "INSERT INTO t (a, b) VALUES ($1, $23) RETURNING \"Größe\"", "COMMIT", "SELECT a_1, b2 FROM x9"] {
      #expect(ServerQueries.isWithoutLiterals(text), "\(text)")
    }
    for text in [
      "ALTER ROLE me PASSWORD 'secret'", "SET x = 5", "SELECT $$secret$$", "DO $a$ secret $a$", "SELECT $1 /* token abc */", "SELECT $1 -- abc", "SELECT .5",
      "SELECT E'a'", "SELECT 7", "x$",
    ] {
      #expect(!ServerQueries.isWithoutLiterals(text), "\(text)")
    }
    #expect(ServerQueries.shown("SELECT *\n   FROM\t t ") == "SELECT * FROM t" && ServerQueries.shown("<insufficient privilege>") == "")
    #expect(ServerQueries.shown("SELECT " + String(repeating: "a, ", count: 200)).count == 200)
  }

  @Test func `each version is asked for what it has`() {
    #expect(ServerQueries.counters(version: 170_000).contains("pg_stat_checkpointer") && !ServerQueries.counters(version: 150_006).contains("checkpointer"))
    #expect(!ServerQueries.counters(version: 130_000).contains("pg_stat_wal"))
    #expect(ServerQueries.statements(schema: "a\"b", version: 120_000).contains("FROM \"a\"\"b\".pg_stat_statements(false)"))
    #expect(ServerQueries.texts(schema: "s", ids: ["-5", "7; DROP", ""]).contains("IN (-5)"))
  }
}

/// Against the sandbox's database (ORDERS_DB), with the rights that docs/permissions.md says.
@Suite(.enabled(if: serverAddress != nil), .serialized, .timeLimit(.minutes(1)))
struct ServerProbeTests {
  private func look(_ bench: Bench, _ probe: any ServerProbe, seconds: UInt64 = 5) throws -> ServerReading {
    var reading: ServerReading?
    probe.look(deadline: MonotonicClock.now + seconds * 1_000_000_000) { reading = $0 }
    try #require(bench.turn { reading != nil })
    return try #require(reading)
  }

  private func probe(_ bench: Bench, _ address: String) throws -> any ServerProbe {
    let connector = PostgresConnector()
    let target = try connector.resolve(bench.declaration, address: address)
    let program = Program(chain: "", chainDescription: "", chainHash: "")
    return connector.makeServerProbes(connection: ConnectionIndex(0), target: target, program: program, reactor: bench.reactor)[0]
  }

  /// The address with another user.
  private func address(as user: String) -> String {
    let address = serverAddress ?? ""
    guard let at = address.lastIndex(of: "@") else { return address }
    return "postgresql://\(user):pw\(address[at...])"
  }

  @Test func `without pg_monitor only one's own waits are seen, and it says so; with it everybody's`() throws {
    let number = UInt32.random(in: 1...(.max))
    let (narrow, wide) = ("view_narrow_\(number)", "view_wide_\(number)")
    let bench = try Bench.opened(
      [
        .sql("CREATE ROLE \(narrow) LOGIN PASSWORD 'pw'", writes: true), .sql("CREATE ROLE \(wide) LOGIN PASSWORD 'pw'", writes: true),
        .sql("GRANT pg_monitor TO \(wide)", writes: true), .sql("SELECT pg_sleep(3)"), .sql("DROP ROLE \(narrow)", writes: true),
        .sql("DROP ROLE \(wide)", writes: true),
      ], pool: 2)
    for index in 0..<3 { #expect(try User(bench).run(index).isOk) }
    let sleeper = User(bench)
    sleeper.submit(3)
    bench.turn(for: 200)
    let (narrowProbe, wideProbe) = (try probe(bench, address(as: narrow)), try probe(bench, address(as: wide)))
    let little = try look(bench, narrowProbe)
    let all = try look(bench, wideProbe)
    #expect(little.error == nil && all.error == nil)
    #expect(little.values["waiting_other"] == 0 && (little.values["backends"] ?? 0) >= 2, "\(little.values)")
    #expect(little.limits?.contains { $0.figures.contains("waiting_lock") && $0.reason.contains("only sessions of '\(narrow)' itself") } == true)
    #expect((all.values["waiting_other"] ?? 0) >= 1 && all.parts.contains { $0.name == "Timeout: PgSleep" }, "\(all.parts)")
    #expect(all.limits == [] && all.server.hasPrefix("PostgreSQL "))
    #expect((all.values["commits"] ?? 0) > 0 && all.values["wal_bytes"] != nil && all.values["checkpoints"] != nil && all.values["replicas"] == 0)
    let again = try look(bench, wideProbe)
    #expect(all.requests == 4 && again.requests == 3)
    narrowProbe.close()
    wideProbe.close()
    #expect(bench.turn { sleeper.isIdle })
    bench.turn(for: 200)
    for index in [4, 5] { #expect(try User(bench).run(index).isOk) }
  }

  @Test func `a session that is ended, and a server that is not there, are told and can be asked again`() throws {
    let bench = try Bench.opened([.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'chainrun server view'")])
    let probe = try probe(bench, serverAddress ?? "")
    #expect(try look(bench, probe).error == nil)
    #expect(try User(bench).run(0).isOk)
    bench.turn(for: 100)
    let lost = try look(bench, probe)
    // The end may have been noticed already, and then a new session is opened at once.
    #expect(lost.error?.class == .disconnected || lost.error == nil)
    probe.drop()
    #expect(try look(bench, probe).error == nil)
    probe.close()
    let gone = try self.probe(bench, "postgresql://me:secret@127.0.0.1:1/db")
    let error = try #require(try look(bench, gone).error)
    #expect(error.class == .connect && !error.message.contains("secret"))
  }
}
