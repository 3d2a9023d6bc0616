import ChainIO
import ChainProgram
import Testing

@testable import ChainRuntime

func decimal(_ text: String) -> Value { .decimal(Decimal(text)!) }

/// The value as its text, or the error's code after an exclamation mark.
func outcome(_ compute: () throws(OperationError) -> Value) -> String {
  do throws(OperationError) {
    return try compute().description
  } catch {
    return "!\(error.code)"
  }
}

@Suite struct ArithmeticTests {
  @Test(arguments: [
    (.addInt, .int(2), .int(3), "5"), (.addInt, .int(.max), .int(1), "!overflow"), (.subtractInt, .int(.min), .int(1), "!overflow"),
    (.subtractInt, .int(2), .int(5), "-3"), (.multiplyInt, .int(-4), .int(5), "-20"), (.multiplyInt, .int(.min), .int(-1), "!overflow"),
    (.divideInt, .int(7), .int(-2), "-3"), (.divideInt, .int(7), .int(0), "!division-by-zero"), (.divideInt, .int(.min), .int(-1), "!overflow"),
    (.remainderInt, .int(-7), .int(3), "-1"), (.remainderInt, .int(7), .int(0), "!division-by-zero"), (.remainderInt, .int(.min), .int(-1), "0"),
    (.addFloat, .float(0.5), .float(0.25), "0.75"), (.subtractFloat, .float(0.5), .float(0.25), "0.25"),
    (.multiplyFloat, .float(0.5), .float(3), "1.5"), (.divideFloat, .float(1), .float(4), "0.25"),
    (.divideFloat, .float(1), .float(0), "!division-by-zero"), (.divideFloat, .float(1), .float(-0.0), "!division-by-zero"),
    (.addDuration, .duration(1_000_000), .duration(500_000), "1500us"), (.addDuration, .duration(.max), .duration(1), "!overflow"),
    (.subtractDuration, .duration(5_000), .duration(7_000), "-2us"), (.subtractDuration, .duration(.min), .duration(1), "!overflow"),
    (.scaleDuration, .duration(2_000_000_000), .int(3), "6s"), (.scaleDuration, .int(3), .duration(2_000_000_000), "6s"),
    (.scaleDuration, .duration(.max), .int(2), "!overflow"), (.divideDuration, .duration(3_000_000_000), .int(2), "1500ms"),
    (.divideDuration, .duration(1), .int(0), "!division-by-zero"), (.divideDuration, .duration(.min), .int(-1), "!overflow"),
    (.concatenateText, .string("a"), .string("ü"), "\"aü\""),
  ] as [(BinaryOperation, Value, Value, String)])
  func `an operation gives its exact result, or a step error where there is none`(
    operation: BinaryOperation, a: Value, b: Value, expected: String
  ) {
    #expect(outcome { () throws(OperationError) in try Arithmetic.evaluate(operation, a, b) } == expected)
  }

  @Test(arguments: [
    (.addDecimal, "0.1", "0.2", "0.3"), (.addDecimal, "12.10", "0.9", "13.00"), (.subtractDecimal, "1.00", "0.01", "0.99"),
    (.subtractDecimal, "0", "-99999999999999999999999999999999999999", "99999999999999999999999999999999999999"),
    (.multiplyDecimal, "19.99", "3", "59.97"), (.multiplyDecimal, "-0.01", "0.01", "-0.0001"),
    (.multiplyDecimal, "99999999999999999999", "99999999999999999999", "!overflow"),
    (.addDecimal, "99999999999999999999999999999999999999", "99999999999999999999999999999999999999", "!overflow"),
    (.addDecimal, "99999999999999999999999999999999999999", "0.1", "!overflow"),
    (.divideDecimal, "1", "4", "0.25"), (.divideDecimal, "1", "3", "0.3333333333333333"), (.divideDecimal, "2", "3", "0.6666666666666667"),
    (.divideDecimal, "-2", "3", "-0.6666666666666667"), (.divideDecimal, "10.00", "4", "2.50"),
    (.divideDecimal, "1", "0", "!division-by-zero"), (.divideDecimal, "1", "0.000", "!division-by-zero"),
    (.divideDecimal, "99999999999999999999999999999999999999", "-1", "-99999999999999999999999999999999999999"),
  ] as [(BinaryOperation, String, String, String)])
  func `decimals are computed in decimal`(operation: BinaryOperation, a: String, b: String, expected: String) {
    #expect(outcome { () throws(OperationError) in try Arithmetic.evaluate(operation, decimal(a), decimal(b)) } == expected)
  }

  @Test func `every operation with a null operand is a step error`() {
    let samples: [(BinaryOperation, Value)] = [
      (.addInt, .int(1)), (.subtractInt, .int(1)), (.multiplyInt, .int(1)), (.divideInt, .int(1)), (.remainderInt, .int(1)),
      (.addDecimal, decimal("1")), (.subtractDecimal, decimal("1")), (.multiplyDecimal, decimal("1")), (.divideDecimal, decimal("1")),
      (.addFloat, .float(1)), (.subtractFloat, .float(1)), (.multiplyFloat, .float(1)), (.divideFloat, .float(1)),
      (.addDuration, .duration(1)), (.subtractDuration, .duration(1)), (.scaleDuration, .duration(1)), (.divideDuration, .duration(1)),
      (.concatenateText, .string("a")),
    ]
    for (operation, value) in samples {
      #expect(outcome { () throws(OperationError) in try Arithmetic.evaluate(operation, value, .null) } == "!null")
      #expect(outcome { () throws(OperationError) in try Arithmetic.evaluate(operation, .null, value) } == "!null")
    }
  }

  @Test(arguments: [
    (.int(5), "-5"), (.int(.min), "!overflow"), (decimal("1.50"), "-1.50"), (.float(2), "-2.0"), (.duration(.min), "!overflow"),
    (.duration(1000), "-1us"), (.null, "!null"),
  ] as [(Value, String)])
  func `negation is exact or a step error`(value: Value, expected: String) {
    #expect(outcome { () throws(OperationError) in try Arithmetic.negate(value) } == expected)
  }

  @Test func `random decimal sums are what 128-bit integers say`() throws {
    var random = SplitMix(state: 11)
    for _ in 0..<2000 {
      let (a, b) = (Int64(truncatingIfNeeded: random.next()), Int64(truncatingIfNeeded: random.next()))
      let (s, t) = (UInt8(random.next() % 10), UInt8(random.next() % 10))
      let (left, right) = (Decimal(coefficient: Int128(a), scale: s), Decimal(coefficient: Int128(b), scale: t))
      func power(_ n: UInt8) -> Int128 { (0..<n).reduce(1) { product, _ in product * 10 } }
      let scale = max(s, t)
      let exact = Int128(a) * power(scale - s) + Int128(b) * power(scale - t)
      #expect(try left.adding(right) == Decimal(coefficient: exact, scale: scale))
      #expect(try left.adding(right).subtracting(right) == left)
      #expect(Decimal(left.description)?.coefficient == Int128(a))
      #expect((left < right) == (Int128(a) * power(scale - s) < Int128(b) * power(scale - t)))
    }
  }

  @Test func `decimals of the greatest size are still told apart`() {
    let nines = Decimal("99999999999999999999999999999999999999")!
    let nearly = Decimal("9999999999999999999999999999999999999.9")!
    #expect(nearly < nines && nearly != nines)
    #expect(nines.negated() < nearly.negated())
    #expect(outcome { () throws(OperationError) in try Arithmetic.evaluate(.addDecimal, .decimal(nines), decimal("1")) } == "!overflow")
  }
}
