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
  /// Users inside an iteration.
  var busyUsers: Int { get }
  /// Those, the free and the resting ones; without those that stages have retired.
  var totalUsers: Int { get }
  /// Whether a schedule of arrivals was followed to its end.
  var hasRunItsCourse: Bool { get }
  /// Arrivals that wait for a user.
  var queued: Int { get }
}

/// The part that both executors share: users, the counts of how their iterations ended, and how long they rest between two.
class UserPool {
  final let context: UserContext
  // Of the context, once more: a constant of this object need not be kept alive by a count while it is used, one of another's is.
  final let recorder: Recorder
  final let reactor: Reactor
  weak var loadOwner: (any LoadOwner)?
  var users: ContiguousArray<VirtualUser> = []
  /// Users inside an iteration.
  private(set) var running = 0
  var nextIteration: UInt64 = 0
  private(set) var hasEnded = false
  /// Nanoseconds of CLOCK_MONOTONIC: iterations that arrive before it are the warm-up's.
  var warmUpEnd: UInt64 = 0

  private let backoff: ErrorBackoff?
  /// Of each user, by its index, where users may rest; else empty. The tag is the index.
  private(set) var restTimers: ContiguousArray<ReactorTimer> = []
  private var failuresInRow: ContiguousArray<UInt32> = []
  private var scenarios: WeightedRotation
  /// Where each scenario begins; that of the chain's own steps if it has no scenarios.
  private let entries: ContiguousArray<Int>

  /// - Parameter mix: The profile's shares of the scenarios; nil for their own weights.
  init(context: UserContext, mix: [Int]?, backoff: ErrorBackoff?) {
    self.context = context
    recorder = context.recorder
    reactor = context.reactor
    self.backoff = backoff
    let scenarios = context.program.scenarios
    entries = scenarios.isEmpty ? [context.program.iterationEntry] : ContiguousArray(scenarios.map(\.entry))
    self.scenarios = WeightedRotation(weights: mix ?? context.program.scenarios.map(\.weight), seed: context.seed)
  }

  /// Where the next iteration begins: the scenario whose turn it is.
  func nextEntry() -> Int {
    entries.count == 1 ? entries[0] : entries[scenarios.next()]
  }

  /// Before anything is started: the first iteration is the one of this number, with its scenario (as far as a million turns tell).
  func skip(to iteration: UInt64) {
    nextIteration = iteration
    guard context.program.scenarios.count > 1 else { return }
    for _ in 0..<min(iteration, 1_000_000) { _ = scenarios.next() }
  }

  var busyUsers: Int { running }

  /// One more user, which has not begun.
  final func addUser(_ owner: any IterationOwner & TimerOwner, mayRest: Bool) -> VirtualUser {
    let user = VirtualUser(index: users.count, context: context, owner: owner)
    if mayRest { restTimers.append(ReactorTimer(owner: owner, tag: users.count)) }
    if backoff != nil { failuresInRow.append(0) }
    users.append(user)
    return user
  }

  /// - Parameters:
  ///   - arrival: Nanoseconds; its intended start, or in the closed model its start.
  ///   - intended: 0 in the closed model.
  final func begin(_ user: VirtualUser, arrival: UInt64, intended: UInt64, userWasFree: Bool) {
    running += 1
    user.isEarly = arrival < warmUpEnd
    recorder[isEarly: user.isEarly].started &+= 1
    user.start(
      entry: nextEntry(), iteration: nextIteration, stream: 0, intendedStart: intended, isMeasured: true, userWasFree: userWasFree)
    nextIteration &+= 1
  }

  /// Nanoseconds that the user rests after an iteration that ended so; 0 for not at all. Counts the rest.
  final func restNanoseconds(_ user: VirtualUser, after ending: IterationEnding) -> UInt64 {
    guard let backoff else { return 0 }
    switch ending {
    case .completed:
      failuresInRow[user.index] = 0
      return 0
    case .failed, .unknown:
      failuresInRow[user.index] &+= 1
      var draws = Randomness(seed: context.seed, stream: 0xBAC0FF, iteration: user.iteration)
      let pause = backoff.pause(failures: Int(failuresInRow[user.index]), unit: draws.nextUnit())
      recorder.pauses.backoffs &+= 1
      recorder.pauses.backoffNanoseconds &+= pause
      return pause
    case .interrupted, .withdrawn: return 0
    }
  }

  func count(_ ending: IterationEnding, of user: VirtualUser) {
    running -= 1
    let isEarly = user.isEarly
    switch ending {
    case .completed: recorder[isEarly: isEarly].completed &+= 1
    case .failed: recorder[isEarly: isEarly].failed &+= 1
    case .unknown: recorder[isEarly: isEarly].unknown &+= 1
    case .interrupted: recorder[isEarly: isEarly].interrupted &+= 1
    case .withdrawn:
      let counts = recorder[isEarly: isEarly]
      if counts.arrivals > 0, counts.started > 0 {
        recorder[isEarly: isEarly].arrivals -= 1
        recorder[isEarly: isEarly].started -= 1
      } else {
        // It arrived in an interval that is written already.
        recorder[isEarly: isEarly].interrupted += 1
      }
    }
  }

  func interruptAll(now: UInt64) {
    for user in users where !user.isIdle { user.interrupt(now: now) }
  }

  /// Breaks the cycles with the timers. The pool is not used afterwards.
  func retire() {
    for user in users { user.retire() }
    for timer in restTimers { timer.invalidate() }
  }

  func endLoad(now: UInt64) {
    guard !hasEnded else { return }
    hasEnded = true
    for timer in restTimers { timer.disarm() }
    loadOwner?.loadEnded(now: now)
  }
}
