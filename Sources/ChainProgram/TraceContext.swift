/// Which systems are told the trace that a request belongs to (W3C Trace Context): a header of HTTP and AMQP, a comment in SQL.
package struct TraceContext: OptionSet, Sendable, Hashable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let http = TraceContext(rawValue: 1)
  package static let amqp = TraceContext(rawValue: 2)
  /// Every statement's text is another one then, so none is prepared.
  package static let sql = TraceContext(rawValue: 4)

  /// From `http,amqp,sql` or a part of it; nil if there is another word in it, or none.
  package init?(words: String) {
    self = []
    for word in words.split(separator: ",", omittingEmptySubsequences: false) {
      switch word {
      case "http": insert(.http)
      case "amqp": insert(.amqp)
      case "sql": insert(.sql)
      default: return nil
      }
    }
  }

  /// As ``init(words:)`` reads it, in one order; empty for none.
  package var words: String {
    [(TraceContext.http, "http"), (.amqp, "amqp"), (.sql, "sql")].filter { contains($0.0) }.map(\.1).joined(separator: ",")
  }

  /// Whether a connection of the kind is told.
  package func includes(kind: String) -> Bool {
    switch kind {
    case "http": contains(.http)
    case "amqp": contains(.amqp)
    case "postgres": contains(.sql)
    default: false
    }
  }
}
