import ChainProgram
import Metrics
import Synchronization
import Testing

@testable import ChainRuntime

/// When an alert fires and is resolved: by hand, on made-up seconds, and on a whole run in virtual time.
@Suite struct AlertTests {
  // The switch

  /// `+` holds, `-` does not, `?` is undecided: a judgement a second. What it says: `F` fires, `R` is resolved, `*` told again, `.` nothing.
  private func told(_ judgements: String, fires: Int = 1, resolves: Int = 1, every: UInt64? = nil) -> String {
    var state = AlertSwitch(firesAfter: fires, resolvesAfter: resolves, everyNanoseconds: every.map { $0 * seconds })
    return String(
      judgements.enumerated().map { index, judgement -> Character in
        let judged: AlertSwitch.Judgement = judgement == "+" ? .holds : judgement == "-" ? .doesNot : .undecided
        switch state.judged(judged, at: UInt64(index + 1) * seconds) {
        case .fired: return "F"
        case .repeated: return "*"
        case .resolved: return "R"
        case nil: return "."
        }
      })
  }

  @Test func `an alert fires once when it begins to hold, and is resolved once when it ceases to`() {
    #expect(told("--+++++--++-") == "..F....R.F.R")
  }

  @Test func `a row of seconds is needed to fire and another one to be resolved, and one that breaks it begins it anew`() {
    #expect(told("++-+++++--+---", fires: 3, resolves: 3) == ".....F.......R")
    #expect(told("+-+-+-+-", fires: 2, resolves: 1) == "........")
    #expect(told("+-+-+--+", fires: 1, resolves: 2) == "F.....RF")
  }

  @Test func `a second that nothing can decide neither fires, nor resolves, nor breaks a row`() {
    #expect(told("????????") == "........")
    #expect(told("+?+?+", fires: 3) == "....F")
    #expect(told("+????-?-", resolves: 2) == "F......R")
  }

  @Test func `it is told again only where it was asked for, and only while it goes on holding`() {
    #expect(told("+++++++++") == "F........")
    #expect(told("+++++++++", every: 3) == "F..*..*..")
    #expect(told("+-+?+++", resolves: 3, every: 2) == "F.*.*.*")
    #expect(told("++++-+++++", every: 4) == "F...RF...*")
  }

  // The watch

  private func program(_ alerts: [AlertDeclaration]) -> Program {
    var sketch = ProgramSketch()
    _ = sketch.event("made", origin: sketch.step("insert"), hops: [("queue", "tap")])
    var program = sketch.program
    program.alerts = alerts
    return program
  }

  private func alert(
    _ metric: AlertMetric, _ comparison: Comparison, _ limit: Double, over: UInt64 = 1, fires: Int = 1, resolves: Int = 1,
    every: UInt64? = nil, isOfBaseline: Bool = false
  ) -> AlertDeclaration {
    AlertDeclaration(
      name: "slow", condition: AlertCondition(text: "c", metric: metric, comparison: comparison, limit: limit, isOfBaseline: isOfBaseline),
      overNanoseconds: over * seconds, firesAfter: fires, resolvesAfter: resolves, everyNanoseconds: every.map { $0 * seconds }, range: nowhere)
  }

  private func alert(
    _ metric: AlertMetric, _ limit: Double, over: UInt64 = 1, fires: Int = 1, resolves: Int = 1, every: UInt64? = nil, isOfBaseline: Bool = false
  ) -> AlertDeclaration {
    alert(metric, .greater, limit, over: over, fires: fires, resolves: resolves, every: every, isOfBaseline: isOfBaseline)
  }

  private func report(_ second: Int, isWarmUp: Bool = false, _ change: (inout JournalInterval) -> Void) -> RunProgress {
    var interval = JournalInterval()
    interval.startNanoseconds = UInt64(second) * seconds
    interval.endNanoseconds = UInt64(second + 1) * seconds
    interval.isWarmUp = isWarmUp
    change(&interval)
    var report = RunProgress(phase: .load)
    report.atNanoseconds = interval.endNanoseconds
    report.interval = interval
    return report
  }

  private func times(_ milliseconds: UInt64, _ count: Int = 20) -> HistogramSnapshot {
    let histogram = Histogram()
    for _ in 0..<count { histogram.record(milliseconds * 1_000_000) }
    return histogram.snapshot()
  }

  /// Iterations of so many milliseconds, second by second.
  private func responses(_ milliseconds: [UInt64], count: Int = 20) -> [RunProgress] {
    milliseconds.enumerated().map { second, time in
      report(second) { interval in
        interval.response = times(time, count)
        interval.iterations.arrivals = UInt64(count)
        interval.iterations.completed = UInt64(count)
      }
    }
  }

  /// `firing@3`: state and second.
  private func changes(_ alerts: [AlertDeclaration], _ reports: [RunProgress], baseline: [String: Double] = [:]) -> [String] {
    let watch = AlertWatch(program: program(alerts), baseline: baseline)
    return reports.flatMap { watch.note($0) }.map { "\($0.state.rawValue)@\($0.atNanoseconds / seconds)" }
  }

  private let median = AlertMetric.measured(.quantile(0.5, .response))

  @Test func `the window slides: it fires in the second that tips it, and not at the end of a block`() {
    let slow = alert(median, 50e6, over: 4)
    // Of four seconds more than two must be slow.
    #expect(changes([slow], responses([10, 10, 10, 10, 10, 90, 90, 90, 90, 10, 10, 10, 10])) == ["firing@8", "resolved@11"])
  }

  @Test func `what is told has the value, the limit and the text of what was observed`() throws {
    let watch = AlertWatch(program: program([alert(median, 50e6)]), baseline: [:])
    let fired = try #require(responses([10, 90]).flatMap { watch.note($0) }.first)
    #expect(fired.state == .firing && fired.limit == 0.05 && fired.observed == "90 ms" && fired.repetition == 0)
    let value = try #require(fired.value)
    #expect(abs(value - 0.09) < 0.001)
  }

  @Test func `too few samples decide nothing, and the tally says so`() throws {
    let watch = AlertWatch(program: program([alert(median, 50e6)]), baseline: [:])
    #expect(responses([90, 90, 90], count: 3).flatMap { watch.note($0) }.isEmpty)
    let tally = watch.tallies(missed: 2)[0]
    #expect(tally.decided == 0 && tally.undecided == 3 && tally.missed == 2)
    #expect(tally.reason == "not estimable (3 of 6 samples)")
    // A window of three seconds has nine.
    #expect(changes([alert(median, 50e6, over: 3)], responses([90, 90, 90], count: 3)) == ["firing@2"])
  }

  private func lags(_ low: UInt64, _ high: UInt64) -> (Int) -> RunProgress {
    { second in
      self.report(second) { interval in
        var hop = HopInterval(event: 0, hop: 0)
        hop.lagLow = self.times(low)
        hop.lagHigh = self.times(high)
        hop.width = self.times(high - low)
        interval.hops = [hop]
      }
    }
  }

  @Test func `a limit between the bounds of a lag decides nothing in either state`() throws {
    let lag = alert(.measured(.quantile(0.5, .lag(EventIndex(0), hop: 0))), 100e6)
    let spans: [(UInt64, UInt64)] = [(10, 20), (90, 120), (150, 160), (90, 120), (90, 120), (10, 20)]
    let reports = spans.enumerated().map { lags($0.element.0, $0.element.1)($0.offset) }
    #expect(changes([lag], reports) == ["firing@3", "resolved@6"])
    let watch = AlertWatch(program: program([lag]), baseline: [:])
    for report in reports { _ = watch.note(report) }
    let tally = watch.tallies(missed: 0)[0]
    #expect(tally.decided == 3 && tally.undecided == 3)
    #expect(tally.reason == "90 ms–120 ms, with the limit between the bounds")
  }

  @Test func `an alert that still fires when the load ends is told as such, once, and nothing is judged afterwards`() {
    let watch = AlertWatch(program: program([alert(median, 50e6), alert(median, .less, 1e6)]), baseline: [:])
    let fired = responses([90, 90]).flatMap { watch.note($0) }
    #expect(fired.map(\.state) == [.firing])
    var settling = RunProgress(phase: .settling)
    settling.atNanoseconds = 5 * seconds
    settling.interval = responses([90])[0].interval
    #expect(watch.note(settling).map(\.state) == [.ended])
    #expect(watch.note(settling).isEmpty && watch.end(at: 6 * seconds).isEmpty)
    #expect(watch.tallies(missed: 0).map(\.decided) == [2, 2])
  }

  @Test func `the warm-up fires nothing and is in no window`() {
    let reports = (0..<3).map { second in
      report(second, isWarmUp: second < 2) { interval in
        interval.response = times(90)
        interval.iterations.errorsOnly(20)
      }
    }
    #expect(changes([alert(median, 50e6)], reports) == ["firing@3"])
    #expect(changes([alert(.measured(.count(.errors)), 15, over: 3)], reports) == ["firing@3"])
    #expect(changes([alert(.measured(.count(.errors)), 30, over: 3)], reports) == [])
  }

  @Test func `half a window says what is above a limit, and not what is below`() {
    let reports = (0..<6).map { second in report(second) { $0.iterations.completed = 10 } }
    #expect(changes([alert(.measured(.count(.iterations)), .less, 35, over: 4)], reports) == [])
    #expect(changes([alert(.measured(.count(.iterations)), .less, 45, over: 4)], reports) == ["firing@4"])
    #expect(changes([alert(.measured(.count(.iterations)), .greater, 25, over: 4)], reports) == ["firing@3"])
  }

  @Test func `an outcome counts in the window in which it was decided`() {
    let lost = [UInt64(0), 0, 3, 3, 3, 3, 4].enumerated().map { second, lost in
      var report = report(second) { _ in }
      var counts = HopCounts()
      counts.lost = lost
      report.events = [EventProgress(counts: EventCounts(attempted: 10, committed: 10), hops: [HopProgress(seen: 0, awaited: 0, counts: counts)])]
      return report
    }
    let metric = AlertMetric.measured(.count(.outcome(EventIndex(0), hop: 0, name: "lost")))
    #expect(changes([alert(metric, 0, over: 2)], lost) == ["firing@3", "resolved@5", "firing@7"])
  }

  @Test func `violations of a session guarantee count in their window, by number and by how long they lasted`() {
    let account: [(violated: UInt64, held: UInt64, age: UInt64?)] = [(0, 10, nil), (2, 18, 40), (2, 28, nil)]
    let reports = account.enumerated().map { second, so in
      var counts = HopCounts()
      counts[.readYourWrites] = GuaranteeCounts(violated: so.violated, held: so.held)
      var report = report(second) { interval in
        var hop = HopInterval(event: 0, hop: 0)
        if let age = so.age {
          var ages = ViolationAges()
          ages.low = times(age, 2)
          ages.high = times(age + 5, 2)
          hop.ages[.readYourWrites] = ages
        }
        interval.hops = [hop]
      }
      report.events = [EventProgress(counts: EventCounts(), hops: [HopProgress(seen: 0, awaited: 0, counts: counts)])]
      return report
    }
    let number = AlertMetric.measured(.count(.violations(EventIndex(0), hop: 0, .readYourWrites)))
    #expect(changes([alert(number, 0)], reports) == ["firing@2", "resolved@3"])
    let longest = AlertMetric.measured(.maximum(.violation(EventIndex(0), hop: 0, .readYourWrites)))
    #expect(changes([alert(longest, 30e6)], reports) == ["firing@2", "resolved@3"])
    #expect(changes([alert(longest, 42e6)], reports) == [], "the limit lies between the bounds")
  }

  @Test func `dropped arrivals do not keep an alert on times from firing`() {
    let reports = (0..<2).map { second in
      report(second) { interval in
        interval.response = times(90)
        interval.iterations.arrivals = 25
        interval.iterations.completed = 20
        interval.iterations.dropped = 5
      }
    }
    #expect(changes([alert(median, 50e6)], reports) == ["firing@1"])
    #expect(changes([alert(.measured(.rate(.dropped)), 0.1)], reports) == ["firing@1"])
  }

  @Test func `figures of the generator and of pools are taken second by second`() {
    let busy: [UInt64] = [1, 1, 9, 9, 1]
    let reports = busy.enumerated().map { second, tenths in
      report(second) { interval in
        interval.generator.cpuNanoseconds = tenths * seconds / 10
        interval.generator.cpuAllowedNanoseconds = seconds
        var pool = PoolInterval(connection: 0, size: 2)
        pool.busyNanoseconds = tenths * seconds / 5
        pool.waits = tenths
        interval.pools = [pool]
      }
    }
    #expect(changes([alert(.figure(.last, .generator(.cpu)), 0.5)], reports) == ["firing@3", "resolved@5"])
    #expect(changes([alert(.figure(.max, .pool(ConnectionIndex(0), .utilisation)), 0.5, over: 2)], reports) == ["firing@3"])
    #expect(changes([alert(.figure(.mean, .pool(ConnectionIndex(0), .utilisation)), 0.4, over: 2)], reports) == ["firing@3"])
    #expect(changes([alert(.figure(.count, .pool(ConnectionIndex(0), .waits)), 11, over: 3)], reports) == ["firing@4"])
    let watch = AlertWatch(program: program([alert(.figure(.max, .pool(ConnectionIndex(0), .inFlight)), 1)]), baseline: [:])
    for report in reports { #expect(watch.note(report).isEmpty) }
    #expect(watch.tallies(missed: 0)[0].reason == "the connection tells nothing of it")
  }

  @Test func `a condition against a baseline is decided by what the baseline comes to`() {
    let slow = alert(median, 1.5, isOfBaseline: true)
    #expect(changes([slow], responses([29, 31]), baseline: ["response.p50": 0.020]) == ["firing@2"])
    #expect(changes([slow], responses([29, 31])) == [])
  }

  /// Whoever is told 'firing' is told its end; and nothing is told twice.
  @Test func `whatever the seconds bring, firing and the end take turns`() {
    var random = SplitMix(state: 11)
    for _ in 0..<200 {
      let times = (0..<60).map { _ in UInt64(random.next() % 3) * 40 + 10 }
      let fires = Int(random.next() % 4) + 1
      let slow = alert(median, 50e6, over: random.next() % 5 + 1, fires: fires, resolves: Int(random.next() % 4) + 1)
      let states = changes([slow], responses(times)).map { $0.prefix { $0 != "@" } }
      #expect(states.enumerated().allSatisfy { $0.element == ($0.offset % 2 == 0 ? "firing" : "resolved") }, "\(times) \(states)")
    }
  }

  // A run

  /// A step that takes 5 ms, and 80 ms from second 3 to second 6: virtual time, so the truth is exact.
  @Test func `a step that is slow from second 3 to 6 fires within a second of its begin, and is resolved within a second of its end`() throws {
    var sketch = ProgramSketch()
    sketch.beginIteration()
    sketch.call("work", timeout: 60 * seconds)
    sketch.emit(.end)
    var program = sketch.program
    program.alerts = [
      AlertDeclaration(
        name: "slow",
        condition: AlertCondition(text: "p50(step.work) > 50ms", metric: .measured(.quantile(0.5, .step(StepIndex(0)))), comparison: .greater, limit: 50e6),
        overNanoseconds: seconds, range: nowhere)
    ]
    let script = Script()
    script.isRecording = false
    var begin: UInt64?
    script.reply = { request in
      begin = begin ?? request.at
      let since = request.at - (begin ?? 0)
      return .ok(after: since >= 3 * seconds && since < 6 * seconds ? 80 * milliseconds : 5 * milliseconds)
    }
    let load = LoadProfile(
      name: "virtual",
      model: .open(OpenLoad(rate: 100, durationNanoseconds: 10 * seconds, arrivals: .constant, usersMax: 50, onSaturation: .queue)),
      warmUpNanoseconds: 0, gracefulStopNanoseconds: 60 * seconds, range: nowhere)
    let watched = Watched(AlertWatch(program: program, baseline: [:]))
    let (result, record) = try VirtualRun(
      program: program, profile: load, connector: ScriptedConnector(script: script), onProgress: { watched.take($0) }
    ).perform()
    #expect(result.isConserved)
    let changes = watched.changes
    #expect(changes.map(\.state) == [.firing, .resolved])
    let at = changes.map { record.seconds(at: $0.atNanoseconds) }
    #expect(at.count == 2 && at[0] > 3 && at[0] <= 4.1 && at[1] > 6 && at[1] <= 7.1, "\(at)")
  }

  /// `@unchecked Sendable`: the virtual run calls it on the test's own thread only.
  private final class Watched: @unchecked Sendable {
    private let watch: AlertWatch
    private(set) var changes: [JournalAlert] = []
    init(_ watch: AlertWatch) { self.watch = watch }
    func take(_ report: RunProgress) { changes += watch.note(report) }
  }
}

extension IterationCounts {
  fileprivate mutating func errorsOnly(_ count: UInt64) {
    arrivals = count
    failed = count
  }
}
