internal import Reports

/// One line of a screen: cells from the left, and at the right edge either cells or a sparkline, if there is room.
struct ScreenRow {
  /// 0 stays longest.
  let rank: Int
  let cells: [Cell]
  var right: [Cell] = []
  var spark: [Double] = []
  var sparkLabel = ""
  var isGap = false

  init(rank: Int, _ cells: [Cell], right: [Cell] = [], spark: [Double] = [], sparkLabel: String = "") {
    self.rank = rank
    self.cells = cells
    self.right = right
    self.spark = spark
    self.sparkLabel = sparkLabel
  }

  /// An empty line, the first thing to go.
  static var gap: ScreenRow {
    var row = ScreenRow(rank: 20, [])
    row.isGap = true
    return row
  }

  /// Sparklines begin at this column in every row, so that a moment stands below itself.
  private static let sparkColumn = 57
  private static let sparkWidthMax = 60

  func line(columns: Int, style: Screen.Style) -> String {
    var pieces: [Cell] = []
    var room = columns
    for cell in cells where room > 0 && cell.width > 0 {
      let cut = cell.cut(to: room)
      pieces.append(cut)
      room -= cut.width
    }
    let used = columns - room
    let rightWidth = right.reduce(0) { $0 + $1.width }
    if rightWidth > 0, rightWidth + 2 <= room {
      pieces.append(Cell(LiveText.spaces(room - rightWidth)))
      pieces += right
    } else if !spark.isEmpty, used + 2 <= Self.sparkColumn, columns - Self.sparkColumn >= 12 {
      let width = min(Self.sparkWidthMax, columns - Self.sparkColumn - 4)
      pieces.append(Cell(LiveText.spaces(Self.sparkColumn - used)))
      pieces.append(Cell(LiveText.padded(sparkLabel, 4), .faint))
      pieces.append(Cell(Sparkline.text(spark, width: width), .good))
    }
    while let last = pieces.last, last.text.allSatisfy({ $0 == " " }) { pieces.removeLast() }
    return pieces.map { style.text.paint(style.isUnicode ? $0.text : ASCIIText.of($0.text), $0.tone) }.joined()
  }
}

/// A share of a whole as a bar.
enum ScreenBar {
  private static let parts: [Character] = ["▏", "▎", "▍", "▌", "▋", "▊", "▉"]

  /// - Parameter marks: Columns at which something ends, shown where the bar has not come to yet.
  static func cells(share: Double, width: Int, marks: Set<Int>) -> [Cell] {
    let eighths = Int((max(0, min(1, share)) * Double(width * 8)).rounded(.down))
    var done = String(repeating: "█", count: eighths / 8)
    if eighths % 8 > 0 { done.append(parts[eighths % 8 - 1]) }
    let rest = String((done.count..<max(done.count, width)).map { marks.contains($0) ? "┊" : "░" })
    return [Cell(done, .good), Cell(rest, .faint)]
  }
}

/// Values over time, one a column.
enum Sparkline {
  private static let levels: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

  /// The last `width` values, from 0 to their largest; right-aligned in time, so what is new is at the right.
  static func text(_ values: [Double], width: Int) -> String {
    let shown = values.suffix(width)
    let top = shown.max() ?? 0
    guard top > 0 else { return String(repeating: "▁", count: shown.count) }
    return String(shown.map { levels[min(7, max(0, Int($0 / top * 7.999)))] })
  }
}

/// The same text for a terminal without Unicode: one column for one column.
enum ASCIIText {
  static func of(_ text: String) -> String {
    String(
      text.map { character -> Character in
        switch character {
        case "▁": "_"
        case "▂": "."
        case "▃": ":"
        case "▄": "-"
        case "▅": "="
        case "▆": "+"
        case "▇": "*"
        case "█", "▉", "▊", "▋", "▌": "#"
        case "▍", "▎", "▏", "░": "."
        case "┊": "|"
        case "µ": "u"
        case "–": "-"
        case "·": "|"
        case "…": "~"
        default: character.isASCII ? character : "?"
        }
      })
  }
}
