/// A half-open stretch of bytes in one file; ten bytes, so it is kept with every node, name and instruction.
package struct SourceRange: Hashable, Sendable {
  package let file: FileIndex
  private let startOffset: UInt32
  private let endOffset: UInt32

  /// - Parameters: `start` and `end` are byte offsets in the file, half-open.
  package init(file: FileIndex, start: Int, end: Int) {
    precondition(0 <= start && start <= end && end < Int(UInt32.max), "a range that runs backwards or past 4 GiB: \(start)..<\(end)")
    self.file = file
    self.startOffset = UInt32(start)
    self.endOffset = UInt32(end)
  }

  package var start: Int { Int(startOffset) }
  package var end: Int { Int(endOffset) }
  package var isEmpty: Bool { startOffset == endOffset }
  package var offsets: Range<Int> { start..<end }

  /// The empty range where this one starts.
  package var startPoint: SourceRange { SourceRange(file: file, start: start, end: start) }

  /// The empty range where this one ends.
  package var endPoint: SourceRange { SourceRange(file: file, start: end, end: end) }

  /// The smallest range over both.
  ///
  /// - Precondition: both lie in the same file.
  package func union(_ other: SourceRange) -> SourceRange {
    precondition(file == other.file, "a range cannot span two files")
    return SourceRange(file: file, start: min(start, other.start), end: max(end, other.end))
  }

  package func contains(_ offset: Int) -> Bool {
    start <= offset && offset < end
  }
}

extension SourceRange: Comparable {
  /// By file, then start, then end.
  package static func < (left: SourceRange, right: SourceRange) -> Bool {
    (left.file, left.startOffset, left.endOffset) < (right.file, right.startOffset, right.endOffset)
  }
}
