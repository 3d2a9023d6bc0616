/// Findings as one JSON document for programs; fields are only ever added, and stand in the order shown here:
///
///     {"version":1,"errors":1,"warnings":0,"dropped":0,"findings":[
///       {"name":"unknown-key","severity":"error","message":"…","label":null,"help":"…",
///        "file":"a.yaml","start":{"line":3,"column":5,"offset":40},"end":{"line":3,"column":9,"offset":44},
///        "related":[{"message":"…","file":"a.yaml","start":{…},"end":{…}}]}]}
///
/// Lines and columns count from one, columns are Unicode scalars, offsets are bytes from zero; the end is exclusive.
package struct JSONRenderer: Sendable {
  package init() {}

  /// All findings by place, ended by a line feed.
  package func render(_ findings: Findings, in files: SourceFiles) -> String {
    var text = "{\"version\":1,\"errors\":\(findings.errorCount),\"warnings\":\(findings.warningCount)"
    text += ",\"dropped\":\(findings.droppedCount),\"findings\":["
    text += findings.sorted.map { "\n  " + object($0, in: files) }.joined(separator: ",")
    text += findings.isEmpty ? "]}\n" : "\n]}\n"
    return text
  }

  private func object(_ finding: Finding, in files: SourceFiles) -> String {
    let related = finding.related.map { "{\"message\":\(quoted($0.message)),\(place($0.range, in: files))}" }
    return "{\"name\":\(quoted(finding.name.rawValue)),\"severity\":\(quoted(finding.severity.rawValue))"
      + ",\"message\":\(quoted(finding.message)),\"label\":\(finding.label.map(quoted) ?? "null")"
      + ",\"help\":\(finding.help.map(quoted) ?? "null"),\(place(finding.range, in: files))"
      + ",\"related\":[\(related.joined(separator: ","))]}"
  }

  private func place(_ range: SourceRange, in files: SourceFiles) -> String {
    let file = files[range.file]
    return "\"file\":\(quoted(file.path)),\"start\":\(point(range.start, in: file)),\"end\":\(point(range.end, in: file))"
  }

  private func point(_ offset: Int, in file: SourceFile) -> String {
    let position = file.position(at: offset)
    return "{\"line\":\(position.line),\"column\":\(position.column),\"offset\":\(offset)}"
  }

  /// RFC 8259, section 7; what a terminal would obey or hide is escaped as well.
  private func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      default:
        if DisplayText.isHiddenOrActive(scalar) {
          for unit in String(scalar).utf16 {
            let digits = String(unit, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
          }
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return result + "\""
  }
}
