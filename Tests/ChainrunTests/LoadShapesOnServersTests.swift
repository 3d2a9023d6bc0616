import Foundation
import LosslessJSON
import Testing

/// The shapes of load on a real server: counts that are known before, and rates asked for beside those achieved.
extension OnServers {
  private static let loadShapes = Launched.root + "/chains/load-shapes.chain.yaml"

  /// 1 000/s for 20 s by `CHAINRUN_OPEN_SECONDS=20`; a few seconds otherwise.
  @Test func `an open load of 1 000 a second has exactly the arrivals that were asked for`() throws {
    let length = ProcessInfo.processInfo.environment["CHAINRUN_OPEN_SECONDS"].flatMap { Int($0) } ?? 3
    let sandbox = try Self.sandbox()
    let folder = try ScratchFolder()
    let chain = try Chains.copy(of: Chains.redisGet, [("rate: 200/s, for: 20s, max_vus: 2000", "rate: 1000/s, for: \(length)s, max_vus: 2000")], in: folder)
    let (ended, results, scratch) = try Self.run(sandbox, chain, ["--profile", "open200"], within: Double(length) + 30)
    #expect(ended.code == 0, "\(ended)")
    #expect(results.count("iterations/arrivals") == 1000 * length && results.count("iterations/completed") == 1000 * length, "\(ended)")
    #expect(results.seconds("load/asked_arrivals") == 1000 * Double(length) && results.count("start_delay/count") == 1000 * length)
    // Each full second was asked for 1 000 and had them, give or take the one at its edge.
    let full = results.records("interval").filter { $0["asked"]?.double == 1000 }
    #expect(full.count >= length - 1)
    print("start delay p99 \(results.seconds("start_delay/p99")) s; \(results.validity)")
    withExtendedLifetime(scratch) {}
  }

  @Test(arguments: [
    // (0 + 600) / 2 * 0.4 + 600 * 0.4 + 600 / 2 * 0.4, all of which arrive; the warm-up of 500 ms is the first 120 and 60 more.
    (profile: "climb", arrivals: 480, measured: 300), ("step", 840, 840),
  ])
  func `a load that changes has exactly the arrivals of its area`(profile: String, arrivals: Int, measured: Int) throws {
    let sandbox = try Self.sandbox()
    let (ended, results, scratch) = try Self.run(sandbox, Self.loadShapes, ["--profile", profile, "--var", "unit=400ms"], within: 30)
    #expect(ended.code == 0, "\(ended)")
    let start = try #require(results.records("start").first)
    #expect(start["asked_arrivals"]?.integer(as: Int.self) == arrivals, "\(ended)")
    let warmUp = results.records("interval").filter { $0["warm_up"]?.bool == true }
    let arrived = results.count("iterations/arrivals") + warmUp.reduce(0) { $0 + ($1["iterations"]?["arrivals"]?.integer(as: Int.self) ?? 0) }
    #expect(arrived == arrivals && results.isConserved, "\(ended)")
    #expect(results.seconds("load/asked_arrivals") == Double(measured))
    withExtendedLifetime(scratch) {}
  }

  @Test func `a ramp of users at a pace begins as many iterations as its users have paces`() throws {
    let sandbox = try Self.sandbox()
    let (ended, results, scratch) = try Self.run(sandbox, Self.loadShapes, ["--profile", "ramp", "--var", "unit=1s"], within: 30)
    #expect(ended.code == 0, "\(ended)")
    // 40 user seconds at one iteration in 50 ms: 800, and one more at the start of each user at most. A busy machine makes fewer, never more.
    let arrivals = results.count("iterations/arrivals")
    #expect(arrivals <= 820 && arrivals + results.count("load/paces_missed") >= 500, "\(ended)")
    #expect(results.isConserved && results.records("interval").contains { ($0["asked_users"]?.double ?? 0) > 15 })
    #expect(ended.errors.contains("0 users to 20 users over 1s"), "the load is told in words before it begins")
    withExtendedLifetime(scratch) {}
  }

  @Test func `users who rest after errors ask a failing target a known number of times`() throws {
    let sandbox = try Self.sandbox()
    let (ended, results, scratch) = try Self.run(
      sandbox, Self.loadShapes, ["--profile", "patient", "--var", "unit=3s", "--var", "refused=100"], within: 30)
    #expect(ended.code == 1, "\(ended)")
    // Of each user at 0, 50, 150, 350, 750, 1550 and 2550 ms at the latest, and at half of that at the earliest: 9 in 3 s at most.
    let failed = results.count("iterations/failed")
    #expect(failed == results.count("iterations/arrivals") && failed <= 8 * 10 && failed >= 8 * 2, "\(ended)")
    #expect(results.count("load/backoffs") >= failed - 8 && results.seconds("load/backoff_s") > 1)
    #expect(ended.output.contains("users rested"), "\(ended)")
    withExtendedLifetime(scratch) {}
  }
}
