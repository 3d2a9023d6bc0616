import ChainIO
import ChainProgram
import Testing

@testable import ChainRuntime

@Suite struct FunctionLibraryTests {
  private func call(_ function: Function, _ arguments: Value..., seed: UInt64 = 1) -> String {
    var draws = Randomness(seed: seed, stream: 0, iteration: 0)
    return arguments.withUnsafeBufferPointer { buffer in
      outcome { () throws(OperationError) in try FunctionLibrary.evaluate(function, buffer, draws: &draws) }
    }
  }

  @Test func `the text functions do what the reference says`() {
    #expect(call(.after, .string("order:42:x"), .string(":")) == "\"42:x\"")
    #expect(call(.after, .string("order"), .string("")) == "\"order\"")
    #expect(call(.after, .string("order:"), .string(":")) == "\"\"")
    #expect(call(.after, .string("a"), .string("abc")) == "!no-match")
    #expect(call(.before, .string("order:42:x"), .string(":")) == "\"order\"")
    #expect(call(.before, .string("order"), .string(":")) == "!no-match")
    #expect(call(.lower, .string("ÄB")) == "\"äb\"" && call(.upper, .string("äb")) == "\"ÄB\"")
    #expect(call(.trim, .string(" \t a b \n")) == "\"a b\"" && call(.trim, .string("  ")) == "\"\"")
    #expect(call(.length, .string("añ🙂")) == "3" && call(.length, .string("")) == "0")
    #expect(call(.contains, .string("abc"), .string("bc")) == "true" && call(.contains, .string("abc"), .string("cb")) == "false")
    #expect(call(.startsWith, .string("abc"), .string("ab")) == "true" && call(.startsWith, .string("abc"), .string("b")) == "false")
    #expect(call(.endsWith, .string("abc"), .string("bc")) == "true" && call(.endsWith, .string("abc"), .string("b")) == "false")
    #expect(call(.endsWith, .string("c"), .string("bc")) == "false")
    #expect(call(.minInt, .int(2), .int(-3)) == "-3" && call(.maxInt, .int(2), .int(-3)) == "2")
  }

  @Test func `null arguments are step errors`() {
    #expect(call(.lower, .null) == "!null" && call(.minInt, .null, .int(1)) == "!null" && call(.after, .string("a"), .null) == "!null")
    #expect(call(.randomInt, .null, .int(1)) == "!null" && call(.randomDecimal, decimal("1"), .null) == "!null")
  }

  @Test func `random.int reaches both bounds and nothing beyond, also over the whole range`() throws {
    var draws = Randomness(seed: 5, stream: 0, iteration: 0)
    var seen: Set<Int64> = []
    for _ in 0..<1000 {
      guard case .int(let number) = try [Value.int(-2), .int(2)].withUnsafeBufferPointer({ try FunctionLibrary.evaluate(.randomInt, $0, draws: &draws) })
      else { continue }
      seen.insert(number)
    }
    #expect(seen == [-2, -1, 0, 1, 2])
    #expect(call(.randomInt, .int(7), .int(7)) == "7")
    #expect(call(.randomInt, .int(8), .int(7)) == "!empty-range")
    #expect(call(.randomInt, .int(.min), .int(.max)) != call(.randomInt, .int(.min), .int(.max), seed: 2))
    for seed in 0..<100 as Range<UInt64> {
      let number = Int64(call(.randomInt, .int(.max - 1), .int(.max), seed: seed))
      #expect(number == .max || number == .max - 1)
    }
  }

  @Test func `random.decimal has two digits or as many as its bounds, and stays within them`() {
    var least = Decimal("100")!
    var most = Decimal("-100")!
    for seed in 0..<2000 as Range<UInt64> {
      let number = Decimal(call(.randomDecimal, decimal("-1"), decimal("1"), seed: seed))!
      #expect(number.scale == 2)
      least = min(least, number)
      most = max(most, number)
    }
    #expect(least >= Decimal("-1")! && least < Decimal("-0.97")! && most <= Decimal("1")! && most > Decimal("0.97")!)
    #expect(Decimal(call(.randomDecimal, decimal("0.0001"), decimal("1")))?.scale == 4)
    #expect(call(.randomDecimal, decimal("2"), decimal("1")) == "!empty-range")
    #expect(call(.randomDecimal, decimal("2.500"), decimal("2.5")) == "2.500")
    #expect(call(.randomDecimal, decimal("0"), decimal("99999999999999999999999999999999999999")) == "!overflow")
  }

  @Test func `random.uuid is of version 4`() {
    for seed in 0..<100 as Range<UInt64> {
      let text = Array(call(.randomUUID, seed: seed))
      #expect(text.count == 36 && text[14] == "4" && "89ab".contains(text[19]))
    }
  }

  @Test func `random numbers are evenly spread`() {
    // Chi-square with 99 degrees of freedom: above 180 has a probability below 1e-6.
    var draws = Randomness(seed: 99, stream: 0, iteration: 3)
    var counts = [Double](repeating: 0, count: 100)
    for _ in 0..<100_000 { counts[Int(draws.next(below: 100))] += 1 }
    let statistic = counts.reduce(0) { $0 + ($1 - 1000) * ($1 - 1000) / 1000 }
    #expect(statistic < 180, "chi-square \(statistic)")
    // And over iterations, where each draws once.
    counts = [Double](repeating: 0, count: 100)
    for iteration in 0..<100_000 as Range<UInt64> {
      var draws = Randomness(seed: 99, stream: 0, iteration: iteration)
      draws.enter(step: 2)
      counts[Int(draws.next(below: 100))] += 1
    }
    let across = counts.reduce(0) { $0 + ($1 - 1000) * ($1 - 1000) / 1000 }
    #expect(across < 180, "chi-square \(across)")
  }

  @Test func `a draw is a function of seed, iteration and step`() {
    func draws(_ seed: UInt64, _ iteration: UInt64, _ steps: [Int]) -> [Int: [UInt64]] {
      var randomness = Randomness(seed: seed, stream: 0, iteration: iteration)
      var values: [Int: [UInt64]] = [:]
      for step in steps {
        randomness.enter(step: step)
        values[step] = [randomness.next(), randomness.next(), randomness.next()]
      }
      return values
    }
    let base = draws(1, 5, [0, 1, 2])
    #expect(base == draws(1, 5, [0, 1, 2]))
    // Another step before or between shifts nobody's draws.
    let more = draws(1, 5, [7, 0, 8, 1, 2])
    #expect(base.allSatisfy { more[$0.key] == $0.value })
    #expect(draws(2, 5, [0]) != draws(1, 5, [0]) && draws(1, 6, [0]) != draws(1, 5, [0]) && base[0] != base[1])
  }
}
