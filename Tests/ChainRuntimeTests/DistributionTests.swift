import ChainIO
import ChainProgram
import Testing

@testable import ChainRuntime

/// The draws against their known distributions. The seeds are fixed, so a failure is a change and not bad luck; the bounds leave room for
/// another seed: Kolmogorov–Smirnov above 2.2 / √n has a probability below 1e-4, chi-square bounds are those of 1e-6.
@Suite struct DistributionTests {
  private func draw(_ count: Int, seed: UInt64 = 11, _ function: Function, _ arguments: Value...) throws -> [Value] {
    var draws = Randomness(seed: seed, stream: 0, iteration: 0)
    return try arguments.withUnsafeBufferPointer { buffer in
      try (0..<count).map { _ in try FunctionLibrary.evaluate(function, buffer, draws: &draws) }
    }
  }

  private func floats(_ values: [Value]) -> [Double] {
    values.compactMap { value in
      switch value {
      case .float(let number): number
      case .int(let number), .duration(let number): Double(number)
      case .decimal(let number): number.doubleValue
      default: nil
      }
    }
  }

  /// The largest distance between what was drawn and the distribution, times √n.
  private func distance(_ sample: [Double], from distribution: (Double) -> Double) -> Double {
    let n = Double(sample.count)
    var largest = 0.0
    for (index, x) in sample.sorted().enumerated() {
      let expected = distribution(x)
      largest = max(largest, abs(expected - Double(index) / n), abs(expected - Double(index + 1) / n))
    }
    return largest * n.squareRoot()
  }

  /// The normal distribution function: W. J. Cody's rational form is more than is needed; Zelen and Severo's 26.2.17 errs by at most 7.5e-8.
  private func normal(_ x: Double) -> Double {
    let t = 1 / (1 + 0.2316419 * abs(x))
    let poly = t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
    let tail = exponential(-x * x / 2) / 2.506628274631 * poly
    return x >= 0 ? 1 - tail : tail
  }

  private func exponential(_ x: Double) -> Double {
    // e^x by halving and the series, so that the test does not trust the library that it tests.
    var (half, times) = (x, 0)
    while abs(half) > 0.01 {
      half /= 2
      times += 1
    }
    var result = 1 + half * (1 + half / 2 * (1 + half / 3 * (1 + half / 4 * (1 + half / 5))))
    for _ in 0..<times { result *= result }
    return result
  }

  @Test func `floats, decimals and durations are uniform`() throws {
    #expect(try distance(floats(draw(50_000, .randomFloat, .float(-2), .float(3))), from: { ($0 + 2) / 5 }) < 2.2)
    #expect(try distance(floats(draw(50_000, .randomDecimal, .decimal(Decimal("0.00000")!), .decimal(Decimal(1)))), from: { $0 }) < 2.2)
    #expect(try distance(floats(draw(50_000, .randomDuration, .duration(0), .duration(1_000_000_000))), from: { $0 / 1e9 }) < 2.2)
  }

  @Test func `random.normal is normal`() throws {
    let sample = floats(try draw(50_000, .randomNormal, .float(100), .float(15)))
    #expect(distance(sample, from: { normal(($0 - 100) / 15) }) < 2.2)
    let mean = sample.reduce(0, +) / 50_000
    let variance = sample.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 50_000
    #expect(abs(mean - 100) < 0.35 && abs(variance - 225) < 7)
  }

  @Test func `random.exponential is exponential, as a float and as a duration`() throws {
    #expect(try distance(floats(draw(50_000, .randomExponential, .float(10))), from: { 1 - exponential(-$0 / 10) }) < 2.2)
    #expect(try distance(floats(draw(50_000, .randomExponential, .duration(1_000_000_000))), from: { 1 - exponential(-$0 / 1e9) }) < 2.2)
  }

  @Test(arguments: [(1.0, 20), (0.0, 20), (1.5, 20), (0.5, 20), (1.0, 2), (3.0, 5), (0.99, 20)])
  func `random.zipf follows Zipf's law for every exponent`(s: Double, n: Int) throws {
    let count = 100_000
    var counts = [Double](repeating: 0, count: n + 1)
    for case .int(let rank) in try draw(count, .randomZipf, .int(Int64(n)), .float(s)) { counts[Int(rank)] += 1 }
    func weight(_ rank: Int) -> Double { exponential(-s * naturalLogarithm(Double(rank))) }
    let total = (1...n).reduce(0) { $0 + weight($1) }
    var statistic = 0.0
    for rank in 1...n {
      let expected = Double(count) * weight(rank) / total
      statistic += (counts[rank] - expected) * (counts[rank] - expected) / expected
    }
    // 19 degrees of freedom at most.
    #expect(statistic < 65 && counts[0] == 0, "chi-square \(statistic)")
  }

  /// ln x = 2 artanh((x - 1) / (x + 1)).
  private func naturalLogarithm(_ x: Double) -> Double {
    if x > 1.5 { return naturalLogarithm(x / 1.5) + 0.4054651081081644 }
    let y = (x - 1) / (x + 1)
    var (term, sum) = (y, 0.0)
    for k in 0..<40 {
      sum += term / Double(2 * k + 1)
      term *= y * y
    }
    return 2 * sum
  }

  @Test func `random.zipf stays in its range for the largest n and for every exponent`() throws {
    for s in [0, 0.5, 1, 1.0000001, 2, 10, 100] {
      for n in [1, 2, 1000, 1 << 53] as [Int64] {
        for case .int(let rank) in try draw(2000, .randomZipf, .int(n), .float(s)) { #expect(rank >= 1 && rank <= n, "s \(s), n \(n)") }
      }
    }
  }

  @Test func `choices, weights, chances and characters come as often as they should`() throws {
    func counts(_ values: [Value]) -> [String: Double] {
      values.reduce(into: [:]) { $0[$1.description, default: 0] += 1 }
    }
    let list = Value.list([.string("a"), .string("b"), .string("c"), .string("d")])
    let even = counts(try draw(40_000, .randomChoice, list))
    #expect(even.count == 4 && even.values.allSatisfy { abs($0 - 10_000) < 450 }, "\(even)")
    let weighted = counts(try draw(40_000, .randomWeighted, list, .list([.int(1), .int(0), .int(3), .int(6)])))
    #expect(weighted["\"b\""] == nil && abs(weighted["\"a\""]! - 4000) < 310 && abs(weighted["\"c\""]! - 12_000) < 470 && abs(weighted["\"d\""]! - 24_000) < 500)
    let chance = counts(try draw(40_000, .randomBool, .float(0.2)))
    #expect(abs(chance["true"]! - 8000) < 410)
    let (sure, never) = (counts(try draw(100, .randomBool, .float(1))), counts(try draw(100, .randomBool, .float(0))))
    #expect(sure["false"] == nil && never["true"] == nil)
    guard case .string(let text)? = try draw(1, .randomString, .int(40_000), .string("aab")).first else { throw OperationError(.value, "no text") }
    #expect(text.count == 40_000 && abs(Double(text.count { $0 == "b" }) - 13_333) < 500)
    guard case .string(let digits)? = try draw(1, .randomDigits, .int(50_000)).first else { throw OperationError(.value, "no text") }
    let each = Dictionary(grouping: digits, by: { $0 }).mapValues(\.count)
    let statistic = each.values.reduce(0.0) { $0 + (Double($1) - 5000) * (Double($1) - 5000) / 5000 }
    #expect(each.count == 10 && statistic < 45)
  }

  @Test(arguments: Function.allCases.filter { "\($0)".hasPrefix("random") })
  func `every random function gives the same for the same seed, and something else for most others`(function: Function) throws {
    let arguments: [Value] =
      switch function {
      case .randomInt: [.int(0), .int(1 << 40)]
      case .randomDecimal: [.decimal(Decimal(0)), .decimal(Decimal(1_000_000))]
      case .randomFloat, .randomNormal: [.float(0), .float(1)]
      case .randomBool: [.float(0.5)]
      case .randomDuration: [.duration(0), .duration(1 << 40)]
      case .randomChoice: [.list((0..<100).map { .int($0) })]
      case .randomWeighted: [.list((0..<100).map { .int($0) }), .list((0..<100).map { .int($0 + 1) })]
      case .randomZipf: [.int(1000), .float(1)]
      case .randomExponential: [.float(1)]
      case .randomString: [.int(10), .string("abcdef")]
      case .randomDigits, .randomSentence: [.int(6)]
      default: []
      }
    func sample(seed: UInt64, iteration: UInt64, step: Int) throws -> [String] {
      var draws = Randomness(seed: seed, stream: 3, iteration: iteration)
      draws.enter(step: step)
      return try arguments.withUnsafeBufferPointer { buffer in
        try (0..<20).map { _ in try FunctionLibrary.evaluate(function, buffer, draws: &draws).description }
      }
    }
    let first = try sample(seed: 1, iteration: 2, step: 3)
    let again = try sample(seed: 1, iteration: 2, step: 3)
    #expect(first == again)
    for (seed, iteration, step) in [(2, 2, 3), (1, 3, 3), (1, 2, 4)] as [(UInt64, UInt64, Int)] {
      let other = try sample(seed: seed, iteration: iteration, step: step)
      #expect(first != other)
    }
    #expect(Set(first).count > 1)
  }

  @Test func `made-up people have the forms that are promised`() throws {
    let bench = ExpressionBench()
    for seed in 1...200 as ClosedRange<UInt64> {
      var bench = bench
      bench.seed = seed
      #expect(bench(#"random.email().matches('^[a-z]+\\.[a-z]+[0-9]{1,4}@example\\.(com|net|org)$')"#) == "true")
      #expect(bench(#"random.phone().matches('^\\+1 [2-9][0-9]{2} 555 01[0-9]{2}$')"#) == "true")
      #expect(bench(#"random.postcode().matches('^[1-9][0-9]{4}$')"#) == "true" && bench(#"random.country().matches('^[A-Z]{2}$')"#) == "true")
      #expect(bench(#"random.full_name().matches('^[A-Z][a-z]+ [A-Z][a-z]+$')"#) == "true")
      #expect(bench(#"random.sentence(5).matches('^[A-Z][a-z]*( [a-z]+){4}\\.$')"#) == "true")
      #expect(bench("random.uuid() as string as uuid == random.uuid()") == "false")
    }
  }
}
