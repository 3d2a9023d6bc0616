internal import Diagnostics

/// Reads records of RFC 4180: cells between commas, in quotes where they hold commas, quotes or line breaks. Empty lines are skipped.
struct CSVReader {
  struct Cell {
    let text: String
    let range: SourceRange
  }

  private let file: SourceFile
  private var offset: Int
  /// Where a quoted cell starts that the file's end cut off.
  private(set) var unclosedQuote: SourceRange?

  init(_ file: SourceFile) {
    self.file = file
    offset = file.bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
  }

  /// The next record; nil at the end.
  mutating func next() -> [Cell]? {
    let bytes = file.bytes
    while offset < bytes.count, isLineBreak(bytes[offset]) { offset += 1 }
    guard offset < bytes.count else { return nil }
    var cells: [Cell] = []
    while true {
      cells.append(cell(bytes))
      guard offset < bytes.count, bytes[offset] == UInt8(ascii: ",") else { break }
      offset += 1
    }
    if offset < bytes.count, bytes[offset] == UInt8(ascii: "\r") { offset += 1 }
    if offset < bytes.count, bytes[offset] == UInt8(ascii: "\n") { offset += 1 }
    return cells
  }

  private mutating func cell(_ bytes: [UInt8]) -> Cell {
    let start = offset
    var text: [UInt8] = []
    if offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") {
      offset += 1
      var isClosed = false
      while offset < bytes.count {
        if bytes[offset] == UInt8(ascii: "\"") {
          offset += 1
          guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") else {
            isClosed = true
            break
          }
        }
        text.append(bytes[offset])
        offset += 1
      }
      if !isClosed { unclosedQuote = file.range(start, start + 1) }
    }
    while offset < bytes.count, bytes[offset] != UInt8(ascii: ","), !isLineBreak(bytes[offset]) {
      text.append(bytes[offset])
      offset += 1
    }
    return Cell(text: String(decoding: text, as: UTF8.self), range: file.range(start, offset))
  }

  private func isLineBreak(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") }
}
