import ChainIO
import ChainProgram

/// The arithmetic of expressions: exact, and total. What does not fit is a step error, never a trap.
enum Arithmetic {
  static func evaluate(_ operation: BinaryOperation, _ a: Value, _ b: Value) throws(OperationError) -> Value {
    switch (operation, a, b) {
    case (.addInt, .int(let a), .int(let b)): return .int(try exact(a.addingReportingOverflow(b)))
    case (.subtractInt, .int(let a), .int(let b)): return .int(try exact(a.subtractingReportingOverflow(b)))
    case (.multiplyInt, .int(let a), .int(let b)): return .int(try exact(a.multipliedReportingOverflow(by: b)))
    case (.divideInt, .int(let a), .int(let b)):
      guard b != 0 else { throw divisionByZero }
      return .int(try exact(a.dividedReportingOverflow(by: b)))
    case (.remainderInt, .int(let a), .int(let b)):
      guard b != 0 else { throw divisionByZero }
      return .int(b == -1 ? 0 : a % b)
    case (.addDecimal, .decimal(let a), .decimal(let b)): return .decimal(try decimal { () throws(Decimal.Failure) in try a.adding(b) })
    case (.subtractDecimal, .decimal(let a), .decimal(let b)):
      return .decimal(try decimal { () throws(Decimal.Failure) in try a.subtracting(b) })
    case (.multiplyDecimal, .decimal(let a), .decimal(let b)):
      return .decimal(try decimal { () throws(Decimal.Failure) in try a.multiplied(by: b) })
    case (.divideDecimal, .decimal(let a), .decimal(let b)):
      return .decimal(try decimal { () throws(Decimal.Failure) in try a.divided(by: b) })
    case (.addFloat, .float(let a), .float(let b)): return .float(a + b)
    case (.subtractFloat, .float(let a), .float(let b)): return .float(a - b)
    case (.multiplyFloat, .float(let a), .float(let b)): return .float(a * b)
    case (.divideFloat, .float(let a), .float(let b)):
      guard b != 0 else { throw divisionByZero }
      return .float(a / b)
    case (.addDuration, .duration(let a), .duration(let b)): return .duration(try exact(a.addingReportingOverflow(b)))
    case (.subtractDuration, .duration(let a), .duration(let b)): return .duration(try exact(a.subtractingReportingOverflow(b)))
    case (.scaleDuration, .duration(let a), .int(let b)), (.scaleDuration, .int(let b), .duration(let a)):
      return .duration(try exact(a.multipliedReportingOverflow(by: b)))
    case (.divideDuration, .duration(let a), .int(let b)):
      guard b != 0 else { throw divisionByZero }
      return .duration(try exact(a.dividedReportingOverflow(by: b)))
    case (.divideDurations, .duration(let a), .duration(let b)):
      return .decimal(try decimal { () throws(Decimal.Failure) in try Decimal(a).divided(by: Decimal(b)) })
    case (.addInstant, .instant(let a), .duration(let b)): return .instant(try exact(a.addingReportingOverflow(b)))
    case (.subtractInstant, .instant(let a), .duration(let b)): return .instant(try exact(a.subtractingReportingOverflow(b)))
    case (.betweenInstants, .instant(let a), .instant(let b)): return .duration(try exact(a.subtractingReportingOverflow(b)))
    case (.concatenateText, .string(let a), .string(let b)):
      guard a.utf8.count + b.utf8.count <= textBytesMax else { throw textTooLong }
      return .string(a + b)
    default:
      // Only null can stand where the checker proved a type; an optional that was not handled is the one way here.
      throw OperationError(.value, code: "null", "an operand of an arithmetic operation is null")
    }
  }

  static func negate(_ value: Value) throws(OperationError) -> Value {
    switch value {
    case .int(let value): .int(try exact(Int64(0).subtractingReportingOverflow(value)))
    case .decimal(let value): .decimal(value.negated())
    case .float(let value): .float(-value)
    case .duration(let value): .duration(try exact(Int64(0).subtractingReportingOverflow(value)))
    case .null, .bool, .instant, .string, .uuid, .bytes, .json, .list, .rate, .size, .percentage:
      throw OperationError(.value, code: "null", "the operand of '-' is null")
    }
  }

  /// Bytes of a text that an expression makes; a text that doubles in a loop ends here.
  static let textBytesMax = 16 << 20
  static let textTooLong = OperationError(.value, code: "too-long", "a text has at most 16 MiB")

  private static let divisionByZero = OperationError(.value, code: "division-by-zero", "division by zero")

  private static func exact(_ result: (partialValue: Int64, overflow: Bool)) throws(OperationError) -> Int64 {
    guard !result.overflow else { throw OperationError(.value, code: "overflow", "the result does not fit in 64 bits") }
    return result.partialValue
  }

  private static func decimal(_ compute: () throws(Decimal.Failure) -> Decimal) throws(OperationError) -> Decimal {
    do throws(Decimal.Failure) {
      return try compute()
    } catch {
      switch error {
      case .overflow: throw OperationError(.value, code: "overflow", "the decimal result needs more than 38 digits")
      case .divisionByZero: throw divisionByZero
      }
    }
  }
}
