import ChainIO
import ChainProgram
import Metrics
import Testing

@testable import ChainRuntime

@Suite(.serialized) struct EarlyFenceTests {
  /// An observed system whose fences come back once a millisecond while they run: the latest one that came back before the sighting is its
  /// lower bound.
  @Test func `an event seen before its acknowledgement is bounded by a fence, not only by its sending`() throws {
    var sketch = ProgramSketch()
    let insert = sketch.step("insert")
    let operation = sketch.operation(insert)
    let id = sketch.slots(holding: [.null, .null, .null])
    let affected = sketch.path(.affected)
    let event = sketch.event("made", origin: insert, hops: [("queue", "tap")])
    sketch.beginIteration()
    sketch.emit(.enterStep(insert), .submit(operation), .loadResultInt(d: id, affected), .originIdentify(event, a: id), .originAcknowledge(event), .end)
    // Visible after 20 ms, acknowledged after 30.
    var sent: UInt64 = 0
    let script = Script { request in
      sent = request.at
      return .ok(after: 30 * milliseconds) { $0.affected = 1 }
    }
    let stage = try Stage(sketch.program, script)
    let observer = try #require(script.observers["queue"])
    #expect(!observer.isFencing)
    let user = stage.makeUser()
    user.start(entry: sketch.program.iterationEntry, iteration: 0, stream: 0, intendedStart: 0, isMeasured: true)
    var fence: UInt64 = 0
    var isSighted = false
    _ = stage.turn {
      let now = MonotonicClock.now
      if observer.isFencing { fence = now &- milliseconds }
      if sent != 0, !isSighted, now >= sent + 20 * milliseconds {
        isSighted = true
        script.sight("queue", id: 1, notBefore: fence, seen: now)
      }
      return !stage.endings.isEmpty
    }
    #expect(stage.endings == [.completed] && isSighted && !observer.isFencing)
    let row = try #require(stage.ledger.finish(now: MonotonicClock.now).decoded.first)
    let width = try #require(row.highNanoseconds) - (try #require(row.lowNanoseconds))
    // With nothing but `sent` it would be 20 ms.
    #expect(width <= 2 * milliseconds && row.highNanoseconds! < row.ackedNanoseconds!, "\(width)")
    user.retire()
  }

  @Test func `fences stop when the origin under way fails`() throws {
    for reply in [ScriptedReply.fails(after: 10 * milliseconds), .fails()] {
      var sketch = ProgramSketch()
      let insert = sketch.step("insert")
      let operation = sketch.operation(insert)
      _ = sketch.event("made", origin: insert, hops: [("queue", "tap"), ("cache", "watch")])
      sketch.beginIteration()
      sketch.emit(.enterStep(insert), .submit(operation), .end)
      var wasFencing = false
      let script = Script()
      script.reply = { [unowned script] _ in
        wasFencing = script.observers.values.allSatisfy(\.isFencing)
        return reply
      }
      let (_, ending) = try Stage.once(sketch.program, script)
      #expect(ending == .failed && wasFencing && script.observers.values.allSatisfy { !$0.isFencing })
    }
  }
}
