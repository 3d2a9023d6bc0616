package import ChainProgram

/// A connector that can ask its system, before any load, whether a chain's operations could work there.
///
/// Everything it sends is read-only: it leaves the system as it was, and says what it could not find out that way.
package protocol OnlineInspection: Connector {
  /// Asks about the operations and hops of one connection. Blocks the calling thread, which is no reactor's, until `deadline`
  /// (nanoseconds of CLOCK_MONOTONIC) at the latest.
  func inspect(connection: ConnectionIndex, target: any ConnectionTarget, program: Program, deadline: UInt64) -> InspectionReport
}

/// What a system said about the part of a program that uses one connection.
package struct InspectionReport: Sendable {
  /// The server's name and version as it gives them; empty if it was not asked.
  package var server = ""
  package var statements: [StatementFacts] = []
  package var problems: [InspectionProblem] = []

  package init() {}

  package mutating func add(_ kind: InspectionProblem.Kind, _ subject: InspectionProblem.Subject, _ message: String, help: String? = nil) {
    problems.append(InspectionProblem(kind: kind, subject: subject, message: message, help: help))
  }
}

/// What a database knows about one statement without running it.
package struct StatementFacts: Sendable {
  package struct Column: Sendable, Hashable {
    package let name: String
    package let type: ColumnType
    package init(name: String, type: ColumnType) {
      self.name = name
      self.type = type
    }
  }

  /// Index into the program's operations.
  package let operation: Int
  package let parameters: [ColumnType]
  package let columns: [Column]

  package init(operation: Int, parameters: [ColumnType], columns: [Column]) {
    self.operation = operation
    self.parameters = parameters
    self.columns = columns
  }
}

/// A database's type: its own name, and what it holds.
package struct ColumnType: Sendable, Hashable {
  package enum Family: Sendable, Hashable {
    case integer
    /// Exact, with as many digits after the point; nil if the type does not say.
    case decimal(scale: Int?)
    case float
    case bool
    case text
    case uuid
    /// With a time zone.
    case instant
    /// A date, a time, or a timestamp without time zone: no single moment.
    case calendar
    case interval
    case json
    case bytes
    /// Enumerations, arrays, ranges, network addresses and the rest: they have a text form of their own.
    case other
  }

  package let name: String
  package let family: Family

  package init(name: String, family: Family) {
    self.name = name
    self.family = family
  }
}

/// Something that the chain wants and the system does not give, or that could not be found out.
package struct InspectionProblem: Sendable {
  package enum Kind: Sendable, Hashable {
    case unreachable
    case unchecked
    case version
    case statement
    case unknownColumn
    case missingExchange
    case missingQueue
    case permission
  }

  package enum Subject: Sendable, Hashable {
    case connection
    /// An operation, and if it is known the place in its text: a UTF-8 offset.
    case operation(Int, position: Int?)
    case hop(event: Int, hop: Int)
  }

  package let kind: Kind
  package let subject: Subject
  /// A phrase, as a finding's message.
  package let message: String
  package let help: String?

  package init(kind: Kind, subject: Subject, message: String, help: String?) {
    self.kind = kind
    self.subject = subject
    self.message = message
    self.help = help
  }
}
