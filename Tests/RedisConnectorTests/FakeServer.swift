import Glibc
import Synchronization

/// A server on a loopback socket that answers as a test tells it, on a thread for each connection.
///
/// `CLIENT SETNAME` is answered with OK before the script is asked.
final class FakeServer: Sendable {
  struct Peer: Sendable {
    let descriptor: Int32
    /// Counted from 0.
    let number: Int

    func send(_ text: String) {
      var bytes = Array(text.utf8)
      _ = Glibc.send(descriptor, &bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }
    func send(_ bytes: [UInt8]) {
      var sent = 0
      bytes.withUnsafeBytes { all in
        while sent < all.count {
          let count = Glibc.send(descriptor, all.baseAddress! + sent, all.count - sent, Int32(MSG_NOSIGNAL))
          guard count > 0 else { return }
          sent += count
        }
      }
    }
    func disconnect() { shutdown(descriptor, Int32(SHUT_RDWR)) }
  }

  typealias Script = @Sendable (_ words: [String], _ peer: Peer) -> Void
  let port: UInt16
  private let listener: Int32
  private let script: Script
  private let peers = Mutex<[Int32]>([])
  private let received = Mutex<[[String]]>([])

  var address: String { "redis://127.0.0.1:\(port)" }
  /// Commands so far, greetings included.
  var commands: [[String]] { received.withLock { $0 } }
  var connectionCount: Int { peers.withLock { $0.count } }

  init(_ script: @escaping Script) {
    self.script = script
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var one: Int32 = 1
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, 4)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    port = withUnsafeMutablePointer(to: &address) { [listener] pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        _ = bind(listener, generic, length)
        listen(listener, 64)
        getsockname(listener, generic, &length)
      }
      return UInt16(bigEndian: pointer.pointee.sin_port)
    }
    onThread { [self] in
      while true {
        let descriptor = accept(listener, nil, nil)
        guard descriptor >= 0 else {
          // Closed by the thread that uses it: a number that is given to another socket meanwhile would take that one's connections.
          close(listener)
          return
        }
        let number = peers.withLock { list in
          list.append(descriptor)
          return list.count - 1
        }
        onThread { [self] in serve(Peer(descriptor: descriptor, number: number)) }
      }
    }
  }

  func stop() {
    shutdown(listener, Int32(SHUT_RDWR))
    for descriptor in peers.withLock({ $0 }) { shutdown(descriptor, Int32(SHUT_RDWR)) }
  }

  private func serve(_ peer: Peer) {
    var pending: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(peer.descriptor, &buffer, buffer.count, 0)
      guard count > 0 else { return }
      pending += buffer[0..<count]
      while let (words, used) = FakeServer.command(pending) {
        pending.removeFirst(used)
        received.withLock { $0.append(words) }
        if words.prefix(2) == ["CLIENT", "SETNAME"] { peer.send("+OK\r\n") } else { script(words, peer) }
      }
    }
  }

  private static func command(_ bytes: [UInt8]) -> ([String], Int)? {
    var at = 0
    func line() -> Int? {
      guard let end = bytes[at...].firstIndex(of: 13), end + 1 < bytes.count else { return nil }
      let number = Int(String(decoding: bytes[(at + 1)..<end], as: UTF8.self))
      at = end + 2
      return number
    }
    guard !bytes.isEmpty, let count = line() else { return nil }
    var words: [String] = []
    for _ in 0..<count {
      guard at < bytes.count, let length = line(), at + length + 2 <= bytes.count else { return nil }
      words.append(String(decoding: bytes[at..<(at + length)], as: UTF8.self))
      at += length + 2
    }
    return (words, at)
  }
}

/// Runs `body` on a detached thread of its own.
func onThread(_ body: @escaping @Sendable () -> Void) {
  final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var thread = pthread_t()
  pthread_create(
    &thread, nil,
    { context in
      Unmanaged<Box>.fromOpaque(context!).takeRetainedValue().body()
      return nil
    }, Unmanaged.passRetained(Box(body)).toOpaque())
  pthread_detach(thread)
}
