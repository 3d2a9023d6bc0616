import Foundation
import Testing

/// Delays that are known: what the pipeline logged must lie within what the ledger reports.
extension OnServers.LedgerClaims {
  @Test(arguments: ["50ms", "exp:50ms"]) func `a delay that was set is found again, event by event`(_ delay: String) throws {
    let sandbox = try OnServers.sandbox()
    let run = try LedgerRun(sandbox, ["--delay-relay=\(delay)", "--delay-writer=\(delay)"])
    let (published, written) = (instants(run.log.publishes), instants(run.log.writes))
    for (hop, truths) in [("queued", published), ("cached", written)] {
      let rows = run.results.events.filter { $0.hop == hop }
      #expect(rows.count == LedgerRun.events, "\(run.ended)")
      var outside = 0
      var (earliest, latest): ([Double], [Double]) = ([], [])
      for row in rows {
        // The pipeline knows its own instant only to within its own bracket.
        guard let id = Int64(row.id), let low = row.low, let high = row.high, let truth = truths[id], let acked = row.acknowledged else {
          outside += 1
          continue
        }
        if truth.to < low || truth.from > high { outside += 1 }
        earliest.append(Double(truth.from) - Double(acked))
        latest.append(Double(truth.to) - Double(acked))
      }
      #expect(outside * 1_000 <= rows.count, "\(outside) of \(rows.count) at '\(hop)' are not where the pipeline put them")
      for (name, part) in [("p50", 0.5), ("p95", 0.95)] {
        // A bucket of the histogram is a thousandth wide.
        let (from, to) = (quantile(earliest, part) * 0.998, quantile(latest, part) * 1.002)
        let low = run.results.seconds("events/order_created/hops/\(hop)/lag/lo/\(name)")
        let high = run.results.seconds("events/order_created/hops/\(hop)/lag/hi/\(name)")
        #expect(low <= to && from <= high, "\(name) at '\(hop)' is \(from)–\(to) s and was said to be in \(low)–\(high) s")
        print("acceptance: delay \(delay), \(hop) \(name): truly \(from)–\(to) s, reported \(low)–\(high) s")
      }
      let width = try #require(run.results.medianWidth(hop))
      #expect(width <= (run.results.isValid ? 5_000_000 : 100_000_000), "'\(hop)' is known to \(Double(width) / 1e6) ms")
      print("acceptance: delay \(delay), \(hop): \(outside) outside, width \(Double(width) / 1e6) ms; \(run.results.validity)")
    }
  }

  @Test func `polling each 100 ms decides what it can and says what it cannot`() throws {
    let sandbox = try OnServers.sandbox()
    let thresholds = """
      thresholds:
        - p50(event.order_created.cached) < 60ms
        - p50(event.order_created.cached) < 250ms
        - p50(event.order_created.cached) > 200ms

      """
    let run = try LedgerRun(
      sandbox, ["--delay-writer=30ms"],
      [("watch: order:*\n", "watch: order:*\n        at: order:${id}\n        how: poll\n        every: 100ms\n"), ("thresholds:\n", thresholds)])
    let resolution = run.results.seconds("events/order_created/hops/cached/resolution_s")
    #expect((0.07...0.15).contains(resolution), "\(resolution) s\n\(run.ended)")
    let verdicts = run.results.value("thresholds")?.elements.compactMap { $0["verdict"]?.string } ?? []
    #expect(verdicts.prefix(3) == ["inconclusive", "pass", "fail"], "\(run.ended)")
    #expect(run.count("cached", "lost") == 0)
  }

  private func instants(_ acts: [PipelineLog.Act]) -> [Int64: (from: UInt64, to: UInt64)] {
    acts.reduce(into: [:]) { found, act in if found[act.id] == nil { found[act.id] = (act.from, act.to) } }
  }

  /// Seconds, of nanoseconds.
  private func quantile(_ values: [Double], _ part: Double) -> Double {
    guard !values.isEmpty else { return -1 }
    return values.sorted()[max(0, Int((Double(values.count) * part).rounded(.up)) - 1)] / 1e9
  }
}
