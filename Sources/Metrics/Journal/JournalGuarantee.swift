package import LosslessJSON

/// The longest violations of one session guarantee at one hop, written at the end. How many there were stands in the ledger record.
package struct JournalGuarantee: JournalRecord, Hashable {
  package static let kind = JournalKind.guarantee
  package static let violationsMax = 20

  /// One violation. Ages are nanoseconds, never negative.
  package struct Violation: Hashable, Sendable {
    /// The event: the one that its writer did not see, or the older one that was shown again.
    package var id: String
    package var key: String?
    package var version: Int64?
    /// The version that had been seen before it.
    package var newer: Int64?
    /// It lasted longer than the one and at most as long as the other; nil while no end is known.
    package var ageLowNanoseconds: UInt64
    package var ageHighNanoseconds: UInt64?
    /// When it began, after the acknowledgement of the newer version; nil if that is not known. Negative before it.
    package var sinceAckLowNanoseconds: Int64?
    package var sinceAckHighNanoseconds: Int64?

    package init(id: String, key: String? = nil, version: Int64? = nil, newer: Int64? = nil, ageLow: UInt64, ageHigh: UInt64?) {
      self.id = id
      self.key = key
      self.version = version
      self.newer = newer
      ageLowNanoseconds = ageLow
      ageHighNanoseconds = ageHigh
    }
  }

  /// Rows of the start record's tables.
  package var event: Int
  package var hop: Int
  /// The raw value of a ``SessionGuarantee``.
  package var guarantee: String
  /// Longest first; ``violationsMax`` at most.
  package var longest: [Violation]

  package init(event: Int, hop: Int, guarantee: String, longest: [Violation]) {
    self.event = event
    self.hop = hop
    self.guarantee = guarantee
    self.longest = longest
  }

  package func writeMembers(to json: inout JSONWriter) {
    json.member("event", event)
    json.member("hop", hop)
    json.member("guarantee", guarantee)
    json.objects("longest", longest) { violation, json in
      json.member("id", violation.id)
      json.optional("key", violation.key)
      json.optional("version", violation.version.map { Int($0) })
      json.optional("newer", violation.newer.map { Int($0) })
      json.member("lo", violation.ageLowNanoseconds)
      json.optional("hi", violation.ageHighNanoseconds)
      json.optional("since_lo", violation.sinceAckLowNanoseconds.map { Int($0) })
      json.optional("since_hi", violation.sinceAckHighNanoseconds.map { Int($0) })
    }
  }

  package init(_ json: JSONValue) {
    self.init(
      event: json.int("event"), hop: json.int("hop"), guarantee: json.text("guarantee"),
      longest: json.list("longest") {
        var violation = Violation(
          id: $0.text("id"), key: $0.optionalText("key"), version: $0.optionalInt("version").map { Int64($0) },
          newer: $0.optionalInt("newer").map { Int64($0) }, ageLow: $0.unsigned("lo"), ageHigh: $0.optionalUnsigned("hi"))
        violation.sinceAckLowNanoseconds = $0.optionalInt("since_lo").map { Int64($0) }
        violation.sinceAckHighNanoseconds = $0.optionalInt("since_hi").map { Int64($0) }
        return violation
      })
  }
}
