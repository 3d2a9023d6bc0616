internal import CCurl
import Glibc

/// An address such as `rediss://user:secret@[::1]:6379/2`, taken apart by libcurl's URL API.
package struct ServiceURL: Sendable {
  package let scheme: String
  package let host: String
  package let port: UInt16
  package let user: String?
  package let password: String?
  /// The path as it was written, still percent-encoded, with its leading slash; empty if there is none.
  package let rawPath: String
  package let query: String?

  /// - Parameter defaultPorts: The port of each scheme that is allowed.
  /// - Throws: an `OperationError` of class `connect`; its message never holds the text of the address, which may hold a password.
  package init(_ text: String, defaultPorts: [String: UInt16]) throws(OperationError) {
    let allowed = defaultPorts.keys.sorted().map { "\($0)://" }.joined(separator: " or ")
    guard let handle = curl_url() else { throw OperationError(.environment, "out of memory") }
    defer { curl_url_cleanup(handle) }
    let flags = UInt32(CURLU_NON_SUPPORT_SCHEME)
    guard curl_url_set(handle, CURLUPART_URL, text, flags) == CURLUE_OK else {
      throw OperationError(.connect, code: "bad-address", "the address is not a URL; it should look like \(allowed)host:port/")
    }
    func part(_ part: CURLUPart, decoded: Bool) -> String? {
      var value: UnsafeMutablePointer<CChar>?
      guard curl_url_get(handle, part, &value, decoded ? UInt32(CURLU_URLDECODE) : 0) == CURLUE_OK, let value else { return nil }
      defer { curl_free(value) }
      return String(cString: value)
    }
    let scheme = part(CURLUPART_SCHEME, decoded: false) ?? ""
    guard let defaultPort = defaultPorts[scheme] else {
      throw OperationError(.connect, code: "bad-address", "the address has the scheme '\(scheme)://'; it should be \(allowed)")
    }
    var host = part(CURLUPART_HOST, decoded: true) ?? ""
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    guard !host.isEmpty else { throw OperationError(.connect, code: "bad-address", "the address names no host") }
    self.scheme = scheme
    self.host = host
    port = part(CURLUPART_PORT, decoded: false).flatMap { UInt16($0) } ?? defaultPort
    user = part(CURLUPART_USER, decoded: true).flatMap { $0.isEmpty ? nil : $0 }
    password = part(CURLUPART_PASSWORD, decoded: true)
    // libcurl says `/` for no path at all, and AMQP means another virtual host by that.
    rawPath = ServiceURL.hasPath(text) ? part(CURLUPART_PATH, decoded: false) ?? "" : ""
    query = part(CURLUPART_QUERY, decoded: false)
  }

  private static func hasPath(_ text: String) -> Bool {
    var rest = text.utf8[...]
    if let colon = rest.firstIndex(of: UInt8(ascii: ":")) { rest = rest[colon...].dropFirst(3) }
    let end = rest.first { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }
    return end == UInt8(ascii: "/")
  }

  /// `host:port`, with brackets around an IPv6 address.
  package var displayAddress: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// A resolved socket address.
package struct Endpoint: Sendable {
  /// The bytes of a `sockaddr_in` or `sockaddr_in6`.
  package let address: [UInt8]
  package let family: Int32
  /// The address in numbers, as `PQconnectStart`'s `hostaddr` wants it.
  package let numericHost: String

  /// Resolves a host name. Blocks: call off the reactors.
  ///
  /// - Throws: an `OperationError` of class `connect` with the resolver's reason.
  package static func resolve(host: String, port: UInt16) throws(OperationError) -> Endpoint {
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_ADDRCONFIG
    var found: UnsafeMutablePointer<addrinfo>?
    var status = getaddrinfo(host, String(port), &hints, &found)
    if status == EAI_NONAME || status == -9 {
      // -9 is EAI_ADDRFAMILY. Without any interface but loopback, AI_ADDRCONFIG hides ::1 and 127.0.0.1 alike.
      hints.ai_flags = 0
      status = getaddrinfo(host, String(port), &hints, &found)
    }
    guard status == 0, let first = found else {
      throw OperationError(.connect, code: "resolve", "cannot resolve the host '\(host)': \(String(cString: gai_strerror(status)))")
    }
    defer { freeaddrinfo(found) }
    // IPv4 first when both are there: the servers of a sandbox listen there.
    var chosen = first
    var candidate: UnsafeMutablePointer<addrinfo>? = first
    while let current = candidate {
      if current.pointee.ai_family == AF_INET {
        chosen = current
        break
      }
      candidate = current.pointee.ai_next
    }
    let bytes = UnsafeRawBufferPointer(start: chosen.pointee.ai_addr, count: Int(chosen.pointee.ai_addrlen))
    var text = [CChar](repeating: 0, count: 64)
    getnameinfo(chosen.pointee.ai_addr, chosen.pointee.ai_addrlen, &text, 64, nil, 0, NI_NUMERICHOST)
    return Endpoint(
      address: Array(bytes), family: chosen.pointee.ai_family,
      numericHost: String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
  }
}
