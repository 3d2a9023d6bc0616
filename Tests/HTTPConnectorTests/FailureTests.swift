import ChainIO
import ChainProgram
import Glibc
import HTTPConnector
import Testing

/// Servers that are slow, broken or not there.
@Suite(.timeLimit(.minutes(1))) struct FailureTests {
  private let server = ScriptedServer()

  @Test func `two hundred calls share a pool of four and each gets its own answer`() throws {
    defer { server.stop() }
    let step = HTTPBench.Step(request: [.literal(Array("GET /brief?n=".utf8)), .argument(0, .percent)])
    let bench = try HTTPBench(server.url, pool: 4, steps: [step])
    let calls = (0..<200).map { bench.submit(0, [.int(Int64($0))]) }
    #expect(bench.driver.statistics.busy == 4)
    #expect(bench.driver.statistics.waiting == 196)
    try #require(bench.turn { calls.allSatisfy { $0.state == .idle } })
    for (index, call) in calls.enumerated() {
      #expect(call.ending == .ok)
      #expect(call.bodyText == "/brief?n=\(index)")
    }
    #expect(server.connectionCount == 4)
    #expect(bench.driver.statistics.reconnects == 0)
    #expect(bench.driver.statistics.busy == 0)
    // First come, first served: started in the order of submission.
    #expect(zip(calls, calls.dropFirst()).allSatisfy { $0.startedNanoseconds <= $1.startedNanoseconds })
  }

  @Test func `a server that is not there is reported with address and cause and without the password`() throws {
    server.stop()
    usleep(50_000)
    let bench = try HTTPBench("http://user:geheim@127.0.0.1:\(server.port)", steps: [.get("/x"), .post("/x")])
    var reported: [OperationError?] = []
    bench.driver.open(deadline: MonotonicClock.now + 1_000_000_000) { reported.append($0) }
    try #require(bench.turn { !reported.isEmpty })
    let error = try #require(reported[0])
    #expect(error.class == .connect)
    #expect(error.code == "ECONNREFUSED")
    #expect(error.message == "cannot connect to 127.0.0.1:\(server.port): connection refused")
    for operation in 0...1 {
      let call = try bench.run(operation)
      #expect(call.ending == .failed, "nothing was sent")
      #expect(call.failure?.class == .connect)
      #expect(call.failure?.code == "CURLE_COULDNT_CONNECT")
      #expect(call.failure?.message == "cannot connect to 127.0.0.1:\(server.port): connection refused")
    }
  }

  @Test func `a server that is there opens`() throws {
    defer { server.stop() }
    let bench = try HTTPBench(server.url, steps: [.get("/x")])
    var reported: [OperationError?] = []
    bench.driver.open(deadline: MonotonicClock.now + 1_000_000_000) { reported.append($0) }
    try #require(bench.turn { !reported.isEmpty })
    #expect(reported == [nil])
  }

  @Test func `a host that does not exist is reported by name`() {
    #expect {
      _ = try HTTPBench("http://no-such-host.invalid/", steps: [.get("/x")])
    } throws: { error in
      guard let error = error as? OperationError else { return false }
      return error.class == .connect && error.message.contains("'no-such-host.invalid'")
    }
  }

  @Test func `a deadline ends the call, and its late answer reaches nobody`() throws {
    defer { server.stop() }
    var write = HTTPBench.Step.post("/slow")
    write.text = TextTemplate("x")
    let bench = try HTTPBench(server.url, pool: 1, steps: [.get("/slow"), write, .get("/mine")])
    let read = bench.submit(0)
    _ = bench.turn(100) { false }
    bench.driver.abandon(read, now: MonotonicClock.now)
    let next = bench.submit(2)
    try #require(bench.turn { next.state == .idle && read.state == .idle })
    #expect(read.ending == .failed)
    #expect(read.failure?.class == .timeout)
    #expect(read.failure?.code == "deadline")
    #expect(next.bodyText == "/mine")
    let change = bench.submit(1)
    _ = bench.turn(100) { false }
    bench.driver.abandon(change, now: MonotonicClock.now)
    let last = bench.submit(2)
    // Long enough for the late answers to come, had anybody waited for them.
    _ = bench.turn(400) { false }
    #expect(change.ending == .unknown)
    #expect(last.bodyText == "/mine")
    #expect(bench.endedTags == [0, 1, 2, 3])
    #expect(bench.driver.statistics.reconnects == 2)
  }

  @Test func `a change that was abandoned before a connection took it has failed`() throws {
    defer { server.stop() }
    let bench = try HTTPBench(server.url, pool: 1, steps: [.get("/slow"), .post("/echo")])
    bench.submit(0)
    let waiting = bench.submit(1)
    let behind = bench.submit(1)
    bench.driver.abandon(waiting, now: MonotonicClock.now)
    #expect(bench.driver.statistics.waiting == 1)
    try #require(bench.turn { behind.state == .idle })
    #expect(waiting.ending == .failed)
    #expect(waiting.failure?.code == "deadline")
    #expect(behind.ending == .ok)
  }

  @Test func `who waits too long for the pool fails with the code 'pool'`() throws {
    defer { server.stop() }
    let bench = try HTTPBench(server.url, pool: 1, acquireMilliseconds: 50, steps: [.get("/slow"), .post("/echo")])
    let slow = bench.submit(0)
    let one = bench.submit(1)
    _ = bench.turn(20) { false }
    let two = bench.submit(1)
    try #require(bench.turn { two.state == .idle && one.state == .idle && slow.state == .idle })
    for call in [one, two] {
      #expect(call.ending == .failed)
      #expect(call.failure?.class == .timeout)
      #expect(call.failure?.code == "pool")
    }
    let waited = two.endedNanoseconds - two.submittedNanoseconds
    #expect(waited >= 50_000_000 && waited < 250_000_000)
    #expect(slow.ending == .ok)
    #expect(try bench.run(1).ending == .ok)
  }

  @Test(arguments: [("/cut", "CURLE_PARTIAL_FILE"), ("/drop", "CURLE_GOT_NOTHING")])
  func `a connection lost in mid-flight fails a read and leaves a change unknown`(path: String, code: String) throws {
    defer { server.stop() }
    let bench = try HTTPBench(server.url, pool: 1, steps: [.get(path), .post(path), .get("/fine")])
    for operation in 0...1 {
      let call = try bench.run(operation)
      #expect(call.ending == (operation == 0 ? .failed : .unknown))
      #expect(call.failure?.class == .disconnected)
      #expect(call.failure?.code == code)
    }
    #expect(try bench.run(2).ending == .ok)
  }

  @Test func `a request on a kept connection that drops is never sent again`() throws {
    defer { server.stop() }
    let bench = try HTTPBench(server.url, pool: 2, steps: [.post("/drop-when-kept"), .get("/drop-when-kept"), .get("/brief")])
    for operation in 0...1 {
      #expect(try bench.run(operation).ending == .ok)
      let before = server.requests.count
      let call = try bench.run(operation)
      #expect(call.ending == (operation == 0 ? .unknown : .failed))
      #expect(call.failure?.class == .disconnected)
      #expect(server.requests.count == before + 1)
    }
    // Also when another idle connection would be there for the repetition.
    let pair = [bench.submit(2), bench.submit(2)]
    try #require(bench.turn { pair.allSatisfy { $0.state == .idle } })
    let before = server.requests.count
    #expect(try bench.run(0).ending == .unknown)
    _ = bench.turn(50) { false }
    #expect(server.requests.count == before + 1)
  }

  @Test func `a connection that the server closed while idle is replaced without a fault`() throws {
    defer { server.stop() }
    let bench = try HTTPBench(server.url, pool: 1, steps: [.get("/quiet-close"), .post("/close-after")])
    for operation in [0, 0, 1, 1, 0] {
      #expect(try bench.run(operation).ending == .ok)
      // The server's end arrives while nobody uses the connection.
      let turns = bench.reactor.turns
      _ = bench.turn(40) { false }
      #expect(bench.reactor.turns - turns < 20, "an idle connection at its end keeps nobody busy")
    }
    #expect(bench.driver.statistics.reconnects == 4)
  }

  @Test(arguments: ["/huge", "/announced-huge"])
  func `an answer without end is cut off`(path: String) throws {
    defer { server.stop() }
    let bench = try HTTPBench(server.url, pool: 1, steps: [.get(path), .get("/fine")])
    let call = try bench.run()
    #expect(call.ending == .failed)
    #expect(call.failure?.class == .protocol)
    #expect(call.failure?.code == "too-large")
    #expect(call.result.bytes.count <= OperationResult.bytesMax)
    #expect(try bench.run(1).bodyText == "/fine")
  }

  @Test func `bytes that are not HTTP are an error of the protocol`() throws {
    defer { server.stop() }
    let bench = try HTTPBench(server.url, steps: [.get("/nonsense")])
    let call = try bench.run()
    #expect(call.ending == .failed)
    #expect(call.failure?.class == .protocol)
    #expect(call.failure?.code == "CURLE_UNSUPPORTED_PROTOCOL")
  }

  @Test func `a server that dies ends every call in flight`() throws {
    let bench = try HTTPBench(server.url, pool: 8, steps: [.get("/silent"), .post("/silent")])
    let calls = (0..<8).map { bench.submit($0 % 2) }
    _ = bench.turn(200) { server.requests.count == 8 }
    server.stop()
    try #require(bench.turn { calls.allSatisfy { $0.state == .idle } })
    for (index, call) in calls.enumerated() {
      #expect(call.ending == (index % 2 == 0 ? .failed : .unknown))
      #expect(call.failure?.class == .disconnected)
    }
    #expect(bench.driver.statistics.connections == 0)
  }

  @Test func `a connect that nobody answers ends by the connect timeout, and nothing was sent`() throws {
    server.stop()
    let crowd = try CrowdedPort()
    let bench = try HTTPBench("http://127.0.0.1:\(crowd.port)", connectMilliseconds: 80, steps: [.post("/x")])
    let call = try bench.run()
    #expect(call.ending == .failed)
    #expect(call.failure?.class == .timeout)
    #expect(call.failure?.code == "CURLE_OPERATION_TIMEDOUT")
    #expect(call.endedNanoseconds - call.startedNanoseconds < 1_000_000_000)
    var reported: [OperationError?] = []
    bench.driver.open(deadline: MonotonicClock.now + 80_000_000) { reported.append($0) }
    try #require(bench.turn { !reported.isEmpty })
    #expect(reported[0]?.code == "timeout")
    let abandoned = bench.submit()
    _ = bench.turn(20) { false }
    bench.driver.abandon(abandoned, now: MonotonicClock.now)
    try #require(bench.turn { abandoned.state == .idle })
    #expect(abandoned.ending == .failed, "a change that never left")
  }

  @Test func `a driver may be closed with calls under way`() throws {
    defer { server.stop() }
    let bench = try HTTPBench(server.url, pool: 2, steps: [.get("/silent")])
    for _ in 0..<4 { bench.submit() }
    _ = bench.turn(100) { server.requests.count == 2 }
    bench.driver.close()
    #expect(bench.driver.statistics.connections == 0)
    bench.reactor.turn(waitingAtMost: 1_000_000)
  }
}
