/// Whether a text may carry colours.
package enum TextStyle: Sendable {
  case plain, ansi
}

/// What a piece of text means; how it looks is decided in one place.
package enum Tone: Sendable {
  case plain, heading, faint, good, doubtful, bad
}

extension TextStyle {
  package func paint(_ text: String, _ tone: Tone) -> String {
    guard self == .ansi, !text.isEmpty else { return text }
    let code: String
    switch tone {
    case .plain: return text
    case .heading: code = "1"
    case .faint: code = "2"
    case .good: code = "32"
    case .doubtful: code = "33"
    case .bad: code = "1;31"
    }
    return "\u{1b}[\(code)m\(text)\u{1b}[0m"
  }
}

/// Text with a meaning; its width is that of the text alone.
package struct Cell: Sendable, ExpressibleByStringInterpolation {
  package var text: String
  package var tone: Tone

  package init(_ text: String, _ tone: Tone = .plain) {
    self.text = text
    self.tone = tone
  }

  package init(stringLiteral text: String) {
    self.init(text)
  }

  package var width: Int { text.count }

  /// At most `width` columns; what is cut ends in `…`.
  package func cut(to width: Int) -> Cell {
    self.width <= width ? self : Cell(String(text.prefix(max(0, width - 1))) + "…", tone)
  }
}

/// Rows whose columns line up. A column without any content is left out.
struct TextTable {
  enum Alignment {
    case left, right
  }

  private let alignments: [Alignment]
  private var rows: [[Cell]] = []
  private let optionalColumn: Int?
  private let indent = 2

  /// - Parameter optionalColumn: Left out where the table would be too wide with it.
  init(_ alignments: [Alignment], optionalColumn: Int? = nil) {
    self.alignments = alignments
    self.optionalColumn = optionalColumn
  }

  mutating func header(_ names: [String]) {
    rows.append(names.map { Cell($0, .faint) })
  }

  mutating func row(_ cells: [Cell]) {
    precondition(cells.count == alignments.count, "a row has as many cells as the table has columns")
    rows.append(cells)
  }

  /// - Parameter width: The last column is cut so that no line is longer.
  func lines(width: Int, style: TextStyle) -> [String] {
    var used = alignments.indices.filter { column in rows.contains { !$0[column].text.isEmpty } }
    let widths = alignments.indices.map { column in rows.map(\.[column].width).max() ?? 0 }
    func total(_ gap: Int) -> Int { used.reduce(indent - gap) { $0 + widths[$1] + gap } }
    if total(2) > width { used.removeAll { $0 == optionalColumn } }
    // A cut last column is text; numbers come closer together before any of them is lost.
    let gap = total(2) > width && used.last.map { alignments[$0] } == .right ? 1 : 2
    return rows.map { row in
      var line = String(repeating: " ", count: indent)
      var at = indent
      for column in used {
        let isLast = column == used.last
        var cell = row[column]
        if isLast { cell = cell.cut(to: max(8, width - at)) }
        let padding = String(repeating: " ", count: max(0, widths[column] - cell.width))
        switch alignments[column] {
        case .left: line += style.paint(cell.text, cell.tone) + (isLast ? "" : padding)
        case .right: line += padding + style.paint(cell.text, cell.tone)
        }
        if !isLast {
          line += String(repeating: " ", count: gap)
          at += widths[column] + gap
        }
      }
      while line.hasSuffix(" ") { line.removeLast() }
      return line
    }
  }
}
