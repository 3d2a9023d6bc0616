internal import ChainProgram
internal import Diagnostics

extension ExpressionChecker {
  /// The value as the type: widened, cast where its own type is only known at run time, or refused with a finding.
  ///
  /// - Parameter phrase: The rule of the place, after "'x' is int, and …".
  mutating func fit(_ value: TypedExpression, to wanted: ValueType, _ source: Expression, phrase: String) -> TypedExpression {
    if value.isInvalid || wanted == .invalid { return invalid(value.range) }
    if value.type == wanted { return value }
    let target = wanted.withoutOptional
    if value.type == .null {
      if wanted.isOptional { return value.retyped(wanted) }
      findings.add(.nullableUse, at: source.range, "this is null, and \(phrase)", help: nil)
      return invalid(value.range)
    }
    if value.type.isSecret, !wanted.isSecret {
      findings.add(
        .secretLeak, at: source.range, "\(subject(source)) is a secret, and \(phrase)",
        help: "a secret goes into headers and addresses only")
      return invalid(value.range)
    }
    let plain = value.type.plain
    let targetPlain = target.plain
    if value.type.isOptional, !wanted.isOptional, plain == targetPlain || widens(value, to: targetPlain) || plain.isFlexible {
      nullable(value, source)
      return invalid(value.range)
    }
    if plain == targetPlain || (plain == .list(.null) && targetPlain.isList) { return value.retyped(wanted) }
    if plain.isFlexible, case .list(let element) = targetPlain, let cast = element.castTarget {
      return TypedExpression(.castAll(value, .list, cast, passesNull: wanted.isOptional), wanted, range: value.range)
    }
    if widens(value, to: targetPlain) || (plain.isFlexible && targetPlain.castTarget != nil) {
      if let known = value.constant.flatMap({ ConstantFolding.convert($0, to: targetPlain) }) {
        return TypedExpression(.constant(known), wanted, range: value.range)
      }
      if let cast = targetPlain.castTarget {
        return TypedExpression(.cast(value, cast, passesNull: wanted.isOptional), wanted, range: value.range)
      }
    }
    findings.add(
      .typeMismatch, at: source.range, "\(subject(source)) is \(typePhrase(value.type)), and \(phrase)",
      help: help(value, targetPlain, source),
      related: captured(source))
    return invalid(value.range)
  }

  func widens(_ value: TypedExpression, to type: ValueType) -> Bool {
    switch (value.type.plain, type) {
    case (.int, .decimal), (.int, .float): true
    case (.decimal, .float): value.constant != nil
    case (.list, .list): value.constant.flatMap { ConstantFolding.convert($0, to: type) } != nil
    default: false
    }
  }

  private func help(_ value: TypedExpression, _ wanted: ValueType, _ source: Expression) -> String? {
    if wanted == .duration, case .constant(.int(let number)) = value.kind { return "say the unit: '\(number)ms' or '\(number)s'" }
    if wanted == .bool { return "compare it, for example with '=='" }
    if wanted.castTarget != nil, value.type.plain.canBeCast(to: wanted) { return castHelp(source, wanted) }
    return nil
  }

  /// Gives the finding for a value that may be null where it may not.
  mutating func nullable(_ value: TypedExpression, _ source: Expression) {
    let name = source.path.map { $0.map(\.name).joined(separator: ".") } ?? "x"
    findings.add(
      .nullableUse, at: source.range, "\(subject(source)) is \(typePhrase(value.type)) and may be null",
      help: "write '\(name) ?? …', or test '\(name) != null' before", related: captured(source))
  }

  mutating func isNullable(_ value: TypedExpression, _ source: Expression) -> Bool {
    if value.type == .null {
      findings.add(.nullableUse, at: source.range, "null has no value to compute with")
      return true
    }
    if value.type.isOptional { nullable(value, source) }
    return value.type.isOptional
  }

  /// Fits a whole expression to its place.
  mutating func fit(_ value: TypedExpression, to expectation: Expectation, _ source: Expression) -> TypedExpression {
    if value.isInvalid { return value }
    let type = value.type
    if type.isSecret, !expectation.allowsSecret {
      findings.add(
        .secretLeak, at: source.range, "\(subject(source)) is a secret, and \(expectation.phrase)",
        help: "a secret goes into headers and addresses only")
      return invalid(value.range)
    }
    switch expectation.wanted {
    case .anything: return value
    case .type(let wanted):
      let inner: ValueType = type.isSecret ? .secret(wanted) : wanted
      return fit(value, to: expectation.allowsNull ? .optional(inner) : inner, source, phrase: expectation.phrase)
    case .oneOf(let types):
      if types.contains(type.plain) { return acceptNull(value, expectation, source) }
    case .variable:
      if type.mayBeHeld { return acceptNull(value, expectation, source) }
      if type.plain == .untyped || type == .null {
        findings.add(
          .typeMismatch, at: source.range, "\(subject(source)) is \(typePhrase(type)), and \(expectation.phrase)",
          help: type == .null ? "say of which type: 'null as int?'" : castHelp(source, .int))
        return invalid(value.range)
      }
    case .text:
      if type.plain == .untyped { return acceptNull(asText(value, expectation), expectation, source) }
      if type.plain.mayBecomeText || (type == .null && expectation.allowsNull) { return acceptNull(value, expectation, source) }
      if type.plain == .json {
        findings.add(
          .typeMismatch, at: source.range, "\(subject(source)) is json, and \(expectation.phrase)", help: castHelp(source, .string))
        return invalid(value.range)
      }
    case .json:
      if type.plain == .untyped { return acceptNull(asText(value, expectation), expectation, source) }
      if type.plain.mayBecomeJSON { return acceptNull(value, expectation, source) }
    }
    findings.add(
      .typeMismatch, at: source.range, "\(subject(source)) is \(typePhrase(type)), and \(expectation.phrase)",
      help: type.plain == .row || type.plain == .rows ? "read a column, such as '\(type.plain == .row ? "row" : "rows[0]").name'" : nil,
      related: captured(source))
    return invalid(value.range)
  }

  private mutating func acceptNull(_ value: TypedExpression, _ expectation: Expectation, _ source: Expression) -> TypedExpression {
    if expectation.allowsNull || value.isInvalid || !(value.type.isOptional || value.type == .null) { return value }
    return isNullable(value, source) ? invalid(value.range) : value
  }

  private func asText(_ value: TypedExpression, _ expectation: Expectation) -> TypedExpression {
    let isOptional = value.type.isOptional || expectation.allowsNull
    let text: ValueType = value.type.isSecret ? .secret(.string) : .string
    let isNullPassed = isOptional && expectation.allowsNull
    // An optional that is not allowed keeps its type, so that the caller finds it.
    if value.type.isOptional, !expectation.allowsNull { return value }
    return TypedExpression(.cast(value, .string, passesNull: isNullPassed), isNullPassed ? .optional(text) : text, range: value.range)
  }
}
