extension JSONWriter {
  /// Appends `text` as a JSON string, quotes included, to a buffer that is not a writer's own.
  package static func appendQuoted(_ text: String, to buffer: inout [UInt8]) {
    buffer.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        buffer.append(UInt8(ascii: "\\"))
        buffer.append(byte)
      case 0..<0x20, 0x7F:
        buffer.append(contentsOf: "\\u00".utf8)
        for nibble in [byte >> 4, byte & 15] { buffer.append(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10) }
      default: buffer.append(byte)
      }
    }
    buffer.append(UInt8(ascii: "\""))
  }
}

extension JSONValue {
  /// Appends the value as JSON text, numbers with their own text.
  package func appendSerialized(to buffer: inout [UInt8]) { buffer.append(contentsOf: serialized.utf8) }
}
