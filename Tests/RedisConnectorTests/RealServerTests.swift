import ChainIO
import ChainProgram
import Glibc
import Testing

@testable import RedisConnector

/// The driver against the sandbox's Redis (ORDERS_CACHE).
@Suite(.enabled(if: sandboxAddress != nil), .serialized)
struct RealServerTests {
  private let address = sandboxAddress ?? ""

  @Test func `status, text, integer, null and nested lists come back as they are`() throws {
    let key = "driver:\(MonotonicClock.now)"
    let bench = try Bench(
      address: address,
      commands: [
        "SET {0} {1}", "GET {0}", "INCR {0}", "DEL {0}", "RPUSH {0} a b", "LRANGE {0} 0 -1", "HGET {0} x",
        "EVAL {1} 0", "FROBNICATE secret",
      ])
    #expect(bench.open() == .some(nil))
    #expect(bench.ask(0, [.string(key), .string("")]).result.shown == "\"OK\"")
    #expect(bench.ask(1, [.string(key)]).result.shown == "\"\"")
    #expect(bench.ask(0, [.string(key), .string("a b\r\n\0c")]).ending == .ok)
    #expect(bench.ask(1, [.string(key)]).result.shown == "\"a b\r\n\0c\"")
    #expect(bench.ask(3, [.string(key)]).result.shown == "1")
    #expect(bench.ask(1, [.string(key)]).result.shown == "null")
    #expect(bench.ask(4, [.string(key)]).result.shown == "2")
    #expect(bench.ask(5, [.string(key)]).result.shown == "[\"a\", \"b\"]")
    let wrong = bench.ask(6, [.string(key)])
    #expect(wrong.ending == .failed && wrong.failure?.class == .server && wrong.failure?.code == "WRONGTYPE")
    #expect(
      bench.ask(7, [.null, .string("return {1, {'x', {2, false}}, redis.status_reply('fine')}")]).result.shown
        == "[1, [\"x\", [2, null]], \"fine\"]")
    let unknown = bench.ask(8)
    #expect(unknown.failure?.code == "ERR" && unknown.failure?.message == "unknown command 'FROBNICATE'")
    _ = bench.ask(3, [.string(key)])
    bench.driver.close()
  }

  @Test func `a read connection is held to reading by the server's own command table`() throws {
    let reading = try Bench(
      address: address,
      commands: ["GET {0}", "OBJECT ENCODING {0}", "XINFO STREAM {0}", "MEMORY USAGE {0}", "PING", "CONFIG GET save", "XRANGE {0} - +"],
      access: "read")
    #expect(reading.open() == .some(nil))
    reading.driver.close()
    let refused: [TestCommand] = ["SET {0} 1", "SORT {0}", "EVAL {0} 0", "PUBLISH a b", "CONFIG SET save {0}", "XGROUP CREATE {0} g 0"]
    for command in refused {
      let bench = try Bench(address: address, commands: ["GET {0}", command], access: "read")
      let error = try #require(bench.refusal())
      #expect(error.class == .server && error.code == "write-on-read-connection")
      #expect(error.message.contains("'cache'"))
    }
    let unknown = try Bench(address: address, commands: ["FROBNICATE"], access: "read")
    #expect(unknown.refusal()?.code == "unknown-command")
  }

  @Test func `a wrong password and a wrong database are errors of the connection`() throws {
    let target = try RedisTarget(address: address)
    if target.password != nil {
      let bench = try Bench(address: "redis://:hush@\(target.displayAddress)/9", commands: ["GET {0}"])
      let error = try #require(bench.refusal())
      #expect(error.class == .connect && error.code == "WRONGPASS" && !error.message.contains("hush"))
    }
    let bench = try Bench(address: address.dropLast(1) + "4711", commands: ["GET {0}"])
    #expect(bench.refusal()?.class == .connect)
  }

  @Test func `sixty-four calls in flight keep order over a pool of four`() throws {
    let bench = try Bench(address: address, commands: ["ECHO {0}"], pool: .size(4))
    #expect(bench.open() == .some(nil))
    var sent = 0
    var open: [(OperationCall, Int)] = []
    while sent < 5000 || !open.isEmpty {
      while open.count < 64, sent < 5000 {
        open.append((bench.submit(0, [.int(Int64(sent))]), sent))
        sent += 1
      }
      let before = open.count
      try #require(bench.run { open.contains { $0.0.state == .idle } })
      for (call, number) in open where call.state == .idle { #expect(call.result.shown == "\"\(number)\"") }
      open.removeAll { $0.0.state == .idle }
      #expect(open.count < before)
    }
    bench.driver.close()
  }
}
