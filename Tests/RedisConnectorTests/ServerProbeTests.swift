import ChainIO
import ChainProgram
import Testing

@testable import RedisConnector

struct ServerInformationTests {
  @Test func `the figures are read from the text of INFO, and what is not there is left out`() {
    let information = ServerInformation(
      """
      # Server\r\nredis_version:7.0.15\r\n# Clients\r\nconnected_clients:12\r\nblocked_clients:2\r\n# Memory\r\nused_memory:1048576\r\nmaxmemory:4194304\r
      # Stats\r\ntotal_commands_processed:5000\r\nevicted_keys:7\r\nexpired_keys:8\r\nkeyspace_hits:90\r\nkeyspace_misses:10\r\nlatest_fork_usec:250\r
      # Replication\r\nrole:master\r\nconnected_slaves:2\r\nslave0:ip=1.2.3.4,port=1,state=online,offset=900,lag=0\r
      slave1:ip=1.2.3.5,port=1,state=online,offset=400,lag=1\r\nmaster_repl_offset:1000\r
      # CPU\r\nused_cpu_sys:1.5\r\nused_cpu_user:2.25\r\n# Keyspace\r\ndb0:keys=3,expires=0,avg_ttl=0\r\ndb9:keys=41,expires=1,avg_ttl=5\r\n
      """)
    var values: [String: Double] = [:]
    information.read(into: &values, database: 9)
    let wanted: [String: Double] = [
      "commands": 5000, "clients": 12, "blocked_clients": 2, "used_memory": 1_048_576, "memory_limit_used": 0.25, "evicted_keys": 7, "expired_keys": 8,
      "keyspace_hits": 90, "keyspace_misses": 10, "latest_fork": 250_000, "cpu": 3.75, "keys": 41, "replication_lag_bytes": 600,
    ]
    #expect(values == wanted)
    information.read(into: &values, database: 4)
    #expect(values["keys"] == 0)
    var none: [String: Double] = [:]
    ServerInformation("nonsense\r\nwithout:\r\n:colon").read(into: &none, database: 0)
    #expect(none.isEmpty)
  }

  /// `(id, microseconds, words)`, the newest first, as the server sends them.
  private func reply(_ entries: [(id: Int64, microseconds: Int64, words: [String])]) -> OperationResult {
    let result = OperationResult()
    func text(_ text: String) { Array(text.utf8).withUnsafeBytes { result.appendText($0) } }
    result.appendArray(count: entries.count)
    for entry in entries {
      result.appendArray(count: 6)
      result.appendInteger(entry.id)
      result.appendInteger(1_700_000_000)
      result.appendInteger(entry.microseconds)
      result.appendArray(count: entry.words.count)
      for word in entry.words { text(word) }
      text("127.0.0.1:5")
      text("")
    }
    return result
  }

  @Test func `of the slow log what is new counts, by the command's name alone`() {
    var log = SlowLogReader()
    func read(_ entries: [(id: Int64, microseconds: Int64, words: [String])]) -> ServerReading {
      var reading = ServerReading()
      log.read(reply(entries), into: &reading)
      return reading
    }
    #expect(read([(7, 90_000, ["GET", "old"])]).values == ["slow_commands": 0])
    // Two of them have fallen off the log's end already.
    let next = read([(12, 20_000, ["eval", "secret script"]), (11, 300_000, ["debug", "SLEEP"]), (10, 1, ["EVAL", "x"]), (7, 90_000, ["GET", "old"])])
    #expect(next.values == ["slow_commands": 5, "slowest_command": 300e6])
    #expect(next.parts.map { "\($0.name) \(Int($0.count))" } == ["slow: EVAL 2", "slow: DEBUG 1"])
    #expect(read([]).values == ["slow_commands": 5, "slowest_command": 0])
    // Started anew.
    let anew = read([(0, 15_000, ["a b'c"])])
    #expect(anew.values == ["slow_commands": 6, "slowest_command": 15e6] && anew.parts.map(\.name) == ["slow: ?"])
  }
}

/// Against the sandbox's Redis (ORDERS_CACHE), with the rights that docs/permissions.md says.
@Suite(.serialized, .enabled(if: sandboxAddress != nil))
struct ServerProbeTests {
  private func look(_ bench: Bench, _ probe: any ServerProbe) throws -> ServerReading {
    var reading: ServerReading?
    probe.look(deadline: MonotonicClock.now + 5_000_000_000) { reading = $0 }
    bench.run { reading != nil }
    return try #require(reading)
  }

  @Test func `the documented rights are enough, and what one less hides is told`() throws {
    let address = try #require(sandboxAddress)
    let bench = try Bench(address: address, commands: [])
    let client = RawClient(bench.driver.target)
    defer { client.call(["ACL", "DELUSER", "viewer"]) }
    try #require(
      client.call(["ACL", "SETUSER", "viewer", "reset", "on", ">pw", "+info", "+slowlog|get", "+auth", "+select", "+client|setname"]) == "+OK\r\n")
    func probe() throws -> any ServerProbe {
      let target = try RedisTarget(address: "redis://viewer:pw@\(bench.driver.target.displayAddress)/9")
      return RedisServerProbe(target: target, reactor: bench.reactor)
    }
    let whole = try probe()
    #expect(try look(bench, whole).error == nil)
    client.call(["EVAL", "local t = redis.call('TIME') local s = t[1] * 1000000 + t[2] repeat t = redis.call('TIME') until t[1] * 1000000 + t[2] - s > 30000 return 1", "0"])
    let reading = try look(bench, whole)
    #expect(reading.limits == nil && reading.requests == 2 && (reading.values["commands"] ?? 0) > 0 && reading.values["keys"] != nil)
    #expect((reading.values["slow_commands"] ?? 0) >= 1 && (reading.values["slowest_command"] ?? 0) >= 30e6, "\(reading.values)")
    #expect(reading.parts.contains { $0.name == "slow: EVAL" })
    client.call(["ACL", "SETUSER", "viewer", "-slowlog|get"])
    let partial = try look(bench, try probe())
    #expect(partial.error == nil && partial.values["slow_commands"] == nil && partial.values["used_memory"] != nil)
    #expect(partial.limits?.first?.figures == ["slow_commands", "slowest_command"] && partial.limits?.first?.reason.contains("SLOWLOG GET") == true)
    client.call(["ACL", "SETUSER", "viewer", "-info"])
    #expect(try look(bench, try probe()).error?.code == "NOPERM")
  }
}
