/// One figure that a server tells about itself while a run goes on: a row of a connector's catalogue.
///
/// Selected as `server.<connection>.<name>`, or `server.<connection>.<noun>.<object>.<name>` where it belongs to one of the server's objects.
package struct ServerFigure: Sendable, Hashable {
  package enum Unit: String, Sendable, Hashable, CaseIterable {
    case count, bytes, nanoseconds
    /// A fraction: 0.25 is 25 %.
    case share
  }

  /// How a second's value comes about.
  package enum Form: Sendable, Hashable {
    /// What the server says at one moment of the second.
    case gauge
    /// What the server counts: the value is its increase per second.
    case counter
    /// Of what two counters of the same server gained, the share of the first.
    case quotient(of: String, and: String)
  }

  /// What it says about where time goes.
  package enum Role: String, Sendable, Hashable, CaseIterable {
    /// Somebody waits, or is made to: looked at where steps were slow.
    case pressure
    /// How much the server does.
    case work
    /// Anything else worth keeping.
    case state
  }

  package let name: String
  package let unit: Unit
  package let form: Form
  package let role: Role
  /// Title of the row under the timeline that draws it, together with the others of this title; empty for none.
  package let plot: String
  /// One sentence for the reference.
  package let summary: String

  package init(_ name: String, _ unit: Unit, _ form: Form, _ role: Role, plot: String = "", _ summary: String) {
    self.name = name
    self.unit = unit
    self.form = form
    self.role = role
    self.plot = plot
    self.summary = summary
  }
}

/// What a connector's servers tell about themselves; nothing if it has no figures.
package struct ServerViewSchema: Sendable {
  package let figures: [ServerFigure]
  package let objects: ServerObjects?

  package init(figures: [ServerFigure] = [], objects: ServerObjects? = nil) {
    self.figures = figures
    self.objects = objects
  }
}

/// Objects of a server, such as queues, that have figures of their own where the chain names them.
package struct ServerObjects: Sendable {
  /// `queue`
  package let noun: String
  package let figures: [ServerFigure]
  /// Names that something in the chain mentions: an operation (by its verb), a hop (by its observer), or the connection's own keys (`""`).
  package let names: @Sendable (_ of: String, _ operands: [(name: String, value: OperandTemplate)]) -> [String]

  package init(
    noun: String, figures: [ServerFigure],
    names: @escaping @Sendable (_ of: String, _ operands: [(name: String, value: OperandTemplate)]) -> [String]
  ) {
    self.noun = noun
    self.figures = figures
    self.names = names
  }

  /// At most so many of one connection are looked at.
  package static let objectsMax = 50
}

/// A figure of one of the chain's connections: a row of `Program.serverFigures`.
package struct ServerFigureDeclaration: Sendable, Hashable {
  package let connection: ConnectionIndex
  /// As selectors have it behind the connection's name: `waiting_lock`, `queue.orders_cache.depth`.
  package let name: String
  /// The object's own name, `orders.cache`; empty for a figure of the server itself.
  package let object: String
  package let figure: ServerFigure

  package init(connection: ConnectionIndex, name: String, object: String = "", figure: ServerFigure) {
    self.connection = connection
    self.name = name
    self.object = object
    self.figure = figure
  }
}

extension ServerFigureDeclaration {
  /// The figures of one connection: first the server's, then those of its objects, whose names become identifiers
  /// (`orders.cache` is `orders_cache`; of two names that become the same, the second gets `_2`).
  package static func all(of connection: ConnectionIndex, _ schema: ServerViewSchema, objects: [String]) -> [ServerFigureDeclaration] {
    var declarations = schema.figures.map { ServerFigureDeclaration(connection: connection, name: $0.name, figure: $0) }
    guard let kind = schema.objects else { return declarations }
    var taken: Set<String> = []
    for object in objects.prefix(ServerObjects.objectsMax) {
      let plain = identifier(object)
      var name = plain
      var number = 2
      while !taken.insert(name).inserted {
        name = "\(plain)_\(number)"
        number += 1
      }
      for figure in kind.figures {
        declarations.append(
          ServerFigureDeclaration(connection: connection, name: "\(kind.noun).\(name).\(figure.name)", object: object, figure: figure))
      }
    }
    return declarations
  }

  /// Whatever an identifier cannot hold becomes `_`.
  package static func identifier(_ name: String) -> String {
    var text = ""
    for scalar in name.unicodeScalars {
      switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9", "_": text.unicodeScalars.append(scalar)
      default: text.append("_")
      }
    }
    return text
  }
}

extension Program {
  /// Rows of `serverFigures` that belong to a connection.
  package func serverFigures(of connection: ConnectionIndex) -> Range<Int> {
    let first = serverFigures.firstIndex { $0.connection == connection } ?? 0
    let count = serverFigures[first...].prefix { $0.connection == connection }.count
    return first..<first + count
  }
}
