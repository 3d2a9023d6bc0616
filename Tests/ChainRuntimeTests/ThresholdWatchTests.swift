import ChainProgram
import Metrics
import Testing

@testable import ChainRuntime

@Suite struct ThresholdWatchTests {
  private let second: UInt64 = 1_000_000_000

  private func program(_ thresholds: [Threshold]) -> Program {
    var program = Program(chain: "t", chainDescription: "", chainHash: "")
    program.thresholds = thresholds
    return program
  }

  private func claim(_ limit: Double, over seconds: UInt64?, failures: Int = 1, aborts: Bool = false, isOfBaseline: Bool = false) -> Threshold {
    Threshold(
      text: "p50(response) < x", metric: .quantile(0.5, .response), comparison: .less, limit: limit, isOfBaseline: isOfBaseline,
      window: .init(overNanoseconds: seconds.map { $0 * second }, failures: failures, aborts: aborts), range: nowhere)
  }

  /// One second in which so many iterations took so many milliseconds.
  private func interval(_ index: Int, _ milliseconds: UInt64, count: Int = 20, isWarmUp: Bool = false) -> JournalInterval {
    var interval = JournalInterval()
    interval.startNanoseconds = UInt64(index) * second
    interval.endNanoseconds = UInt64(index + 1) * second
    interval.isWarmUp = isWarmUp
    let histogram = Histogram()
    for _ in 0..<count { histogram.record(milliseconds * 1_000_000) }
    interval.response = histogram.snapshot()
    interval.iterations.arrivals = UInt64(count)
    interval.iterations.completed = UInt64(count)
    return interval
  }

  private func run(_ thresholds: [Threshold], _ seconds: [UInt64], baseline: [String: Double] = [:]) -> (verdicts: [Int: JournalThreshold], aborts: [Int]) {
    let watch = ThresholdWatch(program: program(thresholds), baseline: baseline)
    watch.begin(at: 0)
    var aborts: [Int] = []
    for (index, milliseconds) in seconds.enumerated() where watch.note(interval(index, milliseconds), ledgers: []) != nil { aborts.append(index) }
    return (watch.verdicts(), aborts)
  }

  @Test func `a claim over windows fails in the window where it does, though the whole run would hold`() throws {
    let (verdicts, _) = run([claim(50e6, over: 2)], [10, 10, 90, 90, 10, 10, 10, 10])
    let verdict = try #require(verdicts[0])
    #expect(verdict.verdict == .fail)
    #expect(verdict.observed == "1 of 4 windows failed, the first from 2 s: 90 ms")
    #expect(verdict.text == "p50(response) < x over 2 s")
  }

  @Test func `a window that nobody could look into leaves a claim about losses undecided, unless another one breaks it`() throws {
    let program = program([
      Threshold(
        text: "count(event.made.cache.lost) == 0", metric: .count(.outcome(EventIndex(0), hop: 0, name: "lost")), comparison: .equal,
        limit: 0,
        window: .init(overNanoseconds: second, failures: 1, aborts: false), range: nowhere)
    ])
    var header = JournalStart()
    header.events = [EventInfo(name: "made", hops: [HopInfo(name: "cache")])]
    /// Events that were lost and unobserved in each second.
    func judged(_ seconds: [(lost: UInt64, unobserved: UInt64)]) -> JournalThreshold? {
      let watch = ThresholdWatch(claims: [(index: 0, threshold: program.thresholds[0], isDecidable: true)], header: header)
      watch.begin(at: 0)
      var ledger = JournalLedger(event: 0, counts: EventCounts(), hops: [HopCounts()])
      for (index, of) in seconds.enumerated() {
        ledger.counts.committed += 100
        ledger.hops[0].lost += of.lost
        ledger.hops[0].unobserved += of.unobserved
        _ = watch.note(interval(index, 10), ledgers: [ledger])
      }
      return watch.verdicts()[0]
    }
    #expect(judged([(0, 0), (0, 0)])?.verdict == .pass)
    let blind = try #require(judged([(0, 0), (0, 5), (0, 0)]))
    #expect(blind.verdict == .inconclusive && blind.observed == "1 of 3 windows could not be seen into")
    #expect(blind.detail == "the first from 1 s: 0, and 5 unobserved")
    #expect(judged([(0, 5), (2, 0), (0, 0)])?.verdict == .fail)
  }

  @Test func `windows in a row must fail`() throws {
    let alternating: [UInt64] = [90, 10, 90, 10, 90, 10]
    #expect(run([claim(50e6, over: 1, failures: 2)], alternating).verdicts[0]?.verdict == .pass)
    #expect(run([claim(50e6, over: 1, failures: 2)], [10, 90, 90, 10]).verdicts[0]?.verdict == .fail)
  }

  @Test func `a window without enough samples decides nothing and breaks no row`() throws {
    let watch = ThresholdWatch(program: program([claim(50e6, over: 1, failures: 2)]), baseline: [:])
    watch.begin(at: 0)
    for (index, count) in [(0, 20), (1, 2), (2, 20)] { _ = watch.note(interval(index, 90, count: count), ledgers: []) }
    #expect(watch.verdicts()[0]?.verdict == .fail)
    #expect(run([claim(50e6, over: 5)], [90, 90]).verdicts[0]?.observed == "no window of 5 s could decide it")
    #expect(run([claim(50e6, over: 5)], [90, 90]).verdicts[0]?.verdict == .inconclusive)
  }

  @Test func `a claim ends the load once, when its row is complete`() {
    let (verdicts, aborts) = run([claim(50e6, over: 1, failures: 3, aborts: true)], [10, 90, 90, 90, 90, 90, 90])
    #expect(aborts == [3])
    #expect(verdicts[0]?.detail == "ended the load at 4 s")
  }

  @Test func `without windows everything so far is checked each second, and the whole run decides if it never broke`() {
    #expect(run([claim(50e6, over: nil, aborts: true)], [10, 10, 90, 90, 90]).aborts == [4])
    #expect(run([claim(50e6, over: nil, aborts: true)], [10, 10, 10]).verdicts.isEmpty)
  }

  @Test func `the warm-up is in no window`() {
    let watch = ThresholdWatch(program: program([claim(50e6, over: 1, aborts: true)]), baseline: [:])
    watch.begin(at: 2 * second)
    for index in 0..<2 { #expect(watch.note(interval(index, 90, isWarmUp: true), ledgers: []) == nil) }
    #expect(watch.note(interval(2, 10), ledgers: []) == nil)
    #expect(watch.verdicts()[0]?.verdict == .pass)
  }

  @Test func `outcomes belong to the window in which they were decided`() {
    let claim = Threshold(
      text: "no loss", metric: .count(.outcome(EventIndex(0), hop: 0, name: "lost")), comparison: .equal, limit: 0,
      window: .init(overNanoseconds: second, failures: 2, aborts: false), range: nowhere)
    var program = program([claim])
    var sketch = ProgramSketch()
    _ = sketch.event("made", origin: sketch.step("insert"), hops: [("queue", "tap")])
    program.events = sketch.program.events
    let watch = ThresholdWatch(program: program, baseline: [:])
    watch.begin(at: 0)
    for (index, lost) in [UInt64(0), 3, 3, 4, 5].enumerated() {
      var counts = HopCounts()
      counts.lost = lost
      let ledger = JournalLedger(event: 0, counts: EventCounts(), hops: [counts])
      _ = watch.note(interval(index, 1), ledgers: [ledger])
    }
    // Lost per second: 0, 3, 0, 1, 1.
    #expect(watch.verdicts()[0]?.verdict == .fail)
    #expect(watch.verdicts()[0]?.observed.hasPrefix("3 of 5 windows failed, the first from 1 s") == true)
  }

  @Test func `a claim against a baseline is decided by what the baseline comes to`() {
    let against = claim(1.1, over: 1, isOfBaseline: true)
    #expect(run([against], [21], baseline: ["response.p50": 0.020]).verdicts[0]?.verdict == .pass)
    #expect(run([against], [23], baseline: ["response.p50": 0.020]).verdicts[0]?.verdict == .fail)
    #expect(run([against], [23]).verdicts[0]?.verdict == .inconclusive)
    let whole = Threshold(text: "b", metric: .quantile(0.5, .response), comparison: .less, limit: 1.1, isOfBaseline: true, range: nowhere)
    var record = RunRecord()
    record.response = interval(0, 21).response
    let verdict = ThresholdEvaluation.evaluate(program([whole]), record, baseline: ["response.p50": 0.020])[0]
    #expect(verdict.verdict == .pass && verdict.detail == "the limit is 22 ms")
  }

  @Test func `a journal cut off at any second gives the verdicts that the run itself had then`() throws {
    var sketch = ProgramSketch()
    _ = sketch.event("made", origin: sketch.step("insert"), hops: [("queue", "tap")])
    var program = program([
      claim(50e6, over: 2), claim(50e6, over: 1, failures: 2), claim(40e6, over: nil, aborts: true),
      Threshold(
        text: "no loss", metric: .count(.outcome(EventIndex(0), hop: 0, name: "lost")), comparison: .equal, limit: 0,
        window: .init(overNanoseconds: 2 * second, failures: 1, aborts: false), range: nowhere),
    ])
    program.events = sketch.program.events
    program.steps = sketch.program.steps
    var start = JournalStart()
    start.events = [EventInfo(name: "made", hops: [HopInfo(name: "queue")])]
    start.steps = [StepInfo(id: "insert", verb: "sql")]
    let times: [UInt64] = [10, 10, 30, 90, 90, 20, 60, 10, 10, 80]
    let lost: [UInt64] = [0, 0, 0, 0, 1, 1, 1, 4, 4, 4]
    for cut in 0...times.count {
      let live = ThresholdWatch(program: program, baseline: [:])
      live.begin(at: 2 * second)
      var replay = ThresholdReplay(
        claims: Dictionary(uniqueKeysWithValues: program.thresholds.enumerated().map { ($0.offset, $0.element) }), start: start)
      replay.take(.phase(JournalPhase(name: .warmUp, atNanoseconds: 0)))
      replay.take(.phase(JournalPhase(name: .load, atNanoseconds: 2 * second)))
      for index in 0..<2 {
        let warm = interval(index, 500, isWarmUp: true)
        _ = live.note(warm, ledgers: [])
        replay.take(.interval(warm))
      }
      for index in 0..<cut {
        var counts = HopCounts()
        counts.lost = lost[index]
        let ledger = JournalLedger(event: 0, counts: EventCounts(), hops: [counts])
        let interval = interval(index + 2, times[index])
        _ = live.note(interval, ledgers: [ledger])
        replay.take(.ledger(ledger))
        replay.take(.interval(interval))
      }
      #expect(replay.verdicts == live.verdicts() && replay.seconds == cut, "after \(cut) s")
      // What ends after the load has been stopped is in no window, here as there.
      replay.take(.phase(JournalPhase(name: .stopping, atNanoseconds: UInt64(cut + 2) * second)))
      replay.take(.interval(interval(cut + 2, 900)))
      #expect(replay.verdicts == live.verdicts() && replay.seconds == cut)
    }
  }

  @Test func `a run's own journal gives the verdicts over windows that the run gave`() throws {
    var sketch = ProgramSketch()
    let step = sketch.step("insert")
    let operation = sketch.operation(step)
    sketch.beginIteration()
    sketch.emit(.enterStep(step), .submit(operation), .end)
    var program = sketch.program
    program.thresholds = [
      Threshold(
        text: "count(errors) == 0", metric: .count(.errors), comparison: .equal, limit: 0,
        window: .init(overNanoseconds: second, failures: 1, aborts: false), range: nowhere),
      Threshold(
        text: "count(iterations) > 1", metric: .count(.iterations), comparison: .greater, limit: 1,
        window: .init(overNanoseconds: second, failures: 2, aborts: true), range: nowhere),
    ]
    let load = OpenLoad(rate: 50, durationNanoseconds: 3 * second, arrivals: .constant, usersMax: 10, onSaturation: .queue)
    let profile = LoadProfile(name: "short", model: .open(load), warmUpNanoseconds: 0, gracefulStopNanoseconds: second, range: nowhere)
    let outcome = try RunBench(program: program, profile: profile, script: Script { $0.number == 70 ? .fails() : .ok() }).perform()
    var replay = ThresholdReplay(
      claims: Dictionary(uniqueKeysWithValues: program.thresholds.enumerated().map { ($0.offset, $0.element) }), start: outcome.record.start)
    for moment in outcome.moments { replay.take(moment) }
    #expect(replay.verdicts == outcome.result.windowVerdicts && replay.verdicts.count == 2)
    #expect(replay.verdicts[0]?.verdict == .fail && replay.verdicts[1]?.verdict == .pass)
  }

  @Test func `a threshold ends a load that would last for minutes`() throws {
    var sketch = ProgramSketch()
    let step = sketch.step("insert")
    let operation = sketch.operation(step)
    sketch.beginIteration()
    sketch.emit(.enterStep(step), .submit(operation), .end)
    var program = sketch.program
    program.thresholds = [
      Threshold(
        text: "count(errors) == 0", metric: .count(.errors), comparison: .equal, limit: 0,
        window: .init(overNanoseconds: nil, failures: 1, aborts: true), range: nowhere)
    ]
    let load = OpenLoad(rate: 100, durationNanoseconds: 120 * second, arrivals: .constant, usersMax: 10, onSaturation: .queue)
    let profile = LoadProfile(
      name: "long", model: .open(load), warmUpNanoseconds: 0, gracefulStopNanoseconds: second, range: nowhere)
    let outcome = try RunBench(program: program, profile: profile, script: Script { $0.number == 20 ? .fails() : .ok() }).perform()
    #expect(outcome.result.abortedBy == "count(errors) == 0" && !outcome.result.isInterrupted && outcome.result.isConserved)
    #expect(outcome.record.iterations.arrivals > 20 && outcome.record.iterations.arrivals < 2_000)
    #expect(outcome.result.windowVerdicts[0]?.verdict == .fail)
  }
}
