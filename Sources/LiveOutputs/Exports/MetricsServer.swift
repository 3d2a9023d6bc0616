internal import Glibc
internal import Synchronization

/// Offers the latest metrics by HTTP/1.1 on a thread of its own: GET and HEAD of `/metrics` and `/`. A client that is slow or says nothing
/// holds up nobody and is dropped after five seconds.
package final class MetricsServer: Sendable {
  /// Why there is no server: a phrase.
  package struct CannotListen: Error {
    package let message: String
  }

  package let port: UInt16
  private let listener: Int32
  private let thread: OutputThread
  private let page = Mutex<[UInt8]>(Array("# EOF\n".utf8))
  private let tally = Mutex(Counts())

  /// Requests that got their whole answer, and those that were cut off.
  struct Counts {
    var answered: UInt64 = 0
    var cut: UInt64 = 0
  }

  var counts: Counts { tally.withLock { $0 } }

  private struct Client {
    let descriptor: Int32
    let deadline: Int
    var request: [UInt8] = []
    var answer: [UInt8] = []
    var sent = 0
  }

  private static let clientsMax = 32
  private static let requestBytesMax = 8_192

  package init(address: ListenAddress) throws(CannotListen) {
    let opened = address.listen()
    guard opened.descriptor >= 0 else {
      throw CannotListen(message: "cannot offer metrics at \(address.host):\(address.port): \(String(cString: strerror(opened.error)).lowercased())")
    }
    guard let thread = OutputThread() else {
      close(opened.descriptor)
      throw CannotListen(message: "cannot offer metrics: \(String(cString: strerror(errno)).lowercased())")
    }
    listener = opened.descriptor
    port = opened.port
    self.thread = thread
    guard thread.start({ [weak self] thread in self?.serve(thread) }) else {
      close(listener)
      throw CannotListen(message: "cannot offer metrics: no thread")
    }
  }

  /// What is answered from now on.
  package func show(_ text: [UInt8]) { page.withLock { $0 = text } }

  /// Takes no more requests; those under way are cut off.
  package func end() {
    thread.end()
    _ = thread.hasEnded(withinNanoseconds: 500_000_000)
  }

  // The server's thread.

  private func serve(_ thread: OutputThread) {
    var clients: [Client] = []
    defer {
      for client in clients { finish(client) }
      close(listener)
    }
    while !thread.isEnding {
      var watched = [pollfd(fd: clients.count < Self.clientsMax ? listener : -1, events: Int16(POLLIN), revents: 0)]
      for client in clients { watched.append(pollfd(fd: client.descriptor, events: Int16(client.answer.isEmpty ? POLLIN : POLLOUT), revents: 0)) }
      thread.wait(milliseconds: 1_000, alsoFor: &watched)
      let now = time(nil)
      var kept: [Client] = []
      for (index, client) in clients.enumerated() {
        var client = client
        if client.deadline >= now, watched[index + 1].revents == 0 || advance(&client) { kept.append(client) } else { finish(client) }
      }
      clients = kept
      if watched[0].revents != 0 {
        let descriptor = accept(listener, nil, nil)
        if descriptor >= 0 {
          _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
          clients.append(Client(descriptor: descriptor, deadline: now + 5))
        }
      }
    }
  }

  private func finish(_ client: Client) {
    close(client.descriptor)
    guard !client.answer.isEmpty else { return }
    let isWhole = client.sent == client.answer.count
    tally.withLock { counts in
      if isWhole { counts.answered += 1 } else { counts.cut += 1 }
    }
  }

  /// - Returns: false if the client is done with.
  private func advance(_ client: inout Client) -> Bool {
    if client.answer.isEmpty {
      var bytes = [UInt8](repeating: 0, count: 4_096)
      let count = recv(client.descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
      if count < 0, errno == EAGAIN || errno == EINTR { return true }
      guard count > 0 else { return false }
      client.request += bytes[..<count]
      guard let answer = Self.answer(to: client.request, page: { self.page.withLock { $0 } }) else { return true }
      client.answer = answer
    }
    while client.sent < client.answer.count {
      let count = client.answer.withUnsafeBytes { bytes in
        send(client.descriptor, bytes.baseAddress! + client.sent, bytes.count - client.sent, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
      }
      if count < 0 { return errno == EAGAIN || errno == EINTR }
      client.sent += count
    }
    return false
  }

  /// The answer to a request as far as it has come; nil while its head is incomplete.
  static func answer(to request: [UInt8], page: () -> [UInt8]) -> [UInt8]? {
    let text = String(decoding: request, as: UTF8.self)
    guard text.contains("\r\n\r\n") || text.contains("\n\n") else {
      return request.count > requestBytesMax ? response("431 Request Header Fields Too Large", []) : nil
    }
    let words = text.prefix { $0 != "\r\n" && $0 != "\n" && $0 != "\r" }.split(separator: " ")
    guard words.count == 3, words[2].hasPrefix("HTTP/1.") else { return response("400 Bad Request", []) }
    guard words[0] == "GET" || words[0] == "HEAD" else { return response("405 Method Not Allowed", [], "Allow: GET, HEAD\r\n") }
    let path = words[1].prefix { $0 != "?" }
    guard path == "/metrics" || path == "/" else { return response("404 Not Found", Array("try /metrics\n".utf8), isHead: words[0] == "HEAD") }
    return response("200 OK", page(), "Content-Type: \(OpenMetricsText.contentType)\r\n", isHead: words[0] == "HEAD")
  }

  private static func response(_ status: String, _ body: [UInt8], _ headers: String = "", isHead: Bool = false) -> [UInt8] {
    Array("HTTP/1.1 \(status)\r\n\(headers)Content-Length: \(body.count)\r\nConnection: close\r\n\r\n".utf8) + (isHead ? [] : body)
  }
}
