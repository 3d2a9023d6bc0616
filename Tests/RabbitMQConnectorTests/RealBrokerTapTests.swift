import ChainIO
import ChainProgram
import Glibc
import Synchronization
import Testing

@testable import RabbitMQConnector

/// The tap, against the sandbox's broker (`scripts/sandbox`, ORDERS_MQ).
@Suite(.enabled(if: brokerAddress != nil), .serialized) struct RealBrokerTapTests {
  let bench = Workbench()
  let address = brokerAddress ?? ""
  let exchange = "chainrun-test-\(UInt32.random(in: 0...UInt32.max))"

  private func makeTap(
    _ log: SightingLog, address: String? = nil, exchange: String? = nil, routingKey: String? = nil, readsContent: Bool = true,
    keys: [(name: String, value: OperandTemplate)] = []
  ) throws -> ExchangeTap {
    let driver = try makeDriver(bench, address ?? self.address, access: "inspect")
    let hop = tapHop(exchange: exchange ?? self.exchange, routingKey: routingKey, readsContent: readsContent, keys: keys)
    return try driver.makeObserver(hop: hop, sink: log) as! ExchangeTap
  }

  private func arm(_ tap: ExchangeTap, meanwhile: () -> Void = {}) -> OperationError? {
    var outcome: OperationError?? = nil
    tap.arm(deadline: MonotonicClock.now + 5_000_000_000) { outcome = .some($0) }
    #expect(
      bench.turn {
        meanwhile()
        return outcome != nil
      })
    return outcome ?? nil
  }

  @Test func `of two thousand messages at random times none is missed, and each lies in its interval`() throws {
    let raw = try RawBroker(address)
    raw.declareExchange(exchange, type: "topic")
    let log = SightingLog()
    let tap = try makeTap(log)
    #expect(arm(tap) == nil)
    tap.isFencing = true
    let total = 2000
    let exchange = exchange
    let shared = Shared()
    let thread = startThread {
      var pauses = JitterSource()
      for number in 0..<total {
        usleep(UInt32(pauses.next(from: 0, to: 3000)))
        let sent = MonotonicClock.now
        raw.publish(exchange: exchange, key: "order.created", body: Array("\(number)".utf8))
        let confirmed = MonotonicClock.now
        shared.stamps.withLock { $0.append((sent, confirmed)) }
      }
      shared.isOver.store(true, ordering: .releasing)
    }
    #expect(bench.turn(seconds: 60) { shared.isOver.load(ordering: .acquiring) && log.entries.count >= total })
    pthread_join(thread, nil)
    let truth = shared.stamps.withLock { $0 }
    #expect(log.entries.map(\.body) == (0..<total).map(String.init))
    var widths: [UInt64] = []
    var violations = 0
    for (entry, stamp) in zip(log.entries, truth) {
      if entry.notBefore >= stamp.confirmed || entry.seen <= stamp.sent || entry.notBefore >= entry.seen { violations += 1 }
      widths.append(entry.seen - min(entry.notBefore, entry.seen))
    }
    #expect(violations == 0)
    widths.sort()
    print(
      "tap: \(total) messages, \(violations) violations, interval width median \(widths[total / 2] / 1000) us, "
        + "p99 \(widths[total * 99 / 100] / 1000) us, max \(widths[total - 1] / 1000) us, \(tap.operationsSent) markers")
    #expect(widths[total / 2] < 5_000_000)
    #expect(log.gapsBegun.isEmpty)
    tap.close()
    raw.deleteExchange(exchange)
  }

  @Test func `key, body and headers are shown, whatever the body's size`() throws {
    let raw = try RawBroker(address)
    raw.declareExchange(exchange, type: "topic")
    let log = SightingLog()
    let tap = try makeTap(log, routingKey: "order.*")
    #expect(arm(tap) == nil)
    let large = [UInt8](repeating: 0x61, count: 204_800)
    raw.publish(exchange: exchange, key: "order.a", body: [], headers: [("x-id", "1"), ("y", "zwei")])
    raw.publish(exchange: exchange, key: "other.a", body: [0x62])
    raw.publish(exchange: exchange, key: "order.b", body: [0x63])
    raw.publish(exchange: exchange, key: "order.c", body: large)
    #expect(bench.turn { log.entries.count == 3 })
    #expect(log.entries.map(\.key) == ["order.a", "order.b", "order.c"])
    #expect(log.entries[0].headers.sorted() == ["x-id=1", "y=zwei"])
    #expect(log.entries[0].body == "" && log.entries[1].body == "c" && Array(log.entries[2].body.utf8) == large)
    tap.close()
    raw.deleteExchange(exchange)
  }

  @Test func `the tap leaves no queue behind`() throws {
    let raw = try RawBroker(address)
    raw.declareExchange(exchange, type: "fanout")
    let log = SightingLog()
    let tap = try makeTap(log)
    #expect(arm(tap) == nil)
    let queue = String(decoding: tap.queue, as: UTF8.self)
    #expect(queue.hasPrefix("amq.gen-"))
    tap.close()
    bench.idle(seconds: 0.2)
    #expect(!raw.queueExists(queue))
    raw.deleteExchange(exchange)
  }

  @Test(arguments: ["topic", "fanout", "headers"])
  func `an exchange of each type is tapped whole without being told its type, and nothing is left behind`(type: String) throws {
    let raw = try RawBroker(address)
    raw.declareExchange(exchange, type: type)
    let log = SightingLog()
    let tap = try makeTap(log)
    #expect(arm(tap) == nil)
    #expect(tap.reason.hasPrefix("a \(type) exchange"), "\(tap.reason)")
    raw.publish(exchange: exchange, key: "a.b", body: [0x61], headers: [("kind", "x")])
    raw.publish(exchange: exchange, key: "", body: [0x62])
    #expect(bench.turn { log.entries.count == 2 })
    // Bound again each second, which changes nothing.
    bench.idle(seconds: 1.3)
    raw.publish(exchange: exchange, key: "c", body: [0x63])
    #expect(bench.turn { log.entries.count == 3 })
    bench.idle(seconds: 0.1)
    #expect(log.entries.map(\.body) == ["a", "b", "c"] && log.gapsBegun.isEmpty)
    let queue = String(decoding: tap.queue, as: UTF8.self)
    tap.close()
    bench.idle(seconds: 0.2)
    #expect(!raw.queueExists(queue))
    raw.deleteExchange(exchange)
  }

  @Test func `a direct exchange is tapped by the keys that the chain gives, and refused without any`() throws {
    let raw = try RawBroker(address)
    raw.declareExchange(exchange, type: "direct")
    let log = SightingLog()
    let refused = arm(try makeTap(log))
    #expect(refused?.code == "direct-exchange" && refused?.message.contains("routing_keys") == true)
    let tap = try makeTap(log, keys: [("routing_keys", .wordList(["a", "b"]))])
    #expect(arm(tap) == nil)
    for key in ["a", "b", "c"] { raw.publish(exchange: exchange, key: key, body: Array(key.utf8)) }
    #expect(bench.turn { log.entries.count == 2 })
    bench.idle(seconds: 0.1)
    #expect(log.entries.map(\.key) == ["a", "b"])
    tap.close()
    raw.deleteExchange(exchange)
  }

  @Test(arguments: [("all", ["both"]), ("any", ["both", "one"])])
  func `a headers exchange is tapped by the headers that the chain gives`(match: String, seen: [String]) throws {
    let raw = try RawBroker(address)
    raw.declareExchange(exchange, type: "headers")
    let log = SightingLog()
    let tap = try makeTap(
      log, keys: [("headers", .textMap([("kind", TextTemplate("order")), ("land", TextTemplate("de"))])), ("match", .choice(match))])
    #expect(arm(tap) == nil)
    raw.publish(exchange: exchange, key: "", body: Array("both".utf8), headers: [("kind", "order"), ("land", "de")])
    raw.publish(exchange: exchange, key: "", body: Array("one".utf8), headers: [("kind", "order"), ("land", "fr")])
    raw.publish(exchange: exchange, key: "", body: Array("none".utf8), headers: [("kind", "bill")])
    #expect(bench.turn { log.entries.count == seen.count })
    bench.idle(seconds: 0.1)
    #expect(log.entries.map(\.body) == seen)
    tap.close()
    raw.deleteExchange(exchange)
  }

  @Test func `asking for the type of an exchange that is not there makes none`() throws {
    let raw = try RawBroker(address)
    #expect(arm(try makeTap(SightingLog()))?.code == "404")
    #expect(arm(try makeTap(SightingLog()))?.code == "404")
    // It could still be made as anything.
    raw.declareExchange(exchange, type: "headers")
    raw.deleteExchange(exchange)
  }

  @Test func `an exchange that is deleted, which nobody tells, is a gap since the binding was last there`() throws {
    let raw = try RawBroker(address)
    raw.declareExchange(exchange, type: "topic")
    let log = SightingLog()
    let tap = try makeTap(log)
    #expect(arm(tap) == nil)
    tap.isFencing = true
    bench.idle(seconds: 0.2)
    let deleted = MonotonicClock.now
    raw.deleteExchange(exchange)
    #expect(bench.turn(seconds: 4) { log.gapsBegun.count == 1 })
    #expect(log.gapsBegun[0] <= deleted && log.causes[0].contains(exchange))
    raw.declareExchange(exchange, type: "topic")
    #expect(bench.turn(seconds: 8) { log.gapsEnded.count == 1 })
    raw.publish(exchange: exchange, key: "a", body: [0x61])
    #expect(bench.turn { log.entries.count == 1 })
    tap.close()
    raw.deleteExchange(exchange)
  }

  @Test func `markers are frequent while fencing, and rare otherwise`() throws {
    let raw = try RawBroker(address)
    raw.declareExchange(exchange, type: "fanout")
    let tap = try makeTap(SightingLog())
    #expect(arm(tap) == nil)
    let before = tap.operationsSent
    bench.idle(seconds: 1)
    let idle = tap.operationsSent - before
    tap.isFencing = true
    bench.idle(seconds: 1)
    let fencing = tap.operationsSent - before - idle
    #expect(idle <= 2 && fencing > 100 && fencing <= 2000)
    print("tap: \(idle) markers in an idle second, \(fencing) in a fencing one")
    tap.close()
    raw.deleteExchange(exchange)
  }

  @Test func `a missing exchange and the default exchange cannot be tapped, and the messages say why`() throws {
    let log = SightingLog()
    let error = arm(try makeTap(log))
    #expect(error?.class == .server && error?.code == "404" && error?.message.contains(exchange) == true)
    do {
      _ = try makeTap(log, exchange: "")
      Issue.record("the default exchange cannot be tapped")
    } catch let error as OperationError {
      #expect(error.code == "default-exchange" && error.message.contains("takes no bindings"))
    }
  }

  @Test func `a frozen tap reports a gap from its last proof on, and its end when it sees again`() throws {
    let raw = try RawBroker(address)
    raw.declareExchange(exchange, type: "fanout")
    let broker = try BrokerAddress(address)
    let proxy = FreezableProxy(upstreamPort: UInt16(broker.displayAddress.split(separator: ":").last!)!)
    let log = SightingLog()
    let tap = try makeTap(log, address: "amqp://\(broker.user):\(broker.password)@127.0.0.1:\(proxy.port)/")
    #expect(arm(tap, meanwhile: { proxy.serve() }) == nil)
    tap.isFencing = true
    func turn(seconds: Double, until condition: () -> Bool) -> Bool {
      bench.turn(seconds: seconds) {
        proxy.serve()
        return condition()
      }
    }
    _ = turn(seconds: 0.3) { false }
    let frozen = MonotonicClock.now
    proxy.isFrozen = true
    #expect(turn(seconds: 8) { !log.gapsBegun.isEmpty })
    let waited = Double(MonotonicClock.now - frozen) / 1e9
    #expect(waited > 4.5 && waited < 6)
    #expect(log.gapsBegun[0] < frozen && frozen - log.gapsBegun[0] < 100_000_000)
    proxy.cut()
    proxy.isFrozen = false
    try #require(turn(seconds: 8) { !log.gapsEnded.isEmpty })
    #expect(log.gapsEnded[0] > frozen && log.gapsBegun.count == 1)
    let published = MonotonicClock.now
    raw.publish(exchange: exchange, key: "", body: [0x61])
    let confirmed = MonotonicClock.now
    #expect(turn(seconds: 3) { log.entries.count == 1 })
    #expect(log.entries[0].seen > published && log.entries[0].notBefore < confirmed && log.entries[0].notBefore > log.gapsBegun[0])
    // Closed by the peer: the same, at once.
    let cut = MonotonicClock.now
    proxy.cut()
    #expect(turn(seconds: 10) { log.gapsEnded.count == 2 })
    #expect(log.gapsBegun.count == 2 && log.gapsBegun[1] <= cut && log.gapsEnded[1] > cut)
    tap.close()
    raw.deleteExchange(exchange)
  }
}

/// What the publishing thread and the test share.
private final class Shared: Sendable {
  let stamps = Mutex<[(sent: UInt64, confirmed: UInt64)]>([])
  let isOver = Atomic<Bool>(false)
}
