/// What a hop can promise to a session that reads there.
package enum SessionGuarantee: String, Hashable, Sendable, CaseIterable {
  /// From the acknowledgement of a commit on, its writer sees it.
  case readYourWrites = "read_your_writes"
  /// Who has seen a version sees no older one of the same key later.
  case monotonicReads = "monotonic_reads"
}

/// How often a promise was kept, by certainty: what was observed is an interval, and so is how long a violation lasted.
package struct GuaranteeCounts: Hashable, Sendable {
  /// Whatever the moment was, within its interval.
  package var violated: UInt64 = 0
  /// The interval has moments at which it was violated and others at which it was not.
  package var possible: UInt64 = 0
  package var held: UInt64 = 0
  /// A gap of the observer may hide it, or nobody knows any more when it was seen.
  package var unchecked: UInt64 = 0

  package init(violated: UInt64 = 0, possible: UInt64 = 0, held: UInt64 = 0, unchecked: UInt64 = 0) {
    self.violated = violated
    self.possible = possible
    self.held = held
    self.unchecked = unchecked
  }

  package var checked: UInt64 { violated &+ possible &+ held }

  func since(_ earlier: GuaranteeCounts) -> GuaranteeCounts {
    GuaranteeCounts(
      violated: violated &- earlier.violated, possible: possible &- earlier.possible, held: held &- earlier.held,
      unchecked: unchecked &- earlier.unchecked)
  }
}

/// How long violations lasted, certain and possible ones: the two bounds, kept apart. One without an end has a lower bound only.
package struct ViolationAges: Hashable, Sendable {
  package var low = HistogramSnapshot()
  package var high = HistogramSnapshot()

  package init() {}

  package var isEmpty: Bool { low.isEmpty }
  package var unended: UInt64 { low.count - min(high.count, low.count) }
}

/// A promise as the chain asks for it.
package struct GuaranteeInfo: Hashable, Sendable {
  package var guarantee: SessionGuarantee
  /// Whether a violation makes the run inconsistent (exit 4); otherwise it is measured only.
  package var isRequired: Bool

  package init(_ guarantee: SessionGuarantee, isRequired: Bool) {
    self.guarantee = guarantee
    self.isRequired = isRequired
  }
}

/// A promise and what became of it at one hop.
package struct GuaranteeRecord: Hashable, Sendable {
  package var guarantee: SessionGuarantee
  package var isRequired: Bool
  /// nil where the way of observing could not tell.
  package var counts: GuaranteeCounts?
  package var ages: ViolationAges
  /// The longest ones, longest first.
  package var longest: [JournalGuarantee.Violation]
  /// Events that were to be checked.
  package var committed: UInt64

  package var isViolated: Bool { isRequired && (counts?.violated ?? 0) > 0 }
  /// It was asked for, and nothing could tell whether it held: that is not a yes.
  package var isUndecided: Bool { isRequired && committed > 0 && (counts?.checked ?? 0) == 0 }
}

extension HopCounts {
  package subscript(_ guarantee: SessionGuarantee) -> GuaranteeCounts? {
    get {
      switch guarantee {
      case .readYourWrites: readYourWrites
      case .monotonicReads: monotonicReads
      }
    }
    set {
      switch guarantee {
      case .readYourWrites: readYourWrites = newValue
      case .monotonicReads: monotonicReads = newValue
      }
    }
  }
}

extension EventRecord {
  /// The promises of one of its hops.
  package func guarantees(of hop: HopRecord) -> [GuaranteeRecord] {
    hop.info.guarantees.map { info in
      GuaranteeRecord(
        guarantee: info.guarantee, isRequired: info.isRequired, counts: hop.counts[info.guarantee], ages: hop.ages[info.guarantee] ?? ViolationAges(),
        longest: hop.longestViolations[info.guarantee] ?? [], committed: counts?.committed ?? hop.counts.accountedFor)
    }
  }

  package var guarantees: [GuaranteeRecord] { hops.flatMap { guarantees(of: $0) } }
  /// Whether anything here makes the run a consistency violation (exit 4).
  package var isViolated: Bool { hops.contains { $0.counts.isViolated } || guarantees.contains { $0.isViolated } }
}
