import Foundation

@testable import History

/// Numbers with a known distribution from a seed.
struct Draws {
  var generator: SeededGenerator

  init(_ seed: UInt64) {
    generator = SeededGenerator(seed: seed &* 0x5851_f42d_4c95_7f2d &+ 1)
  }

  mutating func uniform() -> Double { Double.random(in: Double.leastNonzeroMagnitude..<1, using: &generator) }
  mutating func normal() -> Double { sqrt(-2 * log(uniform())) * cos(2 * .pi * uniform()) }
}

extension RunFigures {
  static func synthetic(_ index: Int, _ metrics: [Metric], consistency: [ConsistencyCount] = []) -> RunFigures {
    var run = RunFigures()
    run.runID = "run-\(index)"
    run.folder = "results/run-\(index)"
    run.startedAt = 1_760_000_000 + Double(index) * 3_600
    run.durationSeconds = 30
    run.exitCode = 0
    run.validity = "valid"
    run.conditions.chain = "order-flow"
    run.conditions.chainHash = "abc"
    run.conditions.profile = "steady"
    run.conditions.profileText = "open, 200/s constant, 30 s"
    run.conditions.model = "open"
    run.conditions.observation = ["order_created.cached tracking"]
    run.metrics = metrics
    run.consistency = consistency
    return run
  }
}

/// What a step with a normal service time and a slow share would report after so many requests.
struct SyntheticSystem {
  var milliseconds = 20.0
  /// Share of requests that take ``slowMilliseconds`` more.
  var slowShare = 0.0
  var slowMilliseconds = 100.0
  /// Relative scatter of a whole run: machines differ from hour to hour.
  var runScatter = 0.01

  func run(_ index: Int, seed: UInt64, requests: Int = 2_000) -> RunFigures {
    var draws = Draws(seed)
    let level = milliseconds * exp(runScatter * draws.normal())
    var samples: [Double] = []
    for _ in 0..<requests {
      let slow = draws.uniform() < slowShare ? slowMilliseconds : 0
      samples.append((level * exp(0.08 * draws.normal()) + slow) / 1_000)
    }
    samples.sort()
    func quantile(_ q: Double) -> Double { samples[Int(q * Double(requests - 1))] }
    return .synthetic(index, [
      Metric("step.insert.p50", .seconds, quantile(0.5)), Metric("step.insert.p95", .seconds, quantile(0.95)),
      Metric("step.insert.p99", .seconds, quantile(0.99)),
    ])
  }
}
