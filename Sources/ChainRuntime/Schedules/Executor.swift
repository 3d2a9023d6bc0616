import ChainIO
import ChainProgram

/// Told when the load has nothing more to start and nothing under way.
protocol LoadOwner: AnyObject {
  func loadEnded(now: UInt64)
}

/// Starts iterations as a profile asks. Confined to the reactor.
protocol Executor: IterationOwner {
  /// - Parameter start: Nanoseconds of CLOCK_MONOTONIC, second 0 of the load.
  func begin(at start: UInt64)
  /// Starts nothing more; what runs may finish.
  func stopStarting(now: UInt64)
  /// Cuts short what still runs.
  func interruptAll(now: UInt64)
  var busyUsers: Int { get }
  var totalUsers: Int { get }
  /// Arrivals that wait for a user.
  var queued: Int { get }
}

/// The part that both executors share: users, and the counts of how their iterations ended.
class UserPool {
  let context: UserContext
  weak var loadOwner: (any LoadOwner)?
  var users: ContiguousArray<VirtualUser> = []
  var free: ContiguousArray<VirtualUser> = []
  var nextIteration: UInt64 = 0
  var hasEnded = false

  private var scenarios: WeightedRotation

  /// - Parameter mix: The profile's shares of the scenarios; nil for their own weights.
  init(context: UserContext, mix: [Int]?) {
    self.context = context
    scenarios = WeightedRotation(weights: mix ?? context.program.scenarios.map(\.weight), seed: context.seed)
  }

  /// Where the next iteration begins: the scenario whose turn it is.
  func nextEntry() -> Int {
    let scenarios = context.program.scenarios
    return scenarios.isEmpty ? context.program.iterationEntry : scenarios[self.scenarios.next()].entry
  }

  /// Before anything is started: the first iteration is the one of this number, with its scenario (as far as a million turns tell).
  func skip(to iteration: UInt64) {
    nextIteration = iteration
    guard context.program.scenarios.count > 1 else { return }
    for _ in 0..<min(iteration, 1_000_000) { _ = scenarios.next() }
  }

  var busyUsers: Int { users.count - free.count }
  var totalUsers: Int { users.count }

  func count(_ ending: IterationEnding) {
    switch ending {
    case .completed: context.recorder.iterations.completed &+= 1
    case .failed: context.recorder.iterations.failed &+= 1
    case .unknown: context.recorder.iterations.unknown &+= 1
    case .interrupted: context.recorder.iterations.interrupted &+= 1
    case .withdrawn:
      if context.recorder.iterations.arrivals > 0, context.recorder.iterations.started > 0 {
        context.recorder.iterations.arrivals -= 1
        context.recorder.iterations.started -= 1
      } else {
        // It arrived in an interval that is written already.
        context.recorder.iterations.interrupted += 1
      }
    }
  }

  func interruptAll(now: UInt64) {
    for user in users where !user.isIdle { user.interrupt(now: now) }
  }

  /// Breaks the cycles with the timers. The pool is not used afterwards.
  func retire() {
    for user in users { user.retire() }
  }

  func endLoad(now: UInt64) {
    guard !hasEnded else { return }
    hasEnded = true
    loadOwner?.loadEnded(now: now)
  }
}
