import Foundation
import LosslessJSON
import Testing

/// What the command line changes, and two runs beside each other.
extension OnServers {
  @Test func `a closed load runs as many iterations as it says`() throws {
    let sandbox = try Self.sandbox()
    let folder = try ScratchFolder()
    let chain = try folder.write(Chains.pausing("1ms", load: "closed: { vus: 4, iterations: 37 }"), to: "pausing.chain.yaml")
    let (ended, results, scratch) = try Self.run(sandbox, chain, within: 20)
    #expect(ended.code == 0, "\(ended)")
    #expect(results.count("iterations/arrivals") == 37 && results.count("iterations/completed") == 37, "\(ended)")
    #expect(results.text("model") == "closed")
    #expect(
      results.value("response")?.isNull == true && results.value("start_delay")?.isNull == true,
      "the closed model has no arrivals to be late")
    withExtendedLifetime(scratch) {}
  }

  @Test func `a variable of the command line replaces the chain's`() throws {
    let sandbox = try Self.sandbox()
    _ = try sandbox.redis("set", "greeting", "17")
    let folder = try ScratchFolder()
    let chain = try Chains.copy(of: Chains.redisGet, [("timeout: 10s", "timeout: 10s\n    check: [ (reply as int) == 17 ]")], in: folder)
    let (ended, results, scratch) = try Self.run(sandbox, chain, ["--profile", "smoke", "--var", "key=greeting"], within: 20)
    #expect(results.count("iterations/completed") == 5, "\(ended)")
    let refused = try sandbox.chainrun(["run", Chains.orderFlow, "--var", "patience=soon"]).end(within: 10)
    #expect(refused.code == 1 || refused.code == 2, "\(refused)")
    #expect(refused.errors.contains("patience") && refused.errors.contains("duration"), "\(refused)")
    withExtendedLifetime(scratch) {}
  }

  @Test func `the same seed draws the same amounts, and another one does not`() throws {
    let sandbox = try Self.sandbox()
    let pipeline = try sandbox.pipeline("all")
    defer { pipeline.kill() }
    let folder = try ScratchFolder()
    let chain = try folder.write(Chains.orders(rate: 1, seconds: 1), to: "orders.chain.yaml")
    func amounts(_ seed: Int) throws -> [Substring] {
      let (ended, results, scratch) = try Self.run(sandbox, chain, ["--profile", "few", "--seed", "\(seed)"], within: 30)
      #expect(ended.code == 0, "\(ended)")
      #expect(results.count("seed") == seed)
      let rows = try sandbox.sql("SELECT amount FROM orders WHERE run_id = '\(results.runID)' ORDER BY id").split(separator: "\n")
      #expect(rows.count == 12)
      withExtendedLifetime(scratch) {}
      return rows
    }
    let first = try amounts(7)
    #expect(try amounts(7) == first)
    #expect(try amounts(8) != first)
  }

  @Test func `a threshold that does not hold makes the exit code 1`() throws {
    let sandbox = try Self.sandbox()
    let folder = try ScratchFolder()
    let chain = try Chains.copy(
      of: Chains.redisGet,
      [
        ("rate(errors) < 0.1%", "p95(step.get) < 1us"),
        ("smoke: { closed: { vus: 1, iterations: 5 } }", "hundred: { closed: { vus: 1, iterations: 100 } }"),
      ],
      in: folder)
    let (ended, results, scratch) = try Self.run(sandbox, chain, ["--profile", "hundred"], within: 20)
    #expect(ended.code == 1, "\(ended)")
    #expect(results.value("thresholds")?.elements.map { $0["verdict"]?.string ?? "" } == ["fail"])
    #expect(ended.output.contains("FAIL"), "\(ended.output)")
    withExtendedLifetime(scratch) {}
  }

  @Test func `results are never written into a folder that has something in it`() throws {
    let sandbox = try Self.sandbox()
    let folder = try ScratchFolder()
    try folder.write("mine", to: "notes.txt")
    let refused = try sandbox.chainrun(["run", Chains.redisGet, "--profile", "smoke", "--out", folder.path]).end(within: 10)
    #expect(refused.code != 0, "\(refused)")
    #expect(refused.errors.contains("is not empty"), "\(refused)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["notes.txt"])
  }

  @Test func `two runs at the same time on the same servers do not disturb each other`() throws {
    let sandbox = try Self.sandbox()
    let pipeline = try sandbox.pipeline("all")
    defer { pipeline.kill() }
    let folder = try ScratchFolder()
    let chain = try Chains.copy(of: Chains.orderFlow, [("rate: 200/s, for: 30s", "rate: 50/s, for: 4s")], in: folder)
    let both = try (0..<2).map { number in
      try sandbox.chainrun(["run", chain, "--profile", "demo", "--out", folder.path("out-\(number)")])
    }
    let ended = try both.map { try $0.end(within: 40) }
    for (number, end) in ended.enumerated() {
      let results = try RunResults(folder.path("out-\(number)"))
      #expect(results.isConserved)
      #expect(results.count("iterations/completed") == 200, "\(end)")
      for hop in ["queued", "cached"] {
        #expect(results.count("events/order_created/hops/\(hop)/lost") == 0, "\(end)")
      }
      for hop in ["queued", "cached"] {
        #expect(results.count("events/order_created/hops/\(hop)/unexpected") == 0, "\(end)")
        #expect(results.count("events/order_created/hops/\(hop)/foreign") > 0, "the runs lay side by side")
      }
      #expect(end.code == 0, "\(end)")
    }
  }
}
