import Glibc

@testable import RedisConnector

/// A second client, blocking and made of nothing but a socket, to change what is being watched.
final class RawClient {
  private let descriptor: Int32

  init(_ target: RedisTarget) {
    descriptor = socket(target.endpoint.family, Int32(SOCK_STREAM.rawValue), 0)
    let status = target.endpoint.address.withUnsafeBytes {
      connect(descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
    precondition(status == 0, "the sandbox's Redis is there")
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var one: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
    if let password = target.password { call(["AUTH", target.user ?? "default", password]) }
    call(["SELECT", String(target.database)])
  }

  deinit { close(descriptor) }

  /// - Returns: what came with the first read: enough for short replies.
  @discardableResult
  func call(_ words: [String]) -> String {
    send(RESP.command(words))
    return receive()
  }

  func send(_ bytes: [UInt8]) {
    var sent = 0
    bytes.withUnsafeBytes { all in
      while sent < all.count { sent += max(0, Glibc.send(descriptor, all.baseAddress! + sent, all.count - sent, Int32(MSG_NOSIGNAL))) }
    }
  }

  func receive() -> String {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
  }
}

/// The sandbox's Redis, in a database of the tests' own; nil where there is none.
let sandboxAddress: String? = getenv("ORDERS_CACHE").map { pointer in
  let address = String(cString: pointer)
  // `redis://user:password@host:port/0`
  guard let slash = address.lastIndex(of: "/"), address[..<slash].contains("@") || address[..<slash].hasPrefix("redis://") else {
    return address
  }
  return address[..<slash].hasSuffix("/") ? address + "/9" : address[..<slash] + "/9"
}
