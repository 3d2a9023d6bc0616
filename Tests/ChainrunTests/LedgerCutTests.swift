import Foundation
import Testing

/// Connections that break while events are under way: what cannot be known is said to be unknown, and nothing else is.
extension OnServers.LedgerClaims {
  @Test func `a connection cut around COMMIT leaves an unknown order, which the cache then resolves`() throws {
    let sandbox = try OnServers.sandbox()
    let database = sandbox.addresses["ORDERS_DB"] ?? ""
    // Each 50th COMMIT: in turn the server never hears of it, or its answer is never heard.
    let proxy = try CuttingProxy(to: CuttingProxy.port(of: database)) { $0 % 50 != 0 ? nil : $0 % 100 == 0 ? .afterCommit : .beforeCommit }
    defer { proxy.stop() }
    let run = try LedgerRun(sandbox, [], rate: 200, elsewhere: ["ORDERS_DB": proxy.through(database)])

    let unknown = proxy.cutsBefore + proxy.cutsAfter
    #expect(unknown >= 10 && proxy.cutsAfter >= 5, "the proxy cut \(proxy.cutsBefore) and \(proxy.cutsAfter)")
    #expect(run.results.count("events/order_created/unknown") == unknown, "\(run.ended)")
    #expect(run.results.count("events/order_created/committed") == LedgerRun.events - unknown)
    #expect(run.truth.committed.count == LedgerRun.events - proxy.cutsBefore, "the database has what was committed, heard of or not")
    for hop in ["queued", "cached"] {
      #expect(run.results.rows(hop, "info:recovered").count == proxy.cutsAfter)
      #expect(run.results.rows(hop, "info:absent").count == proxy.cutsBefore)
      for name in ["lost", "unexpected", "aborted", "unobserved"] {
        #expect(run.count(hop, name) == 0, "\(name) at '\(hop)': \(run.ended)")
      }
      let recovered = Set(run.results.rows(hop, "info:recovered").compactMap { Int64($0.id) })
      #expect(recovered.isSubset(of: Set(run.truth.committed.keys)))
      let absent = Set(run.results.rows(hop, "info:absent").compactMap { Int64($0.id) })
      #expect(absent == run.truth.rolledBack)
    }
    #expect(run.count("queued", "duplicate") == 0, "nothing was repeated")
    #expect(run.results.isConserved)
  }

  @Test(arguments: ["ORDERS_CACHE", "ORDERS_MQ"]) func `an observer cut off for two seconds calls nothing lost`(_ variable: String) throws {
    let sandbox = try OnServers.sandbox()
    let address = sandbox.addresses[variable] ?? ""
    let proxy = try CuttingProxy(to: CuttingProxy.port(of: address))
    defer { proxy.stop() }
    let hop = variable == "ORDERS_CACHE" ? "cached" : "queued"
    let run = try LedgerRun(sandbox, [], events: 1_200, rate: 200, elsewhere: [variable: proxy.through(address)]) { launched, out in
      try OnServers.awaitLoad(launched, out)
      usleep(1_500_000)
      proxy.cutAll(for: 2)
    }
    #expect(run.truth.cached.seen.count == 1_200, "the pipeline does not go through the proxy")
    for hop in ["queued", "cached"] {
      for name in ["lost", "unexpected", "aborted"] { #expect(run.count(hop, name) == 0, "\(name) at '\(hop)': \(run.ended)") }
      let total = ["ok", "late", "unobserved", "superseded", "blocked"].reduce(0) { $0 + run.count(hop, $1) }
      #expect(total == 1_200, "\(run.ended)")
    }
    #expect(!run.results.records("gap").isEmpty, "the gap is written down")
    // What was under way is unobserved, or known less well; what came before and after is as always.
    let wide = run.results.events.filter { row in
      row.hop == hop && (row.outcome == "unobserved" || row.high.flatMap { high in row.low.map { high - $0 > 1_000_000_000 } } ?? true)
    }
    #expect(wide.count >= 100 && wide.count <= 1_000, "\(wide.count) are unobserved or wide")
    #expect(run.results.isConserved)
  }
}
