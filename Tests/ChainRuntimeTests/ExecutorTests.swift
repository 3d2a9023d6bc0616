import ChainIO
import ChainProgram
import Metrics
import Testing

@testable import ChainRuntime

@Suite(.serialized) struct ExecutorTests {
  /// A chain of one operation.
  private func oneCall(timeout: UInt64 = 10 * seconds) -> Program {
    var sketch = ProgramSketch()
    sketch.beginIteration()
    sketch.call("work", timeout: timeout)
    sketch.emit(.end)
    return sketch.program
  }

  private func closed(_ stage: Stage, _ users: Int, _ extent: ClosedLoad.Extent) -> ClosedExecutor {
    ClosedExecutor(load: ClosedLoad(users: users, extent: extent), context: stage.context)
  }

  // Closed

  @Test(arguments: [(1, 1), (3, 100), (10, 3), (7, 1000)])
  func `a number of iterations is shared by the users`(users: Int, iterations: Int) throws {
    let script = Script()
    let stage = try Stage(oneCall(), script)
    try #require(stage.run(closed(stage, users, .iterations(iterations))))
    #expect(script.submittedCount == iterations)
    let counts = stage.recorder.iterations
    #expect(counts.arrivals == UInt64(iterations) && counts.completed == UInt64(iterations) && counts.started == counts.arrivals)
    #expect(counts.areConserved)
  }

  @Test func `each user runs its own number of iterations`() throws {
    var sketch = ProgramSketch()
    sketch.beginIteration()
    sketch.call("work")
    sketch.emit(.end)
    // Some users are ten times as slow: nobody takes over their iterations.
    let script = Script { _ in .ok(after: 0) }
    var random = SplitMix(state: 2)
    script.reply = { _ in .ok(after: random.next() % 3 * 100_000) }
    let stage = try Stage(sketch.program, script)
    let executor = closed(stage, 8, .iterationsPerUser(25))
    try #require(stage.run(executor))
    #expect(script.submittedCount == 200 && stage.recorder.iterations.completed == 200 && executor.busyUsers == 0 && executor.totalUsers == 8)
  }

  @Test func `a closed load of a duration stops starting then, and lets what runs finish`() throws {
    let script = Script { _ in .ok(after: 10 * milliseconds) }
    let stage = try Stage(oneCall(), script)
    let began = MonotonicClock.now
    try #require(stage.run(closed(stage, 4, .duration(100 * milliseconds))))
    let spent = MonotonicClock.now - began
    #expect(spent >= 100 * milliseconds)
    #expect(script.submitted.allSatisfy { $0.at < began + 100 * milliseconds + 50 * milliseconds })
    let counts = stage.recorder.iterations
    #expect(counts.arrivals == counts.completed && counts.arrivals <= 40 && counts.arrivals >= 4)
  }

  @Test func `a closed load without iterations ends at once`() throws {
    let stage = try Stage(oneCall(), Script())
    #expect(stage.run(closed(stage, 3, .iterations(0))))
    #expect(stage.recorder.iterations == IterationCounts())
  }

  @Test func `a closed load has no response time and no start delay`() throws {
    let stage = try Stage(oneCall(), Script())
    try #require(stage.run(closed(stage, 2, .iterations(50))))
    #expect(stage.recorder.response.isEmpty && stage.recorder.startDelay.isEmpty && stage.recorder.service.count == 50)
  }

  // Open

  @Test func `an arrival that waits for a user keeps its intended start`() throws {
    // One user, 10 ms of service, 200 arrivals a second: arrival n is due at 5 n ms and ends no sooner than 10 (n + 1) ms.
    let script = Script { _ in .ok(after: 10 * milliseconds) }
    let stage = try Stage(oneCall(), script)
    let executor = OpenExecutor(load: open(200, 200 * milliseconds, users: 1), seed: 1, context: stage.context)
    var ends: [UInt64] = []
    let began = MonotonicClock.now
    try #require(stage.run(executor) { if stage.recorder.response.count > ends.count { ends.append(MonotonicClock.now) } })
    let response = stage.recorder.response.snapshot()
    #expect(response.count == 40 && stage.recorder.iterations.completed == 40)
    // The n-th response is 10 (n + 1) - 5 n = 5 n + 10 ms at least: 10 to 205 ms, and their sum is known.
    let least = (0..<40).reduce(UInt64(0)) { $0 + UInt64(5 * $1 + 10) * milliseconds }
    #expect(response.sum >= least)
    #expect(response.min >= 10 * milliseconds && response.max >= 205 * milliseconds)
    // What is more than that is this machine's own slowness: the whole run took as much longer.
    let slowness = MonotonicClock.now - began - 400 * milliseconds
    #expect(response.max <= 205 * milliseconds + slowness + 10 * milliseconds)
    // Service is not response.
    #expect(stage.recorder.service.count == 40 && stage.recorder.service.minNanoseconds! >= 10 * milliseconds)
    #expect(stage.recorder.service.quantile(0.5)! < 60 * milliseconds)
    #expect(stage.recorder.lateNoUserFree >= 38 && stage.recorder.iterations.dropped == 0)
  }

  @Test func `the start delay is that of the iteration, not of the turn that began it`() throws {
    // Both arrivals are due in one turn; the first one's submission takes 5 ms of the reactor's time.
    let script = Script()
    script.reply = { request in
      if request.number == 0 {
        let end = MonotonicClock.now + 5 * milliseconds
        while MonotonicClock.now < end {}
      }
      return .ok()
    }
    let stage = try Stage(oneCall(), script)
    let executor = OpenExecutor(load: open(1_000_000, 2000, users: 2), seed: 1, context: stage.context)
    try #require(stage.run(executor))
    #expect(stage.recorder.startDelay.count == 2 && stage.recorder.startDelay.maxNanoseconds! >= 5 * milliseconds)
    #expect(stage.recorder.lateUserFree >= 1)
    executor.retire()
  }

  @Test func `an arrival that finds no free user is dropped when the profile says so`() throws {
    let script = Script { _ in .never }
    let stage = try Stage(oneCall(timeout: 300 * milliseconds), script)
    let executor = OpenExecutor(load: open(1000, 100 * milliseconds, users: 3, .drop), seed: 1, context: stage.context)
    try #require(stage.run(executor))
    let counts = stage.recorder.iterations
    #expect(counts.arrivals == 100 && counts.started == 3 && counts.dropped == 97 && counts.unknown == 3)
    #expect(counts.areConserved && executor.totalUsers == 3)
  }

  @Test func `a dropped arrival has its own iteration number`() throws {
    var sketch = ProgramSketch()
    let number = sketch.slot()
    let step = sketch.step("work")
    sketch.program.feeds.append(
      FeedDeclaration(name: "n", columns: [("n", .int)], pick: .random, onExhaustion: .again, cells: (0..<1000).map { .int($0) }))
    let operation = sketch.operation(step, arguments: number, count: 1)
    sketch.beginIteration()
    sketch.emit(.drawRow(FeedIndex(0), d: number), .enterStep(step), .submit(operation), .end)
    // The row of a random feed is a function of the iteration number. With one user every second arrival is dropped, and those that run
    // still draw the rows of their own numbers.
    let truth = FeedCursor(feed: sketch.program.feeds[0], index: 0, seed: 7)
    let script = Script { _ in .ok(after: 3 * milliseconds) }
    let stage = try Stage(sketch.program, script, seed: 7)
    let began = MonotonicClock.now
    let executor = OpenExecutor(load: open(500, 100 * milliseconds, users: 1, .drop), seed: 1, context: stage.context)
    executor.loadOwner = stage
    executor.begin(at: began)
    try #require(stage.turn { stage.hasLoadEnded })
    #expect(stage.recorder.iterations.dropped > 0 && stage.recorder.iterations.areConserved)
    let rows = script.submitted.map { $0.arguments[0].description }
    var possible = (0..<50 as Range<UInt64>).map { String(truth.row(iteration: $0)!) }[...]
    for row in rows {
      let found = possible.firstIndex(of: row)
      #expect(found != nil)
      possible = possible[((found ?? possible.endIndex - 1) + 1)...]
    }
    // The last one ran with a late number, not with the number of iterations that ran before it.
    #expect(rows.count < 40)
    #expect(truth.row(iteration: UInt64(rows.count - 1)).map(String.init) != rows.last)
  }

  @Test func `users are made as they are needed, up to the maximum`() throws {
    let stage = try Stage(oneCall(), Script())
    let executor = OpenExecutor(load: open(500, 100 * milliseconds, users: 50), seed: 1, context: stage.context)
    try #require(stage.run(executor))
    #expect(stage.recorder.iterations.completed == 50)
    #expect(executor.totalUsers <= 50)
  }

  @Test func `stopping starts nothing more, lets what runs finish and counts what waited as interrupted`() throws {
    let script = Script { _ in .ok(after: 50 * milliseconds) }
    let stage = try Stage(oneCall(), script)
    let executor = OpenExecutor(load: open(1000, 10 * seconds, users: 2), seed: 1, context: stage.context)
    executor.loadOwner = stage
    executor.begin(at: MonotonicClock.now)
    try #require(stage.turn { executor.queued >= 20 })
    executor.stopStarting(now: MonotonicClock.now)
    let submitted = script.submittedCount
    #expect(executor.queued == 0 && !stage.hasLoadEnded)
    try #require(stage.turn { stage.hasLoadEnded })
    let counts = stage.recorder.iterations
    #expect(script.submittedCount == submitted && counts.interrupted >= 20 && counts.completed == UInt64(submitted) && counts.areConserved)
  }

  @Test func `interrupting cuts short what runs`() throws {
    let script = Script { _ in .never }
    let stage = try Stage(oneCall(), script)
    let executor = OpenExecutor(load: open(1000, 10 * seconds, users: 5), seed: 1, context: stage.context)
    executor.loadOwner = stage
    executor.begin(at: MonotonicClock.now)
    try #require(stage.turn { executor.queued >= 10 })
    executor.stopStarting(now: MonotonicClock.now)
    executor.interruptAll(now: MonotonicClock.now)
    try #require(stage.turn(within: seconds) { stage.hasLoadEnded })
    let counts = stage.recorder.iterations
    #expect(script.abandoned == 5 && counts.interrupted == counts.arrivals && counts.areConserved)
  }

  // Feeds

  @Test(arguments: [true, false])
  func `an exhausted feed withdraws the iterations it has no row for`(isOpen: Bool) throws {
    var sketch = ProgramSketch()
    let row = sketch.slot()
    sketch.program.feeds.append(
      FeedDeclaration(name: "n", columns: [("n", .int)], pick: .unique, onExhaustion: .stop, cells: (0..<10).map { .int($0) }))
    let step = sketch.step("work")
    let operation = sketch.operation(step, arguments: row, count: 1)
    sketch.beginIteration()
    sketch.emit(.drawRow(FeedIndex(0), d: row), .enterStep(step), .submit(operation), .end)
    let script = Script { _ in .ok(after: 2 * milliseconds) }
    let stage = try Stage(sketch.program, script)
    var taken = IterationCounts()
    if isOpen {
      // Two users and a queue that is longer than the feed. Intervals are taken all the time, so that arrivals are counted in one
      // and withdrawn in another.
      let executor = OpenExecutor(load: open(2000, 5 * seconds, users: 2), seed: 1, context: stage.context)
      try #require(stage.run(executor) { taken += stage.takeInterval().iterations })
    } else {
      try #require(stage.run(closed(stage, 4, .duration(5 * seconds))) { taken += stage.takeInterval().iterations })
    }
    taken += stage.takeInterval().iterations
    #expect(script.submitted.map { $0.arguments[0].description }.sorted() == (0..<10).map(String.init).sorted())
    #expect(taken.completed == 10 && taken.areConserved)
  }

  // Conservation

  /// Loads that change, with paces and rests that are short enough to happen hundreds of times.
  private func shaped(_ round: Int, _ seed: UInt64, _ stage: Stage) -> any Executor & UserPool {
    let backoff = ErrorBackoff(startNanoseconds: 500_000, factor: 2, maxNanoseconds: 4 * milliseconds, jitter: 0.5)
    func piece(_ from: Double, _ to: Double) -> LoadCurve.Piece { LoadCurve.Piece(nanoseconds: 130 * milliseconds, from: from, to: to) }
    switch round {
    case 6:
      let load = ClosedLoad(stages: LoadCurve([piece(0, 25), piece(25, 4), piece(30, 0)]), pacing: .exponential(milliseconds))
      return ClosedExecutor(load: load, backoff: backoff, context: stage.context)
    case 7:
      let load = ClosedLoad(
        users: 20, extent: .iterationsPerUser(60), startOffset: StartOffset(nanoseconds: 50 * milliseconds, spread: .random),
        pacing: .uniform(200_000, 2 * milliseconds))
      return ClosedExecutor(load: load, backoff: backoff, context: stage.context)
    default:
      let load = OpenLoad(
        curve: LoadCurve([piece(0, 8000), piece(300, 300), piece(5000, 100)]), shape: .stages, arrivals: round == 8 ? .uniform : .poisson,
        usersMax: 12, onSaturation: round == 8 ? .queue : .drop)
      return OpenExecutor(load: load, backoff: backoff, seed: seed, context: stage.context)
    }
  }

  @Test(arguments: 0..<10)
  func `every arrival ends in exactly one way, whatever happens`(round: Int) throws {
    let seed = UInt64(1000 + round)
    var random = SplitMix(state: seed)
    var sketch = ProgramSketch()
    let condition = sketch.slot()
    let ok = sketch.path(.affected)
    let step = sketch.step("first")
    let check = sketch.check(step, "affected != 3")
    let operation = sketch.operation(step, timeout: 3 * milliseconds)
    let three = sketch.slot(holding: .int(3))
    sketch.beginIteration()
    sketch.emit(
      .enterStep(step), .submit(operation), .loadResult(d: condition, ok), .compare(.notEqual, .int, d: condition, a: condition, b: three),
      .check(check, a: condition, continues: false))
    sketch.call("second", timeout: 3 * milliseconds)
    sketch.emit(.end)
    let script = Script()
    script.isRecording = false
    script.reply = { _ in
      let after = random.next() % 4 * 300_000
      switch random.next() % 20 {
      case 0: return .fails(after: after)
      case 1: return .unknown(after: after)
      case 2: return .never
      case 3: return .neverStarts
      case 4: return .ok(after: after) { $0.affected = 3 }
      case 5: return .waits(pool: after, service: 2 * after)
      default: return .ok(after: after)
      }
    }
    let stage = try Stage(sketch.program, script, seed: seed)
    let executor: any Executor & UserPool
    switch round {
    case 0: executor = ClosedExecutor(load: ClosedLoad(users: 20, extent: .iterations(3000)), context: stage.context)
    case 1: executor = ClosedExecutor(load: ClosedLoad(users: 20, extent: .duration(400 * milliseconds)), context: stage.context)
    case 2: executor = OpenExecutor(load: open(6000, 400 * milliseconds, users: 15, .drop), seed: seed, context: stage.context)
    case 3: executor = OpenExecutor(load: open(6000, 400 * milliseconds, users: 10, .queue, .poisson), seed: seed, context: stage.context)
    case 6...9: executor = shaped(round, seed, stage)
    default: executor = OpenExecutor(load: open(6000, 10 * seconds, users: 12, round == 4 ? .queue : .drop), seed: seed, context: stage.context)
    }
    executor.loadOwner = stage
    let began = MonotonicClock.now
    executor.begin(at: began)
    var taken = IterationCounts()
    if round == 4 || round == 5 {
      _ = stage.turn(within: 300 * milliseconds) { false }
      taken += stage.takeInterval().iterations
      executor.stopStarting(now: MonotonicClock.now)
      if round == 5 { executor.interruptAll(now: MonotonicClock.now) }
    }
    let ended = stage.turn {
      if random.next() % 10 == 0 { taken += stage.takeInterval().iterations }
      return stage.hasLoadEnded
    }
    #expect(ended, "seed \(seed)")
    taken += stage.takeInterval().iterations
    #expect(taken.areConserved && taken.arrivals > 200, "seed \(seed): \(taken)")
    #expect(taken.started <= taken.arrivals && executor.busyUsers == 0, "seed \(seed)")
    #expect(taken.failed > 0 && taken.unknown > 0 && taken.completed > 0, "seed \(seed): \(taken)")
  }
}
