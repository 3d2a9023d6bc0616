import Foundation
import Testing

/// What being observed costs the system under test, by its own account. For a quiet machine: only with CHAINRUN_ACCEPT=full.
extension OnServers.LedgerClaims {
  @Test(.enabled(if: LedgerRun.isFull)) func `being observed changes the pipeline's lag by less than 5 % and its rate by less than 2 %`() throws {
    let sandbox = try OnServers.sandbox()
    var (lagRatios, rateRatios): ([Double], [Double]) = ([], [])
    for round in 1...5 {
      // Neighbours in time are compared, and each comes first as often as it can.
      var figures: [Bool: (lag: Double, rate: Double)] = [:]
      for isObserved in round % 2 == 0 ? [true, false] : [false, true] {
        let run = try LedgerRun(sandbox, [], events: 4_000, rate: 200, isObserved: isObserved)
        #expect(run.truth.committed.count == 4_000, "\(run.ended)")
        let own = try #require(ownFigures(run.log))
        figures[isObserved] = own
      }
      let (on, off) = (try #require(figures[true]), try #require(figures[false]))
      lagRatios.append(on.lag / off.lag)
      rateRatios.append(on.rate / off.rate)
      print("acceptance: observers off/on: lag p50 \(off.lag * 1e3)/\(on.lag * 1e3) ms, rate \(off.rate)/\(on.rate) per s")
    }
    let (lag, rate) = (lagRatios.sorted()[2], rateRatios.sorted()[2])
    #expect(abs(lag - 1) < 0.05, "the lag's median ratio is \(lag)")
    #expect(abs(rate - 1) < 0.02, "the rate's median ratio is \(rate)")
  }

  /// The median time from the relay's reading of a row to the reply to its write, in seconds, and writes per second.
  private func ownFigures(_ log: PipelineLog) -> (lag: Double, rate: Double)? {
    let taken = log.publishes.reduce(into: [:]) { taken, act in taken[act.id] = act.taken }
    let lags = log.writes.compactMap { act in taken[act.id].map { Double(act.to - $0) / 1e9 } }.sorted()
    guard let first = log.writes.first, let last = log.writes.last, last.to > first.to else { return nil }
    return (lags[lags.count / 2], Double(log.writes.count - 1) / (Double(last.to - first.to) / 1e9))
  }
}
