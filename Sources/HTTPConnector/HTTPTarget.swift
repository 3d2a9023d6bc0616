import ChainIO
import ChainProgram
import Glibc

/// A web server's address, resolved.
struct HTTPTarget: ConnectionTarget {
  let displayAddress: String
  let host: String
  let endpoint: Endpoint
  /// `http://host:port/base`, without a slash at its end: paths begin with one.
  let base: String
  /// libcurl's `host:port:address`, so that it never resolves by itself; nil when the host is written in numbers.
  let resolution: String?
  /// `:port:address`, as libcurl reads what a name stands for.
  private let resolvedTail: String
  /// The value of the Authorization header, if the address names a user.
  let authorization: String?
  /// Path of the PEM file to check servers against; nil for the system's.
  let authorityFile: String?

  init(_ declaration: ConnectionDeclaration, address: String) throws(OperationError) {
    let url = try ServiceURL(address, defaultPorts: ["http": 80, "https": 443])
    guard url.query == nil else {
      throw OperationError(.connect, code: "bad-address", "the address of '\(declaration.name)' has a query; it belongs to the requests")
    }
    displayAddress = url.displayAddress
    host = url.host
    endpoint = try Endpoint.resolve(host: url.host, port: url.port)
    var path = url.rawPath
    while path.hasSuffix("/") { path.removeLast() }
    base = "\(url.scheme)://\(url.displayAddress)\(path)"
    let numeric = endpoint.numericHost.contains(":") ? "[\(endpoint.numericHost)]" : endpoint.numericHost
    resolvedTail = ":\(url.port):\(numeric)"
    // The form has no place for an IPv6 address as the host.
    resolution = url.host == endpoint.numericHost || url.host.contains(":") ? nil : "\(url.host)\(resolvedTail)"
    authorization = url.user.map { "Basic " + Base64.encoded("\($0):\(url.password ?? "")") }
    switch declaration.option("ca_file") {
    case nil: authorityFile = nil
    case .text(let template)?:
      guard let file = template.literal else {
        throw OperationError(.connect, code: "bad-address", "'ca_file' of '\(declaration.name)' cannot hold expressions")
      }
      guard access(file, R_OK) == 0 else {
        let reason = String(cString: strerror(errno)).lowercased()
        throw OperationError(.connect, code: "ca-file", "cannot read 'ca_file' of '\(declaration.name)': \(reason)")
      }
      authorityFile = file
    case .sql?, .words?, .json?, .textMap?, .flag?, .integer?, .duration?, .choice?, .wordList?:
      throw OperationError(.connect, code: "bad-address", "'ca_file' of '\(declaration.name)' is not text")
    }
  }
}

extension HTTPTarget {
  /// This server under a name that only one user has. libcurl never takes a connection to one host for a request to another, so it keeps
  /// the users' apart. What the server is asked for, and what its certificate must say, stays the host of the address.
  struct OwnName {
    /// CURLOPT_CONNECT_TO: wherever the request goes, it goes there.
    let destination: String
    /// CURLOPT_RESOLVE: where that is. The name cannot exist (RFC 2606, section 2), should it ever be asked for elsewhere.
    let resolution: String
  }

  func ownName(ofUser user: Int) -> OwnName {
    OwnName(destination: "::user-\(user).invalid:", resolution: "user-\(user).invalid\(resolvedTail)")
  }
}

/// RFC 4648, section 4.
enum Base64 {
  static func encoded(_ text: String) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    let bytes = Array(text.utf8)
    var output: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      var bits = 0
      for offset in 0..<3 { bits = bits << 8 | (offset < group.count ? Int(group[start + offset]) : 0) }
      for digit in 0..<4 {
        output.append(digit <= group.count ? alphabet[bits >> (18 - 6 * digit) & 63] : UInt8(ascii: "="))
      }
    }
    return String(decoding: output, as: UTF8.self)
  }
}
