package import ChainProgram

/// A system that chains can talk to: what its verbs look like, and how they run. A value; `chainrun`'s main passes the list of them.
package protocol Connector: Sendable {
  var schema: ConnectorSchema { get }

  /// Reads the address and resolves its host name. May block: called off the reactors, before the load.
  ///
  /// - Throws: an `OperationError` of class `connect` that names the host and never the password.
  func resolve(_ declaration: ConnectionDeclaration, address: String) throws(OperationError) -> any ConnectionTarget

  /// Makes the driver of one declared connection on one reactor and compiles the program's operations for it. Connects nothing yet.
  ///
  /// - Parameter users: Virtual users that may use it at the same time, for `pool: per_vu`.
  /// - Throws: an `OperationError` of class `protocol` when an operation cannot be compiled (the linter should have said so).
  func makeDriver(connection: ConnectionIndex, target: any ConnectionTarget, program: Program, users: Int, reactor: Reactor)
    throws(OperationError) -> any ConnectionDriver

  /// At most how many sockets one declared connection opens, those of its observers included: what the process's descriptors must suffice for.
  ///
  /// - Parameter users: As for `makeDriver`.
  func socketsMax(connection: ConnectionIndex, program: Program, users: Int) -> (pool: Int, observers: Int)
}

extension Connector {
  /// A pool of the size declared, and two connections for each observed hop.
  package func socketsMax(connection: ConnectionIndex, program: Program, users: Int) -> (pool: Int, observers: Int) {
    let pool =
      switch program.connections[connection.index].pool {
      case .size(let size): size
      case .perUser: users
      }
    let hops = program.events.reduce(0) { $0 + $1.hops.count { $0.connection == connection } }
    return (max(1, pool), 2 * hops)
  }
}

/// A resolved address.
package protocol ConnectionTarget: Sendable {
  /// Host and port (or socket path) as messages show it; never a password.
  var displayAddress: String { get }
  /// The host as the author wrote it, for `guard:`.
  var host: String { get }
}

/// One declared connection on one reactor, with its pool. Lives on the reactor's thread.
///
/// Nothing here blocks. Whatever is submitted ends exactly once.
package protocol ConnectionDriver: AnyObject {
  /// Opens the pool's connections (at most 64 connects in flight) and prepares the operations on each.
  ///
  /// - Parameter completion: Called once on the reactor's thread, with the first error if any connection could not be opened by `deadline`
  ///   (nanoseconds of CLOCK_MONOTONIC).
  func open(deadline: UInt64, completion: @escaping (OperationError?) -> Void)

  /// Takes the call and sends it as soon as a connection is free. A lost connection is opened again in the background with backoff;
  /// meanwhile calls wait, up to the declared acquire timeout.
  func submit(_ call: OperationCall)

  /// Ends the call now because its deadline has passed: `timeout`, failed if it cannot have happened or does not write, else unknown.
  /// Its late reply must never be taken for another call's.
  func abandon(_ call: OperationCall, now: UInt64)

  /// The iteration is over: gives back a connection still leased to `call`, rolling back what was open on it.
  func endLease(_ call: OperationCall)

  /// An observer of this connection's system for one hop; its connections are its own.
  func makeObserver(hop: HopDeclaration, sink: any SightingSink) throws(OperationError) -> any HopObserver

  /// Reads what entries of the observed system hold now, over a connection of its own; nil where a hop has no entries that could be read by name.
  func makeEntryReader(hop: HopDeclaration) -> (any EntryReader)?

  /// Closes politely what can be closed at once, and drops the rest. No call may be under way.
  func close()

  var statistics: DriverStatistics { get }

  /// Operations that are under way on its connections; looked at every 10 ms.
  var inFlight: Int { get }

  /// What its pool went through since the last call.
  ///
  /// - Parameter now: Nanoseconds.
  func takePoolReading(now: UInt64) -> PoolReading
}

extension ConnectionDriver {
  package var inFlight: Int { statistics.busy }
  /// Nothing is known.
  package func takePoolReading(now: UInt64) -> PoolReading { PoolReading() }
}

extension ConnectionDriver {
  package func makeEntryReader(hop: HopDeclaration) -> (any EntryReader)? { nil }
}

/// Reads many entries of an observed system in one go: at the end of a run and after an observer's gap. Lives on the reactor's thread.
package protocol EntryReader: AnyObject {
  /// Reads the entries with these names. One call at a time.
  ///
  /// - Parameters:
  ///   - deadline: Nanoseconds of CLOCK_MONOTONIC.
  ///   - each: Called for each name that was answered, in order: its place in `names`; what the observer would show of it, nil if there is no
  ///     such entry; and when the answer came. The content is valid during the call only.
  ///   - completion: Called once at the end, with the error if not all names were answered by the deadline.
  func read(
    _ names: EntryNameList, deadline: UInt64, each: @escaping (_ place: Int, _ content: OperationResult?, _ now: UInt64) -> Void,
    completion: @escaping (OperationError?) -> Void)

  /// Gives the connection back. A call that is under way is forgotten: nothing more is told of it.
  func close()

  /// Requests sent so far.
  var operationsSent: UInt64 { get }
}

package struct DriverStatistics: Sendable {
  package var connections = 0
  package var busy = 0
  package var waiting = 0
  package var reconnects = 0
  /// Connections that the server has told to send nothing for the time being.
  package var blocked = 0
  package init() {}
}
