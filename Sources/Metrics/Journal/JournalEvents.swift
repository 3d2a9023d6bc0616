package import LosslessJSON

/// One event at one hop: a row of `results_events.csv`.
package struct JournalEventRow: JournalRecord, Hashable {
  package static let kind = JournalKind.event

  /// Rows of the start record's tables.
  package var event: Int
  package var hop: Int
  package var id: String
  package var key: String?
  package var version: String?
  /// Absolute CLOCK_MONOTONIC nanoseconds; nil where unbounded or never.
  package var sentNanoseconds: UInt64?
  package var ackedNanoseconds: UInt64?
  /// Visible in (low, high]: the last look without it and the first look with it.
  package var lowNanoseconds: UInt64?
  package var highNanoseconds: UInt64?
  package var outcome: EventOutcome
  package var anomalies: [EventAnomaly]

  package init(
    event: Int, hop: Int, id: String, key: String? = nil, version: String? = nil, sentNanoseconds: UInt64? = nil,
    ackedNanoseconds: UInt64? = nil, lowNanoseconds: UInt64? = nil, highNanoseconds: UInt64? = nil, outcome: EventOutcome,
    anomalies: [EventAnomaly] = []
  ) {
    self.event = event
    self.hop = hop
    self.id = id
    self.key = key
    self.version = version
    self.sentNanoseconds = sentNanoseconds
    self.ackedNanoseconds = ackedNanoseconds
    self.lowNanoseconds = lowNanoseconds
    self.highNanoseconds = highNanoseconds
    self.outcome = outcome
    self.anomalies = anomalies
  }

  package func writeMembers(to json: inout JSONWriter) {
    json.member("event", event)
    json.member("hop", hop)
    json.member("id", id)
    json.optional("key", key)
    json.optional("version", version)
    json.optional("sent", sentNanoseconds)
    json.optional("acked", ackedNanoseconds)
    json.optional("lo", lowNanoseconds)
    json.optional("hi", highNanoseconds)
    json.member("outcome", outcome.rawValue)
    json.list("anomalies", anomalies) { $1.string($0.rawValue) }
  }

  package init(_ json: JSONValue) {
    self.init(
      event: json.int("event"), hop: json.int("hop"), id: json.text("id"), key: json.optionalText("key"),
      version: json.optionalText("version"), sentNanoseconds: json.optionalUnsigned("sent"),
      ackedNanoseconds: json.optionalUnsigned("acked"), lowNanoseconds: json.optionalUnsigned("lo"),
      highNanoseconds: json.optionalUnsigned("hi"), outcome: EventOutcome(rawValue: json.text("outcome")) ?? .unobserved,
      anomalies: json.texts("anomalies").compactMap(EventAnomaly.init))
  }
}

/// A span in which an observer could not see.
package struct JournalGap: JournalRecord, Hashable {
  package static let kind = JournalKind.gap

  /// Rows of the start record's tables; nil where the gap concerns a whole connection.
  package var event: Int?
  package var hop: Int?
  package var connection: String
  /// CLOCK_MONOTONIC nanoseconds.
  package var fromNanoseconds: UInt64
  package var toNanoseconds: UInt64
  package var reason: String

  package init(event: Int? = nil, hop: Int? = nil, connection: String, fromNanoseconds: UInt64, toNanoseconds: UInt64, reason: String) {
    self.event = event
    self.hop = hop
    self.connection = connection
    self.fromNanoseconds = fromNanoseconds
    self.toNanoseconds = toNanoseconds
    self.reason = reason
  }

  package func writeMembers(to json: inout JSONWriter) {
    json.optional("event", event)
    json.optional("hop", hop)
    json.member("conn", connection)
    json.member("from_ns", fromNanoseconds)
    json.member("to_ns", toNanoseconds)
    json.member("reason", reason)
  }

  package init(_ json: JSONValue) {
    self.init(
      event: json.optionalInt("event"), hop: json.optionalInt("hop"), connection: json.text("conn"),
      fromNanoseconds: json.unsigned("from_ns"), toNanoseconds: json.unsigned("to_ns"), reason: json.text("reason"))
  }
}

/// The ledger's counts for one event kind: those of each second while the run goes on, and the final ones. The last record counts; where there
/// is none (a crash within the first second), readers count the event rows instead.
package struct JournalLedger: JournalRecord, Hashable {
  package static let kind = JournalKind.ledger

  package var event: Int
  package var counts: EventCounts
  /// In the order of the start record's hops.
  package var hops: [HopCounts]
  /// CLOCK_MONOTONIC nanoseconds of counts that are not final: what is on its way then is in no outcome. nil for the final ones.
  package var soFarNanoseconds: UInt64?

  package init(event: Int, counts: EventCounts, hops: [HopCounts]) {
    self.event = event
    self.counts = counts
    self.hops = hops
  }

  /// The same counts, marked as not final.
  package func soFar(at nanoseconds: UInt64) -> JournalLedger {
    var ledger = self
    ledger.soFarNanoseconds = nanoseconds
    return ledger
  }

  package func writeMembers(to json: inout JSONWriter) {
    json.member("event", event)
    json.optional("so_far_ns", soFarNanoseconds)
    json.member("attempted", counts.attempted)
    json.member("committed", counts.committed)
    json.member("rolled_back", counts.rolledBack)
    json.member("unknown", counts.unknown)
    json.objects("hops", hops) { hop, json in
      json.member("ok", hop.ok)
      json.nonZero("late", hop.late)
      json.nonZero("lost", hop.lost)
      json.nonZero("unobserved", hop.unobserved)
      json.nonZero("superseded", hop.superseded)
      json.nonZero("blocked", hop.blocked)
      json.nonZero("recovered", hop.recovered)
      json.nonZero("absent", hop.absent)
      json.nonZero("unexpected", hop.unexpected)
      json.nonZero("aborted", hop.aborted)
      json.optional("duplicate", hop.duplicate)
      json.optional("reordered", hop.reordered)
      json.optional("reordered_extent", hop.reorderedExtentMax)
      json.optional("mismatch", hop.mismatch)
      json.optional("regressed", hop.regressed)
      json.optional("stale_final", hop.staleFinal)
      json.optional("missing", hop.missing)
      json.optional("extra", hop.extra)
      json.optional("foreign", hop.foreign)
      for guarantee in SessionGuarantee.allCases {
        guard let counts = hop[guarantee] else { continue }
        json.key(guarantee.rawValue)
        json.beginObject()
        json.member("violated", counts.violated)
        json.member("possible", counts.possible)
        json.member("held", counts.held)
        json.nonZero("unchecked", counts.unchecked)
        json.endObject()
      }
    }
  }

  package init(_ json: JSONValue) {
    self.init(
      event: json.int("event"),
      counts: EventCounts(
        attempted: json.unsigned("attempted"), committed: json.unsigned("committed"), rolledBack: json.unsigned("rolled_back"),
        unknown: json.unsigned("unknown")),
      hops: json.list("hops") {
        var hop = HopCounts()
        hop.ok = $0.unsigned("ok")
        hop.late = $0.unsigned("late")
        hop.lost = $0.unsigned("lost")
        hop.unobserved = $0.unsigned("unobserved")
        hop.superseded = $0.unsigned("superseded")
        hop.blocked = $0.unsigned("blocked")
        hop.recovered = $0.unsigned("recovered")
        hop.absent = $0.unsigned("absent")
        hop.unexpected = $0.unsigned("unexpected")
        hop.aborted = $0.unsigned("aborted")
        hop.duplicate = $0.optionalUnsigned("duplicate")
        hop.reordered = $0.optionalUnsigned("reordered")
        hop.reorderedExtentMax = $0.optionalUnsigned("reordered_extent")
        hop.mismatch = $0.optionalUnsigned("mismatch")
        hop.regressed = $0.optionalUnsigned("regressed")
        hop.staleFinal = $0.optionalUnsigned("stale_final")
        hop.missing = $0.optionalUnsigned("missing")
        hop.extra = $0.optionalUnsigned("extra")
        hop.foreign = $0.optionalUnsigned("foreign")
        hop.readYourWrites = $0["read_your_writes"].map { GuaranteeCounts($0) }
        hop.monotonicReads = $0["monotonic_reads"].map { GuaranteeCounts($0) }
        return hop
      })
    soFarNanoseconds = json.optionalUnsigned("so_far_ns")
  }
}

extension GuaranteeCounts {
  fileprivate init(_ json: JSONValue) {
    self.init(
      violated: json.unsigned("violated"), possible: json.unsigned("possible"), held: json.unsigned("held"), unchecked: json.unsigned("unchecked"))
  }
}
