package import ChainProgram
package import Diagnostics

/// A node of an expression as it was written, before names and types are known.
///
/// A tree is at most `Expression.heightMax` high, so walking it by recursion is safe.
package final class Expression {
  package indirect enum Kind {
    /// A literal with its type: `12`, `1.5`, `'text'`, `true`, `null`, `500ms`, `200/s`, `16KiB`, `0.1%`.
    case literal(Value, ValueType)
    case name(String)
    /// `base.name`
    case member(Expression, name: String, nameRange: SourceRange)
    /// `base[index]`
    case index(Expression, Expression)
    /// `callee(arguments)`; the callee is a name, a path (`random.decimal`) or a method (`key.after`).
    case call(Expression, arguments: [Expression])
    case unary(UnaryOperator, Expression, operatorRange: SourceRange)
    case binary(BinaryOperator, Expression, Expression, operatorRange: SourceRange)
    /// `if condition then first else second`
    case conditional(Expression, then: Expression, else: Expression)
    /// `operand as T`
    case cast(Expression, ValueType, typeRange: SourceRange)
    /// `[a, b]`
    case list([Expression])
    /// What could not be read; a finding was given.
    case invalid
  }

  package let kind: Kind
  package let range: SourceRange
  /// Levels of nodes from here down; 1 for a leaf.
  let height: Int

  static let heightMax = 64
  /// Bytes of one expression.
  static let byteCountMax = 16 * 1024
  /// Elements of one list, and arguments of one call.
  static let elementCountMax = 1000

  init(_ kind: Kind, range: SourceRange, height: Int) {
    self.kind = kind
    self.range = range
    self.height = height
  }

  package var isInvalid: Bool {
    if case .invalid = kind { true } else { false }
  }

  /// The names of a plain path such as `place.insert_order.end`, with their places; nil for anything else.
  package var path: [(name: String, range: SourceRange)]? {
    switch kind {
    case .name(let name): [(name, range)]
    case .member(let base, let name, let nameRange): base.path.map { $0 + [(name, nameRange)] }
    case .literal, .index, .call, .unary, .binary, .conditional, .cast, .list, .invalid: nil
    }
  }
}

package enum UnaryOperator: String, CaseIterable, Sendable {
  case negate = "-"
  case not = "not"
}

package enum BinaryOperator: String, CaseIterable, Sendable {
  case multiply = "*"
  case divide = "/"
  case remainder = "mod"
  case add = "+"
  case subtract = "-"
  case coalesce = "??"
  case equal = "=="
  case notEqual = "!="
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="
  case and = "and"
  case or = "or"
  case `in` = "in"

  /// Whether it gives a truth of two values, so that another of its kind may not follow.
  var isComparison: Bool { comparison != nil || self == .in }

  package var comparison: Comparison? {
    switch self {
    case .equal: .equal
    case .notEqual: .notEqual
    case .less: .less
    case .lessOrEqual: .lessOrEqual
    case .greater: .greater
    case .greaterOrEqual: .greaterOrEqual
    case .multiply, .divide, .remainder, .add, .subtract, .coalesce, .and, .or, .in: nil
    }
  }
}
