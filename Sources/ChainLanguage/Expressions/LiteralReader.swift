package import ChainProgram
package import Diagnostics

/// Reads scalars that are literals of one type; anything else is a `bad-literal` finding that says what is allowed, and nil.
package enum LiteralReader {
  /// Nanoseconds, never negative: `500ms`, `1.5s`.
  package static func duration(_ text: ExpressionText, into findings: inout Findings) -> Int64? {
    if case .duration(let nanoseconds) = number(text) { return nanoseconds }
    if case .int(let count) = number(text) {
      refuse(text, "a duration", help: count == 0 ? "write '0s'" : "say the unit: '\(count)ms' or '\(count)s'", into: &findings)
    } else {
      refuse(
        text, "a duration", help: "write a number and one of \(names(ExpressionLexicon.durationUnits.map(\.name))), such as '500ms'",
        into: &findings)
    }
    return nil
  }

  /// Events per second: `200/s`, `12/min`.
  package static func rate(_ text: ExpressionText, into findings: inout Findings) -> Double? {
    if case .rate(let perSecond) = number(text) { return perSecond }
    if case .int(let count) = number(text) {
      refuse(text, "a rate", help: "say per what: '\(count)/s'", into: &findings)
    } else {
      refuse(
        text, "a rate", help: "write a number and one of \(names(ExpressionLexicon.rateUnits.map { "/" + $0.name })), such as '200/s'",
        into: &findings)
    }
    return nil
  }

  /// Bytes: `16KiB`.
  package static func size(_ text: ExpressionText, into findings: inout Findings) -> Int64? {
    if case .size(let bytes) = number(text) { return bytes }
    if case .int(let count) = number(text) {
      refuse(text, "a size", help: "say the unit: '\(count)B'", into: &findings)
    } else {
      refuse(
        text, "a size", help: "write a number and one of \(names(ExpressionLexicon.sizeUnits.map(\.name))), such as '16KiB'",
        into: &findings)
    }
    return nil
  }

  /// A fraction: `0.1%` is 0.001.
  package static func percentage(_ text: ExpressionText, into findings: inout Findings) -> Double? {
    if case .percentage(let fraction) = number(text) { return fraction }
    refuse(text, "a percentage", help: "write a number and '%', such as '0.1%'", into: &findings)
    return nil
  }

  /// A whole number within `range`.
  package static func integer(_ text: ExpressionText, in range: ClosedRange<Int64>, into findings: inout Findings) -> Int64? {
    guard case .int(let value) = number(text) else {
      refuse(
        text, "a whole number", help: "write digits only, such as '\(max(range.lowerBound, min(range.upperBound, 10)))'", into: &findings)
      return nil
    }
    guard range.contains(value) else {
      let bounds =
        range.upperBound == .max ? "\(range.lowerBound) or more" : "from \(range.lowerBound) to \(range.upperBound)"
      findings.add(.badLiteral, at: text.wholeRange, "\(value) is out of range: the number is \(bounds)")
      return nil
    }
    return value
  }

  /// What a literal under `vars:` is: a number, a bool, null, a duration, rate, size or percentage; any other text is a string.
  ///
  /// For a plain scalar; a quoted one is always a string.
  package static func value(_ text: String) -> (value: Value, type: ValueType) {
    switch text {
    case "true": return (.bool(true), .bool)
    case "false": return (.bool(false), .bool)
    case "null", "~", "": return (.null, .null)
    default: break
    }
    guard let value = number(Array(text.utf8)) else { return (.string(text), .string) }
    switch value {
    case .int: return (value, .int)
    case .decimal: return (value, .decimal)
    case .float: return (value, .float)
    case .duration: return (value, .duration)
    case .rate: return (value, .rate)
    case .size: return (value, .size)
    case .percentage: return (value, .percentage)
    case .null, .bool, .instant, .string, .uuid, .bytes, .json, .list: return (.string(text), .string)
    }
  }

  private static func number(_ text: ExpressionText) -> Value? { number(text.bytes) }

  /// The number with its unit that is all of the text. A minus sign is for plain numbers only.
  private static func number(_ bytes: [UInt8]) -> Value? {
    let isNegative = bytes.first == UInt8(ascii: "-")
    let start = isNegative ? 1 : 0
    guard start < bytes.count, ExpressionLexicon.isDigit(bytes[start]) else { return nil }
    let number = NumberLiteral(in: bytes, at: start, limit: bytes.count)
    guard number.end == bytes.count else { return nil }
    switch number.content {
    case .bad: return nil
    case .integer(let magnitude):
      if isNegative { return magnitude <= UInt64(Int64.max) + 1 ? .int(Int64(truncatingIfNeeded: 0 &- magnitude)) : nil }
      return Int64(exactly: magnitude).map { .int($0) }
    case .value(.decimal(let value), _): return .decimal(isNegative ? value.negated() : value)
    case .value(.float(let value), _): return .float(isNegative ? -value : value)
    case .value(let value, _): return isNegative ? nil : value
    }
  }

  private static func refuse(_ text: ExpressionText, _ what: String, help: String, into findings: inout Findings) {
    let shown = text.bytes.count <= 40 ? "'\(text.text)'" : "this"
    let better = suggestion(text.bytes).flatMap { better in
      number(Array(better.utf8)).flatMap { phrase($0) == what ? better : nil }
    }
    findings.add(
      .badLiteral, at: text.wholeRange, "\(shown) is not \(what)", help: better.map { "write '\($0)'" } ?? help,
      fix: better.map { .replace(text.wholeRange, by: $0, "write '\($0)'") })
  }

  /// `5 sec`, `5 s`, `5sec`, `200 / s`, `16 KB`, `0.1 %`, `200 per second` as we write them.
  private static func suggestion(_ bytes: [UInt8]) -> String? {
    let text = String(decoding: bytes.filter { !ExpressionLexicon.isSpace($0) }, as: UTF8.self)
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    var unit = String(text.dropFirst(digits.count))
    guard !digits.isEmpty, !unit.isEmpty else { return nil }
    if unit == "%" || unit == "percent" || unit == "pct" { return digits + "%" }
    if unit.hasPrefix("per") { unit = "/" + unit.dropFirst(3) }
    if unit.hasPrefix("/") {
      switch unit.dropFirst().lowercased() {
      case "s", "sec", "second", "1s": return digits + "/s"
      case "m", "min", "minute", "1m": return digits + "/min"
      case "h", "hour", "1h": return digits + "/h"
      default: return nil
      }
    }
    return NumberLiteral.suggestion(digits: String(digits), unit: unit)
  }

  private static func phrase(_ value: Value) -> String {
    switch value {
    case .duration: "a duration"
    case .rate: "a rate"
    case .size: "a size"
    case .percentage: "a percentage"
    case .int: "a whole number"
    case .null, .bool, .decimal, .float, .instant, .string, .uuid, .bytes, .json, .list: "another value"
    }
  }

  private static func names(_ units: [String]) -> String { units.map { "'\($0)'" }.joined(separator: " ") }
}
