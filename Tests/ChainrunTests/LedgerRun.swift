import Foundation
import Testing

/// A run of chains/order-ledger.chain.yaml over a pipeline with faults, with what the pipeline says that it did.
struct LedgerRun {
  /// CHAINRUN_ACCEPT=full is the size that the ledger's claims are made for; everyday runs are smaller, and no less exact.
  static let isFull = ProcessInfo.processInfo.environment["CHAINRUN_ACCEPT"] == "full"
  static let events = isFull ? 10_000 : 1_000
  static let keys = isFull ? 500 : 250
  static let rate = isFull ? 200 : 500
  /// Of 10 000 events: 100, and of 1 000: 20.
  static let victims = isFull ? 100 : 20

  /// Longer than two orders of a customer lie apart, and shorter than the ledger waits.
  static let hold = isFull ? "4s" : "1500ms"

  /// So many of each run's events, by default `victims`: `--lose-relay=20/1000`.
  static func fault(_ name: String, _ count: Int = victims) -> String { "--\(name)=\(count)/\(events)" }

  /// The cached hop of the chain, and what stands in its place where the cache holds each customer's newest order.
  static let customerEntries = [
    ("watch: order:*", "watch: customer:*"), (#"id: key.after("order:") as int"#, "id: json.order_id as int"),
  ]
  /// One order in ten or so is taken back before its commit.
  static let rollbacks = [
    (
      "'version', ${order_version}::int, 'amount', ${amount}::numeric))\n",
      "'version', ${order_version}::int, 'amount', ${amount}::numeric))\n      - if: amount > 450\n        then: [ { rollback: on purpose } ]\n"
    )
  ]
  /// One order in ten or so is committed 20 ms after it took its place in the outbox.
  static let lateCommits = [
    (
      "'version', ${order_version}::int, 'amount', ${amount}::numeric))\n",
      "'version', ${order_version}::int, 'amount', ${amount}::numeric))\n      - sql: SELECT pg_sleep(0.02)\n        when: amount > 450\n"
    )
  ]

  let ended: Launched.Ended
  let results: RunResults
  let log: PipelineLog
  let truth: LedgerTruth
  private let scratch: ScratchFolder
  private let resultFolder: ScratchFolder

  /// - Parameters:
  ///   - options: The pipeline's.
  ///   - changes: Texts of the chain and what replaces them.
  ///   - isObserved: Without it the chain has no events, and the ledger nothing to say.
  init(
    _ sandbox: Sandbox, _ options: [String], _ changes: [(String, String)] = [], events: Int = events, rate: Int = rate,
    isObserved: Bool = true, elsewhere: [String: String] = [:], meanwhile: (Launched, String) throws -> Void = { _, _ in }
  ) throws {
    try sandbox.resetPipeline()
    let scratch = try ScratchFolder()
    let log = scratch.path("pipeline.ndjson")
    let pipeline = try sandbox.pipeline("all", options + ["--hold", LedgerRun.hold, "--log", log])
    defer { pipeline.kill() }
    let firstID = Int64(try sandbox.sql("SELECT last_value + CASE WHEN is_called THEN 1 ELSE 0 END FROM orders_id_seq")) ?? 1

    try scratch.write("id\n" + (1...LedgerRun.keys).map { "\($0)\n" }.joined(), to: "keys.csv")
    let load = "rate: \(rate)/s, for: \(Double(events) / Double(rate))s"
    var chain = try Chains.copy(
      of: Launched.root + "/chains/order-ledger.chain.yaml",
      [("csv: data/keys.csv", "csv: \(scratch.path("keys.csv"))"), ("rate: 200/s, for: 50s", load),
        ("settle: 6s", LedgerRun.isFull ? "settle: 6s" : "settle: 3s")]
        + changes,
      in: scratch)
    if !isObserved {
      let text = RunResults.text(chain)
      let parts = (text.range(of: "events:\n"), text.range(of: "\nsteps:\n"), text.range(of: "\nthresholds:\n"))
      guard let events = parts.0, let steps = parts.1, let thresholds = parts.2 else { throw Chains.NotThere(text: "events") }
      chain = try scratch.write(
        String(text[..<events.lowerBound] + text[steps.lowerBound..<thresholds.lowerBound]), to: "unobserved.chain.yaml")
    }
    (ended, results, resultFolder) = try OnServers.run(
      sandbox, chain, ["--profile", "demo"], elsewhere: elsewhere, within: Double(events) / Double(rate) + 40, meanwhile: meanwhile)

    pipeline.send(SIGTERM)
    _ = try pipeline.end(within: 10)
    self.log = try PipelineLog(log)
    let orders = try sandbox.sql("SELECT id, customer_id, version, amount FROM orders")
    let lastID = Int64(try sandbox.sql("SELECT last_value FROM orders_id_seq")) ?? 0
    let sweep = results.records("phase").first { $0["name"]?.string == "sweep" }?["at_ns"]?.integer(as: UInt64.self)
    truth = LedgerTruth(orders: orders, usedIDs: firstID...max(firstID, lastID), log: self.log, end: sweep ?? .max)
    self.scratch = scratch
  }

  func count(_ hop: String, _ name: String) -> Int { results.count("events/order_created/hops/\(hop)/\(name)") }

  /// Everything that the ledger says of both hops is what the database and the pipeline's log say.
  func expectAgreement() {
    #expect(results.count("events/order_created/committed") == truth.committed.count, "\(ended)")
    #expect(results.count("events/order_created/rolled_back") == truth.rolledBack.count)
    #expect(results.isConserved)
    expectAgreement("queued", truth.queued)
    expectAgreement("cached", truth.cached)
  }

  private func expectAgreement(_ hop: String, _ expected: LedgerTruth.Hop) {
    let rows = results.events.filter { $0.hop == hop }
    let byOutcome = Dictionary(grouping: rows, by: \.outcome).mapValues { Set($0.compactMap { Int64($0.id) }) }
    func same(_ what: String, _ found: Set<Int64>, _ wanted: Set<Int64>) {
      guard found != wanted else { return }
      let (more, less) = (found.subtracting(wanted).sorted().prefix(5), wanted.subtracting(found).sorted().prefix(5))
      Issue.record("\(what) at '\(hop)': \(found.count) and not \(wanted.count); too many are \(more), missing are \(less)\n\(ended)")
    }
    func outcome(_ name: String, _ wanted: Set<Int64>) {
      same(name, byOutcome[name] ?? [], wanted)
      #expect(count(hop, name) == wanted.count, "\(name) at '\(hop)'")
    }
    same("ok or late", (byOutcome["ok"] ?? []).union(byOutcome["late"] ?? []), expected.seen)
    #expect(count(hop, "ok") + count(hop, "late") == expected.seen.count)
    outcome("lost", expected.lost)
    outcome("blocked", expected.blocked)
    outcome("superseded", expected.superseded)
    outcome("unobserved", [])
    outcome("unexpected", expected.unexpected)
    outcome("aborted", expected.aborted)

    func marked(_ anomaly: String) -> Set<Int64> {
      Set(rows.filter { $0.anomalies.split(separator: ";").contains(Substring(anomaly)) }.compactMap { Int64($0.id) })
    }
    func anomaly(_ name: String, _ wanted: Set<Int64>, count wantedCount: Int? = nil) {
      same(name, marked(name), wanted)
      #expect(count(hop, name) == wantedCount ?? wanted.count, "\(name) at '\(hop)'")
    }
    anomaly("mismatch", expected.mismatched)
    if truth.isPerCustomer, hop == "cached" {
      // One entry shows one version after the other: it goes back, it is not out of order.
      #expect(count(hop, "regressed") == expected.regressions)
    } else if hop == "cached" {
      let found = marked("reordered")
      #expect(count(hop, "reordered") == found.count)
      same("surely reordered", found.intersection(expected.visiblyReordered), expected.visiblyReordered)
      same("perhaps reordered", found.union(expected.reordered), expected.reordered)
    } else {
      anomaly("reordered", expected.reordered)
    }
    // A cache tells of repeated writes only by keyspace notifications.
    if hop == "queued" { anomaly("duplicate", expected.duplicated, count: expected.extraDeliveries) }
    if hop == "cached" {
      #expect(count(hop, "missing") == expected.missing)
      #expect(count(hop, "extra") == expected.extra)
      #expect(count(hop, "stale_final") == expected.staleFinal)
    }
  }
}
