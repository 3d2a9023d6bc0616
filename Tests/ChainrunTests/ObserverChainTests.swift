import Foundation
import Testing

/// Hops observed in the other ways, on the real servers and the demonstration pipeline.
extension OnServers {
  /// The orders of `Chains.orders` with another cached hop and thresholds.
  private func chain(_ scratch: ScratchFolder, cached: String, more: String = "", rate: Int, seconds: Int, thresholds: [String] = []) throws -> String {
    let orders = Chains.orders(rate: rate, seconds: seconds, settle: "3s")
    let plain = """
            watch: order:*
            conn: cache
    """
    guard orders.contains(plain) else { throw Chains.NotThere(text: plain) }
    var text = orders.replacingOccurrences(of: plain, with: plain + "\n" + cached)
    let end = """
            id: key.after("order:") as int
            body: { amount: json.amount as decimal }
    """
    guard text.contains(end) else { throw Chains.NotThere(text: end) }
    text = text.replacingOccurrences(of: end, with: end + (more.isEmpty ? "" : "\n" + more))
    if !thresholds.isEmpty { text += "\nthresholds:\n" + thresholds.map { "  - \($0)\n" }.joined() }
    return try scratch.write(text, to: "observed.chain.yaml")
  }

  @Test func `looks 100 ms apart leave a threshold near the lag open, and decide those that are far from it`() throws {
    let sandbox = try Self.sandbox()
    let pipeline = try sandbox.pipeline("all", ["--delay-writer=30ms"])
    defer { pipeline.kill() }
    let folder = try ScratchFolder()
    let name = "event.order_created.cached"
    let path = try chain(
      folder, cached: "        at: order:${id}\n        how: poll\n        every: 100ms", rate: 100, seconds: 4,
      thresholds: ["p50(\(name)) < 60ms", "p50(\(name)) < 250ms", "p50(\(name)) > 200ms"])
    let (ended, results, scratch) = try Self.run(sandbox, path, within: 40)
    let hop = "events/order_created/hops/cached"
    #expect(results.count("\(hop)/lost") == 0 && results.count("\(hop)/unobserved") == 0, "\(ended)")
    #expect(results.text("\(hop)/observer/how") == "poll" && !results.text("\(hop)/observer/why").isEmpty)
    let verdicts = results.value("thresholds")?.elements.compactMap { $0["verdict"]?.string } ?? []
    if results.isValid { #expect(verdicts == ["inconclusive", "pass", "fail"], "\(ended)") }
    let resolution = results.seconds("\(hop)/resolution_s")
    #expect(resolution > 0.075 && resolution < (results.isValid ? 0.14 : 1), "\(resolution)")
    // Two looks or so for each order, and no fences at this hop.
    #expect(results.count("\(hop)/observer/operations") < 400 * 4 && results.count("\(hop)/observer/fences") == 0, "\(ended)")
    print("acceptance: polled every 100 ms: \(verdicts), resolution \(resolution) s; \(results.validity)")
    withExtendedLifetime((scratch, folder)) {}
  }

  @Test func `adaptive polling, a second database session and keyspace events see every order`() throws {
    let sandbox = try Self.sandbox()
    let before = try sandbox.redis("config", "get", "*")
    let queues = try sandbox.rabbitmqctl("list_queues", "name", "durable", "auto_delete")
    let pipeline = try sandbox.pipeline("all")
    defer { pipeline.kill() }
    let folder = try ScratchFolder()
    // The database itself stands for its replica: there the row is visible from the commit on.
    let replica = """
          replica:
            query: SELECT id, amount FROM orders WHERE id = ANY(${ids})
            conn: db
            id: row.id as int
            body: { amount: row.amount as decimal }
          told:
            watch: order:*
            at: order:${id}
            conn: cache
            id: key.after("order:") as int
    """
    let path = try chain(folder, cached: "        at: order:${id}\n        how: poll", more: replica, rate: 100, seconds: 3)
    let (ended, results, scratch) = try Self.run(sandbox, path, within: 40)
    for hop in ["queued", "cached", "replica", "told"] {
      #expect(results.rows(hop, "ok").count + results.rows(hop, "late").count == 300, "\(hop): \(ended)")
      for row in results.events where row.hop == hop {
        #expect(row.sent.flatMap { sent in row.low.map { sent <= $0 } } == true && row.low.flatMap { low in row.high.map { low < $0 } } == true)
      }
      #expect(results.count("events/order_created/hops/\(hop)/mismatch") <= 0)
    }
    let ways = ["queued", "cached", "replica", "told"].map { results.text("events/order_created/hops/\($0)/observer/how") }
    #expect(ways == ["tap", "poll", "query", "tracking"])
    // What is committed can be read: the first look shows it.
    let replicaLag = results.seconds("events/order_created/hops/replica/lag/hi/p50")
    #expect(replicaLag >= 0 && replicaLag < (results.isValid ? 0.02 : 1), "\(replicaLag)")
    #expect(ended.output.contains("told by tracking (the server and its permissions allow it)"), "\(ended.output)")
    #expect(results.count("probes/fences") > 0 && results.records("observer").count == 8)
    #expect(try sandbox.redis("config", "get", "*") == before)
    #expect(try sandbox.rabbitmqctl("list_queues", "name", "durable", "auto_delete") == queues)
    withExtendedLifetime((scratch, folder)) {}
  }

  @Test func `an inspector that is killed while it looks loses no message`() throws {
    let sandbox = try Self.sandbox()
    let folder = try ScratchFolder()
    let count = 1_500
    func chain(_ name: String, _ steps: String, _ load: String) throws -> String {
      try folder.write(
        """
        version: 1
        chain: \(name)
        connections:
          mq: { amqp: $env.ORDERS_MQ, access: publish }
          desk: { amqp: $env.ORDERS_MQ, access: consume }
        steps:
        \(steps)
        load:
          only: { closed: { \(load) } }

        """, to: "\(name).chain.yaml")
    }
    let fill = try chain(
      "fill", "  - { publish: orders, routing_key: return.requested, text: returned, mandatory: true, conn: mq }",
      "vus: 20, iterations: \(count)")
    let empty = try chain("empty", "  - { consume: orders.returns, max: 10000, conn: desk }", "vus: 1, iterations: 1")
    let look = try chain("look", "  - { peek: orders.returns, max: 10000, accept_redelivery: true, conn: desk }", "vus: 1, for: 30s")
    let take = try chain(
      "take",
      """
        - id: take
          consume: orders.returns
          max: 10000
          conn: desk
          check:
            - messages.size == \(count)
            - messages[0].text == "returned"
        - id: nothing
          consume: orders.returns
          conn: desk
          check: [ "messages.size == 0" ]
      """, "vus: 1, iterations: 1")
    #expect(try Self.run(sandbox, empty, within: 20).ended.code == 0)
    let filled = try Self.run(sandbox, fill, within: 30)
    try #require(filled.ended.code == 0, "\(filled.ended)")
    for pause in [30_000, 110_000, 250_000] as [UInt32] {
      let out = folder.path("killed-\(pause)")
      let inspector = try sandbox.chainrun(["run", look, "--out", out])
      try Self.awaitLoad(inspector, out)
      usleep(pause)
      inspector.kill()
    }
    // The broker puts back what the dead connections held.
    usleep(500_000)
    let taken = try Self.run(sandbox, take, within: 20)
    #expect(taken.ended.code == 0, "\(taken.ended)")
  }
}
