import ChainIO
import ChainProgram
import Metrics

@testable import ChainRuntime

/// Everything that a virtual user lives among, on the test's own thread, without a session around it.
final class Stage: IterationOwner, LoadOwner {
  let reactor: Reactor
  let recorder: Recorder
  let ledger: Ledger
  let context: UserContext
  let script: Script
  private(set) var endings: [IterationEnding] = []
  private(set) var hasLoadEnded = false
  private(set) var isFeedExhausted = false
  private(set) var loadStops = 0
  var logged: [String] = []

  init(
    _ program: Program, _ script: Script, seed: UInt64 = 7, secretValues: [(slot: SlotIndex, value: Value)] = []
  ) throws {
    reactor = try Reactor()
    recorder = Recorder(program: program)
    let evaluator = Evaluator(program: program)
    ledger = Ledger(program: program, evaluator: evaluator)
    context = UserContext(
      program: program, reactor: reactor, evaluator: evaluator, recorder: recorder, ledger: ledger, seed: seed, runID: "run-1",
      secretValues: secretValues)
    self.script = script
    let connector = ScriptedConnector(script: script)
    for index in program.connections.indices {
      context.drivers.append(
        try connector.makeDriver(
          connection: ConnectionIndex(index), target: ScriptedConnector.Target(), program: program, users: 1, reactor: reactor))
    }
    for (eventIndex, event) in program.events.enumerated() {
      for (hopIndex, hop) in event.hops.enumerated() {
        let observer = try context.drivers[hop.connection.index].makeObserver(hop: hop, sink: ledger.sink(event: eventIndex, hop: hopIndex))
        observer.arm(deadline: 0) { _ in }
        ledger.attach(observer, event: eventIndex, hop: hopIndex)
      }
    }
    context.stopLoad = { [unowned self] in loadStops += 1 }
    context.log = { [unowned self] in logged.append($0) }
  }

  func iterationEnded(_ user: VirtualUser, _ ending: IterationEnding, now: UInt64) { endings.append(ending) }
  func stopRequested() { isFeedExhausted = true }
  func loadEnded(now: UInt64) { hasLoadEnded = true }

  /// Turns until the condition holds.
  ///
  /// - Returns: false if it did not within the time.
  @discardableResult
  func turn(within limit: UInt64 = 20 * seconds, until condition: () -> Bool) -> Bool {
    let deadline = MonotonicClock.now + limit
    while !condition() {
      guard MonotonicClock.now < deadline else { return false }
      reactor.turn(waitingAtMost: 5 * milliseconds)
    }
    return true
  }

  func makeUser() -> VirtualUser { VirtualUser(index: 0, context: context, owner: self) }

  /// Starts one iteration and turns until it has ended.
  func iterate(_ user: VirtualUser, iteration: UInt64 = 0, stream: UInt64 = 0) -> IterationEnding? {
    let before = endings.count
    user.start(
      entry: context.program.iterationEntry, iteration: iteration, stream: stream, intendedStart: MonotonicClock.now, isMeasured: true)
    return turn { endings.count > before } ? endings.last : nil
  }

  /// Runs an executor to its end.
  func run(_ executor: some Executor & UserPool, meanwhile: () -> Void = {}) -> Bool {
    executor.loadOwner = self
    executor.begin(at: MonotonicClock.now)
    return turn {
      meanwhile()
      return hasLoadEnded
    }
  }

  /// What was recorded since the last call.
  func takeInterval() -> JournalInterval { recorder.takeInterval(from: 0, to: 1, isWarmUp: false) }

  /// One iteration of one user; its ending and what it recorded.
  static func once(_ program: Program, _ script: Script, meanwhile: (Stage) -> Void = { _ in }) throws -> (Stage, IterationEnding?) {
    let stage = try Stage(program, script)
    let user = stage.makeUser()
    defer { user.retire() }
    user.start(entry: program.iterationEntry, iteration: 0, stream: 0, intendedStart: MonotonicClock.now, isMeasured: true)
    _ = stage.turn {
      meanwhile(stage)
      return !stage.endings.isEmpty
    }
    return (stage, stage.endings.first)
  }
}
