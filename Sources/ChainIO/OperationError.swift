import Glibc

/// What a system, a connection or a deadline said no with. The class decides what retries and reports do; the code is the system's own.
package struct OperationError: Error, Sendable, Hashable {
  package enum Class: String, Sendable, Hashable, CaseIterable {
    /// No connection could be made, or authentication was refused.
    case connect
    /// A client-side deadline passed.
    case timeout
    /// The connection was lost in mid-flight.
    case disconnected
    /// The server answered with an error.
    case server
    /// The server's bytes made no sense, or a limit of ours was exceeded.
    case `protocol`
    /// An expression of the chain failed on the value that came: a cast, a missing row, an overflow.
    case value
    /// A check did not hold.
    case check
    /// An awaited event or condition did not come in time: a verdict, not a fault of a connection.
    case missedDeadline = "missed_deadline"
    /// `fail:` in the chain.
    case failed
    /// This machine said no: descriptors, memory, files.
    case environment
  }

  package let `class`: Class
  /// SQLSTATE, AMQP reply code, Redis error word, HTTP status, curl code or errno name; empty if there is none.
  package let code: String
  /// A lower-case phrase without values of the user's system, as far as we can tell.
  package let message: String

  package init(_ class: Class, code: String = "", _ message: String) {
    self.class = `class`
    self.code = code
    self.message = message
  }

  /// The error of a system call.
  package static func system(_ call: String, _ number: Int32, class: Class = .environment) -> OperationError {
    OperationError(`class`, code: errnoName(number), "\(call): \(String(cString: strerror(number)))")
  }

  package static func errnoName(_ number: Int32) -> String {
    switch number {
    case ECONNREFUSED: "ECONNREFUSED"
    case ECONNRESET: "ECONNRESET"
    case ETIMEDOUT: "ETIMEDOUT"
    case EHOSTUNREACH: "EHOSTUNREACH"
    case ENETUNREACH: "ENETUNREACH"
    case EPIPE: "EPIPE"
    case EMFILE: "EMFILE"
    case ENFILE: "ENFILE"
    case EACCES: "EACCES"
    case EADDRNOTAVAIL: "EADDRNOTAVAIL"
    default: "errno \(number)"
    }
  }
}
