internal import LosslessJSON

/// A declared connection as the start record's table has it.
package struct ConnectionInfo: Hashable, Sendable {
  package var name: String
  package var kind: String
  /// How many connections it may have; 0 for one for each user, nil where the journal does not say.
  package var poolSize: Int?
  /// How long a step may wait for a connection, and a connection for its server; nil where the journal does not say.
  package var acquireTimeoutNanoseconds: UInt64?
  package var connectTimeoutNanoseconds: UInt64?

  package init(
    name: String, kind: String, poolSize: Int? = nil, acquireTimeoutNanoseconds: UInt64? = nil, connectTimeoutNanoseconds: UInt64? = nil
  ) {
    self.name = name
    self.kind = kind
    self.poolSize = poolSize
    self.acquireTimeoutNanoseconds = acquireTimeoutNanoseconds
    self.connectTimeoutNanoseconds = connectTimeoutNanoseconds
  }
}

/// What one declared connection's pool went through in an interval.
package struct PoolInterval: Hashable, Sendable {
  /// Row of the start record's connection table.
  package var connection: Int
  package var size: Int
  /// Its connections are shared by calls: pipelined or multiplexed.
  package var isShared = false
  /// Connection-nanoseconds in the hands of calls and transactions; of a pool that is not shared.
  package var busyNanoseconds: UInt64 = 0
  /// Looks at how many operations were under way, one each heartbeat: how many looks, the sum and the largest; of a shared pool.
  package var looks: UInt64 = 0
  package var inFlightSum: UInt64 = 0
  package var inFlightMax: UInt64 = 0
  /// Calls that had to wait for a connection, and those that ended while they did.
  package var waits: UInt64 = 0
  package var refused: UInt64 = 0
  /// For how long at least one call waited, and in which spans (CLOCK_MONOTONIC nanoseconds; those of 10 ms and more).
  package var exhaustedNanoseconds: UInt64 = 0
  package var exhaustions: [ClosedRange<UInt64>] = []
  package var reconnects: UInt64 = 0
  package var connectFailures: UInt64 = 0

  package init(connection: Int, size: Int) {
    self.connection = connection
    self.size = size
  }
}

extension PoolInterval {
  func writeMembers(to json: inout JSONWriter) {
    json.member("conn", connection)
    json.member("size", size)
    if isShared { json.member("shared", true) }
    json.nonZero("busy_ns", busyNanoseconds)
    json.nonZero("looks", looks)
    json.nonZero("in_flight_sum", inFlightSum)
    json.nonZero("in_flight_max", inFlightMax)
    json.nonZero("waits", waits)
    json.nonZero("refused", refused)
    json.nonZero("exhausted_ns", exhaustedNanoseconds)
    json.list("exhausted", exhaustions) { span, json in
      json.beginArray()
      json.unsigned(span.lowerBound)
      json.unsigned(span.upperBound)
      json.endArray()
    }
    json.nonZero("reconnects", reconnects)
    json.nonZero("connect_failures", connectFailures)
  }

  init(_ json: JSONValue) {
    self.init(connection: json.int("conn"), size: json.int("size"))
    isShared = json.bool("shared")
    busyNanoseconds = json.unsigned("busy_ns")
    looks = json.unsigned("looks")
    inFlightSum = json.unsigned("in_flight_sum")
    inFlightMax = json.unsigned("in_flight_max")
    waits = json.unsigned("waits")
    refused = json.unsigned("refused")
    exhaustedNanoseconds = json.unsigned("exhausted_ns")
    exhaustions = json.list("exhausted") { span in
      let ends = span.elements.compactMap { $0.integer(as: UInt64.self) }
      return ends.count == 2 && ends[0] <= ends[1] ? ends[0]...ends[1] : 0...0
    }
    reconnects = json.unsigned("reconnects")
    connectFailures = json.unsigned("connect_failures")
  }
}
