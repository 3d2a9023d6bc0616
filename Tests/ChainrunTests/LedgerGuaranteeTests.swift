import Foundation
import Testing

/// Session guarantees on real servers, against what the pipeline says that it did.
extension OnServers.LedgerClaims {
  private static func cached(_ guarantees: String, perCustomer: Bool = false) -> [(String, String)] {
    let watch = perCustomer ? "watch: customer:*" : "watch: order:*"
    let changes = perCustomer ? LedgerRun.customerEntries : []
    return changes + [(watch + "\n", watch + "\n        guarantees: \(guarantees)\n")]
  }

  private static let place = "events/order_created/hops/cached/guarantees/"

  @Test func `with a writer that is 50 ms behind every session misses its own write, for as long as the pipeline says`() throws {
    let sandbox = try OnServers.sandbox()
    let run = try LedgerRun(sandbox, ["--delay-writer=50ms"], Self.cached("{ read_your_writes: measured, monotonic_reads: required }"))
    let place = Self.place + "read_your_writes/"
    #expect(run.results.count(place + "violated") == LedgerRun.events, "\(run.ended)")
    #expect(["possible", "held", "unchecked", "unended"].map { run.results.count(place + $0) } == [0, 0, 0, 0])
    // One entry for each order: nothing can go back.
    #expect(run.results.value(Self.place + "monotonic_reads/violated")?.kind == .null)
    // Measured, so no reason for exit 4; but monotonic_reads is required, and entries of single events cannot tell.
    #expect(run.ended.code == 1, "\(run.ended)")
    #expect(run.results.events.count { $0.anomalies.contains("read_your_writes") } == LedgerRun.events)

    let writes = run.log.writes.reduce(into: [Int64: PipelineLog.Act]()) { if $0[$1.id] == nil { $0[$1.id] = $1 } }
    let rows = run.results.events.filter { $0.hop == "cached" }
    let ages = rows.compactMap { row -> (low: Double, high: Double)? in
      guard let id = Int64(row.id), let write = writes[id], let acked = row.acknowledged else { return nil }
      return (Double(write.from) / 1e9 - Double(acked) / 1e9, Double(write.to) / 1e9 - Double(acked) / 1e9)
    }
    #expect(ages.count == LedgerRun.events && ages.allSatisfy { $0.high > 0.045 })
    expectBounds("p50", ages, run.results, place)
    expectBounds("p95", ages, run.results, place)
    let longest = run.results.value(place + "longest")?.elements.compactMap { $0["id"]?.string } ?? []
    #expect(longest.count == 20 && Set(longest).count == 20)
  }

  @Test(arguments: ["", "200ms"]) func `a stale write breaks monotonic reads as often and as long as the pipeline says`(_ staleFor: String) throws {
    let sandbox = try OnServers.sandbox()
    let options = ["--cache-key=customer", LedgerRun.fault("lose-relay", 1), LedgerRun.fault("stale")] + (staleFor.isEmpty ? [] : ["--stale-for=\(staleFor)"])
    let run = try LedgerRun(sandbox, options, Self.cached("[monotonic_reads]", perCustomer: true))
    let place = Self.place + "monotonic_reads/"
    #expect(run.truth.cached.regressions > 0 && run.results.count(place + "violated") == run.truth.cached.regressions, "\(run.ended)")
    #expect(run.count("cached", "regressed") == run.truth.cached.regressions && run.results.count(place + "possible") == 0)
    #expect(run.ended.code == 4, "\(run.ended)")

    // From the older write to the first one after it that is as new as anything before.
    var ages: [(low: Double, high: Double)] = []
    var endless = 0
    var newest: [Int64: Int64] = [:]
    var shown: [Int64: Int64] = [:]
    let sweep = run.results.records("phase").first { $0["name"]?.string == "sweep" }?["at_ns"]?.integer(as: UInt64.self) ?? .max
    let writes = run.log.writes.filter { $0.to <= sweep }
    for (place, write) in writes.enumerated() {
      guard let key = write.key, let version = write.version else { continue }
      if version < shown[key] ?? 0 {
        if let end = writes[place...].first(where: { $0.key == key && $0.version ?? 0 >= newest[key]! }) {
          ages.append((Double(end.from) / 1e9 - Double(write.to) / 1e9, Double(end.to) / 1e9 - Double(write.from) / 1e9))
        } else {
          endless += 1
        }
      }
      shown[key] = version
      newest[key] = max(newest[key] ?? 0, version)
    }
    #expect(run.results.count(place + "unended") == endless, "\(run.ended)")
    if !staleFor.isEmpty {
      #expect(ages.count > 5 && ages.allSatisfy { $0.high > 0.199 || endless > 0 })
      if endless == 0 { expectBounds("p50", ages, run.results, place) }
    }
  }

  @Test func `a copy that is written before the commit is there for its session, and a lagging replica is not`() throws {
    let sandbox = try OnServers.sandbox()
    try sandbox.resetPipeline()
    // So late that no fence is too coarse to prove it.
    let pipeline = try sandbox.pipeline("all", ["--delay-writer=30ms"])
    defer { pipeline.kill() }
    let scratch = try ScratchFolder()
    // What a replica shows that is 100 ms behind.
    let chain = try Chains.copy(
      of: Launched.root + "/chains/session-guarantees.chain.yaml",
      [
        ("WHERE id = ANY(${ids})", "WHERE id = ANY(${ids}) AND created_at < clock_timestamp() - interval '100 ms'"), ("for: 10s", "for: 2s"),
      ], in: scratch)
    let (ended, results, folder) = try OnServers.run(sandbox, chain, ["--profile", "demo"], within: 30)
    func counts(_ hop: String) -> [Int] {
      ["violated", "possible", "held", "unchecked"].map { results.count("events/order_created/hops/\(hop)/guarantees/read_your_writes/\($0)") }
    }
    #expect(results.count("events/order_created/committed") == 200, "\(ended)")
    // A notice that we read late is possible; a violation would be a lie.
    #expect(counts("through")[0] == 0 && counts("through")[2] >= (results.isValid ? 180 : 100) && counts("through")[3] == 0, "\(counts("through")) \(ended)")
    #expect(counts("replica")[0] == 200, "\(counts("replica")) \(ended)")
    #expect(counts("cached").reduce(0, +) == 200 && counts("cached")[0] > 190, "\(counts("cached"))")
    // The row is made before its commit is acknowledged.
    let place = "events/order_created/hops/replica/guarantees/read_your_writes/age/"
    #expect(results.seconds(place + "lo/p50") <= 0.1 && results.seconds(place + "hi/p50") >= 0.08, "\(ended)")
    #expect(ended.code == 4, "the replica's promise is required: \(ended)")
    #expect(ended.output.contains("read_your_writes at replica") && RunResults.text(results.folder + "/report.html").contains("read_your_writes at replica"))
    #expect(RunResults.text(results.folder + "/junit.xml").contains("order_created at replica: read_your_writes == 0"))
    withExtendedLifetime(folder) {}
  }

  @Test func `on the same server no look after the acknowledgement misses the write`() throws {
    let sandbox = try OnServers.sandbox()
    try sandbox.resetPipeline()
    let pipeline = try sandbox.pipeline("all")
    defer { pipeline.kill() }
    let (ended, results, folder) = try OnServers.run(
      sandbox, Launched.root + "/chains/session-guarantees.chain.yaml", ["--profile", "smoke"], within: 30)
    #expect(ended.code == 0, "\(ended)")
    #expect(results.count("events/order_created/hops/replica/guarantees/read_your_writes/violated") == 0)
    #expect(results.count("events/order_created/hops/through/guarantees/read_your_writes/violated") == 0)
    withExtendedLifetime(folder) {}
  }

  /// The true quantile lies between the two that are reported.
  private func expectBounds(_ name: String, _ ages: [(low: Double, high: Double)], _ results: RunResults, _ place: String) {
    let part = name == "p50" ? 0.5 : 0.95
    func quantile(_ values: [Double]) -> Double { values.sorted()[max(0, Int((Double(values.count) * part).rounded(.up)) - 1)] }
    let (from, to) = (quantile(ages.map(\.low)) * 0.998, quantile(ages.map(\.high)) * 1.002)
    let (low, high) = (results.seconds(place + "age/lo/" + name), results.seconds(place + "age/hi/" + name))
    #expect(low <= to && from <= high, "\(name) is \(from)–\(to) s and was said to be in \(low)–\(high) s")
    print("acceptance: guarantees, \(name): truly \(from)–\(to) s, reported \(low)–\(high) s")
  }
}
