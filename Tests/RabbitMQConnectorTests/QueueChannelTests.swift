import CRabbitMQ
import ChainIO
import ChainProgram
import Testing

@testable import RabbitMQConnector

/// Operations on queues, against a broker that does as the test says. What brokers really do stands in `RealBrokerQueueTests`.
@Suite(.timeLimit(.minutes(1))) struct QueueChannelTests {
  let bench = Workbench()
  let broker = FakeBroker()

  private func turn(seconds: Double = 5, until condition: () -> Bool) -> Bool {
    bench.turn(seconds: seconds) {
      broker.serve()
      return condition()
    }
  }

  private func openDriver(_ operations: ChainProgram.Operation..., acquireSeconds: Double = 5) throws -> any ConnectionDriver {
    let driver = try makeDriver(bench, broker.address, operations, access: "consume", acquireSeconds: acquireSeconds)
    var outcome: OperationError?? = nil
    driver.open(deadline: MonotonicClock.now + 3_000_000_000) { outcome = .some($0) }
    #expect(turn { outcome != nil } && outcome! == nil)
    return driver
  }

  private func declareOk(_ messages: UInt32, _ consumers: UInt32 = 0) {
    broker.send(AMQP_QUEUE_DECLARE_OK_METHOD, amqp_queue_declare_ok_t(queue: .none, message_count: messages, consumer_count: consumers))
  }

  private func getOk(_ tag: UInt64) {
    broker.send(
      AMQP_BASIC_GET_OK_METHOD,
      amqp_basic_get_ok_t(delivery_tag: tag, redelivered: 0, exchange: .none, routing_key: .none, message_count: 0))
  }

  private func header(bodyBytes: UInt64) {
    let start = broker.output.count
    broker.output.beginFrame(type: 2, channel: 1)
    broker.output += [0, 60, 0, 0]
    broker.output.appendBigEndian(bodyBytes)
    broker.output += [0, 0]
    broker.output.endFrame(from: start)
  }

  private func body(_ text: String) {
    let start = broker.output.count
    broker.output.beginFrame(type: 3, channel: 1)
    broker.output += Array(text.utf8)
    broker.output.endFrame(from: start)
  }

  @Test(arguments: 0..<6) func `frames out of turn cost the connection and no more, and the next call is served by a new one`(kind: Int)
    throws
  {
    let driver = try openDriver(queueOperation("consume", [("max", .integer(1))]))
    broker.whenAsked = { [self] id in
      guard id == AMQP_BASIC_GET_METHOD else { return }
      switch kind {
      case 0: header(bodyBytes: 3)
      case 1: body("abc")
      case 2: declareOk(1)
      case 3:
        getOk(1)
        getOk(2)
      case 4:
        getOk(1)
        header(bodyBytes: 2)
        body("abc")
      default:
        getOk(1)
        body("abc")
      }
    }
    let call = bench.submit(driver, arguments: [.string("q")])
    #expect(turn { bench.ended.count == 1 })
    #expect(call.ending == .failed && call.failure?.class == .disconnected && call.failure?.code == "unexpected")
    broker.whenAsked = { [self] id in
      if id == AMQP_BASIC_GET_METHOD {
        getOk(1)
        header(bodyBytes: 3)
        body("a")
        body("bc")
      }
      if id == AMQP_QUEUE_DECLARE_METHOD { declareOk(0) }
    }
    let next = bench.submit(driver, arguments: [.string("q")])
    #expect(turn { bench.ended.count == 2 })
    #expect(next.ending == .ok && next.result.messages == [SeenMessage(key: "", body: "abc")])
    #expect(driver.statistics.reconnects == 1)
    driver.close()
  }

  @Test func `one acknowledgement takes all messages, and only its proof ends the call`() throws {
    var asked: [UInt32] = []
    let driver = try openDriver(queueOperation("consume", [("max", .integer(3))]))
    var tag: UInt64 = 0
    broker.whenAsked = { [self] id in
      asked.append(id)
      if id == AMQP_BASIC_GET_METHOD {
        tag += 1
        getOk(tag)
        header(bodyBytes: 0)
      }
    }
    let call = bench.submit(driver, arguments: [.string("q")])
    #expect(turn { asked.last == UInt32(AMQP_QUEUE_DECLARE_METHOD) })
    let get = UInt32(AMQP_BASIC_GET_METHOD)
    #expect(asked == [get, get, get, UInt32(AMQP_BASIC_ACK_METHOD), UInt32(AMQP_QUEUE_DECLARE_METHOD)])
    #expect(!turn(seconds: 0.1) { !bench.ended.isEmpty })
    driver.abandon(call, now: MonotonicClock.now)
    #expect(turn { bench.ended.count == 1 })
    #expect(call.ending == .unknown && call.failure?.code == "deadline")
    driver.close()
  }

  @Test func `a broker that is gone costs the acquire timeout, and a call may give up before`() throws {
    let driver = try openDriver(queueOperation("peek"), acquireSeconds: 0.3)
    broker.refusesConnections = true
    broker.disconnect()
    #expect(turn { driver.statistics.connections == 0 })
    let patient = bench.submit(driver, arguments: [.string("q")])
    let impatient = bench.submit(driver, arguments: [.string("q")])
    #expect(driver.statistics.waiting == 2)
    driver.abandon(impatient, now: MonotonicClock.now)
    #expect(turn { bench.ended.count == 2 })
    #expect(impatient.ending == .failed && impatient.failure?.code == "deadline")
    #expect(patient.ending == .failed && patient.failure?.class == .timeout && patient.failure?.code == "pool")
    #expect(patient.failure?.message.contains("hunter2") == false)
    driver.close()
  }
}
