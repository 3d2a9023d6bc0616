import ChainProgram
import Metrics
import Testing

@testable import ChainRuntime

/// The values as a snapshot.
private func histogram(_ values: [UInt64]) -> HistogramSnapshot {
  let histogram = Histogram()
  for value in values { histogram.record(value) }
  return histogram.snapshot()
}

@Suite struct ThresholdTests {
  private func record(_ change: (inout RunRecord) -> Void = { _ in }) -> RunRecord {
    var record = RunRecord()
    record.steps = [StepRecord(info: StepInfo(id: "insert", verb: "sql")), StepRecord(info: StepInfo(id: "get", verb: "redis"))]
    record.events = [EventRecord(info: EventInfo(name: "made", hops: [HopInfo(name: "queue"), HopInfo(name: "cache")]))]
    record.checks = [CheckRecord(info: CheckInfo(step: 0, text: "x"))]
    record.iterations.arrivals = 1000
    record.iterations.completed = 1000
    change(&record)
    return record
  }

  private func verdict(_ metric: Threshold.Metric, _ comparison: Comparison, _ limit: Double, _ record: RunRecord) -> JournalThreshold {
    var program = Program(chain: "t", chainDescription: "", chainHash: "")
    program.thresholds = [Threshold(text: "the threshold", metric: metric, comparison: comparison, limit: limit, range: nowhere)]
    return ThresholdEvaluation.evaluate(program, record)[0]
  }

  /// 1 to 1000 ms.
  private let ramp = histogram((1...1000).map { $0 * milliseconds })

  @Test func `a quantile passes below its limit and fails at it`() {
    let record = record { $0.response = ramp }
    // p99 of 1…1000 ms is 990 ms, to 0.1 %.
    #expect(verdict(.quantile(0.99, .response), .less, 992e6, record).verdict == .pass)
    #expect(verdict(.quantile(0.99, .response), .less, 989e6, record).verdict == .fail)
    #expect(verdict(.quantile(0.99, .response), .less, 992e6, record).text == "the threshold")
    #expect(verdict(.quantile(0.5, .response), .less, 1e9, record).observed.hasSuffix(" ms"))
    #expect(verdict(.mean(.response), .lessOrEqual, 500.5e6, record).verdict == .pass)
    #expect(verdict(.mean(.response), .less, 500.5e6, record).verdict == .fail)
    #expect(verdict(.maximum(.response), .lessOrEqual, 1e9, record).verdict == .pass && verdict(.minimum(.response), .greater, 1e6, record).verdict == .fail)
  }

  @Test func `failed iterations count as slower than any limit`() {
    // 1000 answered and 111 failed: p90 is the slowest answer, and anything above lies among the failed.
    let record = record {
      $0.response = ramp
      $0.iterations.failed = 100
      $0.iterations.unknown = 11
    }
    #expect(verdict(.quantile(0.5, .response), .less, 557e6, record).verdict == .pass)
    #expect(verdict(.quantile(0.5, .response), .less, 554e6, record).verdict == .fail)
    #expect(verdict(.quantile(0.95, .response), .less, 3600e9, record).verdict == .fail)
    #expect(verdict(.quantile(0.95, .response), .less, 3600e9, record).detail?.contains("111 of 1111") == true)
  }

  @Test func `each series is read from its own place`() {
    let record = record {
      $0.response = histogram([1_000_000])
      $0.service = histogram([2_000_000])
      $0.startDelay = histogram([3_000_000])
      $0.steps[0].service = histogram([4_000_000])
      $0.steps[1].service = histogram([5_000_000])
      $0.measures = [MeasureRecord(name: "idle"), MeasureRecord(name: "lag")]
      $0.measures[1].values = histogram([6_000_000])
    }
    let series: [Threshold.Series] = [.response, .service, .startDelay, .step(StepIndex(0)), .step(StepIndex(1)), .measure(1)]
    #expect(series.map { verdict(.maximum($0), .less, 0, record).observed } == ["1 ms", "2 ms", "3 ms", "4 ms", "5 ms", "6 ms"])
  }

  @Test func `a quantile without enough data is inconclusive`() {
    let record = record { $0.response = histogram(Array(repeating: 1000, count: 367)) }
    let few = verdict(.quantile(0.99, .response), .less, 1e9, record)
    #expect(few.verdict == .inconclusive && few.observed == "not estimable (367 of 368 samples)")
    let enough = self.record { $0.response = histogram(Array(repeating: 1000, count: 368)) }
    #expect(verdict(.quantile(0.99, .response), .less, 1e9, enough).verdict == .pass)
    #expect(verdict(.mean(.service), .less, 1e9, record).verdict == .inconclusive)
  }

  @Test func `a lag is decided by its bounds, and left open between them`() {
    let record = record {
      $0.events[0].hops[1].lagLow = histogram(Array(repeating: 10_000_000, count: 1000))
      $0.events[0].hops[1].lagHigh = histogram(Array(repeating: 20_000_000, count: 1000))
      $0.events[0].hops[1].width = histogram(Array(repeating: 10_000_000, count: 1000))
    }
    let metric = Threshold.Metric.quantile(0.99, .lag(EventIndex(0), hop: 1))
    #expect(verdict(metric, .less, 21e6, record).verdict == .pass)
    #expect(verdict(metric, .less, 9e6, record).verdict == .fail)
    let open = verdict(metric, .less, 15e6, record)
    #expect(open.verdict == .inconclusive && open.observed == "10 ms–20 ms" && open.detail?.contains("10 ms") == true)
    #expect(verdict(.quantile(0.99, .lag(EventIndex(0), hop: 0)), .less, 15e6, record).verdict == .inconclusive)
    // Equality with something between the bounds is possible, and so is its opposite.
    #expect(verdict(metric, .equal, 15e6, record).verdict == .inconclusive && verdict(metric, .notEqual, 15e6, record).verdict == .inconclusive)
    #expect(verdict(metric, .equal, 25e6, record).verdict == .fail && verdict(metric, .notEqual, 25e6, record).verdict == .pass)
  }

  @Test func `dropped arrivals fail a latency threshold that would pass, and nothing else`() {
    let record = record {
      $0.response = ramp
      $0.iterations.dropped = 3
    }
    let latency = verdict(.quantile(0.5, .response), .less, 10e9, record)
    #expect(latency.verdict == .fail && latency.detail?.contains("3 arrivals were dropped") == true)
    #expect(verdict(.count(.errors), .less, 1, record).verdict == .pass)
    #expect(verdict(.count(.dropped), .lessOrEqual, 3, record).verdict == .pass && verdict(.count(.dropped), .less, 3, record).verdict == .fail)
  }

  @Test func `counts and rates are of what their names say`() {
    let record = record {
      $0.iterations.completed = 970
      $0.iterations.failed = 20
      $0.iterations.unknown = 10
      $0.steps[1].count = 200
      $0.steps[1].failed = 3
      $0.steps[1].unknown = 1
      $0.checks[0].passed = 90
      $0.checks[0].failed = 10
      $0.events[0].counts = EventCounts(attempted: 500, committed: 400, rolledBack: 100)
      $0.events[0].hops[0].counts.lost = 4
      $0.events[0].hops[1].counts.lost = 2
      $0.events[0].hops[0].counts.duplicate = 7
      $0.events[0].hops[1].visibleBeforeAck = 5
    }
    func count(_ count: Threshold.Count) -> String { verdict(.count(count), .less, 0, record).observed }
    func rate(_ count: Threshold.Count) -> String { verdict(.rate(count), .less, 0, record).observed }
    #expect(count(.errors) == "30" && rate(.errors) == "3 %" && count(.iterations) == "970" && rate(.iterations) == "97 %")
    #expect(count(.stepErrors(StepIndex(1))) == "4" && rate(.stepErrors(StepIndex(1))) == "2 %")
    #expect(count(.failedChecks) == "10" && rate(.failedChecks) == "10 %")
    func lost(_ hop: Int?) -> Threshold.Count { .outcome(EventIndex(0), hop: hop, name: "lost") }
    #expect(count(lost(0)) == "4" && count(lost(1)) == "2" && count(lost(nil)) == "6" && rate(lost(nil)) == "1.5 %")
    #expect(count(.outcome(EventIndex(0), hop: 0, name: "duplicate")) == "7" && count(.outcome(EventIndex(0), hop: nil, name: "duplicate")) == "7")
    #expect(count(.outcome(EventIndex(0), hop: 1, name: "visible_before_ack")) == "5")
    let unchecked = verdict(.count(.outcome(EventIndex(0), hop: 1, name: "duplicate")), .equal, 0, record)
    #expect(unchecked.verdict == .inconclusive && unchecked.observed == "not checkable with what the chain maps")
    #expect(verdict(.rate(.stepErrors(StepIndex(0))), .less, 1, record).verdict == .inconclusive)
  }

  /// Lost and unobserved events of 100, the claim, and what can be said of it.
  static let blindness: [(lost: UInt64, unobserved: UInt64, comparison: Comparison, limit: Double, verdict: ThresholdVerdict)] = [
    (0, 0, .equal, 0, .pass), (0, 7, .equal, 0, .inconclusive), (1, 7, .equal, 0, .fail), (0, 7, .lessOrEqual, 6, .inconclusive),
    (0, 7, .lessOrEqual, 7, .pass), (3, 4, .less, 8, .pass), (3, 4, .less, 7, .inconclusive), (3, 4, .less, 3, .fail),
    (3, 4, .greater, 2, .pass), (3, 4, .greater, 3, .inconclusive), (3, 4, .greater, 7, .fail), (3, 4, .equal, 3, .inconclusive), (3, 4, .notEqual, 2, .pass),
  ]

  @Test(arguments: blindness) func `what nobody could see is no proof that nothing was lost`(
    lost: UInt64, unobserved: UInt64, comparison: Comparison, limit: Double, expected: ThresholdVerdict
  ) {
    let record = record {
      $0.events[0].counts = EventCounts(attempted: 100, committed: 100, rolledBack: 0)
      $0.events[0].hops[1].counts.lost = lost
      $0.events[0].hops[1].counts.unobserved = unobserved
    }
    for hop in [1, nil] {
      let selected = Threshold.Count.outcome(EventIndex(0), hop: hop, name: "lost")
      let counted = verdict(.count(selected), comparison, limit, record)
      #expect(counted.verdict == expected, "\(counted)")
      #expect(verdict(.rate(selected), comparison, limit / 100, record).verdict == expected)
      if expected == .inconclusive {
        #expect(counted.observed == "\(lost), and \(unobserved) unobserved")
        #expect(counted.detail?.contains("\(unobserved) events were unobserved, and may be lost") == true)
      }
    }
    // The hop in front of it saw everything.
    #expect(verdict(.count(.outcome(EventIndex(0), hop: 0, name: "lost")), .equal, 0, record).verdict == .pass)
  }

  @Test func `a claim against a baseline is decided only where the hops were observed in the same way`() {
    var program = Program(chain: "t", chainDescription: "", chainHash: "")
    program.thresholds = [
      Threshold(
        text: "rate(errors) <= 2 * baseline", metric: .rate(.errors), comparison: .lessOrEqual, limit: 2, isOfBaseline: true,
        range: nowhere)
    ]
    func judged(_ observation: [String], _ baseline: [String: Double] = ["iterations.errors": 0.01]) -> JournalThreshold {
      let record = record {
        $0.iterations.failed = 10
        $0.iterations.dropped = 500
        $0.events[0].info.hops[0].how = "tap"
        $0.events[0].hops[0].info.how = "tap"
        $0.events[0].hops[1].info.how = "tracking"
        $0.start.baseline = BaselineInfo(file: "baselines.json", runs: 5, setAt: 0, observation: observation)
      }
      return ThresholdEvaluation.evaluate(program, record, baseline: baseline)[0]
    }
    #expect(judged(["made.queue tap", "made.cache tracking"]).verdict == .pass)
    // What was dropped is another figure.
    #expect(judged(["made.queue tap", "made.cache tracking"], ["iterations.not_completed": 0.51]).verdict == .inconclusive)
    for other in [["made.queue tap", "made.cache poll"], ["made.queue tap"], []] {
      let verdict = judged(other)
      #expect(verdict.verdict == .inconclusive && verdict.observed == "not comparable with the baseline", "\(verdict)")
    }
    #expect(judged(["made.queue tap", "made.cache poll"]).detail?.contains("'made.cache poll', this one 'made.cache tracking'") == true)
  }

  @Test func `every outcome that a selector may name can be counted`() {
    var record = record()
    for hop in 0..<2 {
      record.events[0].hops[hop].counts.duplicate = 0
      record.events[0].hops[hop].counts.reordered = 0
      record.events[0].hops[hop].counts.mismatch = 0
      record.events[0].hops[hop].counts.regressed = 0
      record.events[0].hops[hop].counts.staleFinal = 0
      record.events[0].hops[hop].counts.missing = 0
      record.events[0].hops[hop].counts.extra = 0
      record.events[0].hops[hop].counts.foreign = 0
    }
    for name in Threshold.outcomeNames {
      #expect(verdict(.count(.outcome(EventIndex(0), hop: 0, name: name)), .equal, 0, record).verdict == .pass, "\(name)")
    }
  }
}
