import ChainIO
import ChainProgram
import Metrics
import Testing

@testable import ChainRuntime

@Suite(.serialized) struct UserBlockTests {
  /// setup_vu captures a number, the iteration and teardown_vu send it.
  private func program(_ shape: (inout ProgramSketch) -> Void = { _ in }) -> Program {
    var sketch = ProgramSketch()
    let token = sketch.slot()
    let affected = sketch.path(.affected)
    let (login, work, logout) = (sketch.step("login"), sketch.step("work"), sketch.step("logout"))
    let operations = [
      sketch.operation(login), sketch.operation(work, arguments: token, count: 1), sketch.operation(logout, arguments: token, count: 1),
    ]
    sketch.program.userSetupEntry = sketch.block { $0.emit(.enterStep(login), .submit(operations[0]), .loadResultInt(d: token, affected)) }
    sketch.program.userTeardownEntry = sketch.block { $0.emit(.enterStep(logout), .submit(operations[2])) }
    shape(&sketch)
    sketch.beginIteration()
    sketch.emit(.enterStep(work), .submit(operations[1]), .end)
    return sketch.program
  }

  private func tokens(_ script: Script, step: Int) -> [Int] {
    script.submitted.filter { $0.step == step }.map { Int($0.arguments[0].description)! }
  }

  @Test(arguments: [false, true])
  func `each user is set up once before its first iteration and torn down once after the load`(isOpen: Bool) throws {
    var logins: Int64 = 0
    let script = Script { request in
      .ok(after: request.step == 1 ? 2 * milliseconds : milliseconds) {
        if request.step == 0 {
          logins += 1
          $0.affected = logins
        }
      }
    }
    let load = isOpen ? profile(open: open(2000, 300 * milliseconds, users: 5)) : profile(closed: 5, .iterations(600))
    let outcome = try RunBench(program: program(), profile: load, script: script).perform()
    let record = outcome.record
    #expect(outcome.result.isConserved && record.iterations.completed == 600 && logins == 5)
    // Every iteration has its own user's value, and every user its own.
    #expect(Set(tokens(script, step: 1)) == [1, 2, 3, 4, 5])
    #expect(tokens(script, step: 2).sorted() == [1, 2, 3, 4, 5])
    let lastWork = script.submitted.lastIndex { $0.step == 1 }!
    #expect(script.submitted.firstIndex { $0.step == 2 }! > lastWork)
    // Neither is measured.
    #expect(record.steps.map(\.count) == [0, 600, 0] && record.service.count == 600)
  }

  @Test func `a failing setup fails the iteration and is tried again`() throws {
    var logins = 0
    let script = Script { request in
      guard request.step == 0 else { return .ok() }
      logins += 1
      return logins <= 3 ? .fails() : .ok { $0.affected = 9 }
    }
    let outcome = try RunBench(program: program(), profile: profile(closed: 1, .iterations(10)), script: script).perform()
    let counts = outcome.record.iterations
    #expect(counts.failed == 3 && counts.completed == 7 && logins == 4 && outcome.result.isConserved)
    #expect(outcome.record.failures.map(\.count) == [3] && outcome.record.steps[0].count == 0)
    #expect(tokens(script, step: 1) == Array(repeating: 9, count: 7) && tokens(script, step: 2) == [9])
  }

  @Test func `a user that never began is not torn down`() throws {
    let script = Script { _ in .ok() }
    let outcome = try RunBench(program: program(), profile: profile(closed: 10, .iterations(3)), script: script).perform()
    #expect(outcome.record.iterations.completed == 3)
    #expect(script.submitted.map(\.step).sorted() == [0, 0, 0, 1, 1, 1, 2, 2, 2])
  }

  @Test func `a failing teardown is told and keeps nobody from the end`() throws {
    let script = Script { $0.step == 2 ? .fails() : .ok() }
    let outcome = try RunBench(program: program(), profile: profile(closed: 3, .iterations(30)), script: script).perform()
    #expect(outcome.result.failure == nil && outcome.record.iterations.completed == 30 && outcome.record.failures.map(\.count) == [3])
  }

  @Test(arguments: [1, 2, 3])
  func `interruptions reach the users' teardown`(times: Int) throws {
    // Once: it runs to its end. Twice: not begun, or cut short.
    let script = Script { $0.step == 2 ? times == 1 ? .ok(after: 20 * milliseconds) : .never : .ok(after: milliseconds) }
    let outcome = try RunBench(program: program(), profile: profile(closed: 3, .duration(60 * seconds), graceful: seconds), script: script)
      .perform { run in
        script.wait(submitted: 20)
        run.interrupt()
        // The teardowns have been sent: cut short by the second.
        if times == 3 { while !script.isWaitingAt(2, count: 3) { sleep(nanoseconds: milliseconds) } }
        if times > 1 { run.interrupt() }
      }
    let logouts = script.submitted.count { $0.step == 2 }
    #expect(outcome.result.isInterrupted && outcome.result.isConserved)
    #expect(times == 1 ? logouts == 3 && script.abandoned == 0 : times == 3 ? logouts == 3 && script.abandoned == 3 : logouts <= 3)
  }

  @Test func `a secret stands in the frames of all users, and in no journal`() throws {
    var sketch = ProgramSketch()
    let secret = sketch.slot()
    let (setup, work) = (sketch.step("setup"), sketch.step("work"))
    let operations = [setup, work].map { sketch.operation($0, arguments: secret, count: 1) }
    sketch.program.setupEntry = sketch.block { $0.emit(.enterStep(setup), .submit(operations[0])) }
    sketch.beginIteration()
    sketch.emit(.enterStep(work), .submit(operations[1]), .end)
    let script = Script { $0.number == 5 ? .fails() : .ok() }
    let outcome = try RunBench(
      program: sketch.program, profile: profile(closed: 3, .iterations(9)), script: script, secretValues: [(secret, .string("hunter2"))]
    ).perform()
    #expect(script.submittedCount == 10 && script.submitted.allSatisfy { $0.arguments[0].description == Value.string("hunter2").description })
    #expect(outcome.record.iterations.arrivals == 9 && !"\(outcome.record)".contains("hunter2") && !"\(outcome.result)".contains("hunter2"))
  }

  @Test(arguments: [false, true])
  func `a spent value is gone when the next iteration of its user begins`(isSpent: Bool) throws {
    var sketch = ProgramSketch()
    let answer = sketch.slot()
    let affected = sketch.path(.affected)
    let work = sketch.step("work")
    let operation = sketch.operation(work, arguments: answer, count: 1)
    sketch.beginIteration()
    sketch.emit(.enterStep(work), .submit(operation), .loadResult(d: answer, affected), .end)
    if isSpent { sketch.program.spentSlots = [answer] }
    let script = Script { _ in .ok { $0.affected = 5 } }
    _ = try RunBench(program: sketch.program, profile: profile(closed: 1, .iterations(3)), script: script).perform()
    #expect(script.submitted.map { $0.arguments[0].description } == ["null", isSpent ? "null" : "5", isSpent ? "null" : "5"])
  }

  // Stop

  @Test(arguments: [false, true])
  func `stop ends the iteration well, and stop run the load`(isOpen: Bool) throws {
    for endsRun in [false, true] {
      var sketch = ProgramSketch()
      let (number, ten, isTen) = (sketch.slot(), sketch.slot(holding: .int(40)), sketch.slot())
      let affected = sketch.path(.affected)
      let stop = sketch.step("stop", connection: nil)
      sketch.beginIteration()
      sketch.call("work")
      sketch.emit(.loadResultInt(d: number, affected), .compare(.less, .int, d: isTen, a: number, b: ten))
      sketch.emit(.jumpIfTrue(a: isTen, target: UInt32(sketch.pc + 2)), .stop(stop, endsRun: endsRun))
      sketch.call("after")
      sketch.emit(.end)
      var calls: Int64 = 0
      let script = Script { request in
        .ok(after: 3 * milliseconds) {
          calls += request.step == 1 ? 1 : 0
          $0.affected = calls
        }
      }
      // Arrivals come faster than two users work: many are queued when the load stops.
      let load = isOpen ? profile(open: open(1000, 400 * milliseconds, users: 2), graceful: 10 * seconds) : profile(closed: 2, .iterations(200))
      let outcome = try RunBench(program: sketch.program, profile: load, script: script).perform()
      let counts = outcome.record.iterations
      #expect(outcome.result.isConserved && !outcome.result.isInterrupted && counts.failed == 0)
      if endsRun {
        // The fortieth, and who was under way beside it.
        #expect(counts.completed >= 40 && counts.completed <= 42 && counts.started == counts.completed)
        #expect(script.submitted.count { $0.step == 1 } <= 42 && (!isOpen || counts.interrupted > 0))
      } else {
        #expect(counts.completed == (isOpen ? 400 : 200) && script.submitted.count { $0.step == 2 } == 39)
      }
    }
  }

  // Guard

  @Test(arguments: [0, 1, 57, 100])
  func `exactly the writes of the budget are sent`(budget: Int) throws {
    var sketch = ProgramSketch()
    let (read, write) = (sketch.step("read"), sketch.step("write"))
    let operations = [sketch.operation(read, writes: false), sketch.operation(write)]
    sketch.beginIteration()
    sketch.emit(.enterStep(read), .submit(operations[0]), .enterStep(write), .submit(operations[1]), .end)
    sketch.program.guardWrites = budget
    let script = Script { _ in .ok(after: milliseconds) }
    let outcome = try RunBench(program: sketch.program, profile: profile(closed: 4, .iterations(100)), script: script).perform()
    let record = outcome.record
    #expect(script.submitted.count { $0.step == 1 } == budget && record.iterations.completed == UInt64(budget) && outcome.result.isConserved)
    if budget == 100 {
      // Used up to the last one: nothing was refused.
      #expect(record.failures.isEmpty && record.iterations.failed == 0)
    } else {
      // Refused once for each user that was under way, and nothing more started.
      #expect(record.iterations.failed >= 1 && record.iterations.failed <= 4 && record.iterations.arrivals <= UInt64(budget + 4))
      #expect(record.failures.count == 1 && record.failures[0].fingerprint.code == "guard-writes")
      #expect(record.failures[0].fingerprint.errorClass == "failed" && record.failures[0].count == record.iterations.failed)
      // What was not sent is no sample.
      #expect(record.steps[1].count == UInt64(budget))
    }
  }

  @Test func `the commit of the last write that the budget allows is sent`() throws {
    var sketch = ProgramSketch()
    let steps = ["begin", "write", "commit"].map { sketch.step($0) }
    let operations = zip(steps, [OperationRole.beginsTransaction, .plain, .commitsTransaction]).map { sketch.operation($0, role: $1) }
    sketch.beginIteration()
    for (step, operation) in zip(steps, operations) { sketch.emit(.enterStep(step), .submit(operation)) }
    sketch.emit(.end)
    sketch.program.guardWrites = 3
    let script = Script()
    let outcome = try RunBench(program: sketch.program, profile: profile(closed: 1, .iterations(10)), script: script).perform()
    #expect(script.submitted.map(\.step) == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0] && outcome.record.iterations.completed == 3)
    #expect(script.heldLeases == 0 && script.endedLeases == 1)
  }
}
