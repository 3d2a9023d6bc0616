import ChainIO
import ChainProgram
import Metrics
import Testing

@testable import ChainRuntime

/// Known truths about load, in virtual time: exact, quick, and the same on any machine.
@Suite struct VirtualTimeTests {
  private var oneCall: Program {
    var sketch = ProgramSketch()
    sketch.beginIteration()
    sketch.call("work", timeout: 60 * seconds)
    sketch.emit(.end)
    return sketch.program
  }

  private func profile(
    _ rate: Double, for duration: UInt64, users: Int, _ arrivals: OpenLoad.Arrivals = .constant, _ saturation: OpenLoad.Saturation = .queue
  ) -> LoadProfile {
    LoadProfile(
      name: "virtual",
      model: .open(OpenLoad(rate: rate, durationNanoseconds: duration, arrivals: arrivals, usersMax: users, onSaturation: saturation)),
      warmUpNanoseconds: 0, gracefulStopNanoseconds: 60 * seconds, range: nowhere)
  }

  /// What the verdict says, without what the machine's own processors have to say about it: they know no virtual time.
  private func reasons(_ record: RunRecord) -> [JournalValidity] {
    Validity.judge(record, isInterrupted: false).filter { !["cpu", "steal", "throttled"].contains($0.name) }
  }

  /// Answers at once, but for two seconds from the fifth on not at all. A moment less than two: what is due with its end is not concerned.
  private func stalling() -> Script {
    let script = Script()
    script.isRecording = false
    var begin: UInt64?
    script.reply = { request in
      let first = begin ?? request.at
      begin = first
      let since = request.at - first
      let end = 7 * seconds - milliseconds
      return since >= 5 * seconds && since < end ? .ok(after: end - since) : .ok(after: 0)
    }
    return script
  }

  /// Pollaczek and Khinchine: a server with a fixed service time D at a load rho keeps a caller waiting for rho D / 2 (1 - rho), 2.5 ms here.
  @Test func `a pool of one under Poisson arrivals keeps callers waiting as M/D/1 says`() throws {
    let load = profile(100, for: 200 * seconds, users: 200, .poisson)
    let connector = PooledConnector(size: 1, serviceNanoseconds: 5 * milliseconds)
    let (result, record) = try VirtualRun(program: oneCall, profile: load, connector: connector).perform()
    #expect(result.isConserved && record.iterations.arrivals == record.iterations.completed)
    #expect(abs(Double(record.iterations.arrivals) - 20_000) < 600)
    let response = try #require(record.response.meanNanoseconds)
    #expect(abs(response / 7.5e6 - 1) < 0.08, "the mean response was \(response / 1e6) ms, and 7.5 ms is right")
    let wait = try #require(record.steps[0].poolWait.meanNanoseconds)
    #expect(abs(wait / 2.5e6 - 1) < 0.1, "the mean wait was \(wait / 1e6) ms, and 2.5 ms is right")
    // The wait for the pool is no part of the step's own time.
    #expect(record.steps[0].service.min == 5 * milliseconds && record.steps[0].service.max == 5 * milliseconds)
    // Nobody of ours was late.
    #expect(record.startDelay.max == 0)
  }

  @Test func `a stall of two seconds is felt by all who arrive in it`() throws {
    let load = profile(200, for: 30 * seconds, users: 1_000)
    let connector = ScriptedConnector(script: stalling())
    let (_, record) = try VirtualRun(program: oneCall, profile: load, connector: connector, askedArrivals: 6_000).perform()
    #expect(record.iterations.arrivals == 6_000 && record.iterations.completed == 6_000)
    let quantiles = try [0.95, 0.99, 0.999].map { Double(try #require(record.response.quantile($0))) / 1e9 }
    for (quantile, truth) in zip(quantiles, [0.50, 1.70, 1.97]) { #expect(abs(quantile - truth) < 0.006, "\(quantile) s, and \(truth) s is right") }
    #expect(record.response.max == 2 * seconds - milliseconds)
    #expect(reasons(record) == [])
  }

  @Test func `with too few users a stall makes arrivals wait for one, and that is the target's doing`() throws {
    let load = profile(200, for: 30 * seconds, users: 100)
    let connector = ScriptedConnector(script: stalling())
    let (_, record) = try VirtualRun(program: oneCall, profile: load, connector: connector, askedArrivals: 6_000).perform()
    #expect(record.iterations.completed == 6_000 && record.startDelayWaited.count == 300)
    #expect(abs(Double(try #require(record.response.quantile(0.99))) / 1e9 - 1.70) < 0.006)
    #expect(reasons(record) == [])
  }

  @Test func `with drop the same stall drops arrivals, which no latency threshold forgives`() throws {
    let load = profile(200, for: 30 * seconds, users: 100, .constant, .drop)
    var program = oneCall
    program.thresholds = [
      Threshold(text: "p99(response) < 5s", metric: .quantile(0.99, .response), comparison: .less, limit: 5e9, range: nowhere)
    ]
    let connector = ScriptedConnector(script: stalling())
    let (result, record) = try VirtualRun(program: program, profile: load, connector: connector, askedArrivals: 6_000).perform()
    // A hundred users are taken after half a second; of the 400 arrivals of the stall, 300 find none.
    #expect(record.iterations.dropped == 300 && record.iterations.completed == 5_700 && result.isConserved)
    #expect(try #require(record.response.quantile(0.99)) < 2 * seconds)
    #expect(ThresholdEvaluation.evaluate(program, record).map(\.verdict) == [.fail])
    let reasons = self.reasons(record)
    #expect(reasons.map(\.name) == ["dropped"])
    #expect(reasons.first?.fromNanoseconds.map { record.seconds(at: $0) } == 5 && reasons.first?.toNanoseconds.map { record.seconds(at: $0) } == 7)
  }

  /// Fifty users are fewer than the crowd that has gathered in that second: those who wait for a user, wait because of us.
  @Test(arguments: [50, 400]) func `a second in which this process was stopped is named, and nobody else is blamed`(users: Int) throws {
    let script = Script()
    script.isRecording = false
    script.reply = { request in
      // In the middle of the tenth second the process is stopped.
      if request.number == 1_900 { VirtualTime.pass(seconds) }
      return .ok(after: 2 * milliseconds)
    }
    let load = profile(200, for: 30 * seconds, users: users)
    let (_, record) = try VirtualRun(program: oneCall, profile: load, connector: ScriptedConnector(script: script), askedArrivals: 6_000).perform()
    #expect(record.iterations.completed == 6_000)
    let reasons = self.reasons(record)
    #expect(reasons.map(\.name) == ["loop-gap", "start-delay"], "\(reasons)")
    #expect(reasons.allSatisfy { $0.verdict == .degraded })
    let gap = try #require(reasons.first)
    let (from, to) = (record.seconds(at: gap.fromNanoseconds ?? 0), record.seconds(at: gap.toNanoseconds ?? 0))
    #expect(abs(from - 9.5) < 0.02 && abs(to - 10.5) < 0.02, "\(from) to \(to)")
    // But for the one or two that came upon the crowd while it went away.
    #expect(record.startDelayWaited.count <= (users == 50 ? 3 : 0) && record.failures.isEmpty)
  }

  @Test func `clean runs at any rate are valid`() throws {
    for rate in stride(from: 20.0, through: 400, by: 20) {
      let script = Script { _ in .ok(after: 2 * milliseconds) }
      script.isRecording = false
      let load = profile(rate, for: 2 * seconds, users: 50, .poisson)
      let (_, record) = try VirtualRun(program: oneCall, profile: load, connector: ScriptedConnector(script: script)).perform()
      #expect(reasons(record) == [])
    }
  }
}
