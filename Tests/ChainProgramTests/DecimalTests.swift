import Testing

@testable import ChainProgram

@Suite struct DecimalTests {
  @Test(arguments: [
    ("0", "0"), ("-0", "0"), ("7", "7"), ("+7", "7"), ("-12.50", "-12.50"), (".5", "0.5"), ("5.", "5"), ("1e-3", "0.001"), ("1E3", "1000"),
    ("1.5e2", "150"), ("12e-2", "0.12"), ("0.000", "0.000"), ("-0.05", "-0.05"),
    ("99999999999999999999999999999999999999", "99999999999999999999999999999999999999"),
    ("0.00000000000000000000000000000000000001", "0.00000000000000000000000000000000000001"),
    ("-99999999999999999999.999999999999999999", "-99999999999999999999.999999999999999999"), ("0e10", "0"),
    ("0e-50", "0.00000000000000000000000000000000000000"), ("000012", "12"), ("1000e-40", "0.00000000000000000000000000000000000010"),
    ("9223372036854775807", "9223372036854775807"), ("-9223372036854775808", "-9223372036854775808"),
    ("9223372036854775808", "9223372036854775808"), ("-0.9223372036854775808", "-0.9223372036854775808"),
  ])
  func `text becomes the number and the number that text`(text: String, written: String) {
    #expect(Decimal(text)?.description == written)
  }

  @Test(arguments: [
    "", "-", ".", "+.", "1.2.3", "1e", "1e+", "e5", "abc", "1 ", " 1", "0x1", "1,5", "NaN", "inf", "1e99999", "1e39", "1e-99", "--1",
    "1_000", "1e1.5",
    "999999999999999999999999999999999999999999", "0.000000000000000000000000000000000000001", "١٢",
  ])
  func `what is no number of 38 digits is refused`(text: String) {
    #expect(Decimal(text) == nil)
  }

  @Test func `zero with a huge exponent does not take forever`() {
    #expect(Decimal("0e9999")?.description == "0")
    #expect(Decimal("0e-9999")?.wholeNumber == 0)
  }

  @Test func `random numbers come back from their text, equal and in order`() {
    var random = SplitMix(seed: 7)
    for _ in 0..<20_000 {
      let digits = Int.random(in: 1...38, using: &random)
      let scale = Int.random(in: 0...38, using: &random)
      var coefficient: Int128 = 0
      for _ in 0..<digits { coefficient = coefficient * 10 + Int128(Int.random(in: 0...9, using: &random)) }
      if Bool.random(using: &random) { coefficient = -coefficient }
      let number = Decimal(coefficient: coefficient, scale: UInt8(scale))
      let text = number.description
      let back = Decimal(text)
      #expect(back?.coefficient == coefficient && back?.scale == UInt8(scale), "\(text)")
      #expect(back == number)
      #expect(back?.hashValue == number.hashValue)
    }
  }

  @Test func `arithmetic of small numbers agrees with whole numbers of hundredths`() throws {
    var random = SplitMix(seed: 11)
    for _ in 0..<20_000 {
      let a = Int.random(in: -1_000_000...1_000_000, using: &random)
      let b = Int.random(in: -1_000_000...1_000_000, using: &random)
      let x = Decimal(coefficient: Int128(a), scale: 2)
      let y = Decimal(coefficient: Int128(b), scale: 2)
      #expect(try x.adding(y) == Decimal(coefficient: Int128(a + b), scale: 2))
      #expect(try x.subtracting(y) == Decimal(coefficient: Int128(a - b), scale: 2))
      #expect(try x.multiplied(by: y) == Decimal(coefficient: Int128(a * b), scale: 4))
      #expect((x < y) == (a < b))
      if b != 0 {
        let product = try x.multiplied(by: y)
        #expect(try product.divided(by: y) == x)
        let quotient = try x.divided(by: y).doubleValue
        let wanted = Double(a) / Double(b)
        #expect(abs(quotient - wanted) <= max(1e-15, abs(wanted) * 1e-15))
      }
    }
  }

  @Test(arguments: [
    ("1", "3", "0.3333333333333333"), ("2", "3", "0.6666666666666667"), ("-2", "3", "-0.6666666666666667"), ("1", "8", "0.125"),
    ("10", "4", "2.5"), ("10.00", "4", "2.50"), ("0", "7", "0"), ("1", "-8", "-0.125"),
    ("100", "10", "10"), ("0.1", "0.3", "0.33333333333333333"), ("1e20", "3", "33333333333333333333.33333333333333333"),
  ])
  func `division rounds half to even and keeps the operands' digits`(a: String, b: String, quotient: String) throws {
    let left = try #require(Decimal(a))
    let right = try #require(Decimal(b))
    let found = try left.divided(by: right).description
    // As many digits as fit; what is shown must be a prefix of the true expansion.
    if a == "1e20" { #expect(found.hasPrefix("33333333333333333333.3333")) } else { #expect(found == quotient) }
  }

  @Test func `overflow and division by zero are errors`() {
    let large = Decimal("99999999999999999999999999999999999999")!
    let small = Decimal("0.00000000000000000000000000000000000001")!
    #expect(throws: Decimal.Failure.divisionByZero) { try large.divided(by: Decimal(0)) }
    #expect(throws: Decimal.Failure.overflow) { try large.multiplied(by: large) }
    #expect(throws: Decimal.Failure.overflow) { try large.adding(small) }
    #expect(throws: Decimal.Failure.overflow) { try small.multiplied(by: small) }
    #expect(throws: Decimal.Failure.overflow) { try large.adding(large) }
  }

  @Test func `extreme numbers are computed or refused, and never trap`() {
    var extremes = [
      "0", "1", "-1", "99999999999999999999999999999999999999", "-99999999999999999999999999999999999999",
      "0.00000000000000000000000000000000000001", "-0.99999999999999999999999999999999999999", "9223372036854775807",
      "-9223372036854775808", "0.5",
    ]
    .compactMap { Decimal($0) }
    extremes += [
      Decimal(coefficient: Decimal.coefficientMax, scale: 38), Decimal(coefficient: -Decimal.coefficientMax, scale: 1),
      Decimal(coefficient: -1, scale: 38),
    ]
    for a in extremes {
      _ = a.description
      _ = a.wholeNumber
      _ = a.doubleValue
      _ = a.negated()
      _ = a.hashValue
      for b in extremes {
        _ = try? a.adding(b)
        _ = try? a.subtracting(b)
        _ = try? a.multiplied(by: b)
        _ = try? a.divided(by: b)
        #expect([a < b, a == b, b < a].filter { $0 }.count == 1, "\(a) \(b)")
      }
    }
  }

  @Test func `comparison is exact where scales differ`() throws {
    #expect(Decimal("12.1") == Decimal("12.10"))
    #expect(Decimal("12.1")?.hashValue == Decimal("12.10")?.hashValue)
    let a = try #require(Decimal("10000000000000000000000000000000000000"))
    let b = try #require(Decimal("9999999999999999999999999999999999999.9"))
    #expect(b < a)
    #expect(a != b)
    let c = try #require(Decimal("20000000000000000000000000000000000000"))
    let d = try #require(Decimal("0.99999999999999999999999999999999999999"))
    #expect(d < c)
    #expect(c != d)
  }

  @Test(
    arguments: [("5", 5), ("5.00", 5), ("5.01", nil), ("-9223372036854775808", Int64.min), ("9223372036854775808", nil), ("0.000", 0)]
      as [(String, Int64?)])
  func `a whole number is one whatever its digits`(text: String, number: Int64?) {
    #expect(Decimal(text)?.wholeNumber == number)
  }

  @Test(arguments: ["0.1", "0.001", "12.10", "123456.789", "1e-20", "99999999999999.99", "0.3"])
  func `a float made of it is the nearest one`(text: String) {
    #expect(Decimal(text)?.doubleValue == Double(text))
  }
}

/// A small generator with a seed.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
