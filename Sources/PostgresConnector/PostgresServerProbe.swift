internal import CPostgres
package import ChainIO
package import ChainProgram

extension PostgresConnector: ServerViewing {
  package func makeServerProbes(connection: ConnectionIndex, target: any ConnectionTarget, program: Program, reactor: Reactor)
    -> [any ServerProbe]
  {
    guard let target = target as? PostgresTarget else { preconditionFailure("a PostgreSQL probe was given another connector's target") }
    return [PostgresServerProbe(target: target, reactor: reactor)]
  }
}

/// Asks PostgreSQL how it is: three short queries a look, in a session that the server keeps read-only and whose statements it ends itself
/// after 0.8 s.
final class PostgresServerProbe: ServerProbe {
  private let session: ProbeSession
  private var completion: ((ServerReading) -> Void)?
  private var reading = ServerReading()
  private var version: Int32 = 0
  private var hasIdentity = false
  /// Where `pg_stat_statements` stands; nil if it does not.
  private var statementsSchema: String?
  private var statementsBefore: [String: Totals]?
  private var limits: [ServerReading.Limit] = []
  private var refusesReplication = false

  private struct Totals {
    var calls: UInt64
    var milliseconds: Double
    var rows: UInt64
  }

  static let statementsMax = 10
  private static let statementTimeoutMilliseconds: UInt64 = 800

  init(target: PostgresTarget, reactor: Reactor) {
    session = ProbeSession(
      target: target, statementTimeoutMilliseconds: PostgresServerProbe.statementTimeoutMilliseconds, reactor: reactor)
  }

  func look(deadline: UInt64, completion: @escaping (ServerReading) -> Void) {
    begin(completion)
    guard session.isOpen else {
      hasIdentity = false
      return session.open(deadline: deadline) { [unowned self] error in
        if let error { return end(error) }
        version = session.serverVersionNumber
        askIdentity()
      }
    }
    askActivity()
  }

  func conclude(deadline: UInt64, completion: @escaping (ServerReading) -> Void) {
    begin(completion)
    guard session.isOpen, let schema = statementsSchema, let before = statementsBefore else { return end(nil) }
    ask(ServerQueries.statements(schema: schema, version: version)) { [unowned self] rows in
      var costs: [(id: String, cost: Totals)] = []
      for row in rows {
        guard let id = row.first ?? nil else { continue }
        let now = PostgresServerProbe.totals(row)
        let old = before[id] ?? Totals(calls: 0, milliseconds: 0, rows: 0)
        // Less than before: the account was reset in between.
        guard now.calls > old.calls, now.milliseconds >= old.milliseconds, now.rows >= old.rows else { continue }
        costs.append((id, Totals(calls: now.calls - old.calls, milliseconds: now.milliseconds - old.milliseconds, rows: now.rows - old.rows)))
      }
      costs.sort { ($1.cost.milliseconds, $0.id) < ($0.cost.milliseconds, $1.id) }
      // Our own are among them, a few at most.
      askTexts(schema, Array(costs.prefix(PostgresServerProbe.statementsMax + 6)))
    }
  }

  func drop() {
    completion = nil
    hasIdentity = false
    session.close()
  }

  func close() { drop() }

  // One look

  private func begin(_ completion: @escaping (ServerReading) -> Void) {
    precondition(self.completion == nil, "a probe is asked one thing at a time")
    self.completion = completion
    reading = ServerReading()
  }

  private func end(_ error: OperationError?) {
    reading.error = error
    if error != nil {
      hasIdentity = false
      session.close()
    }
    let completion = completion
    self.completion = nil
    completion?(reading)
  }

  /// - Parameter refused: Goes on after the server's no; nil makes it the look's end.
  private func ask(_ query: String, refused: ((OperationError) -> Void)? = nil, _ read: @escaping ([[String?]]) -> Void) {
    reading.requests &+= 1
    session.ask(query) { [unowned self] answer in
      switch answer {
      case .rows(_, let rows): read(rows)
      case .refused(let error): if let refused { refused(error) } else { end(error) }
      case .lost(let error): end(error)
      }
    }
  }

  private func askIdentity() {
    ask(ServerQueries.identity) { [unowned self] rows in
      hasIdentity = true
      let row = rows.first ?? []
      func text(_ column: Int) -> String? { column < row.count ? row[column] : nil }
      // `15.6 (Debian 15.6-1)`
      reading.server = "PostgreSQL \(text(0)?.prefix { $0 != " " } ?? "")"
      limits = []
      if text(1) != "t" {
        limits.append(
          ServerReading.Limit(
            [
              "active", "running", "idle_in_transaction", "waiting", "waiting_lock", "waiting_lwlock", "waiting_io", "waiting_client", "waiting_other",
              "longest_transaction",
            ], "only sessions of '\(text(2) ?? "")' itself: those of others need the role pg_monitor or pg_read_all_stats"))
        limits.append(
          ServerReading.Limit(["replication_lag", "replication_lag_bytes"], "on a primary, the role pg_monitor or pg_read_all_stats shows how far its replicas are"))
      }
      if version < 140_000 { limits.append(ServerReading.Limit(["wal_bytes"], "the server has pg_stat_wal from version 14 on")) }
      statementsSchema = text(3)
      reading.limits = limits
      if let schema = statementsSchema, statementsBefore == nil { askStatements(schema) } else { askActivity() }
    }
  }

  /// What statements have cost so far, once: what they cost from now on is the run's.
  private func askStatements(_ schema: String) {
    ask(
      ServerQueries.statements(schema: schema, version: version),
      refused: { [unowned self] error in
        statementsSchema = nil
        limits.append(ServerReading.Limit(["statements"], "pg_stat_statements cannot be read: \(error.message)"))
        reading.limits = limits
        askActivity()
      }
    ) { [unowned self] rows in
      statementsBefore = [:]
      for row in rows { if let id = row.first ?? nil { statementsBefore?[id] = PostgresServerProbe.totals(row) } }
      askActivity()
    }
  }

  private func askActivity() {
    ask(ServerQueries.activity) { [unowned self] rows in
      ServerQueries.read(rows.map { ServerQueries.Session($0) }, into: &reading)
      askCounters()
    }
  }

  private func askCounters() {
    let query = ServerQueries.counters(version: version)
    ask(query) { [unowned self] rows in
      note(rows.first ?? [], session.columnNames)
      if refusesReplication { end(nil) } else { askReplication() }
    }
  }

  private func askReplication() {
    ask(
      ServerQueries.replication,
      refused: { [unowned self] error in
        refusesReplication = true
        limits.append(ServerReading.Limit(["replicas", "replication_lag", "replication_lag_bytes"], error.message))
        reading.limits = limits
        end(nil)
      }
    ) { [unowned self] rows in
      note(rows.first ?? [], session.columnNames)
      if let lag = reading.values["replication_lag"] { reading.values["replication_lag"] = max(0, lag) * 1e9 }
      end(nil)
    }
  }

  private func note(_ row: [String?], _ names: [String]) {
    for (name, text) in zip(names, row) { if let text, let value = Double(text) { reading.values[name] = value } }
  }

  private func askTexts(_ schema: String, _ costs: [(id: String, cost: Totals)]) {
    guard !costs.isEmpty else { return finish([:], costs) }
    ask(ServerQueries.texts(schema: schema, ids: costs.map(\.id)), refused: { [unowned self] _ in finish([:], costs) }) { [unowned self] rows in
      var texts: [String: String] = [:]
      for row in rows where row.count >= 2 { if let id = row[0], let text = row[1] { texts[id] = text } }
      finish(texts, costs)
    }
  }

  private func finish(_ texts: [String: String], _ costs: [(id: String, cost: Totals)]) {
    let others = costs.filter { cost in !(texts[cost.id].map { text in PostgresServerProbe.isOwn(text) } ?? false) }
    reading.statements = others.prefix(PostgresServerProbe.statementsMax).map { id, cost in
      ServerReading.Statement(
        id: id, text: texts[id].map { ServerQueries.shown($0) } ?? "", calls: cost.calls, totalNanoseconds: cost.milliseconds * 1e6, rows: cost.rows)
    }
    end(nil)
  }

  /// Whether it is one of the probe's questions, which the extension counts like any other's.
  private static func isOwn(_ text: String) -> Bool {
    ["pg_stat_statements(", "FROM pg_stat_activity", "FROM pg_stat_database", "FROM pg_stat_replication", "FROM pg_extension e JOIN pg_namespace"]
      .contains { text.contains($0) }
  }

  private static func totals(_ row: [String?]) -> Totals {
    func text(_ column: Int) -> String { column < row.count ? row[column] ?? "" : "" }
    return Totals(calls: UInt64(text(1)) ?? 0, milliseconds: Double(text(2)) ?? 0, rows: UInt64(text(3)) ?? 0)
  }
}
