internal import ChainProgram
internal import Diagnostics

extension ExpressionChecker {
  // Logic

  mutating func checkLogic(_ expression: Expression, _ operation: BinaryOperator, _ left: Expression, _ right: Expression)
    -> TypedExpression
  {
    let phrase = "'\(operation.rawValue)' joins conditions that are true or false"
    let first = fit(check(left), to: .bool, left, phrase: phrase)
    let second = fit(checkUnder(first.factsNotNull(when: operation == .and), right), to: .bool, right, phrase: phrase)
    guard !first.isInvalid, !second.isInvalid else { return invalid(expression.range) }
    if case .constant(.bool(let known)) = first.kind {
      return known == (operation == .and) ? second : TypedExpression(.constant(.bool(known)), .bool, range: expression.range)
    }
    return TypedExpression(operation == .and ? .and(first, second) : .or(first, second), .bool, range: expression.range)
  }

  mutating func checkConditional(
    _ expression: Expression, _ condition: Expression, _ first: Expression, _ second: Expression
  ) -> TypedExpression {
    let test = fit(check(condition), to: .bool, condition, phrase: "'if' takes a condition that is true or false")
    let yes = checkUnder(test.factsNotNull(when: true), first)
    let no = checkUnder(test.factsNotNull(when: false), second)
    guard !test.isInvalid, !yes.isInvalid, !no.isInvalid else { return invalid(expression.range) }
    guard let type = common(yes, no) else {
      findings.add(
        .typeMismatch, at: second.range, "this is \(typePhrase(no.type)), and the 'then' part is \(typePhrase(yes.type))",
        help: "both parts of an 'if' have one type; 'as' makes one of the other", related: [Related(first.range, typePhrase(yes.type))])
      return invalid(expression.range)
    }
    let fittedYes = fit(yes, to: type, first, phrase: "the 'if' gives \(article(type))")
    let fittedNo = fit(no, to: type, second, phrase: "the 'if' gives \(article(type))")
    guard !fittedYes.isInvalid, !fittedNo.isInvalid else { return invalid(expression.range) }
    if case .constant(.bool(let known)) = test.kind { return (known ? fittedYes : fittedNo).retyped(type) }
    return TypedExpression(.conditional(test, then: fittedYes, else: fittedNo), type, range: expression.range)
  }

  /// The type that two branches share; nil if none does.
  private func common(_ left: TypedExpression, _ right: TypedExpression) -> ValueType? {
    if left.type == right.type { return left.type }
    if left.type == .null { return right.type.isOptional ? right.type : right.type.mayBeHeld ? .optional(right.type) : nil }
    if right.type == .null { return left.type.isOptional ? left.type : left.type.mayBeHeld ? .optional(left.type) : nil }
    let isOptional = left.type.isOptional || right.type.isOptional
    let isSecret = left.type.isSecret || right.type.isSecret
    guard let plain = commonPlain(left, right) else { return nil }
    let secret: ValueType = isSecret ? .secret(plain) : plain
    return isOptional ? .optional(secret) : secret
  }

  /// The wider of two plain types: an int is also a decimal and a float, a decimal only if it is a literal.
  func commonPlain(_ left: TypedExpression, _ right: TypedExpression) -> ValueType? {
    let (a, b) = (left.type.plain, right.type.plain)
    if a == b { return a }
    switch (a, b) {
    case (.int, .decimal), (.decimal, .int): return .decimal
    case (.list(.null), .list): return b
    case (.list, .list(.null)): return a
    case (.int, .float), (.float, .int): return .float
    case (.decimal, .float): return left.constant == nil ? nil : .float
    case (.float, .decimal): return right.constant == nil ? nil : .float
    default: return nil
    }
  }

  mutating func checkCoalesce(_ expression: Expression, _ left: Expression, _ right: Expression, _ sign: SourceRange) -> TypedExpression {
    var first = check(left)
    var second = check(right)
    guard !first.isInvalid, !second.isInvalid else { return invalid(expression.range) }
    if first.type == .null { return second }
    guard first.type.isOptional || first.type.plain.isFlexible else {
      findings.add(
        .typeMismatch, at: sign, "\(subject(left)) is \(typePhrase(first.type)) and never null", help: "leave out '??' and what follows it",
        related: captured(left))
      return invalid(expression.range)
    }
    let isSecret = first.type.isSecret || second.type.isSecret
    let plain: ValueType
    if first.type.plain == second.type.plain || second.type == .null {
      plain = first.type.plain
    } else if first.type.plain.isFlexible, second.type.plain.castTarget != nil {
      plain = second.type.plain
    } else if let wider = commonPlain(first, second) {
      plain = wider
    } else {
      findings.add(
        .typeMismatch, at: right.range, "this is \(typePhrase(second.type)), and \(subject(left)) is \(typePhrase(first.type))",
        help: "what follows '??' has the type of what precedes it")
      return invalid(expression.range)
    }
    first = fit(open(first), to: .optional(plain), left, phrase: "'??' gives \(article(plain))")
    let mayBeNull = second.type.isOptional || second.type == .null
    second = fit(open(second), to: mayBeNull ? .optional(plain) : plain, right, phrase: "'??' gives \(article(plain))")
    guard !first.isInvalid, !second.isInvalid else { return invalid(expression.range) }
    let held: ValueType = isSecret ? .secret(plain) : plain
    return TypedExpression(.coalesce(first, second), mayBeNull ? .optional(held) : held, range: expression.range)
  }

  /// Without the taint of a secret, which the result of the operator gets back.
  func open(_ value: TypedExpression) -> TypedExpression {
    value.type.isSecret ? value.retyped(value.type.isOptional ? .optional(value.type.plain) : value.type.plain) : value
  }

  // Comparison

  mutating func checkComparison(
    _ expression: Expression, _ comparison: Comparison, _ left: Expression, _ right: Expression, _ sign: SourceRange
  ) -> TypedExpression {
    let first = open(check(left))
    let second = open(check(right))
    let range = expression.range
    guard !first.isInvalid, !second.isInvalid else { return invalid(range) }
    let isEquality = comparison == .equal || comparison == .notEqual
    let name = "'\(sign.isEmpty ? "==" : signText(comparison))'"
    if first.type == .null || second.type == .null {
      return checkNullTest(range, comparison, name, first.type == .null ? (second, right) : (first, left), sign)
    }
    guard let type = comparedType(first, second) else {
      if first.type.plain.isFlexible, second.type.plain.isFlexible {
        findings.add(
          .typeMismatch, at: range, "neither side of \(name) has a type: \(typePhrase(first.type)) and \(typePhrase(second.type))",
          help: castHelp(left, .string))
      } else {
        findings.add(
          .typeMismatch, at: range,
          "\(name) compares values of one type, and these are \(typePhrase(first.type)) and \(typePhrase(second.type))",
          help: mismatchHelp(left, first, right, second), related: captured(left) + captured(right))
      }
      return invalid(range)
    }
    guard let compared = type.comparedType, isEquality || type.hasOrder else {
      findings.add(
        .typeMismatch, at: sign, "\(name) does not compare \(typePhrase(type)) values",
        help: isEquality ? "compare a part of it" : "'==' and '!=' do")
      return invalid(range)
    }
    if !isEquality {
      let optionals = [(first, left), (second, right)].filter { $0.0.type.isOptional }
      guard optionals.isEmpty else {
        for (value, operand) in optionals { nullable(value, operand) }
        return invalid(range)
      }
    }
    let phrase = "\(name) compares it with \(article(type))"
    let a = fit(first, to: first.type.isOptional || first.type.plain.isFlexible ? .optional(type) : type, left, phrase: phrase)
    let b = fit(second, to: second.type.isOptional || second.type.plain.isFlexible ? .optional(type) : type, right, phrase: phrase)
    guard !a.isInvalid, !b.isInvalid else { return invalid(range) }
    return TypedExpression(.compare(comparison, compared, a, b), .bool, range: range)
  }

  private func comparedType(_ left: TypedExpression, _ right: TypedExpression) -> ValueType? {
    if let type = commonPlain(left, right) { return type == .untyped ? nil : type }
    if left.type.plain.isFlexible, !right.type.plain.isFlexible, right.type.plain.castTarget != nil { return right.type.plain }
    if right.type.plain.isFlexible, !left.type.plain.isFlexible, left.type.plain.castTarget != nil { return left.type.plain }
    return nil
  }

  private mutating func checkNullTest(
    _ range: SourceRange, _ comparison: Comparison, _ name: String, _ operand: (value: TypedExpression, expression: Expression),
    _ sign: SourceRange
  ) -> TypedExpression {
    guard comparison == .equal || comparison == .notEqual else {
      findings.add(.typeMismatch, at: sign, "\(name) does not compare null", help: "'==' and '!=' do")
      return invalid(range)
    }
    let value = operand.value
    if value.type == .null { return TypedExpression(.constant(.bool(comparison == .equal)), .bool, range: range) }
    guard value.type.isOptional || value.type.plain.isFlexible else {
      if case .slot(let slot) = value.kind, notNull.contains(.slot(slot)) {
        return TypedExpression(.constant(.bool(comparison == .notEqual)), .bool, range: range)
      }
      if case .result(let path) = value.kind, notNull.contains(.result(path)) {
        return TypedExpression(.constant(.bool(comparison == .notEqual)), .bool, range: range)
      }
      findings.add(
        .typeMismatch, at: range, "\(subject(operand.expression)) is \(typePhrase(value.type)) and never null", help: nil,
        related: captured(operand.expression))
      return invalid(range)
    }
    let test = TypedExpression(.isNull(value), .bool, range: range)
    return comparison == .equal ? test : TypedExpression(.not(test), .bool, range: range)
  }

  private func signText(_ comparison: Comparison) -> String {
    switch comparison {
    case .equal: "=="
    case .notEqual: "!="
    case .less: "<"
    case .lessOrEqual: "<="
    case .greater: ">"
    case .greaterOrEqual: ">="
    }
  }

  private func mismatchHelp(_ left: Expression, _ first: TypedExpression, _ right: Expression, _ second: TypedExpression) -> String? {
    if case .constant(.string) = first.kind, second.type.plain.castTarget != nil, second.type.plain != .string {
      return "leave out the quotes if '\(second.type.plain)' is meant"
    }
    if case .constant(.string) = second.kind, first.type.plain.castTarget != nil, first.type.plain != .string {
      return "leave out the quotes if '\(first.type.plain)' is meant"
    }
    if first.type.plain.canBeCast(to: second.type.plain) { return castHelp(left, second.type.plain) }
    if second.type.plain.canBeCast(to: first.type.plain) { return castHelp(right, first.type.plain) }
    return nil
  }

  // Arithmetic

  mutating func checkNegation(_ expression: Expression, _ operand: Expression, _ sign: SourceRange) -> TypedExpression {
    let value = check(operand)
    if value.isInvalid { return value }
    guard !isNullable(value, operand) else { return invalid(expression.range) }
    switch value.type.plain {
    case .int, .decimal, .float, .duration:
      if let known = value.constant.flatMap(ConstantFolding.negate) {
        return TypedExpression(.constant(known), value.type, range: expression.range)
      }
      return TypedExpression(.negate(value), value.type, range: expression.range)
    case .string, .bool, .instant, .uuid, .bytes, .json, .rate, .size, .percentage, .list, .map, .row, .rows, .untyped, .messages,
      .optional,
      .secret, .null, .invalid:
      findings.add(
        .typeMismatch, at: operand.range, "\(subject(operand)) is \(typePhrase(value.type)), and '-' takes a number or a duration",
        help: value.type.plain.isFlexible ? castHelp(operand, .decimal) : nil, related: captured(operand))
      return invalid(expression.range)
    }
  }

  mutating func checkArithmetic(
    _ expression: Expression, _ operation: BinaryOperator, _ left: Expression, _ right: Expression, _ sign: SourceRange
  ) -> TypedExpression {
    let range = expression.range
    let checkedLeft = check(left)
    let checkedRight = check(right)
    guard !checkedLeft.isInvalid, !checkedRight.isInvalid else { return invalid(range) }
    let isLeftNullable = isNullable(checkedLeft, left)
    guard !isNullable(checkedRight, right), !isLeftNullable else { return invalid(range) }
    let isSecret = checkedLeft.type.isSecret || checkedRight.type.isSecret
    var first = open(checkedLeft)
    var second = open(checkedRight)
    for (value, operand, other) in [(first, left, second), (second, right, first)] where value.type.isFlexible {
      findings.add(
        .typeMismatch, at: operand.range, "\(subject(operand)) is \(typePhrase(value.type)), and '\(operation.rawValue)' needs a type",
        help: castHelp(operand, other.type.isFlexible ? .decimal : other.type))
      return invalid(range)
    }
    if operation == .multiply, first.type == .int, second.type == .duration { swap(&first, &second) }
    if operation == .add, first.type == .duration, second.type == .instant { swap(&first, &second) }
    guard let (operator_, type, operandTypes) = arithmetic(operation, first, second) else {
      findings.add(
        .typeMismatch, at: range,
        "'\(operation.rawValue)' does not take \(typePhrase(checkedLeft.type)) and \(typePhrase(checkedRight.type))",
        help: arithmeticHelp(operation, first, second), related: captured(left) + captured(right))
      return invalid(range)
    }
    let phrase = "'\(operation.rawValue)' works on \(article(type))"
    first = fit(first, to: operandTypes.0, left, phrase: phrase)
    second = fit(second, to: operandTypes.1, right, phrase: phrase)
    guard !first.isInvalid, !second.isInvalid else { return invalid(range) }
    let held: ValueType = isSecret ? .secret(type) : type
    if let a = first.constant, let b = second.constant, let known = ConstantFolding.binary(operator_, a, b) {
      return TypedExpression(.constant(known), held, range: range)
    }
    return TypedExpression(.binary(operator_, first, second), held, range: range)
  }

  /// The instruction's operation, the type it gives and the types it takes.
  private func arithmetic(
    _ operation: BinaryOperator, _ left: TypedExpression, _ right: TypedExpression
  ) -> (BinaryOperation, ValueType, (ValueType, ValueType))? {
    switch (operation, left.type, right.type) {
    case (.multiply, .duration, .int): return (.scaleDuration, .duration, (.duration, .int))
    case (.divide, .duration, .int): return (.divideDuration, .duration, (.duration, .int))
    case (.divide, .duration, .duration): return (.divideDurations, .decimal, (.duration, .duration))
    case (.add, .instant, .duration): return (.addInstant, .instant, (.instant, .duration))
    case (.subtract, .instant, .duration): return (.subtractInstant, .instant, (.instant, .duration))
    case (.subtract, .instant, .instant): return (.betweenInstants, .duration, (.instant, .instant))
    default: break
    }
    guard let type = commonPlain(left, right), let found = Self.operation(operation, on: type) else { return nil }
    return (found, type, (type, type))
  }

  private static func operation(_ operation: BinaryOperator, on type: ValueType) -> BinaryOperation? {
    switch (operation, type) {
    case (.add, .int): .addInt
    case (.add, .decimal): .addDecimal
    case (.add, .float): .addFloat
    case (.add, .duration): .addDuration
    case (.add, .string): .concatenateText
    case (.subtract, .int): .subtractInt
    case (.subtract, .decimal): .subtractDecimal
    case (.subtract, .float): .subtractFloat
    case (.subtract, .duration): .subtractDuration
    case (.multiply, .int): .multiplyInt
    case (.multiply, .decimal): .multiplyDecimal
    case (.multiply, .float): .multiplyFloat
    case (.divide, .int): .divideInt
    case (.divide, .decimal): .divideDecimal
    case (.divide, .float): .divideFloat
    case (.remainder, .int): .remainderInt
    default: nil
    }
  }

  private func arithmeticHelp(_ operation: BinaryOperator, _ left: TypedExpression, _ right: TypedExpression) -> String? {
    if operation == .add, left.type == .string || right.type == .string { return "'+' joins two texts: write '… as string'" }
    switch (left.type, right.type) {
    case (.decimal, .float), (.float, .decimal): return "a decimal is exact and a float is not: write '… as float' or '… as decimal'"
    default: return nil
    }
  }

  // as

  mutating func checkCast(_ expression: Expression, _ operand: Expression, _ type: ValueType, _ typeRange: SourceRange) -> TypedExpression {
    let value = check(operand)
    let range = expression.range
    if value.isInvalid { return invalid(range) }
    let target = type.withoutOptional
    if target.castTarget == nil, value.type != .null { return checkContainerCast(expression, operand, value, type) }
    if value.type == .null {
      guard type.isOptional else {
        findings.add(.nullableUse, at: range, "null is no \(target)", help: "write 'as \(target)?'")
        return invalid(range)
      }
      return TypedExpression(.constant(.null), type, range: range)
    }
    guard let cast = target.castTarget, value.type.plain.canBeCast(to: target) else {
      findings.add(
        .typeMismatch, at: range, "\(subject(operand)) is \(typePhrase(value.type)) and cannot become \(article(target))",
        help: value.type.plain == .rows || value.type.plain == .row ? "read a column: 'row.name as \(target)'" : nil,
        related: captured(operand))
      return invalid(range)
    }
    let result: ValueType = value.type.isSecret ? (type.isOptional ? .optional(.secret(target)) : .secret(target)) : type
    if value.type.plain == target, type.isOptional || !value.type.isOptional {
      return TypedExpression(value.kind, result, range: range)
    }
    if let known = value.constant.flatMap({ ConstantFolding.convert($0, to: target) }) {
      return TypedExpression(.constant(known), result, range: range)
    }
    return TypedExpression(.cast(value, cast, passesNull: type.isOptional), result, range: range)
  }
}
