/// What a scalar is by the YAML 1.2 core schema, as this language reads it.
package enum YAMLCoreType: Hashable, Sendable {
  case null
  case bool(Bool)
  case int
  case float
  case string
}

/// The scalar tags of the core schema.
enum YAMLCoreTag: String {
  case null
  case bool
  case int
  case float
  case str
}

extension YAMLScalar {
  /// The type of the value: of a plain scalar by its form, of any other style a string, unless an explicit tag says otherwise.
  ///
  /// Narrower than the core schema in one point: a number with a leading zero (`010`) is a string, since YAML 1.1 reads it
  /// as octal. See `ambiguousHint`.
  package var coreType: YAMLCoreType {
    switch explicitType {
    case .str: .string
    case .null, .bool, .int, .float: Self.plainType(text)
    case nil: style == .plain ? Self.plainType(text) : .string
    }
  }

  package var isNull: Bool { coreType == .null }

  /// Why a plain scalar that is a string here may have been meant as something else, or nil.
  package var ambiguousHint: String? {
    guard style == .plain, coreType == .string else { return nil }
    switch text {
    case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON":
      return "'\(text)' is a string here, as in YAML 1.2; write true for the boolean"
    case "n", "N", "no", "No", "NO", "off", "Off", "OFF":
      return "'\(text)' is a string here, as in YAML 1.2; write false for the boolean"
    default:
      break
    }
    let bytes = Array(text.utf8)
    let digits = bytes.first == UInt8(ascii: "-") || bytes.first == UInt8(ascii: "+") ? bytes.dropFirst() : bytes[...]
    guard let first = digits.first, isDigit(first) else { return nil }
    if digits.contains(UInt8(ascii: ":")), digits.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: ":") }) {
      return "'\(text)' is a string here, as in YAML 1.2; write a duration as 5m or 90s, or quote the text"
    }
    if digits.contains(UInt8(ascii: "_")), digits.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") }) {
      return "'\(text)' is a string here, as in YAML 1.2; write the number without '_'"
    }
    if first == UInt8(ascii: "0"), digits.count > 1, isNumber(digits, leadingZeros: true) {
      return "'\(text)' is a string here; write the number without leading zeros, or quote the text"
    }
    if first == UInt8(ascii: "0"), digits.count > 2, digits.dropFirst().first == UInt8(ascii: "b"),
      digits.dropFirst(2).allSatisfy({ $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: "1") })
    {
      return "'\(text)' is a string here, as in YAML 1.2; write the number in decimal or with 0x"
    }
    return nil
  }

  static func plainType(_ text: String) -> YAMLCoreType {
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return .bool(true)
    case "false", "False", "FALSE": return .bool(false)
    case ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF": return .float
    default: break
    }
    let bytes = Array(text.utf8)
    if bytes.starts(with: [UInt8(ascii: "0"), UInt8(ascii: "x")]) {
      return bytes.count > 2 && bytes.dropFirst(2).allSatisfy(isHexadecimal) ? .int : .string
    }
    if bytes.starts(with: [UInt8(ascii: "0"), UInt8(ascii: "o")]) {
      return bytes.count > 2 && bytes.dropFirst(2).allSatisfy { isDigit($0) && $0 < UInt8(ascii: "8") } ? .int : .string
    }
    let unsigned = bytes.first == UInt8(ascii: "-") || bytes.first == UInt8(ascii: "+") ? bytes.dropFirst() : bytes[...]
    guard isNumber(unsigned, leadingZeros: false) else { return .string }
    return unsigned.allSatisfy(isDigit) ? .int : .float
  }
}

/// `[0-9]+`, `[0-9]+.[0-9]*` or `.[0-9]+`, with an exponent or without.
private func isNumber(_ bytes: ArraySlice<UInt8>, leadingZeros: Bool) -> Bool {
  var rest = bytes
  let whole = rest.prefix(while: isDigit)
  rest = rest.dropFirst(whole.count)
  if !leadingZeros, whole.count > 1, whole.first == UInt8(ascii: "0") { return false }
  var fractionCount = 0
  if rest.first == UInt8(ascii: ".") {
    let fraction = rest.dropFirst().prefix(while: isDigit)
    fractionCount = fraction.count
    rest = rest.dropFirst(1 + fractionCount)
  }
  guard whole.count + fractionCount > 0 else { return false }
  guard let exponent = rest.first else { return true }
  guard exponent == UInt8(ascii: "e") || exponent == UInt8(ascii: "E") else { return false }
  rest = rest.dropFirst()
  if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
  return !rest.isEmpty && rest.allSatisfy(isDigit)
}

private func isDigit(_ byte: UInt8) -> Bool {
  byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
}

private func isHexadecimal(_ byte: UInt8) -> Bool {
  isDigit(byte) || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "f"))
}
