import ChainIO
import Glibc
import PostgresConnector
import Testing

@Suite struct AddressTests {
  private func refusal(_ address: String) -> OperationError? {
    do {
      _ = try Bench([], address: address)
      return nil
    } catch {
      return error as? OperationError
    }
  }

  @Test(arguments: [
    "postgres://u:hunter2@[::1/db", "mysql://u:hunter2@localhost/db", "password=hunter2 nonsense=1", "hunter2",
    "postgres://u:hunter2@localhost:notaport/db", "postgres://u:hunter2@a,b/db", "postgres://u:hunter2@localhost/db?service=x",
    "postgres://u:hunter2@no-such-host.invalid/db",
  ])
  func `an address that cannot be used is refused without showing its password`(address: String) throws {
    let failure = try #require(refusal(address))
    #expect(failure.class == .connect)
    #expect(!failure.message.contains("hunter2"))
  }

  @Test(arguments: [
    ("postgres://u:p@127.0.0.1:6000/db", "127.0.0.1:6000"), ("host=127.0.0.1 port=6000 user=u", "127.0.0.1:6000"),
    ("postgresql:///db?host=/var/run/postgresql&user=u", "/var/run/postgresql/.s.PGSQL.5432"), ("postgres://u@[::1]:7000", "[::1]:7000"),
  ])
  func `an address is shown as host and port or socket`(address: String, shown: String) throws {
    let connector = PostgresConnector()
    let bench = try Bench([], address: address)
    _ = bench
    #expect(try connector.resolve(bench.declaration, address: address).displayAddress == shown)
  }

  @Test func `no server is reported with its address and cause`() throws {
    let bench = try Bench([.sql("SELECT 1")], address: "postgres://u:hunter2@127.0.0.1:1/db", pool: 4)
    let failure = try #require(try bench.open())
    #expect(failure.class == .connect)
    #expect(failure.code == "ECONNREFUSED")
    #expect(failure.message == "cannot connect to 127.0.0.1:1: connection refused")
  }

  @Test func `a server that says nothing is given up at the connect deadline`() throws {
    let listener = try #require(SilentListener())
    let bench = try Bench(
      [.sql("SELECT 1")], address: "postgres://u:hunter2@127.0.0.1:\(listener.port)/db", pool: 2, connectTimeoutMilliseconds: 300)
    let start = MonotonicClock.now
    let failure = try #require(try bench.open())
    #expect(failure.code == "timeout")
    #expect(!failure.message.contains("hunter2"))
    #expect(MonotonicClock.now - start < 4_000_000_000)
  }

  @Test(arguments: ["57P03", "53300"])
  func `a server that is starting or full is asked again until the deadline`(code: String) throws {
    let listener = try #require(SilentListener())
    let bench = try Bench([.sql("SELECT 1")], address: "postgres://u:hunter2@127.0.0.1:\(listener.port)/db", pool: 1)
    var outcome: OperationError??
    bench.driver.open(deadline: MonotonicClock.now + 800_000_000) { outcome = .some($0) }
    #expect(
      bench.turn(milliseconds: 3_000) {
        listener.refuseNext(code: code)
        return outcome != nil
      })
    #expect(outcome??.code == code)
    #expect(outcome??.message == "cannot connect to 127.0.0.1:\(listener.port): not now")
    #expect(listener.refusals >= 3)
  }
}

/// A socket that takes connections and never answers.
final class SilentListener {
  private let descriptor: Int32
  let port: UInt16

  init?() {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let status = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        bind(descriptor, pointer, length) == 0 && listen(descriptor, 16) == 0 && getsockname(descriptor, pointer, &length) == 0
      }
    }
    port = UInt16(bigEndian: address.sin_port)
    guard status else { return nil }
  }

  private(set) var refusals = 0

  /// Takes a connection that waits, if there is one, reads what it says, and answers with an error.
  func refuseNext(code: String) {
    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&waiting, 1, 0) == 1 else { return }
    let peer = accept(descriptor, nil, nil)
    guard peer >= 0 else { return }
    refusals += 1
    // Without a wait: the answer may come before the question, and libpq reads it all the same.
    let fields = Array("SFATAL\0VFATAL\0C\(code)\0Mnot now\0\0".utf8)
    let message = [UInt8(ascii: "E"), 0, 0, 0, UInt8(fields.count + 4)] + fields
    _ = message.withUnsafeBytes { send(peer, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    shutdown(peer, Int32(SHUT_WR))
    refused.append(peer)
  }

  /// Kept open, so that what was not read does not reset the connection before the answer is read.
  private var refused: [Int32] = []

  deinit {
    for peer in refused { close(peer) }
    close(descriptor)
  }
}
