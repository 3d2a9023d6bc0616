import Foundation
import LosslessJSON
import Testing

/// What the servers say of themselves during a run, held against what was really done to them.
extension OnServers {
  /// One figure over a run: when each answer came (wall clock, seconds), and its value.
  private static func values(_ results: RunResults, _ connection: String, _ figure: String) -> [(at: Double, value: Double, isOfLoad: Bool)] {
    guard let start = results.records("start").first else { return [] }
    let connections = start["connections"]?.elements.compactMap { $0["name"]?.string } ?? []
    let figures = start["server_figures"].map { Array($0.elements) } ?? []
    guard let row = connections.firstIndex(of: connection) else { return [] }
    let own = figures.filter { $0["conn"]?.integer(as: Int.self) == row }
    guard let place = own.firstIndex(where: { $0["name"]?.string == figure }) else { return [] }
    return results.records("server").compactMap { record in
      guard record["conn"]?.integer(as: Int.self) == row, let values = record["v"].map({ Array($0.elements) }), place < values.count,
        let value = values[place].double, let at = record["at_ns"]?.integer(as: UInt64.self)
      else { return nil }
      return (wallClock(at, start), value, record["load"]?.bool == true)
    }
  }

  private static func wallClock(_ monotonic: UInt64, _ start: JSONValue) -> Double {
    let (zero, real) = (start["mono_ns"]?.integer(as: UInt64.self) ?? 0, start["real_ns"]?.integer(as: UInt64.self) ?? 0)
    return Double(real) / 1e9 + (Double(monotonic) - Double(zero)) / 1e9
  }

  private static func server(_ results: RunResults, _ connection: String) -> JSONValue? {
    results.value("servers")?.elements.first { $0["connection"]?.string == connection }
  }

  @Test func `a row that is locked for two seconds shows as lock waits in exactly those seconds, and the load's own sessions carry no question`() throws {
    let sandbox = try Self.sandbox()
    let folder = try ScratchFolder()
    _ = try sandbox.sql("INSERT INTO stock VALUES ('locked', 1000000) ON CONFLICT DO NOTHING")
    let chain = try folder.write(
      """
      version: 1
      chain: locked
      guard: { hosts: [127.0.0.1] }
      connections:
        db: { postgres: $env.ORDERS_DB, access: write, pool: 8 }
      steps:
        - id: take
          sql: UPDATE stock SET quantity = quantity - 1 WHERE sku = 'locked'
      load:
        steady: { open: { rate: 40/s, for: 7s, max_vus: 200 } }
      thresholds:
        - max(server.db.waiting_lock) < 2
        - max(server.db.waiting_lock) < 100
        - count(server.db.commits) > 200
        - { check: max(server.db.waiting_lock) < 1, over: 1s }
      """, to: "locked.chain.yaml")
    var held: (from: Double, to: Double) = (0, 0)
    var askers: Set<String> = []
    let (ended, results, scratch) = try Self.run(sandbox, chain, within: 40) { launched, out in
      try Self.awaitLoad(launched, out)
      usleep(2_000_000)
      let output = try sandbox.sql(
        """
        DO $$ BEGIN PERFORM 1 FROM stock WHERE sku = 'locked' FOR UPDATE; CREATE TEMP TABLE held AS SELECT clock_timestamp() AS since; PERFORM pg_sleep(2); END $$;
        SELECT extract(epoch FROM since), extract(epoch FROM clock_timestamp()) FROM held;
        """)
      let times = output.split(separator: "\n").last?.split(separator: "|").compactMap { Double($0) } ?? []
      try #require(times.count == 2, "\(output)")
      held = (times[0], times[0] + 2)
      for _ in 0..<5 {
        let sessions = try sandbox.sql(
          "SELECT application_name || ' ' || pid FROM pg_stat_activity WHERE query LIKE '%pg_stat_%' AND pid <> pg_backend_pid() AND application_name LIKE 'chainrun%'")
        askers.formUnion(sessions.split(separator: "\n").map(String.init))
        usleep(150_000)
      }
    }
    let waits = Self.values(results, "db", "waiting_lock").filter(\.isOfLoad)
    #expect(waits.count >= 6, "\(waits) \(ended)")
    // A look sees one moment; the answer comes a little later, and the last waiters need a moment to go.
    let inside = waits.filter { $0.at > held.from + 0.15 && $0.at < held.to }
    let outside = waits.filter { $0.at < held.from || $0.at > held.to + 0.6 }
    #expect(!inside.isEmpty && inside.allSatisfy { $0.value >= 1 }, "\(held) \(waits)")
    #expect(outside.count >= 3 && outside.allSatisfy { $0.value <= 1 } && outside.contains { $0.value == 0 }, "\(held) \(waits)")
    #expect(Self.server(results, "db")?["parts"]?.serialized.contains("Lock: ") == true, "\(ended.output)")
    let spans = results.value("slow_spans")?.serialized ?? ""
    #expect(spans.contains("server.db.waiting_lock") && spans.contains("\"take\""), "\(spans)")
    #expect(ended.code == 1 && ended.output.contains("waiting_lock"), "\(ended)")
    let verdicts = results.value("thresholds")?.elements.compactMap { $0["verdict"]?.string } ?? []
    #expect(verdicts == ["fail", "pass", "pass", "fail"], "\(ended.output)")
    #expect(askers.count == 1 && askers.allSatisfy { $0.hasPrefix("chainrun server view ") }, "\(askers)")
    // Three queries a second, and four for the first look.
    let requests = Self.server(results, "db")?["requests"]?.integer(as: Int.self) ?? 0
    #expect((20...50).contains(requests), "\(requests)")
    withExtendedLifetime(scratch) {}
  }

  @Test func `a queue that nobody empties grows to what was published, and a slow command stands in the slow log`() throws {
    let sandbox = try Self.sandbox()
    let folder = try ScratchFolder()
    _ = try sandbox.rabbitmqctl("purge_queue", "orders.returns")
    let chain = try folder.write(
      """
      version: 1
      chain: unread
      guard: { hosts: [127.0.0.1] }
      connections:
        mq: { amqp: $env.ORDERS_MQ, access: publish, queues: [orders.returns, not.there], management: "off" }
        cache: { redis: $env.ORDERS_CACHE }
      steps:
        - id: announce
          publish: orders
          routing_key: return.requested
          json: { text: unread }
        - redis: GET order:0
      load:
        steady: { open: { rate: 50/s, for: 5s, max_vus: 100 } }
      thresholds:
        - max(server.mq.queue.orders_returns.depth) > 100
        - count(server.cache.slow_commands) == 0
        - max(server.mq.unacknowledged) < 5
        - max(server.mq.queue.not_there.depth) < 5
      """, to: "unread.chain.yaml")
    let (ended, results, scratch) = try Self.run(sandbox, chain, within: 40) { launched, out in
      try Self.awaitLoad(launched, out)
      usleep(1_500_000)
      let script = "local t = redis.call('TIME') local s = t[1] * 1000000 + t[2] repeat t = redis.call('TIME') until t[1] * 1000000 + t[2] - s > 60000 return 1"
      _ = try sandbox.redis("EVAL", script, "0")
    }
    let depths = Self.values(results, "mq", "queue.orders_returns.depth").filter(\.isOfLoad)
    #expect(depths.count >= 4 && zip(depths, depths.dropFirst()).allSatisfy { $0.value < $1.value }, "\(depths) \(ended)")
    // What had been published at each look lies between the sums of the seconds before and behind it.
    let start = try #require(results.records("start").first)
    var published: [(at: Double, sum: Int)] = []
    for interval in results.records("interval") {
      let count = interval["steps"]?.elements.first { $0["step"]?.integer(as: Int.self) == 0 }?["count"]?.integer(as: Int.self) ?? 0
      published.append((Self.wallClock(interval["to_ns"]?.integer(as: UInt64.self) ?? 0, start), (published.last?.sum ?? 0) + count))
    }
    for depth in depths {
      let before = published.last { $0.at <= depth.at }?.sum ?? 0
      let after = published.first { $0.at > depth.at }?.sum ?? .max
      // A message counts with us when its confirm came.
      #expect(Int(depth.value) >= before && Int(depth.value) <= after + 2, "\(depth) \(published)")
    }
    let verdicts = results.value("thresholds")?.elements.compactMap { $0["verdict"]?.string } ?? []
    #expect(verdicts == ["pass", "fail", "inconclusive", "inconclusive"], "\(ended.output)")
    let cache = Self.server(results, "cache")
    #expect((cache?["figures"]?["slowest_command"]?["max"]?.double ?? 0) >= 0.06 && cache?["parts"]?.serialized.contains("slow: EVAL") == true, "\(ended.output)")
    let limits = Self.server(results, "mq")?["limits"]?.serialized ?? ""
    #expect(limits.contains("management: off") && limits.contains("no queue 'not.there'"), "\(limits)")
    #expect(!RunResults.text(results.folder + "/journal.ndjson").contains("redis.call"))
    let page = RunResults.text(results.folder + "/report.html")
    #expect(page.contains("What the servers said meanwhile") && page.contains("mq: queue depth"))
    withExtendedLifetime(scratch) {}
  }

  @Test func `a server that is gone is gaps with their reason and fails nothing, and nobody is asked where nobody wants it`() throws {
    let sandbox = try Self.sandbox()
    let folder = try ScratchFolder()
    let chain = try folder.write(
      """
      version: 1
      chain: gone
      guard: { hosts: [127.0.0.1] }
      connections:
        db: { postgres: $env.ORDERS_DB, pool: 2 }
        cache: { redis: $env.ORDERS_CACHE }
      steps:
        - sql: SELECT 1
          conn: db
        - if: false
          then: [ { redis: GET order:0 } ]
      load:
        steady: { open: { rate: 20/s, for: 7s, max_vus: 50 } }
      """, to: "gone.chain.yaml")
    let (ended, results, scratch) = try Self.run(sandbox, chain, within: 40) { launched, out in
      try Self.awaitLoad(launched, out)
      usleep(1_200_000)
      try sandbox.restartRedis(pause: 2)
    }
    #expect(ended.code == 0 && results.count("iterations/completed") == 140, "\(ended)")
    let cache = Self.server(results, "cache")
    let gaps = cache?["gaps"]?.integer(as: Int.self) ?? 0
    #expect((1...5).contains(gaps) && cache?["gap_reason"]?.string?.isEmpty == false, "\(ended.output)")
    #expect(Self.values(results, "cache", "clients").filter(\.isOfLoad).count >= 2, "\(ended.output)")
    // Counting begins anew with the server: no rate is negative.
    #expect(Self.values(results, "cache", "commands").allSatisfy { $0.value >= 0 })
    #expect(Self.server(results, "db")?["gaps"]?.integer(as: Int.self) == 0, "\(ended.output)")
    let (silent, none, more) = try Self.run(sandbox, chain, ["--server-view", "off"], within: 40)
    #expect(silent.code == 0 && none.records("server").isEmpty && none.value("servers")?.serialized == "[]", "\(silent)")
    withExtendedLifetime((scratch, more)) {}
  }
}
