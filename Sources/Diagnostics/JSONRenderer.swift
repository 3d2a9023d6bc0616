/// Findings as one JSON document for programs; its schema is `grammar/findings.schema.json`. Fields are only ever added, and
/// stand in the order shown here:
///
///     {"version":1,"files":1,"errors":1,"warnings":0,"dropped":0,"findings":[
///       {"name":"unknown-key","severity":"error","message":"…","label":null,"help":"…",
///        "file":"a.yaml","start":{"line":3,"column":5,"offset":40},"end":{"line":3,"column":9,"offset":44},
///        "related":[{"message":"…","file":"a.yaml","start":{…},"end":{…}}],
///        "fix":{"title":"…","edits":[{"text":"…","file":"a.yaml","start":{…},"end":{…}}]}}]}
///
/// Lines and columns count from one, columns are Unicode scalars, offsets are bytes from zero; the end is exclusive.
package struct JSONRenderer: Sendable {
  package init() {}

  /// The findings of one chain by place, ended by a line feed.
  package func render(_ findings: Findings, in files: SourceFiles) -> String {
    var report = LintReport()
    report.add(findings, in: files)
    return render(report)
  }

  package func render(_ report: LintReport) -> String {
    var text = "{\"version\":1,\"files\":\(report.fileCount),\"errors\":\(report.errorCount),\"warnings\":\(report.warningCount)"
    text += ",\"dropped\":\(report.droppedCount),\"findings\":["
    text += report.items.map { "\n  " + object($0.finding, in: $0.files) }.joined(separator: ",")
    text += report.items.isEmpty ? "]}\n" : "\n]}\n"
    return text
  }

  private func object(_ finding: Finding, in files: SourceFiles) -> String {
    let related = finding.related.map { "{\"message\":\(JSONQuoted.text($0.message)),\(place($0.range, in: files))}" }
    return "{\"name\":\(JSONQuoted.text(finding.name.rawValue)),\"severity\":\(JSONQuoted.text(finding.severity.rawValue))"
      + ",\"message\":\(JSONQuoted.text(finding.message)),\"label\":\(finding.label.map(JSONQuoted.text) ?? "null")"
      + ",\"help\":\(finding.help.map(JSONQuoted.text) ?? "null"),\(place(finding.range, in: files))"
      + ",\"related\":[\(related.joined(separator: ","))],\"fix\":\(finding.fix.map { fix($0, in: files) } ?? "null")}"
  }

  private func fix(_ fix: Fix, in files: SourceFiles) -> String {
    let edits = fix.edits.map { "{\"text\":\(JSONQuoted.text($0.replacement)),\(place($0.range, in: files))}" }
    return "{\"title\":\(JSONQuoted.text(fix.title)),\"edits\":[\(edits.joined(separator: ","))]}"
  }

  private func place(_ range: SourceRange, in files: SourceFiles) -> String {
    let file = files[range.file]
    return "\"file\":\(JSONQuoted.text(file.path)),\"start\":\(point(range.start, in: file)),\"end\":\(point(range.end, in: file))"
  }

  private func point(_ offset: Int, in file: SourceFile) -> String {
    let position = file.position(at: offset)
    return "{\"line\":\(position.line),\"column\":\(position.column),\"offset\":\(offset)}"
  }
}
