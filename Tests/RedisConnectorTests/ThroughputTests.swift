import ChainIO
import ChainProgram
import Glibc
import Testing

@testable import RedisConnector

/// How much one GET costs this process, with 64 kept in flight. Off unless CHAINRUN_MEASURE is set: it takes seconds and claims nothing in debug builds.
@Suite(.enabled(if: sandboxAddress != nil && getenv("CHAINRUN_MEASURE") != nil), .serialized)
struct ThroughputTests {
  private final class Loop: CallOwner {
    let reactor: Reactor
    let driver: RedisDriver
    var finished = 0
    var isStopping = false
    var inFlight = 0
    let arguments: UnsafeMutablePointer<Value>

    init(_ bench: Bench) {
      reactor = bench.reactor
      driver = bench.driver
      arguments = .allocate(capacity: 1)
      arguments.initialize(to: .int(42))
    }

    func begin(_ call: OperationCall) {
      call.begin(operation: 0, arguments: arguments, now: reactor.now)
      driver.submit(call)
      inFlight += 1
    }

    func callEnded(_ call: OperationCall) {
      finished += 1
      inFlight -= 1
      if !isStopping { begin(call) }
    }
  }

  private static func cpuNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  @Test(arguments: [(1, 1), (16, 1), (64, 1), (256, 1), (64, 64)])
  func `calls kept in flight`(_ users: Int, _ connections: Int) throws {
    let bench = try Bench(address: sandboxAddress ?? "", commands: ["GET order:{0}"], access: "read", pool: .size(connections))
    #expect(bench.open() == .some(nil))
    let loop = Loop(bench)
    let calls = (0..<users).map { _ in OperationCall(owner: loop, reactor: bench.reactor) }
    for call in calls { loop.begin(call) }
    bench.run(for: .milliseconds(200)) { false }
    let (count, cpu, clock) = (loop.finished, ThroughputTests.cpuNanoseconds(), MonotonicClock.now)
    bench.run(for: .seconds(2)) { false }
    let done = loop.finished - count
    let seconds = Double(MonotonicClock.now - clock) / 1e9
    let micros = Double(ThroughputTests.cpuNanoseconds() - cpu) / 1000 / Double(done)
    print("GET, \(users) in flight over \(connections): \(Int(Double(done) / seconds))/s, \(micros) us CPU each")
    loop.isStopping = true
    #expect(bench.run { loop.inFlight == 0 })
    bench.driver.close()
    loop.arguments.deallocate()
  }
}
