/// Comma-separated text with quotes where a field needs them (RFC 4180; the same as Python's `csv` by default).
struct CSVWriter {
  private(set) var text = ""
  private let lineEnd: String

  /// - Parameter lineEnd: `\r\n` as Python's `csv` (and so Locust) writes it, or `\n`.
  init(lineEnd: String) {
    self.lineEnd = lineEnd
  }

  mutating func row(_ fields: [String]) {
    for (index, field) in fields.enumerated() {
      if index > 0 { text.append(",") }
      if field.utf8.contains(where: { $0 == 0x2C || $0 == 0x22 || $0 == 0x0A || $0 == 0x0D }) {
        text.append("\"")
        for character in field.unicodeScalars {
          if character == "\"" { text.append("\"") }
          text.unicodeScalars.append(character)
        }
        text.append("\"")
      } else {
        text.append(field)
      }
    }
    text.append(lineEnd)
  }

  mutating func take() -> String {
    defer { text = "" }
    return text
  }
}
