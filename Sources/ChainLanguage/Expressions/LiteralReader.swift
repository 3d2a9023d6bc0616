package import ChainProgram
package import Diagnostics

/// Reads scalars that are literals of one type; anything else is a `bad-literal` finding that says what is allowed, and nil.
package enum LiteralReader {
  /// Nanoseconds, never negative: `500ms`, `1.5s`.
  package static func duration(_ text: ExpressionText, into findings: inout Findings) -> Int64? { fatalError("to be written") }
  /// Events per second: `200/s`, `12/min`.
  package static func rate(_ text: ExpressionText, into findings: inout Findings) -> Double? { fatalError("to be written") }
  /// Bytes: `16KiB`.
  package static func size(_ text: ExpressionText, into findings: inout Findings) -> Int64? { fatalError("to be written") }
  /// A fraction: `0.1%` is 0.001.
  package static func percentage(_ text: ExpressionText, into findings: inout Findings) -> Double? { fatalError("to be written") }
  /// A whole number within `range`.
  package static func integer(_ text: ExpressionText, in range: ClosedRange<Int64>, into findings: inout Findings) -> Int64? { fatalError("to be written") }
  /// What a literal under `vars:` is: a number, a bool, null, a duration, rate, size or percentage; any other text is a string.
  package static func value(_ text: String) -> (value: Value, type: ValueType) { fatalError("to be written") }
}
