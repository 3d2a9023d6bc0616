internal import CPostgres

/// The history of a team, in a table `chainrun_run` of a PostgreSQL database. Confined to the thread that made it; its calls block.
package final class PostgresStore: RunStore {
  private let connection: OpaquePointer

  /// Connects within 10 s and makes the table if it is not there.
  ///
  /// - Parameter address: A libpq URI or connection string. It never appears in messages.
  package init(address: String) throws(RunStoreError) {
    let keys = ["dbname", "connect_timeout", "application_name"]
    let values = [address, "10", "chainrun history"]
    connection = Self.withCStrings(keys) { keys in Self.withCStrings(values) { PQconnectdbParams(keys, $0, 1) } }
    guard PQstatus(connection) == CONNECTION_OK else {
      let cause = Self.firstLine(String(cString: PQerrorMessage(connection)))
      // deinit ends the connection: it runs for an initialiser that throws with everything set.
      throw RunStoreError("cannot reach the history's database: \(cause)")
    }
    // A notice that the table is there already is nobody's business.
    PQsetNoticeProcessor(connection, { _, _ in }, nil)
    _ = try query(
      """
      SET statement_timeout = '30s';
      CREATE TABLE IF NOT EXISTS chainrun_run (
        id text PRIMARY KEY, started double precision NOT NULL, chain text NOT NULL, profile text NOT NULL, stamp bigint NOT NULL, figures text NOT NULL
      )
      """, [])
  }

  deinit {
    PQfinish(connection)
  }

  package func stamps() throws(RunStoreError) -> [String: Int64] {
    var stamps: [String: Int64] = [:]
    for row in try query("SELECT id, stamp FROM chainrun_run", []) { stamps[row[0]] = Int64(row[1]) ?? 0 }
    return stamps
  }

  package func save(_ run: RunFigures, stamp: Int64) throws(RunStoreError) {
    _ = try query(
      """
      INSERT INTO chainrun_run (id, started, chain, profile, stamp, figures) VALUES ($1, $2::double precision, $3, $4, $5::bigint, $6)
      ON CONFLICT (id) DO UPDATE SET started = excluded.started, chain = excluded.chain, profile = excluded.profile,
        stamp = excluded.stamp, figures = excluded.figures
      """, [run.runID, String(run.startedAt), run.conditions.chain, run.conditions.profile, String(stamp), run.jsonText])
  }

  package func forget(runID: String) throws(RunStoreError) {
    _ = try query("DELETE FROM chainrun_run WHERE id = $1", [runID])
  }

  package func runs() throws(RunStoreError) -> [RunFigures] {
    try query("SELECT figures FROM chainrun_run ORDER BY started, id", []).compactMap { RunFigures(jsonText: $0[0]) }
  }

  private func query(_ sql: String, _ parameters: [String]) throws(RunStoreError) -> [[String]] {
    // Several statements in one text are only possible without parameters.
    let result = parameters.isEmpty
      ? PQexec(connection, sql)
      : Self.withCStrings(parameters) { PQexecParams(connection, sql, Int32(parameters.count), nil, $0, nil, nil, 0) }
    defer { PQclear(result) }
    let status = PQresultStatus(result)
    guard status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK else {
      throw RunStoreError("the history's database refused: \(Self.firstLine(String(cString: PQresultErrorMessage(result))))")
    }
    let columns = PQnfields(result)
    return (0..<PQntuples(result)).map { row in (0..<columns).map { String(cString: PQgetvalue(result, row, $0)) } }
  }

  private static func firstLine(_ text: String) -> String { text.split(separator: "\n").first.map(String.init) ?? "no reason given" }

  private static func withCStrings<Result>(_ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Result) -> Result {
    let copies = texts.map { text in
      let bytes = Array(text.utf8CString)
      let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
      copy.initialize(from: bytes, count: bytes.count)
      return copy
    }
    defer { for copy in copies { copy.deallocate() } }
    let pointers: [UnsafePointer<CChar>?] = copies.map { UnsafePointer($0) } + [nil]
    return pointers.withUnsafeBufferPointer { body($0.baseAddress!) }
  }
}
