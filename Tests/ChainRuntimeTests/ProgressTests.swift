import ChainIO
import ChainProgram
import Metrics
import Testing

@testable import ChainRuntime

/// What a run reports of itself while it is under way.
@Suite(.serialized) struct ProgressTests {
  private func tracked(settle: UInt64) -> Program {
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

  @Test func `a second of load is reported about four times, and the last report has everything`() throws {
    let script = Script { call in .ok(after: milliseconds) { $0.affected = Int64(call.number) } }
    let program = tracked(settle: 50 * milliseconds)
    let outcome = try RunBench(program: program, profile: profile(open: open(100, 1200 * milliseconds, users: 5)), script: script).perform()
    let reports = outcome.reports
    let pulses = reports.filter { $0.phase == .load && $0.interval == nil }
    // A late thread reports less often, never more: changes of phase are two, the rest lies 250 ms apart.
    #expect(pulses.count >= 1 && pulses.count <= 8, "\(pulses.map(\.elapsedNanoseconds))")
    #expect(zip(reports, reports.dropFirst()).allSatisfy { $0.elapsedNanoseconds <= $1.elapsedNanoseconds })
    #expect(zip(reports, reports.dropFirst()).allSatisfy { $0.iterations.started <= $1.iterations.started }, "also between two intervals")
    let sum = reports.compactMap(\.interval).reduce(into: IterationCounts()) { $0 += $1.iterations }
    #expect(sum == reports.last?.iterations && sum.arrivals == 120)
    let event = try #require(reports.last?.events.first)
    #expect(event.counts.committed == 120 && event.hops.count == 2)
    #expect(event.hops[0].counts.lost + event.hops[0].counts.unobserved == 120 && event.hops[0].awaited == 0, "nobody showed them")
    #expect(reports.last?.pools.map(\.name) == ["store"])
  }

  @Test func `an interrupted run says what it waits for and for how long`() throws {
    let script = Script { call in .ok(after: 100 * milliseconds) { $0.affected = Int64(call.number) } }
    let outcome = try RunBench(program: tracked(settle: 400 * milliseconds), profile: profile(closed: 3, .iterations(1000)), script: script)
      .perform { run in
        let deadline = MonotonicClock.now + 5 * seconds
        while script.submittedCount < 3, MonotonicClock.now < deadline { sleep(nanoseconds: milliseconds) }
        run.interrupt()
      }
    let stopping = try #require(outcome.reports.first { $0.phase == .stopping && $0.interruptions == 1 })
    #expect(stopping.busyUsers > 0 && (stopping.iterationsLeftNanoseconds ?? 0) > 0)
    let settling = try #require(outcome.reports.first { $0.phase == .settling && $0.awaitedEvents > 0 })
    #expect((settling.eventsLeftNanoseconds ?? .max) <= 400 * milliseconds)
  }

  @Test func `failures are handed over once`() throws {
    let script = Script { $0.number % 5 == 0 ? .fails() : .ok { $0.affected = 1 } }
    let outcome = try RunBench(program: tracked(settle: 50 * milliseconds), profile: profile(closed: 2, .iterations(50)), script: script).perform()
    let told = outcome.reports.flatMap(\.failures).reduce(0) { $0 + $1.count }
    #expect(told == outcome.record.failures.reduce(0) { $0 + $1.count } && told > 0)
  }
}
