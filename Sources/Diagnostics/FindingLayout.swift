/// What a piece of a rendered finding is; a renderer decides how that looks.
enum TextRole: Hashable {
  case plain
  case title(Severity)
  case message
  case gutter
  case caret(Severity)
  case relatedCaret
  case help
}

struct TextSpan {
  let role: TextRole
  let text: String

  init(_ text: String, _ role: TextRole = .plain) {
    self.role = role
    self.text = text
  }
}

/// The picture of a finding, once for all renderers that print for people:
///
///     error[type-mismatch]: 'total' is text, and '>' compares numbers
///        --> chains/checkout.yaml:31:12
///         |
///      31 |     check: total > 100
///         |            ^^^^^ captured as text at 24:9
///         = help: capture it as a number: 'total: {json: $.total, as: number}'
struct FindingLayout {
  /// Terminal columns for the whole picture.
  let width: Int

  func lines(of finding: Finding, in files: SourceFiles) -> [[TextSpan]] {
    let places = [finding.range] + finding.related.map(\.range)
    let digits = places.map { String(files[$0.file].line(at: $0.start)).count }.max() ?? 1
    let indent = String(repeating: " ", count: digits + 1)
    var lines: [[TextSpan]] = [
      [
        TextSpan("\(finding.severity.rawValue)[\(finding.name.rawValue)]", .title(finding.severity)),
        TextSpan(": " + DisplayText.oneLine(finding.message), .message),
      ]
    ]
    lines += place(finding.range, label: finding.label, caret: "^", role: .caret(finding.severity), digits: digits, files)
    for related in finding.related {
      lines += place(related.range, label: related.message, caret: "-", role: .relatedCaret, digits: digits, files)
    }
    if let help = finding.help {
      lines.append([TextSpan(indent + " = ", .gutter), TextSpan("help: ", .help), TextSpan(DisplayText.oneLine(help))])
    }
    return lines
  }

  /// The same picture for what went wrong at a place while a chain ran.
  func lines(of incident: Incident, in files: SourceFiles) -> [[TextSpan]] {
    let digits = String(files[incident.range.file].line(at: incident.range.start)).count
    let indent = String(repeating: " ", count: digits + 1)
    var lines: [[TextSpan]] = [
      [
        TextSpan("\(incident.severity.rawValue)[\(DisplayText.oneLine(incident.name))]", .title(incident.severity)),
        TextSpan(": " + DisplayText.oneLine(incident.message), .message),
      ]
    ]
    lines += place(incident.range, label: incident.label, caret: "^", role: .caret(incident.severity), digits: digits, files)
    for note in incident.notes { lines.append([TextSpan(indent + " = ", .gutter), TextSpan(DisplayText.oneLine(note))]) }
    return lines
  }

  private func place(
    _ range: SourceRange, label: String?, caret: String, role: TextRole, digits: Int, _ files: SourceFiles
  ) -> [[TextSpan]] {
    let file = files[range.file]
    let path = DisplayText.oneLine(file.path)
    let indent = String(repeating: " ", count: digits + 1)
    let label = label.map { " " + DisplayText.oneLine($0) } ?? ""
    guard !file.bytes.isEmpty else {
      return [[TextSpan(indent + "--> ", .gutter), TextSpan(path + (label.isEmpty ? "" : ":" + label))]]
    }
    let position = file.position(at: range.start)
    let excerpt = Excerpt(of: range, in: file, width: max(20, width - digits - 6))
    let number = String(excerpt.line)
    let padding = String(repeating: " ", count: digits - number.count)
    return [
      [TextSpan(indent + "--> ", .gutter), TextSpan("\(path):\(position.line):\(position.column)")],
      [TextSpan(indent + " |", .gutter)],
      [TextSpan(" \(padding)\(number) |", .gutter), TextSpan(excerpt.text.isEmpty ? "" : " " + excerpt.text)],
      [
        TextSpan(indent + " |", .gutter), TextSpan(String(repeating: " ", count: excerpt.caretColumn + 1)),
        TextSpan(String(repeating: caret, count: excerpt.caretWidth) + label, role),
      ],
    ]
  }
}

extension Findings {
  /// "2 errors, 1 warning", or nil if there is nothing to count.
  package var summary: String? {
    func counted(_ count: Int, _ word: String) -> String { "\(count) \(word)\(count == 1 ? "" : "s")" }
    var parts: [String] = []
    if errorCount > 0 { parts.append(counted(errorCount, "error")) }
    if warningCount > 0 { parts.append(counted(warningCount, "warning")) }
    if droppedCount > 0 { parts.append("\(droppedCount) of them not shown") }
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }
}
