import Testing

@testable import Diagnostics

struct FixTests {
  private func finding(_ range: Range<Int>, _ text: String, name: FindingName = .unknownKey) -> Finding {
    let range = SourceRange(file: FileIndex(0), start: range.lowerBound, end: range.upperBound)
    return Finding(name, at: range, "m", fix: .replace(range, by: text, "t"))
  }

  @Test func `fixes are applied by place, and of those that overlap or touch the first`() {
    let bytes = Array("0123456789".utf8)
    let selection = FixSelection([finding(7..<8, "Z"), finding(1..<3, "ab"), finding(2..<4, "x"), finding(3..<4, "y"), finding(5..<5, "!")], in: FileIndex(0))
    #expect(String(decoding: selection.applied(to: bytes), as: UTF8.self) == "0ab34!56Z89")
    #expect(selection.applied.count == 3)
  }

  @Test func `a fix with an edit in another file is left out whole`() {
    let here = SourceRange(file: FileIndex(0), start: 0, end: 1)
    let there = SourceRange(file: FileIndex(1), start: 0, end: 1)
    let both = Finding(.unknownKey, at: here, "m", fix: Fix("t", [TextEdit(here, "a"), TextEdit(there, "b")]))
    #expect(FixSelection([both], in: FileIndex(0)).isEmpty)
  }
}

struct UnifiedDiffTests {
  private func diff(_ old: String, _ new: String) -> String { UnifiedDiff(from: Array(old.utf8), to: Array(new.utf8)).text(path: "a.yaml") }

  @Test func `equal texts have no difference`() {
    #expect(diff("a\nb\n", "a\nb\n") == "")
    #expect(diff("", "") == "")
  }

  @Test func `a change stands with three lines around it`() {
    let old = (1...20).map { "line \($0)\n" }.joined()
    #expect(
      diff(old, old.replacing("line 10\n", with: "LINE 10\n")) == """
        --- a/a.yaml
        +++ b/a.yaml
        @@ -7,7 +7,7 @@
         line 7
         line 8
         line 9
        -line 10
        +LINE 10
         line 11
         line 12
         line 13

        """)
  }

  @Test func `far changes make two hunks, and a missing line end is said`() {
    let old = (1...30).map { "\($0)" }.joined(separator: "\n")
    let text = diff(old, "0\n" + old.replacing("30", with: "31\n"))
    #expect(text.contains("@@ -1,3 +1,4 @@\n+0\n 1\n 2\n 3\n@@ -27,4 +28,4 @@\n"))
    #expect(text.hasSuffix("-30\n\\ No newline at end of file\n+31\n"))
  }

  @Test func `a text from nothing and to nothing is numbered as patch reads it`() {
    #expect(diff("", "a\n").contains("@@ -0,0 +1 @@\n+a\n"))
    #expect(diff("a\n", "").contains("@@ -1 +0,0 @@\n-a\n"))
  }
}
