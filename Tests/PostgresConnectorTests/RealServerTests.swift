import ChainIO
import ChainProgram
import Glibc
import PostgresConnector
import Testing

@Suite(.enabled(if: serverAddress != nil), .serialized, .timeLimit(.minutes(1)))
struct RealServerTests {
  // Values

  @Test(arguments: ["auto", "never"])
  func `values come back as the text that was sent`(prepare: String) throws {
    let sql = """
      SELECT $1::text AS t, $2::bigint AS big, $3::numeric AS n, $4::boolean AS b, $5::uuid AS u, $6::bytea AS y, $7::text AS nothing,
        '' AS empty
      """
    let bench = try Bench.opened([.sql(sql, [0, 1, 2, 3, 4, 5, 6])], prepare: prepare)
    let user = User(bench)
    let uuid = UUIDBits(high: 0x0123_4567_89ab_cdef, low: 0x0fed_cba9_8765_4321)
    for _ in 0..<2 {
      let outcome = try user.run(
        0,
        [
          .string("größer 🚀 'quoted' \\ line\nbreak"), .int(9_007_199_254_740_993), .decimal(Decimal("12.10")!), .bool(true), .uuid(uuid),
          .bytes([0, 255, 16]), .null,
        ])
      #expect(outcome.failure == nil)
      #expect(outcome.columns == ["t", "big", "n", "b", "u", "y", "nothing", "empty"])
      #expect(
        outcome.cells == [
          "größer 🚀 'quoted' \\ line\nbreak", "9007199254740993", "12.10", "t", "01234567-89ab-cdef-0fed-cba987654321", "\\x00ff10", nil,
          "",
        ])
      #expect(outcome.rowCount == 1)
    }
  }

  @Test func `an argument may be bound twice and out of order`() throws {
    let bench = try Bench.opened([.sql("SELECT $1::int, $2::int, $3::int", [1, 0, 1])])
    #expect(try User(bench).run(0, [.int(1), .int(2)]).cells == ["2", "1", "2"])
  }

  @Test func `thirty-eight digits survive`() throws {
    let bench = try Bench.opened([.sql("SELECT $1::numeric + 0", [0])])
    let digits = "1234567890123456789012345678.9012345678"
    #expect(try User(bench).run(0, [.decimal(Decimal(digits)!)]).cells == [digits])
  }

  @Test func `rows are row-major and counted`() throws {
    let bench = try Bench.opened([.sql("SELECT i, i * i FROM generate_series(1, 3) i")])
    let outcome = try User(bench).run(0)
    #expect(outcome.cells == ["1", "1", "2", "4", "3", "9"])
    #expect(outcome.rowCount == 3)
    #expect(outcome.affected == 3)
  }

  @Test func `text with a NUL character is refused before it is cut short`() throws {
    let bench = try Bench.opened([.sql("SELECT $1::text", [0])], pool: 1)
    let user = User(bench)
    let outcome = try user.run(0, [.string("a\0b")])
    #expect(outcome.failure?.class == .value)
    #expect(try user.run(0, [.string("ab")]).cells == ["ab"])
  }

  @Test func `changed rows are counted`() throws {
    let table = "t_\(getpid())_affected"
    let bench = try Bench.opened([
      .sql("CREATE TABLE \(table) (a int)", writes: true), .sql("INSERT INTO \(table) SELECT generate_series(1, 7)", writes: true),
      .sql("UPDATE \(table) SET a = 0 WHERE a > 5 RETURNING a", writes: true), .sql("DROP TABLE \(table)", writes: true),
    ])
    let user = User(bench)
    #expect(try user.run(0).isOk)
    defer { _ = try? user.run(3) }
    #expect(try user.run(1).affected == 7)
    let updated = try user.run(2)
    #expect(updated.affected == 2)
    #expect(updated.cells == ["0", "0"])
  }

  // Errors

  @Test func `a server's error has its SQLSTATE and leaves the connection usable`() throws {
    let bench = try Bench.opened([.sql("SELECT 1 / $1::int", [0]), .sql("SELECT $1::text::int", [0])], pool: 1)
    let user = User(bench)
    let division = try user.run(0, [.int(0)])
    #expect(division.ending == .failed)
    #expect(division.failure == OperationError(.server, code: "22012", "division by zero"))
    let cast = try user.run(1, [.string("hunter2")])
    #expect(cast.failure == OperationError(.server, code: "22P02", "invalid input syntax for type integer: \"…\""))
    #expect(try user.run(0, [.int(1)]).cells == ["1"])
    #expect(bench.driver.statistics.reconnects == 0)
  }

  @Test func `a statement that cannot be prepared is named by its step`() throws {
    let bench = try Bench([.sql("SELECT 1"), .sql("SELEKT 1")])
    let failure = try #require(try bench.open())
    #expect(failure.class == .server)
    #expect(failure.code == "42601")
    #expect(failure.message == "step 'step_1' cannot be prepared: syntax error at or near \"SELEKT\"")
  }

  @Test func `a statement on a table that the chain makes itself is prepared when it first runs`() throws {
    let table = "t_\(getpid())_made"
    let bench = try Bench.opened(
      [
        .sql("CREATE TABLE \(table) (a int)", writes: true), .sql("INSERT INTO \(table) VALUES ($1) RETURNING a", [0], writes: true),
        .sql("DROP TABLE \(table)", writes: true), .sql("SELECT count(*) FROM pg_prepared_statements WHERE name = 'chainrun_1'"),
      ], pool: 1)
    let user = User(bench)
    let early = try user.run(1, [.int(6)])
    #expect(early.failure?.code == "42P01")
    #expect(early.ending == .failed)
    #expect(try user.run(3).cells == ["0"])
    #expect(try user.run(0).isOk)
    #expect(try user.run(1, [.int(7)]).cells == ["7"])
    #expect(try user.run(3).cells == ["1"])
    #expect(try user.run(1, [.int(8)]).columns == ["a"])
    #expect(try user.run(2).isOk)
  }

  /// In a process of its own, since the environment is everybody's.
  @Test func `the environment's settings for libpq are ignored`() async {
    await #expect(processExitsWith: .success) {
      let settings = [
        "PGSERVICE": "none", "PGHOSTADDR": "192.0.2.1", "PGPORT": "1", "PGUSER": "nobody", "PGPASSWORD": "wrong", "PGSSLMODE": "require",
        "PGOPTIONS": "-c default_transaction_read_only=on", "PGCONNECT_TIMEOUT": "x", "PGAPPNAME": "other", "PGDATESTYLE": "German",
      ]
      for (name, value) in settings { setenv(name, value, 1) }
      let sql = "SELECT current_setting('application_name'), current_setting('transaction_read_only'), current_setting('DateStyle')"
      let bench = try Bench.opened([.sql(sql)])
      let outcome = try User(bench).run(0)
      try #require(outcome.cells == ["chainrun", "off", "ISO, MDY"])
    }
  }

  @Test func `read access is enforced by the server`() throws {
    let bench = try Bench.opened([.sql("CREATE TABLE never_made (a int)", writes: true), .sql("SELECT 1")], access: "read")
    let user = User(bench)
    #expect(try user.run(0).failure?.code == "25006")
    #expect(try user.run(1).isOk)
  }

  @Test func `a wrong password is reported by its SQLSTATE and not shown`() throws {
    let address = try #require(serverAddress)
    let at = try #require(address.lastIndex(of: "@"))
    let colon = try #require(address[..<at].lastIndex(of: ":"))
    let bench = try Bench([.sql("SELECT 1")], address: address[...colon] + "hunter2" + address[at...])
    let failure = try #require(try bench.open())
    #expect(failure.class == .connect)
    #expect(failure.code == "28P01")
    #expect(!failure.message.contains("hunter2"))
    #expect(failure.message.contains("password authentication failed"))
  }

  @Test func `a statement that opens a transaction by itself is refused and rolled back`() throws {
    let bench = try Bench.opened([.sql("BEGIN"), .sql("SELECT txid_current() = txid_current()")], pool: 1)
    let user = User(bench)
    #expect(try user.run(0).failure?.class == .protocol)
    // Two different transactions would be the same one if BEGIN's had stayed open; the connection is idle again.
    #expect(try user.run(1).isOk)
    #expect(bench.driver.statistics.busy == 0)
  }

  @Test func `copying with the client is refused and the connection replaced`() throws {
    let bench = try Bench.opened([.sql("COPY (SELECT 1) TO STDOUT"), .sql("SELECT 1")], pool: 1, prepare: "never")
    let user = User(bench)
    #expect(try user.run(0).failure?.code == "copy")
    #expect(try user.run(1).isOk)
    #expect(bench.driver.statistics.reconnects == 1)
  }

  @Test(arguments: [1, 100, 8_000, 16_000, 40_000, 1_000_000])
  func `a result of any size comes back whole`(size: Int) throws {
    let bench = try Bench.opened([.sql("SELECT repeat('x', $1::int), 7", [0])], pool: 1)
    let outcome = try User(bench).run(0, [.int(Int64(size))])
    #expect(outcome.cells[0]?.utf8.count == size)
    #expect(outcome.cells[1] == "7")
  }

  @Test func `too many rows fail the call and nothing else`() throws {
    let bench = try Bench.opened([.sql("SELECT i FROM generate_series(1, 100001) i"), .sql("SELECT 1")], pool: 1)
    let user = User(bench)
    #expect(try user.run(0).failure?.code == "result-too-large")
    #expect(try user.run(1).isOk)
  }

  @Test func `a result that goes on for ever is cut`() throws {
    let bench = try Bench.opened([.sql("SELECT repeat('x', 1000) FROM generate_series(1, 400000)"), .sql("SELECT 1")], pool: 1)
    let user = User(bench)
    #expect(try user.run(0).failure?.code == "result-too-large")
    #expect(bench.driver.statistics.connections == 0)
    #expect(try user.run(1).isOk)
  }

  // Transactions

  private func withTable(_ name: String, _ body: (String) throws -> Void) throws {
    let table = "t_\(getpid())_\(name)"
    let bench = try Bench.opened([.sql("CREATE TABLE \(table) (a int)", writes: true), .sql("DROP TABLE \(table)", writes: true)], pool: 1)
    let user = User(bench)
    try #require(try user.run(0).isOk)
    defer { _ = try? user.run(1) }
    try body(table)
  }

  private func statements(_ table: String) -> [Statement] {
    [
      .begin("serializable"), .sql("INSERT INTO \(table) VALUES (1)", writes: true), .commit, .rollback,
      .sql("SELECT count(*) FROM \(table)"),
      .sql("SELECT 1 / 0"), .sql("SHOW transaction_isolation"), .sql("SELECT pg_backend_pid()"),
      .sql("SELECT pg_terminate_backend($1::int)", [0]),
    ]
  }

  @Test func `a transaction is seen by others only after its commit`() throws {
    try withTable("commit") { table in
      let bench = try Bench.opened(statements(table))
      let (writer, reader) = (User(bench), User(bench))
      #expect(try writer.run(0).isOk)
      #expect(try writer.run(6).cells == ["serializable"])
      #expect(try writer.run(1).affected == 1)
      #expect(try reader.run(4).cells == ["0"])
      #expect(try writer.run(4).cells == ["1"])
      #expect(try writer.run(2).isOk)
      #expect(writer.call.lease == nil)
      #expect(try reader.run(4).cells == ["1"])
      #expect(bench.driver.statistics.busy == 0)
    }
  }

  @Test func `giving back the lease rolls back`() throws {
    try withTable("lease") { table in
      let bench = try Bench.opened(statements(table), pool: 1)
      let user = User(bench)
      #expect(try user.run(0).isOk)
      #expect(try user.run(1).isOk)
      bench.driver.endLease(user.call)
      #expect(user.call.lease == nil)
      #expect(try user.run(4).cells == ["0"])
      #expect(bench.driver.statistics.reconnects == 0)
    }
  }

  @Test func `committing a transaction that had failed is a failure`() throws {
    try withTable("failed") { table in
      let bench = try Bench.opened(statements(table), pool: 1)
      let user = User(bench)
      #expect(try user.run(0).isOk)
      #expect(try user.run(1).isOk)
      #expect(try user.run(5).failure?.code == "22012")
      #expect(try user.run(1).failure?.code == "25P02")
      let commit = try user.run(2)
      #expect(commit.ending == .failed)
      #expect(commit.failure?.code == "25P02")
      #expect(try user.run(4).cells == ["0"])
    }
  }

  @Test func `a transaction whose connection is lost has failed, and its rollback is done`() throws {
    try withTable("lost") { table in
      let bench = try Bench.opened(statements(table))
      let (user, killer) = (User(bench), User(bench))
      #expect(try user.run(0).isOk)
      #expect(try user.run(1).isOk)
      let process = try #require(Int64(try user.run(7).cells[0] ?? ""))
      #expect(try killer.run(8, [.int(process)]).cells == ["t"])
      bench.turn(milliseconds: 2_000) { bench.driver.statistics.busy == 0 }
      let insert = try user.run(1)
      #expect(insert.ending == .failed)
      #expect(insert.failure?.class == .disconnected)
      #expect(try user.run(3).isOk)
      #expect(try user.run(4).cells == ["0"])
      let commit = try user.run(2)
      #expect(commit.failure?.code == "25P01")
    }
  }

  // The pool

  @Test func `a call that finds no free connection fails at its acquire deadline`() throws {
    let bench = try Bench.opened([.sql("SELECT pg_sleep(2)"), .sql("SELECT 1")], pool: 1, acquireTimeoutMilliseconds: 200)
    let (first, second) = (User(bench), User(bench))
    first.submit(0)
    let start = MonotonicClock.now
    let outcome = try second.run(1)
    let waited = MonotonicClock.now - start
    #expect(outcome.failure?.class == .timeout)
    #expect(outcome.failure?.code == "pool")
    #expect(waited > 190_000_000 && waited < 1_500_000_000)
    #expect(bench.turn { first.isIdle })
    #expect(first.outcome.isOk)
  }

  @Test func `statements of one turn are sent together at its end, and their service begins then`() throws {
    let bench = try Bench.opened([.sql("SELECT 1")], pool: 4)
    let users = (0..<4).map { User(bench, tag: $0) }
    for user in users { user.submit(0) }
    let submitted = MonotonicClock.now
    #expect(bench.turn { users.allSatisfy(\.isIdle) })
    #expect(users.allSatisfy { $0.outcome.isOk && $0.call.startedNanoseconds >= submitted })
  }

  @Test func `a call that leaves before its turn has ended was not sent, and its connection serves the next`() throws {
    let bench = try Bench.opened([.sql("SELECT pg_backend_pid()", writes: true)], pool: 1)
    let user = User(bench)
    let process = try user.run(0).cells
    user.submit(0)
    bench.driver.abandon(user.call, now: MonotonicClock.now)
    #expect(bench.turn { user.isIdle })
    #expect(user.outcome.ending == .failed && user.outcome.failure?.code == "pool")
    #expect(try user.run(0).cells == process)
    #expect(bench.driver.statistics.reconnects == 0 && bench.driver.statistics.busy == 0)
  }

  @Test func `a waiting call can be abandoned`() throws {
    let bench = try Bench.opened([.sql("SELECT pg_sleep(0.2)"), .sql("SELECT 1")], pool: 1)
    let users = (0..<3).map { User(bench, tag: $0) }
    users[0].submit(0)
    users[1].submit(1)
    users[2].submit(1)
    bench.driver.abandon(users[1].call, now: MonotonicClock.now)
    #expect(bench.turn { users.allSatisfy(\.isIdle) })
    #expect(users[1].outcome.failure?.code == "pool")
    #expect(users[2].outcome.isOk)
    #expect(bench.driver.statistics.connections == 1)
  }

  @Test func `two hundred and fifty-six users share sixteen connections and none is starved`() throws {
    let bench = try Bench.opened([.sql("SELECT $1::int", [0])], pool: 16)
    let users = (0..<256).map { User(bench, tag: $0) }
    var counts = [Int](repeating: 0, count: 256)
    var wrong = 0
    let total = 10_000
    var submitted = 256
    bench.whenEnded = { call in
      counts[call.tag] += 1
      if call.ending != .ok || call.result.string(call.result.nodes[0]) != "\(call.tag)" { wrong += 1 }
      if submitted < total {
        submitted += 1
        users[call.tag].submit(0, [.int(Int64(call.tag))])
      }
    }
    for user in users { user.submit(0, [.int(Int64(user.call.tag))]) }
    #expect(bench.turn(milliseconds: 20_000) { bench.endedCount == total })
    bench.whenEnded = nil
    #expect(wrong == 0)
    #expect(counts.min()! >= 20)
  }

  // Lost and frozen servers

  @Test func `a frozen server's late reply reaches nobody`() throws {
    let bench = try Bench.opened([.sql("SELECT pg_backend_pid()"), .sql("SELECT 'late'", writes: true), .sql("SELECT 'fresh'")], pool: 1)
    let user = User(bench)
    let process = try #require(pid_t(try user.run(0).cells[0] ?? ""))
    kill(process, SIGSTOP)
    user.submit(1)
    bench.turn(for: 100)
    #expect(user.call.state == .inFlight)
    bench.driver.abandon(user.call, now: MonotonicClock.now)
    #expect(bench.turn { user.isIdle })
    #expect(user.outcome.ending == .unknown)
    #expect(user.outcome.failure?.code == "deadline")
    let next = User(bench)
    next.submit(2)
    bench.turn(for: 20)
    kill(process, SIGCONT)
    #expect(bench.turn { next.isIdle })
    #expect(next.outcome.cells == ["fresh"])
    bench.turn(for: 100)
    #expect(bench.endedCount == 3)
  }

  @Test func `a read abandoned in flight has failed`() throws {
    let bench = try Bench.opened([.sql("SELECT pg_sleep(3)"), .sql("SELECT 1")], pool: 1)
    let user = User(bench)
    user.submit(0)
    bench.turn(for: 50)
    bench.driver.abandon(user.call, now: MonotonicClock.now)
    #expect(bench.turn { user.isIdle })
    #expect(user.outcome.ending == .failed)
    #expect(try user.run(1).isOk)
  }

  @Test func `a killed backend ends its call with the server's reason and is replaced`() throws {
    let bench = try Bench.opened(
      [.sql("SELECT pg_backend_pid()"), .sql("SELECT pg_sleep(5)", writes: true), .sql("SELECT pg_terminate_backend($1::int)", [0])],
      pool: 2)
    let (victim, killer) = (User(bench), User(bench))
    let process = try #require(Int64(try victim.run(0).cells[0] ?? ""))
    // The most recently used connection is taken again.
    victim.submit(1)
    #expect(try killer.run(2, [.int(process)]).cells == ["t"])
    #expect(bench.turn { victim.isIdle })
    // FATAL may come after a commit that was not acknowledged, so a write is unknown.
    #expect(victim.outcome.ending == .unknown)
    #expect(victim.outcome.failure?.class == .disconnected)
    #expect(victim.outcome.failure?.code == "57P01")
    #expect(bench.turn { bench.driver.statistics.connections == 2 })
    #expect(bench.driver.statistics.reconnects == 1)
    #expect(try victim.run(0).isOk)
  }

  @Test func `an idle connection that is killed is replaced before it is used`() throws {
    let bench = try Bench.opened([.sql("SELECT pg_backend_pid()"), .sql("SELECT pg_terminate_backend($1::int)", [0])], pool: 1)
    let other = try Bench.opened([.sql("SELECT pg_backend_pid()"), .sql("SELECT pg_terminate_backend($1::int)", [0])], pool: 1)
    let user = User(bench)
    let process = try #require(Int64(try user.run(0).cells[0] ?? ""))
    #expect(try User(other).run(1, [.int(process)]).cells == ["t"])
    #expect(bench.turn { bench.driver.statistics.connections == 0 })
    #expect(try user.run(0).cells != ["\(process)"])
    #expect(bench.driver.statistics.reconnects == 1)
  }

  @Test func `a connection cut in mid-flight leaves a write unknown and a read failed`() throws {
    let bench = try Bench.opened(
      [
        .sql("SELECT inet_client_port()"), .sql("SELECT pg_sleep(5)", writes: true), .sql("SELECT pg_sleep(5)"),
      ], pool: 1)
    let user = User(bench)
    for (operation, ending) in [(1, OperationCall.Ending.unknown), (2, .failed)] {
      let port = try #require(UInt16(try user.run(0).cells[0] ?? ""), "this test needs an address with a port")
      user.submit(operation)
      bench.turn(for: 50)
      cutConnection(fromLocalPort: port)
      #expect(bench.turn { user.isIdle })
      #expect(user.outcome.ending == ending)
      #expect(user.outcome.failure?.class == .disconnected)
    }
  }

  @Test func `a connection cut during COMMIT leaves it unknown`() throws {
    let bench = try Bench.opened([.begin(), .sql("SELECT inet_client_port(), pg_backend_pid()"), .commit], pool: 1)
    let user = User(bench)
    #expect(try user.run(0).isOk)
    let cells = try user.run(1).cells
    let port = try #require(UInt16(cells[0] ?? ""), "this test needs an address with a port")
    let process = try #require(pid_t(cells[1] ?? ""))
    // Frozen, so that its answer is not there before the cut.
    kill(process, SIGSTOP)
    defer { kill(process, SIGCONT) }
    user.submit(2)
    // It is sent at the end of the turn.
    bench.reactor.turn(waitingAtMost: 0)
    cutConnection(fromLocalPort: port)
    #expect(bench.turn { user.isIdle })
    #expect(user.outcome.ending == .unknown)
    #expect(user.outcome.failure?.class == .disconnected)
    #expect(bench.driver.statistics.busy == 0)
  }

  /// Shuts this process's socket with the local port given, as a broken network would.
  private func cutConnection(fromLocalPort port: UInt16) {
    for descriptor in Int32(3)..<1024 {
      var address = sockaddr_in()
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let status = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
      }
      guard status == 0, address.sin_family == sa_family_t(AF_INET), UInt16(bigEndian: address.sin_port) == port else { continue }
      shutdown(descriptor, Int32(SHUT_RDWR))
    }
  }

  // Cost

  @Test func `prepared point reads, for the record`() throws {
    let bench = try Bench.opened([.sql("SELECT oid FROM pg_database WHERE oid = $1::oid", [0])], pool: 16)
    let users = (0..<64).map { User(bench, tag: $0) }
    var isStopping = false
    var running = 64
    bench.whenEnded = { call in
      if isStopping { running -= 1 } else { users[call.tag].submit(0, [.int(1)]) }
    }
    let (start, startCPU) = (MonotonicClock.now, processorNanoseconds())
    for user in users { user.submit(0, [.int(1)]) }
    bench.turn(for: 1_000)
    let (seconds, cpu) = (Double(MonotonicClock.now - start) / 1e9, Double(processorNanoseconds() - startCPU) / 1000)
    let count = Double(bench.endedCount)
    isStopping = true
    #expect(bench.turn { running == 0 })
    bench.whenEnded = nil
    print("prepared point read: \(Int(count / seconds)) operations/s, \((cpu / count * 100).rounded() / 100) us CPU each")
    #expect(count > 100)
  }

  private func processorNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
