internal import Metrics

/// The counts of the ledger that must be 0, by name: one list for every report.
struct ConsistencyCount {
  let event: String
  let hop: String
  let name: String
  /// Nil where what the chain maps does not tell.
  let count: UInt64?
  let offenders: OffenderList?
  /// The chain asks for it, so that not to know is no answer.
  var isUndecided = false

  /// What it means, as a phrase.
  let meaning: String

  static func all(of run: RunRecord) -> [ConsistencyCount] {
    run.events.flatMap { event in
      event.hops.flatMap { hop in
        kinds.map { kind in
          ConsistencyCount(
            event: event.info.name, hop: hop.info.name, name: kind.name, count: kind.count(hop.counts),
            offenders: hop.offenders.first { $0.kind == kind.name }, meaning: kind.meaning)
        }
          + event.guarantees(of: hop).filter(\.isRequired).map { found in
            let name = found.guarantee.rawValue
            return ConsistencyCount(
              event: event.info.name, hop: hop.info.name, name: name, count: found.isUndecided ? nil : found.counts?.violated,
              offenders: hop.offenders.first { $0.kind == name }, isUndecided: found.isUndecided, meaning: meaning(of: found.guarantee))
          }
      }
    }
  }

  private static func meaning(of guarantee: SessionGuarantee) -> String {
    switch guarantee {
    case .readYourWrites: "not to be seen by their writers when they were acknowledged"
    case .monotonicReads: "older than what readers had seen before"
    }
  }

  private static var kinds: [(name: String, meaning: String, count: (HopCounts) -> UInt64?)] {
    [
      ("lost", "committed and never seen", \.lost), ("unexpected", "seen, never attempted by this run", \.unexpected),
      ("aborted", "rolled back, yet seen", \.aborted), ("duplicate", "delivered again", \.duplicate),
      ("reordered", "out of order", \.reordered), ("mismatch", "with another body", \.mismatch),
      ("regressed", "gone back to an older version", \.regressed), ("stale_final", "stale at the end", \.staleFinal),
      ("missing", "missing at the end", \.missing), ("extra", "there without a cause", \.extra),
    ]
  }
}
