import ChainProgram

/// Values as parts of a URL (RFC 3986, 2.1): everything but the unreserved characters is encoded.
enum PercentEncoding {
  static func append(_ byte: UInt8, to buffer: inout [UInt8]) {
    buffer.append(UInt8(ascii: "%"))
    buffer.append(digit(byte >> 4))
    buffer.append(digit(byte & 15))
  }

  static func append(_ bytes: [UInt8], to buffer: inout [UInt8]) {
    for byte in bytes { if isUnreserved(byte) { buffer.append(byte) } else { append(byte, to: &buffer) } }
  }

  /// Appends the template with its arguments encoded. Unlike `TextTemplate.append`, needs no memory of its own.
  static func append(_ template: TextTemplate, arguments: UnsafePointer<Value>, to buffer: inout [UInt8]) {
    for piece in template.pieces {
      switch piece {
      case .literal(let bytes): buffer.append(contentsOf: bytes)
      case .argument(let number, _):
        let start = buffer.count
        _ = arguments[number].appendText(to: &buffer)
        encode(&buffer, from: start)
      }
    }
  }

  /// Encodes what stands from `start` on, in place and from behind. Most values (numbers, UUIDs, names) need nothing.
  private static func encode(_ buffer: inout [UInt8], from start: Int) {
    var reserved = 0
    for index in start..<buffer.count where !isUnreserved(buffer[index]) { reserved += 1 }
    guard reserved > 0 else { return }
    var source = buffer.count
    for _ in 0..<(2 * reserved) { buffer.append(0) }
    var destination = buffer.count
    while source > start {
      source -= 1
      let byte = buffer[source]
      if isUnreserved(byte) {
        destination -= 1
        buffer[destination] = byte
      } else {
        destination -= 3
        buffer[destination] = UInt8(ascii: "%")
        buffer[destination + 1] = digit(byte >> 4)
        buffer[destination + 2] = digit(byte & 15)
      }
    }
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
      true
    default: false
    }
  }

  private static func digit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "A") + nibble - 10 }
}
