import Testing

@testable import ChainIO

struct ServiceURLTests {
  private let ports: [String: UInt16] = ["redis": 6379, "rediss": 6379, "amqp": 5672]

  private func url(_ text: String) throws -> ServiceURL { try ServiceURL(text, defaultPorts: ports) }

  @Test func `user, password, host, port, path and query are taken apart`() throws {
    let url = try url("redis://us%20er:p%40s%2Fs@example.org:7000/a%2Fb/2?x=1")
    #expect(url.scheme == "redis" && url.host == "example.org" && url.port == 7000)
    #expect(url.user == "us er" && url.password == "p@s/s")
    #expect(url.rawPath == "/a%2Fb/2" && url.query == "x=1")
    #expect(url.displayAddress == "example.org:7000")
  }

  @Test func `what is not written has its default`() throws {
    let url = try url("amqp://localhost")
    #expect(url.port == 5672 && url.user == nil && url.password == nil && url.query == nil)
    #expect(url.rawPath == "")
    #expect(try self.url("amqp://localhost/").rawPath == "/")
  }

  @Test func `a password without a user, an IPv6 host and an upper-case scheme are read`() throws {
    let url = try url("REDISS://:secret@[::1]:6380/2")
    #expect(url.scheme == "rediss" && url.user == nil && url.password == "secret")
    #expect(url.host == "::1" && url.displayAddress == "[::1]:6380")
  }

  @Test(arguments: [
    "", "localhost", "mysql://u:hush@h", "redis://u:hush@", "redis://u:hush@h:99999", "redis://u:hush@h o", "redis://u:hush@h:x",
    "redis://u:hu@sh@h",
  ])
  func `what is not an address of an allowed kind is refused, and the message does not repeat it`(_ text: String) {
    let error = #expect(throws: OperationError.self) { try url(text) }
    #expect(error?.class == .connect && error?.code == "bad-address")
    #expect(error?.message.contains("hush") == false)
  }

  @Test func `localhost resolves to a loopback address, and an unknown host says so`() throws {
    let endpoint = try Endpoint.resolve(host: "localhost", port: 80)
    #expect(endpoint.numericHost == "127.0.0.1" || endpoint.numericHost == "::1")
    #expect(try Endpoint.resolve(host: "::1", port: 80).numericHost == "::1")
    let error = #expect(throws: OperationError.self) { try Endpoint.resolve(host: "no-such-host.invalid", port: 80) }
    #expect(error?.class == .connect && error?.code == "resolve" && error?.message.contains("'no-such-host.invalid'") == true)
  }
}
