internal import CZlib

// HdrHistogram's own exchange format, so that its viewers read what we measured. Our buckets are its buckets: the same lowest value (1), the same
// highest one (an hour) and the same number of digits give the same index for each value, which a test holds against its Python port.
extension HistogramSnapshot {
  /// The V2 encoding (`encodeIntoByteBuffer` of HdrHistogram's AbstractHistogram.java): a header of 40 bytes, then the counts.
  package var hdrEncoded: [UInt8] {
    var counts: [UInt8] = []
    counts.reserveCapacity(indices.count * 3)
    var next: UInt64 = 0
    for (index, times) in zip(indices, self.counts) {
      let zeros = UInt64(index) - next
      // A run of empty buckets is its length, negative; a single one is a zero.
      if zeros == 1 { counts.appendZigZag(0) } else if zeros > 1 { counts.appendZigZag(-Int64(zeros)) }
      counts.appendZigZag(Int64(clamping: times))
      next = UInt64(index) + 1
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(40 + counts.count)
    bytes.appendBigEndian(HDRFormat.cookie)
    bytes.appendBigEndian(UInt32(counts.count))
    bytes.appendBigEndian(UInt32(0))  // how far the buckets are shifted: not at all
    bytes.appendBigEndian(UInt32(digits))
    bytes.appendBigEndian(UInt64(1))
    bytes.appendBigEndian(HistogramLayout.rangeNanoseconds)
    bytes.appendBigEndian(Double(1).bitPattern)  // values are whole nanoseconds
    return bytes + counts
  }

  /// The V2 encoding, deflated (zlib), behind a cookie and its length: what a `.hlog` line holds as base64.
  package var hdrCompressed: [UInt8] {
    let plain = hdrEncoded
    var length = compressBound(uLong(plain.count))
    var deflated = [UInt8](repeating: 0, count: Int(length))
    let status = compress2(&deflated, &length, plain, uLong(plain.count), 6)
    precondition(status == Z_OK, "zlib refused a buffer of the size that it asked for: \(status)")
    var bytes: [UInt8] = []
    bytes.reserveCapacity(8 + Int(length))
    bytes.appendBigEndian(HDRFormat.compressedCookie)
    bytes.appendBigEndian(UInt32(length))
    return bytes + deflated[..<Int(length)]
  }
}

/// The numbers that begin an encoded histogram: V2, with counts as ZigZag LEB128 (the `1` in the second digit from the right).
package enum HDRFormat {
  package static let cookie: UInt32 = 0x1c84_9313
  package static let compressedCookie: UInt32 = 0x1c84_9314
}

extension [UInt8] {
  package mutating func appendBigEndian<Number: FixedWidthInteger>(_ value: Number) {
    Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
  }

  /// ZigZag LEB128 in at most nine bytes: seven bits each, the ninth all eight (HdrHistogram's `ZigZagEncoding`).
  package mutating func appendZigZag(_ value: Int64) {
    var rest = UInt64(bitPattern: (value << 1) ^ (value >> 63))
    for _ in 0..<8 {
      guard rest >= 0x80 else { return append(UInt8(rest)) }
      append(UInt8(rest & 0x7f) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }
}

/// Base 64 (RFC 4648, section 4), with padding.
package func base64(_ bytes: [UInt8]) -> String {
  let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  var text: [UInt8] = []
  text.reserveCapacity((bytes.count + 2) / 3 * 4)
  var position = 0
  while position < bytes.count {
    let left = bytes.count - position
    let triple =
      UInt32(bytes[position]) << 16 | (left > 1 ? UInt32(bytes[position + 1]) << 8 : 0) | (left > 2 ? UInt32(bytes[position + 2]) : 0)
    text.append(alphabet[Int(triple >> 18)])
    text.append(alphabet[Int(triple >> 12 & 63)])
    text.append(left > 1 ? alphabet[Int(triple >> 6 & 63)] : UInt8(ascii: "="))
    text.append(left > 2 ? alphabet[Int(triple & 63)] : UInt8(ascii: "="))
    position += 3
  }
  return String(decoding: text, as: UTF8.self)
}
