import ChainIO
import ChainProgram
import LosslessJSON

/// `expr as T`: the one checked cast. Its failure names the types and the shape of the value, never the value.
enum Casting {
  static func cast(_ value: Value, to target: CastTarget) throws(OperationError) -> Value {
    switch value {
    case .null:
      throw OperationError(.value, code: "null", "the value is null, and \(name(target)) is needed")
    case .string(let text):
      var copy = text
      let result = copy.withUTF8 { cast(utf8: UnsafeRawBufferPointer($0), to: target) }
      guard let result else { throw notA(target, "text of \(text.unicodeScalars.count) characters") }
      return result
    case .json(let json):
      return try cast(json, to: target)
    case .int(let number):
      switch target {
      case .int: return value
      case .decimal: return .decimal(Decimal(number))
      case .float: return .float(Double(number))
      case .string: return .string(String(number))
      case .bool, .duration, .instant, .uuid, .bytes, .json: throw notA(target, "an int")
      }
    case .decimal(let number):
      switch target {
      case .decimal: return value
      case .int:
        guard let whole = number.wholeNumber else { throw notA(target, "a decimal with a fraction") }
        return .int(whole)
      case .float: return .float(number.doubleValue)
      case .string: return .string(number.description)
      case .bool, .duration, .instant, .uuid, .bytes, .json: throw notA(target, "a decimal")
      }
    case .float(let number):
      switch target {
      case .float: return value
      case .int:
        guard let whole = Int64(exactly: number) else { throw notA(target, "a float with a fraction") }
        return .int(whole)
      case .string: return .string(number.description)
      case .decimal:
        guard let exact = Decimal(number.description) else { throw notA(target, "a float") }
        return .decimal(exact)
      case .bool, .duration, .instant, .uuid, .bytes, .json: throw notA(target, "a float")
      }
    case .bool, .duration, .instant, .uuid, .bytes, .list, .rate, .size, .percentage:
      if isAlready(value, target) { return value }
      guard target == .string else { throw notA(target, "a value of another type") }
      var text: [UInt8] = []
      guard value.appendText(to: &text) else { throw notA(target, "a list") }
      return .string(String(decoding: text, as: UTF8.self))
    }
  }

  /// `as list<T>` of a list, a JSON array or its text; `as map<T>` of a JSON object or its text. A null element is a step error.
  static func castAll(_ value: Value, to container: ContainerTarget, of target: CastTarget) throws(OperationError) -> Value {
    if case .string = value { return try castAll(cast(value, to: .json), to: container, of: target) }
    switch (container, value) {
    case (_, .null): throw OperationError(.value, code: "null", "the value is null, and a \(container) is needed")
    case (.list, .list(let elements)):
      var result: [Value] = []
      result.reserveCapacity(elements.count)
      for element in elements { result.append(try cast(element, to: target)) }
      return .list(result)
    case (.list, .json(let json)) where json.kind == .array:
      var result: [Value] = []
      for element in json.elements { result.append(try cast(element, to: target)) }
      return .list(result)
    case (.map, .json(let json)) where json.kind == .object:
      for member in json.members { _ = try cast(member.value, to: target) }
      return value
    default: throw OperationError(.value, code: "not-\(container)", "the value is not a \(container)")
    }
  }

  /// Reads text as a value of the type; nil if it is not one.
  static func cast(utf8 text: UnsafeRawBufferPointer, to target: CastTarget) -> Value? {
    switch target {
    case .string: return .string(String(decoding: text, as: UTF8.self))
    case .int: return integer(utf8: text).map { .int($0) }
    case .decimal: return Decimal(utf8: text).map { .decimal($0) }
    case .float: return Double(String(decoding: text, as: UTF8.self)).map { .float($0) }
    case .bool:
      // PostgreSQL's text form of a boolean is a single letter.
      if text.elementsEqual("true".utf8) || text.elementsEqual("t".utf8) { return .bool(true) }
      if text.elementsEqual("false".utf8) || text.elementsEqual("f".utf8) { return .bool(false) }
      return nil
    case .uuid: return UUIDBits(utf8: text).map { .uuid($0) }
    case .bytes: return .bytes(Array(text))
    case .json: return (try? JSONDocument(parsing: text)).map { .json($0.root) }
    case .duration: return DurationText.nanoseconds(utf8: text).map { .duration($0) }
    case .instant: return InstantText.nanoseconds(utf8: text).map { .instant($0) }
    }
  }

  /// A whole number in decimal digits; nil if the text is anything else or does not fit.
  static func integer(utf8 text: UnsafeRawBufferPointer) -> Int64? {
    var index = 0
    var isNegative = false
    if let first = text.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
      isNegative = first == UInt8(ascii: "-")
      index = 1
    }
    guard index < text.count, text.count - index <= 19 else { return nil }
    var magnitude: UInt64 = 0
    while index < text.count {
      let digit = text[index] &- UInt8(ascii: "0")
      guard digit < 10 else { return nil }
      magnitude = magnitude &* 10 &+ UInt64(digit)
      index += 1
    }
    if isNegative { return magnitude <= 1 << 63 ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil }
    return Int64(exactly: magnitude)
  }

  private static func cast(_ json: JSONValue, to target: CastTarget) throws(OperationError) -> Value {
    switch (json.kind, target) {
    case (_, .json): return .json(json)
    case (.null, _): throw OperationError(.value, code: "null", "the JSON value is null, and \(name(target)) is needed")
    case (.bool, .bool): return .bool(json.bool == true)
    case (.bool, .string): return .string(json.bool == true ? "true" : "false")
    case (.number, .int), (.number, .decimal), (.number, .float), (.number, .string), (.string, _):
      let result = json.withUTF8 { cast(utf8: UnsafeRawBufferPointer($0), to: target) }
      guard let result, let value = result else { throw notA(target, json.kind == .number ? "a JSON number" : "a JSON string") }
      return value
    case (.number, _): throw notA(target, "a JSON number")
    case (.bool, _): throw notA(target, "a JSON boolean")
    case (.array, .string), (.object, .string): return .string(json.serialized)
    case (.array, _): throw notA(target, "a JSON array")
    case (.object, _): throw notA(target, "a JSON object")
    }
  }

  private static func isAlready(_ value: Value, _ target: CastTarget) -> Bool {
    switch (value, target) {
    case (.bool, .bool), (.duration, .duration), (.instant, .instant), (.uuid, .uuid), (.bytes, .bytes): true
    default: false
    }
  }

  private static func notA(_ target: CastTarget, _ what: String) -> OperationError {
    OperationError(.value, code: "not-\(target)", "\(what) is not \(name(target))")
  }

  private static func name(_ target: CastTarget) -> String {
    switch target {
    case .int, .instant: "an \(target)"
    case .string, .decimal, .float, .bool, .duration, .uuid: "a \(target)"
    case .bytes, .json: "\(target)"
    }
  }
}

/// Durations as text: `1500ms`, `2s`, `1h`.
enum DurationText {
  static func nanoseconds(utf8 text: UnsafeRawBufferPointer) -> Int64? {
    let digits = text.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") || $0 == UInt8(ascii: ".") }
    guard let amount = Decimal(utf8: UnsafeRawBufferPointer(rebasing: digits)) else { return nil }
    let unit: Int64
    switch String(decoding: text[digits.endIndex...], as: UTF8.self) {
    case "ns": unit = 1
    case "us", "µs": unit = 1_000
    case "ms": unit = 1_000_000
    case "s": unit = 1_000_000_000
    case "m": unit = 60_000_000_000
    case "h": unit = 3_600_000_000_000
    default: return nil
    }
    return (try? amount.multiplied(by: Decimal(unit)))?.wholeNumber
  }
}

/// Instants as text: RFC 3339, and PostgreSQL's `2026-11-20 07:33:00.25+00`.
enum InstantText {
  static func nanoseconds(utf8 text: UnsafeRawBufferPointer) -> Int64? {
    var position = 0
    func number(_ width: Int) -> Int64? {
      guard position + width <= text.count else { return nil }
      var value: Int64 = 0
      for offset in 0..<width {
        let digit = text[position + offset] &- UInt8(ascii: "0")
        guard digit < 10 else { return nil }
        value = value * 10 + Int64(digit)
      }
      position += width
      return value
    }
    func take(_ allowed: String) -> Bool {
      guard position < text.count, allowed.utf8.contains(text[position]) else { return false }
      position += 1
      return true
    }
    guard let year = number(4), take("-"), let month = number(2), take("-"), let day = number(2), take("Tt "),
      let hour = number(2), take(":"), let minute = number(2), take(":"), let second = number(2),
      (1...12).contains(month), day >= 1, day <= days(in: month, of: year), hour < 24, minute < 60, second < 61
    else { return nil }
    var fraction: Int64 = 0
    if take(".") {
      var scale: Int64 = 100_000_000
      var digits = 0
      while position < text.count, case let digit = text[position] &- UInt8(ascii: "0"), digit < 10 {
        fraction += Int64(digit) * scale
        scale /= 10
        digits += 1
        position += 1
      }
      guard digits > 0 else { return nil }
    }
    var offset: Int64 = 0
    if position < text.count {
      let sign = text[position]
      if take("Zz") {
        offset = 0
      } else if take("+-") {
        guard let hours = number(2) else { return nil }
        _ = take(":")
        let minutes = position < text.count ? number(2) ?? -1 : 0
        guard minutes >= 0 else { return nil }
        offset = (hours * 3600 + minutes * 60) * (sign == UInt8(ascii: "-") ? -1 : 1)
      }
    }
    guard position == text.count else { return nil }
    // Day count from a civil date: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    let days = era * 146_097 + dayOfEra - 719_468
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset
    let (whole, isTooFar) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (nanoseconds, isJustTooFar) = whole.addingReportingOverflow(fraction)
    return isTooFar || isJustTooFar ? nil : nanoseconds
  }

  private static func days(in month: Int64, of year: Int64) -> Int64 {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}
