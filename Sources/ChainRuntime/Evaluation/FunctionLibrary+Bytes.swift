import ChainIO
import ChainProgram

extension FunctionLibrary {
  static func bytes(_ function: Function, _ arguments: Arguments) throws(OperationError) -> Value {
    let data = try content(arguments, 0)
    switch function {
    case .sha256: return .string(SHA256.hexadecimal(of: data))
    case .hmacSHA256: return .string(SHA256.hexadecimal(SHA256.authentication(of: data, key: try content(arguments, 1))))
    case .crc32: return .int(Int64(CRC32.checksum(of: data)))
    case .base64Encode: return .string(Base64.encode(data))
    case .base64Decode:
      guard let decoded = Base64.decode(data) else { throw OperationError(.value, code: "not-base64", "the text is not Base64") }
      return .bytes(decoded)
    case .hexEncode: return .string(SHA256.hexadecimal(data))
    case .hexDecode:
      guard let decoded = hexadecimal(data) else { throw OperationError(.value, code: "not-hex", "the text is not hexadecimal") }
      return .bytes(decoded)
    case .urlEncode: return .string(percentEncoded(data))
    case .urlDecode: return .string(try percentDecoded(data))
    default: throw isNull
    }
  }

  private static func content(_ arguments: Arguments, _ index: Int) throws(OperationError) -> [UInt8] {
    if case .bytes(let bytes) = arguments[index] { return bytes }
    return Array(try string(arguments, index).utf8)
  }

  private static func hexadecimal(_ text: [UInt8]) -> [UInt8]? {
    guard text.count % 2 == 0 else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: text.count, by: 2) {
      guard let high = digit(text[index]), let low = digit(text[index + 1]) else { return nil }
      bytes.append(high << 4 | low)
    }
    return bytes
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  private static func percentEncoded(_ data: [UInt8]) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var text: [UInt8] = []
    for byte in data {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
        text.append(byte)
      default: text.append(contentsOf: [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]])
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  private static func percentDecoded(_ text: [UInt8]) throws(OperationError) -> String {
    var bytes: [UInt8] = []
    var index = 0
    while index < text.count {
      guard text[index] == UInt8(ascii: "%") else {
        bytes.append(text[index])
        index += 1
        continue
      }
      guard index + 2 < text.count, let high = digit(text[index + 1]), let low = digit(text[index + 2]) else {
        throw OperationError(.value, code: "not-url-encoded", "a '%' is not followed by two hexadecimal digits")
      }
      bytes.append(high << 4 | low)
      index += 3
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// CRC-32 (ISO-HDLC, as in gzip), bit by bit: an expression asks for it now and then, and a table would cost more than it saves.
enum CRC32 {
  static func checksum(of bytes: [UInt8]) -> UInt32 {
    var remainder: UInt32 = .max
    for byte in bytes {
      remainder ^= UInt32(byte)
      for _ in 0..<8 { remainder = remainder >> 1 ^ (remainder & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
    return ~remainder
  }
}

/// Base64 (RFC 4648).
enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count / 3 * 4 + 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let count = min(3, bytes.count - start)
      var group: UInt32 = 0
      for index in 0..<3 { group = group << 8 | (index < count ? UInt32(bytes[start + index]) : 0) }
      for index in 0..<4 { text.append(index <= count ? alphabet[Int(group >> UInt32(18 - 6 * index)) & 63] : UInt8(ascii: "=")) }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The plain and the URL alphabet, with or without padding; nil for anything else.
  static func decode(_ text: [UInt8]) -> [UInt8]? {
    var content = text[...]
    while content.last == UInt8(ascii: "="), text.count - content.count < 2 { content = content.dropLast() }
    guard content.count % 4 != 1, content.count == text.count || text.count % 4 == 0 else { return nil }
    var bytes: [UInt8] = []
    var group: UInt32 = 0
    var bits: UInt32 = 0
    for byte in content {
      guard let value = value(of: byte) else { return nil }
      group = group << 6 | value
      bits += 6
      if bits >= 8 {
        bits -= 8
        bytes.append(UInt8(truncatingIfNeeded: group >> bits))
      }
    }
    return bytes
  }

  private static func value(of byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
    case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
    default: nil
    }
  }
}
