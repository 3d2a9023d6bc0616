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
    fatalError("to be written")
  }
}
