/// One line of a file and the carets under it, cut to a width, in terminal columns. Passwords in addresses are shown as `***`.
struct Excerpt {
  let line: Int
  let text: String
  let caretColumn: Int
  /// At least one, also for an empty range.
  let caretWidth: Int

  /// - Parameters:
  ///   - width: Terminal columns for the text; a longer line is shown as a window around the carets, with `…` where it was cut.
  ///   - range: If it goes over several lines, the first one is shown.
  init(of range: SourceRange, in file: SourceFile, width: Int) {
    let line = file.line(at: min(range.start, file.bytes.count))
    let content = file.contentRange(ofLine: line)
    let start = min(max(range.start, content.lowerBound), content.upperBound)
    let end = max(start, min(range.end, content.upperBound))
    let shown = Self.nearby(start..<end, in: content, bytes: file.bytes, reach: width * 4)

    var cells: [DisplayCell] = []
    var columns: [Int] = []
    var column = 0
    var firstCaretCell: Int?
    var cellAfterCarets = 0
    let hidden = Self.passwords(in: file.bytes[shown])
    file.bytes.withUnsafeBufferPointer { bytes in
      var offset = shown.lowerBound
      while offset < shown.upperBound {
        var cell = DisplayText.cell(in: bytes, at: offset, column: column)
        if hidden.contains(where: { $0.contains(offset) }) { cell = DisplayCell(text: "*", width: 1, byteCount: cell.byteCount) }
        if firstCaretCell == nil, offset + cell.byteCount > start { firstCaretCell = cells.count }
        cells.append(cell)
        columns.append(column)
        column += cell.width
        if offset < end { cellAfterCarets = cells.count }
        offset += cell.byteCount
      }
    }
    columns.append(column)
    let caretFrom = firstCaretCell ?? cells.count
    let caretTo = max(caretFrom, cellAfterCarets)

    var from = 0
    var to = cells.count
    if column > width {
      let wantedStart = max(0, min(columns[caretFrom] - width / 3, column - width))
      while columns[from] < wantedStart { from += 1 }
      while columns[to] - columns[from] > width, to > from { to -= 1 }
    }
    let isCutBefore = from > 0 || shown.lowerBound > content.lowerBound
    let isCutAfter = to < cells.count || shown.upperBound < content.upperBound
    let margin = isCutBefore ? 1 : 0

    self.line = line
    self.text = (isCutBefore ? "…" : "") + cells[from..<to].map(\.text).joined() + (isCutAfter ? "…" : "")
    self.caretColumn = margin + columns[max(from, min(caretFrom, to))] - columns[from]
    self.caretWidth = max(1, columns[max(from, min(caretTo, to))] - columns[max(from, min(caretFrom, to))])
  }

  /// Where passwords stand: between `:` and `@` of an address with a user, `https://user:password@host`.
  private static func passwords(in text: ArraySlice<UInt8>) -> [Range<Int>] {
    var found: [Range<Int>] = []
    var index = text.startIndex
    while let colon = text[index...].firstIndex(of: UInt8(ascii: ":")) {
      index = colon + 1
      guard text[index...].starts(with: "//".utf8) else { continue }
      let start = index + 2
      let end = text[start...].firstIndex { $0 <= UInt8(ascii: " ") || "/?#\"'".utf8.contains($0) } ?? text.endIndex
      index = end
      guard let at = text[start..<end].lastIndex(of: UInt8(ascii: "@")), let password = text[start..<at].firstIndex(of: UInt8(ascii: ":")) else { continue }
      found.append(password + 1..<at)
    }
    return found
  }

  /// The part of a line that can be on screen, so that a line of a megabyte costs no more than another.
  private static func nearby(_ range: Range<Int>, in content: Range<Int>, bytes: [UInt8], reach: Int) -> Range<Int> {
    var lower = max(content.lowerBound, range.lowerBound - reach)
    var upper = min(content.upperBound, range.lowerBound + 2 * reach)
    while lower > content.lowerBound, bytes[lower] & 0xC0 == 0x80, range.lowerBound - lower < reach + 4 { lower -= 1 }
    while upper < content.upperBound, bytes[upper] & 0xC0 == 0x80, upper - range.lowerBound < 2 * reach + 4 { upper += 1 }
    return lower..<upper
  }
}
