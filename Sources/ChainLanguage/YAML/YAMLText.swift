internal import Diagnostics

/// The bytes of a file, found to be text that may be given to libyaml, and the way from its character counts to bytes.
struct YAMLText {
  /// 3 after a byte order mark, else 0.
  let start: Int
  /// For text that is not all ASCII: the byte offset of every 64th scalar from `start`; empty for ASCII.
  private let checkpoints: [UInt32]

  private static let stride = 64
  private static let notUTF8 = "this byte is not UTF-8"

  /// Looks at each byte once; nil if the file cannot be read as YAML, with findings that say why.
  ///
  /// Refused are bytes that are not UTF-8, control characters, and characters that change the direction of the text or end
  /// a line only for some programs, since all of them show the reader another text than the one that runs.
  init?(_ file: SourceFile, into findings: inout Findings) {
    let bytes = file.bytes
    let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
      findings.add(.invalidEncoding, at: file.range(0, 2), "the file is UTF-16, and a chain file is UTF-8", help: "save it as UTF-8")
      return nil
    }
    var checkpoints: [UInt32] = []
    var refused: [(range: Range<Int>, message: String)] = []
    bytes.withUnsafeBufferPointer { bytes in
      var offset = start
      while offset < bytes.count, refused.count < 10 {
        let byte = bytes[offset]
        if byte >= 0x80 { break }
        if byte < 0x20 || byte == 0x7F, let reason = Self.reasonToRefuse(Unicode.Scalar(byte)) {
          refused.append((offset..<offset + 1, reason))
        }
        offset += 1
      }
      guard offset < bytes.count, refused.count < 10 else { return }
      for passed in Swift.stride(from: start, through: offset, by: Self.stride) { checkpoints.append(UInt32(passed)) }
      var count = offset - start
      while offset < bytes.count, refused.count < 10 {
        if count % Self.stride == 0, count / Self.stride == checkpoints.count { checkpoints.append(UInt32(offset)) }
        let decoded = DecodedScalar(in: bytes, at: offset)
        if let scalar = decoded.scalar {
          if scalar.value < 0x20 || scalar.value >= 0x7F, let reason = Self.reasonToRefuse(scalar) {
            refused.append((offset..<offset + decoded.byteCount, reason))
          }
        } else {
          refused.append((offset..<offset + 1, Self.notUTF8))
        }
        offset += decoded.byteCount
        count += 1
      }
    }
    guard refused.isEmpty else {
      for (range, message) in refused {
        let isText = message != Self.notUTF8
        findings.add(
          .invalidEncoding, at: file.range(range), message,
          help: isText ? "in double quotes it can be written as an escape, such as \"\\u202E\"" : "save the file as UTF-8")
      }
      return nil
    }
    self.start = start
    self.checkpoints = checkpoints
  }

  /// - Parameter scalar: Scalars from the start of the text, as libyaml counts them.
  func byteOffset(ofScalar scalar: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Int {
    guard !checkpoints.isEmpty else { return min(start + scalar, bytes.count) }
    let index = min(scalar / Self.stride, checkpoints.count - 1)
    var offset = Int(checkpoints[index])
    var left = scalar - index * Self.stride
    while left > 0, offset < bytes.count {
      offset += 1
      while offset < bytes.count, bytes[offset] & 0xC0 == 0x80 { offset += 1 }
      left -= 1
    }
    return offset
  }

  private static func reasonToRefuse(_ scalar: Unicode.Scalar) -> String? {
    switch scalar.value {
    case 0x09, 0x0A, 0x0D: nil
    case 0x00: "a NUL byte has no place in a chain file"
    case 0x01...0x1F, 0x7F...0x84, 0x86...0x9F: "a control character has no place in a chain file"
    case 0x85, 0x2028, 0x2029: "this character ends a line for some programs and not for others"
    case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069:
      "a character that changes the direction of the text shows another text than the one that runs"
    case 0xFEFF: "a byte order mark stands only at the start of a file"
    case 0xFFFE...0xFFFF: "this code is not a character"
    default: nil
    }
  }
}
