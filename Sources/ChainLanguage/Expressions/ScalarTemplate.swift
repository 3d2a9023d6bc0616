package import Diagnostics

/// A scalar's text as literal pieces and expressions.
///
/// `$path.to.x` as the whole scalar is one expression, and so is `${…}` anywhere; `$$` is a dollar sign; any other `$` is text.
package struct ScalarTemplate {
  package enum Piece {
    /// Text after `$$` was made `$`; the range is that of the text as written.
    case literal(String, cooked: Range<Int>, range: SourceRange)
    /// `cooked` and `range` go over the `${` and the `}` too; the expression has its own range.
    case expression(Expression, cooked: Range<Int>, range: SourceRange)
  }

  package let pieces: [Piece]

  /// The text, if the scalar holds no expression.
  package var literal: String? {
    var text = ""
    for piece in pieces {
      switch piece {
      case .literal(let literal, _, _): text += literal
      case .expression: return nil
      }
    }
    return text
  }

  /// The expression that is alone in the scalar and keeps its type.
  package var whole: Expression? {
    guard pieces.count == 1, case .expression(let expression, _, _) = pieces[0] else { return nil }
    return expression
  }

  package var expressions: [Expression] {
    pieces.compactMap { piece in
      if case .expression(let expression, _, _) = piece { expression } else { nil }
    }
  }

  /// Reads a scalar that may hold expressions. An expression that cannot be read is `.invalid` in the result.
  package static func parse(_ text: ExpressionText, into findings: inout Findings) -> ScalarTemplate {
    let bytes = text.bytes
    guard bytes.contains(dollar) else {
      return ScalarTemplate(pieces: bytes.isEmpty ? [] : [.literal(text.text, cooked: 0..<bytes.count, range: text.wholeRange)])
    }
    if let reference = wholeReference(text) { return ScalarTemplate(pieces: [reference]) }

    var pieces: [Piece] = []
    var literal: [UInt8] = []
    var literalStart = 0
    var index = 0
    func endLiteral() {
      guard literalStart < index else { return }
      let cooked = literalStart..<index
      pieces.append(.literal(String(decoding: literal, as: UTF8.self), cooked: cooked, range: text.range(cooked)))
      literal = []
    }
    while index < bytes.count {
      let next = index + 1 < bytes.count ? bytes[index + 1] : 0
      if bytes[index] == dollar, next == dollar {
        literal.append(dollar)
        index += 2
      } else if bytes[index] == dollar, next == UInt8(ascii: "{") {
        endLiteral()
        let (piece, end) = interpolation(in: text, at: index, into: &findings)
        pieces.append(piece)
        index = end
        literalStart = end
      } else {
        literal.append(bytes[index])
        index += 1
      }
    }
    endLiteral()
    return ScalarTemplate(pieces: pieces)
  }

  private static let dollar = UInt8(ascii: "$")

  /// `${ expr }` at an offset, and the offset after it.
  private static func interpolation(in text: ExpressionText, at start: Int, into findings: inout Findings) -> (Piece, end: Int) {
    var lexer = ExpressionLexer(text, from: start + 2, isInterpolation: true)
    var lexical = Findings()
    let tokens = lexer.run(into: &lexical)
    guard let brace = lexer.closingBrace else {
      let rest = start..<text.bytes.count
      if lexer.hasInvalid {
        for finding in lexical.sorted { findings.append(finding) }
      } else {
        findings.add(
          .badExpression, at: text.range(start..<start + 2), "'${' is never closed",
          help: "write '}' after the expression, or '$${' for the text '${'")
      }
      let invalid = Expression(.invalid, range: text.range(rest), height: 1)
      return (.expression(invalid, cooked: rest, range: text.range(rest)), rest.upperBound)
    }
    for finding in lexical.sorted { findings.append(finding) }
    let cooked = start..<brace + 1
    if case .end = tokens[0].kind {
      findings.add(
        .badExpression, at: text.range(cooked), "an expression is missing between '${' and '}'", help: "write '$${}' for the text '${}'")
      return (.expression(Expression(.invalid, range: text.range(cooked), height: 1), cooked: cooked, range: text.range(cooked)), brace + 1)
    }
    let expression = ExpressionParser.parse(tokens, of: text, into: &findings)
    return (.expression(expression, cooked: cooked, range: text.range(cooked)), brace + 1)
  }

  /// The piece for `$path.to.x`, if that is all of the text: names, members, and indexes that are numbers or texts.
  private static func wholeReference(_ text: ExpressionText) -> Piece? {
    let bytes = text.bytes
    guard bytes.count > 1, bytes.count <= Expression.byteCountMax, bytes[0] == dollar, ExpressionLexicon.isNameStart(bytes[1]),
      !bytes.contains(where: ExpressionLexicon.isSpace)
    else { return nil }
    var ignored = Findings()
    var lexer = ExpressionLexer(text, from: 1, isInterpolation: false)
    let tokens = lexer.run(into: &ignored)
    guard ignored.isEmpty else { return nil }
    let expression = ExpressionParser.parse(tokens, of: text, into: &ignored)
    guard ignored.isEmpty, expression.isReference else { return nil }
    return .expression(expression, cooked: 0..<bytes.count, range: text.wholeRange)
  }
}

extension Expression {
  fileprivate var isReference: Bool {
    switch kind {
    case .name: true
    case .member(let base, _, _): base.isReference
    case .index(let base, let index):
      if case .literal = index.kind { base.isReference } else { false }
    case .literal, .call, .unary, .binary, .conditional, .cast, .list, .invalid: false
    }
  }
}
