/// What became of one event at one hop; exactly one of these.
package enum EventOutcome: String, Hashable, Sendable, CaseIterable {
  case ok
  /// Seen after its deadline.
  case late
  /// Committed, and not seen by the end of `settle`, with the observer alive throughout.
  case lost
  /// A gap of the observer could hide it.
  case unobserved
  /// A newer version was seen and this one never.
  case superseded
  /// Lost at an earlier hop, where the loss is counted.
  case blocked
  /// The commit's outcome was unknown; it was seen, or it was not.
  case recovered = "info:recovered"
  case absent = "info:absent"
  /// Seen, never attempted by this run.
  case unexpected
  /// Definitely rolled back, yet seen.
  case aborted
}

/// What is wrong beside the outcome; an event may have several.
package enum EventAnomaly: String, Hashable, Sendable, CaseIterable {
  case duplicate, reordered, mismatch, regressed
  case staleFinal = "stale_final"
  case missing, extra
  /// Against a session guarantee that the hop is asked for.
  case readYourWrites = "read_your_writes"
  case monotonicReads = "monotonic_reads"
}

/// What became of an event kind's commits.
package struct EventCounts: Hashable, Sendable {
  package var attempted: UInt64 = 0
  package var committed: UInt64 = 0
  package var rolledBack: UInt64 = 0
  package var unknown: UInt64 = 0

  package init(attempted: UInt64 = 0, committed: UInt64 = 0, rolledBack: UInt64 = 0, unknown: UInt64 = 0) {
    self.attempted = attempted
    self.committed = committed
    self.rolledBack = rolledBack
    self.unknown = unknown
  }

  package var areConserved: Bool { attempted == committed &+ rolledBack &+ unknown }
}

/// Outcomes and anomalies of one event kind at one hop.
package struct HopCounts: Hashable, Sendable {
  package var ok: UInt64 = 0
  package var late: UInt64 = 0
  package var lost: UInt64 = 0
  package var unobserved: UInt64 = 0
  package var superseded: UInt64 = 0
  package var blocked: UInt64 = 0
  package var recovered: UInt64 = 0
  package var absent: UInt64 = 0
  package var unexpected: UInt64 = 0
  package var aborted: UInt64 = 0

  /// Extra deliveries. Like all that follow, nil means not checkable with what the chain maps.
  package var duplicate: UInt64?
  package var reordered: UInt64?
  /// The largest extent of a reordering (RFC 4737, 4.2): arrivals since the first one that should have come later. nil without any.
  package var reorderedExtentMax: UInt64?
  package var mismatch: UInt64?
  package var regressed: UInt64?
  package var staleFinal: UInt64?
  package var missing: UInt64?
  package var extra: UInt64?
  /// Made by other runs: on nobody's account. nil unless the hop maps `run`.
  package var foreign: UInt64?
  /// nil unless the hop is asked for it, and can tell.
  package var readYourWrites: GuaranteeCounts?
  package var monotonicReads: GuaranteeCounts?

  package init() {}

  /// Committed events, each counted once; must equal ``EventCounts/committed``.
  package var accountedFor: UInt64 { ok &+ late &+ lost &+ unobserved &+ superseded &+ blocked }

  /// Whether anything here makes the run a consistency violation (exit 4). Late is a threshold's matter, unobserved a doubt.
  package var isViolated: Bool {
    lost > 0 || unexpected > 0 || aborted > 0
      || [duplicate, reordered, mismatch, regressed, staleFinal, missing, extra].contains { ($0 ?? 0) > 0 }
  }

  package mutating func count(_ outcome: EventOutcome) {
    switch outcome {
    case .ok: ok += 1
    case .late: late += 1
    case .lost: lost += 1
    case .unobserved: unobserved += 1
    case .superseded: superseded += 1
    case .blocked: blocked += 1
    case .recovered: recovered += 1
    case .absent: absent += 1
    case .unexpected: unexpected += 1
    case .aborted: aborted += 1
    }
  }

  package mutating func count(_ anomaly: EventAnomaly) {
    switch anomaly {
    case .duplicate: duplicate = (duplicate ?? 0) &+ 1
    case .reordered: reordered = (reordered ?? 0) &+ 1
    case .mismatch: mismatch = (mismatch ?? 0) &+ 1
    case .regressed: regressed = (regressed ?? 0) &+ 1
    case .staleFinal: staleFinal = (staleFinal ?? 0) &+ 1
    case .missing: missing = (missing ?? 0) &+ 1
    case .extra: extra = (extra ?? 0) &+ 1
    case .readYourWrites: readYourWrites = GuaranteeCounts(violated: (readYourWrites?.violated ?? 0) &+ 1)
    case .monotonicReads: monotonicReads = GuaranteeCounts(violated: (monotonicReads?.violated ?? 0) &+ 1)
    }
  }
}
