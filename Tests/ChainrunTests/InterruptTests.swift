import Foundation
import Testing

/// Signals: a run that is cut short still tells what happened.
extension OnServers {
  @Test func `one interrupt writes the partial report and ends with 130`() throws {
    try expectPartialReport(SIGINT, named: "SIGINT", code: 130)
  }

  @Test func `a termination signal writes the partial report and ends with 143`() throws {
    try expectPartialReport(SIGTERM, named: "SIGTERM", code: 143)
  }

  private func expectPartialReport(_ signal: Int32, named name: String, code: Int32) throws {
    let sandbox = try Self.sandbox()
    let folder = try ScratchFolder()
    let chain = try folder.write(Chains.pausing("500ms", load: "open: { rate: 50/s, for: 60s }"), to: "pausing.chain.yaml")
    let (ended, results, scratch) = try Self.run(sandbox, chain, within: 20) { launched, out in
      try Self.awaitLoad(launched, out)
      usleep(2_000_000)
      launched.send(signal)
    }
    #expect(ended.code == code, "\(ended)")
    #expect(results.isConserved)
    #expect((80...160).contains(results.count("iterations/arrivals")), "\(ended.output)")
    #expect(results.count("iterations/interrupted") == 0, "running iterations may finish\n\(ended.output)")
    #expect(results.end?["interrupted_by"]?.string == name)
    #expect(results.count("exit_code") == Int(code))
    #expect(ended.output.contains("Results"), "a summary is printed\n\(ended)")
    withExtendedLifetime(scratch) {}
  }

  @Test func `a second interrupt ends running iterations at once`() throws {
    let sandbox = try Self.sandbox()
    let folder = try ScratchFolder()
    let chain = try folder.write(Chains.pausing("1m", load: "open: { rate: 50/s, for: 60s }"), to: "pausing.chain.yaml")
    var second = ContinuousClock.now
    let (ended, results, scratch) = try Self.run(sandbox, chain, within: 20) { launched, out in
      try Self.awaitLoad(launched, out)
      usleep(1_000_000)
      launched.send(SIGINT)
      usleep(500_000)
      #expect(launched.isRunning, "the first one waits for what runs")
      second = .now
      launched.send(SIGINT)
    }
    #expect((ContinuousClock.now - second) < .seconds(1), "\(ended)")
    #expect(ended.code == 130, "\(ended)")
    #expect(results.isConserved)
    #expect(results.count("iterations/interrupted") == results.count("iterations/arrivals"), "\(ended.output)")
    withExtendedLifetime(scratch) {}
  }

  @Test func `a second interrupt does not wait for events to settle`() throws {
    let sandbox = try Self.sandbox()
    let folder = try ScratchFolder()
    // No pipeline runs, so nothing ever arrives.
    let chain = try folder.write(Chains.orders(rate: 50, seconds: 60, settle: "60s"), to: "orders.chain.yaml")
    var second = ContinuousClock.now
    let (ended, results, scratch) = try Self.run(sandbox, chain, within: 20) { launched, out in
      try Self.awaitLoad(launched, out)
      usleep(1_000_000)
      launched.send(SIGINT)
      usleep(500_000)
      #expect(launched.isRunning, "the first one waits for events")
      second = .now
      launched.send(SIGINT)
    }
    #expect((ContinuousClock.now - second) < .seconds(1), "\(ended)")
    #expect(ended.code == 130, "\(ended)")
    #expect(ended.errors.contains("not yet seen (at most"), "the first one says what it waits for\n\(ended)")
    #expect(results.isConserved)
    #expect(results.rows("queued", "lost").isEmpty, "what was not waited for is not lost\n\(ended.output)")
    #expect(results.rows("queued", "unobserved").count == results.count("events/order_created/committed"))

    let relay = try sandbox.pipeline("all")
    defer { relay.kill() }
    let last = try sandbox.sql("SELECT max(id) FROM orders")
    #expect(eventually(within: 10) { (try? sandbox.redis("exists", "order:\(last)")) == "1" })
    withExtendedLifetime(scratch) {}
  }
}
