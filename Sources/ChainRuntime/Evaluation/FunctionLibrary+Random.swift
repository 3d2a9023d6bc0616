import ChainIO
import ChainProgram

extension FunctionLibrary {
  static func random(_ function: Function, _ arguments: Arguments, draws: inout Randomness) throws(OperationError) -> Value {
    switch function {
    case .randomInt:
      return .int(try whole(from: int(arguments, 0), to: int(arguments, 1), draws: &draws))
    case .randomDecimal:
      return .decimal(try randomDecimal(decimal(arguments, 0), decimal(arguments, 1), draws: &draws))
    case .randomUUID:
      // RFC 9562, 5.4: version 4, variant 10.
      let high = draws.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
      let low = draws.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
      return .uuid(UUIDBits(high: high, low: low))
    case .randomFloat:
      let (from, to) = (try float(arguments, 0), try float(arguments, 1))
      guard from <= to else { throw emptyRange }
      let unit = draws.nextUnit()
      // Not from + unit × (to - from), whose difference may be infinite; rounding may reach `to`, which is not possible.
      let drawn = from * (1 - unit) + to * unit
      return .float(from == to ? from : min(max(drawn, from), to.nextDown))
    case .randomBool:
      let chance = try float(arguments, 0)
      guard chance >= 0, chance <= 1 else { throw OperationError(.value, code: "bad-chance", "a chance is from 0 to 1") }
      return .bool(draws.nextUnit() < chance)
    case .randomDuration:
      return .duration(try whole(from: duration(arguments, 0), to: duration(arguments, 1), draws: &draws))
    case .randomChoice:
      let list = try elements(arguments, 0)
      guard !list.isEmpty else { throw emptyList }
      return list[Int(draws.next(below: UInt64(list.count)))]
    case .randomWeighted: return try weighted(elements(arguments, 0), elements(arguments, 1), draws: &draws)
    case .randomZipf:
      let (n, s) = (try int(arguments, 0), try float(arguments, 1))
      guard n >= 1, n <= 1 << 53 else { throw OperationError(.value, code: "empty-range", "random.zipf draws from 1 to n, and n is from 1 to 2^53") }
      guard s >= 0, s <= 100 else { throw OperationError(.value, code: "bad-exponent", "the exponent of random.zipf is from 0 to 100") }
      return .int(draws.nextZipf(n, exponent: s))
    case .randomNormal:
      let (mean, deviation) = (try float(arguments, 0), try float(arguments, 1))
      guard deviation >= 0 else { throw OperationError(.value, code: "negative", "a standard deviation is not below 0") }
      return .float(mean + deviation * draws.nextNormal())
    case .randomExponential:
      let unit = draws.nextExponential()
      if case .duration(let mean) = arguments[0] {
        guard mean >= 0 else { throw negativeMean }
        // At most 38 times the mean, so it may be too long.
        guard let drawn = Int64(exactly: (Double(mean) * unit).rounded()) else { throw overflow }
        return .duration(drawn)
      }
      let mean = try float(arguments, 0)
      guard mean >= 0 else { throw negativeMean }
      return .float(mean * unit)
    case .randomString:
      return .string(try text(of: int(arguments, 0), from: Array(string(arguments, 1).unicodeScalars), draws: &draws))
    case .randomDigits: return .string(try text(of: int(arguments, 0), from: Array("0123456789".unicodeScalars), draws: &draws))
    default: throw isNull
    }
  }

  private static func whole(from low: Int64, to high: Int64, draws: inout Randomness) throws(OperationError) -> Int64 {
    guard low <= high else { throw emptyRange }
    let span = UInt64(bitPattern: high) &- UInt64(bitPattern: low)
    let offset = span == .max ? draws.next() : draws.next(below: span + 1)
    return Int64(bitPattern: UInt64(bitPattern: low) &+ offset)
  }

  private static func randomDecimal(_ low: Decimal, _ high: Decimal, draws: inout Randomness) throws(OperationError) -> Decimal {
    let scale = max(low.scale, high.scale, 2)
    let drawn = try whole(from: units(of: low, scale: scale), to: units(of: high, scale: scale), draws: &draws)
    return Decimal(coefficient: Int128(drawn), scale: scale)
  }

  /// How many units of `scale` the value is.
  private static func units(of value: Decimal, scale: UInt8) throws(OperationError) -> Int64 {
    var tooLarge: OperationError { OperationError(.value, code: "overflow", "the bounds of random.decimal are too large") }
    guard var units = Int64(exactly: value.coefficient) else { throw tooLarge }
    for _ in value.scale..<scale {
      let (product, overflowed) = units.multipliedReportingOverflow(by: 10)
      guard !overflowed else { throw tooLarge }
      units = product
    }
    return units
  }

  private static func weighted(_ list: [Value], _ weights: [Value], draws: inout Randomness) throws(OperationError) -> Value {
    guard list.count == weights.count else {
      throw OperationError(.value, code: "bad-weights", "there are \(list.count) elements and \(weights.count) weights")
    }
    var total: UInt64 = 0
    for weight in weights {
      guard case .int(let number) = weight, number >= 0 else { throw OperationError(.value, code: "bad-weights", "a weight is a whole number from 0") }
      let (sum, isTooLarge) = total.addingReportingOverflow(UInt64(number))
      guard !isTooLarge else { throw overflow }
      total = sum
    }
    guard total > 0 else { throw OperationError(.value, code: "bad-weights", "all weights are 0") }
    var left = draws.next(below: total)
    for (element, weight) in zip(list, weights) {
      guard case .int(let number) = weight else { continue }
      if left < UInt64(number) { return element }
      left -= UInt64(number)
    }
    return .null
  }

  private static func text(of length: Int64, from alphabet: [Unicode.Scalar], draws: inout Randomness) throws(OperationError) -> String {
    guard length >= 0 else { throw negative }
    guard length <= 1_000_000 else { throw Arithmetic.textTooLong }
    guard !alphabet.isEmpty || length == 0 else { throw OperationError(.value, code: "empty-text", "the alphabet is empty") }
    var text = String.UnicodeScalarView()
    for _ in 0..<length { text.append(alphabet[Int(draws.next(below: UInt64(alphabet.count)))]) }
    return String(text)
  }

  private static let emptyRange = OperationError(.value, code: "empty-range", "the lower bound is above the upper one")
  private static let emptyList = OperationError(.value, code: "empty-list", "there is nothing to choose from: the list is empty")
  private static let negativeMean = OperationError(.value, code: "negative", "a mean is not below 0")
}
