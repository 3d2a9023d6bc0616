import Foundation
import Testing

/// Delays that are known: what the pipeline logged must lie within what the ledger reports.
extension OnServers {
  @Test(arguments: ["50ms", "exp:50ms"]) func `a delay that was set is found again, event by event`(_ delay: String) throws {
    let sandbox = try Self.sandbox()
    let run = try LedgerRun(sandbox, ["--delay-relay=\(delay)", "--delay-writer=\(delay)"])
    let (published, written) = (instants(run.log.publishes), instants(run.log.writes))
    for (hop, truths) in [("queued", published), ("cached", written)] {
      let rows = run.results.events.filter { $0.hop == hop }
      #expect(rows.count == LedgerRun.events, "\(run.ended)")
      var outside = 0
      var lags: [Double] = []
      for row in rows {
        // The pipeline knows its own instant only to within its own bracket.
        guard let id = Int64(row.id), let low = row.low, let high = row.high, let truth = truths[id], let acked = row.acknowledged else {
          outside += 1
          continue
        }
        if truth.to < low || truth.from > high { outside += 1 }
        lags.append((Double(truth.from) + Double(truth.to)) / 2 - Double(acked))
      }
      #expect(outside * 1_000 <= rows.count, "\(outside) of \(rows.count) at '\(hop)' are not where the pipeline put them")
      lags.sort()
      let slack = Double(median(truths.values.map { $0.to - $0.from })) / 2 / 1e9 + 0.001
      for (name, part) in [("p50", 0.5), ("p95", 0.95)] {
        let truth = lags[min(lags.count - 1, Int(Double(lags.count) * part))] / 1e9
        let low = run.results.seconds("events/order_created/hops/\(hop)/lag/lo/\(name)")
        let high = run.results.seconds("events/order_created/hops/\(hop)/lag/hi/\(name)")
        #expect(low - slack <= truth && truth <= high + slack, "\(name) at '\(hop)' is \(truth) s and was said to be in \(low)–\(high) s")
      }
      let width = try #require(run.results.medianWidth(hop))
      #expect(width <= (run.results.isValid ? 5_000_000 : 50_000_000), "'\(hop)' is known to \(Double(width) / 1e6) ms")
      print("acceptance: delay \(delay), \(hop): \(outside) outside, width \(Double(width) / 1e6) ms; \(run.results.validity)")
    }
  }

  @Test func `polling each 100 ms decides what it can and says what it cannot`() throws {
    let sandbox = try Self.sandbox()
    let thresholds = """
      thresholds:
        - p50(event.order_created.cached) < 60ms
        - p50(event.order_created.cached) < 250ms
        - p50(event.order_created.cached) > 200ms

      """
    let run = try LedgerRun(
      sandbox, ["--delay-writer=30ms"],
      [("watch: order:*\n", "watch: order:*\n        every: 100ms\n"), ("thresholds:\n", thresholds)])
    let resolution = run.results.seconds("events/order_created/hops/cached/resolution_s")
    #expect((0.07...0.15).contains(resolution), "\(resolution) s\n\(run.ended)")
    let verdicts = run.results.value("thresholds")?.elements.compactMap { $0["verdict"]?.string } ?? []
    #expect(verdicts.prefix(3) == ["inconclusive", "pass", "fail"], "\(run.ended)")
    #expect(run.count("cached", "lost") == 0)
  }

  private func instants(_ acts: [PipelineLog.Act]) -> [Int64: (from: UInt64, to: UInt64)] {
    acts.reduce(into: [:]) { found, act in if found[act.id] == nil { found[act.id] = (act.from, act.to) } }
  }

  private func median(_ values: [UInt64]) -> UInt64 { values.isEmpty ? 0 : values.sorted()[values.count / 2] }
}
