/// Comma-separated text with quotes where a field needs them (RFC 4180; the same as Python's `csv` by default).
struct CSVWriter {
  private(set) var text = ""
  private let lineEnd: String
  private var bytes: [UInt8] = []

  /// - Parameter lineEnd: `\r\n` as Python's `csv` (and so Locust) writes it, or `\n`.
  init(lineEnd: String) {
    self.lineEnd = lineEnd
  }

  mutating func row(_ fields: [String]) {
    for (index, field) in fields.enumerated() {
      if index > 0 { text.append(",") }
      bytes.removeAll(keepingCapacity: true)
      CSVWriter.append(field, to: &bytes)
      text.append(contentsOf: String(decoding: bytes, as: UTF8.self))
    }
    text.append(lineEnd)
  }

  /// Appends one field.
  static func append(_ field: String, to bytes: inout [UInt8]) {
    var field = field
    field.withUTF8 { content in
      guard content.contains(where: { $0 == 0x2C || $0 == 0x22 || $0 == 0x0A || $0 == 0x0D }) else {
        return bytes.append(contentsOf: content)
      }
      bytes.append(UInt8(ascii: "\""))
      for byte in content {
        if byte == UInt8(ascii: "\"") { bytes.append(byte) }
        bytes.append(byte)
      }
      bytes.append(UInt8(ascii: "\""))
    }
  }

  mutating func take() -> String {
    defer { text = "" }
    return text
  }
}
