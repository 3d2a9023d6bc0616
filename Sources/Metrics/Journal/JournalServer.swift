package import LosslessJSON

/// A row of the start record's table of what servers tell about themselves.
package struct ServerFigureInfo: Hashable, Sendable {
  package enum Unit: String, Hashable, Sendable { case count, bytes, nanoseconds, share }
  package enum Role: String, Hashable, Sendable { case pressure, work, state }

  /// Row of the start record's connection table.
  package var connection: Int
  /// As selectors have it: `waiting_lock`, `queue.orders_cache.depth`.
  package var name: String
  /// The queue's own name; empty for a figure of the server itself.
  package var object: String
  package var unit = Unit.count
  /// Whether its values are increases per second, so that they add up.
  package var isCounter = false
  package var role = Role.state
  /// Title of the row under the timeline that draws it; empty for none.
  package var plot = ""

  package init(connection: Int, name: String, object: String = "") {
    self.connection = connection
    self.name = name
    self.object = object
  }
}

extension ServerFigureInfo {
  func writeMembers(to json: inout JSONWriter) {
    json.member("conn", connection)
    json.member("name", name)
    if !object.isEmpty { json.member("object", object) }
    json.member("unit", unit.rawValue)
    if isCounter { json.member("counter", true) }
    json.member("role", role.rawValue)
    if !plot.isEmpty { json.member("plot", plot) }
  }

  init(_ json: JSONValue) {
    self.init(connection: json.int("conn"), name: json.text("name"), object: json.text("object"))
    unit = Unit(rawValue: json.text("unit")) ?? .count
    isCounter = json.bool("counter")
    role = Role(rawValue: json.text("role")) ?? .state
    plot = json.text("plot")
  }
}

/// What one server said in one second, or why it said nothing.
package struct JournalServer: JournalRecord, Hashable {
  package static let kind = JournalKind.server

  /// How many of something, such as sessions that wait for `Lock: transactionid`.
  package struct Part: Hashable, Sendable {
    package var name: String
    package var count: Double

    package init(_ name: String, _ count: Double) {
      self.name = name
      self.count = count
    }
  }

  /// Row of the start record's connection table.
  package var connection: Int
  /// CLOCK_MONOTONIC nanoseconds: the answer before this one, and this one. Increases are those in between, levels those at the end.
  package var fromNanoseconds: UInt64
  package var atNanoseconds: UInt64
  /// Whether it lies in the load, after the warm-up.
  package var isOfLoad = false
  /// In the order of the start record's figures of this connection; not a number where nothing is known. Empty in a gap.
  package var values: [Double] = []
  /// What stands behind the values, the largest first: waits by event, slow commands by name.
  package var parts: [Part] = []
  /// Requests that were sent for it.
  package var requests: UInt64 = 0
  /// Nanoseconds from asking to the last answer.
  package var tookNanoseconds: UInt64 = 0
  /// Why nothing is known of this second; nil if something is.
  package var gap: String?

  package init(connection: Int, fromNanoseconds: UInt64, atNanoseconds: UInt64) {
    self.connection = connection
    self.fromNanoseconds = fromNanoseconds
    self.atNanoseconds = atNanoseconds
  }

  package func writeMembers(to json: inout JSONWriter) {
    json.member("conn", connection)
    json.member("from_ns", fromNanoseconds)
    json.member("at_ns", atNanoseconds)
    if isOfLoad { json.member("load", true) }
    json.list("v", values) { value, json in
      if value.isFinite { json.double(value) } else { json.null() }
    }
    json.list("parts", parts) { part, json in
      json.beginArray()
      json.string(part.name)
      json.double(part.count)
      json.endArray()
    }
    json.nonZero("requests", requests)
    json.nonZero("took_ns", tookNanoseconds)
    json.optional("gap", gap)
  }

  package init(_ json: JSONValue) {
    self.init(connection: json.int("conn"), fromNanoseconds: json.unsigned("from_ns"), atNanoseconds: json.unsigned("at_ns"))
    isOfLoad = json.bool("load")
    values = json.list("v") { $0.double ?? .nan }
    parts = json.list("parts") { part in
      let pair = Array(part.elements)
      return pair.count == 2 ? Part(pair[0].string ?? "", pair[1].double ?? 0) : Part("", 0)
    }
    requests = json.unsigned("requests")
    tookNanoseconds = json.unsigned("took_ns")
    gap = json.optionalText("gap")
  }
}

/// What is known of one server for the whole run: written when the view is open, and again at the end.
package struct JournalServerFacts: JournalRecord, Hashable {
  package static let kind = JournalKind.serverFacts

  /// Figures that cannot be seen, or only in part, and why.
  package struct Limit: Hashable, Sendable {
    package var figures: [String]
    package var reason: String

    package init(figures: [String], reason: String) {
      self.figures = figures
      self.reason = reason
    }
  }

  /// A statement by what it cost the server during the run.
  package struct Statement: Hashable, Sendable {
    package var id: String
    /// As the server keeps it, without literals; empty where it may not be shown.
    package var text: String
    package var calls: UInt64
    package var totalNanoseconds: Double
    package var rows: UInt64

    package init(id: String, text: String, calls: UInt64, totalNanoseconds: Double, rows: UInt64) {
      self.id = id
      self.text = text
      self.calls = calls
      self.totalNanoseconds = totalNanoseconds
      self.rows = rows
    }

    package var meanNanoseconds: Double { calls == 0 ? 0 : totalNanoseconds / Double(calls) }
  }

  /// Row of the start record's connection table.
  package var connection: Int
  /// `PostgreSQL 15.6`; empty if it never answered.
  package var server = ""
  package var limits: [Limit] = []
  /// The costliest first; empty where the server keeps no account of them.
  package var statements: [Statement] = []

  package init(connection: Int) {
    self.connection = connection
  }

  package func writeMembers(to json: inout JSONWriter) {
    json.member("conn", connection)
    if !server.isEmpty { json.member("server", server) }
    json.objects("limits", limits) { limit, json in
      json.list("figures", limit.figures) { $1.string($0) }
      json.member("why", limit.reason)
    }
    json.objects("statements", statements) { statement, json in
      json.member("id", statement.id)
      if !statement.text.isEmpty { json.member("text", statement.text) }
      json.member("calls", statement.calls)
      json.member("total_ns", statement.totalNanoseconds)
      json.nonZero("rows", statement.rows)
    }
  }

  package init(_ json: JSONValue) {
    self.init(connection: json.int("conn"))
    server = json.text("server")
    limits = json.list("limits") { Limit(figures: $0.texts("figures"), reason: $0.text("why")) }
    statements = json.list("statements") {
      Statement(
        id: $0.text("id"), text: $0.text("text"), calls: $0.unsigned("calls"), totalNanoseconds: $0.double("total_ns"), rows: $0.unsigned("rows"))
    }
  }
}
