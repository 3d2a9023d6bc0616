import ChainIO
import ChainProgram
import Metrics
import Testing

@testable import ChainRuntime

@Suite(.serialized) struct MeasureTests {
  /// first, a pause, second; measured: from the first's end to the second's start, over both, and from now to now; grouped as a whole.
  private func measured() -> Program {
    var sketch = ProgramSketch()
    let pause = sketch.slot(holding: .duration(20_000_000))
    let (gap, whole, backwards) = (sketch.measure("gap"), sketch.measure("whole"), sketch.measure("backwards"))
    let stamps = (0..<5).map { _ in sketch.slot() }
    let (first, second) = (sketch.step("first"), sketch.step("second"))
    let operations = [sketch.operation(first), sketch.operation(second)]
    let group = sketch.step("group", connection: nil)
    sketch.beginIteration()
    sketch.emit(
      .enterStep(group), .stamp(d: stamps[4], .now), .enterStep(first), .submit(operations[0]), .stamp(d: stamps[0], .operationStart),
      .stamp(d: stamps[1], .operationEnd), .think(a: pause, b: pause), .enterStep(second), .submit(operations[1]),
      .stamp(d: stamps[2], .operationStart), .stamp(d: stamps[3], .operationEnd), .measure(gap, from: stamps[1], to: stamps[2]),
      .measure(whole, from: stamps[0], to: stamps[3]), .measure(backwards, from: stamps[3], to: stamps[0]), .endGroup(group, from: stamps[4]), .end)
    return sketch.program
  }

  @Test func `measures and groups have the times that the script took`() throws {
    // The second waits 10 ms for a connection: part of the gap, which ends when it starts.
    let script = Script { $0.step == 0 ? .ok(after: 30 * milliseconds) : .waits(pool: 10 * milliseconds, service: 15 * milliseconds) }
    let outcome = try RunBench(program: measured(), profile: profile(closed: 2, .iterations(20)), script: script).perform()
    let record = outcome.record
    #expect(record.measures.map(\.name) == ["gap", "whole", "backwards"] && record.measures.allSatisfy { $0.values.count == 20 })
    // Never less than scripted; the median at most what timers and a busy machine add.
    for (measure, time) in zip(record.measures, [30, 75, 0] as [UInt64]) {
      #expect(measure.values.min >= time * milliseconds * 99 / 100, "\(measure.name)")
      #expect(measure.values.quantile(0.5)! <= (time + 50) * milliseconds, "\(measure.name)")
    }
    #expect(record.measures[2].values.max == 0)
    let group = record.steps[2]
    #expect(group.count == 20 && group.service.min >= 75 * milliseconds * 99 / 100)
    #expect(group.service.quantile(0.5)! <= record.service.quantile(0.5)! + milliseconds)
    // A measure is no request, and a group no operation.
    #expect(record.steps.map(\.count) == [20, 20, 20])
  }

  @Test func `what failed before a measure's end is not measured`() throws {
    let script = Script { $0.step == 1 && $0.number % 4 == 1 ? .fails() : .ok() }
    let outcome = try RunBench(program: measured(), profile: profile(closed: 1, .iterations(10)), script: script).perform()
    let record = outcome.record
    #expect(record.iterations.failed == 5 && record.iterations.completed == 5)
    #expect(record.measures.allSatisfy { $0.values.count == 5 } && record.steps[2].count == 5)
  }

  @Test func `lanes that any of them ended are timed to the first success`() throws {
    var sketch = ProgramSketch()
    let measure = sketch.measure("first")
    let (from, to) = (sketch.slot(), sketch.slot())
    let entries = (0..<3).map { lane in sketch.block { $0.call("lane \(lane)") } }
    sketch.beginIteration()
    sketch.emit(.stamp(d: from, .now))
    sketch.parallel(.any, entries)
    sketch.emit(.stamp(d: to, .now), .measure(measure, from: from, to: to), .end)
    let script = Script { $0.step == 1 ? .ok(after: 20 * milliseconds) : .never }
    let (stage, ending) = try Stage.once(sketch.program, script)
    let values = stage.takeInterval().measures[0].values
    #expect(ending == .completed && values.count == 1 && values.min >= 20 * milliseconds * 99 / 100 && values.max <= 70 * milliseconds)
  }
}
