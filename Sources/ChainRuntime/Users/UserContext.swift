import ChainIO
import ChainProgram

/// Told how iterations end. The executor.
protocol IterationOwner: AnyObject {
  /// The user is free again. Called on the reactor's thread; may start the user's next iteration.
  func iterationEnded(_ user: VirtualUser, _ ending: IterationEnding, now: UInt64)
  /// A feed has no row left: no further iteration can start.
  func feedExhausted()
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
  var log: (String) -> Void = { _ in }

  init(program: Program, reactor: Reactor, evaluator: Evaluator, recorder: Recorder, ledger: Ledger, seed: UInt64, runID: String) {
    self.program = program
    self.reactor = reactor
    self.evaluator = evaluator
    self.recorder = recorder
    self.ledger = ledger
    self.seed = seed
    self.runID = runID
    feeds = program.feeds.enumerated().map { FeedCursor(feed: $0.element, index: $0.offset, seed: seed) }
    var origins = [[Int]](repeating: [], count: program.steps.count)
    for (index, event) in program.events.enumerated() { origins[event.origin.index].append(index) }
    originsOfStep = origins
  }
}
