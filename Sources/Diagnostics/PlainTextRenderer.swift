/// Findings as text with excerpts, for files, logs and terminals without colour.
package struct PlainTextRenderer: Sendable {
  private let layout: FindingLayout

  /// - Parameter width: Terminal columns; a longer line of a file is cut around the place.
  package init(width: Int = 140) {
    layout = FindingLayout(width: width)
  }

  /// One finding, each line of it ended by a line feed.
  package func render(_ finding: Finding, in files: SourceFiles) -> String {
    layout.lines(of: finding, in: files).map { $0.map(\.text).joined() + "\n" }.joined()
  }

  /// One incident of a run, each line of it ended by a line feed.
  package func render(_ incident: Incident, in files: SourceFiles) -> String {
    layout.lines(of: incident, in: files).map { $0.map(\.text).joined() + "\n" }.joined()
  }

  /// All findings by place with an empty line between them, then the counts; empty if there are none.
  package func render(_ findings: Findings, in files: SourceFiles) -> String {
    let pictures = findings.sorted.map { render($0, in: files) }
    return (pictures + (findings.summary.map { [$0 + "\n"] } ?? [])).joined(separator: "\n")
  }
}
