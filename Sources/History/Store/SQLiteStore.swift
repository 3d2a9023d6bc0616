internal import Glibc

/// The history in a file beside the result folders.
package final class SQLiteStore: RunStore {
  /// Counted up when the table or what is kept of a run changes; a file of another version is made anew.
  private static let schemaVersion: Int64 = 2
  private let database: SQLiteDatabase

  /// Opens the file or makes it. One that is damaged or of another version is a cache that has gone bad: it is made anew.
  package init(path: String) throws(RunStoreError) {
    if let database = try? Self.open(path) {
      self.database = database
      return
    }
    for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
    database = try Self.open(path)
  }

  private static func open(_ path: String) throws(RunStoreError) -> SQLiteDatabase {
    let database = try SQLiteDatabase(path: path)
    let found = try database.integer("PRAGMA user_version")
    guard found == 0 || found == schemaVersion else { throw RunStoreError("the history '\(path)' has version \(found)") }
    chmod(path, 0o600)
    try database.execute("PRAGMA journal_mode = WAL")
    try database.execute(
      """
      CREATE TABLE IF NOT EXISTS run (
        id TEXT PRIMARY KEY, started REAL NOT NULL, chain TEXT NOT NULL, profile TEXT NOT NULL, stamp INTEGER NOT NULL, figures TEXT NOT NULL
      ) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS run_by_chain ON run (chain, profile, started);
      PRAGMA user_version = \(schemaVersion);
      """)
    // Reads the table once: damage shows here, not later.
    _ = try database.integer("SELECT count(*) FROM run")
    return database
  }

  package func stamps() throws(RunStoreError) -> [String: Int64] {
    let statement = try database.statement("SELECT id, stamp FROM run")
    var stamps: [String: Int64] = [:]
    while try statement.step() { stamps[statement.text(0)] = statement.integer(1) }
    return stamps
  }

  package func save(_ run: RunFigures, stamp: Int64) throws(RunStoreError) {
    let statement = try database.statement("INSERT OR REPLACE INTO run (id, started, chain, profile, stamp, figures) VALUES (?, ?, ?, ?, ?, ?)")
    statement.bind(run.runID, at: 1)
    statement.bind(run.startedAt, at: 2)
    statement.bind(run.conditions.chain, at: 3)
    statement.bind(run.conditions.profile, at: 4)
    statement.bind(stamp, at: 5)
    statement.bind(run.jsonText, at: 6)
    _ = try statement.step()
  }

  package func forget(runID: String) throws(RunStoreError) {
    let statement = try database.statement("DELETE FROM run WHERE id = ?")
    statement.bind(runID, at: 1)
    _ = try statement.step()
  }

  package func runs() throws(RunStoreError) -> [RunFigures] {
    let statement = try database.statement("SELECT figures FROM run ORDER BY started, id")
    var runs: [RunFigures] = []
    while try statement.step() {
      if let run = RunFigures(jsonText: statement.text(0)) { runs.append(run) }
    }
    return runs
  }
}
