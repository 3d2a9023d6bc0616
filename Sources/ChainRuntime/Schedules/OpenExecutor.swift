import ChainIO
import ChainProgram

/// Starts iterations when the schedule says, whether or not the last ones have ended.
///
/// An arrival that finds no free user waits with its intended start kept (`queue`), or is dropped and counted (`drop`). Because the
/// schedule can be replayed, the queue is a second copy of it that runs behind the first: it takes no memory.
final class OpenExecutor: UserPool, Executor, TimerOwner {
  private let load: OpenLoad
  /// Runs ahead: what has become due.
  private var due: ArrivalSchedule
  /// Runs behind: what has been started.
  private var waiting: ArrivalSchedule
  private var nextDue: UInt64?
  private var free: ContiguousArray<VirtualUser> = []
  private var queuedCount = 0
  private var start: UInt64 = 0
  /// The last span in which we noticed nothing, being stopped or without a processor: its arrivals are late because of us, also those that find
  /// no free user in the crowd that they form.
  private var lateSpan: ClosedRange<UInt64>?
  private static let lateSpanNanosecondsMin: UInt64 = 50_000_000
  private var isStopping = false
  private let mayRest: Bool
  private var timer: ReactorTimer!

  init(load: OpenLoad, mix: [Int]? = nil, backoff: ErrorBackoff? = nil, seed: UInt64, context: UserContext) {
    self.load = load
    mayRest = backoff != nil
    due = ArrivalSchedule(load: load, seed: seed)
    waiting = ArrivalSchedule(load: load, seed: seed)
    super.init(context: context, mix: mix, backoff: backoff)
    timer = ReactorTimer(owner: self, tag: -1)
  }

  var queued: Int { queuedCount }
  var totalUsers: Int { users.count }
  var hasRunItsCourse: Bool { nextDue == nil && !isStopping }

  override func retire() {
    timer.invalidate()
    super.retire()
  }

  func begin(at start: UInt64) {
    self.start = start
    nextDue = due.nextOffset()
    armNext()
    endIfDone(now: start)
  }

  private func armNext() {
    guard let nextDue, !isStopping else { return }
    reactor.arm(timer, at: start &+ nextDue)
  }

  func timerFired(_ timer: ReactorTimer, now: UInt64) {
    if timer.tag >= 0 {
      becameFree(users[timer.tag])
      endIfDone(now: now)
    } else {
      advance(to: now)
    }
  }

  func advance(to now: UInt64) {
    arrive(now: now)
    armNext()
    endIfDone(now: now)
  }

  /// Everything that has become due by `now` starts, waits or is dropped.
  private func arrive(now: UInt64) {
    if let offset = nextDue, start &+ offset &+ OpenExecutor.lateSpanNanosecondsMin < now { lateSpan = (start &+ offset)...now }
    while let offset = nextDue, start &+ offset <= now, !isStopping {
      recorder[isEarly: start &+ offset < warmUpEnd].arrivals &+= 1
      if queuedCount == 0, let user = takeUser() {
        _ = waiting.nextOffset()
        begin(user, arrival: start &+ offset, intended: start &+ offset, userWasFree: true)
      } else {
        switch load.onSaturation {
        case .queue: queuedCount += 1
        case .drop:
          _ = waiting.nextOffset()
          nextIteration &+= 1
          recorder[isEarly: start &+ offset < warmUpEnd].dropped &+= 1
        }
      }
      nextDue = due.nextOffset()
    }
  }

  private func takeUser() -> VirtualUser? {
    if let user = free.popLast() { return user }
    return users.count < load.usersMax ? addUser(self, mayRest: mayRest) : nil
  }

  func iterationEnded(_ user: VirtualUser, _ ending: IterationEnding, now: UInt64) {
    count(ending, of: user)
    // Nobody waits for the end of a rest that nothing can follow.
    let rest = mayRest && !isStopping && (!isDraining || queuedCount > 0) ? restNanoseconds(user, after: ending) : 0
    if rest > 0 {
      reactor.arm(restTimers[user.index], at: now &+ rest)
    } else {
      becameFree(user)
    }
    endIfDone(now: now)
  }

  private func becameFree(_ user: VirtualUser) {
    if queuedCount > 0, !isStopping || isDraining, let offset = waiting.nextOffset() {
      queuedCount -= 1
      let intended = start &+ offset
      begin(user, arrival: intended, intended: intended, userWasFree: lateSpan?.contains(intended) ?? false)
    } else {
      free.append(user)
    }
  }

  /// The schedule has ended by itself: what waits still runs.
  private var isDraining: Bool { nextDue == nil }

  func stopRequested() {
    isStopping = true
    nextDue = nil
  }

  func stopStarting(now: UInt64) {
    isStopping = true
    timer.disarm()
    // Waiting arrivals became due and will not run. Those of the warm-up came first.
    while queuedCount > 0, start < warmUpEnd, let offset = waiting.nextOffset(), start &+ offset < warmUpEnd {
      recorder[isEarly: true].interrupted &+= 1
      queuedCount -= 1
    }
    recorder.iterations.interrupted &+= UInt64(queuedCount)
    queuedCount = 0
    nextDue = nil
    endIfDone(now: now)
  }

  private func endIfDone(now: UInt64) {
    if nextDue == nil, queuedCount == 0, running == 0 { endLoad(now: now) }
  }
}
