internal import CPostgres
import Foundation

/// A blocking PostgreSQL connection, for one thread.
final class Database {
  private let connection: OpaquePointer

  init(_ address: String) throws {
    func copies(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] { texts.map { strdup($0) } }
    let names = copies(["dbname", "fallback_application_name", "connect_timeout", "tcp_user_timeout"])
    let values = copies([address, "OrderPipeline", "5", "10000"])
    defer { for copy in names + values { free(copy) } }
    // libpq: with expand_dbname the address stands in 'dbname', and what follows fills in what it leaves out. Manual 34.1.
    guard let connection = PQconnectdbParams((names + [nil]).map { UnsafePointer($0) }, (values + [nil]).map { UnsafePointer($0) }, 1)
    else { throw PipelineError("PostgreSQL: out of memory") }
    self.connection = connection
    guard PQstatus(connection) == CONNECTION_OK else { throw failure("connecting") }
    PQsetNoticeProcessor(connection, { _, _ in }, nil)
  }

  deinit { PQfinish(connection) }

  /// Runs statements that return nothing.
  func run(_ sql: String) throws {
    let result = PQexec(connection, sql)
    defer { PQclear(result) }
    let status = PQresultStatus(result)
    guard status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK else { throw failure("'\(sql.prefix(40))'") }
  }

  func prepare(_ name: String, _ sql: String) throws {
    let result = PQprepare(connection, name, sql, 0, nil)
    defer { PQclear(result) }
    guard PQresultStatus(result) == PGRES_COMMAND_OK else { throw failure("preparing '\(name)'") }
  }

  /// The rows of a prepared statement, every value as text, NULL as the empty text.
  ///
  /// - Parameter parameters: As text; the server takes their types from the statement.
  @discardableResult
  func rows(_ name: String, _ parameters: [String] = []) throws -> [[String]] {
    let copies = parameters.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    let values = copies.map { UnsafePointer<CChar>($0) }
    let result = PQexecPrepared(connection, name, Int32(values.count), values, nil, nil, 0)
    defer { PQclear(result) }
    let status = PQresultStatus(result)
    guard status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK else { throw failure("'\(name)'") }
    let columns = PQnfields(result)
    return (0..<PQntuples(result)).map { row in
      (0..<columns).map { column in String(cString: PQgetvalue(result, row, column)) }
    }
  }

  /// Waits until a notification comes or the time is over.
  ///
  /// - Returns: whether one came.
  @discardableResult
  func awaitNotification(nanoseconds: UInt64) throws -> Bool {
    var descriptor = pollfd(fd: PQsocket(connection), events: Int16(POLLIN), revents: 0)
    if takeNotifications() { return true }
    // `poll` knows no less than a millisecond, so the last one is slept.
    if nanoseconds < 1_000_000 { usleep(UInt32(nanoseconds / 1_000)) }
    guard poll(&descriptor, 1, Int32(clamping: nanoseconds / 1_000_000)) > 0 else { return false }
    guard PQconsumeInput(connection) == 1 else { throw failure("waiting for a notification") }
    return takeNotifications()
  }

  private func takeNotifications() -> Bool {
    var found = false
    while let notification = PQnotifies(connection) {
      PQfreemem(notification)
      found = true
    }
    return found
  }

  private func failure(_ operation: String) -> PipelineError {
    PipelineError("PostgreSQL, \(operation): \(String(cString: PQerrorMessage(connection)))")
  }
}
