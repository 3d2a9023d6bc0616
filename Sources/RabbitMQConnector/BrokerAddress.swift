import ChainIO

/// A broker's address with its credentials, resolved.
struct BrokerAddress: ConnectionTarget {
  let endpoint: Endpoint
  let displayAddress: String
  let host: String
  let user: String
  let password: String
  let virtualHost: String

  /// Resolves `amqp://user:password@host:port/vhost`. Blocks.
  ///
  /// - Throws: an `OperationError` of class `connect` that never holds the password.
  init(_ address: String) throws(OperationError) {
    let url = try ServiceURL(address, defaultPorts: ["amqp": 5672, "amqps": 5671])
    guard url.scheme == "amqp" else {
      throw OperationError(.connect, code: "no-tls", "TLS to RabbitMQ is not supported yet: use amqp:// instead of amqps://")
    }
    virtualHost = try BrokerAddress.virtualHost(rawPath: url.rawPath)
    user = url.user ?? "guest"
    password = url.password ?? "guest"
    guard user.utf8.count <= 255, password.utf8.count <= 1024 else {
      throw OperationError(.connect, code: "bad-address", "the user or the password in the address is too long")
    }
    host = url.host
    displayAddress = url.displayAddress
    endpoint = try Endpoint.resolve(host: url.host, port: url.port)
  }

  /// The virtual host that a URL's path names: split first and decode then, so that `/%2Fx` is the virtual host `/x`. No path is `/`.
  ///
  /// - Throws: an `OperationError` of class `connect` when the path has a second segment, or is not UTF-8 in percent-encoding.
  static func virtualHost(rawPath: String) throws(OperationError) -> String {
    let segment = rawPath.hasPrefix("/") ? rawPath.dropFirst() : rawPath[...]
    if segment.isEmpty { return "/" }
    guard !segment.utf8.contains(UInt8(ascii: "/")) else {
      throw OperationError(
        .connect, code: "bad-address", "the address has more than one path segment; write a '/' in a virtual host as %2F")
    }
    var decoded: [UInt8] = []
    var rest = Array(segment.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        decoded.append(byte)
        continue
      }
      guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
        throw OperationError(.connect, code: "bad-address", "the virtual host in the address has a '%' without two hexadecimal digits")
      }
      decoded.append(value)
      rest = rest.dropFirst(2)
    }
    guard decoded.count <= 255, let name = String(validating: decoded, as: UTF8.self) else {
      throw OperationError(.connect, code: "bad-address", "the virtual host in the address is not UTF-8 of at most 255 bytes")
    }
    return name
  }
}
