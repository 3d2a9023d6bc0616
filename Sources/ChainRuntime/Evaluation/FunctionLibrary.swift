import ChainIO
import ChainProgram

/// The functions of `FunctionSignature.all`. Total: bad arguments are step errors, and what is made has a bound (`Arithmetic.textBytesMax`,
/// `listCountMax`). Texts are in `+Text`, numbers and time in `+Numbers`, bytes in `+Bytes`, lists and JSON in `+Lists`, draws in `+Random`.
enum FunctionLibrary {
  typealias Arguments = UnsafeBufferPointer<Value>

  /// Elements of a list that a function makes.
  static let listCountMax: Int64 = 100_000

  static func evaluate(_ function: Function, _ arguments: Arguments, draws: inout Randomness) throws(OperationError) -> Value {
    switch function {
    case .after, .before, .lower, .upper, .trim, .length, .contains, .startsWith, .endsWith, .replace, .split, .substring, .padLeft,
      .padRight, .repeat, .join:
      return try text(function, arguments)
    case .matches, .extract: throw OperationError(.value, code: "bad-pattern", "a pattern is compiled before the run")
    case .minInt: return .int(min(try int(arguments, 0), try int(arguments, 1)))
    case .maxInt: return .int(max(try int(arguments, 0), try int(arguments, 1)))
    case .least, .greatest, .absolute, .round, .roundTo, .floor, .ceiling: return try number(function, arguments)
    case .now: return .instant(WallClock.now)
    case .formatInstant, .parseInstant, .epochSeconds, .instantAt, .truncateInstant, .seconds: return try time(function, arguments)
    case .sha256, .hmacSHA256, .crc32, .base64Encode, .base64Decode, .hexEncode, .hexDecode, .urlEncode, .urlDecode:
      return try bytes(function, arguments)
    case .toJSON, .parseJSON, .keys: return try json(function, arguments)
    case .size, .first, .last, .sum, .leastOf, .greatestOf, .listContains, .reverse, .unique, .range, .isIn:
      return try list(function, arguments)
    case .randomInt, .randomDecimal, .randomUUID, .randomFloat, .randomBool, .randomDuration, .randomChoice, .randomWeighted, .randomZipf,
      .randomNormal, .randomExponential, .randomString, .randomDigits:
      return try random(function, arguments, draws: &draws)
    case .randomFirstName, .randomLastName, .randomFullName, .randomEmail, .randomPhone, .randomStreet, .randomCity, .randomPostcode,
      .randomCountry, .randomCompany, .randomWord, .randomSentence:
      return .string(try People.draw(function, arguments, draws: &draws))
    }
  }

  // Arguments. The checker proved their types; null is what it could not rule out everywhere.

  static func string(_ arguments: Arguments, _ index: Int) throws(OperationError) -> String {
    if case .string(let text) = arguments[index] { return text }
    guard case .string(let text) = try Casting.cast(arguments[index], to: .string) else { return "" }
    return text
  }

  static func int(_ arguments: Arguments, _ index: Int) throws(OperationError) -> Int64 {
    guard case .int(let number) = try Casting.cast(arguments[index], to: .int) else { return 0 }
    return number
  }

  static func decimal(_ arguments: Arguments, _ index: Int) throws(OperationError) -> Decimal {
    guard case .decimal(let number) = try Casting.cast(arguments[index], to: .decimal) else { return Decimal(0) }
    return number
  }

  static func float(_ arguments: Arguments, _ index: Int) throws(OperationError) -> Double {
    guard case .float(let number) = try Casting.cast(arguments[index], to: .float) else { return 0 }
    return number
  }

  static func instant(_ arguments: Arguments, _ index: Int) throws(OperationError) -> Int64 {
    guard case .instant(let nanoseconds) = arguments[index] else { throw isNull }
    return nanoseconds
  }

  static func duration(_ arguments: Arguments, _ index: Int) throws(OperationError) -> Int64 {
    guard case .duration(let nanoseconds) = arguments[index] else { throw isNull }
    return nanoseconds
  }

  static func elements(_ arguments: Arguments, _ index: Int) throws(OperationError) -> [Value] {
    guard case .list(let elements) = arguments[index] else { throw isNull }
    return elements
  }

  static let isNull = OperationError(.value, code: "null", "an argument is null")
  static let overflow = OperationError(.value, code: "overflow", "the result does not fit")
  static let negative = OperationError(.value, code: "negative", "a count is below 0")
  static let tooLong = OperationError(.value, code: "too-long", "a list has at most \(listCountMax) elements")
}
