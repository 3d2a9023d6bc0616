internal import ChainProgram
package import Diagnostics

extension Expression {
  /// Reads a raw expression (`if`, `check`, `capture` …). What cannot be read has a finding and is `.invalid`.
  package static func parse(_ text: ExpressionText, into findings: inout Findings) -> Expression {
    var lexer = ExpressionLexer(text, from: 0, isInterpolation: false)
    let tokens = lexer.run(into: &findings)
    return ExpressionParser.parse(tokens, of: text, into: &findings)
  }
}

/// Builds the tree by precedence climbing; `grammar/chain.ebnf` is its contract.
struct ExpressionParser {
  /// A finding was given, and nothing after it can be read.
  private struct Stop: Error {}

  /// How tightly an operator binds, from the loosest.
  private enum Power {
    static let any = 0
    static let or = 1
    static let and = 2
    static let comparison = 4
    /// Tighter than a comparison, so that `total ?? 0 > 5` asks what it seems to ask: a comparison is never null, and
    /// the other order would be a type error in nearly all uses.
    static let coalesce = 5
    static let sum = 6
    static let product = 7
    static let minus = 8
    static let cast = 9
  }

  private let text: ExpressionText
  private let tokens: [ExpressionToken]
  private var index = 0
  private var depth = 0
  private var findings: Findings

  static func parse(_ tokens: [ExpressionToken], of text: ExpressionText, into findings: inout Findings) -> Expression {
    var parser = ExpressionParser(text: text, tokens: tokens, findings: findings)
    defer { findings = parser.findings }
    let whole = tokens[0].cooked.lowerBound..<max(tokens[0].cooked.lowerBound, tokens[tokens.count - 1].cooked.upperBound)
    do throws(Stop) {
      let expression = try parser.parseExpression()
      try parser.expectEnd()
      return expression
    } catch {
      return Expression(.invalid, range: text.range(whole), height: 1)
    }
  }

  private init(text: ExpressionText, tokens: [ExpressionToken], findings: Findings) {
    self.text = text
    self.tokens = tokens
    self.findings = findings
  }

  // Tokens

  private var token: ExpressionToken { tokens[index] }

  /// Where the last token that was taken ends.
  private var lastEnd: Int { index > 0 ? tokens[index - 1].cooked.upperBound : token.cooked.lowerBound }

  private mutating func take() -> ExpressionToken {
    let taken = tokens[index]
    if index < tokens.count - 1 { index += 1 }
    return taken
  }

  private mutating func takeIf(_ symbol: ExpressionLexicon.Symbol) -> Bool {
    guard token.isSymbol(symbol) else { return false }
    _ = take()
    return true
  }

  /// What a token is, for a message; nil for one that has its finding already.
  private func phrase(_ token: ExpressionToken) -> String? {
    switch token.kind {
    case .invalid: nil
    case .end: "the end"
    case .name, .keyword, .symbol, .integer, .literal:
      token.cooked.count <= 40 ? "'\(text.string(token.cooked))'" : "this"
    }
  }

  private mutating func stop(_ message: (String) -> String, help: String? = nil) -> Stop {
    if let found = phrase(token) {
      findings.add(.badExpression, at: text.range(token.cooked), message(found), help: help)
    }
    return Stop()
  }

  private mutating func expectEnd() throws(Stop) {
    if case .end = token.kind { return }
    var help: String?
    if case .name(let word) = token.kind {
      if ExpressionLexicon.Keyword(rawValue: word.lowercased()) != nil { help = "write '\(word.lowercased())' in lower case" }
      if word == "is" { help = "write '==' or 'as'" }
      if word == "div" { help = "write '/'" }
    } else if token.isSymbol(.question) {
      help = "write 'if c then a else b' for 'c ? a : b'"
    } else if index > 0, case .literal(_, .percentage) = tokens[index - 1].kind {
      help = "'%' after a number makes it a percentage; write 'mod' for the remainder"
    }
    throw stop({ "\($0) does not go on from what stands before it" }, help: help)
  }

  // Nodes

  private func range(from start: SourceRange, to end: SourceRange) -> SourceRange {
    start.file == end.file && start.start <= end.end ? start.union(end) : start
  }

  private mutating func node(_ kind: Expression.Kind, _ children: [Expression], range: SourceRange) throws(Stop) -> Expression {
    let height = 1 + (children.map(\.height).max() ?? 0)
    guard height <= Expression.heightMax else { throw tooDeep(at: range) }
    return Expression(kind, range: range, height: height)
  }

  private mutating func tooDeep(at range: SourceRange) -> Stop {
    findings.add(
      .limitExceeded, at: range, "an expression has at most \(Expression.heightMax) levels",
      help: "compute a part of it in a 'set' before, or group a long row of operators with parentheses")
    return Stop()
  }

  // Grammar

  private mutating func parseExpression(minimum: Int = Power.any) throws(Stop) -> Expression {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Expression.heightMax else { throw tooDeep(at: text.range(token.cooked)) }
    var left = try parsePrefix(minimum: minimum)
    while let (operation, power) = operatorAhead(), power >= minimum {
      let sign = take()
      // `x not in list`
      let isNegated = sign.isKeyword(.not)
      let signRange = text.range(isNegated ? sign.cooked.lowerBound..<take().cooked.upperBound : sign.cooked)
      // All are left-associative but '??'.
      let right = try parseExpression(minimum: operation == .coalesce ? power : power + 1)
      left = try node(
        .binary(operation, left, right, operatorRange: signRange), [left, right], range: range(from: left.range, to: right.range))
      if isNegated { left = try node(.unary(.not, left, operatorRange: signRange), [left], range: left.range) }
      if operation.isComparison, let (next, _) = operatorAhead(), next.isComparison {
        findings.add(
          .badExpression, at: text.range(token.cooked), "comparisons do not follow each other",
          help: "write 'a < b and b < c'", related: [Related(signRange, "compared here")])
        if take().isKeyword(.not) { _ = take() }
        let rest = try parseExpression(minimum: Power.comparison + 1)
        left = try node(.invalid, [left, rest], range: range(from: left.range, to: rest.range))
      }
    }
    return left
  }

  private func operatorAhead() -> (BinaryOperator, power: Int)? {
    switch token.kind {
    case .keyword(let keyword):
      switch keyword {
      case .or: (.or, Power.or)
      case .and: (.and, Power.and)
      case .mod: (.remainder, Power.product)
      case .in: (.in, Power.comparison)
      case .not: index + 1 < tokens.count && tokens[index + 1].isKeyword(.in) ? (.in, Power.comparison) : nil
      case .true, .false, .null, .if, .then, .else, .as: nil
      }
    case .symbol(let symbol):
      switch symbol {
      case .equal: (.equal, Power.comparison)
      case .notEqual: (.notEqual, Power.comparison)
      case .less: (.less, Power.comparison)
      case .lessOrEqual: (.lessOrEqual, Power.comparison)
      case .greater: (.greater, Power.comparison)
      case .greaterOrEqual: (.greaterOrEqual, Power.comparison)
      case .coalesce: (.coalesce, Power.coalesce)
      case .plus: (.add, Power.sum)
      case .minus: (.subtract, Power.sum)
      case .star: (.multiply, Power.product)
      case .slash: (.divide, Power.product)
      case .percent: (.remainder, Power.product)
      case .leftParenthesis, .rightParenthesis, .leftBracket, .rightBracket, .dot, .comma, .question: nil
      }
    case .name, .integer, .literal, .invalid, .end: nil
    }
  }

  private mutating func parsePrefix(minimum: Int) throws(Stop) -> Expression {
    let start = text.range(token.cooked)
    switch token.kind {
    case .keyword(.if): return try parseConditional(minimum: minimum)
    case .keyword(.not):
      _ = take()
      if minimum > Power.comparison {
        findings.add(.badExpression, at: start, "'not' as an operand stands in parentheses", help: "write '(not x)'")
      }
      let operand = try parseExpression(minimum: max(minimum, Power.comparison))
      return try node(.unary(.not, operand, operatorRange: start), [operand], range: range(from: start, to: operand.range))
    case .symbol(.minus):
      _ = take()
      if case .integer(let magnitude) = token.kind, magnitude == UInt64(Int64.max) + 1 {
        let number = text.range(take().cooked)
        return try node(.literal(.int(.min), .int), [], range: range(from: start, to: number))
      }
      let operand = try parseExpression(minimum: Power.minus)
      return try node(.unary(.negate, operand, operatorRange: start), [operand], range: range(from: start, to: operand.range))
    case .name, .keyword, .symbol, .integer, .literal, .invalid, .end:
      var operand = try parsePostfix(parsePrimary())
      while token.isKeyword(.as) {
        _ = take()
        operand = try parseType(of: operand)
      }
      return operand
    }
  }

  private mutating func parseConditional(minimum: Int) throws(Stop) -> Expression {
    let start = take()
    let startRange = text.range(start.cooked)
    if minimum > Power.any {
      findings.add(
        .badExpression, at: startRange, "'if' inside an expression stands in parentheses", help: "write '(if c then a else b)'")
    }
    let condition = try parseExpression()
    guard token.isKeyword(.then) else {
      throw stop({ "'then' is missing before \($0)" }, help: "write 'if c then a else b'")
    }
    _ = take()
    let first = try parseExpression()
    guard token.isKeyword(.else) else {
      throw stop({ "'else' is missing before \($0)" }, help: "an 'if' in an expression has a value either way: 'if c then a else b'")
    }
    _ = take()
    let second = try parseExpression()
    return try node(
      .conditional(condition, then: first, else: second), [condition, first, second], range: range(from: startRange, to: second.range))
  }

  private mutating func parsePrimary() throws(Stop) -> Expression {
    let range = text.range(token.cooked)
    switch token.kind {
    case .literal(let value, let type):
      _ = take()
      return try node(.literal(value, type), [], range: range)
    case .integer(let magnitude):
      guard let value = Int64(exactly: magnitude) else {
        findings.add(.badLiteral, at: range, "a whole number ends at \(Int64.max)", help: "write '\(magnitude).0' for a decimal")
        throw Stop()
      }
      _ = take()
      return try node(.literal(.int(value), .int), [], range: range)
    case .keyword(.true):
      _ = take()
      return try node(.literal(.bool(true), .bool), [], range: range)
    case .keyword(.false):
      _ = take()
      return try node(.literal(.bool(false), .bool), [], range: range)
    case .keyword(.null):
      _ = take()
      return try node(.literal(.null, .null), [], range: range)
    case .name(let name):
      _ = take()
      return try node(.name(name), [], range: range)
    case .symbol(.leftParenthesis):
      let start = take()
      let inner = try parseExpression()
      guard token.isSymbol(.rightParenthesis) else {
        throw stop({ "')' is missing before \($0)" }, help: nil)
      }
      _ = take()
      return Expression(inner.kind, range: text.range(start.cooked.lowerBound..<lastEnd), height: inner.height)
    case .symbol(.dot): throw stop({ "a value is missing before \($0)" }, help: "write '0.5', not '.5'")
    case .symbol(.leftBracket):
      let start = take()
      let elements = try parseElements(until: .rightBracket, from: start)
      return try node(.list(elements), elements, range: text.range(start.cooked.lowerBound..<lastEnd))
    case .end:
      throw stop({ _ in "a value is missing here" }, help: index == 0 ? "write an expression, and a text in quotes: 'text'" : nil)
    case .keyword, .symbol, .invalid: throw stop({ "a value is missing before \($0)" })
    }
  }

  private mutating func parsePostfix(_ first: Expression) throws(Stop) -> Expression {
    var base = first
    while true {
      if takeIf(.dot) {
        guard case .name(let name) = token.kind else { throw stop({ "a name is missing before \($0)" }, help: nil) }
        let nameRange = text.range(take().cooked)
        base = try node(.member(base, name: name, nameRange: nameRange), [base], range: range(from: base.range, to: nameRange))
      } else if takeIf(.leftBracket) {
        let inner = try parseExpression()
        guard token.isSymbol(.rightBracket) else { throw stop({ "']' is missing before \($0)" }) }
        let end = text.range(take().cooked)
        base = try node(.index(base, inner), [base, inner], range: range(from: base.range, to: end))
      } else if token.isSymbol(.leftParenthesis) {
        base = try parseCall(base)
      } else {
        return base
      }
    }
  }

  private mutating func parseCall(_ callee: Expression) throws(Stop) -> Expression {
    guard callee.isCallable else {
      throw stop({ "\($0) calls a function, and no function's name stands before it" })
    }
    let arguments = try parseElements(until: .rightParenthesis, from: take())
    let end = text.range(tokens[index - 1].cooked)
    return try node(.call(callee, arguments: arguments), [callee] + arguments, range: range(from: callee.range, to: end))
  }

  /// Expressions with commas between them, and the bracket that ends them.
  private mutating func parseElements(until end: ExpressionLexicon.Symbol, from start: ExpressionToken) throws(Stop) -> [Expression] {
    var elements: [Expression] = []
    if !token.isSymbol(end) {
      repeat {
        guard elements.count < Expression.elementCountMax else {
          findings.add(
            .limitExceeded, at: text.range(start.cooked), "a list in an expression has at most \(Expression.elementCountMax) elements",
            help: "put them into a feed, or split a text: 'a,b,c'.split(',')")
          throw Stop()
        }
        elements.append(try parseExpression())
      } while takeIf(.comma)
    }
    guard token.isSymbol(end) else { throw stop({ "'\(end.rawValue)' is missing before \($0)" }) }
    _ = take()
    return elements
  }

  private mutating func parseType(of operand: Expression) throws(Stop) -> Expression {
    guard case .name(let name) = token.kind else {
      throw stop({ "a type is missing before \($0)" }, help: "write 'x as \(ValueType.nameable[1].name)'; \(typeList)")
    }
    let typeToken = take()
    let typeRange = text.range(typeToken.cooked)
    if name == "list" || name == "map" {
      guard takeIf(.less), case .name(let element) = token.kind, let inner = ValueType.nameable.first(where: { $0.name == element })?.type
      else { throw stop({ "the type of the elements is missing before \($0)" }, help: "write '\(name)<string>'; \(typeList)") }
      _ = take()
      guard takeIf(.greater) else { throw stop({ "'>' is missing before \($0)" }, help: "write '\(name)<\(element)>'") }
      var type: ValueType = name == "list" ? .list(inner) : .map(inner)
      if takeIf(.question) { type = .optional(type) }
      let end = text.range(typeToken.cooked.lowerBound..<lastEnd)
      return try node(.cast(operand, type, typeRange: end), [operand], range: range(from: operand.range, to: end))
    }
    guard var type = ValueType.nameable.first(where: { $0.name == name })?.type else {
      if ["row", "secret"].contains(name) {
        findings.add(.badExpression, at: typeRange, "nothing can be cast to '\(name)'", help: typeList)
      } else {
        let meant = Self.otherTypeNames[name.lowercased()] ?? nearestName(to: name, among: ValueType.nameable.map(\.name))
        findings.add(.unknownName, at: typeRange, "there is no type '\(name)'", help: meant.map { "write '\($0)'" } ?? typeList)
      }
      throw Stop()
    }
    if takeIf(.question) { type = .optional(type) }
    let end = text.range(typeToken.cooked.lowerBound..<lastEnd)
    return try node(.cast(operand, type, typeRange: end), [operand], range: range(from: operand.range, to: end))
  }

  private var typeList: String { "types are " + ValueType.nameable.map(\.name).joined(separator: ", ") + ", list<T> and map<T>" }

  /// What types are called elsewhere.
  private static let otherTypeNames = [
    "integer": "int", "bigint": "int", "long": "int", "number": "decimal", "numeric": "decimal", "double": "float", "real": "float",
    "text": "string", "str": "string", "varchar": "string", "boolean": "bool", "timestamp": "instant", "timestamptz": "instant",
    "datetime": "instant", "time": "instant", "interval": "duration", "guid": "uuid", "binary": "bytes", "bytea": "bytes", "object": "json",
  ]
}

extension Expression {
  /// A name, a path or a method on a value: what may stand before `(`.
  fileprivate var isCallable: Bool {
    switch kind {
    case .name, .member: true
    case .literal, .index, .call, .unary, .binary, .conditional, .cast, .list, .invalid: false
    }
  }
}
