internal import CLinux

/// Pieces of memory that somebody will use together, soon: fetched into the processor's caches ahead of that.
///
/// Between two steps of one virtual user come those of all others and the servers' work, so each step finds its user's memory cold: with 256
/// users its twenty cache lines, waited for one after the other, cost more than what is computed on them. Asked for as soon as the reply is
/// read, they come while the other replies are read.
package struct UpcomingMemory {
  private var pieces: (Piece, Piece, Piece, Piece) = (Piece(), Piece(), Piece(), Piece())

  private struct Piece {
    var start: UnsafeRawPointer?
    var bytes: UInt = 0

    func fetch() { clinux_prefetch(start, bytes) }
  }

  /// None.
  package init() {}

  /// - Parameters:
  ///   - objects: At most two, and how many bytes of each, from its header on, are used.
  ///   - memory: At most two pieces.
  package init(objects: [(object: AnyObject, bytes: Int)], memory: [UnsafeRawBufferPointer]) {
    precondition(objects.count <= 2 && memory.count <= 2, "no more pieces than there are places")
    for (index, (object, bytes)) in objects.enumerated() {
      let piece = Piece(start: UnsafeRawPointer(Unmanaged.passUnretained(object).toOpaque()), bytes: UInt(bytes))
      if index == 0 { pieces.0 = piece } else { pieces.1 = piece }
    }
    for (index, buffer) in memory.enumerated() {
      let piece = Piece(start: buffer.baseAddress, bytes: UInt(buffer.count))
      if index == 0 { pieces.2 = piece } else { pieces.3 = piece }
    }
  }

  /// Asks for all pieces and waits for none.
  @inline(__always)
  func fetch() {
    pieces.0.fetch()
    pieces.1.fetch()
    pieces.2.fetch()
    pieces.3.fetch()
  }

  /// Asks for the first bytes of an object.
  @inline(__always)
  static func fetch(_ object: UnsafeRawPointer, bytes: Int) { clinux_prefetch(object, UInt(bytes)) }
}
