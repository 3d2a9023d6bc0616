internal import ChainProgram
internal import Diagnostics

/// Calls of functions: which signature is meant, and whether the arguments fit.
extension ExpressionChecker {
  mutating func checkCall(_ expression: Expression, _ callee: Expression, _ arguments: [Expression]) -> TypedExpression {
    let range = expression.range
    let path = callee.path
    let dotted = path?.map(\.name).joined(separator: ".")
    if let path, path.count == 1 || scope.binding(of: path[0].name) == nil, let dotted, let signatures = FunctionNames.signatures[dotted] {
      return call(signatures, arguments, receiver: nil, at: callee.range, whole: range)
    }
    if case .member(let base, let name, let nameRange) = callee.kind {
      if let signatures = FunctionNames.signatures[name]?.filter({ !$0.parameters.isEmpty }), !signatures.isEmpty {
        if case .name(let first) = base.kind, scope.binding(of: first) == nil, FunctionNames.namespaces.contains(first) {
          findings.add(
            .unknownName, at: callee.range, "there is no function '\(first).\(name)'", help: "write '\(name)(…)' without '\(first).'")
          return invalid(range)
        }
        return call(signatures, [base] + arguments, receiver: check(base), at: nameRange, whole: range)
      }
      if let path, path.count == 2, scope.binding(of: path[0].name) == nil, FunctionNames.namespaces.contains(path[0].name) {
        _ = resolve(callee)
        return invalid(range)
      }
      let receiver = check(base)
      if !receiver.isInvalid {
        findings.add(.unknownName, at: nameRange, "there is no function '\(name)'", help: nearOrAll(name, FunctionNames.methods))
      }
      return invalid(range)
    }
    let name = dotted ?? ""
    findings.add(.unknownName, at: callee.range, "there is no function '\(name)'", help: nearOrAll(name, FunctionNames.all))
    return invalid(range)
  }

  /// - Parameter receiver: What stands before the point of a method call: the first argument, checked already.
  private mutating func call(
    _ signatures: [FunctionSignature], _ arguments: [Expression], receiver: TypedExpression?, at nameRange: SourceRange, whole: SourceRange
  ) -> TypedExpression {
    let fitting = signatures.filter { $0.parameters.count == arguments.count }
    guard let first = fitting.first else {
      for argument in arguments.dropFirst(receiver == nil ? 0 : 1) { _ = check(argument) }
      reportCount(signatures, arguments.count, isMethod: receiver != nil, at: nameRange)
      return invalid(whole)
    }
    var values: [TypedExpression] = []
    var isSecret = false
    for (index, argument) in arguments.enumerated() {
      let value = index == 0 ? receiver ?? check(argument) : check(argument)
      isSecret = isSecret || value.type.isSecret
      values.append(open(value))
    }
    var chosen: (signature: FunctionSignature, bound: ValueType?) = (first, nil)
    if values.contains(where: \.isInvalid) {
      // A single signature can still say what is wrong with the other arguments.
      guard fitting.count == 1, !first.isGeneric else { return invalid(whole) }
    } else if fitting.count > 1 || first.isGeneric {
      guard let best = best(fitting, values) else {
        reportTypes(fitting, values, at: whole)
        return invalid(whole)
      }
      chosen = best
    }
    let signature = chosen.signature
    var fitted: [TypedExpression] = []
    for (value, (parameter, argument)) in zip(values, zip(signature.parameters, arguments)) {
      let type = parameter.type.replacingAny(with: chosen.bound ?? .string)
      fitted.append(fit(value, to: type, argument, phrase: "'\(signature.name)' takes \(article(type)) as '\(parameter.name)'"))
    }
    if fitted.contains(where: \.isInvalid) { return invalid(whole) }
    let result = signature.result.replacingAny(with: chosen.bound ?? .string)
    let plain = isSecret ? (result.isOptional ? .optional(.secret(result.withoutOptional)) : .secret(result)) : result
    switch signature.function {
    case .matches: return match(.test, fitted, arguments, plain, whole)
    case .extract: return match(.extract, fitted, arguments, plain, whole)
    default: return TypedExpression(.call(signature.function, fitted), plain, range: whole)
    }
  }

  /// The pattern is compiled now, so that a bad one is a finding and not a step error.
  private mutating func match(
    _ kind: MatchKind, _ values: [TypedExpression], _ arguments: [Expression], _ type: ValueType, _ whole: SourceRange
  ) -> TypedExpression {
    guard case .constant(.string(let pattern)) = values[1].kind else {
      findings.add(
        .typeMismatch, at: arguments[1].range, "a pattern is a literal text, and this is computed",
        help: "write the pattern in quotes; 'contains', 'starts_with' and 'ends_with' take any text")
      return invalid(whole)
    }
    do throws(TextPattern.Mistake) {
      _ = try TextPattern(pattern)
    } catch {
      let place = error.offset > 0 ? " after '\(String(decoding: pattern.utf8.prefix(error.offset).suffix(20), as: UTF8.self))'" : ""
      findings.add(
        .badLiteral, at: arguments[1].range, "this is no regular expression: \(error.message)\(place)",
        help: "a character that means something is written with two backslashes: '\\\\.'")
      return invalid(whole)
    }
    return TypedExpression(.match(kind, values[0], pattern: pattern), type, range: whole)
  }

  // Overloads

  /// The signature whose parameters are nearest to the arguments' types, with what `T` is; the first one where several are as near.
  private func best(_ signatures: [FunctionSignature], _ values: [TypedExpression]) -> (FunctionSignature, ValueType?)? {
    var best: (signature: FunctionSignature, bound: ValueType?, score: Int)?
    for signature in signatures {
      var bound: ValueType?
      var score = 0
      var fits = true
      for (value, parameter) in zip(values, signature.parameters) {
        guard let near = nearness(of: value, to: parameter.type, &bound) else {
          fits = false
          break
        }
        score += near
      }
      if fits, score > best?.score ?? -1 { best = (signature, bound, score) }
    }
    return best.map { ($0.signature, $0.bound) }
  }

  /// 3 for the type itself, 2 for one that widens to it, 1 for one that is only known at run time, 0 for null; nil if it does not fit.
  private func nearness(of value: TypedExpression, to parameter: ValueType, _ bound: inout ValueType?) -> Int? {
    let plain = value.type.plain
    switch parameter {
    case FunctionSignature.anyType:
      if let bound { return bound.plain == plain ? 3 : value.type == .null ? 0 : widens(value, to: bound.plain) ? 2 : plain.isFlexible ? 1 : nil }
      guard plain == .untyped || (plain.mayBecomeJSON && plain != .null) else { return nil }
      bound = plain == .untyped ? .string : plain
      return plain == .untyped ? 1 : 3
    case .list(FunctionSignature.anyType):
      if case .list(let element) = plain {
        let type: ValueType = element == .null ? bound ?? .string : element
        guard bound == nil || bound == type else { return nil }
        bound = type
        return 3
      }
      guard plain.isFlexible else { return nil }
      bound = bound ?? (plain == .json ? .json : .string)
      return 1
    case .list(let element):
      if plain == parameter { return 3 }
      if plain == .list(.null) || widens(value, to: parameter) { return 2 }
      return plain.isFlexible && element.castTarget != nil ? 1 : nil
    default:
      if plain == parameter { return 3 }
      if value.type == .null { return 0 }
      return widens(value, to: parameter) ? 2 : plain.isFlexible && parameter.castTarget != nil ? 1 : nil
    }
  }

  // Findings

  private mutating func reportCount(_ signatures: [FunctionSignature], _ count: Int, isMethod: Bool, at range: SourceRange) {
    let hidden = isMethod ? 1 : 0
    let first = signatures[0]
    var counts: [Int] = []
    for signature in signatures where !counts.contains(signature.parameters.count - hidden) { counts.append(signature.parameters.count - hidden) }
    let taken = counts.count == 1 ? counted(counts[0], "argument") : counts.map(String.init).joined(separator: " or ") + " arguments"
    let names = first.parameters.isEmpty ? "nothing" : first.parameters.map { "\($0.name): \(FunctionSignature.shown($0.type))" }.joined(separator: ", ")
    findings.add(
      .typeMismatch, at: range, "'\(first.name)' takes \(taken), and here \(count - hidden == 1 ? "is" : "are") \(count - hidden)",
      help: signatures.count > 1
        ? "there are \(shown(signatures))" : isMethod ? "before '.' stands '\(first.parameters[0].name)', and it takes \(names)" : "it takes \(names)")
  }

  private mutating func reportTypes(_ signatures: [FunctionSignature], _ values: [TypedExpression], at range: SourceRange) {
    let types = values.map { typePhrase($0.type) }.joined(separator: ", ")
    findings.add(.typeMismatch, at: range, "'\(signatures[0].name)' does not take (\(types))", help: "there are \(shown(signatures))")
  }

  private func shown(_ signatures: [FunctionSignature]) -> String {
    signatures.prefix(4).map { "'\($0.text)'" }.joined(separator: ", ") + (signatures.count > 4 ? " and \(signatures.count - 4) more" : "")
  }
}

extension FunctionSignature {
  /// Whether `T` occurs in it.
  var isGeneric: Bool { parameters.contains { $0.type == FunctionSignature.anyType || $0.type == .list(FunctionSignature.anyType) } }
}

extension ValueType {
  /// A type of a signature with the type that `T` is.
  func replacingAny(with type: ValueType) -> ValueType {
    switch self {
    case FunctionSignature.anyType: type
    case .list(let element): .list(element.replacingAny(with: type))
    case .optional(let wrapped):
      if case let inner = wrapped.replacingAny(with: type), inner.isOptional { inner } else { .optional(wrapped.replacingAny(with: type)) }
    default: self
    }
  }
}
