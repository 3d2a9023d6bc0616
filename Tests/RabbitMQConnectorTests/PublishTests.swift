import CRabbitMQ
import ChainIO
import ChainProgram
import Glibc
import Testing

@testable import RabbitMQConnector

/// Publishing, against a broker that does as the test says.
@Suite struct PublishTests {
  let bench = Workbench()
  let broker = FakeBroker()

  func turn(seconds: Double = 5, until condition: () -> Bool) -> Bool {
    bench.turn(seconds: seconds) {
      broker.serve()
      return condition()
    }
  }

  func openDriver(
    _ operations: ChainProgram.Operation..., pool: Int = 1, acquireSeconds: Double = 5
  ) throws -> any ConnectionDriver {
    let driver = try makeDriver(bench, broker.address, operations, pool: .size(pool), acquireSeconds: acquireSeconds)
    let error = openError(driver)
    #expect(error == nil)
    return driver
  }

  func openError(_ driver: any ConnectionDriver, seconds: Double = 3) -> OperationError? {
    var outcome: OperationError?? = nil
    driver.open(deadline: MonotonicClock.now + UInt64(seconds * 1e9)) { outcome = .some($0) }
    #expect(turn(seconds: seconds + 1) { outcome != nil })
    return outcome ?? nil
  }

  let simple = publishOperation(textTemplate("orders"), ("routing_key", textTemplate("created")), ("text", argument(0)))
  let mandatory = publishOperation(
    argument(1), ("routing_key", textTemplate("k")), ("text", argument(0)), ("mandatory", .flag(true)))
  let unconfirmed = publishOperation(textTemplate("orders"), ("text", argument(0)), ("confirm", .flag(false)))

  @Test func `a broker may answer the goodbye of a driver that is gone`() throws {
    var driver: (any ConnectionDriver)? = try openDriver(simple)
    weak let gone = driver
    var wasAsked = false
    broker.whenAsked = { if $0 == AMQP_CONNECTION_CLOSE_METHOD { wasAsked = true } }
    driver?.close()
    driver = nil
    #expect(turn { wasAsked })
    #expect(gone == nil)
    broker.send(AMQP_CONNECTION_CLOSE_OK_METHOD, amqp_connection_close_ok_t(), channel: 0)
    #expect(turn { !broker.hasClient })
  }

  @Test func `the login announces the connection's name and the capabilities that publishing needs`() throws {
    _ = try openDriver()
    let text = String(decoding: broker.startOk, as: UTF8.self)
    for word in [
      "connection_name", "chainrun", "publisher_confirms", "basic.nack", "connection.blocked", "consumer_cancel_notify", "PLAIN",
    ] { #expect(text.contains(word)) }
  }

  @Test func `a message tells its trace in a header, unless the chain has one of its own`() throws {
    let trace = TraceParent(traceHigh: 1, traceLow: 2, span: 3)
    func frames(_ headers: [(name: String, value: TextTemplate)], tells: Bool) throws -> String {
      let operation = publishOperation(.text(TextTemplate("orders")), ("text", .text(TextTemplate("x"))), ("headers", .textMap(headers)))
      var bytes: [UInt8] = []
      let nothing: [Value] = [.null]
      nothing.withUnsafeBufferPointer {
        _ = try? PublishTemplate(operation, channel: 1, tellsTraces: tells)
          .write(to: &bytes, arguments: $0.baseAddress!, channel: 1, frameBytesMax: 4096, trace: trace)
      }
      return String(decoding: bytes, as: UTF8.self)
    }
    let told = "00-00000000000000010000000000000002-0000000000000003-01"
    #expect(try frames([], tells: true).contains("\u{b}traceparentS\0\0\0\u{37}" + told))
    #expect(try frames([("x-run", TextTemplate("r1"))], tells: true).contains(told))
    #expect(try !frames([], tells: false).contains("traceparent"))
    #expect(try !frames([("traceparent", TextTemplate("mine"))], tells: true).contains(told))
  }

  @Test func `a compiled message is what the library itself would encode`() throws {
    let operation = publishOperation(
      argument(0), ("routing_key", argument(1)),
      ("json", .json(TextTemplate([.literal(Array("{\"id\":".utf8)), .argument(2, .json), .literal([0x7D])]))),
      ("headers", .textMap([("x-run", TextTemplate([.argument(3, .text)])), ("fixed", TextTemplate("yes"))])),
      ("message_id", argument(4)), ("persistent", .flag(false)))
    let template = try PublishTemplate(operation, channel: 1)
    var bytes: [UInt8] = []
    let arguments: [Value] = [.string("orders"), .string("eu.created"), .int(9_007_199_254_740_993), .string("r1"), .string("m-7")]
    arguments.withUnsafeBufferPointer {
      _ = template.write(to: &bytes, arguments: $0.baseAddress!, channel: 1, frameBytesMax: 4096)
    }
    var expected: [UInt8] = []
    var arena = MethodArena()
    try expected.appendMethod(
      AMQP_BASIC_PUBLISH_METHOD,
      amqp_basic_publish_t(ticket: 0, exchange: arena.bytes("orders"), routing_key: arena.bytes("eu.created"), mandatory: 0, immediate: 0),
      channel: 1)
    var properties = amqp_basic_properties_t()
    properties._flags = amqp_flags_t(
      AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG)
    properties.content_type = arena.bytes("application/json")
    properties.headers = arena.table([arena.entry("x-run", "r1"), arena.entry("fixed", "yes")])
    properties.delivery_mode = 1
    properties.message_id = arena.bytes("m-7")
    var encoded = [UInt8](repeating: 0, count: 1000)
    let length = encoded.withUnsafeMutableBytes { amqp_encode_properties(60, &properties, amqp_bytes_t(len: 1000, bytes: $0.baseAddress)) }
    let body = Array("{\"id\":9007199254740993}".utf8)
    let header = expected.count
    expected.beginFrame(type: 2, channel: 1)
    expected += [0, 60, 0, 0]
    expected.appendBigEndian(UInt64(body.count))
    expected += encoded[0..<Int(length)]
    expected.endFrame(from: header)
    let start = expected.count
    expected.beginFrame(type: 3, channel: 1)
    expected += body
    expected.endFrame(from: start)
    #expect(bytes == expected)
    withExtendedLifetime(arena) {}
  }

  @Test func `a publish ends with its confirm, and not before`() throws {
    let driver = try openDriver(simple)
    let call = bench.submit(driver, arguments: [.string("hello")])
    #expect(turn { broker.publishes.count == 1 })
    for _ in 0..<5 { bench.reactor.turn(waitingAtMost: 1_000_000) }
    #expect(call.state == .inFlight)
    broker.ack(1)
    #expect(turn { bench.ended.count == 1 })
    #expect(call.ending == .ok && call.result.isRouted)
    #expect(broker.publishes[0].body == Array("hello".utf8))
    #expect(call.startedNanoseconds >= call.submittedNanoseconds && call.endedNanoseconds > call.startedNanoseconds)
  }

  @Test func `a conversation that arrives byte by byte is understood`() throws {
    broker.isDribbling = true
    broker.whenPublished = { [unowned broker] in broker.ack($0) }
    let driver = try openDriver(simple)
    for _ in 0..<3 { bench.submit(driver, arguments: [.string("x")]) }
    #expect(turn { bench.ended.count == 3 })
    #expect(bench.ended.allSatisfy { $0.ending == .ok })
  }

  @Test func `confirms may come out of order and for several messages at once`() throws {
    let driver = try openDriver(simple)
    let calls = (0..<6).map { bench.submit(driver, arguments: [.int(Int64($0))]) }
    #expect(turn { broker.publishes.count == 6 })
    broker.ack(3)
    #expect(turn { bench.ended.count == 1 })
    #expect(bench.ended[0] === calls[2])
    broker.ack(5, multiple: true)
    #expect(turn { bench.ended.count == 5 })
    #expect(calls[5].state == .inFlight)
    broker.ack(0, multiple: true)
    #expect(turn { bench.ended.count == 6 })
    #expect(bench.ended.allSatisfy { $0.ending == .ok })
  }

  @Test func `a confirm for what was never sent drops the connection instead of trapping`() throws {
    let driver = try openDriver(simple)
    let call = bench.submit(driver, arguments: [.int(1)])
    #expect(turn { broker.publishes.count == 1 })
    broker.ack(UInt64.max)
    #expect(turn { bench.ended.count == 1 })
    #expect(call.ending == .unknown)
  }

  @Test func `a message given up on is unknown, and its late confirm is nobody else's`() throws {
    let driver = try openDriver(simple)
    let first = bench.submit(driver, arguments: [.int(1)])
    #expect(turn { broker.publishes.count == 1 })
    driver.abandon(first, now: MonotonicClock.now)
    #expect(turn { bench.ended.count == 1 })
    #expect(first.ending == .unknown && first.failure?.class == .timeout && first.failure?.code == "deadline")
    // The same call, used for its next operation, as the runtime does.
    bench.submit(driver, arguments: [.int(2)], call: first)
    #expect(turn { broker.publishes.count == 2 })
    broker.ack(1)
    for _ in 0..<5 { #expect(!turn(seconds: 0.01) { bench.ended.count == 2 }) }
    broker.ack(2)
    #expect(turn { bench.ended.count == 2 })
    #expect(first.ending == .ok)
  }

  @Test func `a nack fails the message`() throws {
    let driver = try openDriver(simple)
    let call = bench.submit(driver, arguments: [.int(1)])
    #expect(turn { broker.publishes.count == 1 })
    broker.send(AMQP_BASIC_NACK_METHOD, amqp_basic_nack_t(delivery_tag: 1, multiple: 0, requeue: 0))
    #expect(turn { bench.ended.count == 1 })
    #expect(call.ending == .failed && call.failure?.class == .server && call.failure?.code == "nack")
  }

  @Test func `of two mandatory messages on one route, the one that came back failed and the other did not`() throws {
    let driver = try openDriver(mandatory)
    let calls = ["a", "", "c"].map { bench.submit(driver, arguments: [.string($0), .string("orders")]) }
    #expect(turn { broker.publishes.count == 3 })
    broker.giveBack(broker.publishes[1])
    broker.giveBack(broker.publishes[2])
    broker.ack(3, multiple: true)
    #expect(turn { bench.ended.count == 3 })
    #expect(calls[0].ending == .ok && calls[0].result.isRouted)
    for call in calls[1...] {
      #expect(call.ending == .failed && call.failure?.code == "312" && !call.result.isRouted)
      #expect(call.failure?.message.contains("NO_ROUTE") == true)
    }
  }

  @Test func `a missing exchange fails its own messages, leaves the others unknown, and costs the channel only`() throws {
    let driver = try openDriver(mandatory)
    let wrong = bench.submit(driver, arguments: [.string("a"), .string("nope")])
    let other = bench.submit(driver, arguments: [.string("b"), .string("orders")])
    #expect(turn { broker.publishes.count == 2 })
    broker.closeChannel(code: 404, text: "NOT_FOUND - no exchange 'nope' in vhost '/'")
    #expect(turn { bench.ended.count == 2 })
    #expect(wrong.ending == .failed && wrong.failure?.class == .server && wrong.failure?.code == "404")
    #expect(other.ending == .unknown && other.failure?.class == .disconnected && other.failure?.code == "404")
    broker.whenPublished = { [unowned broker] in broker.ack($0) }
    let next = bench.submit(driver, arguments: [.string("c"), .string("orders")])
    #expect(turn { bench.ended.count == 3 })
    #expect(next.ending == .ok)
    #expect(broker.connections == 1 && broker.channelsOpened == 2 && driver.statistics.reconnects == 0)
  }

  @Test func `losing the connection leaves what was sent unknown, and the next message goes over a new one`() throws {
    let driver = try openDriver(simple)
    let call = bench.submit(driver, arguments: [.int(1)])
    #expect(turn { broker.publishes.count == 1 })
    broker.disconnect()
    #expect(turn { bench.ended.count == 1 })
    #expect(call.ending == .unknown && call.failure?.class == .disconnected)
    broker.whenPublished = { [unowned broker] in broker.ack($0) }
    let next = bench.submit(driver, arguments: [.int(2)])
    #expect(next.state == .waiting)
    #expect(turn { bench.ended.count == 2 })
    #expect(next.ending == .ok && driver.statistics.reconnects == 1)
  }

  @Test func `a message that never left this process has failed when the connection is lost`() throws {
    let driver = try openDriver(simple)
    broker.isFrozen = true
    // More than the kernel's buffers take; the last message stays here.
    let large = String(repeating: "x", count: 900_000)
    var calls: [OperationCall] = []
    for _ in 0..<40 {
      calls.append(bench.submit(driver, arguments: [.string(large)]))
      bench.reactor.turn(waitingAtMost: 1_000_000)
    }
    #expect(driver.statistics.waiting > 0)
    broker.disconnect()
    broker.isFrozen = false
    broker.refusesConnections = true
    #expect(turn { bench.ended.count >= calls.count - driver.statistics.waiting && bench.ended.count > 0 })
    #expect(calls[0].ending == .unknown)
    let last = calls.last { $0.state == .idle }
    #expect(last?.ending == .failed && last?.failure?.class == .disconnected)
  }

  @Test func `above the high-water mark calls wait, and go on when the broker reads again`() throws {
    let driver = try openDriver(simple)
    broker.isFrozen = true
    let large = String(repeating: "x", count: 900_000)
    for _ in 0..<30 {
      bench.submit(driver, arguments: [.string(large)])
      bench.reactor.turn(waitingAtMost: 1_000_000)
    }
    #expect(driver.statistics.waiting > 10)
    broker.isFrozen = false
    broker.whenPublished = { [unowned broker] in broker.ack($0) }
    #expect(turn(seconds: 20) { bench.ended.count == 30 })
    #expect(bench.ended.allSatisfy { $0.ending == .ok } && broker.publishes.allSatisfy { $0.body.count == 900_000 })
  }

  @Test func `without confirm a message ends when it is with the kernel`() throws {
    let driver = try openDriver(unconfirmed)
    let call = bench.submit(driver, arguments: [.string("fire")])
    for _ in 0..<3 { bench.reactor.turn(waitingAtMost: 1_000_000) }
    #expect(bench.ended.count == 1 && call.ending == .ok)
    #expect(turn { broker.publishes.count == 1 })
    broker.ack(1)
    #expect(!turn(seconds: 0.02) { bench.ended.count > 1 })
  }

  @Test func `while the broker blocks publishers calls wait, are counted, fail at their deadline, and go when it is over`() throws {
    let driver = try openDriver(simple)
    broker.send(AMQP_CONNECTION_BLOCKED_METHOD, amqp_connection_blocked_t(reason: .none), channel: 0)
    #expect(turn { driver.statistics.blocked == 1 })
    let first = bench.submit(driver, arguments: [.int(1)])
    let second = bench.submit(driver, arguments: [.int(2)])
    #expect(driver.statistics.waiting == 2)
    driver.abandon(first, now: MonotonicClock.now)
    #expect(turn { bench.ended.count == 1 })
    #expect(first.ending == .failed && first.failure?.code == "deadline")
    #expect(first.failure?.message.contains("connection.blocked") == true)
    broker.whenPublished = { [unowned broker] in broker.ack($0) }
    broker.send(AMQP_CONNECTION_UNBLOCKED_METHOD, amqp_connection_unblocked_t(), channel: 0)
    #expect(turn { bench.ended.count == 2 })
    #expect(second.ending == .ok && broker.publishes.count == 1)
  }

  @Test func `a call that no connection takes fails after the acquire timeout`() throws {
    let driver = try openDriver(simple, acquireSeconds: 0.1)
    broker.disconnect()
    broker.refusesConnections = true
    #expect(turn { driver.statistics.connections == 0 })
    let call = bench.submit(driver, arguments: [.int(1)])
    #expect(turn { bench.ended.count == 1 })
    #expect(call.ending == .failed && call.failure?.class == .timeout && call.failure?.code == "pool")
  }

  @Test func `a broker that falls silent with overdue confirms is dropped after five seconds`() throws {
    let driver = try openDriver(simple)
    let call = bench.submit(driver, arguments: [.int(1)])
    #expect(turn { broker.publishes.count == 1 })
    driver.abandon(call, now: MonotonicClock.now)
    let began = MonotonicClock.now
    #expect(turn(seconds: 15) { broker.connections == 2 })
    let spent = Double(MonotonicClock.now - began) / 1e9
    #expect(spent > 4.5 && spent < 12)
  }

  @Test func `a short string above 255 bytes fails before anything is sent`() throws {
    let driver = try openDriver(mandatory)
    let call = bench.submit(driver, arguments: [.string("a"), .string(String(repeating: "e", count: 256))])
    let good = bench.submit(driver, arguments: [.string("a"), .string(String(repeating: "e", count: 255))])
    #expect(turn { broker.publishes.count == 1 })
    #expect(call.ending == .failed && call.failure?.class == .protocol && call.failure?.message.contains("255") == true)
    #expect(good.state == .inFlight)
  }

  @Test(arguments: [0, 1, 4088, 4089, 8176, 8177, 10_000]) func `a body is cut into frames of the size agreed`(bytes: Int) throws {
    broker.frameBytesMax = 4096
    broker.whenPublished = { [unowned broker] in broker.ack($0) }
    let driver = try openDriver(simple)
    let body = String((0..<bytes).map { Character(UnicodeScalar(UInt8(97 + $0 % 26))) })
    bench.submit(driver, arguments: [.string(body)])
    bench.submit(driver, arguments: [.string("next")])
    #expect(turn { bench.ended.count == 2 })
    #expect(broker.publishes[0].body == Array(body.utf8) && broker.publishes[1].body == Array("next".utf8))
    #expect(broker.publishes[0].bodyFrames == (bytes + 4087) / 4088)
  }

  @Test func `a refused login is an error with the broker's code and without the password`() throws {
    var arena = MethodArena()
    broker.loginRefusal = amqp_connection_close_t(
      reply_code: 403, reply_text: arena.bytes("ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN."), class_id: 0,
      method_id: 0)
    let error = openError(try makeDriver(bench, broker.address))
    #expect(error?.class == .connect && error?.code == "403")
    #expect(error?.message.contains("ACCESS_REFUSED") == true && error?.message.contains("hunter2") == false)
    withExtendedLifetime(arena) {}
  }

  @Test func `a server that is not there is an error with its address and the cause`() throws {
    let port = LoopbackListener()
    close(port.descriptor)
    let error = openError(try makeDriver(bench, "amqp://u:secret@127.0.0.1:\(port.port)/"))
    #expect(error?.class == .connect && error?.code == "ECONNREFUSED")
    #expect(error?.message.contains("127.0.0.1:\(port.port)") == true && error?.message.contains("secret") == false)
  }

  @Test func `a server that does not speak AMQP is an error, not a trap`() throws {
    broker.greeting = Array("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n".utf8)
    let error = openError(try makeDriver(bench, broker.address))
    #expect(error?.class == .protocol && error?.message.contains("AMQP 0-9-1") == true)
  }

  @Test func `a handshake that stands still ends by the deadline`() throws {
    broker.greeting = []
    let error = openError(try makeDriver(bench, broker.address), seconds: 0.3)
    #expect(error?.class == .connect && error?.code == "timeout")
  }

  @Test func `publishing on a connection with access 'inspect' is refused when compiling`() {
    #expect(throws: OperationError.self) { try makeDriver(bench, broker.address, [simple], access: "inspect") }
    #expect(throws: OperationError.self) {
      try makeDriver(bench, broker.address, [publishOperation(textTemplate("x"))])
    }
  }
}
