import LosslessJSON
import Metrics

/// Journals of made-up runs, always the same, from which the golden files are derived.
enum SampleRuns {
  static let names = ["clean-open", "broken-closed", "crashed"]

  static func journal(_ name: String) -> [UInt8] {
    switch name {
    case "clean-open": cleanOpen()
    case "broken-closed": brokenClosed()
    default: Array(brokenClosed().dropLast(400))  // no end record, and a torn last line
    }
  }

  /// The start record of a journal.
  static func head(_ name: String) -> JournalStart { start(name == "clean-open" ? .open : .closed) }

  private static let second: UInt64 = 1_000_000_000
  private static let loadStart = 100 * second

  private static func start(_ model: LoadModel) -> JournalStart {
    var start = JournalStart()
    start.runID = "7f3a"
    start.versions = [NamedText("chainrun", "0.1.0"), NamedText("postgres", "15.14"), NamedText("redis", "7.0.15")]
    start.host.name = "box"
    start.host.kernel = "6.1.0"
    start.host.processor = "an \"old\" one"
    start.host.cpusAllowed = 2
    start.host.reactors = 2
    start.chain = "order-flow"
    start.chainFile = "chains/order-flow.chain.yaml"
    start.chainHash = "9a0c66d1"
    start.profile = model == .open ? "steady" : "soak"
    start.profileText = model == .open ? "open, 200/s constant, 4 s" : "closed, 5 users, 4 s"
    start.model = model
    start.seed = 42
    start.askedArrivalsPerSecond = model == .open ? 200 : nil
    start.askedUsers = model == .open ? nil : 5
    start.askedNanoseconds = 4 * second
    start.monotonicNanoseconds = 98 * second
    start.realtimeNanoseconds = 1_785_400_000 * second
    start.steps = [
      StepInfo(id: "insert_order", verb: "sql", method: "INSERT", connection: "db", line: 21),
      StepInfo(id: "announce", verb: "publish", connection: "mq", line: 30),
      StepInfo(id: "cached", verb: "await", line: 36, countsAsOperation: false),
      StepInfo(id: "read_back", verb: "redis", method: "GET", connection: "cache", line: 40),
    ]
    start.measures = ["order_to_cache"]
    start.events = [
      EventInfo(
        name: "order_created", originStep: 0, deadlineNanoseconds: 2 * second, settleNanoseconds: 10 * second,
        hops: [
          HopInfo(name: "queued", connection: "mq", how: "tap", target: "orders"),
          HopInfo(name: "cached", connection: "cache", how: "tracking", target: "order:*"),
        ])
    ]
    start.checks = [CheckInfo(step: 0, text: "affected == 1", line: 26), CheckInfo(step: 3, text: "reply == amount", line: 43)]
    start.thresholds = ["p99(step.insert_order) < 20ms", "count(event.order_created.lost) == 0"]
    if model == .closed {
      start.alerts = [
        AlertInfo(
          name: "cache lags", condition: "p95(event.order_created.cached) > 500ms", overNanoseconds: 10 * second, firesAfter: 3,
          actions: ["command", "webhook"]),
        AlertInfo(name: "errors <1 %>", condition: "rate(errors) > 1%", overNanoseconds: 2 * second, firesAfter: 1, actions: ["command"]),
        AlertInfo(name: "stock", condition: "p99(step.read_back) > 1ms", overNanoseconds: second, firesAfter: 1, actions: ["command"]),
        AlertInfo(name: "pool", condition: "mean(pool.db.utilisation) > 95%", overNanoseconds: 5 * second, firesAfter: 1, actions: ["command"]),
      ]
    }
    return start
  }

  /// `count` values around `center`, the last one in a hundred ten times as long.
  private static func spread(_ center: UInt64, _ count: Int, _ salt: Int) -> HistogramSnapshot {
    let histogram = Histogram()
    for index in 0..<count {
      let step = UInt64((index * 37 + (salt + 1) * 11) % 100)
      histogram.record(step == 99 ? center * 10 : center / 2 + center * step / 100)
    }
    return histogram.snapshot()
  }

  private static func interval(_ index: Int, arrivals: Int, model: LoadModel, failed: Int = 0, isWarmUp: Bool = false) -> JournalInterval {
    var interval = JournalInterval()
    interval.startNanoseconds = UInt64(Int(loadStart / second) + index) * second
    interval.endNanoseconds = interval.startNanoseconds + second
    interval.isWarmUp = isWarmUp
    interval.iterations.arrivals = UInt64(arrivals)
    interval.iterations.started = UInt64(arrivals)
    interval.iterations.completed = UInt64(arrivals - failed)
    interval.iterations.failed = UInt64(failed)
    interval.usersBusy = 2
    interval.usersTotal = 5
    if model == .open {
      interval.response = spread(3_500_000, arrivals, index)
      interval.startDelay = spread(40_000, arrivals, index)
    }
    interval.service = spread(3_400_000, arrivals, index)
    for (step, center) in [(0, 1_200_000), (1, 210_000), (2, 1_700_000), (3, 51_000)] as [(Int, UInt64)] {
      var row = StepInterval(step: step)
      row.count = UInt64(step == 3 ? arrivals - failed : arrivals)
      row.failed = UInt64(step == 0 ? failed : 0)
      row.unknown = step == 1 && failed > 0 ? 1 : 0
      row.skipped = UInt64(step == 3 ? failed : 0)
      row.responseBytes = row.count * 24
      row.service = spread(center, Int(row.count), index + step)
      if step == 0 { row.poolWait = spread(model == .open ? 900 : 700_000, arrivals, index) }
      interval.steps.append(row)
    }
    interval.measures = [MeasureInterval(measure: 0, values: spread(1_900_000, arrivals, index))]
    for (hop, center) in [(0, 900_000), (1, 1_800_000)] as [(Int, UInt64)] {
      var row = HopInterval(event: 0, hop: hop)
      let seen = hop == 1 ? arrivals - failed : arrivals
      row.lagLow = spread(center, seen, index)
      row.lagHigh = spread(center + 40_000 + UInt64(hop) * 400_000, seen, index)
      row.width = spread(40_000 + UInt64(hop) * 400_000, seen, index)
      row.visibleBeforeAck = hop == 0 ? 1 : 0
      interval.hops.append(row)
    }
    interval.checks = [
      CheckInterval(check: 0, passed: UInt64(arrivals - failed), failed: UInt64(failed)),
      CheckInterval(check: 1, passed: UInt64(arrivals - failed), failed: 0),
    ]
    interval.generator.loopLateness = spread(60_000, 100, index)
    interval.generator.longestGapNanoseconds = 4_100_000
    interval.generator.cpuNanoseconds = second / 4
    interval.generator.cpuAllowedNanoseconds = 2 * second
    interval.probes = ProbeCounts(operations: 12, targetOperations: UInt64(arrivals) * 3)
    return interval
  }

  private static func row(_ number: Int, hop: Int, _ outcome: EventOutcome, _ anomalies: [EventAnomaly] = []) -> JournalEventRow {
    let sent = loadStart + UInt64(number) * 5_000_000
    return JournalEventRow(
      event: 0, hop: hop, id: String(1_000 + number), key: number % 2 == 0 ? "customer \(number), \"x\"" : nil,
      version: number % 2 == 0 ? "1" : nil, sentNanoseconds: sent, ackedNanoseconds: sent + 1_200_000,
      lowNanoseconds: sent + 1_900_000, highNanoseconds: outcome == .lost ? nil : sent + 2_000_000, outcome: outcome, anomalies: anomalies)
  }

  private static func cleanOpen() -> [UInt8] {
    var json = JSONWriter()
    start(.open).write(to: &json)
    JournalPhase(name: .setup, atNanoseconds: loadStart - 2 * second).write(to: &json)
    JournalPhase(name: .warmUp, atNanoseconds: loadStart - second).write(to: &json)
    interval(-1, arrivals: 50, model: .open, isWarmUp: true).write(to: &json)
    JournalPhase(name: .load, atNanoseconds: loadStart).write(to: &json)
    for index in 0..<4 { interval(index, arrivals: 200, model: .open).write(to: &json) }
    JournalPhase(name: .settle, atNanoseconds: loadStart + 4 * second).write(to: &json)
    for number in 0..<6 {
      row(number, hop: 0, .ok).write(to: &json)
      row(number, hop: 1, .ok).write(to: &json)
    }
    var hop = HopCounts()
    hop.ok = 800
    hop.duplicate = 0
    hop.mismatch = 0
    JournalLedger(event: 0, counts: EventCounts(attempted: 800, committed: 800), hops: [hop, hop]).write(to: &json)
    JournalThreshold(text: "p99(step.insert_order) < 20ms", verdict: .pass, observed: "12.0 ms").write(to: &json)
    JournalThreshold(text: "count(event.order_created.lost) == 0", verdict: .pass, observed: "0").write(to: &json)
    JournalEnd(atNanoseconds: loadStart + 5 * second, exitCode: 0).write(to: &json)
    return json.bytes
  }

  /// One that was resolved and could be told half of the time, one that still fired, one that was blind, and one that was quiet.
  private static func alerts(_ json: inout JSONWriter) {
    JournalAlert(alert: 0, state: .firing, atNanoseconds: loadStart + second, value: 0.61, limit: 0.5, observed: "610 ms–640 ms").write(to: &json)
    JournalAlertAction(
      alert: 0, action: "command", state: .firing, outcome: .ok, atNanoseconds: loadStart + second + 40_000_000, tookNanoseconds: 40_000_000
    ).write(to: &json)
    JournalAlertAction(
      alert: 0, action: "webhook", state: .firing, outcome: .failed, atNanoseconds: loadStart + second + 900_000_000,
      tookNanoseconds: 900_000_000, reason: "status 500"
    ).write(to: &json)
    JournalAlert(alert: 0, state: .firing, atNanoseconds: loadStart + 2 * second, repetition: 1, value: 0.7, limit: 0.5, observed: "700 ms–720 ms")
      .write(to: &json)
    JournalAlertAction(
      alert: 0, action: "webhook", state: .firing, outcome: .lost, atNanoseconds: loadStart + 2 * second, tookNanoseconds: 0,
      reason: "too many actions were waiting"
    ).write(to: &json)
    JournalAlert(alert: 0, state: .resolved, atNanoseconds: loadStart + 3 * second, value: 0.1, limit: 0.5, observed: "100 ms–120 ms").write(to: &json)
    JournalAlert(alert: 1, state: .firing, atNanoseconds: loadStart + 2 * second, value: 0.033, limit: 0.01, observed: "3.3 %").write(to: &json)
    JournalAlert(alert: 1, state: .ended, atNanoseconds: loadStart + 4 * second, value: 0.05, limit: 0.01, observed: "5 %").write(to: &json)
    JournalAlertTally(alert: 0, decided: 3, undecided: 1, reason: "610 ms–640 ms, with the limit between the bounds").write(to: &json)
    JournalAlertTally(alert: 1, decided: 4).write(to: &json)
    JournalAlertTally(alert: 2, undecided: 4, reason: "not estimable (30 of 368 samples)").write(to: &json)
    JournalAlertTally(alert: 3, decided: 3, missed: 1).write(to: &json)
  }

  private static func brokenClosed() -> [UInt8] {
    var json = JSONWriter()
    start(.closed).write(to: &json)
    JournalPhase(name: .load, atNanoseconds: loadStart).write(to: &json)
    for index in 0..<4 { interval(index, arrivals: 30, model: .closed, failed: index).write(to: &json) }
    JournalFailure(
      fingerprint: ErrorFingerprint(
        step: 0, target: "postgres", errorClass: "constraint", code: "23505",
        message: "duplicate key value violates unique constraint \"orders_pkey\", key (id)=(4711)"),
      count: 5, firstNanoseconds: loadStart + second + 250_000_000, lastNanoseconds: loadStart + 3 * second + 900_000_000,
      exampleNanoseconds: [loadStart + second + 250_000_000]
    ).write(to: &json)
    JournalFailure(
      fingerprint: ErrorFingerprint(step: 1, target: "rabbitmq", errorClass: "timeout", code: "", message: "no confirm within 2000 ms"),
      atNanoseconds: loadStart + 2 * second + 100_000_000
    ).write(to: &json)
    JournalFailure(
      fingerprint: ErrorFingerprint(
        step: nil, target: "redis", errorClass: "closed", code: "ECONNRESET", message: "connection to 127.0.0.1:6379 lost"),
      atNanoseconds: loadStart + 2 * second
    ).write(to: &json)
    for number in 0..<4 {
      row(number, hop: 0, .ok, number == 2 ? [.duplicate, .reordered] : []).write(to: &json)
      row(number, hop: 1, number == 3 ? .lost : number == 1 ? .late : .ok).write(to: &json)
    }
    for number in 4..<16 { row(number, hop: 1, .unobserved).write(to: &json) }
    JournalGap(
      event: 0, hop: 1, connection: "cache", fromNanoseconds: loadStart + 2 * second, toNanoseconds: loadStart + 2 * second + 350_000_000,
      reason: "connection lost"
    ).write(to: &json)
    var queued = HopCounts()
    queued.ok = 114
    queued.duplicate = 1
    queued.reordered = 1
    var cached = HopCounts()
    cached.ok = 100
    cached.late = 1
    cached.lost = 1
    cached.unobserved = 12
    JournalLedger(event: 0, counts: EventCounts(attempted: 120, committed: 114, rolledBack: 5, unknown: 1), hops: [queued, cached]).write(
      to: &json)
    alerts(&json)
    JournalValidity(
      verdict: .degraded, name: "loop-late", fromNanoseconds: loadStart + second, toNanoseconds: loadStart + 3 * second,
      detail: "the p99 of the loop's lateness was 3.2 ms, and 2 ms is the limit"
    ).write(to: &json)
    JournalThreshold(text: "p99(step.insert_order) < 20ms", verdict: .inconclusive, observed: "not estimable", detail: "120 of 368 samples")
      .write(to: &json)
    JournalThreshold(text: "count(event.order_created.lost) == 0", verdict: .fail, observed: "1").write(to: &json)
    JournalEnd(atNanoseconds: loadStart + 15 * second, exitCode: 4).write(to: &json)
    return json.bytes
  }
}
