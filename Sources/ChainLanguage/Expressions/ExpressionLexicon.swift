internal import ChainProgram

/// The words and signs of the expression language: the one table, which `grammar/chain.ebnf` is compared with.
enum ExpressionLexicon {
  enum Keyword: String, CaseIterable {
    case `true`, `false`, null
    case and, or, not, `in`
    case `if`, then, `else`
    case `as`
    case mod
  }

  enum Symbol: String, CaseIterable {
    case leftParenthesis = "("
    case rightParenthesis = ")"
    case leftBracket = "["
    case rightBracket = "]"
    case dot = "."
    case comma = ","
    case plus = "+"
    case minus = "-"
    case star = "*"
    case slash = "/"
    case percent = "%"
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case coalesce = "??"
    case question = "?"
  }

  /// Nanoseconds of each.
  static let durationUnits: [(name: String, nanoseconds: Int64)] = [
    ("ns", 1), ("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
  ]
  /// Seconds of each; written after `/`.
  static let rateUnits: [(name: String, seconds: Double)] = [("s", 1), ("min", 60), ("h", 3600)]
  /// Bytes of each.
  static let sizeUnits: [(name: String, bytes: Int64)] = [
    ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
  ]
  /// What stands after a backslash in a string; `u` is followed by hexadecimal digits in braces.
  static let escapes: [(name: Character, scalar: Unicode.Scalar)] = [
    ("n", "\n"), ("r", "\r"), ("t", "\t"), ("\\", "\\"), ("'", "'"), ("\"", "\""),
  ]
  /// Signs of a scalar around an expression.
  static let templateSigns = ["$", "$$", "${", "}"]

  /// Longest first, so that the first one that fits is the one.
  static let symbolsByLength = Symbol.allCases.sorted { $0.rawValue.utf8.count > $1.rawValue.utf8.count }
    .map { (symbol: $0, bytes: Array($0.rawValue.utf8)) }

  static func isNameStart(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "_") || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
  }

  static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

  static func isNamePart(_ byte: UInt8) -> Bool { isNameStart(byte) || isDigit(byte) }

  static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
}
