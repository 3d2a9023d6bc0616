internal import CLinux

/// Pieces of memory that somebody will use together, soon: fetched into the processor's caches ahead of that.
///
/// Between two steps of one virtual user come those of all others and the servers' work, so each step finds its user's memory cold: with 256
/// users its dozens of cache lines, waited for one after the other, cost more than what is computed on them. Asked for as soon as the reply is
/// read, they come while the other replies are read.
package struct UpcomingMemory {
  /// Each a place in memory, and in the upper 16 bits, which no address of a process uses, how many bytes; 0 for none.
  private var pieces: (UInt, UInt, UInt, UInt) = (0, 0, 0, 0)
  private static let sizeShift: UInt = 48

  /// None.
  package init() {}

  /// - Parameters:
  ///   - object: Of it, `bytes` from its header on.
  ///   - other: The same; its first line only.
  ///   - first, second: At most 64 KiB each.
  package init(object: AnyObject, bytes: Int, other: AnyObject, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) {
    func piece(_ address: UnsafeRawPointer?, _ bytes: Int) -> UInt {
      UInt(bitPattern: address) | UInt(min(bytes, 0xFFFF)) << UpcomingMemory.sizeShift
    }
    pieces.0 = piece(Unmanaged.passUnretained(object).toOpaque(), bytes)
    pieces.1 = piece(Unmanaged.passUnretained(other).toOpaque(), 64)
    pieces.2 = piece(first.baseAddress, first.count)
    pieces.3 = piece(second.baseAddress, second.count)
  }

  /// Asks for all pieces and waits for none.
  @inline(__always)
  func fetch() {
    UpcomingMemory.fetch(pieces.0)
    UpcomingMemory.fetch(pieces.1)
    UpcomingMemory.fetch(pieces.2)
    UpcomingMemory.fetch(pieces.3)
  }

  @inline(__always)
  private static func fetch(_ piece: UInt) {
    clinux_prefetch(UnsafeRawPointer(bitPattern: piece & (1 << sizeShift - 1)), piece >> sizeShift)
  }

  /// Asks for a piece of memory, of an object from its header on.
  @inline(__always)
  static func fetch(_ start: UnsafeRawPointer, bytes: Int) { clinux_prefetch(start, UInt(bytes)) }
}
