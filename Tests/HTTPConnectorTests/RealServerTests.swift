import ChainIO
import ChainProgram
import Glibc
import HTTPConnector
import Testing

private var serverURL: String? { getenv("ORDERS_API").map { String(cString: $0) } }

/// Against the web server that `scripts/sandbox up --http` starts, whose address is in ORDERS_API.
@Suite(.enabled(if: serverURL != nil), .timeLimit(.minutes(1)), .serialized) struct RealServerTests {
  @Test func `a real server answers reads, changes, missing pages and slow ones`() throws {
    var post = HTTPBench.Step.post("/items")
    post.json = TextTemplate("{\"name\":\"tea\"}")
    let bench = try HTTPBench(#require(serverURL), steps: [.get("/items"), post, .get("/missing"), .get("/slow")])
    var opened: [OperationError?] = []
    bench.driver.open(deadline: MonotonicClock.now + 2_000_000_000) { opened.append($0) }
    try #require(bench.turn { !opened.isEmpty })
    #expect(opened == [nil])
    #expect(try bench.run(0).result.status == 200)
    #expect(try bench.run(1).result.status == 201)
    #expect(try bench.run(2).result.status == 404)
    let slow = bench.submit(3)
    try #require(bench.turn(10_000) { slow.state == .idle })
    #expect(slow.result.status == 200)
    #expect(slow.endedNanoseconds - slow.startedNanoseconds > 300_000_000)
  }

  /// Prints what a GET costs: compare with `wrk` and `CFloor http-get` in the same minute, in release mode.
  @Test(arguments: [1, 16, 64]) func `a second of GETs over kept connections loses none`(inFlight: Int) throws {
    let bench = try HTTPBench(#require(serverURL), pool: inFlight, readsHeaders: false, steps: [.get("/items")])
    var ended = 0
    var bad = 0
    var isOver = false
    bench.onEnd = { call in
      ended += 1
      if call.ending != .ok || call.result.status != 200 { bad += 1 }
      if !isOver { bench.again(call, 0) }
    }
    defer { bench.onEnd = nil }
    for _ in 0..<inFlight { bench.submit() }
    _ = bench.turn(200) { false }
    let (startCPU, start, before) = (threadCPU(), MonotonicClock.now, ended)
    _ = bench.turn(1_000) { false }
    let (cpu, seconds, count) = (threadCPU() - startCPU, Double(MonotonicClock.now - start) / 1e9, Double(ended - before))
    isOver = true
    try #require(bench.turn { bench.calls.allSatisfy { $0.state == .idle } })
    #expect(bad == 0)
    #expect(count > 0)
    print("http-get \(inFlight) in flight: \(Int(count / seconds)) operations/s, \((Double(cpu) / count / 10).rounded() / 100) us CPU each")
  }

  /// Nanoseconds of this thread's CPU time.
  private func threadCPU() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
