import Foundation
import LosslessJSON
import Testing

/// The order chain on the real servers and the demonstration pipeline.
extension OnServers {
  @Test func `open load at 200/s for 30 s accounts for every arrival and every event`() throws {
    let sandbox = try Self.sandbox()
    let pipeline = try sandbox.pipeline("all")
    defer { pipeline.kill() }
    let (ended, results, scratch) = try Self.run(sandbox, Chains.orderFlow, ["--profile", "demo"], within: 70)

    #expect(results.count("iterations/arrivals") == 6_000, "\(ended)")
    #expect(results.count("iterations/completed") == 6_000, "\(ended)")
    #expect(results.isConserved)
    #expect(results.count("events/order_created/committed") == 6_000)
    for hop in ["queued", "cached"] {
      #expect(results.count("events/order_created/hops/\(hop)/lost") == 0, "\(ended)")
      #expect(results.count("events/order_created/hops/\(hop)/unobserved") == 0)
      #expect(results.count("events/order_created/hops/\(hop)/duplicate") <= 0)
      // Later than a second is a verdict on a machine that does other things as well.
      let late = results.rows(hop, "late").count
      #expect(results.rows(hop, "ok").count + late == 6_000)
      #expect(late == 0 || !results.isValid, "\(late) late at '\(hop)' on a machine that was good enough")
      let rows = results.events.filter { $0.hop == hop }
      #expect(rows.count == 6_000 && Set(rows.map(\.id)).count == 6_000, "one row for each event and hop")
    }
    let wrong = results.events.filter { row in
      guard let sent = row.sent, let acknowledged = row.acknowledged, let low = row.low, let high = row.high else { return true }
      return !(sent < acknowledged && sent <= low && low < high)
    }
    #expect(wrong.isEmpty, "\(wrong.count) brackets are not in order, such as \(wrong.first.map { "\($0)" } ?? "")")

    // The width is the observers' doing, and they need the processor for it.
    let widthLimit: UInt64 = results.isValid ? 5_000_000 : 50_000_000
    for hop in ["queued", "cached"] {
      let width = try #require(results.medianWidth(hop))
      #expect(width < widthLimit, "'\(hop)' is known to \(Double(width) / 1e6) ms; \(results.validity)")
    }
    #expect(ended.code == 0, "\(ended)")
    #expect(results.text("validity/verdict") != "invalid", "\(results.validity)")
    // An estimated quantile is never nothing.
    let observed = results.value("thresholds")?.elements.compactMap { $0["observed"]?.string } ?? []
    #expect(observed.count == 6 && !observed.contains { $0.hasPrefix("0 us") || $0.hasPrefix("0 ns") }, "\(observed)")
    print("acceptance: order chain: \(results.validity); widths \(["queued", "cached"].map { results.medianWidth($0) ?? 0 }) ns")
    withExtendedLifetime(scratch) {}
  }

  @Test func `a run leaves its files to its owner alone, complete and valid`() throws {
    let sandbox = try Self.sandbox()
    let pipeline = try sandbox.pipeline("all")
    defer { pipeline.kill() }
    let (ended, results, scratch) = try Self.run(sandbox, Chains.orderFlow, ["--profile", "smoke"], within: 30)

    let files = try FileManager.default.contentsOfDirectory(atPath: results.folder).sorted()
    #expect(
      files == [
        "journal.ndjson", "junit.xml", "metrics.hlog", "report.html", "results_events.csv", "results_exceptions.csv", "results_failures.csv",
        "results_stats.csv", "results_stats_history.csv", "summary.json",
      ])
    func mode(_ path: String) throws -> Int { try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int ?? -1 }
    #expect(try mode(results.folder) == 0o700)
    for file in files { #expect(try mode(results.folder + "/" + file) == 0o600, "\(file)") }

    let schema = try JSONDocument(parsing: RunResults.text(Launched.root + "/grammar/summary.schema.json")).root
    #expect(SchemaCheck(schema: schema).problems(of: results.summary) == [])
    #expect(results.end?["exit_code"]?.integer(as: Int32.self) == ended.code, "the journal ends with the run")
    #expect(results.count("exit_code") == Int(ended.code))
    let stats = RunResults.text(results.folder + "/results_stats.csv").split(separator: "\n")
    #expect(stats.first?.hasPrefix("Type,Name,Request Count,Failure Count,Median Response Time") == true)
    #expect(stats.last?.contains("Aggregated") == true)
    withExtendedLifetime(scratch) {}
  }

  @Test func `with the cache writer stopped every event is lost at the cache and none at the queue`() throws {
    let sandbox = try Self.sandbox()
    let relay = try sandbox.pipeline("relay")
    defer { relay.kill() }
    let folder = try ScratchFolder()
    let chain = try Chains.copy(
      of: Chains.orderFlow, [("settle: 10s", "settle: 2s"), ("rate: 200/s, for: 30s", "rate: 100/s, for: 3s")], in: folder)
    let (ended, results, scratch) = try Self.run(sandbox, chain, ["--profile", "demo", "--var", "patience=1s"], within: 40)

    #expect(ended.code == 4, "\(ended)")
    #expect(results.count("events/order_created/committed") == 300, "\(ended)")
    #expect(results.rows("cached", "lost").count == 300)
    #expect(results.count("events/order_created/hops/cached/lost") == 300)
    #expect(results.rows("queued", "ok").count + results.rows("queued", "late").count == 300)
    #expect(results.count("events/order_created/hops/queued/lost") == 0)
    #expect(results.isConserved)
    #expect(results.count("iterations/failed") == 300, "each waited for its event in vain")
    #expect(ended.output.contains("lost"), "\(ended.output)")

    // Nothing was taken from the pipeline: what waits in its queue arrives once the cache writer is back.
    let last = try sandbox.sql("SELECT max(id) FROM orders")
    let cache = try sandbox.pipeline("cache")
    defer { cache.kill() }
    #expect(eventually(within: 10) { (try? sandbox.redis("exists", "order:\(last)")) == "1" })
    withExtendedLifetime(scratch) {}
  }
}
