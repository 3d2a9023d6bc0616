import ChainIO
import ChainProgram
import Glibc
import LosslessJSON
import Testing

@testable import RabbitMQConnector

struct ManagementTests {
  private func document(_ text: String) throws -> JSONDocument { try JSONDocument(parsing: text) }

  @Test func `alarms, totals and a queue's counts are read from what the plugin says`() throws {
    var reading = ServerReading()
    ManagementReading.overview(
      try document(
        #"{"rabbitmq_version":"3.10.8","object_totals":{"connections":4,"channels":9},"queue_totals":{"messages_ready":12,"messages_unacknowledged":3},"message_stats":{"publish":100,"deliver_get":90,"ack":80}}"#
      ).root, into: &reading)
    ManagementReading.nodes(
      try document(#"[{"mem_alarm":true,"disk_free_alarm":false,"mem_used":10,"disk_free":500},{"mem_alarm":false,"mem_used":5,"disk_free":400}]"#).root,
      into: &reading.values)
    ManagementReading.queue(try document(#"{"messages_unacknowledged":7,"message_stats":{"publish":5}}"#).root, prefix: "queue.q.", into: &reading.values)
    let wanted: [String: Double] = [
      "connections": 4, "channels": 9, "ready": 12, "unacknowledged": 3, "published": 100, "delivered": 90, "acknowledged": 80, "redelivered": 0,
      "memory_alarm": 1, "disk_alarm": 0, "memory": 15, "disk_free": 400, "queue.q.unacknowledged": 7, "queue.q.published": 5, "queue.q.delivered": 0,
      "queue.q.acknowledged": 0, "queue.q.redelivered": 0,
    ]
    #expect(reading.values == wanted && reading.server == "RabbitMQ 3.10.8")
  }

  @Test func `an answer of HTTP has a status, a header and a body, and anything else is none`() {
    let answer = PlainRequest.Answer(Array("HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic realm=\"RabbitMQ Management\"\r\n\r\nno\r\n\r\n".utf8))
    #expect(answer?.status == 401 && answer?.header.contains("realm=") == true && answer?.body == Array("no\r\n\r\n".utf8))
    #expect(PlainRequest.Answer(Array("AMQP\0\0\u{9}\u{1}".utf8)) == nil && PlainRequest.Answer([]) == nil)
    #expect(PlainRequest.Answer(Array("HTTP/1.1 200 OK\r\n".utf8)) == nil)
  }

  @Test func `Base64 is that of RFC 4648`() {
    let pairs = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy")]
    for (plain, encoded) in pairs { #expect(Base64.text(Array(plain.utf8)) == encoded) }
  }
}

/// The view's probes: depth over AMQP, and the management plugin as a small server of the test's own.
@Suite(.enabled(if: brokerAddress != nil)) struct ServerProbeTests {
  let bench = Workbench()

  private func look(_ probe: any ServerProbe) throws -> ServerReading {
    var reading: ServerReading?
    probe.look(deadline: MonotonicClock.now + 5_000_000_000) { reading = $0 }
    try #require(bench.turn { reading != nil })
    return try #require(reading)
  }

  @Test func `each queue's depth is told, and one that is not there closes a channel and nothing else`() throws {
    let address = try #require(brokerAddress)
    let raw = try RawBroker(address)
    let name = "view-\(UInt32.random(in: 1...(.max)))"
    raw.declareQueue(name)
    defer { raw.deleteQueue(name) }
    for _ in 0..<7 { raw.publish(exchange: "", key: name, body: [0x61]) }
    let queues = [
      ProbedQueue(name: "view-nowhere", prefix: "queue.nowhere."), ProbedQueue(name: name, prefix: "queue.q."),
      ProbedQueue(name: "view-nowhere-either", prefix: "queue.either."),
    ]
    let probe = BrokerProbe(address: try BrokerAddress(address), queues: queues, reactor: bench.reactor)
    #expect(bench.turn { raw.depth(name) == 7 })
    let first = try look(probe)
    #expect(first.error == nil && first.values == ["queue.q.depth": 7, "queue.q.consumers": 0] && first.requests == 3)
    #expect(first.limits?.map(\.reason) == ["the broker has no queue 'view-nowhere'", "the broker has no queue 'view-nowhere-either'"])
    // What is not there leaves a line in the broker's log each time: it is not asked for again at once.
    let second = try look(probe)
    #expect(second.requests == 1 && second.limits == nil && second.values["queue.q.depth"] == 7)
    probe.close()
  }

  @Test func `the password goes only to what says that it is RabbitMQ's management, and the plugin's figures are read`() throws {
    let stranger = OneShotServer { _ in "HTTP/1.1 200 OK\r\n\r\n{}" }
    let address = try BrokerAddress(try #require(brokerAddress))
    func probe(_ port: UInt16) throws -> ManagementProbe {
      ManagementProbe(
        plan: ManagementPlan(.text(TextTemplate("http://127.0.0.1:\(port)")), address: address), address: address,
        queues: [ProbedQueue(name: "a/b", prefix: "queue.a_b.")], reactor: bench.reactor)
    }
    let refused = try look(try probe(stranger.port))
    #expect(refused.isOver && refused.limits?.first?.reason.contains("does not say that it is RabbitMQ's management") == true)
    #expect(stranger.requests.count == 1 && stranger.requests.allSatisfy { !$0.contains("Authorization") })
    let plugin = OneShotServer { request in
      guard request.contains("\r\nAuthorization: Basic ") else {
        return "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic realm=\"RabbitMQ Management\"\r\n\r\n"
      }
      if request.hasPrefix("GET /api/overview ") { return "HTTP/1.1 200 OK\r\n\r\n{\"queue_totals\":{\"messages_ready\":3}}" }
      if request.contains("/api/queues/%2F/a%2Fb ") { return "HTTP/1.1 200 OK\r\n\r\n{\"messages_unacknowledged\":2}" }
      return "HTTP/1.1 403 Forbidden\r\n\r\n{}"
    }
    let seen = try probe(plugin.port)
    let reading = try look(seen)
    #expect(reading.values["ready"] == 3 && reading.values["queue.a_b.unacknowledged"] == 2 && reading.error == nil, "\(reading)")
    #expect(reading.limits?.map(\.figures) == [["memory_alarm", "disk_alarm", "memory", "disk_free"]])
    let again = try look(seen)
    #expect(reading.requests == 4 && again.requests == 3)
    let off = try look(ManagementProbe(plan: ManagementPlan(.text(TextTemplate("off")), address: address), address: address, queues: [], reactor: bench.reactor))
    #expect(off.isOver && off.limits?.first?.reason.contains("management: off") == true && off.requests == 0)
  }
}

/// Answers each connection once and closes it, on a thread of its own.
private final class OneShotServer: @unchecked Sendable {
  let port: UInt16
  private let listener: Int32
  private let answer: @Sendable (String) -> String
  /// Guarded by `mutex`.
  private var seen: [String] = []
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

  init(answer: @escaping @Sendable (String) -> String) {
    self.answer = answer
    pthread_mutex_init(mutex, nil)
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    self.listener = listener
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        precondition(bind(listener, pointer, length) == 0 && listen(listener, 16) == 0)
        getsockname(listener, pointer, &length)
      }
    }
    port = UInt16(bigEndian: address.sin_port)
    _ = startThread { [self] in serve() }
  }

  var requests: [String] {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return seen
  }

  /// Ends with the test's process: a few connections are all that come.
  private func serve() {
    while true {
      let client = accept(listener, nil, nil)
      guard client >= 0 else { return }
      var bytes = [UInt8](repeating: 0, count: 8192)
      let count = recv(client, &bytes, bytes.count, 0)
      let request = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
      pthread_mutex_lock(mutex)
      seen.append(request)
      pthread_mutex_unlock(mutex)
      let text = Array(answer(request).utf8)
      _ = send(client, text, text.count, Int32(MSG_NOSIGNAL))
      close(client)
    }
  }
}
