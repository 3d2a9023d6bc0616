import ChainIO
import ChainProgram
import Metrics
import Testing

@testable import ChainRuntime

@Suite(.serialized) struct RetryTests {
  private func rule(_ errors: [String], pause: UInt64 = 1, factor: Double = 2, max: UInt64 = 100) -> RetryDescription {
    RetryDescription(errors: errors, attemptsMax: 3, pauseNanoseconds: pause, factor: factor, pauseMaxNanoseconds: max)
  }

  private func retried(_ errors: [String], max: Int, pause: UInt64 = milliseconds) -> ProgramSketch {
    var sketch = ProgramSketch()
    sketch.beginIteration()
    sketch.retry(errors, max: max, pause: pause) { $0.call("work") }
    sketch.call("after")
    sketch.emit(.end)
    return sketch
  }

  // The rule

  @Test func `classes, codes and names of SQL conditions match, and nothing else does`() {
    let deadlock = OperationError(.server, code: "40P01", "deadlock detected")
    for (listed, holds) in [("server", true), ("40P01", true), ("deadlock_detected", true), ("serialization_failure", false), ("40001", false), ("timeout", false), ("", false)] {
      #expect(RetryRule.matches(rule([listed]), deadlock) == holds, "\(listed)")
    }
    #expect(RetryRule.matches(rule(["timeout", "serialization_failure"]), OperationError(.server, code: "40001", "")))
    #expect(RetryRule.matches(rule(["disconnected"]), OperationError(.disconnected, code: "gone", "")))
    #expect(!RetryRule.matches(rule([]), deadlock))
  }

  @Test func `pauses grow by the factor up to the maximum, and at most a random half is taken away`() {
    let rule = rule(["server"], pause: 1000, factor: 3, max: 20_000)
    for (attempt, whole) in [(0, 1000.0), (1, 3000), (2, 9000), (3, 20_000), (4, 20_000), (1_000_000, 20_000)] {
      #expect(RetryRule.pause(rule, attempt: attempt, unit: 0) == UInt64(whole))
      for unit in [0.1, 0.5, 0.999999] {
        let pause = Double(RetryRule.pause(rule, attempt: attempt, unit: unit))
        #expect(abs(pause - whole * (1 - unit / 2)) <= 1 && pause >= whole / 2 - 1)
      }
    }
    #expect(RetryRule.pause(self.rule(["server"], pause: 500, factor: 2, max: 100), attempt: 0, unit: 0) == 100)
  }

  // In an iteration

  @Test func `an error that the rule lists is tried again, and forgotten when it goes well`() throws {
    let script = Script { $0.number < 2 ? .fails(after: 0, OperationError(.server, code: "40001", "no")) : .ok() }
    let (stage, ending) = try Stage.once(retried(["serialization_failure"], max: 3).program, script)
    #expect(ending == .completed && script.submitted.map(\.step) == [0, 0, 0, 1])
    let work = stage.takeInterval().steps[0]
    // Every attempt is a sample: three of them, of which one has a time.
    #expect(work.count == 3 && work.failed == 2 && work.service.count == 1)
    #expect(stage.recorder.takeFailures().map(\.count) == [2])
  }

  @Test func `after the last attempt the error stays`() throws {
    let script = Script { .fails(after: 0, OperationError(.server, code: "E1", "attempt \($0.number)")) }
    let stage = try Stage(retried(["server"], max: 3).program, script)
    let user = stage.makeUser()
    for round in 1...3 {
      #expect(stage.iterate(user, iteration: UInt64(round)) == .failed)
      // The first attempt and three more; the count begins anew in each iteration.
      #expect(script.submittedCount == 4 * round && user.firstError?.message == "attempt \(4 * round - 1)")
    }
    #expect(stage.takeInterval().steps[0].failed == 12)
    user.retire()
  }

  @Test func `an error that is not listed is not tried again`() throws {
    let script = Script { _ in .fails(after: 0, OperationError(.server, code: "23505", "no")) }
    let (_, ending) = try Stage.once(retried(["serialization_failure", "timeout"], max: 3).program, script)
    #expect(ending == .failed && script.submittedCount == 1)
  }

  @Test func `attempts stand apart by at least half the pause, and by no more than the pause`() throws {
    let script = Script { $0.number < 3 ? .fails() : .ok() }
    let (_, ending) = try Stage.once(retried(["E1"], max: 3, pause: 20 * milliseconds).program, script)
    #expect(ending == .completed)
    for (gap, whole) in zip(1..<4, [20, 40, 80] as [UInt64]) {
      let pause = script.submitted[gap].at - script.submitted[gap - 1].at
      #expect(pause >= whole / 2 * milliseconds && pause <= (whole + 15) * milliseconds, "\(gap): \(pause)")
    }
  }

  @Test func `a pause between attempts can be interrupted`() throws {
    let script = Script { _ in .fails() }
    let stage = try Stage(retried(["E1"], max: 3, pause: 60 * seconds).program, script)
    let user = stage.makeUser()
    user.start(entry: stage.context.program.iterationEntry, iteration: 0, stream: 0, intendedStart: 0, isMeasured: true)
    try #require(stage.turn { script.submittedCount == 1 && stage.takeInterval().steps.count == 1 })
    user.interrupt(now: MonotonicClock.now)
    #expect(stage.endings == [.interrupted] && script.submittedCount == 1)
    user.retire()
  }

  // Transactions and events

  /// retry { begin; insert (origin of made); work; commit }, rolled back on an error as the compiler does it.
  private func transaction(max: Int) -> ProgramSketch {
    var sketch = ProgramSketch()
    let steps = ["begin", "insert", "work", "commit", "rollback"].map { sketch.step($0) }
    let roles: [OperationRole] = [.beginsTransaction, .plain, .plain, .commitsTransaction, .rollsBackTransaction]
    let operations = zip(steps, roles).map { step, role in sketch.operation(step, role: role) }
    let id = sketch.slots(holding: [.int(42), .null, .null])
    let event = sketch.event("made", origin: steps[1], hops: [("queue", "tap")])
    sketch.beginIteration()
    sketch.retry(["server"], max: max) { sketch in
      sketch.emit(.enterStep(steps[0]), .submit(operations[0]))
      let start = sketch.pc
      sketch.emit(
        .enterStep(steps[1]), .submit(operations[1]), .originIdentify(event, a: id), .enterStep(steps[2]), .submit(operations[2]),
        .enterStep(steps[3]), .submit(operations[3]))
      let end = sketch.pc
      sketch.emit(
        .originAcknowledge(event), .jump(target: UInt32(end + 5)), .originAbort(event), .submit(operations[4]), .rethrow)
      sketch.handle(start..<end, at: end + 2)
    }
    // Inner handlers come first.
    sketch.program.handlers.sort { $0.range.count < $1.range.count }
    sketch.emit(.end)
    return sketch
  }

  @Test func `a transaction is rolled back before it is tried again`() throws {
    var failures = 0
    let script = Script { request in
      guard request.step == 2, failures < 2 else { return .ok() }
      failures += 1
      return .fails()
    }
    let (stage, ending) = try Stage.once(transaction(max: 3).program, script)
    #expect(ending == .completed && script.submitted.map(\.step) == [0, 1, 2, 4, 0, 1, 2, 4, 0, 1, 2, 3] && script.heldLeases == 0)
    #expect(stage.ledger.counts()[0].counts == EventCounts(attempted: 3, committed: 1, rolledBack: 2))
    #expect(script.observers["queue"]?.isFencing == true)
  }

  @Test func `a rollback that fails gives the connection back, and the first error decides whether it is tried again`() throws {
    let script = Script { request in
      switch (request.step, request.number) {
      case (2, 0..<4): .fails()
      // Not of a class that the rule lists.
      case (4, _): .fails(after: 0, OperationError(.timeout, code: "deadline", "late"))
      default: .ok()
      }
    }
    let (stage, ending) = try Stage.once(transaction(max: 3).program, script)
    #expect(ending == .completed && script.submitted.map(\.step) == [0, 1, 2, 4, 0, 1, 2, 3])
    #expect(script.heldLeases == 0 && script.endedLeases == 1)
    #expect(stage.ledger.counts()[0].counts == EventCounts(attempted: 2, committed: 1, rolledBack: 1))
  }

  @Test func `an event inserted before a forgiven error in the same transaction is still committed`() throws {
    var sketch = ProgramSketch(connections: ["store", "cache"])
    let (begin, insert, commit) = (sketch.step("begin"), sketch.step("insert"), sketch.step("commit"))
    let operations = (
      sketch.operation(begin, role: .beginsTransaction), sketch.operation(insert), sketch.operation(commit, role: .commitsTransaction)
    )
    let id = sketch.slots(holding: [.int(42), .null, .null])
    let event = sketch.event("made", origin: insert, hops: [("queue", "tap")])
    sketch.beginIteration()
    sketch.emit(.enterStep(begin), .submit(operations.0), .enterStep(insert), .submit(operations.1), .originIdentify(event, a: id))
    let start = sketch.pc
    let cache = sketch.call("cache", connection: 1)
    sketch.handle(start..<sketch.pc, at: sketch.pc, forgets: true)
    sketch.emit(.enterStep(commit), .submit(operations.2), .originAcknowledge(event), .end)
    let script = Script { $0.step == cache.index ? .fails() : .ok() }
    let (stage, ending) = try Stage.once(sketch.program, script)
    #expect(ending == .completed)
    #expect(stage.ledger.counts()[0].counts == EventCounts(attempted: 1, committed: 1))
  }

  @Test func `stop inside a transaction gives the connection back, and its event did not happen`() throws {
    var sketch = ProgramSketch()
    let (begin, insert, stop) = (sketch.step("begin"), sketch.step("insert"), sketch.step("stop", connection: nil))
    let operations = (sketch.operation(begin, role: .beginsTransaction), sketch.operation(insert))
    let id = sketch.slots(holding: [.int(42), .null, .null])
    let event = sketch.event("made", origin: insert, hops: [("queue", "tap")])
    sketch.beginIteration()
    sketch.emit(
      .enterStep(begin), .submit(operations.0), .enterStep(insert), .submit(operations.1), .originIdentify(event, a: id), .stop(stop, endsRun: false))
    let script = Script()
    let (stage, ending) = try Stage.once(sketch.program, script)
    #expect(ending == .completed && script.heldLeases == 0 && script.endedLeases == 1)
    #expect(stage.ledger.counts()[0].counts == EventCounts(attempted: 1, rolledBack: 1))
  }
}
