import ChainIO
import ChainProgram
import Glibc
import Testing

@testable import RabbitMQConnector

/// Figures, not claims: `CHAINRUN_MEASURE=1 swift test -c release -Xswiftc -enable-testing --filter Throughput`, with ORDERS_MQ.
@Suite(.enabled(if: brokerAddress != nil && getenv("CHAINRUN_MEASURE") != nil), .serialized) struct ThroughputTests {
  private static func cpuNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// Allocations so far, where a counting `malloc_calls` was preloaded; else 0.
  private static func allocations() -> UInt64 {
    typealias Counter = @convention(c) () -> UInt64
    guard let symbol = dlsym(nil, "malloc_calls") else { return 0 }
    return unsafeBitCast(symbol, to: Counter.self)()
  }

  @Test(arguments: [1, 16, 64, 256]) func `publish and confirm`(users: Int) throws {
    let bench = Workbench()
    let raw = try RawBroker(brokerAddress!)
    let exchange = "chainrun-test-\(UInt32.random(in: 0...UInt32.max))"
    raw.declareExchange(exchange, type: "fanout")
    raw.bindQueue("\(exchange)-q", exchange: exchange, key: "")
    let driver = try makeDriver(
      bench, brokerAddress!,
      [
        publishOperation(
          textTemplate(exchange), ("routing_key", textTemplate("q")),
          (
            "json",
            .json(TextTemplate([.literal(Array("{\"id\":".utf8)), .argument(0, .json), .literal(Array(",\"amount\":12.50}".utf8))]))
          ))
      ])
    let outcome = bench.open(driver)
    #expect(outcome.completed && outcome.error == nil)
    let arguments = UnsafeMutablePointer<Value>.allocate(capacity: 1)
    arguments.initialize(to: .int(123_456_789))
    var ended = 0
    bench.whenEnded = { call in
      ended += 1
      call.begin(operation: 0, arguments: UnsafePointer(arguments), now: MonotonicClock.now)
      driver.submit(call)
    }
    for _ in 0..<users { bench.submit(driver, arguments: [.int(1)]) }
    bench.idle(seconds: 0.3)
    for _ in 0..<3 {
      let (began, cpu, before) = (MonotonicClock.now, ThroughputTests.cpuNanoseconds(), ended)
      let allocations = ThroughputTests.allocations()
      bench.idle(seconds: 1)
      let operations = ended - before
      let seconds = Double(MonotonicClock.now - began) / 1e9
      print(
        "publish, \(users) under way: \(Int(Double(operations) / seconds)) per second, "
          + "\(Double((ThroughputTests.cpuNanoseconds() - cpu) / UInt64(max(operations, 1)) / 10) / 100) us CPU and "
          + "\(Double((ThroughputTests.allocations() - allocations) * 1000 / UInt64(max(operations, 1))) / 1000) allocations each")
    }
    driver.close()
    raw.deleteExchange(exchange)
  }

  /// Raise a memory alarm by hand while it runs: `rabbitmqctl set_vm_memory_high_watermark absolute 1MB`, and `0.4` afterwards.
  @Test(.enabled(if: getenv("CHAINRUN_ALARM") != nil)) func `publishing and tapping through a memory alarm`() throws {
    let bench = Workbench()
    let raw = try RawBroker(brokerAddress!)
    let exchange = "chainrun-test-\(UInt32.random(in: 0...UInt32.max))"
    raw.declareExchange(exchange, type: "fanout")
    let driver = try makeDriver(
      bench, brokerAddress!, [publishOperation(textTemplate(exchange), ("text", argument(0)))], acquireSeconds: 60)
    let opened = bench.open(driver)
    #expect(opened.completed && opened.error == nil)
    let log = SightingLog()
    let tap = try driver.makeObserver(hop: tapHop(exchange: exchange, readsContent: false), sink: log)
    var isArmed = false
    tap.arm(deadline: MonotonicClock.now + 5_000_000_000) { _ in isArmed = true }
    #expect(bench.turn { isArmed })
    tap.isFencing = true
    let body = String(repeating: "x", count: 1024)
    var counts: [String: Int] = [:]
    var underWay: [ObjectIdentifier: OperationCall] = [:]
    bench.whenEnded = { [bench] call in
      counts["\(call.ending) \(call.failure?.code ?? "")", default: 0] += 1
      bench.submit(driver, arguments: [.string(body)], call: call)
    }
    for _ in 0..<64 {
      let call = bench.submit(driver, arguments: [.string(body)])
      underWay[ObjectIdentifier(call)] = call
    }
    bench.reactor.turnNanosecondsMax = 0
    for second in 1...10 {
      for _ in 0..<10 {
        bench.idle(seconds: 0.1)
        let now = MonotonicClock.now
        for call in underWay.values where call.state == .waiting || call.state == .inFlight {
          if now > call.submittedNanoseconds + 500_000_000 { driver.abandon(call, now: now) }
        }
      }
      let statistics = driver.statistics
      print(
        "alarm, second \(second): \(counts), blocked \(statistics.blocked), waiting \(statistics.waiting), "
          + "longest turn \(bench.reactor.turnNanosecondsMax / 1000) us, seen \(log.entries.count), gaps \(log.gapsBegun.count), "
          + "reconnects \(statistics.reconnects)")
      counts = [:]
      bench.reactor.turnNanosecondsMax = 0
    }
    tap.close()
    driver.close()
    raw.deleteExchange(exchange)
  }
}
