/// Writes text into memory that was made large enough before: a store for eight bytes, and neither a check nor a call for each piece.
///
/// Appending piece by piece to an array took four times the instructions in the two places that are run through once for each event. Pieces
/// are inlinable: as calls from another module those of one row of a CSV file took 500 instructions more.
///
/// Whoever makes the room vouches for it (``Swift/Array/append(upTo:_:)``): the text, and ``slack`` bytes that may be written over behind it.
@usableFromInline
package struct TextCursor {
  @usableFromInline
  package static let slack = 8
  /// The longest number has so many digits.
  package static let digitsMax = 20

  @usableFromInline var position: UnsafeMutableRawPointer

  @inlinable
  init(position: UnsafeMutableRawPointer) { self.position = position }

  /// - Parameter text: Of ASCII or UTF-8; known when the program is compiled, so that it becomes a few stores.
  @inlinable @inline(__always)
  package mutating func literal(_ text: StaticString) {
    position.copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
    position += text.utf8CodeUnitCount
  }

  @inlinable @inline(__always)
  package mutating func byte(_ byte: UInt8) {
    position.storeBytes(of: byte, as: UInt8.self)
    position += 1
  }

  package mutating func text(_ text: String) { for byte in text.utf8 { self.byte(byte) } }

  package mutating func bytes(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    position.copyMemory(from: start, byteCount: bytes.count)
    position += bytes.count
  }

  /// Copies a short piece eight bytes at a time.
  ///
  /// - Parameter bytes: There must be ``slack`` bytes more behind it that can be read.
  @inlinable @inline(__always)
  package mutating func piece(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    var offset = 0
    while offset < bytes.count {
      (position + offset).storeBytes(of: start.loadUnaligned(fromByteOffset: offset, as: UInt64.self), as: UInt64.self)
      offset += 8
    }
    position += bytes.count
  }

  @inlinable @inline(__always)
  package mutating func integer(_ value: Int64) {
    if value < 0 { byte(UInt8(ascii: "-")) }
    digits(value.magnitude)
  }

  /// A number's decimal digits, eight of them at a time.
  @usableFromInline
  package mutating func digits(_ value: UInt64) {
    if value < 10 { return byte(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value)) }
    if value < 100_000_000 { return leadingDigits(value) }
    let upper = value / 100_000_000
    if upper < 100_000_000 {
      leadingDigits(upper)
    } else {
      leadingDigits(upper / 100_000_000)
      eightDigits(upper % 100_000_000)
    }
    eightDigits(value % 100_000_000)
  }

  /// - Parameter value: Below 10^8.
  @inline(__always)
  private mutating func leadingDigits(_ value: UInt64) {
    let digits = TextCursor.spread(value)
    // The upper bit stands for a last digit that is 0: it is written all the same.
    let zeros = (digits | 1 << 63).trailingZeroBitCount & ~7
    store((digits | 0x3030_3030_3030_3030) &>> UInt64(truncatingIfNeeded: zeros), count: 8 &- zeros &>> 3)
  }

  @inline(__always)
  private mutating func eightDigits(_ value: UInt64) { store(TextCursor.spread(value) | 0x3030_3030_3030_3030, count: 8) }

  @inline(__always)
  private mutating func store(_ word: UInt64, count: Int) {
    position.storeBytes(of: word.littleEndian, as: UInt64.self)
    position += count
  }

  /// The eight digits of a number below 10^8, one in each byte, the first in the lowest: halved three times, all parts of a step at once.
  ///
  /// The multiplications are divisions by 100 and by 10, exact for numbers below 10 000 and below 100 (the test tries each).
  @inline(__always)
  private static func spread(_ value: UInt64) -> UInt64 {
    let quads = value / 10_000 | (value % 10_000) &<< 32
    let hundreds = ((quads &* 10_486) &>> 20) & 0x7F_0000_007F
    let pairs = hundreds | (quads &- hundreds &* 100) &<< 16
    let tens = ((pairs &* 103) &>> 10) & 0x000F_000F_000F_000F
    return tens | (pairs &- tens &* 10) &<< 8
  }
}

extension [UInt8] {
  /// Appends what `write` writes.
  ///
  /// - Parameter capacity: Bytes, at least as many as will be written.
  @inlinable @inline(__always)
  package mutating func append(upTo capacity: Int, _ write: (inout TextCursor) -> Void) {
    append(addingCapacity: capacity + TextCursor.slack) { span in
      span.withUnsafeMutableBufferPointer { room, count in
        let start = UnsafeMutableRawPointer(room.baseAddress!)
        var cursor = TextCursor(position: start)
        write(&cursor)
        count = cursor.position - start
        assert(count <= capacity, "\(count) bytes were written where room was made for \(capacity)")
      }
    }
  }
}
