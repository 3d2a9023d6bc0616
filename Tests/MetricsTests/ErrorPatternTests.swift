import LosslessJSON
import Metrics
import Testing

/// Made-up runs whose errors have a cause that is known, or none.
@Suite struct ErrorPatternTests {
  private static let second: UInt64 = 1_000_000_000
  private static let seconds = 60

  /// A chain with a weighted choice: step 1 and 2 in 'fast', step 3 in 'slow', step 0 before and 4 after it.
  private static func start() -> JournalStart {
    var start = JournalStart()
    start.chain = "made-up"
    start.monotonicNanoseconds = 100 * second
    start.steps = [
      StepInfo(id: "begin", verb: "sql", connection: "db"), StepInfo(id: "quick", verb: "sql", connection: "db"),
      StepInfo(id: "quick_too", verb: "sql", connection: "db2"), StepInfo(id: "heavy", verb: "sql", connection: "db"),
      StepInfo(id: "end", verb: "sql", connection: "db"), StepInfo(id: "kind", verb: "branch", countsAsOperation: false),
    ]
    start.arms = [ArmsInfo(step: 5, names: ["fast", "slow"], steps: [[1, 2], [3]], branch: 0, weights: [3, 1])]
    start.feeds = [FeedInfo(name: "users", rows: 50)]
    return start
  }

  /// 40 iterations each second; 30 take 'fast' and 10 'slow'.
  private static let attempts: [UInt64] = [40, 30, 30, 10, 40]

  /// - Parameter failures: For (second, step) how many failed, each with its circumstances.
  private static func record(
    message: String = "server said no", retries: [RetryInterval] = [], _ failures: (Int, Int) -> [[FailureAttribute]]
  ) throws -> RunRecord {
    var json = JSONWriter()
    start().write(to: &json)
    JournalPhase(name: .load, atNanoseconds: 100 * second).write(to: &json)
    for index in 0..<seconds {
      var interval = JournalInterval()
      interval.startNanoseconds = UInt64(100 + index) * second
      interval.endNanoseconds = interval.startNanoseconds + second
      interval.retries = retries
      var records: [JournalFailure] = []
      for step in attempts.indices {
        var row = StepInterval(step: step)
        row.count = attempts[step]
        let failed = failures(index, step)
        row.failed = UInt64(failed.count)
        interval.steps.append(row)
        guard !failed.isEmpty else { continue }
        let at = interval.startNanoseconds + second / 2
        var failure = JournalFailure(
          fingerprint: ErrorFingerprint(step: step, target: "postgres", errorClass: "failed", code: "XX000", message: message),
          count: UInt64(failed.count), firstNanoseconds: at, lastNanoseconds: at, exampleNanoseconds: [at])
        for attributes in failed { for attribute in attributes { failure.attributes.add(attribute) } }
        records.append(failure)
      }
      interval.write(to: &json)
      for record in records { record.write(to: &json) }
    }
    JournalEnd(atNanoseconds: UInt64(100 + seconds) * second, exitCode: 1).write(to: &json)
    return try JournalReader.read(bytes: json.bytes)
  }

  @Test func `errors injected into one branch during five seconds are found as that branch and that window`() throws {
    let run = try Self.record { second, step in step == 3 && (20..<25).contains(second) ? Array(repeating: [], count: 6) : [] }
    #expect(Set(run.patterns.map(\.circumstance)) == [.branch("slow", of: "kind"), .burst(from: 20, to: 25)], "\(run.patterns)")
    for pattern in run.patterns { #expect(pattern.hits == 30 && pattern.total == 30 && pattern.pValue < 1e-6, "\(pattern)") }
  }

  @Test func `a window is found among errors that happen all the time`() throws {
    var random = SplitMix(state: 7)
    let run = try Self.record { second, step in
      let rate = (30..<35).contains(second) ? 0.3 : 0.01
      return (0..<Self.attempts[step]).filter { _ in Double(random.next() >> 11) / 0x1p53 < rate }.map { _ in [] }
    }
    #expect(run.patterns.map(\.circumstance) == [.burst(from: 30, to: 35)], "\(run.patterns)")
  }

  /// The level is 1 % for all tests of a run together, so two of two hundred may be wrong; the exact test is conservative.
  @Test func `random errors yield no pattern`() throws {
    var wrong: [String] = []
    for seed in 1...200 {
      var random = SplitMix(state: UInt64(seed))
      let rate = [0.002, 0.01, 0.05][seed % 3]
      let run = try Self.record { _, step in
        (0..<Self.attempts[step]).filter { _ in Double(random.next() >> 11) / 0x1p53 < rate }.map { _ in
          // The row is random; after the choice, so is which branch was taken, by its weight.
          let row = FailureAttribute(.row, table: 0, value: Int(random.next() % 50))
          return step == 4 ? [row, FailureAttribute(.branch, table: 0, value: random.next() % 4 == 0 ? 1 : 0)] : [row]
        }
      }
      #expect(run.failureCount > 0)
      if !run.patterns.isEmpty { wrong.append("seed \(seed): \(run.patterns)") }
    }
    print("acceptance: random errors: \(wrong.count) of 200 runs with a pattern")
    #expect(wrong.count <= 2, "\(wrong)")
  }

  @Test func `a step, a connection and a row that fail more than others are found`() throws {
    let step = try Self.record { second, step in Array(repeating: [], count: step == 1 ? 3 : step == 4 && second % 20 == 0 ? 1 : 0) }
    #expect(step.patterns.contains { $0.circumstance == .step("quick") && $0.hits == 180 && $0.total == 183 }, "\(step.patterns)")
    let target = try Self.record { second, step in Array(repeating: [], count: step == 2 ? 2 : second % 30 == 0 && step == 0 ? 1 : 0) }
    #expect(target.patterns.contains { $0.circumstance == .target("db2") }, "\(target.patterns)")
    let row = try Self.record { second, step in
      step == 0 && second % 2 == 0 ? [[FailureAttribute(.row, table: 0, value: second % 6 == 0 ? second % 50 : 17)]] : []
    }
    #expect(row.patterns.map(\.circumstance) == [.row(17, of: "users")], "\(row.patterns)")
  }

  @Test func `the branch that was taken before a step that both reach is found`() throws {
    let run = try Self.record { second, step in
      step == 4 ? [[FailureAttribute(.branch, table: 0, value: second % 10 == 0 ? 0 : 1)]] : []
    }
    #expect(run.patterns.map(\.circumstance) == [.branch("slow", of: "kind")], "\(run.patterns)")
    #expect(run.patterns[0].hits == 54 && abs(run.patterns[0].attemptShare - 0.25) < 0.01)
  }

  @Test func `further attempts that fail more than first ones are found`() throws {
    let run = try Self.record(retries: [RetryInterval(retry: 0, attempts: [2])]) { second, step in
      step == 0 ? [[FailureAttribute(.attempt, table: 0, value: 1)]] + (second % 10 == 0 ? [[FailureAttribute(.attempt, table: 0, value: 0)]] : []) : []
    }
    #expect(run.patterns.map(\.circumstance) == [.attempt(2)], "\(run.patterns)")
  }

  @Test func `a record of the journal keeps its circumstances, and no more than it may`() throws {
    var failure = JournalFailure(
      fingerprint: ErrorFingerprint(step: 1, target: "redis", errorClass: "failed", code: "ERR", message: "no"), atNanoseconds: 5)
    for row in 0..<200 { failure.attributes.add(FailureAttribute(.row, table: 2, value: row)) }
    failure.attributes.add(FailureAttribute(.row, table: 2, value: 3), 9)
    #expect(failure.attributes.counts.count == FailureAttributeCounts.limit)
    #expect(failure.attributes.counts[FailureAttribute(.row, table: 2, value: 3)] == 10)
    #expect(try JournalFailure(JSONDocument(parsing: String(decoding: failure.line(), as: UTF8.self)).root) == failure)
  }

  @Test func `the exact test agrees with values that were computed elsewhere`() {
    // With whole numbers, by Python: sum(comb(K, i) * comb(N - K, n - i) for i in range(a, min(n, K) + 1)) / comb(N, n)
    for (a, n, k, total, expected) in [
      (8.0, 10.0, 12.0, 30.0, 0.0026547165977450836), (4, 50, 5, 100, 0.18108924294491305), (5, 100, 5, 1_000, 9.125437844170035e-06),
      (30, 600, 30, 9_000, 2.6189164971885745e-36),
    ] {
      let value = ExactTest.upperTail(hits: a, sample: n, marked: k, population: total)
      #expect(abs(value / expected - 1) < 1e-6, "\(a) \(n) \(k) \(total): \(value)")
    }
    #expect(ExactTest.upperTail(hits: 1, sample: 50, marked: 10, population: 100) == 1, "fewer than expected is no excess")
    let adjusted = ExactTest.holm([0.01, 0.04, 0.03], family: 3)
    #expect(zip(adjusted, [0.03, 0.06, 0.06]).allSatisfy { abs($0 - $1) < 1e-12 })
  }
}
