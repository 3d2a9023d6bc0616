import ChainIO

/// What the probe of a server asks, and how its answers are read. Pure: rows of text in, figures out.
enum ServerQueries {
  /// One row: version, whether other users' sessions are visible, whether it is a replica, the schema of `pg_stat_statements`.
  static let identity = """
    SELECT current_setting('server_version'), pg_has_role('pg_read_all_stats', 'USAGE'), current_user,
      (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements')
    """

  /// Rows by database, state and wait. A session that the user may not look into has neither state nor type, and counts as a backend.
  static let activity = """
    SELECT datname IS NOT DISTINCT FROM current_database(), state, wait_event_type, wait_event, count(*),
      max(extract(epoch FROM clock_timestamp() - xact_start)), current_setting('max_connections')
    FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND (backend_type = 'client backend' OR (backend_type IS NULL AND datname IS NOT NULL))
    GROUP BY 1, 2, 3, 4
    """

  /// One row of counters, named as the figures are.
  ///
  /// - Parameter version: As libpq gives it: 150006.
  static func counters(version: Int32) -> String {
    var columns = [
      "xact_commit AS commits", "xact_rollback AS rollbacks", "blks_read AS blocks_read", "blks_hit AS blocks_hit", "deadlocks AS deadlocks",
      "temp_bytes AS temp_bytes", "tup_returned AS rows_returned", "tup_fetched AS rows_fetched", "tup_inserted AS rows_inserted",
      "tup_updated AS rows_updated", "tup_deleted AS rows_deleted",
    ]
    if version >= 140_000 { columns.append("(SELECT wal_bytes FROM pg_stat_wal) AS wal_bytes") }
    if version >= 170_000 {
      columns.append("(SELECT num_timed + num_requested FROM pg_stat_checkpointer) AS checkpoints")
      columns.append("(SELECT num_requested FROM pg_stat_checkpointer) AS checkpoints_requested")
    } else {
      columns.append("(SELECT checkpoints_timed + checkpoints_req FROM pg_stat_bgwriter) AS checkpoints")
      columns.append("(SELECT checkpoints_req FROM pg_stat_bgwriter) AS checkpoints_requested")
    }
    return "SELECT \(columns.joined(separator: ", ")) FROM pg_stat_database WHERE datname = current_database()"
  }

  /// One row, named as the figures are; NULL where there is nothing to lag.
  static let replication = """
    SELECT CASE WHEN r.replica THEN NULL ELSE s.replicas END AS replicas,
      CASE WHEN NOT r.replica THEN s.lag
        WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
        ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END AS replication_lag,
      CASE WHEN r.replica THEN pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
        ELSE pg_wal_lsn_diff(pg_current_wal_lsn(), s.replayed) END AS replication_lag_bytes
    FROM (SELECT pg_is_in_recovery() AS replica) r,
      (SELECT count(*) AS replicas, max(extract(epoch FROM replay_lag)) AS lag, min(replay_lsn) AS replayed FROM pg_stat_replication) s
    """

  /// Rows of id, calls, milliseconds and rows, without texts: those are read for the few that matter.
  ///
  /// - Parameter version: Of the server: 13 named the column anew.
  static func statements(schema: String, version: Int32) -> String {
    let time = version >= 130_000 ? "total_exec_time" : "total_time"
    return """
      SELECT queryid, sum(calls), sum(\(time)), sum(rows) FROM \(quoted(schema)).pg_stat_statements(false)
      WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND queryid IS NOT NULL GROUP BY queryid
      """
  }

  /// Rows of id and text.
  ///
  /// - Parameter ids: As the server wrote them: whole numbers.
  static func texts(schema: String, ids: [String]) -> String {
    let list = ids.filter { id in !id.isEmpty && id.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2D } }.joined(separator: ", ")
    return "SELECT queryid, min(query) FROM \(quoted(schema)).pg_stat_statements(true) WHERE queryid IN (\(list)) GROUP BY queryid"
  }

  private static func quoted(_ name: String) -> String {
    "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }

  // Reading

  /// A row of `activity`.
  struct Session {
    var isOwnDatabase: Bool
    var state: String
    var waitType: String
    var waitEvent: String
    var count: Double
    /// Seconds; nil where none of them has a transaction open.
    var oldest: Double?
    var connectionsMax: Double

    init(isOwnDatabase: Bool, state: String, waitType: String, waitEvent: String, count: Double, oldest: Double? = nil, connectionsMax: Double = 100) {
      self.isOwnDatabase = isOwnDatabase
      self.state = state
      self.waitType = waitType
      self.waitEvent = waitEvent
      self.count = count
      self.oldest = oldest
      self.connectionsMax = connectionsMax
    }

    init(_ row: [String?]) {
      func text(_ column: Int) -> String { column < row.count ? row[column] ?? "" : "" }
      self.init(
        isOwnDatabase: text(0) == "t", state: text(1), waitType: text(2), waitEvent: text(3), count: Double(text(4)) ?? 0, oldest: Double(text(5)),
        connectionsMax: Double(text(6)) ?? 0)
    }
  }

  /// Sessions by what they do and wait for.
  static func read(_ sessions: [Session], into reading: inout ServerReading) {
    var values: [String: Double] = [:]
    let own = sessions.filter(\.isOwnDatabase)
    func sum(_ holds: (Session) -> Bool) -> Double { own.reduce(0) { $0 + (holds($1) ? $1.count : 0) } }
    func isActive(_ session: Session) -> Bool { session.state == "active" || session.state == "fastpath function call" }
    values["backends"] = sum { _ in true }
    values["active"] = sum(isActive)
    values["running"] = sum { isActive($0) && $0.waitType.isEmpty }
    values["idle_in_transaction"] = sum { $0.state.hasPrefix("idle in transaction") }
    values["waiting_lock"] = sum { isActive($0) && $0.waitType == "Lock" }
    values["waiting_lwlock"] = sum { isActive($0) && $0.waitType == "LWLock" }
    values["waiting_io"] = sum { isActive($0) && $0.waitType == "IO" }
    values["waiting_client"] = sum { isActive($0) && $0.waitType == "Client" }
    values["waiting_other"] = sum { isActive($0) && !["", "Lock", "LWLock", "IO", "Client"].contains($0.waitType) }
    values["waiting"] = sum { isActive($0) && !["", "Client"].contains($0.waitType) }
    values["longest_transaction"] = max(0, own.compactMap(\.oldest).max() ?? 0) * 1e9
    if let most = sessions.first?.connectionsMax, most > 0 {
      // The probe's own is one of them.
      values["connections_used"] = (sessions.reduce(0) { $0 + $1.count } + 1) / most
    }
    reading.values.merge(values) { $1 }
    reading.parts = own.filter { isActive($0) && !["", "Client"].contains($0.waitType) }
      .map { (name: "\($0.waitType): \($0.waitEvent)", count: $0.count) }.sorted { ($1.count, $0.name) < ($0.count, $1.name) }
  }

  /// Whether a statement's text may be shown: the extension has replaced the literals of everything that it plans, but leaves utility
  /// statements as they were sent, passwords included.
  static func isWithoutLiterals(_ text: String) -> Bool {
    var previous = UInt8(ascii: " ")
    for byte in text.utf8 {
      if byte == UInt8(ascii: "'") { return false }
      let isDigit = byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
      let isPartOfName =
        previous == UInt8(ascii: "$") || previous == UInt8(ascii: "_") || (previous | 0x20) >= UInt8(ascii: "a") && (previous | 0x20) <= UInt8(ascii: "z")
        || previous >= UInt8(ascii: "0") && previous <= UInt8(ascii: "9") || previous >= 0x80
      if isDigit, !isPartOfName { return false }
      // `$tag$`, `$$`: a parameter has digits behind its dollar.
      if previous == UInt8(ascii: "$"), !isDigit { return false }
      // A comment may hold anything.
      if previous == UInt8(ascii: "-") && byte == UInt8(ascii: "-") || previous == UInt8(ascii: "/") && byte == UInt8(ascii: "*") { return false }
      previous = byte
    }
    return previous != UInt8(ascii: "$")
  }

  /// One line of at most 200 characters; empty where it may not be shown.
  static func shown(_ text: String) -> String {
    guard isWithoutLiterals(text), text != "<insufficient privilege>" else { return "" }
    let line = text.split { $0.isWhitespace || $0.isNewline }.joined(separator: " ")
    return line.count > 200 ? String(line.prefix(199)) + "…" : line
  }
}
