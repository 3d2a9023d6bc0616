import Foundation
import Synchronization
import Testing

/// `--traceparent` against an HTTP server of the test's own.
@Suite(.serialized) struct TraceContextTests {
  private func traces(_ arguments: [String]) throws -> [String] {
    let server = try HeaderServer()
    let folder = try ScratchFolder()
    let chain = try folder.write(
      """
      version: 1
      chain: two-calls
      connections:
        api: { http: "http://127.0.0.1:\(server.port)", access: read, pool: 1 }
      steps:
        - id: first
          http: GET /first
        - id: second
          http: GET /second
      load:
        few: { closed: { vus: 1, iterations: 5 } }
      """, to: "two-calls.chain.yaml")
    let ended = try Launched.chainrun(["run", chain, "--out", folder.path("out")] + arguments).end(within: 30)
    #expect(ended.code == 0, "\(ended)")
    let requests = server.requests.filter { $0.contains("/first") || $0.contains("/second") }
    #expect(requests.count == 10, "\(requests)")
    return requests.compactMap { request in
      request.components(separatedBy: "\r\n").first { $0.lowercased().hasPrefix("traceparent: ") }.map { String($0.dropFirst(13)) }
    }
  }

  @Test func `every request tells its iteration's trace, and the same seed tells the same ones`() throws {
    let first = try traces(["--traceparent", "http", "--seed", "7"])
    #expect(first.count == 10)
    let form = /00-[0-9a-f]{32}-[0-9a-f]{16}-01/
    for trace in first { #expect((try? form.wholeMatch(in: trace)) != nil, "\(trace)") }
    let ids = first.map { $0.split(separator: "-")[1] }
    #expect(Set(ids).count == 5 && stride(from: 0, to: 10, by: 2).allSatisfy { ids[$0] == ids[$0 + 1] }, "one trace for both calls of an iteration")
    #expect(Set(first.map { $0.split(separator: "-")[2] }).count == 10, "every call is a span of its own")
    #expect(try traces(["--traceparent", "http", "--seed", "7"]) == first)
    #expect(try traces(["--traceparent", "http", "--seed", "8"]) != first)
  }

  @Test func `nothing is told unless it is asked for`() throws {
    #expect(try traces([]) == [])
    #expect(try traces(["--traceparent", "amqp,sql"]) == [])
    let refused = try Launched.chainrun(["run", "x.chain.yaml", "--traceparent", "redis"]).end(within: 10)
    #expect(refused.code == 2, "\(refused)")
  }
}

extension OnServers {
  @Test func `a trace stands behind SQL texts and in messages only when it is asked for`() throws {
    let sandbox = try Self.sandbox()
    let folder = try ScratchFolder()
    let chain = try folder.write(
      """
      version: 1
      chain: traced
      connections:
        db: { postgres: $env.ORDERS_DB, access: read, pool: 2 }
        mq: { amqp: $env.ORDERS_MQ, access: publish }
      steps:
        - id: ask
          sql: "SELECT query AS q, ${n} AS n FROM pg_stat_activity WHERE pid = pg_backend_pid() -- a comment"
          capture: { q: row.q as string }
          check: [ 'q.contains("traceparent=''00-")' ]
        - id: say
          publish: amq.topic
          json: { a: 1 }
      load:
        few: { closed: { vus: 2, iterations: 10 } }
      vars:
        n: x
      """, to: "traced.chain.yaml")
    let (ended, results, scratch) = try Self.run(sandbox, chain, ["--traceparent", "amqp,sql"], within: 20)
    #expect(ended.code == 0 && results.count("iterations/completed") == 10, "\(ended)")
    let (bare, without, other) = try Self.run(sandbox, chain, within: 20)
    #expect(bare.code == 1 && without.count("iterations/failed") == 10, "\(bare)")
    withExtendedLifetime((scratch, other)) {}
  }
}

/// Answers every request with 200 and keeps their heads.
private final class HeaderServer: Sendable {
  let port: UInt16
  private let listener: Int32
  private let state = Mutex<[String]>([])

  struct NoSocket: Error {}

  var requests: [String] { state.withLock { $0 } }

  init() throws {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = listener
    let status = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, size) == 0 && listen(descriptor, 8) == 0 ? getsockname(descriptor, $0, &size) : -1
      }
    }
    guard status == 0 else { throw NoSocket() }
    port = UInt16(bigEndian: address.sin_port)
    Thread.detachNewThread { [weak self] in
      while true {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let count = poll(&waiting, 1, 100)
        guard self != nil else {
          close(descriptor)
          return
        }
        guard count > 0 else { continue }
        let client = accept(descriptor, nil, nil)
        guard client >= 0 else { continue }
        Thread.detachNewThread { [weak self] in
          defer { close(client) }
          var limit = timeval(tv_sec: 20, tv_usec: 0)
          setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
          var text = ""
          var piece = [UInt8](repeating: 0, count: 1 << 14)
          while case let count = recv(client, &piece, piece.count, 0), count > 0 {
            text += String(decoding: piece[..<count], as: UTF8.self)
            while let end = text.range(of: "\r\n\r\n") {
              let head = String(text[..<end.lowerBound])
              text = String(text[end.upperBound...])
              self?.state.withLock { $0.append(head) }
              let answer = Array("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok".utf8)
              _ = send(client, answer, answer.count, Int32(MSG_NOSIGNAL))
            }
          }
        }
      }
    }
  }
}
