import Testing

@testable import Diagnostics

struct FindingsTests {
  @Test func `findings come sorted by place and name, each once`() {
    var files = SourceFiles()
    let first = files.add(path: "a", bytes: Array("0123456789".utf8))
    let second = files.add(path: "b", bytes: Array("0123456789".utf8))
    var findings = Findings()
    findings.add(.unknownKey, at: second.range(0, 1), "4")
    findings.add(.unknownKey, at: first.range(5, 6), "3")
    findings.add(.unusedCapture, at: first.range(2, 3), "2")
    findings.add(.badValue, at: first.range(2, 3), "1")
    findings.add(.unknownKey, at: second.range(0, 1), "4")
    #expect(findings.sorted.map(\.message) == ["1", "2", "3", "4"])
    #expect(findings.errorCount == 3)
    #expect(findings.warningCount == 1)
    #expect(findings.summary == "3 errors, 1 warning")
  }

  @Test func `above the limit errors are counted and not kept`() {
    var findings = Findings(limit: 2)
    for offset in 0..<5 {
      findings.add(.unknownKey, at: SourceRange(file: FileIndex(0), start: offset, end: offset), "m")
    }
    #expect(findings.count == 2)
    #expect(findings.errorCount == 5)
    #expect(findings.summary == "5 errors, 3 of them not shown")
  }

  @Test func `names are kebab-case, unique, and each says its rule`() {
    let names = FindingName.allCases.map(\.rawValue)
    #expect(Set(names).count == names.count)
    for name in FindingName.allCases {
      #expect(name.rawValue.allSatisfy { ($0.isASCII && $0.isLowercase) || $0 == "-" })
      #expect(!name.rule.isEmpty && !name.rule.hasSuffix("."))
    }
  }
}

struct SourceFileTests {
  @Test(arguments: [
    ("a\nbc\n\nd", [0, 2, 5, 6]), ("a\r\nb\rc", [0, 3, 5]), ("", [0]), ("\n", [0, 1]), ("\u{FEFF}a\nb", [0, 5]),
  ])
  func `lines end at LF, CR LF and CR`(text: String, starts: [Int]) {
    var files = SourceFiles()
    let file = files.add(path: "a", bytes: Array(text.utf8))
    #expect(file.lineCount == starts.count)
    for (index, start) in starts.enumerated() {
      #expect(file.line(at: start) == index + 1)
      #expect(file.position(at: start) == LineColumn(line: index + 1, column: 1))
    }
  }

  @Test func `columns count scalars, and a stray byte as one`() {
    var files = SourceFiles()
    let file = files.add(path: "a", bytes: Array("é日👍x".utf8) + [0xFF, 0xC3, 0x41])
    #expect([0, 2, 5, 9, 10, 11, 12].map { file.position(at: $0).column } == [1, 2, 3, 4, 5, 6, 7])
    #expect(file.position(at: 13).column == 8)
    #expect(file.text(ofLine: 1).hasPrefix("é日👍x"))
  }

  @Test func `a byte order mark takes no column`() {
    var files = SourceFiles()
    let file = files.add(path: "a", bytes: Array("\u{FEFF}ab\r\nc".utf8))
    #expect(file.position(at: 4) == LineColumn(line: 1, column: 2))
    #expect(file.text(ofLine: 1) == "ab")
  }
}
