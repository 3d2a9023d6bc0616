import ChainIO
import ChainProgram
import Glibc
import Testing

@testable import RabbitMQConnector

/// Against the sandbox's broker (`scripts/sandbox`, ORDERS_MQ).
@Suite(.enabled(if: brokerAddress != nil), .serialized) struct RealBrokerPublishTests {
  let bench = Workbench()
  let address = brokerAddress ?? ""
  let exchange = "chainrun-test-\(UInt32.random(in: 0...UInt32.max))"

  private func openDriver(_ operations: ChainProgram.Operation..., address: String? = nil, pool: Int = 1) throws -> any ConnectionDriver {
    let driver = try makeDriver(bench, address ?? self.address, operations, pool: .size(pool))
    let outcome = bench.open(driver)
    #expect(outcome.completed && outcome.error == nil)
    return driver
  }

  private func openError(_ address: String) throws -> OperationError? {
    let driver = try makeDriver(bench, address)
    let outcome = bench.open(driver)
    #expect(outcome.completed)
    return outcome.error
  }

  private var numbered: ChainProgram.Operation {
    publishOperation(
      textTemplate(exchange), ("routing_key", textTemplate("q")),
      ("json", .json(TextTemplate([.literal(Array("{\"id\":".utf8)), .argument(0, .json), .literal([0x7D])]))))
  }

  @Test(arguments: [1, 3]) func `ten thousand messages with 64 under way are confirmed and there`(pool: Int) throws {
    let raw = try RawBroker(address)
    raw.declareExchange(exchange, type: "direct")
    raw.bindQueue("\(exchange)-q", exchange: exchange, key: "q")
    let driver = try openDriver(numbered, pool: pool)
    var submitted = 0
    var ended = 0
    var failures: [OperationError] = []
    let total = 10_000
    bench.whenEnded = { [bench] call in
      ended += 1
      if call.ending != .ok { failures.append(call.failure!) }
      if submitted < total {
        bench.submit(driver, arguments: [.int(Int64(submitted))], call: call)
        submitted += 1
      }
    }
    for _ in 0..<64 {
      bench.submit(driver, arguments: [.int(Int64(submitted))])
      submitted += 1
    }
    if pool > 1 { #expect(driver.statistics.busy == pool && driver.statistics.connections == pool) }
    #expect(bench.turn(seconds: 60) { ended == total })
    #expect(failures.isEmpty)
    var bodies: Set<String> = []
    while let body = raw.get("\(exchange)-q") { bodies.insert(String(decoding: body, as: UTF8.self)) }
    #expect(bodies.count == total)
    driver.close()
    raw.deleteExchange(exchange)
  }

  @Test func `bodies of nothing, one byte and more than a frame arrive as they were sent`() throws {
    let raw = try RawBroker(address)
    raw.declareExchange(exchange, type: "direct")
    raw.bindQueue("\(exchange)-q", exchange: exchange, key: "q")
    let driver = try openDriver(publishOperation(textTemplate(exchange), ("routing_key", textTemplate("q")), ("text", argument(0))))
    let large = String((0..<204_800).map { Character(UnicodeScalar(UInt8(97 + $0 % 26))) })
    for body in ["", "x", large] {
      bench.ended = []
      bench.submit(driver, arguments: [.string(body)])
      #expect(bench.turn { bench.ended.count == 1 })
      #expect(bench.ended[0].ending == .ok)
      #expect(raw.get("\(exchange)-q") == Array(body.utf8))
    }
    driver.close()
    raw.deleteExchange(exchange)
  }

  @Test func `a mandatory message that no queue gets fails with 312, and only that one`() throws {
    let raw = try RawBroker(address)
    raw.declareExchange(exchange, type: "headers")
    raw.bindQueue("\(exchange)-q", exchange: exchange, key: "", headers: ["wanted": "yes"])
    // The same route and the same body: only the headers tell the two apart.
    let driver = try openDriver(
      publishOperation(
        textTemplate(exchange), ("text", textTemplate("same")), ("mandatory", .flag(true)),
        ("headers", .textMap([("wanted", TextTemplate([.argument(0, .text)]))]))))
    let wishes = (0..<200).map { $0 % 3 == 0 ? "no" : "yes" }
    let calls = wishes.map { bench.submit(driver, arguments: [.string($0)]) }
    #expect(bench.turn { bench.ended.count == calls.count })
    for (wish, call) in zip(wishes, calls) {
      #expect(call.ending == (wish == "yes" ? .ok : .failed) && call.result.isRouted == (wish == "yes"))
      if wish == "no" { #expect(call.failure?.class == .server && call.failure?.code == "312") }
    }
    driver.close()
    raw.deleteExchange(exchange)
  }

  @Test func `a missing exchange fails with 404, and the next message goes over the same connection`() throws {
    let raw = try RawBroker(address)
    raw.declareExchange(exchange, type: "fanout")
    let driver = try openDriver(publishOperation(argument(0), ("text", textTemplate("x"))))
    let wrong = bench.submit(driver, arguments: [.string("\(exchange)-not-there")])
    #expect(bench.turn { bench.ended.count == 1 })
    #expect(wrong.ending == .failed && wrong.failure?.class == .server && wrong.failure?.code == "404")
    #expect(wrong.failure?.message.contains("no exchange") == true)
    let good = bench.submit(driver, arguments: [.string(exchange)])
    #expect(bench.turn { bench.ended.count == 2 })
    #expect(good.ending == .ok && driver.statistics.reconnects == 0)
    driver.close()
    raw.deleteExchange(exchange)
  }

  @Test func `a wrong password is refused with 403, and a missing virtual host with its code`() throws {
    let broker = try BrokerAddress(address)
    let wrong = try openError("amqp://\(broker.user):not-the-password@\(broker.displayAddress)/")
    #expect(wrong?.class == .connect && wrong?.code == "403")
    #expect(wrong?.message.contains("ACCESS_REFUSED") == true && wrong?.message.contains("not-the-password") == false)
    let missing = try openError("amqp://\(broker.user):\(broker.password)@\(broker.displayAddress)/nowhere")
    #expect(missing?.class == .connect && missing?.code == "530")
    #expect(missing?.message.contains(broker.password) == false)
  }

  @Test func `a frozen broker costs its deadline, leaves the message unknown, and is used again afterwards`() throws {
    let raw = try RawBroker(address)
    raw.declareExchange(exchange, type: "fanout")
    let broker = try BrokerAddress(address)
    let proxy = FreezableProxy(upstreamPort: UInt16(broker.displayAddress.split(separator: ":").last!)!)
    func turn(seconds: Double = 5, until condition: () -> Bool) -> Bool {
      bench.turn(seconds: seconds) {
        proxy.serve()
        return condition()
      }
    }
    let driver = try makeDriver(
      bench, "amqp://\(broker.user):\(broker.password)@127.0.0.1:\(proxy.port)/",
      [publishOperation(textTemplate(exchange), ("text", argument(0)))])
    var opened: OperationError?? = nil
    driver.open(deadline: MonotonicClock.now + 5_000_000_000) { opened = .some($0) }
    #expect(turn { opened != nil })
    #expect(opened! == nil)
    proxy.isFrozen = true
    let frozen = bench.submit(driver, arguments: [.string("a")])
    #expect(!turn(seconds: 0.3) { !bench.ended.isEmpty })
    driver.abandon(frozen, now: MonotonicClock.now)
    #expect(turn { bench.ended.count == 1 })
    #expect(frozen.ending == .unknown && frozen.failure?.class == .timeout && frozen.failure?.code == "deadline")
    proxy.isFrozen = false
    let next = bench.submit(driver, arguments: [.string("b")])
    #expect(turn { bench.ended.count == 2 })
    #expect(next.ending == .ok && proxy.accepted == 1)
    // Cut: what is under way is unknown, and the pool comes back by itself.
    proxy.isFrozen = true
    let cut = bench.submit(driver, arguments: [.string("c")])
    bench.idle(seconds: 0.05)
    proxy.cut()
    proxy.isFrozen = false
    #expect(turn { bench.ended.count == 3 })
    #expect(cut.ending == .unknown && cut.failure?.class == .disconnected)
    let last = bench.submit(driver, arguments: [.string("d")])
    #expect(turn { bench.ended.count == 4 })
    #expect(last.ending == .ok && driver.statistics.reconnects == 1)
    driver.close()
    raw.deleteExchange(exchange)
  }
}
