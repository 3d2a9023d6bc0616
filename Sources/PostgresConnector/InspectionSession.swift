internal import CPostgres
import ChainIO
import Glibc

/// A connection of its own for looking at a database, one request at a time. Blocks its thread, up to its deadline.
///
/// Every transaction of the session is read-only by the server's own rule.
final class InspectionSession {
  /// libpq's handle; this object is its one owner.
  private let handle: OpaquePointer
  private let address: String
  /// Nanoseconds of CLOCK_MONOTONIC.
  private let deadline: UInt64

  /// - Throws: class `connect`, with the address and never the password.
  init(target: PostgresTarget, deadline: UInt64) throws(OperationError) {
    let now = MonotonicClock.now
    let rest = deadline > now ? deadline - now : 0
    let text = target.connectionText(
      isReadOnly: true, statementTimeoutMilliseconds: max(1, rest / 1_000_000), connectTimeoutNanoseconds: rest)
    guard let handle = PQconnectStart(text) else { throw OperationError(.environment, "out of memory") }
    self.handle = handle
    self.deadline = deadline
    address = target.displayAddress
    guard PQstatus(handle) != CONNECTION_BAD else { throw PostgresConnection.connectError(handle, address: address) }
    PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
    _ = PQsetNoticeReceiver(handle, { _, _ in }, nil)
    var events = Int16(POLLOUT)
    while true {
      guard wait(for: events) else {
        throw OperationError(.connect, code: "timeout", "cannot connect to \(address): no answer by the deadline")
      }
      switch PQconnectPoll(handle) {
      case PGRES_POLLING_READING: events = Int16(POLLIN)
      case PGRES_POLLING_WRITING: events = Int16(POLLOUT)
      case PGRES_POLLING_OK:
        PQsetErrorVerbosity(handle, PQERRORS_DEFAULT)
        guard PQsetnonblocking(handle, 1) == 0 else { throw PostgresConnection.connectError(handle, address: address) }
        return
      default: throw PostgresConnection.connectError(handle, address: address)
      }
    }
  }

  deinit { PQfinish(handle) }

  /// `15.6`.
  var serverVersion: String { PQparameterStatus(handle, "server_version").map { String(cString: $0) } ?? "" }

  func prepare(_ plan: StatementPlan, read: (borrowing ServerReply) -> Void) throws(OperationError) {
    try request(PQsendPrepare(handle, plan.name, plan.text, 0, nil), read: read)
  }

  func describe(_ plan: StatementPlan, read: (borrowing ServerReply) -> Void) throws(OperationError) {
    try request(PQsendDescribePrepared(handle, plan.name), read: read)
  }

  func query(_ text: String, read: (borrowing ServerReply) -> Void = { _ in }) throws(OperationError) {
    try request(PQsendQueryParams(handle, text, 0, nil, nil, nil, nil, 0), read: read)
  }

  /// Waits for all replies to what was sent.
  ///
  /// - Throws: class `timeout` or `disconnected`; what the server refuses is a reply.
  private func request(_ sent: Int32, read: (borrowing ServerReply) -> Void) throws(OperationError) {
    guard sent == 1 else { throw lost() }
    while true {
      let pending = PQflush(handle)
      guard pending >= 0 else { throw lost() }
      if pending == 0, PQisBusy(handle) == 0 {
        guard let pointer = PQgetResult(handle) else { return }
        let reply = ServerReply(pointer)
        if reply.kind == .copy { throw OperationError(.protocol, code: "copy", "COPY with the client is not supported") }
        read(reply)
        continue
      }
      guard wait(for: Int16(POLLIN) | (pending == 1 ? Int16(POLLOUT) : 0)) else {
        throw OperationError(.timeout, code: "timeout", "\(address) did not answer by the deadline")
      }
      guard PQconsumeInput(handle) == 1 else { throw lost() }
    }
  }

  /// Waits for readiness; false at the deadline.
  private func wait(for events: Int16) -> Bool {
    while true {
      let now = MonotonicClock.now
      guard now < deadline else { return false }
      var descriptor = pollfd(fd: PQsocket(handle), events: events, revents: 0)
      let milliseconds = min((deadline - now) / 1_000_000 + 1, 60_000)
      let count = poll(&descriptor, 1, Int32(milliseconds))
      if count > 0 { return true }
      if count < 0, errno != EINTR { return false }
    }
  }

  private func lost() -> OperationError {
    OperationError(
      .disconnected, code: "EOF", "lost the connection to \(address): \(ServerReply.firstLine(String(cString: PQerrorMessage(handle))))")
  }
}
