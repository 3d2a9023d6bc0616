package import ChainProgram

/// What the place of an expression takes.
package struct Expectation: Sendable {
  package enum Wanted: Sendable, Hashable {
    /// Whatever has a type of its own: what a variable can hold. Untyped text needs `as`.
    case variable
    /// This type; ints and literals widen, untyped text and JSON are cast at run time.
    case type(ValueType)
    /// One of several types, no casts.
    case oneOf([ValueType])
    /// What may become text: SQL parameters, Redis arguments, path segments, headers. Untyped text counts as a string.
    case text
    /// What may become a JSON value. Untyped text counts as a string.
    case json
    /// Anything at all, also rows and `null`.
    case anything
  }

  package let wanted: Wanted
  /// The rule as the message states it after the expression's type: "a check is true or false", "'within' takes a duration".
  package let phrase: String
  package let allowsNull: Bool
  package let allowsSecret: Bool

  package init(_ wanted: Wanted, _ phrase: String, allowsNull: Bool = false, allowsSecret: Bool = false) {
    self.wanted = wanted
    self.phrase = phrase
    self.allowsNull = allowsNull
    self.allowsSecret = allowsSecret
  }

  /// `if`, `while`, `until`, `check`.
  package static func condition(_ key: String) -> Expectation {
    Expectation(.type(.bool), "'\(key)' takes a condition that is true or false")
  }

  package static func duration(_ key: String) -> Expectation {
    Expectation(.type(.duration), "'\(key)' takes a duration")
  }

  /// A capture or `set`: any value that a variable can hold, null included.
  package static func capture(_ name: String) -> Expectation {
    Expectation(.variable, "the variable '\(name)' needs a value with a type", allowsNull: true, allowsSecret: true)
  }

  package static let sqlParameter = Expectation(
    .text, "an SQL parameter is a number, a text, a bool, an instant, a uuid or null", allowsNull: true)
  /// Inside text, a path or a Redis argument.
  package static let text = Expectation(
    .text, "only int, decimal, float, bool, uuid, string, instant and duration become text")
  /// A header, which a secret may enter.
  package static let header = Expectation(
    .text, "only int, decimal, float, bool, uuid, string, instant and duration become text", allowsSecret: true)
  package static let json = Expectation(.json, "a JSON value is made of scalars, lists and JSON", allowsNull: true)
}
