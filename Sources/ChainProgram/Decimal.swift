/// An exact decimal number: `coefficient` × 10^-`scale`, with a coefficient of at most 38 digits.
///
/// Read from text and written to text without passing through a binary float. `12.1` and `12.10` are equal and
/// keep their own scale. Overflow is an error, never a trap.
package struct Decimal: Sendable {
  /// The coefficient's two halves. An `Int128` stored as such would align every `Value` to 16 bytes.
  private let high: Int64
  private let low: UInt64
  /// Digits after the point, 0 to 38.
  package let scale: UInt8

  package static let scaleMax = 38
  /// The largest coefficient: 38 nines. `Int128` has room for its double, so a sum of two, a sign change and a step of rounding fit.
  package static let coefficientMax: Int128 = 99_999_999_999_999_999_999_999_999_999_999_999_999

  package enum Failure: Error, Sendable {
    case overflow
    case divisionByZero
  }

  package var coefficient: Int128 { Int128(high) << 64 | Int128(low) }

  package init(coefficient: Int128, scale: UInt8) {
    precondition(scale <= Decimal.scaleMax, "a decimal's scale is at most \(Decimal.scaleMax)")
    precondition(coefficient.magnitude <= Decimal.coefficientMax.magnitude, "a decimal's coefficient has at most 38 digits")
    high = Int64(truncatingIfNeeded: coefficient >> 64)
    low = UInt64(truncatingIfNeeded: coefficient)
    self.scale = scale
  }

  package init(_ value: Int64) { self.init(coefficient: Int128(value), scale: 0) }

  /// Reads `-12.50`, `7`, `.5`, `1e-3`; nil if the text is anything else or needs more than 38 digits.
  package init?(utf8 text: UnsafeRawBufferPointer) {
    var index = 0
    var isNegative = false
    if index < text.count, text[index] == UInt8(ascii: "-") || text[index] == UInt8(ascii: "+") {
      isNegative = text[index] == UInt8(ascii: "-")
      index += 1
    }
    var scale = 0
    var digits = 0
    var sawPoint = false
    // Up to 18 digits, which is nearly always all, in 64 bits: arithmetic of 128 bits is several times as dear.
    var short: UInt64 = 0
    while index < text.count, digits < 18 {
      let digit = text[index] &- UInt8(ascii: "0")
      if digit < 10 {
        short = short &* 10 &+ UInt64(digit)
        digits += 1
        if sawPoint { scale += 1 }
      } else if text[index] == UInt8(ascii: "."), !sawPoint {
        sawPoint = true
      } else {
        break
      }
      index += 1
    }
    if index == text.count, digits > 0 {
      self.init(coefficient: isNegative ? -Int128(short) : Int128(short), scale: UInt8(scale))
      return
    }
    var coefficient = Int128(short)
    while index < text.count {
      let byte = text[index]
      if byte == UInt8(ascii: "."), !sawPoint {
        sawPoint = true
      } else if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
        // Ten times 38 nines is more than Int128 holds, so the bound is asked before.
        guard coefficient <= Decimal.coefficientMax / 10 else { return nil }
        coefficient = coefficient * 10 + Int128(byte - UInt8(ascii: "0"))
        digits += 1
        if sawPoint { scale += 1 }
      } else {
        break
      }
      index += 1
    }
    guard digits > 0 else { return nil }
    if index < text.count, text[index] == UInt8(ascii: "e") || text[index] == UInt8(ascii: "E") {
      index += 1
      var exponent = 0
      var exponentIsNegative = false
      if index < text.count, text[index] == UInt8(ascii: "-") || text[index] == UInt8(ascii: "+") {
        exponentIsNegative = text[index] == UInt8(ascii: "-")
        index += 1
      }
      var exponentDigits = 0
      while index < text.count, text[index] >= UInt8(ascii: "0"), text[index] <= UInt8(ascii: "9"), exponentDigits < 4 {
        exponent = exponent * 10 + Int(text[index] - UInt8(ascii: "0"))
        exponentDigits += 1
        index += 1
      }
      guard exponentDigits > 0 else { return nil }
      scale += exponentIsNegative ? exponent : -exponent
    }
    guard index == text.count else { return nil }
    if coefficient == 0 { scale = min(max(scale, 0), Decimal.scaleMax) }
    while scale < 0 {
      guard coefficient <= Decimal.coefficientMax / 10 else { return nil }
      coefficient *= 10
      scale += 1
    }
    while scale > Decimal.scaleMax {
      guard coefficient % 10 == 0 else { return nil }
      coefficient /= 10
      scale -= 1
    }
    self.init(coefficient: isNegative ? -coefficient : coefficient, scale: UInt8(scale))
  }

  package init?(_ text: some StringProtocol) {
    var copy = String(text)
    let parsed = copy.withUTF8 { Decimal(utf8: UnsafeRawBufferPointer($0)) }
    guard let parsed else { return nil }
    self = parsed
  }

  /// The value as a whole number; nil if it has a fraction or does not fit.
  package var wholeNumber: Int64? {
    var value = coefficient
    for _ in 0..<scale {
      guard value % 10 == 0 else { return nil }
      value /= 10
    }
    return Int64(exactly: value)
  }

  /// Without trailing zeros after the point, where the coefficient fits into 64 bits: the same for all decimals that are equal.
  package var shortest: (coefficient: Int64, scale: UInt8)? {
    guard high == Int64(bitPattern: low) >> 63 else {
      let plain = trimmed(to: 0)
      return Int64(exactly: plain.coefficient).map { ($0, plain.scale) }
    }
    var coefficient = Int64(bitPattern: low)
    var scale = scale
    while scale > 0 {
      let (quotient, remainder) = coefficient.quotientAndRemainder(dividingBy: 10)
      guard remainder == 0 else { break }
      coefficient = quotient
      scale -= 1
    }
    return (coefficient, scale)
  }

  /// The nearest float.
  package var doubleValue: Double {
    // Both are exact up to 2^53 and 10^22, and then one division rounds once. What is larger goes by its text.
    guard coefficient.magnitude <= 1 << 53, scale <= 22 else { return Double(description) ?? .nan }
    var divisor = 1.0
    for _ in 0..<scale { divisor *= 10 }
    return Double(coefficient) / divisor
  }

  /// The same number with more digits after the point.
  private func coefficient(atScale target: UInt8) throws(Failure) -> Int128 {
    var value = coefficient
    var current = scale
    while current < target {
      let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
      guard !overflowed else { throw .overflow }
      value = product
      current += 1
    }
    return value
  }

  package func adding(_ other: Decimal) throws(Failure) -> Decimal {
    let scale = max(self.scale, other.scale)
    let (sum, overflowed) = try coefficient(atScale: scale).addingReportingOverflow(other.coefficient(atScale: scale))
    guard !overflowed, sum.magnitude <= Decimal.coefficientMax.magnitude else { throw .overflow }
    return Decimal(coefficient: sum, scale: scale)
  }

  package func subtracting(_ other: Decimal) throws(Failure) -> Decimal { try adding(other.negated()) }

  package func negated() -> Decimal {
    Decimal(coefficient: -coefficient, scale: scale)
  }

  package func multiplied(by other: Decimal) throws(Failure) -> Decimal {
    let (product, overflowed) = coefficient.multipliedReportingOverflow(by: other.coefficient)
    guard !overflowed, product.magnitude <= Decimal.coefficientMax.magnitude, Int(scale) + Int(other.scale) <= Decimal.scaleMax else {
      throw .overflow
    }
    return Decimal(coefficient: product, scale: scale + other.scale)
  }

  /// The quotient with up to 16 digits more than the operands' own, rounded half to even.
  package func divided(by other: Decimal) throws(Failure) -> Decimal {
    guard other.coefficient != 0 else { throw .divisionByZero }
    var numerator = coefficient
    var resultScale = Int(scale) - Int(other.scale)
    let wanted = min(max(Int(scale), Int(other.scale)) + 16, Decimal.scaleMax)
    while resultScale < wanted {
      guard numerator.magnitude <= Decimal.coefficientMax.magnitude / 10 else { break }
      numerator *= 10
      resultScale += 1
    }
    guard resultScale >= 0 else { throw .overflow }
    let (quotient, remainder) = numerator.quotientAndRemainder(dividingBy: other.coefficient)
    let twice = remainder.magnitude << 1
    let divisor = other.coefficient.magnitude
    var rounded = quotient
    if twice > divisor || (twice == divisor && quotient & 1 != 0) {
      rounded += (numerator < 0) == (other.coefficient < 0) ? 1 : -1
    }
    return Decimal(coefficient: rounded, scale: UInt8(resultScale)).trimmed(to: max(scale, other.scale))
  }

  /// Without trailing zeros after the point, down to `floor` digits.
  private func trimmed(to floor: UInt8) -> Decimal {
    var value = coefficient
    var scale = scale
    while scale > floor, value % 10 == 0 {
      value /= 10
      scale -= 1
    }
    return Decimal(coefficient: value, scale: scale)
  }

  /// Appends the text form (`-12.50`) to `buffer`.
  package func appendText(to buffer: inout [UInt8]) {
    var value = coefficient
    if value < 0 {
      buffer.append(UInt8(ascii: "-"))
    }
    // Small coefficients, which is nearly all of them, take the 64-bit path: 128-bit division is some ten times slower.
    if let small = Int64(exactly: value), small != Int64.min {
      Decimal.appendDigits(UInt64(abs(small)), scale: Int(scale), to: &buffer)
      return
    }
    var digits: [UInt8] = []
    repeat {
      let (quotient, remainder) = value.quotientAndRemainder(dividingBy: 10)
      digits.append(UInt8(ascii: "0") + UInt8(remainder.magnitude))
      value = quotient
    } while value != 0 || digits.count <= Int(scale)
    for index in digits.indices.reversed() {
      buffer.append(digits[index])
      if index == Int(scale), scale > 0 { buffer.append(UInt8(ascii: ".")) }
    }
  }

  private static func appendDigits(_ magnitude: UInt64, scale: Int, to buffer: inout [UInt8]) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { scratch in
      var rest = magnitude
      var start = 64
      var written = 0
      repeat {
        start -= 1
        scratch[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
        written += 1
        if written == scale {
          start -= 1
          scratch[start] = UInt8(ascii: ".")
        }
      } while rest != 0 || written <= scale
      buffer.append(contentsOf: UnsafeBufferPointer(rebasing: scratch[start..<64]))
    }
  }
}

extension Decimal: Comparable {
  /// Numeric order: `12.1 == 12.10`.
  private static func order(_ left: Decimal, _ right: Decimal) -> Int {
    if left.scale == right.scale {
      return left.coefficient == right.coefficient ? 0 : left.coefficient < right.coefficient ? -1 : 1
    }
    let scale = max(left.scale, right.scale)
    if let a = try? left.coefficient(atScale: scale), let b = try? right.coefficient(atScale: scale) {
      return a == b ? 0 : a < b ? -1 : 1
    }
    // One side is too large to be written at the other's scale, so the two differ by more than half: far more than rounding.
    return left.doubleValue < right.doubleValue ? -1 : left.doubleValue > right.doubleValue ? 1 : 0
  }

  package static func == (left: Decimal, right: Decimal) -> Bool { order(left, right) == 0 }
  package static func < (left: Decimal, right: Decimal) -> Bool { order(left, right) < 0 }
}

extension Decimal: Hashable {
  package func hash(into hasher: inout Hasher) {
    let plain = trimmed(to: 0)
    hasher.combine(plain.coefficient)
    hasher.combine(plain.scale)
  }
}

extension Decimal: CustomStringConvertible {
  package var description: String {
    var bytes: [UInt8] = []
    appendText(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }
}
