internal import CSQLite

/// A connection to one SQLite file. Confined to the thread that made it.
///
/// Related documentation: <https://www.sqlite.org/c3ref/intro.html>
final class SQLiteDatabase {
  private var handle: OpaquePointer?

  init(path: String) throws(RunStoreError) {
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
    let code = sqlite3_open_v2(path, &handle, flags, nil)
    guard code == SQLITE_OK else {
      let message = handle.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
      // deinit closes the handle: it runs for an initialiser that throws with everything set.
      throw RunStoreError("cannot open the history '\(path)': \(message)")
    }
    // Another chainrun may be writing: wait for it, but not for ever.
    sqlite3_busy_timeout(handle, 5_000)
  }

  deinit {
    sqlite3_close_v2(handle)
  }

  var message: String { handle.map { String(cString: sqlite3_errmsg($0)) } ?? "closed" }

  func execute(_ sql: String) throws(RunStoreError) {
    guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw RunStoreError("the history cannot be written: \(message)") }
  }

  /// The first column of the first row; 0 without one. Nothing stays open.
  func integer(_ sql: String) throws(RunStoreError) -> Int64 {
    let statement = try statement(sql)
    defer { statement.finish() }
    return try statement.step() ? statement.integer(0) : 0
  }

  func statement(_ sql: String) throws(RunStoreError) -> SQLiteStatement {
    var statement: OpaquePointer?
    guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK, let statement else {
      throw RunStoreError("the history cannot be read: \(message)")
    }
    return SQLiteStatement(statement, of: self)
  }
}

/// A prepared statement: finalised when nobody has it any more.
final class SQLiteStatement {
  private let handle: OpaquePointer
  private let database: SQLiteDatabase

  fileprivate init(_ handle: OpaquePointer, of database: SQLiteDatabase) {
    self.handle = handle
    self.database = database
  }

  deinit {
    sqlite3_finalize(handle)
  }

  /// Lets go of the row that it stands on, and of the transaction that the row keeps open.
  func finish() { sqlite3_reset(handle) }

  /// - Parameter position: From 1.
  func bind(_ text: String, at position: Int32) {
    // SQLITE_TRANSIENT: SQLite copies the bytes.
    sqlite3_bind_text(handle, position, text, -1, unsafeBitCast(-1, to: sqlite3_destructor_type.self))
  }

  func bind(_ number: Int64, at position: Int32) { sqlite3_bind_int64(handle, position, number) }
  func bind(_ number: Double, at position: Int32) { sqlite3_bind_double(handle, position, number) }

  /// - Returns: whether there is a row.
  func step() throws(RunStoreError) -> Bool {
    switch sqlite3_step(handle) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    default: throw RunStoreError("the history cannot be used: \(database.message)")
    }
  }

  /// - Parameter column: From 0.
  func text(_ column: Int32) -> String { sqlite3_column_text(handle, column).map { String(cString: $0) } ?? "" }
  func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }
}
