extension JSONWriter {
  /// Appends `text` as a JSON string, quotes included, to a buffer that is not a writer's own.
  package static func appendQuoted(_ text: String, to buffer: inout [UInt8]) {
    var text = text
    text.withUTF8 { bytes in
      buffer.append(UInt8(ascii: "\""))
      // What needs no escape is copied in one piece: that is nearly always the whole text.
      var copied = 0
      for at in bytes.indices where needsEscape(bytes[at]) {
        buffer.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[copied..<at]))
        appendEscape(bytes[at], to: &buffer)
        copied = at + 1
      }
      buffer.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[copied...]))
      buffer.append(UInt8(ascii: "\""))
    }
  }

  private static func needsEscape(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == 0x7F
  }

  private static func appendEscape(_ byte: UInt8, to buffer: inout [UInt8]) {
    buffer.append(UInt8(ascii: "\\"))
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): buffer.append(byte)
    case 0x0A: buffer.append(UInt8(ascii: "n"))
    case 0x0D: buffer.append(UInt8(ascii: "r"))
    case 0x09: buffer.append(UInt8(ascii: "t"))
    default:
      buffer.append(contentsOf: "u00".utf8)
      buffer.append(hexDigit(byte >> 4))
      buffer.append(hexDigit(byte & 15))
    }
  }

  /// Appends a number's decimal digits.
  package static func appendDigits(_ value: UInt64, to buffer: inout [UInt8]) {
    buffer.append(upTo: TextCursor.digitsMax) { $0.digits(value) }
  }

  private static func hexDigit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10 }
}

extension JSONValue {
  /// Appends the value as JSON text, numbers with their own text.
  package func appendSerialized(to buffer: inout [UInt8]) { buffer.append(contentsOf: serialized.utf8) }
}
