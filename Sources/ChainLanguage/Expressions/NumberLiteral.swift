internal import ChainProgram

/// A number with the unit that is attached to it, read from the bytes of an expression or of a whole scalar.
struct NumberLiteral {
  enum Content {
    case integer(UInt64)
    case value(Value, ValueType)
    /// What is wrong, and what to write instead.
    case bad(message: String, help: String)
  }

  let content: Content
  /// One past the last byte.
  let end: Int

  /// - Precondition: a digit stands at `start`.
  init(in bytes: [UInt8], at start: Int, limit: Int) {
    var end = start
    func byte(_ index: Int) -> UInt8 { index < limit ? bytes[index] : 0 }
    while ExpressionLexicon.isDigit(byte(end)) { end += 1 }
    var isWhole = true
    if byte(end) == UInt8(ascii: "."), ExpressionLexicon.isDigit(byte(end + 1)) {
      isWhole = false
      end += 1
      while ExpressionLexicon.isDigit(byte(end)) { end += 1 }
    }
    let digits = String(decoding: bytes[start..<end], as: UTF8.self)
    if let exponentEnd = Self.exponent(in: bytes, at: end, limit: limit) {
      self.end = exponentEnd
      let text = String(decoding: bytes[start..<exponentEnd], as: UTF8.self)
      content = Double(text).flatMap { $0.isFinite ? .value(.float($0), .float) : nil }
        ?? .bad(message: "a float ends at 1.8e308", help: "write a smaller number")
      return
    }
    let unitStart = end
    while ExpressionLexicon.isNamePart(byte(end)) { end += 1 }
    let unit = String(decoding: bytes[unitStart..<end], as: UTF8.self)

    if unit.isEmpty, byte(end) == UInt8(ascii: "%") {
      self.end = end + 1
      content = Self.percentage(digits)
      return
    }
    if unit.isEmpty, byte(end) == UInt8(ascii: "/") {
      var rateEnd = end + 1
      while ExpressionLexicon.isNamePart(byte(rateEnd)) { rateEnd += 1 }
      let name = String(decoding: bytes[end + 1..<rateEnd], as: UTF8.self)
      if let unit = ExpressionLexicon.rateUnits.first(where: { $0.name == name }) {
        self.end = rateEnd
        content = Decimal(digits).map { .value(.rate($0.doubleValue / unit.seconds), .rate) } ?? Self.tooLong
        return
      }
    }
    self.end = end
    content = unit.isEmpty ? Self.plain(digits, isWhole: isWhole) : Self.number(digits, unit: unit, isWhole: isWhole)
  }

  /// Where `e3`, `E-7` or `e+10` ends; nil if none stands there.
  private static func exponent(in bytes: [UInt8], at start: Int, limit: Int) -> Int? {
    func byte(_ index: Int) -> UInt8 { index < limit ? bytes[index] : 0 }
    guard byte(start) | 0x20 == UInt8(ascii: "e") else { return nil }
    var end = start + 1
    if byte(end) == UInt8(ascii: "+") || byte(end) == UInt8(ascii: "-") { end += 1 }
    guard ExpressionLexicon.isDigit(byte(end)) else { return nil }
    while ExpressionLexicon.isDigit(byte(end)) { end += 1 }
    return ExpressionLexicon.isNamePart(byte(end)) ? nil : end
  }

  private static let tooLong = Content.bad(message: "a number has at most 38 digits", help: "write a shorter number")

  private static func plain(_ digits: String, isWhole: Bool) -> Content {
    if digits.utf8.count > 1, digits.hasPrefix("0"), !digits.hasPrefix("0.") {
      let rest = String(digits.drop { $0 == "0" })
      return .bad(
        message: "a number has no leading zeros",
        help: "write '\(rest.isEmpty || rest.hasPrefix(".") ? "0" + rest : rest)', or '\"\(digits)\"' for a text")
    }
    guard isWhole else { return Decimal(digits).map { .value(.decimal($0), .decimal) } ?? tooLong }
    guard let magnitude = UInt64(digits) else {
      return .bad(message: "a whole number ends at \(Int64.max)", help: "write '\(digits).0' for a decimal of up to 38 digits")
    }
    return .integer(magnitude)
  }

  private static func percentage(_ digits: String) -> Content {
    guard let number = Decimal(digits), Int(number.scale) + 2 <= Decimal.scaleMax else { return tooLong }
    return .value(.percentage(Decimal(coefficient: number.coefficient, scale: number.scale + 2).doubleValue), .percentage)
  }

  private static func number(_ digits: String, unit: String, isWhole: Bool) -> Content {
    if let found = ExpressionLexicon.durationUnits.first(where: { $0.name == unit }) {
      guard let number = Decimal(digits), let nanoseconds = try? number.multiplied(by: Decimal(found.nanoseconds)).wholeNumber else {
        return .bad(
          message: "'\(digits)\(unit)' is not a whole number of nanoseconds, or more than 292 years",
          help: "write it in a smaller unit, such as '500ms'")
      }
      return .value(.duration(nanoseconds), .duration)
    }
    if let found = ExpressionLexicon.sizeUnits.first(where: { $0.name == unit }) {
      guard let number = Decimal(digits), let bytes = try? number.multiplied(by: Decimal(found.bytes)).wholeNumber else {
        return .bad(
          message: "'\(digits)\(unit)' is not a whole number of bytes, or too many", help: "write it in a smaller unit, such as '16KiB'")
      }
      return .value(.size(bytes), .size)
    }
    if unit.hasPrefix("_") {
      let plain = unit.filter { $0 != "_" }
      return .bad(message: "a number has no '_' in it", help: "write '\(digits)\(plain)'")
    }
    if ["e", "E"].contains(unit.prefix(1)), unit.dropFirst().allSatisfy(\.isNumber) {
      return .bad(message: "an exponent has digits", help: "write '\(digits)e3'")
    }
    if let better = suggestion(digits: digits, unit: unit) {
      return .bad(message: "'\(unit)' is not a unit", help: "write '\(better)'")
    }
    return .bad(message: "'\(unit)' is not a unit", help: "a number may end in one of \(unitList)")
  }

  static let unitList =
    ExpressionLexicon.durationUnits.map { "'\($0.name)'" }.joined(separator: ", ") + ", '%', "
    + ExpressionLexicon.rateUnits.map { "'/\($0.name)'" }.joined(separator: ", ") + ", "
    + ExpressionLexicon.sizeUnits.map { "'\($0.name)'" }.joined(separator: ", ")

  /// What someone meant who wrote a unit in words or with the units of another language.
  static func suggestion(digits: String, unit: String) -> String? {
    let word = unit.lowercased()
    let durations: [(Set<String>, String)] = [
      (["nanosecond", "nanoseconds", "nsec"], "ns"), (["microsecond", "microseconds", "usec", "µs"], "us"),
      (["millisecond", "milliseconds", "msec", "msecs", "millis"], "ms"), (["sec", "secs", "second", "seconds", "s"], "s"),
      (["min", "mins", "minute", "minutes", "m"], "m"), (["hour", "hours", "hr", "hrs", "h"], "h"), (["ms"], "ms"),
    ]
    if let unit = durations.first(where: { $0.0.contains(word) })?.1 { return digits + unit }
    if ["d", "day", "days"].contains(word), let days = Int64(digits), days < 10_000 { return "\(days * 24)h" }
    let sizes: [(Set<String>, String)] = [
      (["b", "byte", "bytes"], "B"), (["k", "kb", "kib", "kbyte"], "KiB"), (["mb", "mib", "mbyte"], "MiB"), (["g", "gb", "gib"], "GiB"),
      (["tb", "tib"], "TiB"),
    ]
    if let unit = sizes.first(where: { $0.0.contains(word) })?.1 { return digits + unit }
    let rates: [(Set<String>, String)] = [(["rps", "qps", "tps", "ps"], "s"), (["rpm"], "min")]
    return rates.first { $0.0.contains(word) }.map { "\(digits)/\($0.1)" }
  }
}
