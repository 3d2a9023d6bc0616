import ChainIO
import ChainProgram
import Glibc
import HTTPConnector
import Testing

/// Runs `openssl` with the arguments given; its output goes nowhere.
///
/// - Returns: the process's id; nil if it cannot be started.
private func startOpenSSL(_ arguments: [String]) -> pid_t? {
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
  var words: [UnsafeMutablePointer<CChar>?] = (["openssl"] + arguments).map { word in strdup(word) }
  defer { for word in words { free(word) } }
  words.append(nil)
  var child = pid_t()
  return posix_spawn(&child, "/usr/bin/openssl", &actions, nil, words, environ) == 0 ? child : nil
}

private func runOpenSSL(_ arguments: String...) throws {
  let child = try #require(startOpenSSL(arguments))
  var status: Int32 = 0
  try #require(waitpid(child, &status, 0) == child && status == 0, "openssl \(arguments.joined(separator: " ")) failed")
}

/// A folder with an authority of our own, a certificate of it for `localhost`, and a server that shows it; all gone with this.
private final class TLSServer {
  let folder: String
  private(set) var port: UInt16 = 0
  private var child: pid_t = -1

  init() throws {
    var template = Array("/tmp/chainrun-tls.XXXXXX".utf8CString)
    folder = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
    for name in ["authority", "stranger"] {
      try runOpenSSL(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=\(name)",
        "-keyout", "\(folder)/\(name).key", "-out", "\(folder)/\(name).pem")
    }
    try runOpenSSL(
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
      "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:false", "-CA", "\(folder)/authority.pem",
      "-CAkey",
      "\(folder)/authority.key", "-keyout", "\(folder)/server.key", "-out", "\(folder)/server.pem")
    try start()
  }

  private func start() throws {
    port = freePort()
    child = try #require(
      startOpenSSL([
        "s_server", "-accept", "127.0.0.1:\(port)", "-cert", "\(folder)/server.pem", "-key", "\(folder)/server.key", "-www", "-quiet",
      ]))
    let deadline = MonotonicClock.now + 10_000_000_000
    while !isListening {
      try #require(MonotonicClock.now < deadline, "openssl s_server does not listen")
      usleep(10_000)
    }
  }

  private var loopback: sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    address.sin_port = port.bigEndian
    return address
  }

  private func withSocket<Result>(_ body: (Int32, UnsafeMutablePointer<sockaddr>, inout socklen_t) -> Result, _ address: inout sockaddr_in)
    -> Result
  {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    return withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body(descriptor, $0, &length) }
    }
  }

  /// A port that was free a moment ago.
  private func freePort() -> UInt16 {
    var address = loopback
    address.sin_port = 0
    withSocket(
      { descriptor, pointer, length in
        precondition(bind(descriptor, pointer, length) == 0 && getsockname(descriptor, pointer, &length) == 0, "no port")
      }, &address)
    return UInt16(bigEndian: address.sin_port)
  }

  private var isListening: Bool {
    var address = loopback
    return withSocket({ descriptor, pointer, length in connect(descriptor, pointer, length) == 0 }, &address)
  }

  deinit {
    if child > 0 {
      kill(child, SIGKILL)
      var status: Int32 = 0
      waitpid(child, &status, 0)
    }
    for name in ["authority.key", "authority.pem", "stranger.key", "stranger.pem", "server.key", "server.pem"] {
      unlink("\(folder)/\(name)")
    }
    rmdir(folder)
  }
}

/// HTTPS, against `openssl s_server` with certificates made for the test.
@Suite(.enabled(if: access("/usr/bin/openssl", X_OK) == 0), .timeLimit(.minutes(1))) struct TLSTests {
  /// - Parameter authority: The `ca_file`'s name in the server's folder; nil for the system's authorities.
  private func get(_ server: TLSServer, host: String, authority: String?, users: Int? = nil) throws -> OperationCall {
    let bench = try HTTPBench(
      "https://\(host):\(server.port)", users: users, caFile: authority.map { "\(server.folder)/\($0)" }, steps: [.get("/")])
    return try bench.run()
  }

  @Test(arguments: [nil, 2])
  func `a server is taken when its authority and its name are right, and only then, also on a user's own connection`(users: Int?) throws {
    let server = try TLSServer()
    let right = try get(server, host: "localhost", authority: "authority.pem", users: users)
    #expect(right.ending == .ok && right.result.status == 200)
    #expect(right.bodyText.contains("s_server"))
    let wrong: [(host: String, authority: String?, words: String)] = [
      ("127.0.0.1", "authority.pem", "127.0.0.1"), ("localhost", "stranger.pem", "certificate"), ("localhost", nil, "certificate"),
    ]
    for (host, authority, words) in wrong {
      let call = try get(server, host: host, authority: authority, users: users)
      #expect(call.ending == .failed, "nothing was sent")
      #expect(call.failure?.class == .connect && call.failure?.code == "CURLE_PEER_FAILED_VERIFICATION")
      #expect(call.failure?.message.contains(words) == true, "\(call.failure?.message ?? "")")
      #expect(call.result.status == 0 && !call.result.hasBody)
    }
    // The server is still right for who knows it.
    #expect(try get(server, host: "localhost", authority: "authority.pem", users: users).ending == .ok)
  }

  @Test func `plain HTTP to a TLS server, and a CA file that is none, are errors of the connection`() throws {
    let server = try TLSServer()
    let plain = try HTTPBench("http://localhost:\(server.port)", steps: [.get("/")]).run()
    #expect(plain.ending == .failed)
    let noAuthority = try get(server, host: "localhost", authority: "stranger.key")
    #expect(noAuthority.ending == .failed && noAuthority.failure?.class == .connect)
    #expect(throws: OperationError.self) { try get(server, host: "localhost", authority: "not-there") }
  }
}
