/// Follows SQL's lexical structure (PostgreSQL, manual 4.1) as far as it decides what a `${…}` means at a place: quotes, dollar quotes
/// and comments. Goes on across the pieces of a template.
struct SQLScanner {
  enum State: Equatable {
    case code
    /// `hasEscapes`: an `E'…'` string, in which a backslash takes the next character.
    case string(hasEscapes: Bool)
    case identifier
    /// The tag with its dollars.
    case dollarQuote([UInt8])
    case lineComment
    case blockComment(depth: Int)
  }

  private(set) var state = State.code

  /// Reads literal SQL.
  ///
  /// - Returns: Whether `$1` or the like stood in the code.
  mutating func scan(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    var index = 0
    var sawNumbered = false
    func at(_ offset: Int) -> UInt8 { index + offset < bytes.count ? bytes[index + offset] : 0 }
    while index < bytes.count {
      let byte = bytes[index]
      switch state {
      case .code:
        switch byte {
        case UInt8(ascii: "'"):
          let before = index > 0 ? bytes[index - 1] | 0x20 : 0
          let isWord = index > 1 && isWordByte(bytes[index - 2])
          state = .string(hasEscapes: before == UInt8(ascii: "e") && !isWord)
        case UInt8(ascii: "\""): state = .identifier
        case UInt8(ascii: "-") where at(1) == UInt8(ascii: "-"):
          state = .lineComment
          index += 1
        case UInt8(ascii: "/") where at(1) == UInt8(ascii: "*"):
          state = .blockComment(depth: 1)
          index += 1
        case UInt8(ascii: "$") where index == 0 || !isWordByte(bytes[index - 1]):
          if isDigit(at(1)) {
            sawNumbered = true
          } else if let tag = dollarTag(bytes, index) {
            state = .dollarQuote(tag)
            index += tag.count - 1
          }
        default: break
        }
      case .string(let hasEscapes):
        if hasEscapes, byte == UInt8(ascii: "\\") {
          index += 1
        } else if byte == UInt8(ascii: "'") {
          if at(1) == UInt8(ascii: "'") { index += 1 } else { state = .code }
        }
      case .identifier:
        if byte == UInt8(ascii: "\"") { state = .code }
      case .dollarQuote(let tag):
        if byte == UInt8(ascii: "$"), bytes[index...].starts(with: tag) {
          state = .code
          index += tag.count - 1
        }
      case .lineComment:
        if byte == UInt8(ascii: "\n") { state = .code }
      case .blockComment(let depth):
        if byte == UInt8(ascii: "*"), at(1) == UInt8(ascii: "/") {
          state = depth == 1 ? .code : .blockComment(depth: depth - 1)
          index += 1
        } else if byte == UInt8(ascii: "/"), at(1) == UInt8(ascii: "*") {
          state = .blockComment(depth: depth + 1)
          index += 1
        }
      }
      index += 1
    }
    return sawNumbered
  }

  /// Why a `${…}` here would not be a parameter; nil in code.
  var interpolationProblem: (message: String, help: String, isError: Bool)? {
    switch state {
    case .code: nil
    case .string: ("'${…}' in SQL is a bound parameter and takes no quotes", "drop the quotes around it", true)
    case .dollarQuote:
      ("'${…}' in a dollar-quoted text is text for the server and never a parameter", "move it out of the quoted text", true)
    case .identifier: ("a parameter cannot stand for the name of a table or column", "write the name itself", true)
    case .lineComment, .blockComment: ("'${…}' in a comment does nothing", "remove it", false)
    }
  }

  /// `$$` or `$tag$` at the index, dollars included.
  private func dollarTag(_ bytes: [UInt8], _ start: Int) -> [UInt8]? {
    var end = start + 1
    while end < bytes.count, isWordByte(bytes[end]) { end += 1 }
    guard end < bytes.count, bytes[end] == UInt8(ascii: "$") else { return nil }
    return Array(bytes[start...end])
  }

  private func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

  private func isWordByte(_ byte: UInt8) -> Bool {
    byte >= 0x80 || byte == UInt8(ascii: "_") || isDigit(byte) || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
  }
}
