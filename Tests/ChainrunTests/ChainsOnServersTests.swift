import Foundation
import Testing

/// The chains of the repository, as their headers say that they are run: each one's profile `smoke`, on the real servers.
extension OnServers {
  /// order-flow has tests of its own; its smoke is too short to decide all its thresholds.
  static let smokes = [
    "redis-get", "checkout", "browse-and-buy", "read-your-writes", "cache-warmup", "queue-inspection", "fan-out", "announce", "api-smoke",
    "stock-contention", "order-ledger", "load-shapes", "session-guarantees", "order-alerts",
  ]

  @Test(arguments: smokes) func `a chain's smoke completes each of its iterations`(_ name: String) throws {
    let sandbox = try Self.sandbox()
    let pipeline = try sandbox.pipeline("all")
    defer { pipeline.kill() }
    let scratch = try ScratchFolder()
    let out = scratch.path("out-of-run")
    let chain = "\(Launched.root)/chains/\(name).chain.yaml"
    let token = "sesame-of-the-test"
    let launched = try Launched.chainrun(
      ["run", chain, "--profile", "smoke", "--out", out], environment: sandbox.addresses.merging(["ORDERS_API_TOKEN": token]) { $1 })
    let ended = try launched.end(within: 60)
    let results = try RunResults(out)

    #expect(ended.code == 0, "\(ended)")
    #expect(results.isConserved)
    let arrivals = results.count("iterations/arrivals")
    #expect(arrivals >= 3 && results.count("iterations/completed") == arrivals, "\(ended)")
    #expect(results.value("thresholds")?.elements.allSatisfy { $0["verdict"]?.string == "pass" } == true, "\(ended)")
    for file in try FileManager.default.contentsOfDirectory(atPath: out) {
      #expect(!RunResults.text(out + "/" + file).contains(token), "the secret stands in \(file)")
    }
    #expect(!ended.output.contains(token) && !ended.errors.contains(token))
  }

  @Test func `transactions that conflict leave the stock as the sales say`() throws {
    let sandbox = try Self.sandbox()
    let pipeline = try sandbox.pipeline("all")
    defer { pipeline.kill() }
    let (ended, results, scratch) = try Self.run(
      sandbox, Launched.root + "/chains/checkout.chain.yaml", ["--profile", "smoke", "--seed", "3"], within: 60)
    #expect(ended.code == 0, "\(ended)")
    #expect(try sandbox.sql("SELECT count(*) FROM orders WHERE run_id = '\(results.runID)'") == "20", "each order once, whatever was retried")
    #expect(results.count("events/order_created/committed") == 20)
    withExtendedLifetime(scratch) {}
  }
}

extension OnServers {
  @Test func `a run that its budget of writes has cut short does not pass`() throws {
    let sandbox = try Self.sandbox()
    let folder = try ScratchFolder()
    let chain = try folder.write(
      """
      version: 1
      chain: budget
      guard: { hosts: [127.0.0.1], writes: 7 }
      connections: { cache: { redis: $env.ORDERS_CACHE, access: write } }
      steps: [ { redis: "SET budget:${run.id} 1 EX 60" } ]
      load: { smoke: { closed: { vus: 2, iterations: 50 } } }
      """, to: "budget.chain.yaml")
    let (ended, results, scratch) = try Self.run(sandbox, chain, within: 30)
    #expect(ended.code == 1, "\(ended)")
    #expect(results.count("iterations/completed") == 7 && results.count("iterations/arrivals") < 50, "\(ended)")
    #expect(results.isConserved)
    #expect(ended.output.contains("its budget of writes was used up"), "\(ended)")
    withExtendedLifetime(scratch) {}
  }
}

/// Needs no servers.
struct ChainLintTests {
  @Test func `every chain lints clean, strictly too`() throws {
    let ended = try Launched.chainrun(["lint", "--strict", Launched.root + "/chains"]).end(within: 30)
    #expect(ended.code == 0, "\(ended)")
    let chains = try FileManager.default.contentsOfDirectory(atPath: Launched.root + "/chains").filter { $0.hasSuffix(".chain.yaml") }
    #expect(Set(chains.map { String($0.dropLast(11)) }) == Set(OnServers.smokes + ["order-flow"]), "each chain has its smoke tested")
  }
}
