package import ChainProgram

/// A connector whose servers tell about themselves while a run goes on: the figures of its schema's `serverView`.
package protocol ServerViewing: Connector {
  /// Makes what asks one server; opens nothing yet. Several probes of one server are asked apart from each other.
  ///
  /// - Parameter reactor: None of the load's.
  func makeServerProbes(connection: ConnectionIndex, target: any ConnectionTarget, program: Program, reactor: Reactor) -> [any ServerProbe]
}

/// Asks one server how it is, over a connection of its own and read-only. Lives on the thread of a reactor that carries no load.
///
/// One question at a time: `look` or `conclude`, whose completion is called once unless `drop` comes first.
package protocol ServerProbe: AnyObject {
  /// Seconds between two looks.
  var periodSeconds: UInt64 { get }

  /// Asks for the figures. Opens the connection first if it is not open.
  ///
  /// - Parameter deadline: Nanoseconds of CLOCK_MONOTONIC; whoever asks drops the probe then.
  func look(deadline: UInt64, completion: @escaping (ServerReading) -> Void)

  /// Asks once more, at the end of the load: for what is known of the whole time since the first look.
  func conclude(deadline: UInt64, completion: @escaping (ServerReading) -> Void)

  /// Gives up the connection and what was asked. The next look opens another one.
  func drop()

  /// Closes politely what can be closed at once.
  func close()
}

extension ServerProbe {
  package var periodSeconds: UInt64 { 1 }

  package func conclude(deadline: UInt64, completion: @escaping (ServerReading) -> Void) { completion(ServerReading()) }
}

/// What a server said when it was asked once.
package struct ServerReading: Sendable {
  /// Figures that cannot be seen, or only in part.
  package struct Limit: Sendable, Hashable {
    package let figures: [String]
    /// A phrase.
    package let reason: String

    package init(_ figures: [String], _ reason: String) {
      self.figures = figures
      self.reason = reason
    }
  }

  /// A statement by what it has cost since the first look.
  package struct Statement: Sendable, Hashable {
    package let id: String
    /// Without literals; empty where it may not be shown.
    package let text: String
    package let calls: UInt64
    package let totalNanoseconds: Double
    package let rows: UInt64

    package init(id: String, text: String, calls: UInt64, totalNanoseconds: Double, rows: UInt64) {
      self.id = id
      self.text = text
      self.calls = calls
      self.totalNanoseconds = totalNanoseconds
      self.rows = rows
    }
  }

  /// By the figure's name; of counters what the server has counted so far. What is missing is not known.
  package var values: [String: Double] = [:]
  /// What stands behind the values: sessions that wait by event, slow commands by name.
  package var parts: [(name: String, count: Double)] = []
  package var requests: UInt64 = 0
  /// `PostgreSQL 15.6`; empty if it was not asked this time.
  package var server = ""
  /// Nil if this time tells nothing new about them.
  package var limits: [Limit]?
  package var statements: [Statement]?
  /// Why nothing was said; the connection is given up.
  package var error: OperationError?
  /// There is nothing to ask here, now or later.
  package var isOver = false

  package init() {}
}
