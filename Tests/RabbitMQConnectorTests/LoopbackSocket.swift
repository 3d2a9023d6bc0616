import Glibc

/// Non-blocking loopback sockets for fakes that are served between a reactor's turns, on the same thread.
struct LoopbackListener {
  let descriptor: Int32
  let port: UInt16

  init() {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        precondition(bind(descriptor, $0, length) == 0 && listen(descriptor, 16) == 0, "a loopback listener")
        getsockname(descriptor, $0, &length)
      }
    }
    port = UInt16(bigEndian: address.sin_port)
  }

  /// nil if nobody is waiting.
  func accept() -> Int32? {
    let accepted = Glibc.accept(descriptor, nil, nil)
    if accepted < 0 { return nil }
    _ = fcntl(accepted, F_SETFL, O_NONBLOCK)
    var one: Int32 = 1
    setsockopt(accepted, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
    return accepted
  }
}

enum ReadOutcome: Equatable {
  case bytes([UInt8])
  case nothing
  case ended
}

func readAvailable(_ descriptor: Int32) -> ReadOutcome {
  var buffer = [UInt8](repeating: 0, count: 65_536)
  let count = recv(descriptor, &buffer, buffer.count, 0)
  if count > 0 { return .bytes(Array(buffer[0..<count])) }
  return count < 0 && errno == EAGAIN ? .nothing : .ended
}

/// Writes what the kernel takes and removes it from `bytes`.
func writeAvailable(_ descriptor: Int32, _ bytes: inout [UInt8], atMost limit: Int = .max) {
  guard !bytes.isEmpty else { return }
  let count = send(descriptor, bytes, min(bytes.count, limit), Int32(MSG_NOSIGNAL))
  if count > 0 { bytes.removeFirst(count) }
}

/// Forwards between a client and a server until told to freeze.
final class FreezableProxy {
  private let listener = LoopbackListener()
  private let upstreamPort: UInt16
  private var pairs: [(client: Int32, server: Int32, toServer: [UInt8], toClient: [UInt8])] = []
  /// While true no byte moves, and no new connection is accepted.
  var isFrozen = false
  private(set) var accepted = 0

  init(upstreamPort: UInt16) { self.upstreamPort = upstreamPort }

  deinit {
    cut()
    close(listener.descriptor)
  }

  var port: UInt16 { listener.port }

  func serve() {
    if isFrozen { return }
    while let client = listener.accept() {
      let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = upstreamPort.bigEndian
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      let status = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
      }
      precondition(status == 0, "the proxy's server is there")
      _ = fcntl(server, F_SETFL, O_NONBLOCK)
      var one: Int32 = 1
      setsockopt(server, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
      accepted += 1
      pairs.append((client, server, [], []))
    }
    for index in pairs.indices.reversed() {
      var isOver = false
      switch readAvailable(pairs[index].client) {
      case .bytes(let bytes): pairs[index].toServer += bytes
      case .nothing: break
      case .ended: isOver = true
      }
      switch readAvailable(pairs[index].server) {
      case .bytes(let bytes): pairs[index].toClient += bytes
      case .nothing: break
      case .ended: isOver = true
      }
      writeAvailable(pairs[index].server, &pairs[index].toServer)
      writeAvailable(pairs[index].client, &pairs[index].toClient)
      if isOver {
        close(pairs[index].client)
        close(pairs[index].server)
        pairs.remove(at: index)
      }
    }
  }

  /// Closes all connections.
  func cut() {
    for pair in pairs {
      close(pair.client)
      close(pair.server)
    }
    pairs = []
  }
}
