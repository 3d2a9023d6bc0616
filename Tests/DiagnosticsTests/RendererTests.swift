import Testing

@testable import Diagnostics

struct RendererTests {
  /// Renders one finding at the first place where `marked` stands in the text.
  private func picture(_ text: String, at marked: String, width: Int = 140, related: String? = nil) -> String {
    var files = SourceFiles()
    let file = files.add(path: "chains/a.yaml", bytes: Array(text.utf8))
    let finding = Finding(
      .typeMismatch, at: range(of: marked, in: file), "'total' is text", label: "here", help: "capture it as a number",
      related: related.map { [Related(range(of: $0, in: file), "captured here")] } ?? [])
    return PlainTextRenderer(width: width).render(finding, in: files)
  }

  private func range(of part: String, in file: SourceFile) -> SourceRange {
    let wanted = Array(part.utf8)
    let start = (0...file.bytes.count - wanted.count).first { Array(file.bytes[$0..<$0 + wanted.count]) == wanted }!
    return file.range(start, start + wanted.count)
  }

  @Test func `a finding shows its place with carets, label, related place and help`() {
    let text = String(repeating: "x: 1\n", count: 9) + "check: total > 100\n"
    #expect(
      picture("a: total2\n" + text, at: "total >", related: "total2") == """
        error[type-mismatch]: 'total' is text
           --> chains/a.yaml:11:8
            |
         11 | check: total > 100
            |        ^^^^^^^ here
           --> chains/a.yaml:1:4
            |
          1 | a: total2
            |    ------ captured here
            = help: capture it as a number

        """)
  }

  @Test(arguments: [
    ("\tx: bad", "bad", "    x: bad", 7), ("日本: bad", "bad", "日本: bad", 6), ("e\u{301}: bad", "bad", "e\u{301}: bad", 3),
    ("a\u{202E}b: bad", "bad", "a\\u{202E}b: bad", 12), ("\u{1B}[1m bad", "bad", "\\u{1B}[1m bad", 10), ("👍: bad", "bad", "👍: bad", 4),
    ("a\tbad", "bad", "a   bad", 4), ("x: a\u{202E}b", "a\u{202E}b", "x: a\\u{202E}b", 3),
  ])
  func `carets stand under the text whatever its width`(text: String, marked: String, shown: String, column: Int) {
    let lines = picture(text, at: marked).split(separator: "\n")
    #expect(lines[3] == " 1 | " + shown)
    #expect(lines[4].hasPrefix("   | " + String(repeating: " ", count: column) + "^"))
  }

  @Test func `carets are as wide as what they mark`() {
    #expect(picture("k: 日本!", at: "日本").contains("^^^^ here"))
    #expect(!picture("k: 日本!", at: "日本").contains("^^^^^"))
    #expect(picture("k: a\u{202E}b", at: "a\u{202E}b").contains("   ^^^^^^^^^^ here"))
  }

  @Test func `a long line is cut around the carets`() {
    let text = String(repeating: "a", count: 500) + "BAD" + String(repeating: "b", count: 1_000_000)
    let lines = picture(text, at: "BAD", width: 60).split(separator: "\n")
    #expect(lines[3].count <= 62)
    let column = Array(lines[3]).firstIndex(of: "B")!
    #expect(lines[4].dropFirst(column).hasPrefix("^^^ here"))
    #expect(lines[4].prefix(column).allSatisfy { $0 == " " || $0 == "|" })
    #expect(lines[3].hasPrefix(" 1 | …a") && lines[3].hasSuffix("b…"))
  }

  @Test func `a range over several lines marks the rest of the first`() {
    #expect(picture("a: x\n  y z\nb: 1\n", at: "x\n  y").contains("   |    ^ here\n"))
  }

  @Test func `the end of a file and an empty file have a place`() {
    var files = SourceFiles()
    let file = files.add(path: "a.yaml", bytes: Array("a:\n".utf8))
    let empty = files.add(path: "gone.yaml", bytes: [])
    let renderer = PlainTextRenderer()
    #expect(renderer.render(Finding(.missingKey, at: file.range(3, 3), "m"), in: files).contains("--> a.yaml:2:1\n   |\n 2 |\n   | ^\n"))
    #expect(
      renderer.render(Finding(.fileUnreadable, at: empty.wholeRange, "no such file"), in: files)
        == "error[file-unreadable]: no such file\n  --> gone.yaml\n")
  }

  @Test func `colours change nothing but the colours`() {
    var files = SourceFiles()
    let file = files.add(path: "a.yaml", bytes: Array("check: \u{1B}[31mtotal\n".utf8))
    var findings = Findings()
    findings.add(.unknownKey, at: file.range(0, 5), "message", label: "l", help: "h", related: [Related(file.range(7, 9), "r")])
    findings.add(.unusedCapture, at: file.range(9, 12), "message")
    let coloured = ANSIRenderer().render(findings, in: files)
    var plain = ""
    var inEscape = false
    for character in coloured.unicodeScalars {
      if character == "\u{1B}" { inEscape = true }
      if !inEscape { plain.unicodeScalars.append(character) }
      if character == "m" { inEscape = false }
    }
    #expect(coloured.contains("\u{1B}[1;31m^^^^^ l\u{1B}[0m"))
    #expect(plain == PlainTextRenderer().render(findings, in: files))
  }

  @Test func `messages cannot smuggle control characters to the terminal`() {
    var files = SourceFiles()
    let file = files.add(path: "a\u{1B}[2J.yaml", bytes: Array("a: b\n".utf8))
    let text = PlainTextRenderer().render(Finding(.unknownKey, at: file.range(0, 1), "'\u{1B}[2J\n'", help: "\u{202E}"), in: files)
    #expect(!text.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{202E}" })
    #expect(text.contains("'\\u{1B}[2J\\u{A}'"))
  }

  @Test func `the JSON form has its documented fields in order`() {
    var files = SourceFiles()
    let file = files.add(path: "a.yaml", bytes: Array("é: b\nc: d\n".utf8))
    var findings = Findings()
    findings.add(.unusedCapture, at: file.range(6, 7), "say \"hi\"\u{202E}")
    findings.add(.unknownKey, at: file.range(4, 5), "m", label: "l", help: "h", related: [Related(file.range(0, 2), "r")])
    #expect(
      JSONRenderer().render(findings, in: files) == """
        {"version":1,"files":1,"errors":1,"warnings":1,"dropped":0,"findings":[
          {"name":"unknown-key","severity":"error","message":"m","label":"l","help":"h","file":"a.yaml",\
        "start":{"line":1,"column":4,"offset":4},"end":{"line":1,"column":5,"offset":5},\
        "related":[{"message":"r","file":"a.yaml","start":{"line":1,"column":1,"offset":0},"end":{"line":1,"column":2,"offset":2}}],"fix":null},
          {"name":"unused-capture","severity":"warning","message":"say \\"hi\\"\\u202e","label":null,"help":null,"file":"a.yaml",\
        "start":{"line":2,"column":1,"offset":6},"end":{"line":2,"column":2,"offset":7},"related":[],"fix":null}
        ]}

        """)
    #expect(JSONRenderer().render(Findings(), in: files) == "{\"version\":1,\"files\":1,\"errors\":0,\"warnings\":0,\"dropped\":0,\"findings\":[]}\n")
  }
}
