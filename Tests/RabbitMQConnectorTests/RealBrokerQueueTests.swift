import ChainIO
import ChainProgram
import Glibc
import Testing

@testable import RabbitMQConnector

/// One message as a result holds it.
struct SeenMessage: Equatable {
  var key: String
  var body: String
  var headers: [String] = []
}

extension OperationResult {
  /// The messages, in the form that the type's documentation describes.
  var messages: [SeenMessage] {
    var place = 0
    func array() -> Int {
      precondition(nodes[place].kind == .array, "an array stands at \(place)")
      place += 1
      return Int(nodes[place - 1].length)
    }
    func text() -> String {
      precondition(nodes[place].kind == .text, "a text stands at \(place)")
      place += 1
      return string(nodes[place - 1])
    }
    let messages = (0..<array()).map { _ in
      precondition(array() == 3, "a message has three parts")
      let (key, body) = (text(), text())
      let headers = (0..<array()).map { _ in
        precondition(array() == 2, "a header has two parts")
        return "\(text())=\(text())"
      }
      return SeenMessage(key: key, body: body, headers: headers)
    }
    precondition(place == nodes.count, "nothing stands behind the messages")
    return messages
  }
}

/// `peek`, `consume` and `queue` against the sandbox's broker (`scripts/sandbox`, ORDERS_MQ).
@Suite(.enabled(if: brokerAddress != nil), .serialized, .timeLimit(.minutes(2))) struct RealBrokerQueueTests {
  let bench = Workbench()
  let address = brokerAddress ?? ""
  let queue = "chainrun-test-\(UInt32.random(in: 0...UInt32.max))"

  private func openDriver(_ operations: ChainProgram.Operation..., address: String? = nil) throws -> any ConnectionDriver {
    let driver = try makeDriver(bench, address ?? self.address, operations, access: "consume")
    let outcome = bench.open(driver)
    #expect(outcome.completed && outcome.error == nil)
    return driver
  }

  /// A broker of our own with `count` messages `m0`… in the queue.
  private func filled(_ count: Int, type: String? = nil, deliveryLimit: Int32? = nil, durable: Bool = true, autoDelete: Bool = false) throws
    -> RawBroker
  {
    let raw = try RawBroker(address)
    raw.declareQueue(queue, durable: durable, autoDelete: autoDelete, type: type, deliveryLimit: deliveryLimit)
    for index in 0..<count { raw.publish(exchange: "", key: queue, body: Array("m\(index)".utf8)) }
    return raw
  }

  @discardableResult private func run(_ driver: any ConnectionDriver, _ operation: Int = 0, _ name: String? = nil) -> OperationCall {
    let before = bench.ended.count
    let call = bench.submit(driver, operation: operation, arguments: [.string(name ?? queue)])
    #expect(bench.turn { bench.ended.count == before + 1 })
    return call
  }

  private func drain(_ raw: RawBroker) -> [(body: String, isRedelivered: Bool)] {
    var all: [(String, Bool)] = []
    while let message = raw.take(queue) { all.append(message) }
    return all
  }

  private func names(_ range: Range<Int>) -> [String] { range.map { "m\($0)" } }

  // Peek

  @Test func `a peek shows the oldest messages and leaves count and order, and marks what it held as redelivered`() throws {
    let raw = try filled(20)
    let driver = try openDriver(queueOperation("peek", [("max", .integer(7))]))
    for _ in 0..<3 {
      let call = run(driver)
      #expect(call.ending == .ok && call.result.messages.map(\.body) == names(0..<7))
      #expect(call.result.messages.allSatisfy { $0.key == queue && $0.headers.isEmpty })
      // By the time the step has ended, all are back.
      #expect(raw.depth(queue) == 20)
    }
    let left = drain(raw)
    #expect(left.map(\.body) == names(0..<20))
    #expect(left.map(\.isRedelivered) == (0..<20).map { $0 < 7 })
    driver.close()
    raw.deleteQueue(queue)
  }

  @Test func `messages come with keys, bytes and headers, whatever their size`() throws {
    let raw = try filled(0)
    let large = String((0..<300_000).map { Character(UnicodeScalar(UInt8(97 + $0 % 26))) })
    raw.publish(exchange: "", key: queue, body: [], headers: [("x-run", "r1"), ("x-empty", "")])
    raw.publish(exchange: "", key: queue, body: Array("not { json".utf8))
    raw.publish(exchange: "", key: queue, body: Array(large.utf8), headers: [("a", "b")])
    let driver = try openDriver(queueOperation("peek"), queueOperation("consume"))
    let expected = [
      SeenMessage(key: queue, body: "", headers: ["x-run=r1", "x-empty="]), SeenMessage(key: queue, body: "not { json"),
      SeenMessage(key: queue, body: large, headers: ["a=b"]),
    ]
    #expect(run(driver).result.messages == expected)
    #expect(run(driver, 1).result.messages == expected)
    #expect(run(driver).result.messages == [])
    driver.close()
    raw.deleteQueue(queue)
  }

  @Test func `a peek into an empty queue, and into one with fewer messages than asked for, is an ordinary result`() throws {
    let raw = try filled(0)
    let driver = try openDriver(queueOperation("peek", [("max", .integer(5))]))
    let empty = run(driver)
    #expect(empty.ending == .ok && empty.result.messages.isEmpty)
    raw.publish(exchange: "", key: queue, body: Array("m0".utf8))
    #expect(run(driver).result.messages.map(\.body) == ["m0"])
    driver.close()
    raw.deleteQueue(queue)
  }

  @Test func `a queue with a consumer is not peeked into unless that is accepted`() throws {
    let raw = try filled(2)
    let driver = try openDriver(queueOperation("peek"), queueOperation("peek", [("accept_redelivery", .flag(true))]))
    let other = try RawBroker(address)
    other.startConsumer(queue)
    let refused = run(driver)
    #expect(refused.ending == .failed && refused.failure?.code == "peek-refused")
    #expect(refused.failure?.message.contains("it has 1 consumer,") == true)
    #expect(run(driver, 1).ending == .ok)
    driver.close()
    raw.deleteQueue(queue)
  }

  @Test(arguments: [nil, 1]) func `a quorum queue is refused untouched, however often, and taken when that is accepted`(limit: Int32?)
    throws
  {
    let raw = try filled(3, type: "quorum", deliveryLimit: limit)
    let driver = try openDriver(queueOperation("peek"), queueOperation("peek", [("accept_redelivery", .flag(true))]))
    for _ in 0..<4 {
      let refused = run(driver)
      #expect(refused.ending == .failed && refused.failure?.code == "peek-refused")
      #expect(refused.failure?.message.contains("quorum queue") == true && refused.failure?.message.contains("delivery limit") == true)
    }
    let accepted = run(driver, 1)
    #expect(accepted.ending == .ok && accepted.result.messages.map(\.body) == names(0..<3))
    if limit == 1 {
      // What the refusal is for: the second return is beyond the limit, and the messages are gone.
      #expect(run(driver, 1).result.messages.count == 3)
      #expect(run(driver, 1).result.messages.isEmpty)
    } else {
      let left = drain(raw)
      #expect(left.count == 3)
    }
    driver.close()
    raw.deleteQueue(queue)
  }

  @Test func `a stream is refused, and taking from one by force costs no publisher its confirm`() throws {
    let raw = try filled(1, type: "stream")
    let driver = try openDriver(
      queueOperation("peek"), queueOperation("consume"),
      publishOperation(textTemplate(""), ("routing_key", argument(0)), ("text", argument(0))))
    let refused = run(driver)
    #expect(refused.failure?.code == "peek-refused" && refused.failure?.message.contains("a stream") == true)
    let publishes = (0..<300).map { _ in bench.submit(driver, operation: 2, arguments: [.string("\(queue)-nowhere")]) }
    let forced = bench.submit(driver, operation: 1, arguments: [.string(queue)])
    #expect(bench.turn { bench.ended.count == 302 })
    #expect(publishes.allSatisfy { $0.ending == .ok })
    #expect(forced.ending == .failed && forced.failure?.code == "540")
    // The queue connection comes back.
    #expect(run(driver).failure?.code == "peek-refused")
    driver.close()
    raw.deleteQueue(queue)
  }

  @Test(arguments: [(false, false), (true, true), (false, true)]) func `transient and auto-delete queues are peeked into and stay`(
    durable: Bool, autoDelete: Bool
  ) throws {
    let raw = try filled(2, durable: durable, autoDelete: autoDelete)
    let driver = try openDriver(queueOperation("peek"), queueOperation("consume", [("max", .integer(1))]))
    #expect(run(driver).result.messages.map(\.body) == names(0..<2))
    #expect(run(driver, 1).result.messages.map(\.body) == ["m0"])
    #expect(raw.depth(queue) == 1)
    driver.close()
    raw.deleteQueue(queue)
  }

  // Consume

  @Test func `none, one, some and more than there are can be consumed, and what was is gone`() throws {
    let raw = try filled(0)
    func consume(_ count: Int64) -> ChainProgram.Operation { queueOperation("consume", [("max", .integer(count))]) }
    let driver = try openDriver(consume(1), consume(4), consume(100), queueOperation("consume"))
    let empty = run(driver)
    #expect(empty.ending == .ok && empty.result.messages.isEmpty)
    for index in 0..<30 { raw.publish(exchange: "", key: queue, body: Array("m\(index)".utf8)) }
    #expect(run(driver, 0).result.messages.map(\.body) == names(0..<1))
    #expect(run(driver, 1).result.messages.map(\.body) == names(1..<5))
    #expect(run(driver, 3).result.messages.map(\.body) == names(5..<15))
    #expect(raw.depth(queue) == 15)
    #expect(run(driver, 2).result.messages.map(\.body) == names(15..<30))
    #expect(run(driver, 2).result.messages.isEmpty)
    driver.close()
    // Nothing that was acknowledged comes back with the connection's end.
    bench.idle(seconds: 0.2)
    #expect(raw.depth(queue) == 0)
    raw.deleteQueue(queue)
  }

  @Test func `a consume that waits takes a message that comes late, and an empty queue costs the wait`() throws {
    let raw = try filled(0)
    let driver = try openDriver(queueOperation("consume", [("wait", .duration(300_000_000))]))
    let empty = run(driver)
    #expect(empty.ending == .ok && empty.result.messages.isEmpty)
    let waited = empty.endedNanoseconds - empty.startedNanoseconds
    #expect(waited >= 300_000_000 && waited < 700_000_000)
    let call = bench.submit(driver, arguments: [.string(queue)])
    bench.idle(seconds: 0.1)
    #expect(call.state == .inFlight)
    raw.publish(exchange: "", key: queue, body: Array("late".utf8))
    #expect(bench.turn { bench.ended.count == 2 })
    #expect(call.ending == .ok && call.result.messages.map(\.body) == ["late"])
    // A waiting caller may give up at any time.
    let given = bench.submit(driver, arguments: [.string(queue)])
    bench.idle(seconds: 0.05)
    driver.abandon(given, now: MonotonicClock.now)
    #expect(bench.turn { bench.ended.count == 3 })
    #expect(given.ending == .failed && given.failure?.code == "deadline")
    raw.publish(exchange: "", key: queue, body: Array("next".utf8))
    #expect(run(driver).result.messages.map(\.body) == ["next"])
    driver.close()
    raw.deleteQueue(queue)
  }

  @Test func `five hundred consumers at once share a queue's messages, each message once`() throws {
    let raw = try filled(0)
    for index in 0..<1_000 { raw.publish(exchange: "", key: queue, body: Array("m\(index)".utf8)) }
    let driver = try openDriver(queueOperation("consume", [("max", .integer(2))]))
    let calls = (0..<500).map { _ in bench.submit(driver, arguments: [.string(queue)]) }
    #expect(driver.statistics.busy == QueueConnection.channelsMax && driver.statistics.waiting == 500 - QueueConnection.channelsMax)
    #expect(bench.turn(seconds: 30) { bench.ended.count == 500 })
    #expect(calls.allSatisfy { $0.ending == .ok })
    let bodies = calls.flatMap { $0.result.messages.map(\.body) } + drain(raw).map(\.body)
    #expect(bodies.count == 1_000 && Set(bodies) == Set(names(0..<1_000)))
    driver.close()
    raw.deleteQueue(queue)
  }

  @Test func `messages that are too large together are given back`() throws {
    let raw = try filled(0)
    for letter in "abc".utf8 { raw.publish(exchange: "", key: queue, body: [UInt8](repeating: letter, count: 6 << 20)) }
    let driver = try openDriver(queueOperation("peek"), queueOperation("consume"), queueOperation("consume", [("max", .integer(2))]))
    for operation in 0...1 {
      let call = run(driver, operation)
      #expect(call.ending == .failed && call.failure?.code == "too-large")
      #expect(raw.depth(queue) == 3)
    }
    #expect(run(driver, 2).result.messages.map { $0.body.utf8.first } == [97, 98])
    driver.close()
    raw.deleteQueue(queue)
  }

  // Facts

  @Test func `a queue's depth and consumers are told`() throws {
    let raw = try filled(12)
    let driver = try openDriver(queueOperation("queue"))
    func facts() -> [Int64] { run(driver).result.nodes.dropFirst().map(\.integer) }
    #expect(facts() == [12, 0])
    let other = try RawBroker(address)
    let empty = "\(queue)-empty"
    other.declareQueue(empty)
    other.startConsumer(empty)
    #expect(run(driver, 0, empty).result.nodes.dropFirst().map(\.integer) == [0, 1])
    driver.close()
    raw.deleteQueue(queue)
    raw.deleteQueue(empty)
  }

  // What the broker refuses

  @Test func `a missing queue is 404, another's exclusive one 405, and a bad name is not sent`() throws {
    let raw = try filled(1)
    let exclusive = "\(queue)-exclusive"
    raw.declareQueue(exclusive, exclusive: true)
    let driver = try openDriver(queueOperation("peek"), queueOperation("consume"), queueOperation("queue"))
    for operation in 0...2 {
      let missing = run(driver, operation, "\(queue)-not-there")
      #expect(missing.ending == .failed && missing.failure?.class == .server && missing.failure?.code == "404")
      #expect(missing.failure?.message.contains("no queue") == true)
      #expect(run(driver, operation, exclusive).failure?.code == "405")
      #expect(run(driver, operation, "").failure?.code == "bad-name")
      #expect(run(driver, operation, String(repeating: "q", count: 256)).failure?.code == "too-long")
    }
    #expect(run(driver).result.messages.map(\.body) == ["m0"] && driver.statistics.reconnects == 0)
    driver.close()
    raw.deleteQueue(queue)
  }

  @Test(.enabled(if: getenv("ORDERS_SANDBOX") != nil))
  func `who may not read is refused with 403, and who may not configure cannot tell the kind`()
    throws
  {
    let raw = try filled(2)
    let readable = "readable-\(queue)"
    raw.declareQueue(readable)
    raw.publish(exchange: "", key: readable, body: Array("m0".utf8))
    let user = "reader-\(queue)"
    #expect(
      brokerEvaluates(
        """
        rabbit_auth_backend_internal:add_user(<<"\(user)">>, <<"pw">>, <<"test">>), \
        rabbit_auth_backend_internal:set_permissions(<<"\(user)">>, <<"/">>, <<"">>, <<"">>, <<"readable.*">>, <<"test">>).
        """))
    defer { _ = brokerEvaluates("rabbit_auth_backend_internal:delete_user(<<\"\(user)\">>, <<\"test\">>).") }
    let driver = try openDriver(
      queueOperation("peek"), queueOperation("peek", [("accept_redelivery", .flag(true))]), queueOperation("consume"),
      address: "amqp://\(user):pw@\(try BrokerAddress(address).displayAddress)/")
    for operation in 1...2 {
      let refused = run(driver, operation)
      #expect(refused.ending == .failed && refused.failure?.class == .server && refused.failure?.code == "403")
    }
    let untold = run(driver, 0, readable)
    #expect(untold.failure?.code == "peek-refused" && untold.failure?.message.contains("does not tell what kind") == true)
    #expect(run(driver, 1, readable).result.messages.map(\.body) == ["m0"])
    #expect(run(driver, 2, readable).result.messages.map(\.body) == ["m0"])
    driver.close()
    raw.deleteQueue(queue)
    raw.deleteQueue(readable)
  }

  // Losses

  /// A driver behind a proxy, and a way to turn both.
  private func behindProxy(_ operations: ChainProgram.Operation...) throws -> (FreezableProxy, any ConnectionDriver) {
    let broker = try BrokerAddress(address)
    let proxy = FreezableProxy(upstreamPort: UInt16(broker.displayAddress.split(separator: ":").last!)!)
    let driver = try makeDriver(bench, "amqp://\(broker.user):\(broker.password)@127.0.0.1:\(proxy.port)/", operations, access: "consume")
    var opened: OperationError?? = nil
    driver.open(deadline: MonotonicClock.now + 5_000_000_000) { opened = .some($0) }
    #expect(turn(proxy) { opened != nil } && opened! == nil)
    return (proxy, driver)
  }

  private func turn(_ proxy: FreezableProxy, seconds: Double = 5, until condition: () -> Bool) -> Bool {
    bench.turn(seconds: seconds) {
      proxy.serve()
      return condition()
    }
  }

  /// Until the broker has given out the messages; the replies have not passed the proxy yet.
  private func turnUntilHeld(_ proxy: FreezableProxy, _ raw: RawBroker, _ count: Int) -> Bool {
    turn(proxy) {
      for _ in 0..<20 where raw.depth(queue) > 0 { usleep(500) }
      return raw.depth(queue) == 0
    }
  }

  @Test func `a peeker that is cut off while it holds messages loses none`() throws {
    let raw = try filled(50)
    let (proxy, driver) = try behindProxy(queueOperation("peek", [("max", .integer(50))]))
    let call = bench.submit(driver, arguments: [.string(queue)])
    #expect(turnUntilHeld(proxy, raw, 50))
    proxy.cut()
    #expect(bench.turn { bench.ended.count == 1 })
    #expect(call.ending == .failed && call.failure?.class == .disconnected)
    #expect(bench.turn { raw.depth(queue) == 50 })
    let again = bench.submit(driver, arguments: [.string(queue)])
    #expect(turn(proxy) { bench.ended.count == 2 })
    #expect(again.ending == .ok && again.result.messages.map(\.body) == names(0..<50) && driver.statistics.reconnects == 1)
    driver.close()
    #expect(drain(raw).map(\.body) == names(0..<50))
    raw.deleteQueue(queue)
  }

  @Test func `a peeker that runs into its deadline while it holds messages gives them back`() throws {
    let raw = try filled(50)
    let (proxy, driver) = try behindProxy(queueOperation("peek", [("max", .integer(50))]))
    let call = bench.submit(driver, arguments: [.string(queue)])
    #expect(turnUntilHeld(proxy, raw, 50))
    driver.abandon(call, now: MonotonicClock.now)
    #expect(bench.turn { bench.ended.count == 1 })
    #expect(call.ending == .failed && call.failure?.class == .timeout && call.failure?.code == "deadline")
    // The late messages reach nobody, and the channel is used again.
    #expect(turn(proxy) { raw.depth(queue) == 50 })
    let again = bench.submit(driver, arguments: [.string(queue)])
    #expect(turn(proxy) { bench.ended.count == 2 })
    #expect(again.result.messages.map(\.body) == names(0..<50) && driver.statistics.reconnects == 0)
    driver.close()
    raw.deleteQueue(queue)
  }

  @Test func `an acknowledgement that is lost leaves the consume unknown, and one that was not sent leaves it failed`() throws {
    let raw = try filled(5)
    let (proxy, driver) = try behindProxy(queueOperation("consume"))
    let early = bench.submit(driver, arguments: [.string(queue)])
    #expect(turnUntilHeld(proxy, raw, 5))
    proxy.cut()
    #expect(bench.turn { bench.ended.count == 1 })
    #expect(early.ending == .failed && early.failure?.class == .disconnected)
    #expect(bench.turn { raw.depth(queue) == 5 })
    let late = bench.submit(driver, arguments: [.string(queue)])
    #expect(turnUntilHeld(proxy, raw, 5))
    proxy.serve()
    // The replies are here; the acknowledgement goes as far as the proxy.
    bench.idle(seconds: 0.05)
    proxy.cut()
    #expect(bench.turn { bench.ended.count == 2 })
    #expect(late.ending == .unknown && late.failure?.class == .disconnected)
    #expect(bench.turn { raw.depth(queue) == 5 })
    driver.close()
    raw.deleteQueue(queue)
  }

  @Test func `a driver that only looks into queues opens no publishing connection`() throws {
    let driver = try openDriver(queueOperation("queue"))
    #expect(driver.statistics.connections == 1)
    driver.close()
  }
}

/// Lets the sandbox's broker evaluate an Erlang expression; the tests' way to make users.
private func brokerEvaluates(_ expression: String) -> Bool {
  let script = """
    set -e
    pid=$(cat "$ORDERS_SANDBOX/pids/rabbitmq.pid")
    while IFS= read -r -d '' entry; do case $entry in HOME=*|ERL_EPMD_*|RABBITMQ_*) export "$entry";; esac; done </proc/$pid/environ
    exec timeout 30 /usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmqctl -q eval "$0" >/dev/null
    """
  let words: [String] = ["/bin/bash", "-c", script, expression]
  var arguments: [UnsafeMutablePointer<CChar>?] = words.map { word in strdup(word) }
  defer { for argument in arguments { free(argument) } }
  arguments.append(nil)
  var child = pid_t()
  guard posix_spawn(&child, "/bin/bash", nil, nil, arguments, environ) == 0 else { return false }
  var status: Int32 = 0
  return waitpid(child, &status, 0) == child && status == 0
}
