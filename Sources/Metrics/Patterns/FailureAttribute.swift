internal import LosslessJSON

/// Under which circumstances failures happened: what error patterns are looked for in. Counted beside a failure, never on the way of a success.
package struct FailureAttribute: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable {
    /// A weighted choice that the iteration had made; `table` is a row of the start record's branches.
    case branch
    /// The row of a feed that the iteration had drawn; `table` is a row of the start record's feeds.
    case row
    /// How often a retried step had been tried before; `table` is a row of the start record's retries.
    case attempt
  }

  package var kind: Kind
  package var table: Int
  package var value: Int

  package init(_ kind: Kind, table: Int, value: Int) {
    self.kind = kind
    self.table = table
    self.value = value
  }
}

/// Failures by circumstance: a bounded number of different ones, so that a second of an outage stays a short line; what is beyond is not listed.
package struct FailureAttributeCounts: Hashable, Sendable {
  /// In a record of the journal.
  package static let limit = 64

  package private(set) var counts: [FailureAttribute: UInt64] = [:]

  package init() {}

  package var isEmpty: Bool { counts.isEmpty }

  package mutating func add(_ attribute: FailureAttribute, _ count: UInt64 = 1, limit: Int = FailureAttributeCounts.limit) {
    if let known = counts[attribute] { counts[attribute] = known &+ count } else if counts.count < limit { counts[attribute] = count }
  }

  package mutating func add(_ other: FailureAttributeCounts, limit: Int = FailureAttributeCounts.limit) {
    for (attribute, count) in other.sorted { add(attribute, count, limit: limit) }
  }

  /// Always in the same order.
  package var sorted: [(FailureAttribute, UInt64)] {
    counts.sorted { ($0.key.kind.rawValue, $0.key.table, $0.key.value) < ($1.key.kind.rawValue, $1.key.table, $1.key.value) }
  }

  func write(to json: inout JSONWriter) {
    json.objects("where", sorted) { entry, json in
      json.member("k", entry.0.kind.rawValue)
      if entry.0.table != 0 { json.member("of", entry.0.table) }
      json.member("v", entry.0.value)
      if entry.1 != 1 { json.member("n", entry.1) }
    }
  }

  init(_ json: JSONValue) {
    self.init()
    guard let list = json["where"] else { return }
    for entry in list.elements {
      guard let kind = FailureAttribute.Kind(rawValue: entry.text("k")) else { continue }
      add(FailureAttribute(kind, table: entry.int("of"), value: entry.int("v")), entry.optionalUnsigned("n") ?? 1)
    }
  }
}
