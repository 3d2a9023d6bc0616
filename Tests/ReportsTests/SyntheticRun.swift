import LosslessJSON
import Metrics

/// Builds journals of made-up runs of any length, for tests that know the truth because they wrote it.
struct SyntheticRun {
  static let second: UInt64 = 1_000_000_000
  static let loadStart = 100 * second

  var start = JournalStart()
  private var json = JSONWriter()
  private var body: [(inout JSONWriter) -> Void] = []

  init(steps: Int, model: LoadModel = .open, rate: Double? = 200) {
    start.runID = "synthetic"
    start.versions = [NamedText("chainrun", "0.1.0")]
    start.chain = "synthetic"
    start.profileText = "steady: made up"
    start.model = model
    start.seed = 1
    start.askedArrivalsPerSecond = rate
    start.monotonicNanoseconds = SyntheticRun.loadStart
    start.realtimeNanoseconds = 1_785_400_000 * SyntheticRun.second
    start.host.cpusAllowed = 2
    start.host.reactors = 1
    start.steps = (0..<steps).map { StepInfo(id: "step_\($0)", verb: "sql", method: "SELECT", connection: "db", line: 10 + $0) }
  }

  mutating func add(_ record: some JournalRecord) { body.append { record.write(to: &$0) } }

  static func instant(_ seconds: Double) -> UInt64 { loadStart + UInt64(seconds * 1e9) }

  /// One second in which every step ran `count` times, about as long as `center` says.
  static func interval(_ index: Int, steps: Int, count: Int, center: UInt64 = 2_000_000, failed: [Int: UInt64] = [:]) -> JournalInterval {
    var interval = JournalInterval()
    interval.startNanoseconds = loadStart + UInt64(index) * second
    interval.endNanoseconds = interval.startNanoseconds + second
    let bad = failed.values.reduce(0, +)
    interval.iterations.arrivals = UInt64(count)
    interval.iterations.started = UInt64(count)
    interval.iterations.failed = min(UInt64(count), bad)
    interval.iterations.completed = UInt64(count) - interval.iterations.failed
    interval.usersBusy = 3
    interval.usersTotal = 10
    interval.response = spread(center * UInt64(steps), count, index)
    interval.service = spread(center * UInt64(steps) * 9 / 10, count, index)
    for step in 0..<steps {
      var row = StepInterval(step: step)
      row.count = UInt64(count)
      row.failed = failed[step] ?? 0
      row.service = spread(center, count - Int(row.failed), index + step)
      row.poolWait = spread(20_000, count, index + step)
      interval.steps.append(row)
    }
    interval.generator.loopLateness = spread(60_000, 100, index)
    return interval
  }

  static func spread(_ center: UInt64, _ count: Int, _ salt: Int) -> HistogramSnapshot {
    let histogram = Histogram(digits: 2)
    for index in 0..<max(0, count) {
      let step = UInt64((index * 37 + (salt + 1) * 11) % 100)
      histogram.record(step == 99 ? center * 10 : center / 2 + center * step / 100)
    }
    return histogram.snapshot()
  }

  static func failure(step: Int?, _ message: String, at seconds: Double, count: UInt64 = 1) -> JournalFailure {
    JournalFailure(
      fingerprint: ErrorFingerprint(step: step, target: "postgres", errorClass: "failed", code: "XX000", maskedMessage: message), count: count,
      firstNanoseconds: instant(seconds), lastNanoseconds: instant(seconds), exampleNanoseconds: [instant(seconds)])
  }

  /// - Parameter exitCode: nil leaves the end record out.
  func journal(exitCode: Int? = 0, lasting seconds: Int) -> [UInt8] {
    var json = JSONWriter()
    start.write(to: &json)
    JournalPhase(name: .load, atNanoseconds: SyntheticRun.loadStart).write(to: &json)
    for write in body { write(&json) }
    if let exitCode {
      JournalPhase(name: .settle, atNanoseconds: SyntheticRun.instant(Double(seconds))).write(to: &json)
      JournalEnd(atNanoseconds: SyntheticRun.instant(Double(seconds) + 1), exitCode: exitCode).write(to: &json)
    }
    return json.bytes
  }

  func record(exitCode: Int? = 0, lasting seconds: Int) throws -> RunRecord {
    try JournalReader.read(bytes: journal(exitCode: exitCode, lasting: seconds))
  }

  /// Half an hour with twenty steps, failures, gaps and doubtful spans: what the page's size is measured with.
  static func halfAnHour() throws -> RunRecord {
    var run = SyntheticRun(steps: 20)
    run.start.events = [
      EventInfo(
        name: "order_created", originStep: 0, deadlineNanoseconds: second, settleNanoseconds: 10 * second,
        hops: [HopInfo(name: "queued", connection: "mq", how: "tap", target: "orders"), HopInfo(name: "cached", connection: "cache", how: "tracking", target: "order:*")])
    ]
    // Fourteen different seconds, again and again: making histograms is what takes the time.
    let samples = (0..<14).map { index in
      var interval = interval(index, steps: 20, count: 100, center: 1_000_000 + UInt64(index) * 80_000, failed: index % 7 == 0 ? [3: 2] : [:])
      for hop in 0..<2 {
        var row = HopInterval(event: 0, hop: hop)
        row.lagLow = spread(900_000, 100, index)
        row.lagHigh = spread(1_400_000, 100, index)
        row.width = spread(500_000, 100, index)
        interval.hops.append(row)
      }
      return interval
    }
    for index in 0..<1_800 {
      var interval = samples[index % 14]
      interval.startNanoseconds = loadStart + UInt64(index) * second
      interval.endNanoseconds = interval.startNanoseconds + second
      run.add(interval)
      if index % 7 == 0 {
        for kind in 0..<12 { run.add(failure(step: 3, "message of kind \(kind), long enough to be like those that servers send us", at: Double(index) + 0.5)) }
      }
      if index % 300 == 150 {
        run.add(JournalGap(event: 0, hop: 1, connection: "cache", fromNanoseconds: instant(Double(index)), toNanoseconds: instant(Double(index) + 4), reason: "connection lost"))
        run.add(
          JournalValidity(
            verdict: .degraded, name: "loop-late", fromNanoseconds: instant(Double(index)), toNanoseconds: instant(Double(index) + 9), detail: "late"))
      }
    }
    for number in 0..<400 {
      run.add(
        JournalEventRow(event: 0, hop: 1, id: "order-\(1_000_000 + number)", lowNanoseconds: 1, highNanoseconds: nil, outcome: .lost, anomalies: []))
    }
    return try run.record(lasting: 1_800)
  }
}
