import Diagnostics

/// Short pieces of a chain's text for labels.
enum SourceLine {
  static let lengthMax = 64

  /// What stands behind a step's verb: on its line, or (behind `|`, `>` or nothing) on the next one that is not empty.
  static func operand(after verb: SourceRange, in file: SourceFile) -> String {
    let line = file.line(at: verb.start)
    let content = file.contentRange(ofLine: line)
    guard verb.end < content.upperBound else { return "" }
    let isFlow = file.text(of: file.range(content.lowerBound, verb.start)).contains("{")
    var rest = trimmed(withoutComment(file.text(of: file.range(verb.end, content.upperBound))))
    if rest.hasPrefix(":") { rest = trimmed(String(rest.dropFirst())) }
    if isFlow { rest = flowValue(rest) }
    guard ["", "|", ">", "|-", ">-", "|+", ">+"].contains(rest) else { return shortened(unquoted(rest)) }
    // A block of steps or of assignments is shown by itself; a probe is a step that is not.
    guard !rest.isEmpty || file.text(of: verb) == "await" else { return "" }
    let column = verb.start - content.lowerBound
    for next in (line + 1)..<(line + 20) where next <= file.lineCount {
      let text = file.text(ofLine: next)
      let start = text.prefix { $0 == " " }.count
      guard !trimmed(text).isEmpty else { continue }
      return start > column ? shortened(trimmed(text)) : ""
    }
    return ""
  }

  /// On one line, white space as single spaces, cut to a length.
  static func oneLine(_ text: String) -> String {
    shortened(text.split(whereSeparator: { $0 == " " || $0 == "\t" || $0.isNewline }).joined(separator: " "))
  }

  private static func shortened(_ text: String) -> String {
    text.count > lengthMax ? text.prefix(lengthMax - 1) + "…" : text
  }

  private static func trimmed(_ text: String) -> String {
    var slice = text[...]
    while let last = slice.last, last == " " || last == "\t" || last == "\r" { slice.removeLast() }
    while let first = slice.first, first == " " || first == "\t" { slice.removeFirst() }
    return String(slice)
  }

  private static func withoutComment(_ text: String) -> String {
    text.firstRange(of: " #").map { String(text[..<$0.lowerBound]) } ?? text
  }

  private static func unquoted(_ text: String) -> String {
    guard text.count >= 2, let first = text.first, first == text.last, first == "\"" || first == "'" else { return text }
    return String(text.dropFirst().dropLast())
  }

  /// Up to the comma or brace that ends it, outside of quotes and inner braces.
  private static func flowValue(_ text: String) -> String {
    var depth = 0
    var quote: Character?
    var result = ""
    for character in text {
      if let open = quote {
        if character == open { quote = nil }
      } else if character == "\"" || character == "'" {
        quote = character
      } else if character == "{" || character == "[" {
        depth += 1
      } else if character == "}" || character == "]" || character == "," {
        if depth == 0 { break }
        if character != "," { depth -= 1 }
      }
      result.append(character)
    }
    return trimmed(result)
  }
}
