import ChainIO
import ChainProgram
import Metrics
import Testing

@testable import ChainRuntime

@Suite(.serialized) struct RunTests {
  /// setup and teardown of one step each, and an iteration of two.
  private func plain(blocks: Bool = false) -> Program {
    var sketch = ProgramSketch()
    sketch.beginIteration()
    sketch.call("first")
    sketch.call("second")
    sketch.emit(.end)
    if blocks {
      sketch.program.setupEntry = sketch.pc
      sketch.call("prepare")
      sketch.emit(.end)
      sketch.program.teardownEntry = sketch.pc
      sketch.call("clean")
      sketch.emit(.end)
    }
    return sketch.program
  }

  /// An origin whose id is what its reply affected.
  private func tracked(settle: UInt64 = 150 * milliseconds) -> Program {
    var sketch = ProgramSketch()
    let insert = sketch.step("insert")
    let operation = sketch.operation(insert)
    let id = sketch.slots(holding: [.null, .null, .null])
    let affected = sketch.path(.affected)
    let event = sketch.event("made", origin: insert, settle: settle, hops: [("queue", "tap"), ("cache", "watch")])
    sketch.beginIteration()
    sketch.emit(.enterStep(insert), .submit(operation), .loadResultInt(d: id, affected), .originIdentify(event, a: id), .originAcknowledge(event), .end)
    return sketch.program
  }

  // Phases

  @Test func `a run goes through its phases and its journal reads back to what happened`() throws {
    let script = Script { $0.step == 0 && $0.number % 10 == 3 ? .fails() : $0.step == 1 && $0.number % 10 == 7 ? .unknown() : .ok() }
    let outcome = try RunBench(program: plain(blocks: true), profile: profile(closed: 4, .iterations(300)), script: script).perform()
    #expect(outcome.result.failure == nil && outcome.result.isConserved && !outcome.result.isInterrupted)
    #expect(outcome.phases == [.connecting, .setup, .arming, .load, .settling, .teardown])
    #expect(outcome.record.phases.map(\.name) == [.setup, .arming, .load, .settle, .teardown])
    let steps = script.submitted.map(\.step)
    #expect(steps.first == 2 && steps.last == 3 && script.openedDrivers == 1 && script.closedDrivers == 1)
    let failed = script.submitted.count { $0.step == 0 && $0.number % 10 == 3 }
    let unknown = script.submitted.count { $0.step == 1 && $0.number % 10 == 7 }
    let record = outcome.record
    #expect(record.iterations.arrivals == 300 && record.iterations.areConserved)
    #expect(record.iterations.failed == UInt64(failed) && record.iterations.unknown == UInt64(unknown) && failed > 10 && unknown > 10)
    #expect(record.steps[0].count == 300 && record.steps[0].failed == UInt64(failed) && record.steps[0].service.count == UInt64(300 - failed))
    #expect(record.steps[1].count == UInt64(300 - failed) && record.steps[1].unknown == UInt64(unknown))
    // Setup and teardown are no load.
    #expect(record.steps[2].count == 0 && record.steps[3].count == 0)
    #expect(record.failures.map(\.count).sorted() == [UInt64(failed), UInt64(unknown)].sorted())
    #expect(record.service.count == record.iterations.completed && record.response.isEmpty)
  }

  @Test func `a short closed run has its whole length in the record`() throws {
    let script = Script { _ in .ok(after: 15 * milliseconds) }
    let outcome = try RunBench(program: plain(), profile: profile(closed: 1, .iterations(1)), script: script).perform()
    #expect(outcome.record.durationSeconds >= 0.030)
    #expect(script.submitted[0].at >= outcome.record.loadStartNanoseconds)
  }

  @Test(arguments: [UInt64(0), 100 * milliseconds])
  func `the processor time of the load is in the record, and no more than the process had by then`(warmUp: UInt64) throws {
    let script = Script { _ in .ok(after: 2 * milliseconds) }
    let outcome = try RunBench(program: plain(), profile: profile(closed: 2, .duration(300 * milliseconds), warmUp: warmUp), script: script).perform()
    let used = try #require(outcome.record.loadCPUNanoseconds)
    let atTheEnd = try #require(outcome.record.phases.first { $0.name == .settle }?.cpuNanoseconds)
    #expect(used > 0 && used < atTheEnd && atTheEnd <= ProcessHealth.cpuUsed())
  }

  @Test func `the warm-up is recorded and excluded`() throws {
    let script = Script { _ in .ok(after: 2 * milliseconds) }
    let outcome = try RunBench(
      program: plain(), profile: profile(closed: 2, .duration(300 * milliseconds), warmUp: 100 * milliseconds), script: script
    ).perform()
    let record = outcome.record
    #expect(outcome.result.isConserved && record.warmUpIterations.arrivals > 0 && record.iterations.arrivals > 0)
    #expect(record.warmUpIterations.completed + record.iterations.completed == record.warmUpIterations.arrivals + record.iterations.arrivals)
    let inLoad = script.submitted.count { $0.step == 0 && $0.at >= record.loadStartNanoseconds }
    // The interval is cut by the loop's own timer: at most what runs at that moment, and its lateness, lies on the other side.
    #expect(abs(Int(record.iterations.arrivals) - inLoad) <= 20)
  }

  @Test func `a run leaves nothing behind in memory`() throws {
    for profile in [profile(closed: 2, .iterations(10)), profile(closed: 2, .duration(50 * milliseconds)), profile(open: open(200, 50 * milliseconds, users: 3))] {
      weak var remains: Script?
      func once() throws {
        let script = Script { _ in .ok(after: milliseconds) { $0.affected = 1 } }
        remains = script
        _ = try RunBench(program: tracked(), profile: profile, script: script).perform()
      }
      try once()
      // The run's thread may be a moment behind the result.
      let deadline = MonotonicClock.now + 5 * seconds
      while remains != nil, MonotonicClock.now < deadline { sleep(nanoseconds: milliseconds) }
      #expect(remains == nil)
    }
  }

  // Failures

  @Test func `a connection that cannot be opened ends the run, and is named`() throws {
    let refused = OperationError(.connect, code: "ECONNREFUSED", "cannot connect to scripted: connection refused")
    for delay in [0, 20 * milliseconds] {
      let script = Script()
      script.openError = refused
      script.openDelay = delay
      let outcome = try RunBench(program: plain(blocks: true), profile: profile(closed: 1, .iterations(1)), script: script).perform()
      let failure = try #require(outcome.result.failure)
      #expect(failure.phase == .connecting && failure.place == "store" && failure.error == refused)
      #expect(script.submittedCount == 0 && script.closedDrivers == 1 && outcome.record.phases.isEmpty)
    }
  }

  @Test func `a driver that cannot be made ends the run`() throws {
    let script = Script()
    script.openError = OperationError(.protocol, "cannot be compiled")
    let outcome = try RunBench(program: plain(), profile: profile(closed: 1, .iterations(1)), script: script).perform()
    #expect(outcome.result.failure?.place == "store" && outcome.result.failure?.phase == .connecting)
  }

  @Test func `a setup that fails ends the run after the teardown, and its step is named`() throws {
    let script = Script { $0.step == 2 ? .fails() : .ok() }
    let outcome = try RunBench(program: plain(blocks: true), profile: profile(closed: 1, .iterations(1)), script: script).perform()
    let failure = try #require(outcome.result.failure)
    #expect(failure.phase == .setup && failure.place == "setup, step prepare" && failure.error.code == "E1")
    #expect(script.submitted.map(\.step) == [2, 3] && outcome.record.iterations.arrivals == 0)
  }

  @Test func `an observer that cannot be put in place ends the run, and its hop is named`() throws {
    let script = Script()
    script.armError = OperationError(.server, code: "403", "refused")
    let outcome = try RunBench(program: tracked(), profile: profile(closed: 1, .iterations(1)), script: script).perform()
    #expect(outcome.result.failure?.phase == .arming && outcome.result.failure?.place == "made.queue" && script.submittedCount == 0)
  }

  @Test func `a teardown that fails is told, and the figures stay`() throws {
    let script = Script { $0.step == 3 ? .fails() : .ok() }
    let outcome = try RunBench(program: plain(blocks: true), profile: profile(closed: 1, .iterations(5)), script: script).perform()
    #expect(outcome.result.failure?.phase == .teardown && outcome.result.failure?.place == "teardown, step clean")
    #expect(outcome.record.iterations.completed == 5)
  }

  // Interruption

  @Test func `the first interruption lets running iterations finish`() throws {
    let script = Script { $0.step == 3 ? .ok() : .ok(after: 20 * milliseconds) }
    let outcome = try RunBench(program: plain(blocks: true), profile: profile(open: open(200, 30 * seconds, users: 2), graceful: 5 * seconds), script: script)
      .perform { run in
        script.wait(submitted: 12)
        run.interrupt()
      }
    let counts = outcome.record.iterations
    #expect(outcome.result.isInterrupted && outcome.result.isConserved && counts.areConserved)
    #expect(script.abandoned == 0 && counts.completed == counts.started && counts.interrupted > 0)
    #expect(script.submitted.last?.step == 3 && outcome.record.durationSeconds < 10)
  }

  @Test func `what does not finish in the graceful time is cut short`() throws {
    let script = Script { _ in .never }
    let outcome = try RunBench(program: plain(), profile: profile(open: open(200, 30 * seconds, users: 3), graceful: 100 * milliseconds), script: script)
      .perform { run in
        script.wait(submitted: 3)
        run.interrupt()
      }
    let counts = outcome.record.iterations
    #expect(counts.areConserved && counts.interrupted == counts.arrivals && counts.started == 3 && script.abandoned == 3)
    #expect(outcome.record.durationSeconds >= 0.1)
  }

  @Test func `the second interruption cuts everything short, and events are left unobserved`() throws {
    var sketch = ProgramSketch()
    sketch.program = tracked(settle: 60 * seconds)
    let script = Script { $0.number < 5 ? .ok { $0.affected = 1 } : .never }
    let outcome = try RunBench(program: sketch.program, profile: profile(closed: 2, .duration(60 * seconds), graceful: 60 * seconds), script: script)
      .perform { run in
        script.wait(submitted: 7)
        run.interrupt()
        run.interrupt()
      }
    #expect(outcome.result.isInterrupted && outcome.result.isConserved && script.abandoned == 2)
    #expect(outcome.record.iterations.interrupted == 2 && outcome.record.iterations.completed == 5)
    #expect(outcome.record.events[0].hops[0].counts.unobserved == 5 && outcome.record.durationSeconds < 10)
  }

  @Test(arguments: [1, 2, 3])
  func `a run that is interrupted before it starts ends without load`(times: Int) throws {
    let script = Script { $0.step == 2 ? .ok(after: 20 * milliseconds) : .ok() }
    let outcome = try RunBench(program: plain(blocks: true), profile: profile(closed: 2, .duration(60 * seconds)), script: script)
      .perform(isInterruptedEarly: true) { run in for _ in 0..<times { run.interrupt() } }
    #expect(outcome.result.isInterrupted && outcome.record.iterations.arrivals == 0 && script.closedDrivers == 1)
    #expect(!script.submitted.contains { $0.step < 2 })
  }

  // Events

  @Test func `lost, late and duplicate events of a run are found and named`() throws {
    let script = Script()
    script.reply = { request in
      let id = Int64(request.number)
      let now = MonotonicClock.now
      if id % 50 != 7 {
        script.sight("queue", id: id, notBefore: now, seen: now + 1)
        if id % 100 == 11 { script.sight("queue", id: id, seen: now + 2) }
        if id % 50 != 8 { script.sight("cache", id: id, seen: id % 100 == 9 ? now + 5 * seconds : now + 2) }
      }
      return .ok { $0.affected = id }
    }
    let outcome = try RunBench(program: tracked(), profile: profile(closed: 5, .iterations(1000)), script: script).perform()
    let event = outcome.record.events[0]
    #expect(outcome.result.isConserved && event.counts == EventCounts(attempted: 1000, committed: 1000))
    #expect(event.hops[0].counts.lost == 20 && event.hops[0].counts.ok == 980 && event.hops[0].counts.duplicate == 10)
    #expect(event.hops[1].counts.lost == 20 && event.hops[1].counts.blocked == 20 && event.hops[1].counts.late == 10 && event.hops[1].counts.ok == 950)
    #expect(event.hops[1].counts.duplicate == nil)
    let lost = event.hops[0].offenders.first { $0.kind == "lost" }
    #expect(lost?.count == 20 && lost?.ids.first == "7" && lost?.ids.allSatisfy { Int($0)! % 50 == 7 } == true)
    #expect(outcome.rows.count == 2000 && event.hops[0].visibleBeforeAck <= 980)
    #expect(event.hops[0].lagHigh.count == 980)
  }

  @Test func `the run waits for events that are still to come, and no longer`() throws {
    let script = Script { _ in .ok { $0.affected = 1 } }
    let began = MonotonicClock.now
    let outcome = try RunBench(program: tracked(settle: 400 * milliseconds), profile: profile(closed: 1, .iterations(1)), script: script).perform()
    #expect(MonotonicClock.now - began >= 400 * milliseconds)
    #expect(outcome.record.events[0].hops[0].counts.lost == 1 && outcome.record.events[0].hops[1].counts.blocked == 1)
  }

  // Known truths

  @Test(arguments: [5, 1000])
  func `a stall of the system is in the response times of all who arrived during it`(users: Int) throws {
    var sketch = ProgramSketch()
    sketch.beginIteration()
    sketch.call("work")
    sketch.emit(.end)
    let script = Script()
    script.isRecording = false
    var stall: (from: UInt64, to: UInt64) = (0, 0)
    script.reply = { request in
      if stall.to == 0 { stall = (request.at + seconds, request.at + seconds + 400 * milliseconds) }
      return request.at >= stall.from && request.at < stall.to ? .ok(after: stall.to - request.at) : .ok()
    }
    let outcome = try RunBench(
      program: sketch.program, profile: profile(open: open(500, 3 * seconds, users: users)), script: script, askedArrivals: 1500
    ).perform()
    let record = outcome.record
    #expect(record.iterations.arrivals == 1500 && record.iterations.completed == 1500 && outcome.result.isConserved)
    // The truth, from the schedule alone: arrival n was due at 2 n ms, and nobody who was due in the stall was served before its end.
    let start = record.loadStartNanoseconds
    let truth = (0..<1500 as Range<UInt64>).map { n -> UInt64 in
      let due = start + n * 2 * milliseconds
      return due >= stall.from && due < stall.to ? stall.to - due : 0
    }.sorted()
    for q in [0.5, 0.9, 0.95, 0.99, 1] {
      let measured = try #require(record.response.quantile(q))
      let exact = truth[Int(Quantile.rank(q, of: 1500)) - 1]
      // Never below the truth but for the histogram's 0.1 %; above it by this machine's own lateness only.
      #expect(Double(measured) >= Double(exact) * 0.999, "p\(q * 100)")
      #expect(measured <= exact + exact / 1000 + 60 * milliseconds, "p\(q * 100)")
    }
    #expect(record.response.quantile(0.95)! >= 247 * milliseconds && record.response.quantile(0.99)! >= 367 * milliseconds)
    // With few users the late ones were late because none was free, and that is not the generator's fault.
    if users == 5 { #expect(record.generator.lateNoUserFree >= 190) }
  }

  // Loads that change

  @Test(arguments: [true, false])
  func `iterations that arrive in the warm-up and end after it are left out whole, so that the others add up`(isOpen: Bool) throws {
    // Each takes 120 ms, so some lie on both sides of the warm-up's end.
    let script = Script { _ in .ok(after: 60 * milliseconds) }
    script.isRecording = false
    let warmUp = 300 * milliseconds
    let profile =
      isOpen
      ? profile(open: open(200, 800 * milliseconds, users: 10), warmUp: warmUp, graceful: 20 * seconds)
      : profile(closed: 7, .duration(800 * milliseconds), warmUp: warmUp, graceful: 20 * seconds)
    let outcome = try RunBench(program: plain(), profile: profile, script: script, askedArrivals: isOpen ? 160 : nil).perform()
    let record = outcome.record
    #expect(record.iterations.areConserved && record.warmUpIterations.areConserved && outcome.result.isConserved)
    #expect(record.iterations.arrivals > 0 && record.warmUpIterations.arrivals > 0 && record.warmUpIterations.completed > 0)
    #expect(record.service.count == record.iterations.completed)
    guard isOpen else { return }
    #expect(record.warmUpIterations.arrivals == 60 && record.iterations.arrivals == 100)
    #expect(record.response.count == 100 && record.startDelay.count == 100)
  }

  @Test func `intervals carry what was asked for, with a warm-up inside a stage, and it adds up to the area`() throws {
    let script = Script()
    script.isRecording = false
    func piece(_ length: UInt64, _ from: Double, _ to: Double) -> LoadCurve.Piece {
      LoadCurve.Piece(nanoseconds: length * milliseconds, from: from, to: to)
    }
    let curve = LoadCurve([piece(600, 0, 300), piece(500, 300, 300), piece(400, 300, 0)])
    let load = OpenLoad(curve: curve, shape: .stages, arrivals: .constant, usersMax: 50, onSaturation: .queue)
    let outcome = try RunBench(program: plain(), profile: profile(open: load, warmUp: 300 * milliseconds), script: script, askedArrivals: 300).perform()
    let record = outcome.record
    // A quarter of the ramp's 90 lies in the first half of its time: 22.5.
    #expect(record.warmUpIterations.arrivals == 23 && record.iterations.arrivals == 277 && outcome.result.isConserved)
    #expect(abs((record.askedArrivals ?? 0) - 277.5) < 1e-3)
    let seconds = record.seconds.compactMap(\.askedArrivals)
    #expect(abs(seconds.reduce(0, +) - 300) < 1e-3 && record.seconds.allSatisfy { $0.askedUsers == nil })
  }

  @Test func `stages of users are asked for in the intervals, and what runs at their end has its graceful stop`() throws {
    let script = Script { _ in .ok(after: 5 * milliseconds) }
    // The last one hangs.
    script.reply = { $0.at > 0 && $0.number % 7 == 6 ? .never : .ok(after: 5 * milliseconds) }
    let curve = LoadCurve([
      LoadCurve.Piece(nanoseconds: 400 * milliseconds, from: 0, to: 8), LoadCurve.Piece(nanoseconds: 400 * milliseconds, from: 8, to: 0),
    ])
    let profile = LoadProfile(
      name: "test", model: .closed(ClosedLoad(stages: curve)), warmUpNanoseconds: 0, gracefulStopNanoseconds: 200 * milliseconds, range: nowhere)
    let outcome = try RunBench(program: plain(), profile: profile, script: script).perform()
    #expect(outcome.result.isConserved && outcome.record.iterations.interrupted > 0 && outcome.record.iterations.completed > 0)
    #expect(outcome.record.iterations.interrupted <= 8, "a user hangs once")
    let asked = outcome.record.seconds.compactMap(\.askedUsers)
    // 3.2 user seconds, all of them in the first second of which at least as much was an interval.
    #expect(!asked.isEmpty && asked.reduce(0, +) > 1 && asked.allSatisfy { $0 <= 8 })
    #expect(outcome.record.askedArrivals == nil)
  }

  @Test func `paces missed and rests after errors are in the record of the run`() throws {
    let script = Script { $0.number % 4 == 0 ? .fails() : .ok(after: 3 * milliseconds) }
    let profile = LoadProfile(
      name: "test", model: .closed(ClosedLoad(users: 2, extent: .iterations(40), pacing: .constant(milliseconds))), warmUpNanoseconds: 0,
      gracefulStopNanoseconds: seconds,
      backoff: ErrorBackoff(startNanoseconds: 2 * milliseconds, factor: 1, maxNanoseconds: 2 * milliseconds, jitter: 0), range: nowhere)
    var sketch = ProgramSketch()
    sketch.beginIteration()
    sketch.call("work")
    sketch.emit(.end)
    let outcome = try RunBench(program: sketch.program, profile: profile, script: script).perform()
    let pauses = outcome.record.pauses
    #expect(outcome.record.iterations.failed == 10 && outcome.record.iterations.completed == 30)
    // Each success takes three times the pace; a failure ends at once. The last iterations are followed by nothing.
    #expect(pauses.pacesMissed >= 26 && pauses.backoffs >= 8 && pauses.backoffs <= 10 && pauses.backoffNanoseconds == pauses.backoffs * 2 * milliseconds)
  }

  @Test func `the mailbox's messages do not grow with the iterations`() throws {
    func messages(_ iterations: Int) throws -> UInt64 {
      let script = Script()
      script.isRecording = false
      let outcome = try RunBench(program: plain(), profile: profile(closed: 3, .iterations(iterations)), script: script).perform()
      #expect(outcome.record.iterations.completed == UInt64(iterations))
      return outcome.result.mailboxMessages
    }
    #expect(try messages(10) == messages(20_000))
  }

  @Test func `the same seed gives the same draws and the same schedule in another run`() throws {
    func arguments() throws -> [String] {
      var sketch = ProgramSketch()
      let step = sketch.step("work")
      let bounds = sketch.slots(holding: [.int(0), .int(1_000_000)])
      let d = sketch.slot()
      let operation = sketch.operation(step, arguments: d, count: 1)
      sketch.beginIteration()
      sketch.emit(.enterStep(step), .call(.randomInt, d: d, a: bounds, count: 2), .submit(operation), .end)
      let script = Script()
      _ = try RunBench(program: sketch.program, profile: profile(closed: 4, .iterations(50)), script: script, seed: 99).perform()
      return script.submitted.map { $0.arguments[0].description }.sorted()
    }
    #expect(try arguments() == arguments())
  }
}
