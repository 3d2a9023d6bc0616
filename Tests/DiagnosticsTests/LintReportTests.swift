import Foundation
import Testing

@testable import Diagnostics

struct LintReportTests {
  /// Two chains, with everything that a finding can have.
  static func sample() -> LintReport {
    var report = LintReport()
    var files = SourceFiles()
    let file = files.add(path: "chains/a b,c%:d.chain.yaml", bytes: Array("é: b\nc: d\nlong:\n  - x\n".utf8))
    var findings = Findings()
    findings.add(
      .unknownKey, at: file.range(0, 2), "a chain has no key 'é'\n100 %", label: "l", help: "did you mean 'e'?",
      related: [Related(file.range(6, 7), "first: here")], fix: .replace(file.range(0, 2), by: "e", "replace 'é' by 'e'"))
    findings.add(.wrongNodeKind, at: file.range(6, 20), "over lines")
    findings.append(Finding(.unusedCapture, at: file.range(9, 10), "say \"hi\"\u{202E}", severity: .note))
    report.add(findings, in: files)
    var others = SourceFiles()
    let other = others.add(path: "/abs/b.chain.yaml", bytes: [])
    var more = Findings()
    more.add(.fileUnreadable, at: other.wholeRange, "cannot read it")
    more.add(.unusedCapture, at: other.wholeRange, "warned")
    report.add(more, in: others)
    return report
  }

  @Test func `findings of several chains are counted once`() {
    var report = Self.sample()
    #expect(report.summary == "2 files: 3 errors, 1 warning")
    #expect(report.items.count == 5)
    var files = SourceFiles()
    let other = files.add(path: "/abs/b.chain.yaml", bytes: [])
    var again = Findings()
    again.add(.fileUnreadable, at: other.wholeRange, "cannot read it")
    report.add(again, in: files)
    #expect(report.summary == "3 files: 3 errors, 1 warning")
    #expect(report.items.count == 5)
    #expect(LintReport().summary == "0 files: no findings")
  }

  @Test func `GitHub's commands are one line each, with what separates escaped`() {
    let lines = GitHubRenderer().render(Self.sample()).split(separator: "\n")
    #expect(lines.count == 5)
    #expect(
      lines[0]
        == "::error file=chains/a b%2Cc%25%3Ad.chain.yaml,line=1,endLine=1,col=1,endColumn=1,title=unknown-key::a chain has no key 'é'%0A100 %25 (l)%0Ahelp: did you mean 'e'?%0Achains/a b,c%25:d.chain.yaml:2:1: first: here"
    )
    #expect(lines[1].hasPrefix("::error file=chains/a b%2Cc%25%3Ad.chain.yaml,line=2,endLine=4,col=1,title=wrong-node-kind::over lines"))
    #expect(lines[2].hasPrefix("::notice ") && lines[2].hasSuffix("say \"hi\"\\u{202E}"))
    #expect(lines[3].hasPrefix("::error file=/abs/b.chain.yaml,line=1,endLine=1,col=1,endColumn=1,"))
  }

  @Test func `SARIF has a rule for each name, and each result has its place and its fix`() throws {
    let text = SARIFRenderer(toolVersion: "9.9").render(Self.sample())
    let document = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect(document["version"] as? String == "2.1.0")
    let run = try #require((document["runs"] as? [[String: Any]])?.first)
    let driver = try #require((run["tool"] as? [String: [String: Any]])?["driver"])
    let rules = try #require(driver["rules"] as? [[String: Any]]).compactMap { $0["id"] as? String }
    #expect(rules == ["unknown-key", "wrong-node-kind", "unused-capture", "file-unreadable"])
    let results = try #require(run["results"] as? [[String: Any]])
    #expect(results.count == 5)
    for result in results {
      #expect(rules[try #require(result["ruleIndex"] as? Int)] == result["ruleId"] as? String)
    }
    let location = try #require((results[0]["locations"] as? [[String: Any]])?.first?["physicalLocation"] as? [String: Any])
    #expect((location["artifactLocation"] as? [String: String])?["uri"] == "chains/a%20b%2Cc%25%3Ad.chain.yaml")
    #expect(
      location["region"] as? [String: Int]
        == ["startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 2, "byteOffset": 0, "byteLength": 2])
    let change = try #require(((results[0]["fixes"] as? [[String: Any]])?.first?["artifactChanges"] as? [[String: Any]])?.first)
    let replacement = try #require((change["replacements"] as? [[String: Any]])?.first)
    #expect((replacement["insertedContent"] as? [String: String])?["text"] == "e")
    #expect(results.compactMap { $0["level"] as? String } == ["error", "error", "note", "error", "warning"])
    let empty = try JSONSerialization.jsonObject(with: Data(SARIFRenderer(toolVersion: "1").render(LintReport()).utf8)) as? [String: Any]
    #expect(empty?["version"] as? String == "2.1.0")
  }
}
