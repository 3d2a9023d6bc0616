import ChainIO
import ChainProgram
import Metrics
import Testing

@testable import ChainRuntime

@Suite(.serialized) struct LaneTests {
  /// Lanes of one operation each, `lane 0`… as steps 0…, and a step `after`.
  private func lanes(_ join: LanesDescription.Join, _ count: Int, connections: [String] = ["store"]) -> ProgramSketch {
    var sketch = ProgramSketch(connections: connections)
    let entries = (0..<count).map { lane in sketch.block { $0.call("lane \(lane)") } }
    sketch.beginIteration()
    sketch.parallel(join, entries)
    sketch.call("after")
    sketch.emit(.end)
    return sketch
  }

  private let failure = OperationError(.server, code: "E1", "the script says no")

  // Joins

  @Test func `all lanes run at the same time, and the user goes on after the slowest`() throws {
    let script = Script { request -> ScriptedReply in
      let delay: Int = request.step == 4 ? 0 : 10 + 10 * request.step
      return .ok(after: UInt64(delay) * milliseconds)
    }
    let (stage, ending) = try Stage.once(lanes(.all, 3).program, script)
    #expect(ending == .completed && script.submitted.map(\.step) == [0, 1, 2, 4])
    // Together, not one after the other: 10 + 20 + 30 would be 60.
    let after = script.submitted[3].at - script.submitted[0].at
    #expect(after >= 30 * milliseconds && after < 58 * milliseconds)
    let interval = stage.takeInterval()
    #expect(interval.steps.map(\.count) == [1, 1, 1, 1] && interval.service.min >= 30 * milliseconds && interval.service.count == 1)
    #expect(interval.response.count == 1)
  }

  @Test func `the first error of all lanes ends the others, and stands once in the error table`() throws {
    let script = Script { $0.step == 1 ? .fails(after: 10 * milliseconds, self.failure) : .ok(after: 100 * milliseconds) }
    let (stage, ending) = try Stage.once(lanes(.all, 3).program, script)
    #expect(ending == .failed && script.submitted.map(\.step) == [0, 1, 2] && script.abandoned == 2)
    let failures = stage.recorder.takeFailures()
    #expect(failures.map(\.count) == [1] && failures[0].fingerprint.step == 1 && failures[0].fingerprint.code == "E1")
    let interval = stage.takeInterval()
    #expect(interval.steps.map(\.step) == [1] && interval.steps[0].failed == 1 && interval.service.isEmpty)
    // The replies that come after all matter to nobody.
    try #require(stage.turn { script.lateReplies == 2 })
    #expect(stage.endings == [.failed])
  }

  @Test func `lanes that fail in the same turn are one error`() throws {
    let script = Script { _ in .fails(after: 0, self.failure) }
    let (stage, ending) = try Stage.once(lanes(.all, 4).program, script)
    #expect(ending == .failed && stage.recorder.takeFailures().map(\.count) == [1])
  }

  @Test func `a lane whose outcome is unknown leaves the iteration unknown`() throws {
    let (_, ending) = try Stage.once(lanes(.all, 2).program, Script { $0.step == 1 ? .unknown() : .ok(after: 5 * milliseconds) })
    #expect(ending == .unknown)
  }

  @Test func `the first success of any lane ends the others, and what failed before it is forgiven`() throws {
    let script = Script {
      switch $0.step {
      case 0: .fails(after: 5 * milliseconds, self.failure)
      case 1: .ok(after: 15 * milliseconds)
      case 2: .ok(after: 60 * milliseconds)
      default: .ok()
      }
    }
    let (stage, ending) = try Stage.once(lanes(.any, 3).program, script)
    #expect(ending == .completed && script.submitted.map(\.step) == [0, 1, 2, 4] && script.abandoned == 1)
    let after = script.submitted[3].at - script.submitted[0].at
    #expect(after >= 15 * milliseconds && after < 50 * milliseconds)
    // It happened all the same.
    #expect(stage.recorder.takeFailures().map(\.count) == [1])
    try #require(stage.turn { script.lateReplies == 1 })
    #expect(stage.endings == [.completed])
  }

  @Test func `any lane fails only if none succeeded, with the first error`() throws {
    let script = Script { request -> ScriptedReply in
      let delay: Int = 20 - 5 * request.step
      return .fails(after: UInt64(delay) * milliseconds, OperationError(.server, code: "E\(request.step)", "no"))
    }
    let stage = try Stage(lanes(.any, 3).program, script)
    let user = stage.makeUser()
    #expect(stage.iterate(user) == .failed && script.submitted.map(\.step) == [0, 1, 2] && user.firstError?.code == "E2")
    #expect(user.firstErrorStep == 2)
    user.retire()
  }

  @Test func `a handler around the lanes catches their error`() throws {
    var sketch = ProgramSketch()
    let entries = (0..<2).map { lane in sketch.block { $0.call("lane \(lane)") } }
    sketch.beginIteration()
    let start = sketch.pc
    sketch.parallel(.all, entries)
    sketch.handle(start..<sketch.pc, at: sketch.pc, forgets: true)
    sketch.call("after")
    sketch.emit(.end)
    let script = Script { $0.step == 0 ? .fails(after: 0, self.failure) : .ok(after: milliseconds) }
    let (_, ending) = try Stage.once(sketch.program, script)
    #expect(ending == .completed && script.submitted.map(\.step) == [0, 1, 3])
  }

  // Frames

  @Test func `captures of the lanes land in the frame they share, and the iteration goes on with them`() throws {
    var sketch = ProgramSketch()
    let affected = sketch.path(.affected)
    let (a, b) = (sketch.slot(), sketch.slot())
    let argument = sketch.slot()
    let entries = [a, b].enumerated().map { lane, slot in
      sketch.block {
        $0.call("lane \(lane)")
        $0.emit(.loadResultInt(d: slot, affected))
      }
    }
    sketch.beginIteration()
    sketch.parallel(.all, entries)
    let sum = sketch.step("sum")
    let operation = sketch.operation(sum, arguments: argument, count: 1)
    sketch.emit(.binary(.addInt, d: argument, a: a, b: b), .enterStep(sum), .submit(operation), .end)
    var calls: Int64 = 0
    let script = Script { request -> ScriptedReply in
      .ok(after: UInt64(request.step) * milliseconds) { result in
        calls += 1
        let round: Int64 = calls / 3 + 1
        result.affected = request.step == 0 ? 1000 * round : calls
      }
    }
    let stage = try Stage(sketch.program, script)
    let user = stage.makeUser()
    for round in 0..<50 { #expect(stage.iterate(user, iteration: UInt64(round)) == .completed) }
    let sums = script.submitted.filter { $0.step == 3 }.map { $0.arguments[0].description }
    // Users and their lanes are used again: each iteration has its own values. Every third call is the sum's own.
    let expected: [String] = (0..<50).map { (round: Int) -> String in String(1000 * (round + 1) + round * 3 + 2) }
    #expect(sums == expected)
    user.retire()
  }

  @Test func `a lane inside a lane`() throws {
    for fails in [false, true] {
      var sketch = ProgramSketch()
      let inner = (0..<3).map { lane in sketch.block { $0.call("inner \(lane)") } }
      let outer = [
        sketch.block { $0.parallel(.all, inner) },
        sketch.block { $0.call("beside") },
      ]
      sketch.beginIteration()
      sketch.parallel(.all, outer)
      sketch.call("after")
      sketch.emit(.end)
      let script = Script { $0.step == 2 && fails ? .fails(after: 5 * milliseconds, self.failure) : .ok(after: (fails ? 500 : 10) * milliseconds) }
      let stage = try Stage(sketch.program, script)
      let user = stage.makeUser()
      for round in 0..<20 {
        #expect(stage.iterate(user, iteration: UInt64(round)) == (fails ? .failed : .completed))
        let failures = stage.recorder.takeFailures()
        #expect(failures.map(\.count) == (fails ? [1] : []) && failures.allSatisfy { $0.fingerprint.step == 2 })
        #expect(!fails || user.firstErrorStep == 2)
      }
      // Per round: three inner, one beside, and the one after.
      #expect(script.submittedCount == 20 * (fails ? 4 : 5) && script.abandoned == (fails ? 60 : 0))
      user.retire()
    }
  }

  // Ends

  @Test func `a lane's transaction gives its connection back when another lane's error ends it`() throws {
    var sketch = ProgramSketch(connections: ["store", "cache"])
    let begin = sketch.step("begin")
    let operation = sketch.operation(begin, role: .beginsTransaction)
    let entries = [
      sketch.block {
        $0.emit(.enterStep(begin), .submit(operation))
        $0.call("work", connection: 1)
      },
      sketch.block { $0.call("other") },
    ]
    sketch.beginIteration()
    sketch.parallel(.all, entries)
    sketch.emit(.end)
    let script = Script {
      switch $0.step {
      case 0: .ok()
      case 1: .never
      default: .fails(after: 10 * milliseconds, self.failure)
      }
    }
    let (_, ending) = try Stage.once(sketch.program, script)
    #expect(ending == .failed && script.heldLeases == 0 && script.endedLeases == 1 && script.abandoned == 1)
  }

  @Test(arguments: [false, true])
  func `an interruption ends the lanes wherever they are`(isDeep: Bool) throws {
    var sketch = ProgramSketch()
    let pause = sketch.slot(holding: .duration(60_000_000_000))
    let insert = sketch.step("insert")
    let event = sketch.event("made", origin: insert, hops: [("queue", "tap")])
    let hop = sketch.step("await", connection: nil)
    let id = sketch.slot(holding: .int(5))
    let entries = [
      sketch.block { $0.call("never") },
      sketch.block { $0.emit(.think(a: pause, b: pause)) },
      sketch.block { $0.emit(.awaitHop(hop, event, hop: 0, a: id, b: pause)) },
    ]
    let outer = isDeep ? [sketch.block { $0.parallel(.any, entries) }, sketch.block { $0.call("never too") }] : entries
    sketch.beginIteration()
    sketch.parallel(.all, outer)
    sketch.emit(.end)
    let script = Script { _ in .never }
    let stage = try Stage(sketch.program, script)
    let user = stage.makeUser()
    for round in 0..<10 {
      user.start(entry: sketch.program.iterationEntry, iteration: UInt64(round), stream: 0, intendedStart: 0, isMeasured: true)
      let calls = (isDeep ? 2 : 1) * (round + 1)
      // Odd rounds: before the lanes have begun.
      if round % 2 == 0 { try #require(stage.turn { script.submittedCount >= calls }) }
      user.interrupt(now: MonotonicClock.now)
      user.interrupt(now: MonotonicClock.now)
      try #require(stage.turn { stage.endings.count == round + 1 })
      if round % 2 == 1 { script.submittedCount = calls }
    }
    #expect(stage.endings.allSatisfy { $0 == .interrupted } && stage.recorder.takeFailures().isEmpty)
    // The waiting place in the ledger is given up: a sighting wakes nobody.
    script.sight("queue", id: 5)
    #expect(!stage.turn(within: 20 * milliseconds) { stage.endings.count > 10 })
    user.retire()
  }

  @Test func `a graceful stop lets lanes finish, and a second interruption ends them`() throws {
    for interruptions in [1, 2] {
      let script = Script { .ok(after: ($0.step == 0 ? 40 : 80) * milliseconds) }
      let outcome = try RunBench(
        program: lanes(.all, 2).program, profile: profile(closed: 3, .duration(60 * seconds), graceful: 5 * seconds), script: script
      ).perform { run in
        script.wait(submitted: 9)
        for _ in 0..<interruptions { run.interrupt() }
      }
      let counts = outcome.record.iterations
      #expect(outcome.result.isConserved && counts.areConserved && counts.started == 3)
      #expect(interruptions == 1 ? counts.completed == 3 && script.abandoned == 0 : counts.interrupted == 3 && script.abandoned > 0)
    }
  }

  @Test func `lanes that do not end in the graceful time are cut short`() throws {
    let script = Script { $0.step == 1 ? .never : .ok() }
    let outcome = try RunBench(
      program: lanes(.all, 2).program, profile: profile(closed: 2, .duration(100 * milliseconds), graceful: 100 * milliseconds), script: script
    ).perform()
    #expect(outcome.result.isConserved && outcome.record.iterations.interrupted == 2 && script.abandoned == 2)
  }

  @Test func `stop in a lane ends the iteration well, and the other lanes with it`() throws {
    for (join, isDeep) in [(LanesDescription.Join.all, false), (.any, false), (.all, true)] {
      var sketch = ProgramSketch()
      let stop = sketch.step("stop", connection: nil)
      let entries = [
        sketch.block {
          $0.call("first")
          $0.emit(.stop(stop, endsRun: false))
        },
        sketch.block { $0.call("never") },
      ]
      let outer = isDeep ? [sketch.block { $0.parallel(.all, entries) }, sketch.block { $0.call("never too") }] : entries
      sketch.beginIteration()
      sketch.parallel(join, outer)
      sketch.call("after")
      sketch.emit(.end)
      let script = Script { $0.step == 1 ? .ok(after: milliseconds) : .never }
      let (stage, ending) = try Stage.once(sketch.program, script)
      #expect(ending == .completed && script.submittedCount == (isDeep ? 3 : 2) && script.abandoned == (isDeep ? 2 : 1))
      #expect(stage.recorder.takeFailures().isEmpty && stage.loadStops == 0)
    }
  }

  @Test func `a feed that is exhausted in a lane withdraws the iteration`() throws {
    var sketch = ProgramSketch()
    let row = sketch.slot()
    sketch.program.feeds.append(FeedDeclaration(name: "n", columns: [("n", .int)], pick: .unique, onExhaustion: .stop, cells: [.int(1)]))
    let entries = [sketch.block { $0.emit(.drawRow(FeedIndex(0), d: row)) }, sketch.block { $0.call("beside") }]
    sketch.beginIteration()
    sketch.parallel(.all, entries)
    sketch.emit(.end)
    let stage = try Stage(sketch.program, Script { _ in .ok(after: milliseconds) })
    let user = stage.makeUser()
    #expect(stage.iterate(user) == .completed)
    #expect(stage.iterate(user, iteration: 1) == .withdrawn && stage.isFeedExhausted)
    user.retire()
  }

  @Test func `lanes are used again for thousands of iterations`() throws {
    let script = Script { _ in .ok() }
    script.isRecording = false
    let stage = try Stage(lanes(.all, 4).program, script)
    let user = stage.makeUser()
    for round in 0..<2000 { #expect(stage.iterate(user, iteration: UInt64(round)) == .completed) }
    #expect(script.submittedCount == 10_000 && stage.takeInterval().steps.map(\.count) == [2000, 2000, 2000, 2000, 2000])
    user.retire()
  }
}
