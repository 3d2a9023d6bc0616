import ChainIO
import ChainProgram
import HTTPConnector
import Testing

/// `pool: per_vu`: user n's requests go over connections that are user n's alone.
@Suite(.timeLimit(.minutes(1))) struct OwnConnectionTests {
  private let server = ScriptedServer()

  /// A GET of `path` that names its user.
  private func get(_ path: String) -> HTTPBench.Step {
    HTTPBench.Step(request: [.literal(Array("GET \(path)?user=".utf8)), .argument(0, .percent)])
  }

  private func submit(_ bench: HTTPBench, _ operation: Int = 0, user: Int) -> OperationCall {
    bench.submit(operation, [.int(Int64(user))], user: user)
  }

  private func run(_ bench: HTTPBench, _ operation: Int = 0, user: Int) throws -> OperationCall {
    try bench.run(operation, [.int(Int64(user))], user: user)
  }

  /// Which users' requests came over each of the server's connections.
  private var usersByConnection: [Int: Set<String>] {
    server.requests.reduce(into: [:]) { users, request in
      users[request.connection, default: []].insert(String(request.line.split(separator: "=")[1].prefix { $0 != " " }))
    }
  }

  @Test func `each user's requests come over one connection, and no connection serves two users`() throws {
    defer { server.stop() }
    let bench = try HTTPBench(server.url, users: 300, steps: [get("/brief")])
    #expect(bench.driver.statistics.connections == 0, "a connection is opened at its user's first request")
    // One after the other, when any idle connection would do; then all at once, in another order.
    for user in 0..<20 { #expect(try run(bench, user: user).ending == .ok) }
    for _ in 0..<3 {
      let calls = (0..<300).map { submit(bench, user: ($0 * 7) % 300) }
      try #require(bench.turn { calls.allSatisfy { $0.state == .idle } })
      #expect(calls.allSatisfy { $0.ending == .ok })
    }
    #expect(server.requests.count == 920)
    #expect(usersByConnection.count == 300)
    #expect(usersByConnection.values.allSatisfy { $0.count == 1 })
    #expect(Set(usersByConnection.values.flatMap { $0 }).count == 300)
    #expect(server.requests.allSatisfy { $0.headers.contains("Host: 127.0.0.1:\(server.port)") })
    #expect(bench.driver.statistics.connections == 300)
    #expect(bench.driver.statistics.reconnects == 0)
    #expect(bench.driver.statistics.busy == 0)
    #expect(bench.driver.takePoolReading(now: bench.reactor.now).size == 300)
    bench.driver.close()
    #expect(bench.driver.statistics.connections == 0)
  }

  @Test(arguments: ["localhost", "[::1]"])
  func `users have connections of their own to a name and to an IPv6 address`(host: String) throws {
    server.stop()
    let server = ScriptedServer(isIPv6: host == "[::1]")
    defer { server.stop() }
    let bench = try HTTPBench("http://\(host):\(server.port)", users: 3, steps: [get("/brief")])
    for user in [0, 1, 2, 0, 1, 2] { #expect(try run(bench, user: user).ending == .ok) }
    #expect(server.requests.map(\.connection) == [1, 2, 3, 1, 2, 3])
    #expect(server.requests.allSatisfy { $0.headers.contains("Host: \(host):\(server.port)") })
  }

  @Test func `a number beyond the declared users is taken modulo them`() throws {
    defer { server.stop() }
    let bench = try HTTPBench(server.url, users: 2, steps: [get("/brief")])
    for user in [0, 1, 2, 3] { #expect(try run(bench, user: user).ending == .ok) }
    #expect(server.requests.map(\.connection) == [1, 2, 1, 2])
  }

  @Test func `lanes of a user wait for one another, and another user does not wait`() throws {
    defer { server.stop() }
    let bench = try HTTPBench(server.url, users: 4, steps: [get("/slow"), get("/brief")])
    let lanes = [submit(bench, user: 1), submit(bench, 1, user: 1), submit(bench, 1, user: 1)]
    #expect(bench.driver.statistics.busy == 1 && bench.driver.inFlight == 1)
    #expect(bench.driver.statistics.waiting == 2)
    let other = submit(bench, 1, user: 2)
    #expect(bench.driver.statistics.busy == 2)
    try #require(bench.turn { other.state == .idle })
    #expect(lanes[0].state == .inFlight && lanes[1].state == .waiting && lanes[2].state == .waiting)
    #expect(other.startedNanoseconds - other.submittedNanoseconds < 100_000_000)
    try #require(bench.turn { lanes.allSatisfy { $0.state == .idle } })
    #expect(([other] + lanes).allSatisfy { $0.ending == .ok })
    #expect(bench.endedTags == [3, 0, 1, 2])
    #expect(lanes[1].startedNanoseconds >= lanes[0].endedNanoseconds)
    #expect(lanes[2].startedNanoseconds >= lanes[1].endedNanoseconds)
    #expect(usersByConnection.count == 2)
    let reading = bench.driver.takePoolReading(now: MonotonicClock.now)
    #expect(reading.waits == 2 && reading.refused == 0 && reading.size == 4)
    #expect(reading.busyNanoseconds >= 300_000_000)
    #expect(reading.exhaustedNanoseconds >= 200_000_000)
    #expect(bench.driver.statistics.waiting == 0 && bench.driver.statistics.busy == 0)
  }

  @Test func `a connection that the server closed is replaced and counted once, and the others' are not touched`() throws {
    defer { server.stop() }
    let bench = try HTTPBench(server.url, users: 4, steps: [get("/quiet-close"), get("/brief"), get("/drop-when-kept")])
    #expect(try run(bench, user: 0).ending == .ok)
    _ = bench.turn(40) { false }
    // The first connection of another user is in nobody's place.
    #expect(try run(bench, 1, user: 1).ending == .ok)
    #expect(bench.driver.statistics.reconnects == 0)
    #expect(try run(bench, 1, user: 0).ending == .ok)
    #expect(bench.driver.statistics.reconnects == 1)
    #expect(try run(bench, 1, user: 1).ending == .ok)
    #expect(server.requests.map(\.connection) == [1, 2, 3, 2])
    #expect(bench.driver.takePoolReading(now: bench.reactor.now).reconnects == 1)
    // Lost in mid-flight: not sent again, and the user's next request opens the one that is counted.
    #expect(try run(bench, 2, user: 1).failure?.class == .disconnected)
    #expect(bench.driver.statistics.reconnects == 1)
    #expect(try run(bench, 1, user: 1).ending == .ok)
    #expect(try run(bench, 1, user: 0).ending == .ok)
    #expect(server.requests.map(\.connection) == [1, 2, 3, 2, 2, 4, 3])
    #expect(usersByConnection.values.allSatisfy { $0.count == 1 })
    #expect(bench.driver.takePoolReading(now: bench.reactor.now).reconnects == 1)
    #expect(bench.driver.statistics.reconnects == 2)
  }

  @Test func `an attempt to connect that failed is no reconnect`() throws {
    server.stop()
    let bench = try HTTPBench(server.url, users: 2, steps: [get("/brief")])
    for user in [0, 0, 1, 1] { #expect(try run(bench, user: user).failure?.code == "CURLE_COULDNT_CONNECT") }
    #expect(bench.driver.statistics.reconnects == 0)
    #expect(bench.driver.takePoolReading(now: bench.reactor.now).connectFailures == 4)
  }

  @Test func `a waiting lane that is abandoned has failed, and the one behind it goes next`() throws {
    defer { server.stop() }
    var write = get("/brief")
    write.writes = true
    let bench = try HTTPBench(server.url, users: 2, steps: [get("/slow"), write])
    let slow = submit(bench, user: 0)
    let waiting = submit(bench, 1, user: 0)
    let behind = submit(bench, 1, user: 0)
    bench.driver.abandon(waiting, now: MonotonicClock.now)
    #expect(bench.driver.statistics.waiting == 1)
    try #require(bench.turn { behind.state == .idle })
    #expect(slow.ending == .ok && behind.ending == .ok)
    #expect(waiting.ending == .failed, "a change that never left")
    #expect(waiting.failure?.code == "deadline")
    #expect(server.requests.map(\.connection) == [1, 1])
    #expect(bench.driver.takePoolReading(now: bench.reactor.now).refused == 1)
    #expect(bench.driver.statistics.waiting == 0 && bench.driver.statistics.busy == 0)
  }

  @Test func `a lane whose call under way is abandoned leaves its place to the next on a new connection`() throws {
    defer { server.stop() }
    let bench = try HTTPBench(server.url, users: 2, steps: [get("/slow"), get("/brief")])
    #expect(try run(bench, 1, user: 1).ending == .ok)
    let slow = submit(bench, user: 0)
    let behind = submit(bench, 1, user: 0)
    _ = bench.turn(1_000) { server.requests.count == 2 }
    bench.driver.abandon(slow, now: MonotonicClock.now)
    try #require(bench.turn { behind.state == .idle && slow.state == .idle })
    #expect(slow.failure?.code == "deadline")
    #expect(behind.ending == .ok && behind.bodyText == "/brief?user=0")
    #expect(try run(bench, 1, user: 1).ending == .ok)
    #expect(server.requests.map(\.connection) == [1, 2, 3, 1])
    #expect(bench.driver.statistics.reconnects == 1)
  }

  @Test func `a lane that waits too long for its user's connection fails with the code 'pool'`() throws {
    defer { server.stop() }
    let bench = try HTTPBench(server.url, users: 2, acquireMilliseconds: 50, steps: [get("/slow"), get("/brief")])
    let slow = [submit(bench, user: 0), submit(bench, user: 1)]
    let lanes = [submit(bench, 1, user: 0), submit(bench, 1, user: 1)]
    _ = bench.turn(20) { false }
    let late = submit(bench, 1, user: 0)
    try #require(bench.turn { (slow + lanes + [late]).allSatisfy { $0.state == .idle } })
    for call in lanes + [late] {
      #expect(call.failure?.code == "pool")
      #expect(call.failure?.message == "the user's connection to 127.0.0.1:\(server.port) was in use")
    }
    let waited = late.endedNanoseconds - late.submittedNanoseconds
    #expect(waited >= 50_000_000 && waited < 250_000_000)
    #expect(slow.allSatisfy { $0.ending == .ok })
    #expect(try run(bench, 1, user: 0).ending == .ok)
    #expect(bench.driver.takePoolReading(now: bench.reactor.now).refused == 3)
  }

  @Test func `a driver may be closed while lanes wait`() throws {
    defer { server.stop() }
    let bench = try HTTPBench(server.url, users: 2, steps: [get("/silent")])
    for user in [0, 0, 1, 1] { _ = submit(bench, user: user) }
    _ = bench.turn(100) { server.requests.count == 2 }
    #expect(bench.driver.statistics.connections == 2)
    bench.driver.close()
    #expect(bench.driver.statistics.connections == 0)
    bench.reactor.turn(waitingAtMost: 1_000_000)
  }

  @Test(arguments: [(users: 1, sockets: 1), (128, 128), (129, 131), (10_000, 10_156)])
  func `libcurl's own descriptors are claimed before the load: two for each further 128 users`(users: Int, sockets: Int) {
    var program = Program(chain: "test", chainDescription: "", chainHash: "")
    program.connections = [
      ConnectionDeclaration(
        name: "api", kind: "http", address: .literal("http://127.0.0.1"), access: "read", pool: .perUser, acquireTimeoutNanoseconds: 1,
        connectTimeoutNanoseconds: 1, options: [], range: .init(file: .init(0), start: 0, end: 0))
    ]
    #expect(HTTPConnector().socketsMax(connection: ConnectionIndex(0), program: program, users: users) == (sockets, 0))
  }
}
