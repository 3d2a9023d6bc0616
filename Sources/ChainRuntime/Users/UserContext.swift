import ChainIO
import ChainProgram

/// Told how iterations end. The executor.
protocol IterationOwner: AnyObject {
  /// The user is free again. Called on the reactor's thread; may start the user's next iteration.
  func iterationEnded(_ user: VirtualUser, _ ending: IterationEnding, now: UInt64)
  /// No further iteration may start: a feed has no row left, or the chain says `stop: run`.
  func stopRequested()
}

enum IterationEnding: UInt8 {
  case completed
  case failed
  /// Its first error left a change that may or may not have happened.
  case unknown
  /// Cut short by the run's end.
  case interrupted
  /// Never began: a feed had no row for it.
  case withdrawn
}

/// What the step loop asks of an operation, as plain memory: an `Operation` taken out of the program's table costs twenty reference counts.
struct OperationTerms {
  let step: Int
  let connection: Int
  let argumentBase: Int
  let timeoutNanoseconds: UInt64
  let role: OperationRole
  /// Whether it is counted by `guard: writes`. A commit changes nothing that was not counted, and must not be refused after the writes it
  /// is for.
  let spendsWrite: Bool
  /// Whether its system is told the trace.
  let carriesTrace: Bool
  /// Its step is the origin of `UserContext.originEvents[firstOrigin ..< firstOrigin + originCount]`.
  let firstOrigin: Int
  let originCount: Int
}

/// What all virtual users of a reactor share. Confined to its thread.
final class UserContext {
  let program: Program
  let reactor: Reactor
  let evaluator: Evaluator
  let recorder: Recorder
  let ledger: Ledger
  let feeds: [FeedCursor]
  let seed: UInt64
  let runID: String
  /// In the order of the program's connections.
  var drivers: [any ConnectionDriver] = []
  /// For each step, the events whose origin it is.
  let originsOfStep: [[Int]]
  /// In the order of the program's operations.
  let operations: UnsafeMutableBufferPointer<OperationTerms>
  let originEvents: UnsafeMutableBufferPointer<Int>
  /// `Program.spentSlots`.
  let spentSlots: UnsafeMutableBufferPointer<Int>
  var log: (String) -> Void = { _ in }
  let secretValues: [(slot: SlotIndex, value: Value)]
  var branches: [WeightedRotation]
  let retryExtents: [RetryExtent]
  /// Told what the users do, for `chainrun trace`; nil in every other run. Set before the first user is made.
  var tracer: Tracer?
  /// Writes that `guard: writes` still allows.
  private var writesLeft: Int
  /// Whether any system is told the trace that a request belongs to.
  let tellsTraces: Bool
  /// Nothing more is to start: the chain says `stop: run`, or a write was refused. May be called more than once.
  var stopLoad: () -> Void = {}

  init(
    program: Program, reactor: Reactor, evaluator: Evaluator, recorder: Recorder, ledger: Ledger, seed: UInt64, runID: String,
    secretValues: [(slot: SlotIndex, value: Value)] = []
  ) {
    self.program = program
    self.reactor = reactor
    self.evaluator = evaluator
    self.recorder = recorder
    self.ledger = ledger
    self.seed = seed
    self.runID = runID
    self.secretValues = secretValues
    writesLeft = program.guardWrites ?? .max
    tellsTraces = !program.traceContext.isEmpty
    branches = program.branches.enumerated().map { WeightedRotation(weights: $0.element.weights, seed: seed &+ UInt64($0.offset)) }
    feeds = program.feeds.enumerated().map { FeedCursor(feed: $0.element, index: $0.offset, seed: seed) }
    retryExtents = RetryExtent.all(in: program.instructions)
    var origins = [[Int]](repeating: [], count: program.steps.count)
    for (index, event) in program.events.enumerated() { origins[event.origin.index].append(index) }
    originsOfStep = origins
    let events = origins.flatMap { $0 }
    originEvents = .allocate(capacity: events.count)
    _ = originEvents.initialize(from: events)
    spentSlots = .allocate(capacity: program.spentSlots.count)
    _ = spentSlots.initialize(from: program.spentSlots.map(\.index))
    operations = .allocate(capacity: program.operations.count)
    for (index, operation) in program.operations.enumerated() {
      let step = operation.step.index
      operations.initializeElement(
        at: index,
        to: OperationTerms(
          step: step, connection: operation.connection.index, argumentBase: operation.argumentBase.index,
          timeoutNanoseconds: operation.timeoutNanoseconds, role: operation.role,
          spendsWrite: operation.writes && operation.role == .plain,
          carriesTrace: program.traceContext.includes(kind: program.connections[operation.connection.index].kind),
          firstOrigin: origins[..<step].reduce(0) { $0 + $1.count }, originCount: origins[step].count))
    }
  }

  deinit {
    operations.deallocate()
    originEvents.deallocate()
    spentSlots.deallocate()
  }

  /// Takes one operation that writes out of the budget of `guard: writes`, before it is sent.
  ///
  /// - Throws: `guard-writes` when nothing is left: the operation must not be sent, and no further iteration starts.
  func spendWrite() throws(OperationError) {
    guard writesLeft > 0 else {
      stopLoad()
      throw OperationError(
        .failed, code: "guard-writes", "the budget of \(program.guardWrites ?? 0) writes is used up; this one was not sent, and nothing more starts")
    }
    writesLeft -= 1
  }
}
