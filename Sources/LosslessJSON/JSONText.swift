extension JSONWriter {
  /// Appends `text` as a JSON string, quotes included, to a buffer that is not a writer's own.
  package static func appendQuoted(_ text: String, to buffer: inout [UInt8]) {
    buffer.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        buffer.append(UInt8(ascii: "\\"))
        buffer.append(byte)
      case 0x0A: buffer.append(contentsOf: "\\n".utf8)
      case 0x0D: buffer.append(contentsOf: "\\r".utf8)
      case 0x09: buffer.append(contentsOf: "\\t".utf8)
      case 0..<0x20, 0x7F:
        buffer.append(contentsOf: "\\u00".utf8)
        buffer.append(hexDigit(byte >> 4))
        buffer.append(hexDigit(byte & 15))
      default: buffer.append(byte)
      }
    }
    buffer.append(UInt8(ascii: "\""))
  }

  private static func hexDigit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10 }
}

extension JSONValue {
  /// Appends the value as JSON text, numbers with their own text.
  package func appendSerialized(to buffer: inout [UInt8]) { buffer.append(contentsOf: serialized.utf8) }
}
