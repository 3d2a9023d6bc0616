import CAllocationCounter
import ChainIO
import ChainProgram
import Testing

@testable import ChainRuntime

/// The hot path's allocations are stored here, and compared: change a number knowingly, in the commit that changes the path.
///
/// Counted for a whole iteration of a warmed-up user, from its start to its end: interpreter, calls, reactor, recorder. The scripted
/// driver answers at once and allocates nothing. Optimised builds are what users run; the debug figure stands beside it because that is
/// what tests run.
@Suite(.serialized) struct AllocationTests {
  /// Compares with the stored number, to a tenth: what grows by doubling shows as thousandths.
  private func expect(_ count: Double, is stored: Double, inDebugBuilds storedForDebug: Double) {
    #if DEBUG
      let wanted = storedForDebug
    #else
      let wanted = stored
    #endif
    #expect(abs(count - wanted) < 0.1, "\(count) allocations instead of \(wanted): store the new number, if it is meant")
  }

  private func perIteration(_ program: Program, _ script: Script) throws -> Double {
    script.isRecording = false
    let stage = try Stage(program, script)
    let counter = Counter()
    let user = VirtualUser(index: 0, context: stage.context, owner: counter)
    func iterate(_ count: UInt64) {
      let end = counter.ended + count
      while counter.ended < end {
        user.start(entry: program.iterationEntry, iteration: counter.ended, stream: 0, intendedStart: 1, isMeasured: true)
        let before = counter.ended
        while counter.ended == before { stage.reactor.turn(waitingAtMost: milliseconds) }
      }
    }
    iterate(3000)
    let before = callocationcounter_thread_count()
    iterate(2000)
    let count = callocationcounter_thread_count() - before
    user.retire()
    return Double(count) / 2000
  }

  private final class Counter: IterationOwner {
    var ended: UInt64 = 0
    func iterationEnded(_ user: VirtualUser, _ ending: IterationEnding, now: UInt64) { ended += 1 }
    func stopRequested() {}
  }

  @Test func `a sighting of a whole-number id allocates nothing but the growth of the books`() throws {
    var sketch = ProgramSketch()
    let step = sketch.step("insert")
    _ = sketch.event("made", origin: step, hops: [("queue", "tap")])
    let ledger = Ledger(program: sketch.program, evaluator: Evaluator(program: sketch.program))
    let sink = ledger.sink(event: 0, hop: 0)
    let values: [Value] = [.null, .null, .null]
    let content = OperationResult()
    var key: [UInt8] = []
    // swiftc 6.3.1 crashes when it inlines this (EarlyPerfInliner, a non-copyable temporary in a local function).
    @inline(never) func events(_ ids: Range<Int64>) {
      var values = values
      for id in ids {
        values[0] = .int(id)
        values.withUnsafeBufferPointer { ledger.committed(event: 0, $0.baseAddress!, sent: 1, acknowledged: 2) }
        key.removeAll(keepingCapacity: true)
        Value.appendInteger(id, to: &key)
        content.clear()
        key.withUnsafeBytes { content.setKey($0) }
        sink.sighted(Sighting(notBefore: 1, seen: 3, content: content))
      }
    }
    events(0..<3000)
    let before = callocationcounter_thread_count()
    events(3000..<5000)
    expect(Double(callocationcounter_thread_count() - before) / 2000, is: 0, inDebugBuilds: 3)
  }

  @Test func `the counter counts this thread's allocations`() {
    let before = callocationcounter_thread_count()
    let memory = (0..<10).map { UnsafeMutableRawPointer.allocate(byteCount: 100 + $0, alignment: 16) }
    #expect(callocationcounter_thread_count() - before >= 10)
    for piece in memory { piece.deallocate() }
  }

  @Test func `three operations with integer arguments and a check allocate nothing`() throws {
    var sketch = ProgramSketch()
    let bounds = sketch.slots(holding: [.int(1), .int(100)])
    let arguments = sketch.slot()
    let (ok, one, affected) = (sketch.slot(), sketch.slot(holding: .int(1)), sketch.path(.affected))
    sketch.beginIteration()
    for id in ["a", "b", "c"] {
      let step = sketch.step(id)
      let operation = sketch.operation(step, arguments: arguments, count: 1)
      let check = sketch.check(step, "affected == 1")
      sketch.emit(
        .enterStep(step), .call(.randomInt, d: arguments, a: bounds, count: 2), .binary(.addInt, d: arguments, a: arguments, b: one),
        .submit(operation), .loadResult(d: ok, affected), .compare(.equal, .int, d: ok, a: ok, b: one), .check(check, a: ok, continues: false))
    }
    sketch.emit(.end)
    let count = try perIteration(sketch.program, Script { _ in .ok { $0.affected = 1 } })
    expect(count, is: 0, inDebugBuilds: 0)
  }

  @Test func `a committed event allocates nothing but the growth of the books`() throws {
    var sketch = ProgramSketch()
    let insert = sketch.step("insert")
    let operation = sketch.operation(insert)
    let id = sketch.slots(holding: [.null, .null, .null])
    let affected = sketch.path(.affected)
    let event = sketch.event("made", origin: insert, hops: [("queue", "tap")])
    sketch.beginIteration()
    sketch.emit(.enterStep(insert), .submit(operation), .loadResultInt(d: id, affected), .originIdentify(event, a: id), .originAcknowledge(event), .end)
    // Made once: a closure for each reply would be counted too.
    final class Sequence { var last: Int64 = 0 }
    let ids = Sequence()
    let reply = ScriptedReply.ok {
      ids.last += 1
      $0.affected = ids.last
    }
    let script = Script { _ in reply }
    let count = try perIteration(sketch.program, script)
    expect(count, is: 0, inDebugBuilds: 1)
  }
}
