import ChainIO
import ChainProgram

/// Users that start their next iteration when the last one has ended, or when their pace or a rest after errors lets them.
///
/// The users that there should be are those whose index is below `wanted`. One that is retired finishes its iteration; if the number grows again
/// before that, it simply goes on.
final class ClosedExecutor: UserPool, Executor, TimerOwner {
  private let load: ClosedLoad
  private var wanted = 0
  /// Iterations that may still be started, by all users together.
  private var remaining: UInt64 = .max
  private var remainingOfUser: ContiguousArray<UInt64> = []
  /// Of each user, when its last iteration was to start; where there is a pace.
  private var paced: ContiguousArray<UInt64> = []
  private var stages: UserSchedule?
  private var nextChange: (offset: UInt64, users: Int)?
  private var start: UInt64 = 0
  private var isStopping = false
  private let mayRest: Bool
  /// Fires at the next change of the number of users, and at the end.
  private var stageTimer: ReactorTimer!

  init(load: ClosedLoad, mix: [Int]? = nil, backoff: ErrorBackoff? = nil, context: UserContext) {
    self.load = load
    mayRest = backoff != nil || load.pacing != nil || load.startOffset != nil
    super.init(context: context, mix: mix, backoff: backoff)
    stageTimer = ReactorTimer(owner: self, tag: -1)
  }

  var queued: Int { 0 }
  var totalUsers: Int { wanted }
  var hasRunItsCourse: Bool { false }

  override func retire() {
    stageTimer.invalidate()
    super.retire()
  }

  func begin(at start: UInt64) {
    self.start = start
    var isStaged = false
    switch load.extent {
    case .iterations(let count): remaining = UInt64(count)
    case .iterationsPerUser(let count):
      remaining = UInt64(count) * UInt64(load.users)
      remainingOfUser = ContiguousArray(repeating: UInt64(count), count: load.users)
    case .duration: break
    case .stages(let curve):
      isStaged = true
      var schedule = UserSchedule(curve)
      nextChange = schedule.nextChange()
      stages = schedule
    }
    users.reserveCapacity(load.users)
    if isStaged { changeUsers(now: start) } else { want(load.users, now: start) }
    armStageTimer()
    endIfDone(now: start)
  }

  // The number of users

  private func armStageTimer() {
    guard !isStopping, let duration = load.durationNanoseconds else { return }
    reactor.arm(stageTimer, at: start &+ (nextChange?.offset ?? duration))
  }

  /// Everything that has become due by `now`.
  private func changeUsers(now: UInt64) {
    while let change = nextChange, start &+ change.offset <= now {
      want(change.users, now: now)
      nextChange = stages?.nextChange()
    }
  }

  private func want(_ count: Int, now: UInt64) {
    let before = wanted
    wanted = count
    for index in before..<max(before, count) {
      if index == users.count { _ = addUser(self, mayRest: mayRest) }
      if users[index].isIdle { startFirst(users[index], now: now) }
    }
    // Those that run go on to the end of their iteration.
    for index in count..<max(before, count) where mayRest { restTimers[index].disarm() }
  }

  /// A user's first iteration, or the first one after it had been retired.
  private func startFirst(_ user: VirtualUser, now: UInt64) {
    var due = now
    if let offset = load.startOffset {
      var draws = Randomness(seed: context.seed, stream: 0x0FF5E7, iteration: UInt64(user.index))
      due = start &+ offset.offset(user: user.index, of: load.users, unit: draws.nextUnit())
    }
    if load.pacing != nil {
      if user.index == paced.count { paced.append(due) } else { paced[user.index] = due }
    }
    startNext(user, at: due, now: now)
  }

  // Iterations

  private func mayStart(_ user: VirtualUser) -> Bool {
    !isStopping && remaining > 0 && user.index < wanted && (remainingOfUser.isEmpty || remainingOfUser[user.index] > 0)
  }

  private func startNext(_ user: VirtualUser, at due: UInt64, now: UInt64) {
    guard due <= now else { return reactor.arm(restTimers[user.index], at: due) }
    guard mayStart(user) else { return }
    if remaining != .max { remaining -= 1 }
    if !remainingOfUser.isEmpty { remainingOfUser[user.index] -= 1 }
    recorder[isEarly: now < warmUpEnd].arrivals &+= 1
    begin(user, arrival: now, intended: 0, userWasFree: true)
  }

  func iterationEnded(_ user: VirtualUser, _ ending: IterationEnding, now: UInt64) {
    count(ending, of: user)
    if mayStart(user) { startNext(user, at: mayRest ? whenReady(user, ending, now: now) : now, now: now) }
    endIfDone(now: now)
  }

  /// When the user's pace and its rest after errors are both over: from `now` on.
  private func whenReady(_ user: VirtualUser, _ ending: IterationEnding, now: UInt64) -> UInt64 {
    let rested = now &+ restNanoseconds(user, after: ending)
    guard let pacing = load.pacing else { return rested }
    // From when the last one was to start, so that the pace does not drift; an iteration that takes longer is not made up for.
    let due = paced[user.index] &+ Pace.draw(pacing, seed: context.seed, iteration: user.iteration)
    if due < now { recorder.pauses.pacesMissed &+= 1 }
    paced[user.index] = max(due, rested)
    return paced[user.index]
  }

  func timerFired(_ timer: ReactorTimer, now: UInt64) {
    if timer.tag >= 0 {
      startNext(users[timer.tag], at: now, now: now)
      return
    }
    advance(to: now)
  }

  /// The users that there should be by `now`; and the end, when it has come.
  func advance(to now: UInt64) {
    changeUsers(now: now)
    if let duration = load.durationNanoseconds, start &+ duration <= now { isStopping = true }
    armStageTimer()
    endIfDone(now: now)
  }

  func stopRequested() { isStopping = true }

  func stopStarting(now: UInt64) {
    isStopping = true
    stageTimer.disarm()
    endIfDone(now: now)
  }

  private func endIfDone(now: UInt64) {
    if running == 0, isStopping || remaining == 0 { endLoad(now: now) }
  }
}
