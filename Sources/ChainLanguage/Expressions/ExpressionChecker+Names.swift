internal import ChainProgram
internal import Diagnostics

/// What a name or path turned out to be.
indirect enum ResolvedName {
  case value(TypedExpression)
  case namespace(NameBinding.Namespace)
  /// `random`, before its function's name.
  case functions(String)
}

extension ExpressionChecker {
  mutating func resolve(_ expression: Expression) -> ResolvedName {
    switch expression.kind {
    case .name(let name): return resolve(name: name, at: expression.range)
    case .member(let base, let name, let nameRange):
      switch resolve(base) {
      case .namespace(let namespace): return member(name, of: namespace, base: base, at: nameRange, whole: expression.range)
      case .functions(let namespace):
        let functions = Self.functions(in: namespace)
        let found = functions.contains("\(namespace).\(name)")
        findings.add(
          found ? .badExpression : .unknownName, at: found ? expression.range : nameRange,
          found ? "'\(namespace).\(name)' is a function and is called with '(…)'" : "there is no function '\(namespace).\(name)'",
          help: found ? nil : nearOrAll("\(namespace).\(name)", functions))
        return .value(invalid(expression.range))
      case .value(let value): return .value(member(name, of: value, base: base, at: nameRange, whole: expression.range))
      }
    case .index(let base, let index):
      switch resolve(base) {
      case .namespace(let namespace):
        if case .literal(.string(let name), _) = index.kind {
          return member(name, of: namespace, base: base, at: index.range, whole: expression.range)
        }
        findings.add(.typeMismatch, at: index.range, "\(namespace.title) is read by '.name'", help: nil)
        return .value(invalid(expression.range))
      case .functions(let namespace):
        findings.add(.badExpression, at: expression.range, "'\(namespace)' has functions and no elements")
        return .value(invalid(expression.range))
      case .value(let value): return .value(element(index, of: value, base: base, whole: expression.range))
      }
    case .literal, .call, .unary, .binary, .conditional, .cast, .list, .invalid: return .value(check(expression))
    }
  }

  mutating func value(of resolved: ResolvedName, _ expression: Expression) -> TypedExpression {
    switch resolved {
    case .value(let value): return value
    case .namespace(let namespace):
      findings.add(
        .badExpression, at: expression.range, "\(namespace.title) is no value by itself",
        help: namespace.members.isEmpty ? nil : "read one of its \(namespace.noun)s: \(list(namespace.members.map(\.name)))")
      return invalid(expression.range)
    case .functions(let namespace):
      findings.add(
        .badExpression, at: expression.range, "'\(namespace)' is no value by itself",
        help: "call one of \(list(Self.functions(in: namespace)))")
      return invalid(expression.range)
    }
  }

  private mutating func resolve(name: String, at range: SourceRange) -> ResolvedName {
    if let binding = scope.binding(of: name) { return resolve(binding, name: name, at: range) }
    if FunctionNames.namespaces.contains(name) { return .functions(name) }
    if FunctionNames.signatures[name] != nil {
      findings.add(.badExpression, at: range, "'\(name)' is a function and is called with '(…)'")
      return .value(invalid(range))
    }
    let foreign = ["none": "null", "nil": "null", "undefined": "null", "true": "true", "false": "false", "null": "null"][name.lowercased()]
    findings.add(
      .unknownName, at: range, "there is no '\(name)' here",
      help: foreign.map { "write '\($0)'" } ?? nearOrAll(name, scope.names + FunctionNames.namespaces.sorted()))
    return .value(invalid(range))
  }

  private mutating func resolve(_ binding: NameBinding, name: String, at range: SourceRange) -> ResolvedName {
    switch binding {
    case .variable(let variable):
      let isNotNull = notNull.contains(.slot(variable.slot))
      return .value(TypedExpression(.slot(variable.slot), isNotNull ? variable.type.withoutOptional : variable.type, range: range))
    case .constant(let value, let type): return .value(TypedExpression(.constant(value), type, range: range))
    case .result(let member):
      return .value(result(ResultPath(field: member.field, segments: member.prefix), member.type, range))
    case .namespace(let namespace): return .namespace(namespace)
    case .later(let place):
      findings.add(
        .useBeforeCapture, at: range, "'\(name)' is read before it has a value",
        help: "move this after the step that gives '\(name)' its value",
        related: [Related(place, "gets its value here")])
      return .value(invalid(range))
    case .invalid: return .value(invalid(range))
    }
  }

  private func result(_ path: ResultPath, _ type: ValueType, _ range: SourceRange) -> TypedExpression {
    TypedExpression(.result(path), notNull.contains(.result(path)) ? type.withoutOptional : type, range: range)
  }

  private mutating func member(
    _ name: String, of namespace: NameBinding.Namespace, base: Expression, at range: SourceRange, whole: SourceRange
  ) -> ResolvedName {
    if let binding = namespace.members.first(where: { $0.name == name })?.binding {
      return resolve(binding, name: (base.path?.map(\.name).joined(separator: ".")).map { "\($0).\(name)" } ?? name, at: whole)
    }
    findings.add(
      .unknownName, at: range, "\(namespace.title) has no \(namespace.noun) '\(name)'", help: nearOrAll(name, namespace.members.map(\.name))
    )
    return .value(invalid(whole))
  }

  private mutating func member(
    _ name: String, of value: TypedExpression, base: Expression, at range: SourceRange, whole: SourceRange
  ) -> TypedExpression {
    if value.isInvalid { return invalid(whole) }
    let path = value.resultPath?.path
    func deeper(_ type: ValueType) -> TypedExpression? { self.deeper(.member(name), of: value, type, whole) }
    let found: TypedExpression?
    var help: String?
    switch value.type.plain {
    case .row where path?.field == .messages:
      let parts: [String: ValueType] = ["json": .json, "text": .string, "key": .string, "headers": .map(.untyped)]
      found = parts[name].flatMap(deeper)
      help = nearOrAll(name, parts.keys.sorted())
    case .row: found = deeper(.untyped)
    case .rows, .messages:
      found = name == "size" ? deeper(.int) : nil
      help = "write '\(shown(base)).size', or '\(shown(base))[0].\(name)' for the first one"
    case .map(let element): found = deeper(.optional(element)) ?? mapMember(value, element, .jsonMember(value, name: name), whole)
    case .json: found = deeper(.json) ?? TypedExpression(.jsonMember(value, name: name), .json, range: whole)
    case .untyped:
      found = name == "size" && path?.field == .reply ? TypedExpression(.call(.size, [value]), .int, range: whole) : nil
      help =
        path?.field == .reply
        ? "an element of a reply is chosen by a number: '\(shown(base))[0]'" : "a value without a type has no parts; '… as json' has"
    case .list:
      found = name == "size" ? TypedExpression(.call(.size, [value]), .int, range: whole) : nil
      help = "write '\(shown(base)).size', or '\(shown(base))[0]' for the first one"
    case .string, .int, .decimal, .float, .bool, .duration, .instant, .uuid, .bytes, .rate, .size, .percentage, .null, .optional,
      .secret, .invalid:
      found = nil
      if FunctionNames.signatures[name] != nil { help = "'\(name)' is a function and is called with '(…)'" }
    }
    if let found { return found }
    findings.add(.unknownName, at: range, "\(subject(base)) is \(typePhrase(value.type)) and has no member '\(name)'", help: help)
    return invalid(whole)
  }

  private mutating func element(_ index: Expression, of value: TypedExpression, base: Expression, whole: SourceRange) -> TypedExpression {
    let position = check(index)
    if value.isInvalid || position.isInvalid { return invalid(whole) }
    let path = value.resultPath?.path
    func deeper(_ segment: ResultPath.Segment, _ type: ValueType) -> TypedExpression? {
      self.deeper(segment, of: value, type, whole)
    }
    func computed(_ type: ValueType) -> TypedExpression? { self.deeper(.argument, of: value, type, whole, argument: position) }
    if position.type.isOptional, position.type.plain == .int || position.type.plain == .string {
      nullable(position, index)
      return invalid(whole)
    }
    let wanted: String
    switch (value.type.plain, position.kind) {
    case (.rows, .constant(.int(let number))) where number >= 0,
      (.messages, .constant(.int(let number))) where number >= 0:
      if let found = deeper(.index(Int(number)), .row) { return found }
      wanted = "a whole number from 0"
    case (.rows, _) where position.type == .int, (.messages, _) where position.type == .int:
      if position.constant == nil, let found = computed(.row) { return found }
      wanted = "a whole number from 0"
    case (.rows, _), (.messages, _): wanted = "a whole number from 0"
    case (.row, .constant(.string(let name))):
      return member(name, of: value, base: base, at: index.range, whole: whole)
    case (.row, _): wanted = "a column's name in quotes"
    case (.map(let type), .constant(.string(let name))):
      if let found = deeper(.member(name), .optional(type)) { return found }
      if let found = mapMember(value, type, .jsonMember(value, name: name), whole) { return found }
      wanted = "a name in quotes"
    case (.map(let type), _) where position.type == .string:
      if let found = computed(.optional(type)) ?? mapMember(value, type, .element(value, index: position), whole) { return found }
      wanted = "a name in quotes"
    case (.map, _): wanted = "a name in quotes"
    case (.json, .constant(.string(let name))):
      return deeper(.member(name), .json) ?? TypedExpression(.jsonMember(value, name: name), .json, range: whole)
    case (.json, .constant(.int(let number))) where number >= 0:
      return deeper(.index(Int(number)), .json)
        ?? TypedExpression(.element(value, index: position), .json, range: whole)
    case (.json, _) where (position.type == .int || position.type == .string) && position.constant == nil:
      return TypedExpression(.element(value, index: position), .json, range: whole)
    case (.json, _): wanted = "a whole number from 0, or a member's name in quotes"
    case (.untyped, .constant(.int(let number))) where number >= 0 && path?.field == .reply:
      if let found = deeper(.index(Int(number)), .untyped) { return found }
      wanted = "a whole number from 0"
    case (.untyped, _) where position.type == .int && position.constant == nil && path?.field == .reply:
      if let found = computed(.untyped) { return found }
      wanted = "a whole number from 0"
    case (.list(let type), _) where position.type == .int:
      return TypedExpression(.element(value, index: position), type.isOptional ? type : .optional(type), range: whole)
    case (.list, _): wanted = "a whole number from 0"
    default:
      findings.add(.typeMismatch, at: base.range, "\(subject(base)) is \(typePhrase(value.type)) and has no elements")
      return invalid(whole)
    }
    findings.add(
      .typeMismatch, at: index.range,
      "an element of \(typePhrase(value.type)) is chosen by \(wanted), and this is \(typePhrase(position.type))")
    return invalid(whole)
  }

  // Parts of results and maps

  private func deeper(
    _ segment: ResultPath.Segment, of value: TypedExpression, _ type: ValueType, _ range: SourceRange, argument: TypedExpression? = nil
  ) -> TypedExpression? {
    guard let (path, arguments) = value.resultPath else { return nil }
    let longer = ResultPath(field: path.field, segments: path.segments + [segment])
    let all = arguments + (argument.map { [$0] } ?? [])
    if all.isEmpty { return result(longer, type, range) }
    guard all.count <= ResultPath.argumentCountMax else { return nil }
    return TypedExpression(.resultAt(longer, all), type, range: range)
  }

  /// A member of a map variable, which is a JSON object whose members are all of the type.
  private func mapMember(_ map: TypedExpression, _ element: ValueType, _ kind: TypedExpression.Kind, _ range: SourceRange)
    -> TypedExpression?
  {
    guard let target = element.castTarget else { return nil }
    return TypedExpression(
      .cast(TypedExpression(kind, .json, range: range), target, passesNull: true), .optional(element), range: range)
  }

  // Messages

  static func functions(in namespace: String) -> [String] {
    FunctionNames.all.filter { $0.hasPrefix(namespace + ".") }
  }

  func counted(_ count: Int, _ noun: String) -> String { count == 1 ? "1 \(noun)" : "\(count) \(noun)s" }

  func article(_ type: ValueType) -> String {
    switch type {
    case .int, .instant, .untyped, .optional, .invalid: "an \(type)"
    case .string, .decimal, .float, .bool, .duration, .uuid, .bytes, .json, .rate, .size, .percentage, .list, .map, .row, .rows, .messages,
      .secret, .null:
      "a \(type)"
    }
  }

  private func shown(_ base: Expression) -> String { base.path.map { $0.map(\.name).joined(separator: ".") } ?? "…" }

  func nearOrAll(_ name: String, _ candidates: [String]) -> String? {
    if let near = nearestName(to: name, among: candidates) { return "did you mean '\(near)'?" }
    return candidates.isEmpty ? nil : "there are \(list(candidates))"
  }

  func list(_ names: [String]) -> String {
    let shown = names.prefix(12).map { "'\($0)'" }.joined(separator: ", ")
    return names.count > 12 ? shown + " and \(names.count - 12) more" : shown
  }
}

extension ValueType {
  var withoutOptional: ValueType {
    switch self {
    case .optional(let wrapped): wrapped
    case .secret(let wrapped): .secret(wrapped.withoutOptional)
    case .string, .int, .decimal, .float, .bool, .duration, .instant, .uuid, .bytes, .json, .rate, .size, .percentage, .list, .map, .row,
      .rows, .untyped, .messages, .null, .invalid:
      self
    }
  }
}

extension TypedExpression {
  /// What it reads of a result, with the indices that are computed; nil for anything else.
  var resultPath: (path: ResultPath, arguments: [TypedExpression])? {
    switch kind {
    case .result(let path): (path, [])
    case .resultAt(let path, let arguments): (path, arguments)
    default: nil
    }
  }
}
