/// One stretch of a file replaced by other text.
package struct TextEdit: Hashable, Sendable {
  package let range: SourceRange
  package let replacement: String

  package init(_ range: SourceRange, _ replacement: String) {
    self.range = range
    self.replacement = replacement
  }
}

/// A mechanical repair of what a finding found: safe to apply without asking, since it says what the author evidently meant.
package struct Fix: Hashable, Sendable {
  /// What it does, as an order: "replace 'captures' by 'capture'".
  package let title: String
  /// In one file, without overlaps.
  package let edits: [TextEdit]

  package init(_ title: String, _ edits: [TextEdit]) {
    self.title = title
    self.edits = edits
  }

  package static func replace(_ range: SourceRange, by text: String, _ title: String) -> Fix {
    Fix(title, [TextEdit(range, text)])
  }
}

/// The fixes of one file, chosen so that none disturbs another.
package struct FixSelection: Sendable {
  /// The findings whose fixes are in it, by place.
  package private(set) var applied: [Finding] = []
  private var edits: [TextEdit] = []

  package var isEmpty: Bool { edits.isEmpty }

  /// Of fixes that overlap or touch, the first by place wins.
  package init(_ findings: [Finding], in file: FileIndex) {
    // Kept by start, so that only neighbours have to be compared.
    for finding in findings {
      guard let fix = finding.fix, !fix.edits.isEmpty, fix.edits.allSatisfy({ $0.range.file == file }) else { continue }
      guard fix.edits.allSatisfy({ edit in isFree(edit.range) }) else { continue }
      for edit in fix.edits { edits.insert(edit, at: place(of: edit.range.start)) }
      applied.append(finding)
    }
  }

  /// The bytes of the file after the fixes.
  package func applied(to bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count + 64)
    var offset = 0
    for edit in edits where edit.range.start >= offset && edit.range.end <= bytes.count {
      result += bytes[offset..<edit.range.start]
      result += Array(edit.replacement.utf8)
      offset = edit.range.end
    }
    return result + bytes[offset...]
  }

  private func place(of start: Int) -> Int {
    var low = 0
    var high = edits.count
    while low < high {
      let middle = (low + high) / 2
      if edits[middle].range.start < start { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private func isFree(_ range: SourceRange) -> Bool {
    let next = place(of: range.start)
    if next < edits.count, edits[next].range.start <= range.end { return false }
    return next == 0 || edits[next - 1].range.end < range.start
  }
}
