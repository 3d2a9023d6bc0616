/// What a hop promises to a session that reads there: `guarantees:`. Why it stands at the hop: docs/decisions/guarantees.md.
package struct HopGuarantees: Sendable, Hashable {
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    /// From the acknowledgement of a commit on, its writer sees it.
    case readYourWrites = "read_your_writes"
    /// Who has seen a version sees no older one of the same key later.
    case monotonicReads = "monotonic_reads"
  }

  package enum Demand: String, Sendable, Hashable, CaseIterable {
    /// A certain violation makes the run inconsistent.
    case required
    /// Violations are counted and timed; only thresholds judge them.
    case measured
  }

  private var demands: [Kind: Demand] = [:]

  package init() {}

  /// nil where the hop is not asked for it.
  package subscript(_ kind: Kind) -> Demand? {
    get { demands[kind] }
    set { demands[kind] = newValue }
  }

  package var isEmpty: Bool { demands.isEmpty }
  /// In the order in which reports show them.
  package var kinds: [Kind] { Kind.allCases.filter { demands[$0] != nil } }
}
