import Glibc
import Synchronization

/// A web server of a few lines on a loopback port: one thread accepts, one thread serves each connection, with blocking sockets.
///
/// What it does with a request is told by the request's path; see `answer`.
final class ScriptedServer: Sendable {
  /// One request as it came: the head's lines and the body.
  struct Request: Sendable {
    var line: String
    var headers: [String]
    var body: String
    var connection: Int
  }

  let port: UInt16
  private let listener: Int32
  private struct State {
    var requests: [Request] = []
    var connections: [Int32] = []
    var isStopped = false
  }
  private let state = Mutex(State())

  /// - Parameter isIPv6: Listens on `[::1]` instead of 127.0.0.1.
  init(isIPv6: Bool = false) {
    let listener = socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    precondition(listener >= 0, "no socket: errno \(errno)")
    // The port stands at the same place in both, and the IPv4 address where IPv6 has its flow.
    var address = sockaddr_in6()
    var length = socklen_t(isIPv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size)
    address.sin6_family = sa_family_t(isIPv6 ? AF_INET6 : AF_INET)
    if isIPv6 { address.sin6_addr = in6addr_loopback } else { address.sin6_flowinfo = inet_addr("127.0.0.1") }
    withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { socketAddress in
        precondition(bind(listener, socketAddress, length) == 0, "no port: errno \(errno)")
        getsockname(listener, socketAddress, &length)
      }
    }
    precondition(listen(listener, 512) == 0, "cannot listen: errno \(errno)")
    port = UInt16(bigEndian: address.sin6_port)
    self.listener = listener
    ScriptedServer.detach { [self] in acceptAll() }
  }

  var url: String { "http://127.0.0.1:\(port)" }
  var requests: [Request] { state.withLock { $0.requests } }
  var connectionCount: Int { state.withLock { $0.connections.count } }

  /// Stops listening and drops all connections.
  func stop() {
    let connections = state.withLock { state -> [Int32]? in
      if state.isStopped { return nil }
      state.isStopped = true
      return state.connections
    }
    guard let connections else { return }
    shutdown(listener, Int32(SHUT_RDWR))
    for descriptor in connections { shutdown(descriptor, Int32(SHUT_RDWR)) }
  }

  private static func detach(_ body: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Box(body))
    let status = pthread_create(
      &thread, nil,
      { context in
        let box = Unmanaged<Box>.fromOpaque(context!).takeRetainedValue()
        box.body()
        return nil
      }, box.toOpaque())
    precondition(status == 0, "no thread: \(status)")
    pthread_detach(thread)
  }

  private final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  private func acceptAll() {
    while true {
      let descriptor = accept(listener, nil, nil)
      let number = state.withLock { state -> Int? in
        guard descriptor >= 0, !state.isStopped else { return nil }
        state.connections.append(descriptor)
        return state.connections.count
      }
      guard let number else {
        if descriptor >= 0 { close(descriptor) }
        close(listener)
        return
      }
      // Against a test that went wrong: no thread stays for ever.
      var limit = timeval(tv_sec: 20, tv_usec: 0)
      setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
      var one: Int32 = 1
      setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
      ScriptedServer.detach { [self] in
        serve(descriptor, number)
        // The number is closed under the lock's eye: `stop` must not shut down a stranger's descriptor.
        shutdown(descriptor, Int32(SHUT_RDWR))
        state.withLock { state in
          if let index = state.connections.firstIndex(of: descriptor) { state.connections[index] = -1 }
        }
        close(descriptor)
      }
    }
  }

  private func serve(_ descriptor: Int32, _ number: Int) {
    var input: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    var served = 0
    while true {
      let text = String(decoding: input, as: UTF8.self)
      guard let end = text.utf8Offset(of: "\r\n\r\n") else {
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return }
        input += buffer[0..<count]
        continue
      }
      let lines = String(decoding: input[0..<end], as: UTF8.self).split(separator: "\r\n").map(String.init)
      let length = lines.first { $0.lowercased().hasPrefix("content-length:") }.flatMap { Int($0.dropFirst(15).drop { $0 == " " }) } ?? 0
      while input.count < end + 4 + length {
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return }
        input += buffer[0..<count]
      }
      let body = String(decoding: input[(end + 4)..<(end + 4 + length)], as: UTF8.self)
      input.removeFirst(end + 4 + length)
      let request = Request(line: lines[0], headers: Array(lines.dropFirst()), body: body, connection: number)
      state.withLock { $0.requests.append(request) }
      served += 1
      guard answer(request, descriptor, served) else { return }
    }
  }

  /// - Returns: false when the connection is to be closed.
  private func answer(_ request: Request, _ descriptor: Int32, _ served: Int) -> Bool {
    let words = request.line.split(separator: " ")
    let path = String(words[1].split(separator: "?")[0])
    let isHead = words[0] == "HEAD"
    func put(_ text: String) { send(Array(text.utf8), descriptor) }
    func reply(_ status: String, _ body: String, extra: String = "") {
      put("HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\(extra)\r\n" + (isHead ? "" : body))
    }
    switch path {
    case "/headers": reply("200 OK", "{}", extra: "X-Mixed-CASE:   spaced value \r\nETag: \"a:b\"\r\n")
    case "/missing": reply("404 Not Found", "nothing here")
    case "/empty": put("HTTP/1.1 204 No Content\r\n\r\n")
    case "/interim": put("HTTP/1.1 103 Early Hints\r\nX-Interim: 1\r\n\r\nHTTP/1.1 200 OK\r\nX-Final: 1\r\nContent-Length: 2\r\n\r\nok")
    case "/chunked":
      put("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
      usleep(20_000)
      put("7\r\n, world\r\n0\r\nX-Trailer: 1\r\n\r\n")
    case "/redirect": put("HTTP/1.1 302 Found\r\nLocation: /headers\r\nContent-Length: 0\r\n\r\n")
    case "/slow":
      usleep(300_000)
      reply("200 OK", "late")
    case "/brief":
      usleep(3_000)
      reply("200 OK", String(words[1]))
    case "/silent":
      var byte: UInt8 = 0
      _ = recv(descriptor, &byte, 1, 0)
      return false
    case "/cut":
      put("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
      return false
    case "/drop": return false
    case "/drop-when-kept": if served > 1 { return false } else { reply("200 OK", "first") }
    case "/close-after":
      put("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
      return false
    case "/quiet-close":
      reply("200 OK", "ok")
      return false
    case "/nonsense":
      put("this is not HTTP at all\r\n\r\n")
      return false
    case "/huge":
      put("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
      let chunk = Array("10000\r\n".utf8) + [UInt8](repeating: 0x61, count: 65_536) + Array("\r\n".utf8)
      for _ in 0..<300 where !send(chunk, descriptor) { return false }
      put("0\r\n\r\n")
    case "/announced-huge":
      put("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\na")
      usleep(50_000)
      return false
    case "/echo": reply("201 Created", request.body, extra: "Content-Type: application/json\r\n")
    default: reply("200 OK", String(words[1]))
    }
    return true
  }

  @discardableResult private func send(_ bytes: [UInt8], _ descriptor: Int32) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL)) }
      guard count > 0 else { return false }
      sent += count
    }
    return true
  }
}

extension String {
  fileprivate func utf8Offset(of mark: String) -> Int? {
    let (text, mark) = (Array(utf8), Array(mark.utf8))
    guard text.count >= mark.count else { return nil }
    return (0...(text.count - mark.count)).first { text[$0..<($0 + mark.count)].elementsEqual(mark) }
  }
}
