internal import ChainProgram
internal import Diagnostics

/// Lists: literals, `in`, and casts to `list<T>` and `map<T>`.
extension ExpressionChecker {
  /// `[a, b]`: the elements share one type, numbers the wider one; null among them makes it `list<T?>`.
  mutating func checkList(_ expression: Expression, _ elements: [Expression]) -> TypedExpression {
    let range = expression.range
    let checked = elements.map { check($0) }
    if checked.contains(where: \.isInvalid) { return invalid(range) }
    if checked.isEmpty { return TypedExpression(.constant(.list([])), .list(.null), range: range) }
    let isSecret = checked.contains { $0.type.isSecret }
    let values = checked.map(open)
    var widest: TypedExpression?
    for (value, element) in zip(values, elements) where value.type != .null && !value.type.plain.isFlexible {
      guard value.type.mayBeHeld else {
        findings.add(
          .typeMismatch, at: element.range, "\(subject(element)) is \(typePhrase(value.type)) and cannot be an element of a list",
          help: value.type.plain == .rows || value.type.plain == .row ? "read a column: 'row.name'" : nil)
        return invalid(range)
      }
      guard let before = widest else {
        widest = value
        continue
      }
      guard let common = commonPlain(before, value) else {
        findings.add(
          .typeMismatch, at: element.range, "this is \(typePhrase(value.type)), and the elements before it are \(typePhrase(before.type))",
          help: "the elements of a list have one type; 'as' makes one of the other")
        return invalid(range)
      }
      if common == value.type.plain { widest = value }
    }
    let flexible = values.first { $0.type.plain.isFlexible }
    guard let type = widest?.type.plain ?? flexible.map({ $0.type.plain == .json ? .json : .string }) else {
      findings.add(.typeMismatch, at: range, "a list of nulls has no type", help: "say of which type: 'null as int?'")
      return invalid(range)
    }
    let hasNull = values.contains { $0.type == .null || $0.type.isOptional }
    let element: ValueType = hasNull ? .optional(type) : type
    var fitted: [TypedExpression] = []
    for (value, source) in zip(values, elements) {
      fitted.append(fit(value, to: element, source, phrase: "the list's elements are \(typePhrase(type))"))
    }
    if fitted.contains(where: \.isInvalid) { return invalid(range) }
    let held: ValueType = isSecret ? .secret(.list(element)) : .list(element)
    let constants = fitted.compactMap(\.constant)
    if constants.count == fitted.count { return TypedExpression(.constant(.list(constants)), held, range: range) }
    return TypedExpression(.list(fitted), held, range: range)
  }

  /// `x in list`, `x in json`, `x in reply`.
  mutating func checkMembership(_ expression: Expression, _ left: Expression, _ right: Expression, _ sign: SourceRange) -> TypedExpression {
    let range = expression.range
    var element = open(check(left))
    var container = open(check(right))
    guard !element.isInvalid, !container.isInvalid else { return invalid(range) }
    guard !isNullable(container, right) else { return invalid(range) }
    func answer() -> TypedExpression {
      element.isInvalid || container.isInvalid
        ? invalid(range) : TypedExpression(.call(.isIn, [element, container]), .bool, range: range)
    }
    switch container.type.plain {
    case .list(.null): return TypedExpression(.constant(.bool(false)), .bool, range: range)
    case .list(let inner):
      let type = inner.plain
      guard type.comparedType != nil else {
        findings.add(.typeMismatch, at: sign, "'in' does not compare \(typePhrase(type)) values", help: nil)
        return invalid(range)
      }
      if element.type == .null { return answer() }
      let wide = element.type.plain.isFlexible ? type : commonPlain(element, container.retyped(type))
      guard let wide, wide == type || widens(container, to: .list(wide)) else {
        findings.add(
          .typeMismatch, at: left.range, "\(subject(left)) is \(typePhrase(element.type)), and the list's elements are \(typePhrase(type))",
          help: element.type.plain.canBeCast(to: type) ? castHelp(left, type) : nil, related: captured(left) + captured(right))
        return invalid(range)
      }
      let mayBeNull = element.type.isOptional || element.type.plain.isFlexible
      element = fit(element, to: mayBeNull ? .optional(wide) : wide, left, phrase: "the list's elements are \(typePhrase(type))")
      if wide != type { container = fit(container, to: .list(wide), right, phrase: "'in' compares \(typePhrase(wide)) values") }
      return answer()
    case .json, .untyped:
      if element.type.plain == .untyped { element = fit(element, to: .optional(.string), left, phrase: "'in' compares it with text") }
      guard element.type == .null || element.type.plain.castTarget != nil else {
        findings.add(
          .typeMismatch, at: left.range, "\(subject(left)) is \(typePhrase(element.type)), and 'in' compares simple values", help: nil)
        return invalid(range)
      }
      if container.type.plain == .untyped {
        guard case .result(let path) = container.kind, path.field == .reply else { break }
        let target = element.type.plain.castTarget ?? .string
        container = TypedExpression(.castAll(container, .list, target, passesNull: false), .list(element.type.plain), range: right.range)
      }
      return answer()
    case .string, .int, .decimal, .float, .bool, .duration, .instant, .uuid, .bytes, .rate, .size, .percentage, .map, .row, .rows, .messages,
      .optional, .secret, .null, .invalid:
      break
    }
    let help: String? =
      switch container.type.plain {
      case .string: "write 'contains(text, part)' for a part of a text"
      case .map: "write '… != null' for the name in question"
      default: nil
      }
    findings.add(
      .typeMismatch, at: right.range, "\(subject(right)) is \(typePhrase(container.type)), and 'in' looks into a list or a JSON array",
      help: help, related: captured(right))
    return invalid(range)
  }

  /// `x as list<T>`, `x as map<T>`; a map is a JSON object whose members are all of the type.
  mutating func checkContainerCast(_ expression: Expression, _ operand: Expression, _ value: TypedExpression, _ type: ValueType)
    -> TypedExpression
  {
    let range = expression.range
    let wanted: (container: ContainerTarget, element: CastTarget)?
    var fits = value.type.plain.isFlexible || value.type.plain == .string
    switch type.withoutOptional {
    case .list(let element):
      wanted = element.castTarget.map { (.list, $0) }
      if case .list(let from) = value.type.plain { fits = from == .null || from.plain.canBeCast(to: element) }
    case .map(let element):
      wanted = element.castTarget.map { (.map, $0) }
      if case .map(let from) = value.type.plain { fits = from == element }
    case .string, .int, .decimal, .float, .bool, .duration, .instant, .uuid, .bytes, .json, .rate, .size, .percentage, .row, .rows, .untyped,
      .messages, .optional, .secret, .null, .invalid:
      wanted = nil
    }
    guard fits, let wanted else {
      findings.add(
        .typeMismatch, at: range, "\(subject(operand)) is \(typePhrase(value.type)) and cannot become \(article(type.withoutOptional))",
        help: nil, related: captured(operand))
      return invalid(range)
    }
    let target = type.withoutOptional
    let held: ValueType = value.type.isSecret ? .secret(target) : target
    return TypedExpression(
      .castAll(value, wanted.container, wanted.element, passesNull: type.isOptional), type.isOptional ? .optional(held) : held, range: range)
  }
}
