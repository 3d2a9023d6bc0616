import Foundation
@testable import LiveOutputs
import LosslessJSON
import Metrics
import Synchronization
import Testing

/// The outputs on loopback: what arrives, and what a dead or slow receiver costs.
@Suite struct SinkTests {
  private func exports(_ change: (inout LiveExports.Options) -> Void) throws -> LiveExports {
    var options = LiveExports.Options()
    change(&options)
    return try LiveExports(plan: ExportSamples.plan(), options: options)
  }

  @Test func `metrics are offered by HTTP while the run goes on`() throws {
    let exports = try exports { $0.address = ListenAddress(":0") }
    let port = try #require(exports.port)
    for report in ExportSamples.reports(5) { exports.put(report) }
    // A client that says nothing holds up nobody.
    let silent = try Loopback.connect(port)
    defer { close(silent) }
    var answer = ""
    for _ in 0..<100 where !answer.contains("chainrun_arrivals_total") {
      answer = try Loopback.ask(port, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
      usleep(50_000)
    }
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.contains("Content-Type: application/openmetrics-text; version=1.0.0"), "\(answer)")
    #expect(answer.contains("chainrun_arrivals_total 500") && answer.hasSuffix("# EOF\n"))
    #expect(try Loopback.ask(port, "GET /other HTTP/1.1\r\n\r\n").hasPrefix("HTTP/1.1 404 "))
    #expect(try Loopback.ask(port, "POST /metrics HTTP/1.1\r\n\r\n").hasPrefix("HTTP/1.1 405 "))
    #expect(try Loopback.ask(port, "nonsense\r\n\r\n").hasPrefix("HTTP/1.1 400 "))
    #expect(try Loopback.ask(port, "HEAD / HTTP/1.1\r\n\r\n").hasSuffix("\r\n\r\n"))
    #expect(exports.end().allSatisfy { $0.lost == 0 && $0.delivered > 0 })
    #expect(throws: Loopback.Refused.self) { try Loopback.connect(port) }
  }

  @Test func `a port that is taken is an error before the run`() throws {
    let first = try exports { $0.address = ListenAddress(":0") }
    defer { _ = first.end() }
    let port = try #require(first.port)
    #expect(throws: LiveExports.CannotStart.self) { try exports { $0.address = ListenAddress(":\(port)") } }
  }

  @Test func `the file holds whole metrics, and the last ones at the end`() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("chainrun-test-\(UUID().uuidString).prom").path
    defer { unlink(path) }
    let exports = try exports { $0.file = path }
    #expect(try Golden.read(path) == "# EOF\n")
    for report in ExportSamples.reports(20) { exports.put(report) }
    #expect(exports.end().allSatisfy { $0.lost == 0 && $0.delivered > 0 })
    let text = try Golden.read(path)
    #expect(text.contains(#"chainrun_iterations_total{result="failed"} 80"#) && text.hasSuffix("# EOF\n"))
    #expect(access(path + ".part", F_OK) != 0)
    #expect(throws: LiveExports.CannotStart.self) { try exports2("/nowhere/metrics.prom") }
  }

  private func exports2(_ path: String) throws { _ = try exports { $0.file = path } }

  @Test func `an OTLP receiver gets the run's last figures`() throws {
    let receiver = try Receiver(answers: true)
    let exports = try exports { $0.otlp = OTLPSender.endpoint("http://127.0.0.1:\(receiver.port)") }
    for report in ExportSamples.reports(20) { exports.put(report) }
    #expect(exports.end().allSatisfy { $0.lost == 0 && $0.delivered > 0 })
    let request = try #require(receiver.requests.last)
    #expect(request.hasPrefix("POST /v1/metrics HTTP/1.1\r\n") && request.contains("Content-Type: application/json"), "\(request.prefix(300))")
    let body = try #require(request.range(of: "\r\n\r\n")).upperBound
    let root = try JSONDocument(parsing: Array(request[body...].utf8)).root
    #expect(root["resourceMetrics"]?.count == 1)
    #expect(request.contains(#""chainrun.iterations""#) && request.contains(#""asInt":"80""#))
  }

  @Test func `a dead receiver costs the run nothing and its losses are told`() throws {
    // A port that was free a moment ago.
    let port = try Receiver(answers: true).port
    let exports = try exports { $0.otlp = OTLPSender.endpoint("http://127.0.0.1:\(port)") }
    let start = ContinuousClock.now
    for _ in 0..<500 { for report in ExportSamples.reports(2) { exports.put(report) } }
    #expect(ContinuousClock.now - start < .seconds(10), "put waits for nobody")
    let losses = exports.end().compactMap(\.loss)
    #expect(losses.contains { $0.contains("reports did not arrive") }, "\(losses)")
    #expect(!losses.joined().contains("127.0.0.1"), "an address may hold a password")
  }

  @Test func `a receiver that never answers holds up the end by two seconds at most`() throws {
    let receiver = try Receiver(answers: false)
    let exports = try exports { $0.otlp = OTLPSender.endpoint("http://127.0.0.1:\(receiver.port)") }
    for report in ExportSamples.reports(5) { exports.put(report) }
    let start = ContinuousClock.now
    let outputs = exports.end()
    #expect(ContinuousClock.now - start < .seconds(10))
    #expect(outputs.contains { $0.name == .otlp && $0.lost > 0 }, "\(outputs)")
  }

  @Test func `a queue that is full loses its oldest and counts them`() throws {
    let receiver = try Receiver(answers: false)
    let sender = try #require(OTLPSender(url: "http://127.0.0.1:\(receiver.port)/v1/metrics"))
    for number in 0..<30 { sender.enqueue(Array("\(number)".utf8)) }
    let losses = sender.end(withinNanoseconds: 10_000_000)
    #expect(losses.lost == 30 && losses.sent == 0)
  }
}

/// Plain sockets on loopback.
enum Loopback {
  struct Refused: Error {}

  static func connect(_ port: UInt16) throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
    guard status == 0 else {
      close(descriptor)
      throw Refused()
    }
    return descriptor
  }

  static func ask(_ port: UInt16, _ request: String) throws -> String {
    let descriptor = try connect(port)
    defer { close(descriptor) }
    let bytes = Array(request.utf8)
    #expect(write(descriptor, bytes, bytes.count) == bytes.count)
    return String(decoding: readAll(descriptor), as: UTF8.self)
  }

  static func readAll(_ descriptor: Int32) -> [UInt8] {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = recv(descriptor, &piece, piece.count, 0), count > 0 { bytes += piece[..<count] }
    return bytes
  }
}

/// An HTTP server that keeps what is posted to it, and answers or does not.
final class Receiver: Sendable {
  let port: UInt16
  private let listener: Int32
  private let state = Mutex<[String]>([])

  var requests: [String] { state.withLock { $0 } }

  init(answers: Bool) throws {
    let opened = try #require(ListenAddress(":0")).listen()
    listener = opened.descriptor
    port = opened.port
    let listener = listener
    Thread.detachNewThread { [weak self] in
      while true {
        var waiting = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        let count = poll(&waiting, 1, 100)
        guard self != nil, waiting.revents & Int16(POLLNVAL) == 0 else { return }
        guard count > 0 else { continue }
        let client = accept(listener, nil, nil)
        guard client >= 0 else { continue }
        if answers { self?.serve(client) }
        // Who gets no answer keeps its connection until this process ends.
      }
    }
  }

  deinit { close(listener) }

  private func serve(_ client: Int32) {
    defer { close(client) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    while case let count = recv(client, &piece, piece.count, 0), count > 0 {
      bytes += piece[..<count]
      let text = String(decoding: bytes, as: UTF8.self)
      guard let head = text.range(of: "\r\n\r\n"), let length = text.range(of: "Content-Length: ") else { continue }
      let size = Int(text[length.upperBound...].prefix { $0.isNumber }) ?? 0
      guard text[head.upperBound...].utf8.count >= size else { continue }
      state.withLock { $0.append(text) }
      let answer = Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}".utf8)
      _ = write(client, answer, answer.count)
      return
    }
  }
}
