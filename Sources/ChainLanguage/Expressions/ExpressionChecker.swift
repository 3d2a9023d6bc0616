internal import ChainProgram
package import Diagnostics

extension Expression {
  /// Resolves names, gives every node a type and fits the whole to its place. Each mistake gives one finding; the result is then invalid.
  package func check(in scope: some ExpressionScope, expecting expectation: Expectation, into findings: inout Findings) -> TypedExpression {
    var checker = ExpressionChecker(scope: scope, findings: findings)
    defer { findings = checker.findings }
    return checker.fit(checker.check(self), to: expectation, self)
  }
}

/// Gives every node of an expression its type, from the leaves up. Names are in `+Names`, operators in `+Operators`, the fit to
/// a place in `+Fit`.
struct ExpressionChecker<Scope: ExpressionScope> {
  let scope: Scope
  var findings: Findings
  /// What the conditions around the node have shown to be not null.
  var notNull: Set<NullFact> = []

  init(scope: Scope, findings: Findings) {
    self.scope = scope
    self.findings = findings
  }

  mutating func check(_ expression: Expression) -> TypedExpression {
    let range = expression.range
    switch expression.kind {
    case .invalid: return invalid(range)
    case .literal(let value, let type): return TypedExpression(.constant(value), type, range: range)
    case .name, .member, .index: return value(of: resolve(expression), expression)
    case .call(let callee, let arguments): return checkCall(expression, callee, arguments)
    case .unary(.not, let operand, _):
      let condition = fit(check(operand), to: .bool, operand, phrase: "'not' takes a condition that is true or false")
      if condition.isInvalid { return invalid(range) }
      if case .constant(.bool(let value)) = condition.kind { return TypedExpression(.constant(.bool(!value)), .bool, range: range) }
      return TypedExpression(.not(condition), .bool, range: range)
    case .unary(.negate, let operand, let sign): return checkNegation(expression, operand, sign)
    case .binary(let operation, let left, let right, let sign):
      switch operation {
      case .and, .or: return checkLogic(expression, operation, left, right)
      case .in: return checkMembership(expression, left, right, sign)
      case .coalesce: return checkCoalesce(expression, left, right, sign)
      case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
        return checkComparison(expression, operation.comparison ?? .equal, left, right, sign)
      case .multiply, .divide, .remainder, .add, .subtract: return checkArithmetic(expression, operation, left, right, sign)
      }
    case .conditional(let condition, let first, let second): return checkConditional(expression, condition, first, second)
    case .cast(let operand, let type, let typeRange): return checkCast(expression, operand, type, typeRange)
    case .list(let elements): return checkList(expression, elements)
    }
  }

  func invalid(_ range: SourceRange) -> TypedExpression { TypedExpression(.invalid, .invalid, range: range) }

  /// Checks something under what a condition has shown.
  mutating func checkUnder(_ facts: Set<NullFact>, _ expression: Expression) -> TypedExpression {
    let outer = notNull
    notNull.formUnion(facts)
    defer { notNull = outer }
    return check(expression)
  }

  /// How a message names an expression: by its path if it is one.
  func subject(_ expression: Expression) -> String {
    if let path = expression.path, path.count <= 4 { return "'" + path.map(\.name).joined(separator: ".") + "'" }
    return "this"
  }

  func typePhrase(_ type: ValueType) -> String {
    switch type {
    case .untyped: "untyped text"
    case .null: "null"
    case .string, .int, .decimal, .float, .bool, .duration, .instant, .uuid, .bytes, .json, .rate, .size, .percentage, .list, .map, .row,
      .rows, .messages, .optional, .secret, .invalid:
      "\(type)"
    }
  }

  /// What to write to give a value a type.
  func castHelp(_ expression: Expression, _ type: ValueType) -> String {
    let subject = expression.path.map { $0.map(\.name).joined(separator: ".") } ?? "…"
    return "say what it is: '\(subject) as \(type.castTarget == nil ? "int" : "\(type)")'"
  }

  /// Where the variable that an expression reads got its value.
  func captured(_ expression: Expression) -> [Related] {
    guard case .variable(let variable) = bindingOfVariable(expression), let place = variable.captured else { return [] }
    return [Related(place, variable.optionalBecause ?? "\(typePhrase(variable.type)) here")]
  }

  private func bindingOfVariable(_ expression: Expression) -> NameBinding? {
    switch expression.kind {
    case .name(let name): scope.binding(of: name)
    case .member(let base, let name, _):
      if case .namespace(let namespace)? = bindingOfVariable(base) { namespace.members.first { $0.name == name }?.binding } else { nil }
    case .literal, .index, .call, .unary, .binary, .conditional, .cast, .list, .invalid: nil
    }
  }
}
