internal import ChainProgram

struct ExpressionToken {
  enum Kind {
    case name(String)
    case keyword(ExpressionLexicon.Keyword)
    case symbol(ExpressionLexicon.Symbol)
    /// A whole number, not yet known to fit: -2^63 has a magnitude that +2^63 has not.
    case integer(UInt64)
    case literal(Value, ValueType)
    /// What is no token; it has a finding.
    case invalid
    case end
  }

  let kind: Kind
  let cooked: Range<Int>

  func isSymbol(_ symbol: ExpressionLexicon.Symbol) -> Bool {
    if case .symbol(symbol) = kind { true } else { false }
  }

  func isKeyword(_ keyword: ExpressionLexicon.Keyword) -> Bool {
    if case .keyword(keyword) = kind { true } else { false }
  }
}
