/// The number of a file within one `SourceFiles`, in the order in which the files were added.
package struct FileIndex: Hashable, Comparable, Sendable {
  package let rawValue: UInt16

  package init(_ rawValue: UInt16) {
    self.rawValue = rawValue
  }

  package static func < (left: FileIndex, right: FileIndex) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// A place for people: both numbers count from one.
package struct LineColumn: Hashable, Sendable {
  package let line: Int
  /// Unicode scalars from the start of the line; a byte that is not UTF-8 counts as one, a byte order mark as none.
  package let column: Int

  package init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }
}

/// The bytes of one file as they were read, with a table of where its lines start.
///
/// A line ends at LF, CR LF or a lone CR. Nothing is assumed about the encoding.
package final class SourceFile: Sendable {
  package let index: FileIndex
  /// As the user wrote it on the command line or in an import; only shown, never opened here.
  package let path: String
  package let bytes: [UInt8]
  /// Byte offset of the first byte of each line; never empty, since an empty file has one empty line.
  private let lineStarts: [UInt32]
  /// Then a column is a difference of offsets, also in a line of a megabyte.
  private let isASCII: Bool

  /// - Precondition: fewer than 2^32 bytes; whoever reads files has a far lower limit.
  package init(index: FileIndex, path: String, bytes: [UInt8]) {
    precondition(bytes.count < Int(UInt32.max), "a source file of 4 GiB or more: limit the size where it is read")
    self.index = index
    self.path = path
    self.bytes = bytes
    self.lineStarts = bytes.withUnsafeBufferPointer(Self.findLineStarts)
    self.isASCII = bytes.withUnsafeBufferPointer { bytes in bytes.allSatisfy { $0 < 0x80 } }
  }

  package var lineCount: Int { lineStarts.count }

  /// The range of the whole file.
  package var wholeRange: SourceRange { range(0, bytes.count) }

  /// A range in this file.
  ///
  /// - Parameters: byte offsets, half-open.
  package func range(_ start: Int, _ end: Int) -> SourceRange {
    SourceRange(file: index, start: start, end: end)
  }

  package func range(_ offsets: Range<Int>) -> SourceRange {
    range(offsets.lowerBound, offsets.upperBound)
  }

  /// The number, from one, of the line that holds the byte; past the end it is the last line.
  ///
  /// - Complexity: logarithmic in the number of lines.
  package func line(at offset: Int) -> Int {
    var low = 0
    var high = lineStarts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if Int(lineStarts[middle]) <= offset { low = middle } else { high = middle }
    }
    return low + 1
  }

  /// - Complexity: logarithmic in the number of lines, and in a file that is not all ASCII linear in the bytes from the line's start.
  package func position(at offset: Int) -> LineColumn {
    let line = line(at: offset)
    let content = contentRange(ofLine: line)
    let end = min(max(offset, content.lowerBound), bytes.count)
    if isASCII { return LineColumn(line: line, column: end - content.lowerBound + 1) }
    let column = bytes.withUnsafeBufferPointer { bytes in
      var column = 1
      var next = content.lowerBound
      while next < end {
        next += DecodedScalar(in: bytes, at: next).byteCount
        if next <= end { column += 1 }
      }
      return column
    }
    return LineColumn(line: line, column: column)
  }

  /// The byte offsets of a line's text, without its line break and without a byte order mark.
  ///
  /// - Parameter line: Counts from one.
  package func contentRange(ofLine line: Int) -> Range<Int> {
    var start = Int(lineStarts[line - 1])
    var end = line < lineStarts.count ? Int(lineStarts[line]) : bytes.count
    if end > start, line < lineStarts.count, bytes[end - 1] == 0x0A { end -= 1 }
    if end > start, line < lineStarts.count, bytes[end - 1] == 0x0D { end -= 1 }
    if start == 0, end >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { start = 3 }
    return start..<end
  }

  /// The text of a line, from one, without its line break; what is not UTF-8 shows as U+FFFD.
  package func text(ofLine line: Int) -> String {
    String(decoding: bytes[contentRange(ofLine: line)], as: UTF8.self)
  }

  /// The bytes of a range as text; what is not UTF-8 shows as U+FFFD.
  package func text(of range: SourceRange) -> String {
    precondition(range.file == index, "a range of another file")
    return String(decoding: bytes[min(range.start, bytes.count)..<min(range.end, bytes.count)], as: UTF8.self)
  }

  private static func findLineStarts(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt32] {
    var starts: [UInt32] = [0]
    var offset = 0
    while offset < bytes.count {
      let byte = bytes[offset]
      offset += 1
      if byte == 0x0A || (byte == 0x0D && (offset == bytes.count || bytes[offset] != 0x0A)) {
        starts.append(UInt32(offset))
      }
    }
    return starts
  }
}
