import ChainIO
import ChainProgram
import Metrics
import Testing

@testable import ChainRuntime

/// Random programs of every control construct against a system that fails, stays silent and is late at random: whatever happens, every
/// arrival, operation, event and lease is accounted for.
@Suite(.serialized) struct RandomProgramTests {
  private struct Generator {
    var sketch = ProgramSketch(connections: ["store", "cache"])
    var draws: SplitMix
    /// Lanes' blocks that no `parallel` has taken yet. They lie outside all handlers' ranges.
    var blocks: [Int] = []
    var hasLanes = false
    let event: EventIndex
    let insert: StepIndex
    let stop: StepIndex
    let affected: ResultPathIndex

    init(seed: UInt64) {
      draws = SplitMix(state: seed)
      insert = sketch.step("insert")
      stop = sketch.step("stop", connection: nil)
      affected = sketch.path(.affected)
      event = sketch.event("made", origin: insert, settle: 100 * milliseconds, hops: [("queue", "tap")])
    }

    mutating func pick(_ count: Int) -> Int { Int(draws.next() % UInt64(count)) }

    mutating func operation(_ step: StepIndex, connection: Int = 0, _ role: OperationRole = .plain) -> OperationIndex {
      sketch.operation(step, connection: connection, role: role, timeout: 4 * milliseconds)
    }

    mutating func body(depth: Int) {
      for _ in 0...pick(3) { element(depth: depth) }
    }

    mutating func element(depth: Int) {
      switch pick(depth > 0 ? 10 : 5) {
      case 0, 1: sketch.call("work", connection: pick(2), timeout: 4 * milliseconds)
      case 2, 3: origin(inTransaction: false)
      case 4: weighted()
      case 5: transaction()
      case 6: retry(depth: depth - 1)
      case 7: forgiving(depth: depth - 1)
      default: lanes()
      }
    }

    mutating func origin(inTransaction: Bool) {
      let id = sketch.slots(holding: [.null, .null, .null])
      let operation = operation(insert)
      sketch.emit(.enterStep(insert), .submit(operation), .loadResultInt(d: id, affected), .originIdentify(event, a: id))
      if !inTransaction { sketch.emit(.originAcknowledge(event)) }
    }

    mutating func weighted() {
      sketch.program.branches.append(BranchDescription(step: stop, weights: [1, 20], names: ["stop", "go"]))
      let chosen = sketch.slot()
      let (zero, isZero) = (sketch.slot(holding: .int(0)), sketch.slot())
      sketch.emit(
        .chooseBranch(BranchIndex(sketch.program.branches.count - 1), d: chosen), .compare(.equal, .int, d: isZero, a: chosen, b: zero),
        .jumpIfFalse(a: isZero, target: UInt32(sketch.pc + 4)), .stop(stop, endsRun: false))
    }

    mutating func transaction() {
      let steps = ["begin", "commit", "rollback"].map { sketch.step($0) }
      let operations = [
        operation(steps[0], .beginsTransaction), operation(steps[1], .commitsTransaction), operation(steps[2], .rollsBackTransaction),
      ]
      sketch.emit(.enterStep(steps[0]), .submit(operations[0]))
      let start = sketch.pc
      let commits = pick(2) == 0
      if commits { origin(inTransaction: true) }
      let forgiven = sketch.pc
      sketch.call("in transaction", connection: 1, timeout: 4 * milliseconds)
      if pick(2) == 0 { sketch.handle(forgiven..<sketch.pc, at: sketch.pc, forgets: true) }
      sketch.emit(.enterStep(steps[1]), .submit(operations[1]))
      let end = sketch.pc
      sketch.emit(
        .originAcknowledge(event), .jump(target: UInt32(end + 5)), .originAbort(event), .submit(operations[2]), .rethrow)
      sketch.handle(start..<end, at: end + 2)
    }

    mutating func retry(depth: Int) {
      var copy = self
      sketch.retry(["E1", "timeout", "disconnected"], max: 2, pause: 100_000) { sketch in
        copy.sketch = sketch
        copy.body(depth: depth)
        sketch = copy.sketch
      }
      (draws, blocks, hasLanes) = (copy.draws, copy.blocks, copy.hasLanes)
    }

    mutating func forgiving(depth: Int) {
      let start = sketch.pc
      body(depth: depth)
      sketch.handle(start..<sketch.pc, at: sketch.pc, forgets: true)
    }

    mutating func lanes() {
      let count = min(blocks.count, 2 + pick(3))
      guard count > 1 else { return }
      hasLanes = true
      let entries = (0..<count).map { _ in blocks.removeLast() }
      sketch.parallel(pick(2) == 0 ? .all : .any, entries)
    }

    mutating func program() -> Program {
      for level in 0..<3 {
        var made: [Int] = []
        for _ in 0..<4 {
          made.append(sketch.pc)
          body(depth: level)
          sketch.emit(.end)
        }
        blocks += made
        blocks.shuffle(using: &draws)
      }
      sketch.beginIteration()
      body(depth: 3)
      lanes()
      body(depth: 3)
      sketch.emit(.end)
      return sketch.program
    }
  }

  private func script(seed: UInt64) -> Script {
    var draws = SplitMix(state: seed)
    let script = Script()
    script.isRecording = false
    script.reply = { [unowned script] request in
      let id = Int64(request.number)
      let after = draws.next() % 3 == 0 ? 0 : draws.next() % 400_000
      switch draws.next() % 100 {
      case 0..<6: return .fails(after: after, OperationError(.server, code: "E1", "no"))
      case 6..<9: return .fails(after: after, OperationError(.server, code: "E2", "no"))
      case 9..<12: return .unknown(after: after)
      case 12: return .never
      case 13: return .neverStarts
      case 14: return .ok(after: 6 * milliseconds) { $0.affected = id }
      default:
        if request.step == 0, draws.next() % 20 != 0 { script.sight("queue", id: id) }
        return .ok(after: after) { $0.affected = id }
      }
    }
    return script
  }

  @Test(arguments: [false, true])
  func `arrivals, operations, events and leases are conserved in random programs`(isOpen: Bool) throws {
    var iterations: UInt64 = 0
    for seed in 1...12 as ClosedRange<UInt64> {
      var generator = Generator(seed: seed &* 77 &+ (isOpen ? 1000 : 0))
      let program = generator.program()
      let script = script(seed: seed)
      let load = isOpen ? profile(open: open(600, 500 * milliseconds, users: 6), graceful: 5 * seconds) : profile(closed: 6, .iterations(300))
      let outcome = try RunBench(program: program, profile: load, script: script, seed: seed).perform()
      let record = outcome.record
      let counts = record.iterations
      #expect(outcome.result.isConserved && counts.areConserved && counts.arrivals == 300, "seed \(seed)")
      #expect(counts.interrupted == 0 && counts.completed + counts.failed + counts.unknown == 300, "seed \(seed)")
      #expect(script.heldLeases == 0, "seed \(seed): \(script.heldLeases) leases held")
      let events = try #require(record.events[0].counts)
      #expect(events.areConserved && record.events[0].hops[0].counts.accountedFor == events.committed, "seed \(seed)")
      #expect(record.service.count == counts.completed, "seed \(seed)")
      // Every operation is a sample, but for those of lanes that were ended.
      let samples = record.steps.reduce(0) { $0 + $1.count }
      #expect(generator.hasLanes ? samples <= UInt64(script.submittedCount) : samples == UInt64(script.submittedCount), "seed \(seed)")
      #expect(script.observers["queue"]?.isFencing == false, "seed \(seed)")
      iterations += counts.arrivals
    }
    #expect(iterations == 3600)
  }

  @Test func `random programs are conserved when they are cut short at a random moment`() throws {
    for seed in 1...10 as ClosedRange<UInt64> {
      var generator = Generator(seed: seed &* 991)
      let script = script(seed: seed)
      let outcome = try RunBench(
        program: generator.program(), profile: profile(closed: 6, .duration(60 * seconds), graceful: 20 * milliseconds), script: script, seed: seed
      ).perform { run in
        script.wait(submitted: 100 + Int(seed) * 37)
        run.interrupt()
        if seed % 2 == 0 { run.interrupt() }
      }
      let counts = outcome.record.iterations
      #expect(outcome.result.isConserved && counts.areConserved && script.heldLeases == 0, "seed \(seed)")
    }
  }
}
