/// What a linter found in several chains, as one: the form that all outputs are made of.
///
/// Chains stand in the order in which they were added, the findings of each by place. What two chains say about a file that
/// both import stands once.
package struct LintReport: Sendable {
  package struct Item: Sendable {
    package let finding: Finding
    package let files: SourceFiles

    var file: SourceFile { files[finding.range.file] }
  }

  package private(set) var items: [Item] = []
  package private(set) var fileCount = 0
  package private(set) var errorCount = 0
  package private(set) var warningCount = 0
  package private(set) var droppedCount = 0
  private var seen: Set<Key> = []

  private struct Key: Hashable {
    let path: String
    let offsets: Range<Int>
    let name: FindingName
    let message: String
  }

  package init() {}

  package mutating func add(_ findings: Findings, in files: SourceFiles) {
    fileCount += 1
    droppedCount += findings.droppedCount
    var repeated = (errors: 0, warnings: 0)
    for finding in findings.sorted {
      let key = Key(
        path: files[finding.range.file].path, offsets: finding.range.offsets, name: finding.name, message: finding.message)
      let isNew = seen.insert(key).inserted
      guard !isNew else {
        items.append(Item(finding: finding, files: files))
        continue
      }
      switch finding.severity {
      case .error: repeated.errors += 1
      case .warning: repeated.warnings += 1
      case .note: break
      }
    }
    // The findings count what they dropped, too.
    errorCount += findings.errorCount - repeated.errors
    warningCount += findings.warningCount - repeated.warnings
  }

  /// "3 files: 2 errors, 1 warning", "1 file: no findings".
  package var summary: String {
    func counted(_ count: Int, _ word: String) -> String { "\(count) \(word)\(count == 1 ? "" : "s")" }
    var parts: [String] = []
    if errorCount > 0 { parts.append(counted(errorCount, "error")) }
    if warningCount > 0 { parts.append(counted(warningCount, "warning")) }
    if droppedCount > 0 { parts.append("\(droppedCount) of them not shown") }
    return counted(fileCount, "file") + ": " + (parts.isEmpty ? "no findings" : parts.joined(separator: ", "))
  }
}

extension PlainTextRenderer {
  /// All findings with an empty line between them.
  package func render(_ report: LintReport) -> String {
    report.items.map { render($0.finding, in: $0.files) }.joined(separator: "\n")
  }
}

extension ANSIRenderer {
  /// All findings with an empty line between them.
  package func render(_ report: LintReport) -> String {
    report.items.map { render($0.finding, in: $0.files) }.joined(separator: "\n")
  }
}
