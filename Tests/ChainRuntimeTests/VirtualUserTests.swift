import ChainIO
import ChainProgram
import Metrics
import Testing

@testable import ChainRuntime

@Suite(.serialized) struct VirtualUserTests {
  private let error = OperationError(.server, code: "E1", "the script says no")

  /// Steps that a script answers by their index.
  private func steps(_ script: Script) -> [Int] { script.submitted.map(\.step) }

  @Test func `an iteration runs its steps in order and records service apart from the wait for a connection`() throws {
    var sketch = ProgramSketch()
    sketch.beginIteration()
    sketch.call("a")
    sketch.call("b")
    sketch.emit(.end)
    let script = Script { $0.step == 0 ? .ok(after: 0) : .waits(pool: 30 * milliseconds, service: 10 * milliseconds) }
    let (stage, ending) = try Stage.once(sketch.program, script)
    #expect(ending == .completed && steps(script) == [0, 1])
    let interval = stage.takeInterval()
    let b = interval.steps[1]
    #expect(b.count == 1 && b.poolWait.min >= 30 * milliseconds && b.service.min >= 10 * milliseconds)
    // The wait is no part of the service, but of the iteration.
    #expect(interval.service.min >= 40 * milliseconds && interval.response.min >= interval.service.min)
    #expect(b.poolWait.sum + b.service.sum <= interval.service.sum)
  }

  @Test func `the first failing step ends the iteration and is its error`() throws {
    for (reply, expected) in [(ScriptedReply.fails(), IterationEnding.failed), (.unknown(), .unknown)] {
      var sketch = ProgramSketch()
      sketch.beginIteration()
      sketch.call("a")
      sketch.call("b")
      sketch.emit(.end)
      let script = Script { _ in reply }
      let (stage, ending) = try Stage.once(sketch.program, script)
      #expect(ending == expected && steps(script) == [0])
      let interval = stage.takeInterval()
      #expect(interval.steps[0].failed == (expected == .failed ? 1 : 0) && interval.steps[0].unknown == (expected == .unknown ? 1 : 0))
      #expect(interval.steps[0].service.isEmpty && interval.response.isEmpty)
      #expect(stage.recorder.takeFailures().map(\.count) == [1])
    }
  }

  // Handlers

  /// begin, insert, fail-prone, commit; on an error: rollback and rethrow.
  private func transaction(forgetting: Bool = false, connections: [String] = ["store"], middle: Int = 0) -> ProgramSketch {
    var sketch = ProgramSketch(connections: connections)
    let (begin, insert, work, commit, rollback) = (
      sketch.step("begin"), sketch.step("insert"), sketch.step("work", connection: middle), sketch.step("commit"), sketch.step("rollback")
    )
    let operations = (
      sketch.operation(begin, role: .beginsTransaction), sketch.operation(insert), sketch.operation(work, connection: middle, timeout: 50 * milliseconds),
      sketch.operation(commit, role: .commitsTransaction), sketch.operation(rollback, role: .rollsBackTransaction)
    )
    let id = sketch.slots(holding: [.int(42), .null, .null])
    let event = sketch.event("made", origin: insert, hops: [("queue", "tap")])
    sketch.beginIteration()
    let start = sketch.pc
    sketch.emit(.enterStep(begin), .submit(operations.0))
    let guarded = sketch.pc
    sketch.emit(
      .enterStep(insert), .submit(operations.1), .originIdentify(event, a: id), .enterStep(work), .submit(operations.2), .enterStep(commit),
      .submit(operations.3), .originAcknowledge(event))
    let end = sketch.pc
    sketch.emit(.jump(target: UInt32(end + 5)))
    let handler = sketch.pc
    sketch.emit(.submit(operations.4), .originAbort(event), .rethrow, .end)
    precondition(sketch.pc == end + 5)
    sketch.call("after")
    sketch.emit(.end)
    sketch.handle(guarded..<end, at: handler)
    if forgetting { sketch.handle(start..<(end + 5), at: end + 5, forgets: true) }
    return sketch
  }

  @Test func `a transaction commits its event`() throws {
    let script = Script()
    let (stage, ending) = try Stage.once(transaction().program, script)
    #expect(ending == .completed && steps(script) == [0, 1, 2, 3, 5] && script.heldLeases == 0 && script.endedLeases == 0)
    #expect(stage.ledger.counts()[0].counts == EventCounts(attempted: 1, committed: 1))
    // The bracket is the commit's: it cannot have happened before the commit was sent.
    let row = stage.ledger.finish(now: MonotonicClock.now).decoded[0]
    #expect(row.id == "42" && row.sentNanoseconds! >= script.submitted[3].at)
  }

  @Test func `an error in a transaction is rolled back and then passed on`() throws {
    let script = Script { $0.step == 2 ? .fails(after: 0, self.error) : .ok() }
    let (stage, ending) = try Stage.once(transaction().program, script)
    #expect(ending == .failed && steps(script) == [0, 1, 2, 4] && script.heldLeases == 0)
    #expect(stage.ledger.counts()[0].counts == EventCounts(attempted: 1, rolledBack: 1))
    #expect(stage.recorder.takeFailures().map(\.fingerprint.code) == ["E1"])
  }

  @Test func `a commit without an answer leaves the event unknown, also after the rollback`() throws {
    let script = Script { $0.step == 3 ? .unknown() : .ok() }
    let (stage, ending) = try Stage.once(transaction().program, script)
    #expect(ending == .unknown && steps(script) == [0, 1, 2, 3, 4])
    #expect(stage.ledger.counts()[0].counts == EventCounts(attempted: 1, unknown: 1))
  }

  @Test func `a handler that forgets goes on after the error, and the iteration counts as completed`() throws {
    let script = Script { $0.step == 2 ? .fails(after: 0, self.error) : .ok() }
    let (stage, ending) = try Stage.once(transaction(forgetting: true).program, script)
    #expect(ending == .completed && steps(script) == [0, 1, 2, 4, 5])
    // The error is counted all the same.
    #expect(stage.recorder.takeFailures().map(\.count) == [1])
    #expect(stage.ledger.counts()[0].counts == EventCounts(attempted: 1, rolledBack: 1))
  }

  @Test func `a rollback that fails still ends the iteration, and its connection is given back`() throws {
    let script = Script { $0.step == 2 || $0.step == 4 ? .fails(after: 0, self.error) : .ok() }
    let (stage, ending) = try Stage.once(transaction().program, script)
    #expect(ending == .failed && script.heldLeases == 0 && script.endedLeases == 1)
    #expect(stage.ledger.counts()[0].counts.areConserved && stage.ledger.counts()[0].counts.attempted == 1)
  }

  @Test func `an interruption inside a transaction gives the connection back to the driver that lent it`() throws {
    // The last operation before the interruption is another connection's.
    let script = Script { $0.step == 2 ? .never : .ok() }
    let stage = try Stage(transaction(connections: ["store", "cache"], middle: 1).program, script)
    let user = stage.makeUser()
    user.start(entry: stage.context.program.iterationEntry, iteration: 0, stream: 0, intendedStart: 0, isMeasured: true)
    try #require(stage.turn { script.submittedCount == 3 })
    user.interrupt(now: MonotonicClock.now)
    try #require(stage.turn { !stage.endings.isEmpty })
    #expect(stage.endings == [.interrupted] && script.heldLeases == 0 && script.endedLeases == 1)
    #expect(stage.ledger.counts()[0].counts == EventCounts(attempted: 1, rolledBack: 1))
    user.retire()
  }

  // Origins

  /// An autocommitting origin whose id is captured from its reply.
  private func origin(capture: Bool = true) -> Program {
    var sketch = ProgramSketch()
    let insert = sketch.step("insert")
    let operation = sketch.operation(insert, timeout: 50 * milliseconds)
    let id = sketch.slots(holding: [.null, .null, .null])
    let affected = sketch.path(capture ? .affected : .json)
    let event = sketch.event("made", origin: insert, hops: [("queue", "tap")])
    sketch.beginIteration()
    sketch.emit(.enterStep(insert), .submit(operation), .loadResultInt(d: id, affected), .originIdentify(event, a: id), .originAcknowledge(event), .end)
    return sketch.program
  }

  @Test func `an origin's event is committed, rolled back or unknown as its operation ended`() throws {
    let endings: [(ScriptedReply, EventCounts)] = [
      (.ok { $0.affected = 9 }, EventCounts(attempted: 1, committed: 1)), (.fails(), EventCounts(attempted: 1, rolledBack: 1)),
      (.unknown(), EventCounts(attempted: 1, unknown: 1)), (.never, EventCounts(attempted: 1, unknown: 1)),
      (.neverStarts, EventCounts(attempted: 1, rolledBack: 1)),
    ]
    for (reply, expected) in endings {
      let (stage, _) = try Stage.once(origin(), Script { _ in reply })
      #expect(stage.ledger.counts()[0].counts == expected)
    }
    // It ended well, and its id could not be captured: it happened, and nobody can follow it.
    let (stage, ending) = try Stage.once(origin(capture: false), Script())
    #expect(ending == .failed && stage.ledger.counts()[0].counts == EventCounts(attempted: 1, unknown: 1))
  }

  @Test func `an iteration that is used again remembers no event of the last one`() throws {
    let stage = try Stage(origin(), Script { $0.number == 0 ? .unknown() : .ok { $0.affected = 9 } })
    let user = stage.makeUser()
    #expect(stage.iterate(user) == .unknown && stage.iterate(user) == .completed)
    #expect(stage.ledger.counts()[0].counts == EventCounts(attempted: 2, committed: 1, unknown: 1))
    user.retire()
  }

  // Checks, fail, log

  @Test func `a failed check ends the iteration, or is counted only where the chain goes on`() throws {
    for continues in [false, true] {
      var sketch = ProgramSketch()
      sketch.beginIteration()
      let step = sketch.call("a")
      let (no, yes, null) = (sketch.slot(holding: .bool(false)), sketch.slot(holding: .bool(true)), sketch.slot())
      let checks = (0..<3).map { sketch.check(step, "check \($0)") }
      sketch.emit(.check(checks[0], a: yes, continues: false), .check(checks[1], a: no, continues: continues), .check(checks[2], a: null, continues: continues))
      sketch.call("b")
      sketch.emit(.end)
      let script = Script()
      let (stage, ending) = try Stage.once(sketch.program, script)
      #expect(ending == (continues ? .completed : .failed) && steps(script) == (continues ? [0, 1] : [0]))
      let counted = stage.takeInterval().checks
      #expect(counted.map(\.passed) == (continues ? [1, 0, 0] : [1, 0]) && counted.map(\.failed) == (continues ? [0, 1, 1] : [0, 1]))
      let failures = stage.recorder.takeFailures()
      #expect(failures.map(\.fingerprint.errorClass) == ["check"] && failures[0].count == (continues ? 2 : 1))
    }
  }

  @Test func `fail raises its text, and log writes it`() throws {
    var sketch = ProgramSketch()
    let step = sketch.step("stop", connection: nil)
    let text = sketch.slot(holding: .string("no stock"))
    let number = sketch.slot(holding: .int(5))
    sketch.beginIteration()
    sketch.emit(.enterStep(step), .log(step, a: number), .fail(step, a: text), .end)
    let (stage, ending) = try Stage.once(sketch.program, Script())
    let failures = stage.recorder.takeFailures()
    #expect(ending == .failed && stage.logged == ["5"] && failures.map(\.fingerprint.errorClass) == ["failed"])
    #expect(failures[0].fingerprint.message == "no stock")
  }

  @Test func `an expression that fails is an error of the step it stands in`() throws {
    var sketch = ProgramSketch()
    let step = sketch.step("compute", connection: nil)
    let (one, zero) = (sketch.slot(holding: .int(1)), sketch.slot(holding: .int(0)))
    sketch.beginIteration()
    sketch.call("a")
    sketch.emit(.enterStep(step), .binary(.divideInt, d: one, a: one, b: zero), .end)
    let (stage, ending) = try Stage.once(sketch.program, Script())
    let failure = stage.recorder.takeFailures()[0]
    #expect(ending == .failed && failure.fingerprint.step == step.index && failure.fingerprint.code == "division-by-zero")
  }

  // Thinking

  @Test func `thinking lasts at least as long as asked and at most as long as the longest`() throws {
    var sketch = ProgramSketch()
    let step = sketch.step("pause", connection: nil)
    let range = sketch.slots(holding: [.duration(10_000_000), .duration(30_000_000)])
    sketch.beginIteration()
    sketch.emit(.enterStep(step), .think(a: range, b: SlotIndex(range.index + 1)), .end)
    let stage = try Stage(sketch.program, Script())
    let user = stage.makeUser()
    for iteration in 0..<8 as Range<UInt64> { #expect(stage.iterate(user, iteration: iteration) == .completed) }
    user.retire()
    let service = stage.takeInterval().service
    #expect(service.count == 8 && service.min >= 10 * milliseconds && service.min < 30 * milliseconds && service.max > service.min)
  }

  // Deadlines

  @Test func `an operation without an answer ends at its deadline, and the late reply matters to nobody`() throws {
    var sketch = ProgramSketch()
    sketch.beginIteration()
    sketch.call("a", timeout: 30 * milliseconds)
    sketch.emit(.end)
    let script = Script { $0.number == 0 ? .ok(after: 60 * milliseconds) { $0.affected = 666 } : .ok(after: 80 * milliseconds) { $0.affected = 1 } }
    sketch.program.operations[0] = Operation(
      step: StepIndex(0), connection: ConnectionIndex(0), verb: "do", role: .plain, writes: true, operands: [], argumentBase: SlotIndex(0),
      argumentCount: 0, argumentTypes: [], timeoutNanoseconds: 30 * milliseconds)
    // A second operation with a longer deadline, during which the first one's reply arrives.
    let second = sketch.step("b")
    let operation = sketch.operation(second)
    let seen = sketch.slot()
    let affected = sketch.path(.affected)
    sketch.program.instructions = []
    sketch.program.sources = []
    sketch.emit(.enterStep(StepIndex(0)), .submit(OperationIndex(0)))
    let handler = sketch.pc
    sketch.emit(.enterStep(second), .submit(operation), .loadResult(d: seen, affected), .log(second, a: seen), .end)
    sketch.handle(0..<handler, at: handler, forgets: true)
    sketch.program.iterationEntry = 0
    let (stage, ending) = try Stage.once(sketch.program, script)
    #expect(ending == .completed && script.abandoned == 1 && script.lateReplies == 1 && stage.logged == ["1"])
    let steps = stage.takeInterval().steps
    #expect(steps[0].unknown == 1 && steps[1].count == 1 && steps[1].failed == 0)
    let failure = stage.recorder.takeFailures()[0]
    #expect(failure.fingerprint.errorClass == "timeout")
  }

  @Test func `a reply and a deadline in the same turn end the operation once`() throws {
    // The reply is read, and its job waits for the turn's end; the deadline is due in the same turn.
    var sketch = ProgramSketch()
    sketch.beginIteration()
    sketch.call("a", timeout: 5 * milliseconds)
    sketch.emit(.end)
    let script = Script { _ in .ok(after: 5 * milliseconds) }
    let stage = try Stage(sketch.program, script)
    let user = stage.makeUser()
    user.start(entry: 0, iteration: 0, stream: 0, intendedStart: 0, isMeasured: true)
    try #require(stage.turn { script.submittedCount == 1 })
    let due = MonotonicClock.now + 10 * milliseconds
    while MonotonicClock.now < due {}
    try #require(stage.turn(within: seconds) { !stage.endings.isEmpty })
    #expect(stage.endings.count == 1 && stage.recorder.takeFailures().count + Int(stage.takeInterval().steps[0].service.count) == 1)
    user.retire()
  }

  @Test func `a user that is interrupted before it began can start anew at once`() throws {
    var sketch = ProgramSketch()
    sketch.beginIteration()
    sketch.call("a")
    sketch.emit(.end)
    let script = Script { _ in .ok(after: milliseconds) }
    let stage = try Stage(sketch.program, script)
    let user = stage.makeUser()
    user.start(entry: 0, iteration: 0, stream: 0, intendedStart: 0, isMeasured: true)
    user.interrupt(now: MonotonicClock.now)
    user.start(entry: 0, iteration: 1, stream: 0, intendedStart: 0, isMeasured: true)
    try #require(stage.turn { stage.endings.count == 2 })
    #expect(stage.endings == [.interrupted, .completed] && script.submittedCount == 1)
    user.retire()
  }

  // Probes

  /// Looks until affected is 1, at most `within`; the pause grows by half.
  private func probe(within: Int64, timeout: UInt64 = 10 * seconds) -> Program {
    var sketch = ProgramSketch()
    let step = sketch.step("look")
    let operation = sketch.operation(step, writes: false, timeout: timeout)
    let times = sketch.slots(holding: [.duration(within), .duration(2_000_000), .float(1.5), .duration(10_000_000)])
    let (found, one, affected) = (sketch.slot(), sketch.slot(holding: .int(1)), sketch.path(.affected))
    sketch.beginIteration()
    sketch.emit(.enterStep(step), .probeBegin(step, within: times))
    let look = sketch.pc
    sketch.emit(
      .submit(operation), .loadResult(d: found, affected), .compare(.equal, .int, d: found, a: found, b: one),
      .jumpIfTrue(a: found, target: UInt32(look + 5)), .probeAgain(within: times, target: UInt32(look)), .probeEnd(step, within: times))
    sketch.call("after")
    sketch.emit(.end)
    return sketch.program
  }

  @Test func `a probe holds at the look that shows it, and its looks are counted apart`() throws {
    let script = Script { request in request.step == 0 ? .ok { $0.affected = request.number == 4 ? 1 : 0 } : .ok() }
    let (stage, ending) = try Stage.once(probe(within: 5_000_000_000), script)
    #expect(ending == .completed && steps(script) == [0, 0, 0, 0, 0, 1])
    let interval = stage.takeInterval()
    #expect(interval.probes.operations == 5 && interval.probes.targetOperations == 1)
    // One time for the step: from the first look to the one that showed it; four pauses of 2, 3, 4.5 and 6.75 ms, each less a tenth at most.
    #expect(interval.steps[0].count == 1 && interval.steps[0].service.min >= 14 * milliseconds)
    let gaps = zip(script.submitted.dropFirst(), script.submitted).prefix(4).map { $0.at - $1.at }
    #expect(zip(gaps, [1.8, 2.7, 4.05, 6.075]).allSatisfy { Double($0) >= $1 * 1e6 })
  }

  @Test func `a probe that does not hold in time is a missed deadline, told no later than the time given`() throws {
    let script = Script()
    let (stage, ending) = try Stage.once(probe(within: 40_000_000), script)
    #expect(ending == .failed && !steps(script).contains(1))
    let failure = stage.recorder.takeFailures()[0]
    #expect(failure.fingerprint.errorClass == "missed_deadline" && stage.takeInterval().steps[0].failed == 1)
    #expect(script.submitted.last!.at - script.submitted[0].at < 40 * milliseconds)
  }

  @Test func `a probe whose operation never answers ends by the probe's deadline`() throws {
    let script = Script { $0.number == 1 ? .never : .ok() }
    let began = MonotonicClock.now
    let (stage, ending) = try Stage.once(probe(within: 60_000_000), script)
    #expect(ending == .failed && script.abandoned == 1)
    // Far before the operation's own deadline.
    #expect(MonotonicClock.now - began < 5 * seconds)
    let steps = stage.takeInterval().steps
    #expect(steps[0].count == 1 && steps[0].failed == 1)
  }

  // Joining a hop

  private func waiting(within: Int64) -> Program {
    var sketch = ProgramSketch()
    let insert = sketch.step("insert")
    let wait = sketch.step("wait", connection: nil)
    let operation = sketch.operation(insert)
    let id = sketch.slots(holding: [.int(42), .null, .null])
    let patience = sketch.slot(holding: .duration(within))
    let event = sketch.event("made", origin: insert, hops: [("queue", "tap")])
    sketch.beginIteration()
    sketch.emit(
      .enterStep(insert), .submit(operation), .originIdentify(event, a: id), .originAcknowledge(event), .enterStep(wait),
      .awaitHop(wait, event, hop: 0, a: id, b: patience), .end)
    return sketch.program
  }

  @Test func `a hop that was seen before the wait does not wait`() throws {
    let script = Script()
    script.reply = { _ in
      script.sight("queue", id: 42)
      return .ok()
    }
    let (stage, ending) = try Stage.once(waiting(within: 5_000_000_000), script)
    #expect(ending == .completed)
    let interval = stage.takeInterval()
    #expect(interval.steps[1].count == 1 && interval.steps[1].failed == 0)
    #expect(stage.ledger.takeHopIntervals()[0].visibleBeforeAck == 1)
  }

  @Test func `a hop that is seen later ends the wait, with the time of the sighting`() throws {
    let script = Script()
    var sightAt: UInt64 = 0
    let (stage, ending) = try Stage.once(waiting(within: 5_000_000_000), script) { _ in
      if script.submittedCount == 1, sightAt == 0 { sightAt = MonotonicClock.now + 50 * milliseconds }
      if sightAt != 0, MonotonicClock.now > sightAt { script.sight("queue", id: 42, seen: sightAt) }
    }
    #expect(ending == .completed)
    let interval = stage.takeInterval()
    // The sighting's own stamp counts, not the moment at which the user ran on.
    #expect(interval.service.max <= sightAt && interval.steps[1].service.min >= 20 * milliseconds && interval.steps[1].service.max <= 51 * milliseconds)
  }

  @Test func `a hop that is not seen in time is a missed deadline, and a later sighting wakes nobody`() throws {
    let script = Script()
    let (stage, ending) = try Stage.once(waiting(within: 30_000_000), script)
    #expect(ending == .failed && stage.takeInterval().steps[1].failed == 1)
    #expect(stage.recorder.takeFailures()[0].fingerprint.errorClass == "missed_deadline")
    script.sight("queue", id: 42)
    stage.turn(within: 10 * milliseconds) { false }
    #expect(stage.endings.count == 1 && stage.ledger.finish(now: MonotonicClock.now).decoded.map(\.outcome) == [.ok])
  }

  @Test func `everyone who waits for the same event is woken`() throws {
    let script = Script()
    let stage = try Stage(waiting(within: 2_000_000_000), script)
    let users = (0..<3).map { _ in stage.makeUser() }
    for user in users { user.start(entry: stage.context.program.iterationEntry, iteration: 0, stream: 0, intendedStart: 0, isMeasured: true) }
    try #require(stage.turn { script.submittedCount == 3 })
    stage.turn(within: 10 * milliseconds) { false }
    users[1].interrupt(now: MonotonicClock.now)
    script.sight("queue", id: 42)
    try #require(stage.turn(within: seconds) { stage.endings.count == 3 })
    #expect(stage.endings.filter { $0 == .completed }.count == 2)
    for user in users { user.retire() }
  }

  // Interruption of every wait

  @Test func `whatever an iteration waits for, it can be interrupted, once`() throws {
    var thinking = ProgramSketch()
    let pause = thinking.step("pause", connection: nil)
    let range = thinking.slots(holding: [.duration(60_000_000_000), .duration(0)])
    thinking.beginIteration()
    thinking.emit(.enterStep(pause), .think(a: range, b: SlotIndex(range.index + 1)), .end)
    var calling = ProgramSketch()
    calling.beginIteration()
    calling.call("a")
    calling.emit(.end)
    for program in [thinking.program, calling.program, waiting(within: 60_000_000_000), probe(within: 60_000_000_000)] {
      let script = Script { program.events.isEmpty && program.steps.count == 1 ? .never : $0.step == 0 ? .ok() : .never }
      let stage = try Stage(program, script)
      let user = stage.makeUser()
      user.start(entry: program.iterationEntry, iteration: 0, stream: 0, intendedStart: 0, isMeasured: true)
      stage.turn(within: 8 * milliseconds) { false }
      user.interrupt(now: MonotonicClock.now)
      try #require(stage.turn(within: seconds) { !stage.endings.isEmpty })
      user.interrupt(now: MonotonicClock.now)
      stage.turn(within: 5 * milliseconds) { false }
      #expect(stage.endings == [.interrupted] && user.isIdle)
      user.retire()
    }
  }

  // Randomness

  @Test func `a step that is added shifts no other step's draws`() throws {
    func drawn(extra: Bool) throws -> [String] {
      var sketch = ProgramSketch()
      let bounds = sketch.slots(holding: [.int(0), .int(.max)])
      let d = sketch.slot()
      // The step table is the same; the extra step draws between the two.
      let (first, second, third) = (sketch.step("a", connection: nil), sketch.step("b", connection: nil), sketch.step("c", connection: nil))
      sketch.beginIteration()
      for step in extra ? [first, third, second] : [first, second] {
        sketch.emit(.enterStep(step), .call(.randomInt, d: d, a: bounds, count: 2))
        if step != third { sketch.emit(.log(step, a: d)) }
      }
      sketch.emit(.end)
      let stage = try Stage(sketch.program, Script(), seed: 21)
      let user = stage.makeUser()
      for iteration in 0..<5 as Range<UInt64> { _ = stage.iterate(user, iteration: iteration) }
      user.retire()
      return stage.logged
    }
    let plain = try drawn(extra: false)
    #expect(try plain == drawn(extra: true))
    #expect(Set(plain).count == 10)
  }
}
