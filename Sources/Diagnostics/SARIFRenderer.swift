/// Findings as SARIF 2.1.0 (OASIS), for code scanning services: the rules that were met, the results, and the fixes.
///
/// Columns are Unicode scalars (`columnKind: unicodeCodePoints`), ends are exclusive as SARIF has it.
package struct SARIFRenderer: Sendable {
  private let toolVersion: String

  package init(toolVersion: String) {
    self.toolVersion = toolVersion
  }

  package func render(_ report: LintReport) -> String {
    var names: [FindingName] = []
    var indexes: [FindingName: Int] = [:]
    for item in report.items where indexes[item.finding.name] == nil {
      indexes[item.finding.name] = names.count
      names.append(item.finding.name)
    }
    let rules = names.map { "\n        " + rule($0) }.joined(separator: ",")
    let results = report.items.map { "\n      " + result($0, ruleIndex: indexes[$0.finding.name] ?? 0) }.joined(separator: ",")
    return """
      {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
          "tool": {"driver": {"name": "chainrun", "version": \(JSONQuoted.text(toolVersion)), "rules": [\(rules)\(rules.isEmpty ? "" : "\n    ")]}},
          "columnKind": "unicodeCodePoints",
          "results": [\(results)\(results.isEmpty ? "" : "\n    ")]
        }]
      }

      """
  }

  private func rule(_ name: FindingName) -> String {
    let help = name.explanation.map { $0.meaning + " " + $0.why } ?? name.rule
    return "{\"id\": \(JSONQuoted.text(name.rawValue)), \"shortDescription\": {\"text\": \(JSONQuoted.text(name.rule))}"
      + ", \"help\": {\"text\": \(JSONQuoted.text(help))}"
      + ", \"defaultConfiguration\": {\"level\": \(JSONQuoted.text(name.severity.rawValue))}}"
  }

  private func result(_ item: LintReport.Item, ruleIndex: Int) -> String {
    let finding = item.finding
    var message = finding.message
    if let label = finding.label { message += " (\(label))" }
    if let help = finding.help { message += "; " + help }
    var text = "{\"ruleId\": \(JSONQuoted.text(finding.name.rawValue)), \"ruleIndex\": \(ruleIndex)"
    text += ", \"level\": \(JSONQuoted.text(finding.severity.rawValue)), \"message\": {\"text\": \(JSONQuoted.text(message))}"
    text += ", \"locations\": [{\(place(finding.range, in: item.files))}]"
    if !finding.related.isEmpty {
      let related = finding.related.enumerated().map { index, related in
        "{\"id\": \(index), \"message\": {\"text\": \(JSONQuoted.text(related.message))}, \(place(related.range, in: item.files))}"
      }
      text += ", \"relatedLocations\": [\(related.joined(separator: ", "))]"
    }
    if let fix = finding.fix, let first = fix.edits.first {
      let replacements = fix.edits.map {
        "{\"deletedRegion\": \(region($0.range, in: item.files)), \"insertedContent\": {\"text\": \(JSONQuoted.text($0.replacement))}}"
      }
      text += ", \"fixes\": [{\"description\": {\"text\": \(JSONQuoted.text(fix.title))}, \"artifactChanges\": ["
      text += "{\(artifact(first.range, in: item.files)), \"replacements\": [\(replacements.joined(separator: ", "))]}]}]"
    }
    return text + "}"
  }

  private func place(_ range: SourceRange, in files: SourceFiles) -> String {
    "\"physicalLocation\": {\(artifact(range, in: files)), \"region\": \(region(range, in: files))}"
  }

  private func artifact(_ range: SourceRange, in files: SourceFiles) -> String {
    "\"artifactLocation\": {\"uri\": \(JSONQuoted.text(uri(files[range.file].path)))}"
  }

  private func region(_ range: SourceRange, in files: SourceFiles) -> String {
    let file = files[range.file]
    let start = file.position(at: range.start)
    let end = file.position(at: range.end)
    return "{\"startLine\": \(start.line), \"startColumn\": \(start.column), \"endLine\": \(end.line), \"endColumn\": \(end.column)"
      + ", \"byteOffset\": \(range.start), \"byteLength\": \(range.end - range.start)}"
  }

  /// RFC 3986: a relative reference for a relative path, `file:///…` for an absolute one.
  private func uri(_ path: String) -> String {
    var path = path[...]
    while path.hasPrefix("./") { path = path.dropFirst(2) }
    var result = path.hasPrefix("/") ? "file://" : ""
    for byte in path.utf8 {
      let isPlain =
        (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A) || (byte >= 0x30 && byte <= 0x39) || byte == 0x2D || byte == 0x2E || byte == 0x5F
        || byte == 0x7E || byte == 0x2F
      if isPlain {
        result.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        let digits = String(byte, radix: 16, uppercase: true)
        result += "%" + (digits.count == 1 ? "0" : "") + digits
      }
    }
    return result
  }
}
