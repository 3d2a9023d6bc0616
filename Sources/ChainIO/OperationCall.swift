package import ChainProgram

/// Told when its call has ended. Called on the reactor's thread, as a job of its own: never from inside a driver.
package protocol CallOwner: AnyObject {
  func callEnded(_ call: OperationCall)
}

/// One operation under way for one virtual user. Made once per user and used for each of its operations in turn.
///
/// The user fills in `operation` and `arguments` and submits it; the driver says when it started, writes `result`, and ends it
/// exactly once. Every call ends: the user's deadline calls the driver's `abandon`, which ends it too.
package final class OperationCall {
  package enum State: UInt8 {
    case idle
    /// Submitted; no connection has it yet.
    case waiting
    /// On its way to the server or back.
    case inFlight
    /// Ended; the owner is about to be told.
    case ended
  }

  package enum Ending: UInt8 {
    case ok
    case failed
    /// The connection or the patience was lost while a change was in flight: it may have happened or not.
    case unknown
  }

  // What each operation uses stands first: it is fetched ahead (`prefetch`).
  /// Bytes of this object, its header of 16 among them, up to `tag`.
  private static let hotBytes = 184
  package let result = OperationResult()
  // Unsafe and so without a count: whoever owns the call lives until it has ended, and its reactor until nothing runs on it any more.
  private unowned(unsafe) var owner: (any CallOwner)?
  private let reactor: Unmanaged<Reactor>
  /// Index into the program's operations.
  package var operation = 0
  /// The operation's arguments; valid until the call has ended.
  package var arguments: UnsafePointer<Value>
  /// Nanoseconds: handed to the driver.
  package private(set) var submittedNanoseconds: UInt64 = 0
  /// Nanoseconds: a connection took it. `started - submitted` is the wait for the pool.
  package private(set) var startedNanoseconds: UInt64 = 0
  /// Nanoseconds: the bytes that ended it were read.
  package private(set) var endedNanoseconds: UInt64 = 0
  /// The driver's own: where in its books the call stands.
  package var place = 0
  /// The driver's own: the connection that a transaction holds for this user.
  package var lease: AnyObject?
  /// What the owner uses when it is told: fetched when the call has ended.
  private var upcoming = UpcomingMemory()
  package private(set) var state = State.idle
  package private(set) var ending = Ending.ok
  package private(set) var failure: OperationError?

  /// The owner's own mark to tell several calls apart.
  package let tag: Int
  /// The virtual user whose call this is, from 0; its lanes share the number, and whoever is no virtual user has 0. Under `pool: per_vu`, its
  /// connection's.
  package let user: Int
  /// The trace that the request belongs to, for the driver to pass on; nil unless the run asks for it.
  package var traceParent: TraceParent?

  package convenience init(owner: any CallOwner, reactor: Reactor, tag: Int = 0, user: Int = 0) {
    self.init(reactor: reactor, tag: tag, user: user)
    belong(to: owner)
  }

  /// Without an owner yet: for one who keeps its call in a constant. `belong(to:)` comes before the first `begin`.
  package init(reactor: Reactor, tag: Int = 0, user: Int = 0) {
    self.reactor = .passUnretained(reactor)
    self.tag = tag
    self.user = max(0, user)
    // Never read before it is set: an operation without arguments reads none.
    arguments = UnsafePointer(bitPattern: MemoryLayout<Value>.alignment)!
  }

  /// - Parameter memory: What the owner uses when it is told that the call has ended.
  package func belong(to owner: any CallOwner, using memory: UpcomingMemory = UpcomingMemory()) {
    self.owner = owner
    upcoming = memory
  }

  /// Asks for the call's own memory: its reply will be read soon.
  package func prefetch() { UpcomingMemory.fetch(Unmanaged.passUnretained(self).toOpaque(), bytes: OperationCall.hotBytes) }

  /// Asks for where its reply will be written, once the call's own memory is there.
  package func prefetchResult() { result.prefetch() }

  /// Asks for its arguments, which will be written into a request soon.
  package func prefetchArguments() { UpcomingMemory.fetch(arguments, bytes: 64) }

  /// The user's: resets the call for its next operation.
  package func begin(operation: Int, arguments: UnsafePointer<Value>, now: UInt64) {
    precondition(state == .idle, "a call is used for one operation at a time")
    self.operation = operation
    self.arguments = arguments
    submittedNanoseconds = now
    startedNanoseconds = now
    failure = nil
    state = .waiting
    // Until the owner was told how it ended, the call keeps itself: whoever has it meanwhile (a pool, a connection, the queue of jobs) need not
    // count it.
    _ = Unmanaged.passRetained(self)
    result.clear()
  }

  /// The driver's: a connection has taken the call.
  package func started(at now: UInt64) {
    startedNanoseconds = max(now, submittedNanoseconds)
    state = .inFlight
  }

  /// The driver's: the operation ended well, and `result` is written.
  package func succeed(at now: UInt64) { end(.ok, nil, now) }

  /// The driver's: the operation did not happen, or the server said no.
  package func fail(_ error: OperationError, at now: UInt64) { end(.failed, error, now) }

  /// The driver's: nobody can tell whether the operation happened.
  package func endUnknown(_ error: OperationError, at now: UInt64) { end(.unknown, error, now) }

  private func end(_ ending: Ending, _ error: OperationError?, _ now: UInt64) {
    precondition(state == .waiting || state == .inFlight, "a call ends exactly once")
    self.ending = ending
    // `begin` has forgotten the last one: what ends well does not touch where errors stand.
    if let error { failure = error }
    endedNanoseconds = max(now, startedNanoseconds)
    state = .ended
    upcoming.fetch()
    prefetchResult()
    reactor._withUnsafeGuaranteedRef { $0.enqueue(call: self) }
  }

  /// The reactor's, as a job of its own.
  func tellOwner() {
    state = .idle
    owner?.callEnded(self)
    Unmanaged.passUnretained(self).release()
  }
}
