package import LosslessJSON

/// A value at run time. Which case a slot holds is known from the program's types; nothing at run time asks.
package enum Value: Sendable {
  case null
  case bool(Bool)
  case int(Int64)
  case decimal(Decimal)
  case float(Double)
  /// Nanoseconds.
  case duration(Int64)
  /// Nanoseconds since 1970-01-01T00:00:00Z.
  case instant(Int64)
  case string(String)
  case uuid(UUIDBits)
  case bytes([UInt8])
  case json(JSONValue)
  case list([Value])
  /// Events per second.
  case rate(Double)
  /// Bytes.
  case size(Int64)
  /// A fraction: `0.1%` is 0.001.
  case percentage(Double)
}

/// The 128 bits of a UUID.
package struct UUIDBits: Sendable, Hashable {
  package let high: UInt64
  package let low: UInt64

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Reads the 36-character form; nil if the text is anything else.
  package init?(utf8 text: UnsafeRawBufferPointer) {
    guard text.count == 36 else { return nil }
    var halves: (UInt64, UInt64) = (0, 0)
    var digits = 0
    for (index, byte) in text.enumerated() {
      if index == 8 || index == 13 || index == 18 || index == 23 {
        guard byte == UInt8(ascii: "-") else { return nil }
        continue
      }
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
      default: return nil
      }
      if digits < 16 { halves.0 = halves.0 << 4 | UInt64(digit) } else { halves.1 = halves.1 << 4 | UInt64(digit) }
      digits += 1
    }
    self.init(high: halves.0, low: halves.1)
  }

  package func appendText(to buffer: inout [UInt8]) {
    for position in 0..<32 {
      if position == 8 || position == 12 || position == 16 || position == 20 { buffer.append(UInt8(ascii: "-")) }
      let half = position < 16 ? high : low
      let nibble = UInt8(truncatingIfNeeded: half >> UInt64((15 - position % 16) * 4)) & 15
      buffer.append(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10)
    }
  }
}
