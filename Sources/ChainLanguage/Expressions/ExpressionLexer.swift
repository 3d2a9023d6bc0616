internal import ChainProgram
internal import Diagnostics

/// Cuts an expression into tokens. Signs of other languages are taken for ours, with a finding, so that reading can go on.
struct ExpressionLexer {
  private let text: ExpressionText
  private let bytes: [UInt8]
  private var position: Int
  private let limit: Int
  private let start: Int
  /// Inside `${…}` of a text, which a `}` ends.
  private let isInterpolation: Bool
  private var tokens: [ExpressionToken] = []
  /// `${` inside an expression, taken for `(`.
  private var openTemplates = 0
  /// The offset of the `}` that ends the interpolation.
  private(set) var closingBrace: Int?
  private(set) var hasInvalid = false

  init(_ text: ExpressionText, from start: Int, isInterpolation: Bool) {
    self.text = text
    self.bytes = text.bytes
    self.start = start
    self.position = start
    self.limit = min(text.bytes.count, start + Expression.byteCountMax)
    self.isInterpolation = isInterpolation
  }

  /// All tokens, the last of which is `.end`, or `.invalid` where reading stopped.
  mutating func run(into findings: inout Findings) -> [ExpressionToken] {
    while true {
      while position < limit, ExpressionLexicon.isSpace(bytes[position]) { position += 1 }
      guard position < limit else {
        if limit < bytes.count {
          invalid(
            .limitExceeded, position..<position, "an expression has at most \(Expression.byteCountMax) bytes",
            help: "compute a part of it in a 'set' before", &findings)
        }
        break
      }
      if bytes[position] == UInt8(ascii: "}") {
        if openTemplates > 0 {
          openTemplates -= 1
          add(.symbol(.rightParenthesis), byteCount: 1)
          continue
        }
        if isInterpolation {
          closingBrace = position
          break
        }
      }
      guard next(into: &findings) else { break }
    }
    tokens.append(ExpressionToken(kind: .end, cooked: position..<position))
    return tokens
  }

  private mutating func add(_ kind: ExpressionToken.Kind, byteCount: Int) {
    tokens.append(ExpressionToken(kind: kind, cooked: position..<position + byteCount))
    position += byteCount
  }

  private mutating func invalid(_ name: FindingName, _ cooked: Range<Int>, _ message: String, help: String?, _ findings: inout Findings) {
    findings.add(name, at: text.range(cooked), message, help: help)
    tokens.append(ExpressionToken(kind: .invalid, cooked: cooked))
    hasInvalid = true
  }

  private func hasPrefix(_ prefix: [UInt8], at offset: Int) -> Bool {
    offset + prefix.count <= limit && bytes[offset..<offset + prefix.count].elementsEqual(prefix)
  }

  /// - Returns: false where nothing after this place can be read.
  private mutating func next(into findings: inout Findings) -> Bool {
    let byte = bytes[position]
    if ExpressionLexicon.isNameStart(byte) {
      readWord()
      return true
    }
    if ExpressionLexicon.isDigit(byte) {
      readNumber(into: &findings)
      return true
    }
    if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") { return readString(quote: byte, into: &findings) }
    if byte == UInt8(ascii: "$") { return readDollar(into: &findings) }
    for foreign in Self.foreignSigns where hasPrefix(foreign.bytes, at: position) {
      findings.add(
        .badExpression, at: text.range(position..<position + foreign.bytes.count), "'\(foreign.sign)' is written '\(foreign.ours)' here",
        help: foreign.help, fix: replaceSign(position..<position + foreign.bytes.count, by: foreign.ours))
      add(foreign.kind, byteCount: foreign.bytes.count)
      return true
    }
    for (symbol, sign) in ExpressionLexicon.symbolsByLength where hasPrefix(sign, at: position) {
      add(.symbol(symbol), byteCount: sign.count)
      return true
    }
    return readUnknown(into: &findings)
  }

  /// A sign by ours, with the blanks that a word needs around it.
  private func replaceSign(_ cooked: Range<Int>, by ours: String) -> Fix {
    var replacement = ours
    if ours.utf8.allSatisfy(ExpressionLexicon.isNamePart) {
      if cooked.lowerBound > 0, !ExpressionLexicon.isSpace(bytes[cooked.lowerBound - 1]),
        bytes[cooked.lowerBound - 1] != UInt8(ascii: "(")
      {
        replacement = " " + replacement
      }
      if cooked.upperBound < limit, !ExpressionLexicon.isSpace(bytes[cooked.upperBound]) { replacement += " " }
    }
    return .replace(text.range(cooked), by: replacement, "write '\(ours)' for '\(text.string(cooked))'")
  }

  private struct ForeignSign {
    let sign: String
    let bytes: [UInt8]
    let ours: String
    let kind: ExpressionToken.Kind
    let help: String

    init(_ sign: String, _ ours: String, _ kind: ExpressionToken.Kind, help: String) {
      self.sign = sign
      self.bytes = Array(sign.utf8)
      self.ours = ours
      self.kind = kind
      self.help = help
    }
  }

  /// Longest first where one starts another. `==` and `!=` are ours and stand before `=` and `!`.
  private static var foreignSigns: [ForeignSign] {
    [
      ForeignSign("===", "==", .symbol(.equal), help: "values of different types never compare here, so '==' is enough"),
      ForeignSign("!==", "!=", .symbol(.notEqual), help: "values of different types never compare here, so '!=' is enough"),
      ForeignSign("<>", "!=", .symbol(.notEqual), help: "write 'a != b'"),
      ForeignSign("&&", "and", .keyword(.and), help: "write 'a and b'"),
      ForeignSign("||", "or", .keyword(.or), help: "write 'a or b'; texts are joined with '+'"),
    ]
  }

  private mutating func readWord() {
    var end = position
    while end < limit, ExpressionLexicon.isNamePart(bytes[end]) { end += 1 }
    let word = text.string(position..<end)
    let isMember = tokens.last?.isSymbol(.dot) ?? false
    if !isMember, let keyword = ExpressionLexicon.Keyword(rawValue: word) {
      add(.keyword(keyword), byteCount: end - position)
    } else {
      add(.name(word), byteCount: end - position)
    }
  }

  private mutating func readNumber(into findings: inout Findings) {
    let number = NumberLiteral(in: bytes, at: position, limit: limit)
    switch number.content {
    case .integer(let magnitude): add(.integer(magnitude), byteCount: number.end - position)
    case .value(let value, let type): add(.literal(value, type), byteCount: number.end - position)
    case .bad(let message, let help):
      invalid(.badLiteral, position..<number.end, message, help: help, &findings)
      position = number.end
    }
  }

  private mutating func readDollar(into findings: inout Findings) -> Bool {
    let next = position + 1 < limit ? bytes[position + 1] : 0
    if next == UInt8(ascii: "{") {
      findings.add(
        .badExpression, at: text.range(position..<position + 2), "an expression stands here without '${…}'",
        help: "leave out '${' and '}'", fix: unwrap())
      openTemplates += 1
      add(.symbol(.leftParenthesis), byteCount: 2)
      return true
    }
    if ExpressionLexicon.isNameStart(next) {
      let start = position
      position += 1
      readWord()
      let word = tokens.removeLast()
      tokens.append(ExpressionToken(kind: word.kind, cooked: start..<word.cooked.upperBound))
      let name = text.string(word.cooked)
      findings.add(
        .badExpression, at: text.range(start..<word.cooked.upperBound), "names stand without '$' here", help: "write '\(name)'",
        fix: .replace(text.range(start..<start + 1), by: "", "leave out the '$'"))
      return true
    }
    return readUnknown(into: &findings)
  }

  /// For `${…}` where an expression stands anyway: nothing if it is all of it, else parentheses.
  private func unwrap() -> Fix? {
    let open = position..<position + 2
    guard !isInterpolation, let close = bytes[open.upperBound..<limit].firstIndex(of: UInt8(ascii: "}")) else { return nil }
    // With quotes or braces inside, the first '}' may be another one's.
    let others: [UInt8] = [UInt8(ascii: "{"), UInt8(ascii: "'"), UInt8(ascii: "\"")]
    guard !bytes[open.upperBound..<close].contains(where: others.contains) else { return nil }
    let isAll =
      bytes[start..<open.lowerBound].allSatisfy(ExpressionLexicon.isSpace) && bytes[(close + 1)...].allSatisfy(ExpressionLexicon.isSpace)
    return Fix(
      "leave out '${' and '}'",
      [TextEdit(text.range(open), isAll ? "" : "("), TextEdit(text.range(close..<close + 1), isAll ? "" : ")")])
  }

  private mutating func readUnknown(into findings: inout Findings) -> Bool {
    let byteCount = bytes.withUnsafeBufferPointer { DecodedScalar(in: $0, at: position).byteCount }
    let cooked = position..<min(position + byteCount, bytes.count)
    let sign = text.string(cooked)
    switch sign {
    case "!":
      findings.add(.badExpression, at: text.range(cooked), "'!' is written 'not' here", help: "write 'not x'",
        fix: replaceSign(cooked, by: "not"))
      add(.keyword(.not), byteCount: 1)
      return true
    case "=":
      findings.add(
        .badExpression, at: text.range(cooked), "'=' is written '==' here",
        help: "write 'a == b' to compare; 'set' gives a variable its value")
      add(.symbol(.equal), byteCount: 1)
      return true
    default: break
    }
    let help: String? =
      switch sign {
      case "‘", "’", "“", "”", "`": "write a text in straight quotes: 'text' or \"text\""
      case ":": "write 'if c then a else b' for 'c ? a : b'"
      case "&": "write 'and'"
      case "|": "write 'or'"
      case "{", "}": "an expression has no braces"
      case ";": "one expression stands in one place"
      case "≤": "write '<='"
      case "≥": "write '>='"
      case "≠": "write '!='"
      default:
        sign.unicodeScalars.first.map { !$0.isASCII && $0.properties.isAlphabetic } ?? false
          ? "a name is made of the letters a to z, digits and '_'" : nil
      }
    invalid(.badExpression, cooked, "'\(sign)' means nothing in an expression", help: help, &findings)
    position = cooked.upperBound
    return true
  }

  private mutating func readString(quote: UInt8, into findings: inout Findings) -> Bool {
    let start = position
    var content: [UInt8] = []
    var index = position + 1
    while index < limit, bytes[index] != quote {
      if bytes[index] == UInt8(ascii: "\\") {
        index = readEscape(at: index, to: &content, into: &findings)
      } else {
        content.append(bytes[index])
        index += 1
      }
    }
    guard index < limit else {
      let sign = quote == UInt8(ascii: "'") ? "'" : "\""
      invalid(
        .badExpression, start..<start + 1, "this text is never closed", help: "end it with \(sign), and write \\\(sign) for one inside it",
        &findings)
      position = limit
      return false
    }
    add(.literal(.string(String(decoding: content, as: UTF8.self)), .string), byteCount: index + 1 - start)
    return true
  }

  /// - Returns: The offset after the escape at `index`.
  private mutating func readEscape(at index: Int, to content: inout [UInt8], into findings: inout Findings) -> Int {
    guard index + 1 < limit else { return limit }
    let sign = bytes[index + 1]
    for escape in ExpressionLexicon.escapes where escape.name.asciiValue == sign {
      content.append(contentsOf: String(Character(escape.scalar)).utf8)
      return index + 2
    }
    var end = index + 2
    if sign == UInt8(ascii: "u"), end < limit, bytes[end] == UInt8(ascii: "{") {
      end += 1
      let digitsStart = end
      while end < limit, end - digitsStart < 8, bytes[end] != UInt8(ascii: "}"), ExpressionLexicon.isNamePart(bytes[end]) { end += 1 }
      if end < limit, bytes[end] == UInt8(ascii: "}"), let code = UInt32(text.string(digitsStart..<end), radix: 16),
        let scalar = Unicode.Scalar(code)
      {
        content.append(contentsOf: String(Character(scalar)).utf8)
        return end + 1
      }
    }
    let byteCount = bytes.withUnsafeBufferPointer { DecodedScalar(in: $0, at: index + 1).byteCount }
    let cooked = index..<min(index + 1 + byteCount, limit)
    findings.add(
      .badExpression, at: text.range(cooked), "'\(text.string(cooked))' is not an escape",
      help: "write one of \\n \\r \\t \\\\ \\' \\\" \\u{1F600}, and '\\\\' for a backslash")
    return cooked.upperBound
  }
}
