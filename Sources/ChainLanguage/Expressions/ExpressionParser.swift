package import Diagnostics

extension Expression {
  /// Reads a raw expression (`if`, `check`, `capture` …). What cannot be read has a finding and is `.invalid`.
  package static func parse(_ text: ExpressionText, into findings: inout Findings) -> Expression { fatalError("to be written") }
}
