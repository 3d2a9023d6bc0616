import Foundation
import LosslessJSON
import Testing

/// What the program says about itself, against what was done to it.
extension OnServers {
  @Test func `a program that was stopped for a second says when, and blames nobody else`() throws {
    let sandbox = try Self.sandbox()
    let folder = try ScratchFolder()
    let chain = try Chains.copy(of: Chains.redisGet, [("for: 20s", "for: 7s")], in: folder)
    var stopped: ClosedRange<UInt64> = 0...0
    let (ended, results, scratch) = try Self.run(sandbox, chain, within: 40) { launched, out in
      try Self.awaitLoad(launched, out)
      usleep(2_500_000)
      let from = Self.monotonicNanoseconds
      launched.send(SIGSTOP)
      usleep(1_000_000)
      launched.send(SIGCONT)
      stopped = from...Self.monotonicNanoseconds
    }
    #expect(ended.code == 0, "\(ended)")
    #expect(results.text("validity/verdict") == "degraded", "\(results.validity)")
    #expect(results.count("iterations/completed") == 1_400 && results.isConserved, "\(ended)")
    #expect(results.value("errors")?.elements.first { _ in true } == nil, "\(ended)")
    let start = try #require(
      results.records("phase").first { $0["name"]?.string == "load" }?["at_ns"]?.integer(as: UInt64.self), "the load has a beginning")
    let gaps = (results.value("validity/reasons")?.elements.filter { $0["name"]?.string == "loop-gap" } ?? []).map { reason in
      (from: reason["from_s"]?.double ?? -1, to: reason["to_s"]?.double ?? -1)
    }
    let truth = (from: Double(stopped.lowerBound - start) / 1e9, to: Double(stopped.upperBound - start) / 1e9)
    let named = gaps.contains { $0.from < truth.from + 0.3 && $0.to > truth.to - 0.3 && $0.to - $0.from < truth.to - truth.from + 0.6 }
    #expect(named, "stopped from \(truth.from) s to \(truth.to) s, and named were \(gaps)\n\(ended)")
    withExtendedLifetime(scratch) {}
  }

  private static var monotonicNanoseconds: UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
  }
}

@Suite struct PreflightCommandTests {
  /// The address leads nowhere: nobody asks.
  @Test func `a run that needs more descriptors than it may have says so before it connects`() throws {
    let folder = try ScratchFolder()
    let chain = try folder.write(
      """
      version: 1
      chain: many
      connections:
        cache: { redis: "redis://127.0.0.1:1", pool: 400 }
      steps:
        - redis: GET x
      load:
        many: { closed: { vus: 400, iterations: 400 } }
      """, to: "many.chain.yaml")
    let out = folder.path("out")
    let command = "ulimit -n 64 && exec \"$0\" run \"$1\" --out \"$2\""
    let ended = try Launched("/bin/sh", ["-c", command, Launched.programs + "/chainrun", chain, out]).end(within: 60)
    #expect(ended.code == 3, "\(ended)")
    #expect(ended.errors.contains(" descriptors (400 for connections, "), "\(ended)")
    #expect(ended.errors.contains("has 64"), "\(ended)")
    #expect(!FileManager.default.fileExists(atPath: out), "nothing was begun")
  }
}
