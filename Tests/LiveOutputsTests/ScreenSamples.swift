@testable import LiveOutputs
import Metrics
import Reports

/// Made-up runs, always the same, fed to the figures as a reactor would.
enum ScreenSamples {
  static let names = ["open", "closed", "stopping", "trouble", "connecting"]
  static let second: UInt64 = 1_000_000_000
  private static let loadStart = 100 * second

  static func snapshot(_ name: String) -> ScreenSnapshot {
    switch name {
    case "open":
      {
        var snapshot = figures(start(.open), seconds: 12).snapshot
        snapshot.doubts = []
        return snapshot
      }()
    case "closed": figures(start(.closed), seconds: 5).snapshot
    case "stopping":
      {
        let figures = figures(start(.open), seconds: 12)
        figures.take(stopping())
        return figures.snapshot
      }()
    case "trouble":
      {
        var snapshot = figures(start(.open), seconds: 20, hasTrouble: true).snapshot
        snapshot.doubts = ["loop-gap", "cpu"]
        return snapshot
      }()
    default: LiveFigures(plan: plan(start(.open))).snapshot
    }
  }

  static func start(_ model: LoadModel) -> JournalStart {
    var start = JournalStart()
    start.chain = "order-flow"
    start.profile = model == .open ? "steady" : "soak"
    start.profileText =
      model == .open ? "steady: open, 100 to 200/s in 3 stages for 30s, at most 50 users" : "soak: closed, 5 users, 400 iterations in all"
    start.model = model
    start.askedArrivals = model == .open ? nil : 400
    start.askedUsers = model == .open ? 50 : 5
    start.askedNanoseconds = model == .open ? 30 * second : nil
    start.host.cpusAllowed = 2
    start.steps = [
      StepInfo(id: "insert_order", verb: "sql", method: "INSERT", connection: "db"), StepInfo(id: "announce", verb: "publish", connection: "mq"),
      StepInfo(id: "wait_for_cache", verb: "await", countsAsOperation: false),
    ]
    start.events = [
      EventInfo(name: "order_created", hops: [HopInfo(name: "queued"), HopInfo(name: "cached")])
    ]
    return start
  }

  static func plan(_ start: JournalStart) -> LivePlan {
    guard start.model == .open else { return LivePlan(start: start, stages: [], usersMax: 5) }
    let stages = [(0, 10, 100.0, 100.0), (10, 20, 100, 200), (20, 30, 200, 200)].map { from, to, low, high in
      LivePlan.Stage(fromNanoseconds: from * second, toNanoseconds: to * second, askedFrom: low, askedTo: high)
    }
    return LivePlan(start: start, stages: stages, usersMax: 50)
  }

  static func figures(_ start: JournalStart, seconds: UInt64, hasTrouble: Bool = false) -> LiveFigures {
    let figures = LiveFigures(plan: plan(start))
    for report in reports(start.model, seconds: seconds, hasTrouble: hasTrouble) { figures.take(report) }
    return figures
  }

  /// One for each second, and one between two seconds.
  static func reports(_ model: LoadModel, seconds: UInt64, hasTrouble: Bool) -> [RunProgress] {
    var reports: [RunProgress] = []
    var totals = IterationCounts()
    for number in 0..<seconds {
      let interval = interval(number, model, hasTrouble: hasTrouble)
      totals += interval.iterations
      var report = report(.load, elapsed: (number + 1) * second, totals: totals, hasTrouble: hasTrouble)
      report.interval = interval
      if hasTrouble, number % 3 == 2 {
        report.failures = [
          failure(step: 0, "timeout", "", "no answer within 2 s", count: 3), failure(step: 1, "connect", "ECONNREFUSED", "connection refused", count: 1),
        ]
      }
      reports.append(report)
    }
    // Between two seconds: counts move on, quantiles stay.
    totals.completed += 40
    totals.started += 40
    reports.append(report(.load, elapsed: seconds * second + 400_000_000, totals: totals, hasTrouble: hasTrouble))
    return reports
  }

  static func stopping() -> RunProgress {
    var totals = IterationCounts()
    totals.completed = 1_283
    totals.started = 1_290
    var report = report(.stopping, elapsed: 12_900_000_000, totals: totals, hasTrouble: false)
    report.interruptions = 1
    report.iterationsLeftNanoseconds = 26_500_000_000
    report.eventsLeftNanoseconds = 9_100_000_000
    return report
  }

  private static func report(_ phase: RunProgress.Phase, elapsed: UInt64, totals: IterationCounts, hasTrouble: Bool) -> RunProgress {
    var report = RunProgress(phase: phase)
    report.atNanoseconds = loadStart + elapsed
    report.elapsedNanoseconds = elapsed
    report.iterations = totals
    report.busyUsers = hasTrouble ? 50 : 7
    report.totalUsers = hasTrouble ? 50 : 20
    report.queuedArrivals = hasTrouble ? 31 : 0
    var queued = HopCounts()
    queued.ok = 1_000
    queued.duplicate = hasTrouble ? 2 : 0
    var cached = queued
    cached.duplicate = nil
    cached.mismatch = 0
    if hasTrouble {
      cached.late = 4
      cached.lost = 17
    }
    report.events = [
      EventProgress(
        counts: EventCounts(attempted: totals.started, committed: totals.started, rolledBack: 0, unknown: 0),
        hops: [
          HopProgress(seen: totals.started - 2, awaited: 2, counts: queued), HopProgress(seen: totals.started - 5, awaited: 5, counts: cached),
        ])
    ]
    report.pools = [
      PoolProgress(name: "db", connections: 8, busy: hasTrouble ? 8 : 2, waiting: hasTrouble ? 12 : 0, reconnects: 0, blocked: 0),
      PoolProgress(name: "mq", connections: 4, busy: 1, waiting: 0, reconnects: hasTrouble ? 3 : 0, blocked: hasTrouble ? 1 : 0),
    ]
    return report
  }

  private static func interval(_ number: UInt64, _ model: LoadModel, hasTrouble: Bool) -> JournalInterval {
    var interval = JournalInterval()
    interval.startNanoseconds = loadStart + number * second
    interval.endNanoseconds = interval.startNanoseconds + second
    let count: UInt64 = number < 10 ? 100 : 100 + 10 * (number - 10)
    interval.iterations.arrivals = count
    interval.iterations.started = count
    interval.iterations.completed = hasTrouble ? count - 4 : count
    interval.iterations.failed = hasTrouble ? 4 : 0
    interval.usersBusy = 3 + number % 5
    interval.usersTotal = 20
    let times = histogram(count: count, base: hasTrouble ? 40_000_000 : 1_400_000 + number % 4 * 300_000)
    if model == .open { interval.response = times }
    interval.service = times
    for step in 0..<3 {
      var figures = StepInterval(step: step)
      figures.count = count
      figures.failed = hasTrouble && step == 0 ? 4 : 0
      figures.service = histogram(count: count, base: UInt64(step + 1) * 130_000)
      figures.poolWait = histogram(count: step == 0 ? count : 0, base: hasTrouble ? 3_000_000 : 900)
      interval.steps.append(figures)
    }
    for hop in 0..<2 {
      var figures = HopInterval(event: 0, hop: hop)
      figures.lagLow = histogram(count: count, base: UInt64(hop + 1) * 300_000)
      figures.lagHigh = histogram(count: count, base: UInt64(hop + 1) * 300_000 + 200_000)
      interval.hops.append(figures)
    }
    interval.generator.loopLateness = histogram(count: 100, base: hasTrouble ? 2_500_000 : 60_000)
    interval.generator.longestGapNanoseconds = hasTrouble ? 410_000_000 : 11_000_000
    interval.generator.cpuNanoseconds = hasTrouble ? 1_600_000_000 : 240_000_000
    interval.generator.cpuAllowedNanoseconds = 2 * second
    interval.generator.stealNanoseconds = hasTrouble ? 60_000_000 : 0
    return interval
  }

  private static func failure(step: Int, _ errorClass: String, _ code: String, _ message: String, count: UInt64) -> JournalFailure {
    JournalFailure(
      fingerprint: ErrorFingerprint(step: step, target: "postgres", errorClass: errorClass, code: code, message: message), count: count,
      firstNanoseconds: 1, lastNanoseconds: 2, exampleNanoseconds: [])
  }

  /// Evenly spread between the base and twice the base.
  private static func histogram(count: UInt64, base: UInt64) -> HistogramSnapshot {
    let histogram = Histogram()
    for number in 0..<count { histogram.record(base + base * number / max(1, count)) }
    return histogram.snapshot()
  }
}
