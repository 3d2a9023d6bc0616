import Foundation
import Synchronization

/// A TCP relay on loopback that can cut its connections: all of them for a while, or one around a PostgreSQL COMMIT.
///
/// Everything it does stops with `stop`, which must be called.
final class CuttingProxy: Sendable {
  /// Where a connection is cut: the server never learns of the COMMIT, or the client never of its answer.
  enum Cut: Sendable {
    case beforeCommit, afterCommit
  }

  let port: UInt16
  private let listener: Int32
  private let target: UInt16
  private let decide: @Sendable (_ commit: Int) -> Cut?
  private let commits = Atomic(0)
  private let isStopped = Atomic(false)
  private let isRefusing = Atomic(false)
  /// Raised by each cut of everything; a relay ends when it is not what it was at its start.
  private let generation = Atomic(0)
  private let cuts = Mutex((before: 0, after: 0))

  var cutsBefore: Int { cuts.withLock { $0.before } }
  var cutsAfter: Int { cuts.withLock { $0.after } }

  /// - Parameters:
  ///   - target: A port of 127.0.0.1.
  ///   - decide: Asked at each COMMIT of any connection, counted from 1, on the connection's own thread.
  init(to target: UInt16, cutting decide: @escaping @Sendable (Int) -> Cut? = { _ in nil }) throws {
    self.target = target
    self.decide = decide
    (listener, port) = try CuttingProxy.listen()
    Thread.detachNewThread { [self] in accept() }
  }

  /// A listening socket on a free port of loopback.
  private static func listen() throws -> (socket: Int32, port: UInt16) {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && Foundation.listen(listener, 256) == 0 && getsockname(listener, $0, &length) == 0
      }
    }
    guard isListening else { throw Sandbox.NotUp(description: "the proxy cannot listen") }
    return (listener, UInt16(bigEndian: address.sin_port))
  }

  /// The address with this proxy's port in the place of the server's.
  func through(_ address: String) -> String { address.replacingOccurrences(of: ":\(target)/", with: ":\(port)/") }

  /// The port of an address such as `redis://user:password@127.0.0.1:6379/0`.
  static func port(of address: String) -> UInt16 {
    UInt16(address.split(separator: ":").last?.split(separator: "/").first ?? "") ?? 0
  }

  /// Cuts every connection and refuses new ones until the time is over.
  func cutAll(for seconds: Double) {
    isRefusing.store(true, ordering: .releasing)
    generation.add(1, ordering: .acquiringAndReleasing)
    usleep(UInt32(seconds * 1e6))
    isRefusing.store(false, ordering: .releasing)
  }

  func stop() {
    isStopped.store(true, ordering: .releasing)
    // Ends the thread that accepts.
    shutdown(listener, Int32(SHUT_RDWR))
  }

  private func accept() {
    while !isStopped.load(ordering: .acquiring) {
      let client = Foundation.accept(listener, nil, nil)
      guard client >= 0 else { break }
      guard !isRefusing.load(ordering: .acquiring) else {
        close(client)
        continue
      }
      let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      var address = CuttingProxy.loopback(target)
      let connected = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
      }
      guard connected == 0 else {
        close(client)
        close(server)
        continue
      }
      for end in [client, server] {
        var on: Int32 = 1
        setsockopt(end, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
      }
      let born = generation.load(ordering: .acquiring)
      Thread.detachNewThread { [self] in
        relay(client, server, born)
        close(client)
        close(server)
      }
    }
    close(listener)
  }

  /// Carries bytes both ways until an end is closed or cut.
  private func relay(_ client: Int32, _ server: Int32, _ born: Int) {
    var watch = CommitWatch()
    var pending: Cut?
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while !isStopped.load(ordering: .acquiring), generation.load(ordering: .acquiring) == born {
      var ends = [pollfd(fd: client, events: Int16(POLLIN), revents: 0), pollfd(fd: server, events: Int16(POLLIN), revents: 0)]
      guard poll(&ends, 2, 20) > 0 else { continue }
      if ends[0].revents != 0 {
        let count = recv(client, &buffer, buffer.count, 0)
        guard count > 0 else { return }
        if watch.sent(buffer[..<count]) {
          pending = decide(commits.add(1, ordering: .relaxed).newValue)
          if pending == .beforeCommit {
            cuts.withLock { $0.before += 1 }
            return
          }
        }
        guard CuttingProxy.send(buffer, count, server) else { return }
      }
      if ends[1].revents != 0 {
        let count = recv(server, &buffer, buffer.count, 0)
        guard count > 0 else { return }
        if pending == .afterCommit {
          // The server has answered, so the commit stands.
          cuts.withLock { $0.after += 1 }
          return
        }
        guard CuttingProxy.send(buffer, count, client) else { return }
      }
    }
  }

  private static func send(_ buffer: [UInt8], _ count: Int, _ end: Int32) -> Bool {
    var sent = 0
    while sent < count {
      let written = buffer.withUnsafeBytes { Foundation.send(end, $0.baseAddress! + sent, count - sent, Int32(MSG_NOSIGNAL)) }
      guard written > 0 else { return false }
      sent += written
    }
    return true
  }

  private static func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    return address
  }
}

/// Reads what a PostgreSQL client sends, to see when it asks for a COMMIT, prepared or not. Messages: manual 55.7.
struct CommitWatch {
  private var unread: [UInt8] = []
  private var isStarted = false
  private var preparedCommits: Set<[UInt8]> = []

  /// - Returns: whether these bytes end or hold a message that commits.
  mutating func sent(_ bytes: ArraySlice<UInt8>) -> Bool {
    unread += bytes
    var commits = false
    while let message = next() {
      let texts = message.body.split(separator: 0, omittingEmptySubsequences: false).map(Array.init)
      switch message.kind {
      case UInt8(ascii: "Q"): if texts.first == Array("COMMIT".utf8) { commits = true }
      case UInt8(ascii: "P"): if texts.count > 1, texts[1] == Array("COMMIT".utf8) { preparedCommits.insert(texts[0]) }
      case UInt8(ascii: "B"): if texts.count > 1, preparedCommits.contains(texts[1]) { commits = true }
      default: break
      }
    }
    return commits
  }

  private mutating func next() -> (kind: UInt8, body: ArraySlice<UInt8>)? {
    // The first message has no kind.
    let head = isStarted ? 1 : 0
    guard unread.count >= head + 4 else { return nil }
    let length = unread[head..<head + 4].reduce(0) { $0 << 8 | Int($1) }
    guard unread.count >= head + length else { return nil }
    let message = (kind: isStarted ? unread[0] : 0, body: ArraySlice(Array(unread[head + 4..<head + length])))
    unread.removeFirst(head + length)
    isStarted = true
    return message
  }
}
