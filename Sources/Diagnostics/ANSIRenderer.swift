/// Findings as text with excerpts in colour; without the colours it is byte for byte what `PlainTextRenderer` prints.
package struct ANSIRenderer: Sendable {
  private let layout: FindingLayout

  /// - Parameter width: Terminal columns; a longer line of a file is cut around the place.
  package init(width: Int = 140) {
    layout = FindingLayout(width: width)
  }

  /// One finding, each line of it ended by a line feed.
  package func render(_ finding: Finding, in files: SourceFiles) -> String {
    layout.lines(of: finding, in: files).map { $0.map(painted).joined() + "\n" }.joined()
  }

  /// One incident of a run, each line of it ended by a line feed.
  package func render(_ incident: Incident, in files: SourceFiles) -> String {
    layout.lines(of: incident, in: files).map { $0.map(painted).joined() + "\n" }.joined()
  }

  /// All findings by place with an empty line between them, then the counts; empty if there are none.
  package func render(_ findings: Findings, in files: SourceFiles) -> String {
    let pictures = findings.sorted.map { render($0, in: files) }
    return (pictures + (findings.summary.map { ["\u{1B}[1m\($0)\u{1B}[0m\n"] } ?? [])).joined(separator: "\n")
  }

  private func painted(_ span: TextSpan) -> String {
    guard let code = selectGraphicRendition(span.role), !span.text.isEmpty else { return span.text }
    return "\u{1B}[\(code)m\(span.text)\u{1B}[0m"
  }

  /// The parameters of ECMA-48's SGR: 1 is bold, 31 to 36 are red, green, yellow, blue, magenta, cyan.
  private func selectGraphicRendition(_ role: TextRole) -> String? {
    switch role {
    case .plain: nil
    case .message: "1"
    case .gutter, .relatedCaret: "34"
    case .help: "32"
    case .title(let severity), .caret(let severity):
      switch severity {
      case .error: "1;31"
      case .warning: "1;33"
      case .note: "1;36"
      }
    }
  }
}
