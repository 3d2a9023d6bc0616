import ChainIO
import ChainProgram

/// A fixed number of users, each starting its next iteration when the last one has ended.
final class ClosedExecutor: UserPool, Executor, TimerOwner {
  private let load: ClosedLoad
  private var remaining: UInt64 = .max
  private var remainingOfUser: [UInt64] = []
  private var isStopping = false
  private var endTimer: ReactorTimer!

  init(load: ClosedLoad, mix: [Int]? = nil, context: UserContext) {
    self.load = load
    super.init(context: context, mix: mix)
    endTimer = ReactorTimer(owner: self)
  }

  var queued: Int { 0 }

  override func retire() {
    endTimer.invalidate()
    super.retire()
  }

  func begin(at start: UInt64) {
    switch load.extent {
    case .iterations(let count): remaining = UInt64(count)
    case .iterationsPerUser(let count): remainingOfUser = Array(repeating: UInt64(count), count: load.users)
    case .duration(let nanoseconds): context.reactor.arm(endTimer, at: start &+ nanoseconds)
    }
    users.reserveCapacity(load.users)
    for index in 0..<load.users { users.append(VirtualUser(index: index, context: context, owner: self)) }
    for user in users { startNext(user, now: start) }
    endIfDone(now: start)
  }

  private func startNext(_ user: VirtualUser, now: UInt64) {
    guard !isStopping, remaining > 0, remainingOfUser.isEmpty || remainingOfUser[user.index] > 0 else {
      free.append(user)
      return
    }
    if remaining != .max { remaining -= 1 }
    if !remainingOfUser.isEmpty { remainingOfUser[user.index] -= 1 }
    context.recorder.iterations.arrivals &+= 1
    context.recorder.iterations.started &+= 1
    user.start(entry: nextEntry(), iteration: nextIteration, stream: 0, intendedStart: 0, isMeasured: true)
    nextIteration &+= 1
  }

  func iterationEnded(_ user: VirtualUser, _ ending: IterationEnding, now: UInt64) {
    count(ending)
    startNext(user, now: now)
    endIfDone(now: now)
  }

  func stopRequested() { isStopping = true }

  func timerFired(_ timer: ReactorTimer, now: UInt64) { stopStarting(now: now) }

  func stopStarting(now: UInt64) {
    isStopping = true
    endTimer.disarm()
    endIfDone(now: now)
  }

  private func endIfDone(now: UInt64) { if free.count == users.count { endLoad(now: now) } }
}
