internal import Glibc

/// Where metrics are offered: `127.0.0.1:9464`, `[::1]:9464`, `:9464` or `9464`. Loopback unless another address is written out.
package struct ListenAddress: Sendable, Hashable {
  package let host: String
  package let port: UInt16

  /// - Returns: nil if it is no such address; names are not looked up.
  package init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    let host: Substring
    if text.hasPrefix("["), let close = text.firstIndex(of: "]"), text[close...].hasPrefix("]:") {
      host = text[text.index(after: text.startIndex)..<close]
    } else if parts.count == 1 {
      host = ""
    } else if parts.count == 2 {
      host = parts[0]
    } else {
      return nil
    }
    guard let port = UInt16(parts[parts.count - 1]) else { return nil }
    self.host = host.isEmpty || host == "localhost" ? "127.0.0.1" : String(host)
    self.port = port
    guard Self.isNumeric(self.host) else { return nil }
  }

  var isVersion6: Bool { host.contains(":") }

  private static func isNumeric(_ host: String) -> Bool {
    var bytes = in6_addr()
    return inet_pton(host.contains(":") ? AF_INET6 : AF_INET, host, &bytes) == 1
  }

  /// A listening socket, or errno.
  func listen() -> (descriptor: Int32, port: UInt16, error: Int32) {
    let descriptor = socket(isVersion6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return (-1, 0, errno) }
    var on: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    var storage = sockaddr_storage()
    let asked = port
    let length = withUnsafeMutableBytes(of: &storage) { bytes -> Int in
      if isVersion6 {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = asked.bigEndian
        inet_pton(AF_INET6, host, &address.sin6_addr)
        bytes.storeBytes(of: address, as: sockaddr_in6.self)
        return MemoryLayout<sockaddr_in6>.size
      }
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = asked.bigEndian
      inet_pton(AF_INET, host, &address.sin_addr)
      bytes.storeBytes(of: address, as: sockaddr_in.self)
      return MemoryLayout<sockaddr_in>.size
    }
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let error = withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> Int32 in
        guard bind(descriptor, address, socklen_t(length)) == 0, Glibc.listen(descriptor, 16) == 0 else { return errno }
        return getsockname(descriptor, address, &size) == 0 ? 0 : errno
      }
    }
    guard error == 0 else {
      close(descriptor)
      return (-1, 0, error)
    }
    // The port stands at the same place in both.
    let bound = withUnsafeBytes(of: &storage) { UInt16(bigEndian: $0.load(fromByteOffset: 2, as: UInt16.self)) }
    return (descriptor, bound, 0)
  }
}
