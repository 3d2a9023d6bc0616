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
  private var queuedCount = 0
  private var start: UInt64 = 0
  private var isStopping = false
  private var timer: ReactorTimer!

  init(load: OpenLoad, mix: [Int]? = nil, seed: UInt64, context: UserContext) {
    self.load = load
    due = ArrivalSchedule(load: load, seed: seed)
    waiting = ArrivalSchedule(load: load, seed: seed)
    super.init(context: context, mix: mix)
    timer = ReactorTimer(owner: self)
  }

  var queued: Int { queuedCount }

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
    context.reactor.arm(timer, at: start &+ nextDue)
  }

  func timerFired(_ timer: ReactorTimer, now: UInt64) {
    arrive(now: now)
    armNext()
    endIfDone(now: now)
  }

  /// Everything that has become due by `now` starts, waits or is dropped.
  private func arrive(now: UInt64) {
    while let offset = nextDue, start &+ offset <= now, !isStopping {
      context.recorder.iterations.arrivals &+= 1
      if queuedCount == 0, let user = takeUser() {
        _ = waiting.nextOffset()
        begin(user, intended: start &+ offset, userWasFree: true)
      } else {
        switch load.onSaturation {
        case .queue: queuedCount += 1
        case .drop:
          _ = waiting.nextOffset()
          nextIteration &+= 1
          context.recorder.iterations.dropped &+= 1
        }
      }
      nextDue = due.nextOffset()
    }
  }

  private func takeUser() -> VirtualUser? {
    if let user = free.popLast() { return user }
    guard users.count < load.usersMax else { return nil }
    let user = VirtualUser(index: users.count, context: context, owner: self)
    users.append(user)
    return user
  }

  private func begin(_ user: VirtualUser, intended: UInt64, userWasFree: Bool) {
    context.recorder.iterations.started &+= 1
    user.start(
      entry: nextEntry(), iteration: nextIteration, stream: 0, intendedStart: intended, isMeasured: true,
      userWasFree: userWasFree)
    nextIteration &+= 1
  }

  func iterationEnded(_ user: VirtualUser, _ ending: IterationEnding, now: UInt64) {
    count(ending)
    if queuedCount > 0, !isStopping || isDraining, let offset = waiting.nextOffset() {
      queuedCount -= 1
      begin(user, intended: start &+ offset, userWasFree: false)
    } else {
      free.append(user)
    }
    endIfDone(now: now)
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
    // Waiting arrivals became due and will not run.
    context.recorder.iterations.interrupted &+= UInt64(queuedCount)
    queuedCount = 0
    nextDue = nil
    endIfDone(now: now)
  }

  private func endIfDone(now: UInt64) {
    if nextDue == nil, queuedCount == 0, free.count == users.count { endLoad(now: now) }
  }
}
