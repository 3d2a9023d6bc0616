internal import ChainProgram

/// Computes before the run what is known before the run. What would fail is left to fail at run time, at its place.
enum ConstantFolding {
  static func binary(_ operation: BinaryOperation, _ left: Value, _ right: Value) -> Value? {
    switch (operation, left, right) {
    case (.addInt, .int(let a), .int(let b)): whole(a.addingReportingOverflow(b))
    case (.subtractInt, .int(let a), .int(let b)): whole(a.subtractingReportingOverflow(b))
    case (.multiplyInt, .int(let a), .int(let b)): whole(a.multipliedReportingOverflow(by: b))
    case (.divideInt, .int(let a), .int(let b)): b == 0 ? nil : whole(a.dividedReportingOverflow(by: b))
    case (.remainderInt, .int(let a), .int(let b)): b == 0 ? nil : whole(a.remainderReportingOverflow(dividingBy: b))
    case (.addDecimal, .decimal(let a), .decimal(let b)): (try? a.adding(b)).map { .decimal($0) }
    case (.subtractDecimal, .decimal(let a), .decimal(let b)): (try? a.subtracting(b)).map { .decimal($0) }
    case (.multiplyDecimal, .decimal(let a), .decimal(let b)): (try? a.multiplied(by: b)).map { .decimal($0) }
    case (.divideDecimal, .decimal(let a), .decimal(let b)): (try? a.divided(by: b)).map { .decimal($0) }
    case (.addDuration, .duration(let a), .duration(let b)): duration(a.addingReportingOverflow(b))
    case (.subtractDuration, .duration(let a), .duration(let b)): duration(a.subtractingReportingOverflow(b))
    case (.scaleDuration, .duration(let a), .int(let b)): duration(a.multipliedReportingOverflow(by: b))
    case (.divideDuration, .duration(let a), .int(let b)): b == 0 ? nil : duration(a.dividedReportingOverflow(by: b))
    case (.concatenateText, .string(let a), .string(let b)): .string(a + b)
    default: nil
    }
  }

  static func negate(_ value: Value) -> Value? {
    switch value {
    case .int(let number): whole(Int64(0).subtractingReportingOverflow(number))
    case .decimal(let number): .decimal(number.negated())
    case .float(let number): .float(-number)
    case .duration(let nanoseconds): duration(Int64(0).subtractingReportingOverflow(nanoseconds))
    case .null, .bool, .instant, .string, .uuid, .bytes, .json, .list, .rate, .size, .percentage: nil
    }
  }

  /// A number as another kind of number; text and the rest are left to the run.
  static func convert(_ value: Value, to type: ValueType) -> Value? {
    switch (value, type) {
    case (.null, _): .null
    case (.int(let number), .decimal): .decimal(Decimal(number))
    case (.int(let number), .float): Double(exactly: number).map { .float($0) }
    case (.decimal(let number), .float): .float(number.doubleValue)
    case (.decimal(let number), .int): number.wholeNumber.map { .int($0) }
    case (.list(let elements), .list(let type)): list(elements, of: type)
    default: nil
    }
  }

  private static func list(_ elements: [Value], of type: ValueType) -> Value? {
    var converted: [Value] = []
    for element in elements {
      guard let element = convert(element, to: type.plain) else { return nil }
      converted.append(element)
    }
    return .list(converted)
  }

  private static func whole(_ result: (partialValue: Int64, overflow: Bool)) -> Value? { result.overflow ? nil : .int(result.partialValue) }
  private static func duration(_ result: (partialValue: Int64, overflow: Bool)) -> Value? {
    result.overflow ? nil : .duration(result.partialValue)
  }
}
