/// One step of a UTF-8 reader that never fails: a byte that does not belong to a well-formed scalar stands alone.
package struct DecodedScalar {
  /// nil for a byte that is not UTF-8.
  package let scalar: Unicode.Scalar?
  package let byteCount: Int

  /// Reads the scalar at an offset; overlong forms, surrogates and cut sequences are not UTF-8.
  ///
  /// - Precondition: `offset < bytes.count`.
  package init(in bytes: UnsafeBufferPointer<UInt8>, at offset: Int) {
    let lead = bytes[offset]
    if lead < 0x80 {
      scalar = Unicode.Scalar(lead)
      byteCount = 1
      return
    }
    let length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2
    let smallest: UInt32 = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000
    guard lead >= 0xC2, lead <= 0xF4, offset + length <= bytes.count else {
      scalar = nil
      byteCount = 1
      return
    }
    var value = UInt32(lead) & (0x7F >> UInt32(length))
    for next in offset + 1..<offset + length {
      let byte = bytes[next]
      guard byte & 0xC0 == 0x80 else {
        scalar = nil
        byteCount = 1
        return
      }
      value = value << 6 | UInt32(byte & 0x3F)
    }
    scalar = value >= smallest ? Unicode.Scalar(value) : nil
    byteCount = scalar == nil ? 1 : length
  }
}
