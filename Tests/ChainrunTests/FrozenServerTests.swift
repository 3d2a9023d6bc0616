import Foundation
import LosslessJSON
import Testing

/// A server that stands still for two seconds: what users would have felt must be in the figures, and nothing may be lost or hang.
extension OnServers {
  /// The known truth: of 6 000 arrivals the 400 due in the stall wait 2 s down to nothing, so the 300th longest is 0.50 s, the 60th 1.70 s.
  @Test func `Redis frozen for two seconds shows in the response times as open load feels it`() throws {
    let sandbox = try Self.sandbox()
    let folder = try ScratchFolder()
    let chain = try Chains.copy(of: Chains.redisGet, [("for: 20s", "for: 30s")], in: folder)
    let (ended, results, scratch) = try Self.run(sandbox, chain, within: 60) { launched, out in
      try Self.awaitLoad(launched, out)
      _ = sandbox.freeze(.redis, for: 2.000, after: 5)
    }
    #expect(ended.code == 0, "\(ended)")
    #expect(results.count("iterations/arrivals") == 6_000)
    #expect(results.count("iterations/completed") == 6_000, "\(ended)")
    #expect(results.isConserved)
    #expect(abs(results.seconds("response/p95") - 0.50) <= 0.08, "\(ended.output)")
    #expect(abs(results.seconds("response/p99") - 1.70) <= 0.08, "\(ended.output)")
    #expect(abs(results.seconds("response/max") - 2.00) <= 0.08, "\(ended.output)")
    print(
      "acceptance: redis frozen: p95 \(results.seconds("response/p95")) s, p99 \(results.seconds("response/p99")) s; \(results.validity)")
    withExtendedLifetime(scratch) {}
  }

  @Test func `PostgreSQL frozen for two seconds delays orders and loses none`() throws {
    let sandbox = try Self.sandbox()
    let pipeline = try sandbox.pipeline("all")
    defer { pipeline.kill() }
    let folder = try ScratchFolder()
    let chain = try folder.write(Chains.orders(rate: 100, seconds: 8, withRead: true), to: "orders.chain.yaml")
    let (ended, results, scratch) = try Self.run(sandbox, chain, within: 45) { launched, out in
      try Self.awaitLoad(launched, out)
      _ = sandbox.freeze(.postgres, for: 2.000, after: 3)
    }
    #expect([0, 1].contains(ended.code), "\(ended)")
    #expect(results.count("iterations/arrivals") == 800, "\(ended)")
    #expect(results.count("iterations/completed") == 800, "\(ended)")
    #expect(results.isConserved)
    #expect((1.9...4).contains(results.seconds("response/max")), "\(ended.output)")
    #expect(Self.completedInTheLastSecond(results) > 80, "\(ended.output)")
    Self.expectNoneLostOrRepeated(results, "order_created", ["queued", "cached"], of: 800, ended)
    #expect(try sandbox.sql("SELECT count(*) FROM orders WHERE run_id = '\(results.runID)'") == "800")
    withExtendedLifetime(scratch) {}
  }

  @Test func `PostgreSQL frozen for longer than a step may take fails steps, and every order is still accounted for`() throws {
    let sandbox = try Self.sandbox()
    let pipeline = try sandbox.pipeline("all")
    defer { pipeline.kill() }
    let folder = try ScratchFolder()
    let chain = try folder.write(Chains.orders(rate: 50, seconds: 8, timeout: "300ms"), to: "orders.chain.yaml")
    let (ended, results, scratch) = try Self.run(sandbox, chain, within: 45) { launched, out in
      try Self.awaitLoad(launched, out)
      _ = sandbox.freeze(.postgres, for: 2.000, after: 3)
    }
    #expect([0, 1].contains(ended.code), "\(ended)")
    #expect(results.count("iterations/arrivals") == 400, "\(ended)")
    #expect(results.isConserved)
    #expect(results.count("iterations/completed") < 400, "\(ended)")
    #expect(Self.completedInTheLastSecond(results) > 40, "\(ended.output)")
    // What was committed is what was answered, and perhaps what was on its way when the answer failed to come.
    let committed = results.count("events/order_created/committed")
    let unknown = results.count("events/order_created/unknown")
    let written = try #require(Int(try sandbox.sql("SELECT count(*) FROM orders WHERE run_id = '\(results.runID)'")))
    #expect((committed...committed + unknown).contains(written), "\(ended.output)")
    for hop in ["queued", "cached"] {
      let seen = ["ok", "late", "info:recovered"].reduce(0) { $0 + results.rows(hop, $1).count }
      #expect(seen == written, "'\(hop)' saw \(seen) of \(written)\n\(ended.output)")
      #expect(results.count("events/order_created/hops/\(hop)/lost") == 0)
    }
    print("acceptance: postgres frozen with 300 ms deadlines: committed \(committed), unknown \(unknown), written \(written)")
    withExtendedLifetime(scratch) {}
  }

  @Test func `RabbitMQ frozen for two seconds delays messages and neither loses nor repeats one`() throws {
    let sandbox = try Self.sandbox()
    let folder = try ScratchFolder()
    let chain = try folder.write(Chains.publish(rate: 100, seconds: 8), to: "publish.chain.yaml")
    let (ended, results, scratch) = try Self.run(sandbox, chain, within: 45) { launched, out in
      try Self.awaitLoad(launched, out)
      _ = sandbox.freeze(.rabbitmq, for: 2.000, after: 3)
    }
    #expect([0, 1].contains(ended.code), "\(ended)")
    #expect(results.count("iterations/arrivals") == 800, "\(ended)")
    #expect(results.count("iterations/completed") == 800, "\(ended)")
    #expect(results.isConserved)
    #expect((1.9...4).contains(results.seconds("response/max")), "\(ended.output)")
    #expect(Self.completedInTheLastSecond(results) > 80, "\(ended.output)")
    Self.expectNoneLostOrRepeated(results, "message", ["routed"], of: 800, ended)
    withExtendedLifetime(scratch) {}
  }

  @Test func `Redis restarted in the middle of a run leaves a gap and no false loss`() throws {
    let sandbox = try Self.sandbox()
    let pipeline = try sandbox.pipeline("all")
    defer { pipeline.kill() }
    let folder = try ScratchFolder()
    let chain = try folder.write(Chains.orders(rate: 100, seconds: 8), to: "orders.chain.yaml")
    let (ended, results, scratch) = try Self.run(sandbox, chain, within: 45) { launched, out in
      try Self.awaitLoad(launched, out)
      usleep(3_000_000)
      try sandbox.restartRedis(pause: 0.5)
    }
    // The server keeps nothing over a restart: the final sweep finds the entries of the first three seconds gone, which is wrong data and no loss on
    // the way.
    #expect(ended.code == 4, "\(ended)")
    let missing = results.count("events/order_created/hops/cached/missing")
    #expect((100...500).contains(missing), "\(missing) missing\n\(ended)")
    #expect(results.isConserved)
    let committed = results.count("events/order_created/committed")
    #expect(committed == 800, "\(ended)")
    for hop in ["queued", "cached"] {
      let outcomes = ["ok", "late", "unobserved"].map { results.rows(hop, $0).count }
      #expect(outcomes.reduce(0, +) == committed, "'\(hop)': ok, late, unobserved \(outcomes)\n\(ended)")
      #expect(results.count("events/order_created/hops/\(hop)/lost") == 0, "\(ended)")
      #expect(results.count("events/order_created/hops/\(hop)/unexpected") == 0, "\(ended)")
    }
    let gaps = results.records("gap")
    #expect(!gaps.isEmpty, "\(ended)")
    // What was told of after a gap may have been there before: no lower bound may rest on a look that the gap makes worthless.
    for gap in gaps {
      let (from, to) = (gap["from_ns"]?.integer(as: UInt64.self) ?? 0, gap["to_ns"]?.integer(as: UInt64.self) ?? 0)
      #expect(to > from + 400_000_000, "Redis was away for half a second")
      let across = results.events.filter { row in row.hop == "cached" && (row.sent ?? 0) < to && (row.high ?? 0) >= to }
      let bold = across.filter { max($0.sent ?? 0, from) < ($0.low ?? 0) }
      #expect(
        bold.isEmpty,
        "\(bold.count) of \(across.count) brackets begin after the gap from \(from) to \(to), such as \(bold.first.map { "\($0)" } ?? "")")
    }
    let start = try #require(results.journal.first?["events"]?.elements.first { _ in true }?["hops"])
    let hopNames = start.elements.compactMap { $0["name"]?.string }
    #expect(gaps.allSatisfy { hopNames[$0["hop"]?.integer(as: Int.self) ?? 0] == "cached" }, "the broker was never away")
    #expect(results.rows("cached", "ok").count > 500, "\(ended.output)")
    print(
      "acceptance: redis restarted: ok \(results.rows("cached", "ok").count), late \(results.rows("cached", "late").count), "
        + "unobserved \(results.rows("cached", "unobserved").count), gaps \(gaps.count)")
    withExtendedLifetime(scratch) {}
  }

  /// Iterations completed in the last full second of the load.
  private static func completedInTheLastSecond(_ results: RunResults) -> Int {
    results.records("interval").prefix(8).last?["iterations"]?["completed"]?.integer(as: Int.self) ?? -1
  }

  private static func expectNoneLostOrRepeated(
    _ results: RunResults, _ event: String, _ hops: [String], of count: Int, _ ended: Launched.Ended
  ) {
    for hop in hops {
      let seen = results.rows(hop, "ok") + results.rows(hop, "late")
      #expect(seen.count == count && Set(seen.map(\.id)).count == count, "'\(hop)' saw \(seen.count)\n\(ended)")
      #expect(results.events.filter { $0.hop == hop }.count == count, "'\(hop)' has rows of events that are not ours")
      #expect(results.count("events/\(event)/hops/\(hop)/lost") == 0)
      #expect(results.count("events/\(event)/hops/\(hop)/duplicate") <= 0, "-1 where it cannot be told")
    }
  }
}
