/// Decides which waiting call gets which connection when a connection serves one call at a time. No I/O: the driver tells what happened
/// and does what the returned action says.
///
/// Waiting calls are served in the order of their arrival; of several idle connections the most recently used goes first, so that the
/// rest may stay cold. Calls never wait while a connection is idle. All operations are constant time (amortised), except losing an idle
/// connection, which is linear in the pool's size.
///
/// With a connection for each user, a call takes its own user's connection and waits for no other: what a session holds (settings, temporary
/// tables, a plan cache) is that user's alone. Losing or freeing a connection is then linear in the number of waiting calls, of which there are
/// hardly any: only a user's own lanes, or calls of connections that are down.
///
/// While a call waits, its `place` belongs to the pool.
package struct ExclusivePool: ~Copyable {
  package enum ConnectionState: UInt8, Sendable {
    case closed
    case connecting
    case idle
    case leasedToCall
    /// Kept for one user between calls.
    case leasedToTransaction
  }

  package enum Action {
    case run(OperationCall, connection: Int)
    /// The call stands in the queue until `deadline` (nanoseconds of CLOCK_MONOTONIC).
    case wait(deadline: UInt64)
    /// Nobody waits: the connection rests.
    case rest
  }

  private struct Waiter {
    /// nil when the call has left the queue from its middle.
    /// Not counted: a call keeps itself until its owner was told how it ended.
    var call: Unmanaged<OperationCall>?
    var deadlineNanoseconds: UInt64
  }

  private var states: ContiguousArray<ConnectionState>
  /// Idle connections, the most recently used last.
  private var idle: ContiguousArray<Int> = []
  /// A ring whose capacity is a power of two; `headSequence` counts all calls that ever left its front.
  private var ring: ContiguousArray<Waiter>
  private var headSequence = 0
  private var tailSequence = 0
  private let acquireTimeoutNanoseconds: UInt64
  private let isPerUser: Bool

  /// Calls in the queue.
  package private(set) var waitingCount = 0
  /// Connections leased to a call or a transaction.
  package private(set) var busyCount = 0

  /// - Parameters:
  ///   - size: Connections, all closed at first.
  ///   - acquireTimeoutNanoseconds: How long a call may wait; one for all, so the queue's order is the order of its deadlines.
  ///   - isPerUser: User *n* has connection *n*.
  package init(size: Int, acquireTimeoutNanoseconds: UInt64, isPerUser: Bool = false) {
    self.isPerUser = isPerUser
    states = ContiguousArray(repeating: .closed, count: size)
    idle.reserveCapacity(size)
    ring = ContiguousArray(repeating: Waiter(call: nil, deadlineNanoseconds: 0), count: 64)
    self.acquireTimeoutNanoseconds = acquireTimeoutNanoseconds
  }

  package func state(of connection: Int) -> ConnectionState { states[connection] }

  /// Connections that are open, idle or not.
  package var openCount: Int { idleCount + busyCount }
  private var idleCount: Int { isPerUser ? idleOwnedCount : idle.count }
  /// Idle connections that belong to a user each, which `idle` does not list.
  private var idleOwnedCount = 0

  /// When the first waiting call must be given up; `UInt64.max` if none waits.
  package var earliestDeadlineNanoseconds: UInt64 {
    waitingCount == 0 ? .max : ring[headSequence & (ring.count - 1)].deadlineNanoseconds
  }

  // What happened to calls

  /// A call wants a connection: it gets one or waits.
  package mutating func callArrived(_ call: OperationCall, now: UInt64) -> Action {
    if let connection = takeIdle(for: call) {
      lease(connection)
      return .run(call, connection: connection)
    }
    let deadline = now &+ acquireTimeoutNanoseconds
    call.place = tailSequence
    append(Waiter(call: .passUnretained(call), deadlineNanoseconds: deadline))
    return .wait(deadline: deadline)
  }

  private mutating func takeIdle(for call: OperationCall) -> Int? {
    guard isPerUser else { return idle.popLast() }
    let own = call.user % states.count
    guard states[own] == .idle else { return nil }
    idleOwnedCount -= 1
    return own
  }

  /// A waiting call gave up.
  package mutating func callLeft(_ call: OperationCall) {
    let position = call.place & (ring.count - 1)
    let isInLine = call.place >= headSequence && call.place < tailSequence
    let isWaiting = isInLine && ring[position].call?.toOpaque() == Unmanaged.passUnretained(call).toOpaque()
    precondition(isWaiting, "a call left a queue in which it does not stand")
    ring[position].call = nil
    waitingCount -= 1
    dropEmptyHead()
  }

  /// Takes the first call whose acquire deadline has passed out of the queue; nil if there is none. Call until nil.
  package mutating func takeExpired(now: UInt64) -> OperationCall? {
    earliestDeadlineNanoseconds <= now ? takeFirst() : nil
  }

  // What happened to connections

  /// An attempt to connect has begun.
  package mutating func connectionAttempted(_ connection: Int) {
    precondition(states[connection] == .closed, "an open connection was opened again")
    states[connection] = .connecting
  }

  /// The connection can take calls.
  package mutating func connectionOpened(_ connection: Int) -> Action {
    precondition(states[connection] == .connecting, "a connection opened that was not connecting")
    return offer(connection)
  }

  /// The call on it has ended and nothing is kept.
  package mutating func connectionFreed(_ connection: Int) -> Action {
    precondition(states[connection] == .leasedToCall || states[connection] == .leasedToTransaction, "a free connection was freed")
    busyCount -= 1
    return offer(connection)
  }

  /// The call on it began a transaction: the connection stays with its user until it is freed.
  package mutating func transactionBegan(on connection: Int) {
    precondition(states[connection] == .leasedToCall, "a transaction began on a connection that no call has")
    states[connection] = .leasedToTransaction
  }

  /// The connection, or the attempt to open it, is gone.
  package mutating func connectionLost(_ connection: Int) {
    switch states[connection] {
    case .closed, .connecting: break
    case .idle: if isPerUser { idleOwnedCount -= 1 } else { idle.removeAll { $0 == connection } }
    case .leasedToCall, .leasedToTransaction: busyCount -= 1
    }
    states[connection] = .closed
  }

  private mutating func lease(_ connection: Int) {
    states[connection] = .leasedToCall
    busyCount += 1
  }

  private mutating func offer(_ connection: Int) -> Action {
    if let call = isPerUser ? takeFirst(ownedBy: connection) : takeFirst() {
      lease(connection)
      return .run(call, connection: connection)
    }
    states[connection] = .idle
    if isPerUser { idleOwnedCount += 1 } else { idle.append(connection) }
    return .rest
  }

  private mutating func takeFirst(ownedBy connection: Int) -> OperationCall? {
    guard waitingCount > 0 else { return nil }
    for sequence in headSequence..<tailSequence {
      let position = sequence & (ring.count - 1)
      guard let call = ring[position].call?.takeUnretainedValue(), call.user % states.count == connection else { continue }
      ring[position].call = nil
      waitingCount -= 1
      dropEmptyHead()
      return call
    }
    return nil
  }

  // The queue. Its head is never an empty place.

  private mutating func append(_ waiter: Waiter) {
    if tailSequence - headSequence == ring.count {
      var larger = ContiguousArray(repeating: Waiter(call: nil, deadlineNanoseconds: 0), count: ring.count * 2)
      for sequence in headSequence..<tailSequence { larger[sequence & (larger.count - 1)] = ring[sequence & (ring.count - 1)] }
      ring = larger
    }
    ring[tailSequence & (ring.count - 1)] = waiter
    tailSequence += 1
    waitingCount += 1
  }

  private mutating func takeFirst() -> OperationCall? {
    guard waitingCount > 0 else { return nil }
    let position = headSequence & (ring.count - 1)
    let call = ring[position].call
    ring[position].call = nil
    waitingCount -= 1
    dropEmptyHead()
    // The one that goes next, at one of the next replies.
    if waitingCount > 0 { ring[headSequence & (ring.count - 1)].call?._withUnsafeGuaranteedRef { $0.prefetch() } }
    return call?.takeUnretainedValue()
  }

  private mutating func dropEmptyHead() {
    while headSequence < tailSequence, ring[headSequence & (ring.count - 1)].call == nil { headSequence += 1 }
  }
}
