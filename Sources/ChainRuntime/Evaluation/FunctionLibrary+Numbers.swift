import ChainIO
import ChainProgram

extension FunctionLibrary {
  static func number(_ function: Function, _ arguments: Arguments) throws(OperationError) -> Value {
    switch function {
    case .least, .greatest:
      let (a, b) = (arguments[0], arguments[1])
      if case .null = a { throw isNull }
      if case .null = b { throw isNull }
      let isLess = Ordering.holds(.less, .decimal, b, a)
      return isLess == (function == .least) ? b : a
    case .absolute:
      if Ordering.holds(.less, .decimal, arguments[0], zero(like: arguments[0])) { return try Arithmetic.negate(arguments[0]) }
      if case .null = arguments[0] { throw isNull }
      return arguments[0]
    case .round, .floor, .ceiling:
      if case .float(let number) = arguments[0] {
        let whole = number.rounded(function == .round ? .toNearestOrAwayFromZero : function == .floor ? .down : .up)
        guard let result = Int64(exactly: whole) else { throw overflow }
        return .int(result)
      }
      let rule: Rounding = function == .round ? .nearest : function == .floor ? .down : .up
      guard let result = rounded(try decimal(arguments, 0), to: 0, rule).wholeNumber else { throw overflow }
      return .int(result)
    case .roundTo:
      let digits = try int(arguments, 1)
      guard digits >= 0 else { throw negative }
      return .decimal(rounded(try decimal(arguments, 0), to: UInt8(clamping: digits), .nearest))
    default: throw isNull
    }
  }

  private enum Rounding { case nearest, down, up }

  /// With at most so many digits after the point.
  private static func rounded(_ number: Decimal, to scale: UInt8, _ rule: Rounding) -> Decimal {
    guard number.scale > scale else { return number }
    var divisor: Int128 = 1
    for _ in scale..<number.scale { divisor *= 10 }
    let (quotient, remainder) = number.coefficient.quotientAndRemainder(dividingBy: divisor)
    let step: Int128 =
      switch rule {
      // Not twice the remainder: that of a number below 10^-38 could be too large.
      case .nearest: remainder.magnitude >= divisor.magnitude - remainder.magnitude ? (number.coefficient < 0 ? -1 : 1) : 0
      case .down: remainder < 0 ? -1 : 0
      case .up: remainder > 0 ? 1 : 0
      }
    return Decimal(coefficient: quotient + step, scale: scale)
  }

  private static func zero(like value: Value) -> Value {
    switch value {
    case .decimal: .decimal(Decimal(0))
    case .float: .float(0)
    case .duration: .duration(0)
    default: .int(0)
    }
  }

  static func time(_ function: Function, _ arguments: Arguments) throws(OperationError) -> Value {
    switch function {
    case .formatInstant: return .string(try InstantPattern.format(try instant(arguments, 0), try string(arguments, 1)))
    case .parseInstant: return .instant(try InstantPattern.parse(try string(arguments, 0), try string(arguments, 1)))
    case .epochSeconds: return .decimal(seconds(try instant(arguments, 0)))
    case .seconds: return .decimal(seconds(try duration(arguments, 0)))
    case .instantAt:
      guard let nanoseconds = (try? decimal(arguments, 0).multiplied(by: Decimal(1_000_000_000)))?.wholeNumber else { throw overflow }
      return .instant(nanoseconds)
    case .truncateInstant:
      let (at, unit) = (try instant(arguments, 0), try duration(arguments, 1))
      guard unit > 0 else { throw OperationError(.value, code: "negative", "a time is truncated to a duration above 0") }
      let rest = at % unit
      let (result, isTooFar) = at.subtractingReportingOverflow(rest < 0 ? rest + unit : rest)
      guard !isTooFar else { throw overflow }
      return .instant(result)
    default: throw isNull
    }
  }

  /// Without zeros at the end.
  private static func seconds(_ nanoseconds: Int64) -> Decimal {
    var (rest, scale) = (nanoseconds, UInt8(9))
    while scale > 0, rest % 10 == 0 {
      rest /= 10
      scale -= 1
    }
    return Decimal(coefficient: Int128(rest), scale: scale)
  }
}
