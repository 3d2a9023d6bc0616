import ChainIO
import ChainProgram
import Synchronization
import Testing

@testable import RedisConnector

/// The driver against a server that answers as each test says.
struct ScriptedDriverTests {
  /// Answers `GET key` with the key itself; `SET` with OK.
  private static let echo: FakeServer.Script = { words, peer in
    switch words.first {
    case "GET": peer.send("$\(words[1].utf8.count)\r\n\(words[1])\r\n")
    default: peer.send("+OK\r\n")
    }
  }

  @Test func `replies reach their own calls in order, however the bytes are cut`() throws {
    let server = FakeServer { words, peer in
      for byte in Array("*3\r\n$\(words[1].utf8.count)\r\n\(words[1])\r\n:7\r\n*-1\r\n".utf8) { peer.send([byte]) }
    }
    defer { server.stop() }
    let bench = try Bench(address: server.address, commands: ["GET {0}"])
    #expect(bench.open() == .some(nil))
    let calls = (0..<50).map { bench.submit(0, [.int(Int64($0))]) }
    #expect(bench.run { calls.allSatisfy { $0.state == .idle } })
    for (index, call) in calls.enumerated() {
      #expect(call.ending == .ok)
      #expect(call.result.shown == "[\"\(index)\", 7, null]")
    }
    bench.driver.close()
  }

  @Test func `an argument is one argument, whatever it holds`() throws {
    let server = FakeServer(ScriptedDriverTests.echo)
    defer { server.stop() }
    let bench = try Bench(address: server.address, commands: ["SET {0} x{1}y{2}"])
    #expect(bench.open() == .some(nil))
    #expect(bench.ask(0, [.string(""), .string(" a \r\n$3\r\n b"), .int(-5)]).ending == .ok)
    #expect(server.commands.last == ["SET", "", "x a \r\n$3\r\n by-5"])
    #expect(bench.ask(0, [.string("ünï"), .bool(true), .null]).ending == .ok)
    #expect(server.commands.last == ["SET", "ünï", "xtruey"])
    bench.driver.close()
  }

  @Test func `a reply that comes after its deadline is never taken for another call's`() throws {
    let held = Mutex<[String]>([])
    let server = FakeServer { words, peer in
      if words[1] == "slow" { return held.withLock { $0.append("$4\r\nlate\r\n") } }
      for reply in held.withLock({ replies in
        defer { replies = [] }
        return replies
      }) { peer.send(reply) }
      peer.send("$5\r\nright\r\n")
    }
    defer { server.stop() }
    let bench = try Bench(address: server.address, commands: ["GET {0}", TestCommand(["INCR", "{0}"], writes: true)])
    #expect(bench.open() == .some(nil))
    let reading = bench.submit(0, [.string("slow")])
    let writing = bench.submit(1, [.string("slow")])
    bench.run { server.commands.count >= 3 }
    bench.driver.abandon(reading, now: MonotonicClock.now)
    bench.driver.abandon(writing, now: MonotonicClock.now)
    bench.run { reading.state == .idle && writing.state == .idle }
    #expect(reading.ending == .failed && reading.failure?.class == .timeout)
    #expect(writing.ending == .unknown && writing.failure?.class == .timeout)
    let next = bench.ask(0, [.string("quick")])
    #expect(next.result.shown == "\"right\"")
    // The same call object again, while its own abandoned command is still in the order.
    let again = bench.submit(0, [.string("slow")])
    bench.run { server.commands.count >= 5 }
    bench.driver.abandon(again, now: MonotonicClock.now)
    bench.run { again.state == .idle }
    #expect(bench.ask(0, [.string("quick")]).result.shown == "\"right\"")
    bench.driver.close()
  }

  @Test func `a lost connection ends reads as failed and sent writes as unknown, and comes back`() throws {
    let server = FakeServer { words, peer in
      if peer.number == 0 {
        if words[1] == "end" { peer.disconnect() }
      } else {
        peer.send("$2\r\nup\r\n")
      }
    }
    defer { server.stop() }
    let bench = try Bench(address: server.address, commands: ["GET {0}", TestCommand(["INCR", "{0}"], writes: true)])
    #expect(bench.open() == .some(nil))
    let write = bench.submit(1, [.string("n")])
    let read = bench.submit(0, [.string("end")])
    #expect(bench.run { write.state == .idle && read.state == .idle })
    #expect(write.ending == .unknown && write.failure?.class == .disconnected)
    #expect(read.ending == .failed && read.failure?.class == .disconnected)
    #expect(bench.driver.statistics.connections == 0)
    let later = bench.submit(0, [.string("x")])
    #expect(bench.driver.statistics.waiting == 1)
    #expect(bench.run { later.state == .idle })
    #expect(later.ending == .ok && later.result.shown == "\"up\"")
    #expect(bench.driver.statistics.reconnects == 1 && bench.driver.statistics.waiting == 0)
    bench.driver.close()
  }

  @Test func `calls that wait for a lost connection fail by the acquire timeout`() throws {
    let server = FakeServer { _, peer in peer.disconnect() }
    let bench = try Bench(address: server.address, commands: ["GET {0}"], acquireTimeout: 200_000_000)
    #expect(bench.open() == .some(nil))
    let first = bench.submit(0, [.string("x")])
    server.stop()
    #expect(bench.run { first.state == .idle })
    let started = MonotonicClock.now
    let waiting = (0..<3).map { _ in bench.submit(0, [.string("x")]) }
    let given = bench.submit(0, [.string("x")])
    bench.driver.abandon(given, now: MonotonicClock.now)
    #expect(bench.run { waiting.allSatisfy { $0.state == .idle } && given.state == .idle })
    let spent = MonotonicClock.now - started
    #expect(spent > 150_000_000 && spent < 1_500_000_000)
    for call in waiting {
      #expect(call.ending == .failed && call.failure?.class == .timeout && call.failure?.code == "pool")
    }
    #expect(bench.driver.statistics.waiting == 0)
    bench.driver.close()
  }

  @Test func `a connection that owes an answer five seconds after its deadline is dropped`() throws {
    let server = FakeServer { _, peer in if peer.number > 0 { peer.send("+OK\r\n") } }
    defer { server.stop() }
    let bench = try Bench(address: server.address, commands: ["GET {0}"])
    #expect(bench.open() == .some(nil))
    let abandoned = bench.submit(0, [.string("x")])
    bench.run(for: .milliseconds(20)) { false }
    let then = MonotonicClock.now
    bench.driver.abandon(abandoned, now: then)
    let pending = bench.submit(0, [.string("y")])
    #expect(bench.run(for: .seconds(8)) { pending.state == .idle })
    #expect(pending.failure?.code == "stalled")
    let spent = MonotonicClock.now - then
    #expect(spent >= 4_990_000_000 && spent < 7_000_000_000)
    #expect(bench.ask(0, [.string("z")]).ending == .ok)
    bench.driver.close()
  }

  @Test func `an abandoned command that is answered late keeps the connection`() throws {
    let server = FakeServer { words, peer in if words[1] != "x" { peer.send("+OK\r\n+OK\r\n") } }
    defer { server.stop() }
    let bench = try Bench(address: server.address, commands: ["GET {0}"])
    #expect(bench.open() == .some(nil))
    let abandoned = bench.submit(0, [.string("x")])
    bench.driver.abandon(abandoned, now: MonotonicClock.now)
    #expect(bench.ask(0, [.string("y")]).ending == .ok)
    #expect(bench.driver.statistics.connections == 1 && bench.driver.statistics.busy == 0)
    bench.run(for: .milliseconds(5500)) { false }
    #expect(server.connectionCount == 1)
    bench.driver.close()
  }

  @Test(arguments: [
    "hello\r\n", "$-7\r\n", ":1\r\n:2\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
    "$99999999999999999999\r\n", "\0\u{1}\u{2}\r\n",
  ])
  func `bytes that make no sense drop the connection and trap nothing`(_ reply: String) throws {
    let server = FakeServer { words, peer in peer.send(peer.number == 0 ? reply : "+OK\r\n") }
    defer { server.stop() }
    let bench = try Bench(address: server.address, commands: ["GET {0}"])
    #expect(bench.open() == .some(nil))
    _ = bench.ask(0, [.string("x")])
    #expect(bench.run { bench.driver.statistics.reconnects == 1 })
    #expect(bench.ask(0, [.string("x")]).ending == .ok)
    bench.driver.close()
  }

  @Test func `a reply beyond the limit fails its call only`() throws {
    let server = FakeServer { words, peer in
      guard words[1] == "big" else { return peer.send("+OK\r\n") }
      peer.send("*20\r\n")
      let chunk = Array("$1048576\r\n".utf8) + [UInt8](repeating: 65, count: 1 << 20) + Array("\r\n".utf8)
      for _ in 0..<20 { peer.send(chunk) }
    }
    defer { server.stop() }
    let bench = try Bench(address: server.address, commands: ["GET {0}"])
    #expect(bench.open() == .some(nil))
    let big = bench.submit(0, [.string("big")])
    let small = bench.submit(0, [.string("small")])
    #expect(bench.run { big.state == .idle && small.state == .idle })
    #expect(big.ending == .failed && big.failure?.code == "too-large")
    #expect(small.ending == .ok && small.result.shown == "\"OK\"")
    bench.driver.close()
  }

  @Test func `one text beyond the limit drops the connection`() throws {
    let server = FakeServer { words, peer in
      guard words[1] == "big", peer.number == 0 else { return peer.send("+OK\r\n") }
      peer.send("$33554432\r\n")
      let chunk = [UInt8](repeating: 65, count: 1 << 20)
      for _ in 0..<32 { peer.send(chunk) }
    }
    defer { server.stop() }
    let bench = try Bench(address: server.address, commands: ["GET {0}"])
    #expect(bench.open() == .some(nil))
    #expect(bench.ask(0, [.string("big")]).failure?.code == "too-large")
    #expect(bench.ask(0, [.string("small")]).ending == .ok)
    bench.driver.close()
  }

  @Test func `a server that is not there is named with its address and the cause, never the password`() throws {
    let server = FakeServer { _, _ in }
    server.stop()
    let bench = try Bench(address: "redis://:hush@127.0.0.1:\(server.port)", commands: ["GET {0}"])
    let error = try #require(bench.refusal())
    #expect(error.class == .connect && error.code == "ECONNREFUSED")
    #expect(error.message.contains("127.0.0.1:\(server.port)") && !error.message.contains("hush"))
  }

  @Test func `a server that accepts and says nothing is reported by the deadline`() throws {
    let server = FakeServer { _, _ in }
    defer { server.stop() }
    let bench = try Bench(address: "redis://:hush@127.0.0.1:\(server.port)", commands: ["GET {0}"], pool: .size(3))
    let began = MonotonicClock.now
    let error = try #require(bench.refusal(within: .milliseconds(300)))
    #expect(error.class == .connect && error.code == "timeout")
    #expect(MonotonicClock.now - began < 1_000_000_000)
  }

  @Test func `a wrong password is an error of the connection`() throws {
    let server = FakeServer { words, peer in
      peer.send(words[0] == "AUTH" ? "-WRONGPASS invalid username-password pair or user is disabled.\r\n" : "-NOAUTH x\r\n")
    }
    defer { server.stop() }
    let bench = try Bench(address: "redis://me:hush@127.0.0.1:\(server.port)/4", commands: ["GET {0}"])
    let error = try #require(bench.refusal())
    #expect(error.class == .connect && error.code == "WRONGPASS" && !error.message.contains("hush"))
    #expect(server.commands.first == ["AUTH", "me", "hush"])
  }

  @Test func `a pool opens all of its connections and shares the load, and users get one each when asked`() throws {
    let server = FakeServer { words, peer in if words[1] != "hold" { peer.send("+OK\r\n") } }
    defer { server.stop() }
    let bench = try Bench(address: server.address, commands: ["GET {0}"], pool: .perUser, users: 100)
    #expect(bench.open() == .some(nil))
    #expect(server.connectionCount == 100 && bench.driver.statistics.connections == 100)
    for _ in 0..<100 { _ = bench.submit(0, [.string("hold")]) }
    #expect(bench.driver.statistics.busy == 100)
    bench.driver.close()
  }

  @Test func `a blocking command is refused when the chain is compiled`() {
    let error = #expect(throws: OperationError.self) { try Bench(address: "redis://127.0.0.1:1", commands: ["BLPOP q 0"]) }
    #expect(error?.class == .protocol)
    #expect(error?.message.contains("'BLPOP' blocks") == true)
  }

  @Test func `without COMMAND at the server, our own table holds a connection to reading`() throws {
    let server = FakeServer { words, peer in
      peer.send(words[0] == "COMMAND" ? "-NOPERM this user has no permissions to run the 'command|info' command\r\n" : "+OK\r\n")
    }
    defer { server.stop() }
    let reading = try Bench(address: server.address, commands: ["GET {0}"], access: "read")
    #expect(reading.open() == .some(nil))
    reading.driver.close()
    let writing = try Bench(address: server.address, commands: ["GET {0}", "SET {0} 1"], access: "read")
    #expect(try #require(writing.refusal()).code == "write-on-read-connection")
  }
}
