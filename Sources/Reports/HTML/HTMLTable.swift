/// A table of the page. Cells are text and are escaped here.
struct HTMLTable {
  enum Alignment { case left, right }

  private let columns: [(name: String, alignment: Alignment)]
  private let caption: String
  private var rows = ""
  private(set) var count = 0

  /// - Parameter caption: What the table shows; read out, not shown.
  init(_ caption: String, _ columns: [(name: String, alignment: Alignment)]) {
    self.caption = caption
    self.columns = columns
  }

  mutating func row(_ cells: [HTMLCell]) {
    precondition(cells.count == columns.count, "a row has as many cells as the table has columns")
    count += 1
    rows += "<tr>"
    for (index, cell) in cells.enumerated() {
      let classes = [columns[index].alignment == .right ? "n" : "", cell.style].filter { !$0.isEmpty }.joined(separator: " ")
      let attribute = classes.isEmpty ? "" : " class=\"\(classes)\""
      rows += index == 0 ? "<th scope=\"row\"\(attribute)>\(cell.markup)</th>" : "<td\(attribute)>\(cell.markup)</td>"
    }
    rows += "</tr>\n"
  }

  var markup: String {
    guard count > 0 else { return "" }
    let header = columns.map { "<th scope=\"col\"\($0.alignment == .right ? " class=\"n\"" : "")>\(Markup.escape($0.name))</th>" }.joined()
    return "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"\(Markup.escape(caption))\"><table><caption>\(Markup.escape(caption))</caption><thead><tr>\(header)</tr></thead><tbody>\n\(rows)</tbody></table></div>\n"
  }
}

/// A cell: text with a style, or markup that is safe already.
struct HTMLCell: ExpressibleByStringInterpolation {
  let markup: String
  let style: String

  init(_ text: String, _ tone: Tone = .plain) {
    markup = Markup.escape(text)
    style = HTMLCell.style(of: tone)
  }

  init(markup: String, _ style: String = "") {
    self.markup = markup
    self.style = style
  }

  init(stringLiteral text: String) { self.init(text) }

  static func style(of tone: Tone) -> String {
    switch tone {
    case .plain, .heading: ""
    case .faint: "faint"
    case .good: "good"
    case .doubtful: "doubt"
    case .bad: "bad"
    }
  }
}
