import ChainIO
import ChainProgram
import Metrics
import Testing

@testable import ChainRuntime

/// Executors with loads that change, paces and rests. The load's clock is turned by hand: its start lies an hour ahead, so that no timer
/// fires by itself, and `advance` and `timerFired` are told the time.
@Suite(.serialized) struct LoadShapeTests {
  private func oneCall() -> Program {
    var sketch = ProgramSketch()
    sketch.beginIteration()
    sketch.call("work", timeout: 3600 * seconds)
    sketch.emit(.end)
    return sketch.program
  }

  private func piece(_ length: UInt64, _ from: Double, _ to: Double) -> LoadCurve.Piece { LoadCurve.Piece(nanoseconds: length, from: from, to: to) }

  private func later() -> UInt64 { MonotonicClock.now + 3600 * seconds }

  /// Turns for long enough that whatever is ready has run.
  private func settle(_ stage: Stage, turns: Int = 20) {
    for _ in 0..<turns { stage.reactor.turn(waitingAtMost: 0) }
  }

  // Stages

  @Test func `a ramp starts users one at a time, and a retired user ends after its iteration`() throws {
    // Replies come when the test says: each user hangs in its iteration.
    let script = Script { _ in .ok(after: 2 * milliseconds) }
    let stage = try Stage(oneCall(), script)
    let curve = LoadCurve([piece(10 * seconds, 0, 10), piece(5 * seconds, 10, 10), piece(10 * seconds, 10, 0)])
    let executor = ClosedExecutor(load: ClosedLoad(stages: curve), context: stage.context)
    executor.loadOwner = stage
    let start = later()
    executor.begin(at: start)
    #expect(executor.totalUsers == 0 && executor.busyUsers == 0)
    for count in 1...10 {
      executor.advance(to: start + UInt64(count - 1) * seconds + 499 * milliseconds)
      #expect(executor.totalUsers == count - 1)
      executor.advance(to: start + UInt64(count - 1) * seconds + 500 * milliseconds)
      #expect(executor.totalUsers == count && executor.busyUsers == count)
    }
    #expect(executor.users.count == 10)
    executor.advance(to: start + 15 * seconds + 600 * milliseconds)
    // One user is not wanted any more, and still inside its iteration.
    #expect(executor.totalUsers == 9 && executor.busyUsers == 10)
    try #require(stage.turn { executor.busyUsers == 9 })
    executor.advance(to: start + 21 * seconds)
    try #require(stage.turn { executor.busyUsers == 4 })
    // They stay away, while the others go on.
    let before = stage.recorder.iterations.completed
    try #require(stage.turn { stage.recorder.iterations.completed >= before + 12 })
    #expect(executor.busyUsers == 4 && executor.totalUsers == 4)
    #expect(executor.users[4...].allSatisfy { $0.isIdle })
    executor.advance(to: start + 25 * seconds - 1)
    try #require(stage.turn { executor.busyUsers == 0 })
    #expect(!stage.hasLoadEnded)
    executor.advance(to: start + 25 * seconds)
    #expect(stage.hasLoadEnded && stage.recorder.iterations.areConserved)
    executor.retire()
  }

  @Test func `a user that is wanted again before its last iteration has ended goes on`() throws {
    let script = Script { _ in .never }
    let stage = try Stage(oneCall(), script)
    let curve = LoadCurve([piece(seconds, 3, 3), piece(seconds, 1, 1), piece(seconds, 3, 3)])
    let executor = ClosedExecutor(load: ClosedLoad(stages: curve), context: stage.context)
    executor.loadOwner = stage
    let start = later()
    executor.begin(at: start)
    #expect(executor.totalUsers == 3)
    settle(stage)
    #expect(script.submittedCount == 3)
    executor.advance(to: start + seconds)
    executor.advance(to: start + 2 * seconds)
    settle(stage)
    #expect(script.submittedCount == 3 && executor.busyUsers == 3 && executor.users.count == 3)
    executor.advance(to: start + 3 * seconds)
    executor.interruptAll(now: MonotonicClock.now)
    try #require(stage.turn(within: seconds) { stage.hasLoadEnded })
    #expect(stage.recorder.iterations.interrupted == 3)
    executor.retire()
  }

  @Test(arguments: [OpenLoad.Saturation.queue, .drop])
  func `arrivals of stages that find no user wait or are dropped, and none is lost`(saturation: OpenLoad.Saturation) throws {
    let script = Script { _ in .never }
    let stage = try Stage(oneCall(), script)
    // 50 in the ramp up, 100 in the hold, 50 in the ramp down.
    let curve = LoadCurve([piece(seconds, 0, 100), piece(seconds, 100, 100), piece(seconds, 100, 0)])
    let load = OpenLoad(curve: curve, shape: .stages, arrivals: .constant, usersMax: 7, onSaturation: saturation)
    let executor = OpenExecutor(load: load, seed: 1, context: stage.context)
    executor.loadOwner = stage
    let start = later()
    executor.begin(at: start)
    var counts: IterationCounts { stage.recorder.iterations }
    executor.advance(to: start + seconds - 1)
    #expect(counts.arrivals == 50 && executor.busyUsers == 7)
    executor.advance(to: start + 2 * seconds - 1)
    #expect(counts.arrivals == 150)
    executor.advance(to: start + 4 * seconds)
    #expect(counts.arrivals == 200 && counts.started == 7)
    #expect(saturation == .queue ? executor.queued == 193 && counts.dropped == 0 : executor.queued == 0 && counts.dropped == 193)
    executor.stopStarting(now: MonotonicClock.now)
    executor.interruptAll(now: MonotonicClock.now)
    try #require(stage.turn(within: seconds) { stage.hasLoadEnded })
    #expect(counts.areConserved && counts.interrupted == (saturation == .queue ? 200 : 7))
    executor.retire()
  }

  // Pacing and offsets

  @Test func `a pace is kept from start to start, however late its timer fires`() throws {
    let script = Script()
    let stage = try Stage(oneCall(), script)
    let load = ClosedLoad(users: 3, extent: .iterationsPerUser(5), pacing: .constant(seconds))
    let executor = ClosedExecutor(load: load, context: stage.context)
    executor.loadOwner = stage
    let start = later()
    executor.begin(at: start)
    settle(stage)
    #expect(script.submittedCount == 3 && executor.busyUsers == 0)
    for round in 1...4 {
      for user in 0..<3 {
        let due = start + UInt64(round) * seconds
        #expect(executor.restTimers[user].dueNanoseconds == due)
        // Late by up to 30 ms: the next one is due as if it had not been.
        executor.timerFired(executor.restTimers[user], now: due + UInt64(user * 10) * milliseconds)
      }
      settle(stage)
      #expect(script.submittedCount == 3 * (round + 1))
    }
    #expect(stage.hasLoadEnded && stage.recorder.pauses.pacesMissed == 0)
    executor.retire()
  }

  @Test func `an iteration that takes longer than the pace is followed at once, and counted`() throws {
    // The load's start lies far behind: each iteration ends long after the next one was due.
    let script = Script()
    let stage = try Stage(oneCall(), script)
    let load = ClosedLoad(users: 2, extent: .iterationsPerUser(4), pacing: .constant(seconds))
    let executor = ClosedExecutor(load: load, context: stage.context)
    executor.loadOwner = stage
    executor.begin(at: MonotonicClock.now - 100 * seconds)
    settle(stage)
    // The first start was 100 s ago, so the second is at once; what was missed is not made up: the third is a pace after the second.
    #expect(script.submittedCount == 4 && stage.recorder.pauses.pacesMissed == 2)
    #expect(executor.restTimers.allSatisfy { $0.isArmed && $0.dueNanoseconds > MonotonicClock.now })
    executor.stopStarting(now: MonotonicClock.now)
    #expect(stage.hasLoadEnded && executor.restTimers.allSatisfy { !$0.isArmed })
    executor.retire()
  }

  @Test func `first starts are spread over the offset`() throws {
    let script = Script { _ in .never }
    let stage = try Stage(oneCall(), script)
    let load = ClosedLoad(users: 4, extent: .duration(60 * seconds), startOffset: StartOffset(nanoseconds: 20 * seconds, spread: .even))
    let executor = ClosedExecutor(load: load, context: stage.context)
    executor.loadOwner = stage
    let start = later()
    executor.begin(at: start)
    settle(stage)
    #expect(script.submittedCount == 1 && executor.totalUsers == 4 && executor.busyUsers == 1)
    #expect(executor.restTimers[1...].map(\.dueNanoseconds) == [5, 10, 15].map { start + $0 * seconds })
    // The end comes before the others have started: it does not wait for them.
    executor.advance(to: start + 60 * seconds)
    executor.interruptAll(now: MonotonicClock.now)
    try #require(stage.turn(within: seconds) { stage.hasLoadEnded })
    #expect(script.submittedCount == 1 && stage.recorder.iterations.areConserved)
    executor.retire()
  }

  // Rests after errors

  @Test(arguments: [true, false])
  func `a closed load does not hammer a target that fails`(isUnknown: Bool) throws {
    let script = Script { _ in isUnknown ? .unknown() : .fails() }
    let stage = try Stage(oneCall(), script)
    let backoff = ErrorBackoff(startNanoseconds: 600 * seconds, factor: 2, maxNanoseconds: 2000 * seconds, jitter: 0)
    let executor = ClosedExecutor(load: ClosedLoad(users: 8, extent: .duration(7200 * seconds)), backoff: backoff, context: stage.context)
    executor.loadOwner = stage
    executor.begin(at: MonotonicClock.now)
    settle(stage, turns: 100)
    #expect(script.submittedCount == 8 && executor.busyUsers == 0 && executor.totalUsers == 8)
    var rests = [8 * 600]
    for round in 1...3 {
      for timer in executor.restTimers { executor.timerFired(timer, now: MonotonicClock.now) }
      settle(stage, turns: 100)
      #expect(script.submittedCount == 8 * (round + 1))
      rests.append(8 * min(600 << round, 2000))
    }
    #expect(stage.recorder.pauses.backoffs == 32 && stage.recorder.pauses.backoffNanoseconds == UInt64(rests.reduce(0, +)) * seconds)
    #expect(executor.restTimers.allSatisfy { $0.dueNanoseconds > MonotonicClock.now + 1900 * seconds })
    executor.stopStarting(now: MonotonicClock.now)
    #expect(stage.hasLoadEnded)
    let counts = stage.recorder.iterations
    #expect(counts.areConserved && (isUnknown ? counts.unknown : counts.failed) == 32)
    executor.retire()
  }

  @Test func `a success ends the growth of the rests`() throws {
    let script = Script { $0.number % 3 == 2 ? .ok() : .fails() }
    let stage = try Stage(oneCall(), script)
    let backoff = ErrorBackoff(startNanoseconds: 100 * seconds, factor: 2, maxNanoseconds: 10_000 * seconds, jitter: 0)
    let executor = ClosedExecutor(load: ClosedLoad(users: 1, extent: .iterations(9)), backoff: backoff, context: stage.context)
    executor.loadOwner = stage
    executor.begin(at: MonotonicClock.now)
    settle(stage)
    while !stage.hasLoadEnded, executor.restTimers[0].isArmed {
      executor.timerFired(executor.restTimers[0], now: MonotonicClock.now)
      settle(stage)
    }
    // Fail, fail, succeed, three times; nobody rests after the last one, which succeeds.
    #expect(stage.hasLoadEnded && stage.recorder.pauses.backoffNanoseconds == 3 * (100 + 200) * seconds)
    executor.retire()
  }

  @Test func `in an open load a user that rests is not free: arrivals wait for it and keep their intended start`() throws {
    let script = Script { $0.number == 0 ? .fails() : .ok() }
    let stage = try Stage(oneCall(), script)
    let load = OpenLoad(rate: 10, durationNanoseconds: seconds, arrivals: .constant, usersMax: 1, onSaturation: .queue)
    let backoff = ErrorBackoff(startNanoseconds: 3600 * seconds, factor: 1, maxNanoseconds: 3600 * seconds, jitter: 0)
    let executor = OpenExecutor(load: load, backoff: backoff, seed: 1, context: stage.context)
    executor.loadOwner = stage
    let start = MonotonicClock.now - 5 * seconds
    executor.begin(at: start)
    executor.advance(to: start)
    settle(stage)
    #expect(script.submittedCount == 1 && executor.busyUsers == 0)
    executor.advance(to: start + 5 * seconds)
    settle(stage)
    #expect(script.submittedCount == 1 && executor.queued == 9 && !stage.hasLoadEnded)
    executor.timerFired(executor.restTimers[0], now: MonotonicClock.now)
    try #require(stage.turn { stage.hasLoadEnded })
    #expect(script.submittedCount == 10 && stage.recorder.iterations.completed == 9)
    // Arrival n was intended 5 s - n / 10 s ago: the rest is in the response times, the service times know nothing of it.
    #expect(stage.recorder.response.minNanoseconds! >= 4 * seconds && stage.recorder.service.maxNanoseconds! < 4 * seconds)
    // The test's load lay in the past, so that its arrivals were late by our own doing as well, which comes first.
    #expect(stage.recorder.lateUserFree == 10 && stage.recorder.lateNoUserFree == 0)
    executor.retire()
  }

  @Test func `arrivals that find all users resting are dropped when the profile says so`() throws {
    let script = Script { _ in .fails() }
    let stage = try Stage(oneCall(), script)
    let load = OpenLoad(rate: 100, durationNanoseconds: seconds, arrivals: .constant, usersMax: 4, onSaturation: .drop)
    let backoff = ErrorBackoff(startNanoseconds: 3600 * seconds, factor: 1, maxNanoseconds: 3600 * seconds, jitter: 0)
    let executor = OpenExecutor(load: load, backoff: backoff, seed: 1, context: stage.context)
    executor.loadOwner = stage
    let start = later()
    executor.begin(at: start)
    for tenth in 0...10 {
      executor.advance(to: start + UInt64(tenth) * 100 * milliseconds)
      settle(stage)
    }
    let counts = stage.recorder.iterations
    #expect(script.submittedCount == 4 && counts.failed == 4 && counts.dropped == 96 && counts.areConserved)
    // The schedule is over and nothing runs: the end does not wait for the rests.
    #expect(stage.hasLoadEnded)
    executor.retire()
  }

  // Mixes

  @Test func `a mix has its exact shares with stages, paces and rests`() throws {
    var sketch = ProgramSketch()
    var entries: [(String, Int)] = []
    for name in ["a", "b", "c"] {
      entries.append((name, sketch.pc))
      sketch.call(name, timeout: 3600 * seconds)
      sketch.emit(.end)
    }
    for (name, entry) in entries {
      sketch.program.scenarios.append(ScenarioDescription(name: name, entry: entry, weight: 1))
    }
    let script = Script { $0.number % 5 == 0 ? .fails() : .ok() }
    let stage = try Stage(sketch.program, script)
    let backoff = ErrorBackoff(startNanoseconds: milliseconds, factor: 1, maxNanoseconds: milliseconds, jitter: 0)
    let load = ClosedLoad(
      users: 6, extent: .iterations(1000), startOffset: StartOffset(nanoseconds: 5 * milliseconds, spread: .random),
      pacing: .uniform(100_000, 300_000))
    try #require(stage.run(ClosedExecutor(load: load, mix: [70, 20, 10], backoff: backoff, context: stage.context)))
    func share(_ step: Int) -> Int { script.submitted.filter { $0.step == step }.count }
    #expect([share(0), share(1), share(2)] == [700, 200, 100])
    // In every window of 100, give or take the number of scenarios.
    for first in stride(from: 0, to: 900, by: 50) {
      let window = script.submitted[first..<first + 100]
      #expect(abs(window.filter { $0.step == 0 }.count - 70) <= 3)
    }
  }
}
