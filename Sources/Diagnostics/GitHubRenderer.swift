/// Findings as workflow commands of GitHub Actions, one a line, which it shows beside the lines of a change:
///
///     ::error file=chains/a.chain.yaml,line=3,endLine=3,col=5,endColumn=8,title=unknown-key::a step has no key 'captures'
///
/// In GitHub's commands an end column is the last column that belongs to the place, and columns have a meaning on one line only.
package struct GitHubRenderer: Sendable {
  package init() {}

  package func render(_ report: LintReport) -> String {
    report.items.map(line).joined()
  }

  private func line(_ item: LintReport.Item) -> String {
    let finding = item.finding
    let start = item.file.position(at: finding.range.start)
    let end = item.file.position(at: finding.range.end)
    var properties = "file=\(property(item.file.path)),line=\(start.line),endLine=\(end.line),col=\(start.column)"
    if end.line == start.line { properties += ",endColumn=\(max(start.column, end.column - 1))" }
    properties += ",title=\(property(finding.name.rawValue))"
    var message = finding.message
    if let label = finding.label { message += " (\(label))" }
    if let help = finding.help { message += "\nhelp: " + help }
    for related in finding.related {
      let place = item.files.position(of: related.range)
      message += "\n\(item.files[related.range.file].path):\(place.line):\(place.column): \(related.message)"
    }
    return "::\(command(finding.severity)) \(properties)::\(data(message))\n"
  }

  private func command(_ severity: Severity) -> String {
    switch severity {
    case .error: "error"
    case .warning: "warning"
    case .note: "notice"
    }
  }

  /// As the toolkit of GitHub Actions escapes the text of a command.
  private func data(_ text: String) -> String {
    escaped(text) { scalar in
      switch scalar {
      case "%": "%25"
      case "\r": "%0D"
      case "\n": "%0A"
      default: nil
      }
    }
  }

  /// As `data`, and what separates properties.
  private func property(_ text: String) -> String {
    escaped(text) { scalar in
      switch scalar {
      case "%": "%25"
      case "\r": "%0D"
      case "\n": "%0A"
      case ":": "%3A"
      case ",": "%2C"
      default: nil
      }
    }
  }

  private func escaped(_ text: String, _ code: (Unicode.Scalar) -> String?) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      if let code = code(scalar) {
        result += code
      } else if DisplayText.isHiddenOrActive(scalar) {
        result += DisplayText.escaped(scalar)
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
