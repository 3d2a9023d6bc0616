import ChainIO
import ChainProgram
import Testing

@testable import RabbitMQConnector

/// Reading streams, against the sandbox's broker (ORDERS_MQ).
@Suite(.enabled(if: brokerAddress != nil), .serialized) struct RealBrokerStreamTests {
  let bench = Workbench()
  let address = brokerAddress ?? ""
  let queue = "chainrun-stream-\(UInt32.random(in: 0...UInt32.max))"

  private func make(_ log: SightingLog, address: String? = nil, queue: String? = nil) throws -> StreamReader {
    let driver = try makeDriver(bench, address ?? self.address, access: "inspect")
    let hop = HopDeclaration(
      name: "streamed", connection: ConnectionIndex(0), observer: "stream", operands: [("stream", textTemplate(queue ?? self.queue))],
      mappingEntry: 0, idSlot: SlotIndex(0), keySlot: nil, versionSlot: nil, bodySlots: [], readsContent: true, showsMessages: true,
      range: nowhere)
    return try #require(try driver.makeObserver(hop: hop, sink: log) as? StreamReader)
  }

  private func arm(_ reader: StreamReader) -> OperationError? {
    var outcome: OperationError??
    reader.arm(deadline: MonotonicClock.now + 5_000_000_000) { outcome = .some($0) }
    #expect(bench.turn { outcome != nil })
    return outcome ?? nil
  }

  @Test func `a stream is read from its end on, each message once, and nothing is taken from it`() throws {
    let raw = try RawBroker(address)
    raw.declareQueue(queue, type: "stream")
    raw.publish(exchange: "", key: queue, body: Array("before".utf8))
    let log = SightingLog()
    let reader = try make(log)
    #expect(arm(reader) == nil && reader.mode == "stream" && reader.countsRepeats)
    // More than the broker sends ahead.
    let total = 1200
    var sent: [UInt64] = []
    for number in 0..<total {
      sent.append(MonotonicClock.now)
      raw.publish(exchange: "", key: queue, body: Array("\(number)".utf8), headers: [("x-id", "\(number)")])
      if number % 20 == 0 { bench.reactor.turn(waitingAtMost: 0) }
    }
    #expect(bench.turn { log.entries.count == total })
    #expect(log.entries.map(\.body) == (0..<total).map(String.init))
    #expect(zip(log.entries, sent).allSatisfy { $0.seen > $1 && $0.notBefore == 0 && $0.key == queue })
    #expect(log.entries[7].headers.contains("x-id=7"))
    reader.close()
    bench.idle(seconds: 0.1)
    // All of it is there for the next one who reads.
    let again = SightingLog()
    let second = try make(again)
    #expect(arm(second) == nil)
    raw.publish(exchange: "", key: queue, body: Array("after".utf8))
    #expect(bench.turn { again.entries.map(\.body) == ["after"] })
    second.close()
    raw.deleteQueue(queue)
  }

  @Test func `a queue that is no stream is not read from, so that none of its messages is taken`() throws {
    let raw = try RawBroker(address)
    raw.declareQueue(queue)
    raw.publish(exchange: "", key: queue, body: [0x61])
    let error = arm(try make(SightingLog()))
    #expect(error?.code == "not-a-stream" && error?.message.contains("tap") == true)
    #expect(raw.depth(queue) == 1)
    let message = raw.take(queue)
    #expect(message?.isRedelivered == false)
    raw.deleteQueue(queue)
    #expect(arm(try make(SightingLog(), queue: "chainrun-no-such-stream"))?.code == "404")
    #expect(!raw.queueExists("chainrun-no-such-stream"))
  }

  @Test func `a connection that is lost is a gap with its cause, and the reading goes on behind the last message`() throws {
    let raw = try RawBroker(address)
    raw.declareQueue(queue, type: "stream")
    let broker = try BrokerAddress(address)
    let proxy = FreezableProxy(upstreamPort: UInt16(broker.displayAddress.split(separator: ":").last!)!)
    let log = SightingLog()
    let reader = try make(log, address: "amqp://\(broker.user):\(broker.password)@127.0.0.1:\(proxy.port)/")
    func turn(seconds: Double, until condition: () -> Bool) -> Bool {
      bench.turn(seconds: seconds) {
        proxy.serve()
        return condition()
      }
    }
    var outcome: OperationError??
    reader.arm(deadline: MonotonicClock.now + 5_000_000_000) { outcome = .some($0) }
    #expect(turn(seconds: 6) { outcome != nil } && (outcome ?? nil) == nil)
    raw.publish(exchange: "", key: queue, body: [0x61])
    #expect(turn(seconds: 3) { log.entries.count == 1 })
    proxy.isFrozen = true
    proxy.cut()
    #expect(turn(seconds: 3) { log.gapsBegun.count == 1 })
    raw.publish(exchange: "", key: queue, body: [0x62])
    raw.publish(exchange: "", key: queue, body: [0x63])
    proxy.isFrozen = false
    #expect(turn(seconds: 10) { log.entries.count == 3 })
    #expect(log.entries.map(\.body) == ["a", "b", "c"] && log.gapsEnded.count == 1 && !log.causes[0].isEmpty, "\(log.entries) \(log.gapsEnded)")
    reader.close()
    raw.deleteQueue(queue)
  }

  @Test func `a stream that is deleted cancels the reading, which is a gap until it is there again`() throws {
    let raw = try RawBroker(address)
    raw.declareQueue(queue, type: "stream")
    let log = SightingLog()
    let reader = try make(log)
    #expect(arm(reader) == nil)
    raw.deleteQueue(queue)
    #expect(bench.turn(seconds: 5) { log.gapsBegun.count == 1 })
    #expect(log.causes[0].contains("cancelled"), "\(log.causes)")
    raw.declareQueue(queue, type: "stream")
    #expect(bench.turn(seconds: 10) { log.gapsEnded.count == 1 })
    reader.close()
    raw.deleteQueue(queue)
  }
}
