/// Draws frames in place, below what the terminal shows already: nothing that was printed before is lost, and what is printed afterwards
/// begins where the frame began.
///
/// Pure: it returns what to write. After each call the cursor stands at the left of the line below the frame, where a message of a crash
/// disturbs nothing.
package struct FramePainter {
  /// Visible widths of the lines on the terminal.
  private var drawn: [Int] = []
  private var columns = 0

  package init() {}

  package var isDrawn: Bool { !drawn.isEmpty }

  /// The frame in place of the one before.
  ///
  /// - Parameters:
  ///   - lines: Fewer than the terminal has rows.
  ///   - columns: The terminal's width now; it may have changed since the last frame.
  package mutating func draw(_ lines: [String], columns: Int) -> String {
    var text = home(columns: columns)
    for line in lines { text += line + "\u{1B}[K\r\n" }
    text += "\u{1B}[J"
    drawn = lines.map(FramePainter.visibleWidth)
    self.columns = columns
    return text
  }

  /// Takes the frame away; the cursor stands where its first line began.
  package mutating func erase(columns: Int) -> String {
    guard isDrawn else { return "" }
    defer { drawn = [] }
    return home(columns: columns) + "\u{1B}[J"
  }

  /// The frame is no longer where it was drawn: the next one begins at the cursor.
  package mutating func forget() { drawn = [] }

  /// To the left of the first line. On a terminal that has become narrower, lines were folded and take more rows.
  private func home(columns: Int) -> String {
    func rows(_ width: Int) -> Int { columns < self.columns ? max(1, (width + columns - 1) / max(1, columns)) : 1 }
    let up = drawn.reduce(0) { $0 + rows($1) }
    return up > 0 ? "\r\u{1B}[\(up)A" : "\r"
  }

  /// Columns that a line takes: everything but its escape sequences (`ESC [ … letter`).
  static func visibleWidth(_ line: String) -> Int {
    var width = 0
    var isEscape = false
    for character in line {
      if isEscape {
        if character.isLetter { isEscape = false }
      } else if character == "\u{1B}" {
        isEscape = true
      } else {
        width += 1
      }
    }
    return width
  }
}
