import Glibc

/// A port whose queue of connections is full: the kernel answers no further one.
final class CrowdedPort {
  struct NotCrowded: Error {}
  let port: UInt16
  private var descriptors: [Int32] = []

  init() throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    descriptors.append(listener)
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    func with<R>(_ body: (UnsafeMutablePointer<sockaddr>) -> R) -> R {
      withUnsafeMutablePointer(to: &address) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body) }
    }
    let isListening = with { bind(listener, $0, length) == 0 && getsockname(listener, $0, &length) == 0 } && listen(listener, 0) == 0
    port = UInt16(bigEndian: address.sin_port)
    guard isListening else { throw NotCrowded() }
    for _ in 0..<8 {
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
      descriptors.append(descriptor)
      _ = with { connect(descriptor, $0, length) }
    }
  }

  deinit { for descriptor in descriptors { close(descriptor) } }
}
