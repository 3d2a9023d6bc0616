/// The difference of two texts as `diff -u` and `patch` write and read it.
///
/// Lines are compared from both ends, and what is left with the longest common subsequence up to a bound; above it the whole
/// middle is shown as replaced, which is still right.
package struct UnifiedDiff: Sendable {
  private let old: [ArraySlice<UInt8>]
  private let new: [ArraySlice<UInt8>]
  private static let context = 3
  /// Cells of the comparison's table; 16 MB.
  private static let cellsMax = 4_000_000

  private enum Operation { case keep, remove, insert }

  package init(from old: [UInt8], to new: [UInt8]) {
    self.old = Self.lines(old)
    self.new = Self.lines(new)
  }

  /// Empty if the texts are equal. The headers are `--- a/path` and `+++ b/path`, which `git apply` and `patch -p1` take.
  package func text(path: String) -> String {
    let operations = self.operations()
    guard operations.contains(where: { $0 != .keep }) else { return "" }
    var path = DisplayText.oneLine(path)
    if path.hasPrefix("/") { path.removeFirst() }
    var text = "--- a/\(path)\n+++ b/\(path)\n"
    for hunk in hunks(operations) { text += rendered(hunk, operations) }
    return text
  }

  private static func lines(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
    var lines: [ArraySlice<UInt8>] = []
    var start = 0
    for (index, byte) in bytes.enumerated() where byte == 0x0A {
      lines.append(bytes[start...index])
      start = index + 1
    }
    if start < bytes.count { lines.append(bytes[start...]) }
    return lines
  }

  private func operations() -> [Operation] {
    var head = 0
    while head < old.count, head < new.count, old[head] == new[head] { head += 1 }
    var tail = 0
    while tail < old.count - head, tail < new.count - head, old[old.count - 1 - tail] == new[new.count - 1 - tail] { tail += 1 }
    let middle = compared(old[head..<old.count - tail], new[head..<new.count - tail])
    return Array(repeating: .keep, count: head) + middle + Array(repeating: .keep, count: tail)
  }

  private func compared(_ left: ArraySlice<ArraySlice<UInt8>>, _ right: ArraySlice<ArraySlice<UInt8>>) -> [Operation] {
    let rows = left.count
    let columns = right.count
    guard rows > 0, columns > 0, rows * columns <= Self.cellsMax else {
      return Array(repeating: .remove, count: rows) + Array(repeating: .insert, count: columns)
    }
    let left = Array(left)
    let right = Array(right)
    let width = columns + 1
    // The longest common subsequence of what follows each pair of lines.
    var longest = [Int32](repeating: 0, count: (rows + 1) * width)
    for row in stride(from: rows - 1, through: 0, by: -1) {
      for column in stride(from: columns - 1, through: 0, by: -1) {
        longest[row * width + column] =
          left[row] == right[column]
          ? longest[(row + 1) * width + column + 1] + 1
          : max(longest[(row + 1) * width + column], longest[row * width + column + 1])
      }
    }
    var result: [Operation] = []
    var row = 0
    var column = 0
    while row < rows || column < columns {
      if row < rows, column < columns, left[row] == right[column] {
        result.append(.keep)
        row += 1
        column += 1
      } else if row < rows, column == columns || longest[(row + 1) * width + column] >= longest[row * width + column + 1] {
        result.append(.remove)
        row += 1
      } else {
        result.append(.insert)
        column += 1
      }
    }
    return result
  }

  /// Ranges of operations, each with its context; changes that lie near each other share one.
  private func hunks(_ operations: [Operation]) -> [Range<Int>] {
    var hunks: [Range<Int>] = []
    for (index, operation) in operations.enumerated() where operation != .keep {
      let range = max(0, index - Self.context)..<min(operations.count, index + Self.context + 1)
      if let last = hunks.last, range.lowerBound <= last.upperBound {
        hunks[hunks.count - 1] = last.lowerBound..<range.upperBound
      } else {
        hunks.append(range)
      }
    }
    return hunks
  }

  private func rendered(_ hunk: Range<Int>, _ operations: [Operation]) -> String {
    var oldLine = 0
    var newLine = 0
    for operation in operations[..<hunk.lowerBound] {
      if operation != .insert { oldLine += 1 }
      if operation != .remove { newLine += 1 }
    }
    let oldCount = operations[hunk].count { $0 != .insert }
    let newCount = operations[hunk].count { $0 != .remove }
    // An empty side is numbered by the line before it.
    let oldStart = oldCount == 0 ? oldLine : oldLine + 1
    let newStart = newCount == 0 ? newLine : newLine + 1
    var text = "@@ -\(span(oldStart, oldCount)) +\(span(newStart, newCount)) @@\n"
    for operation in operations[hunk] {
      switch operation {
      case .keep:
        text += " " + shown(old[oldLine])
        oldLine += 1
        newLine += 1
      case .remove:
        text += "-" + shown(old[oldLine])
        oldLine += 1
      case .insert:
        text += "+" + shown(new[newLine])
        newLine += 1
      }
    }
    return text
  }

  private func span(_ start: Int, _ count: Int) -> String { count == 1 ? "\(start)" : "\(start),\(count)" }

  private func shown(_ line: ArraySlice<UInt8>) -> String {
    let text = String(decoding: line, as: UTF8.self)
    return line.last == 0x0A ? text : text + "\n\\ No newline at end of file\n"
  }
}
