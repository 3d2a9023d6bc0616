@testable import LiveOutputs
import Testing

/// Frames on a small model of a terminal.
@Suite struct FramePainterTests {
  @Test func `a frame replaces the one before it, also a lower one, and leaves what was there before`() {
    var terminal = TerminalModel(columns: 20, rows: 8)
    var painter = FramePainter()
    terminal.write("$ chainrun\r\n")
    terminal.write(painter.draw(["one", "two", "three"], columns: 20))
    #expect(terminal.text == ["$ chainrun", "one", "two", "three"])
    terminal.write(painter.draw(["1"], columns: 20))
    #expect(terminal.text == ["$ chainrun", "1"])
    terminal.write(painter.erase(columns: 20))
    #expect(terminal.text == ["$ chainrun"])
    terminal.write("PASS\r\n")
    #expect(terminal.text == ["$ chainrun", "PASS"])
  }

  @Test func `a frame that fills the terminal scrolls once and then stays`() {
    var terminal = TerminalModel(columns: 20, rows: 5)
    var painter = FramePainter()
    terminal.write("a\r\nb\r\n$ chainrun\r\n")
    for round in 0..<3 {
      terminal.write(painter.draw((0..<4).map { "\(round)-\($0)" }, columns: 20))
      #expect(terminal.text == (0..<4).map { "\(round)-\($0)" })
      #expect(terminal.scrolled == ["a", "b", "$ chainrun"])
    }
  }

  @Test func `lines that a narrower terminal has folded are all taken away`() {
    var terminal = TerminalModel(columns: 20, rows: 12)
    var painter = FramePainter()
    terminal.write("$ chainrun\r\n")
    terminal.write(painter.draw([String(repeating: "x", count: 19), "short"], columns: 20))
    terminal.fold(to: 8)
    #expect(terminal.text == ["$ chainr", "un", "xxxxxxxx", "xxxxxxxx", "xxx", "short"])
    terminal.write(painter.draw(["new"], columns: 8))
    #expect(terminal.text == ["$ chainr", "un", "new"])
  }

  @Test func `colours take no columns`() {
    #expect(FramePainter.visibleWidth("\u{1B}[1;31mlost\u{1B}[0m 4") == 6)
  }
}

/// As much of a terminal as frames need.
struct TerminalModel {
  private(set) var columns: Int
  private let rows: Int
  private var lines: [[Character]] = [[]]
  private(set) var scrolled: [String] = []
  private var row = 0
  private var column = 0

  init(columns: Int, rows: Int) {
    self.columns = columns
    self.rows = rows
  }

  /// What is on it, without empty lines at the end.
  var text: [String] {
    var shown = lines.map { String($0) }
    while shown.last == "" { shown.removeLast() }
    return shown
  }

  mutating func write(_ text: String) {
    var rest = text.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      switch scalar {
      case "\r": column = 0
      case "\n": lineFeed()
      case "\u{1B}":
        rest.removeFirst()
        var argument = ""
        while let next = rest.popFirst() {
          if next.properties.isAlphabetic {
            escape(argument, next)
            break
          }
          argument.unicodeScalars.append(next)
        }
      default:
        while lines[row].count <= column { lines[row].append(" ") }
        lines[row][column] = Character(scalar)
        column += 1
      }
    }
  }

  private mutating func lineFeed() {
    row += 1
    if row == lines.count { lines.append([]) }
    if lines.count > rows {
      scrolled.append(String(lines.removeFirst()))
      row -= 1
    }
  }

  private mutating func escape(_ argument: String, _ command: Unicode.Scalar) {
    switch command {
    case "A": row = max(0, row - (Int(argument) ?? 1))
    case "K": lines[row].removeLast(max(0, lines[row].count - column))
    case "J":
      lines[row].removeLast(max(0, lines[row].count - column))
      lines.removeLast(lines.count - row - 1)
    default: break
    }
  }

  /// Becomes narrower, as terminals do that fold their lines; the cursor stays with its line.
  mutating func fold(to columns: Int) {
    var folded: [[Character]] = []
    for (index, line) in lines.enumerated() {
      if index == row { row = folded.count }
      var rest = line[...]
      repeat {
        folded.append(Array(rest.prefix(columns)))
        rest = rest.dropFirst(columns)
      } while !rest.isEmpty
    }
    lines = folded
    self.columns = columns
  }
}
