import Diagnostics
import Testing

@testable import ChainLanguage

struct YAMLComposerTests {
  @Test func `a document becomes a tree with places`() throws {
    let composed = ComposedText(
      """
      «file»«k1»a«/k1»: «1»x y«/1»   # comment
      b:
        «list»- «2»'q'«/2»
        - «flow»{ c: [1, «3»"z"«/3»] }«/flow»«/list»
      d: «block»|
        line
        more«/block»

      e:«empty/»
      f: «4»two
        lines«/4»«/file»

      """)
    #expect(composed.places == [])
    #expect(composed.outline == "{a: 'x y', b: ['q', {c: ['1', 'z']}], d: 'line\nmore\n', e: '', f: 'two lines'}")
    let root = try #require(composed.root)
    func mark(_ node: YAMLNode?) -> String { node.map { composed.marked.mark(at: $0.range.offsets) } ?? "nil" }
    #expect(mark(root) == "file")
    #expect(composed.marked.mark(at: root.entries![0].key.range.offsets) == "k1")
    #expect(mark(root["a"]) == "1")
    #expect(mark(root["b"]) == "list")
    #expect(mark(root["b"]?.items?[0]) == "2")
    #expect(mark(root["b"]?.items?[1]) == "flow")
    #expect(mark(root["b"]?.items?[1]["c"]?.items?[1]) == "3")
    #expect(mark(root["d"]) == "block")
    #expect(root["e"]?.range.start == composed.marked["empty"].lowerBound)
    #expect(mark(root["f"]) == "4")
  }

  @Test func `places are right after wide characters and a byte order mark`() {
    let composed = ComposedText("\u{FEFF}日本: é👍\n'ключ': «1»\"x\"«/1»\n«2»日本«/2»: again\n")
    #expect(composed.outline == "{日本: 'é👍', ключ: 'x'}")
    #expect(composed.root?["ключ"].map { composed.marked.mark(at: $0.range.offsets) } == "1")
    #expect(composed.places == ["duplicate-key at 2"])
  }

  @Test(arguments: [
    ("", "''"), ("# only a comment\n", "''"), ("---\na: 1\n...\n# end\n", "{a: '1'}"), ("%YAML 1.2\n---\na\n", "'a'"),
    ("a: &x {b: 1}\nc: *x\n", "{a: {b: '1'}, c: {b: '1'}}"), ("a: &x\nb: *x\n", "{a: '', b: ''}"),
    ("&k a: 1\nb: *k\n", "{a: '1', b: 'a'}"), ("a: !!str 1\r\nb: 2\r\n", "{a: '1', b: '2'}"),
    ("a: !!map {}\nb: !!seq []", "{a: {}, b: []}"), ("? a\n: b\n", "{a: 'b'}"),
    ("sql: SELECT 1 -- ${x} {y}\n", "{sql: 'SELECT 1 -- ${x} {y}'}"), ("{a: $c.id}", "{a: '$c.id'}"), ("on: no", "{on: 'no'}"),
    ("\"<<\": x", "{<<: 'x'}"), ("watch: order:*", "{watch: 'order:*'}"), ("http: POST /o/${id}", "{http: 'POST /o/${id}'}"),
  ])
  func `what is accepted is read in full`(text: String, outline: String) {
    let composed = ComposedText(text)
    #expect(composed.outline == outline)
    #expect(composed.places == [])
  }

  @Test func `an alias remembers both places`() {
    let composed = ComposedText("a: &x «1»{ b: 1 }«/1»\nc: «2»*x«/2»\n")
    let node = composed.root?["c"]
    #expect(node.map { composed.marked.mark(at: $0.range.offsets) } == "1")
    #expect(node.map { composed.marked.mark(at: $0.placeRange.offsets) } == "2")
  }

  /// Data: a text with marks, the findings with the marks that they point at, and the tree that is left.
  @Test(arguments: [
    ("a: 1\nb: 2\n«1»a«/1»: 3\n", ["duplicate-key at 1"], "{a: '1', b: '2'}"),
    ("{a: 1, «1»\"a\"«/1»: 3}", ["duplicate-key at 1"], "{a: '1'}"),
    ("«1»[a]«/1»: b\nc: d\n", ["wrong-node-kind at 1"], "{c: 'd'}"),
    ("b: &b {x: 1}\na:\n  «1»<<«/1»: *b\n  y: 2\n", ["merge-key-refused at 1"], "{b: {x: '1'}, a: {y: '2'}}"),
    ("a: «1»!x«/1»\n", ["tag-refused at 1"], "{a: ''}"), ("if: «1»!done«/1» and b\n", ["tag-refused at 1"], "{if: 'and b'}"),
    ("a: &q «1»!!set«/1» {x: 1}\n", ["tag-refused at 1"], "{a: {x: '1'}}"),
    ("a: !!int «1»x«/1»\n", ["bad-value at 1"], "{a: 'x'}"),
    ("a: 1\n«1»---«/1»\nb: 2\n", ["several-documents at 1"], "nil"),
    ("a: 1\n...\n«1»%TA«/1»G ! x\n", ["several-documents at 1"], "nil"),
    ("«1»%TAG ! tag:x,2000:«/1»\n---\na: 1\n", ["yaml-syntax at 1"], "nil"),
    ("a: &x [«1»*x«/1»]\n", ["alias-refused at 1"], "nil"), ("a: «1»*nobody«/1»\n", ["alias-refused at 1"], "nil"),
    ("a: b«1»\u{202E}«/1»c\n", ["invalid-encoding at 1"], "nil"), ("a: \"«1»\u{0}«/1»\"", ["invalid-encoding at 1"], "nil"),
    ("a: é«1»\u{7F}«/1»«2»\u{85}«/2»", ["invalid-encoding at 1", "invalid-encoding at 2"], "nil"),
    ("a: b«1»\u{FEFF}«/1»", ["invalid-encoding at 1"], "nil"),
    ("check: name == 'a «1»#b' and x«/1»\nb: 1\n", ["yaml-comment-truncation at 1"], "{check: 'name == 'a', b: '1'}"),
    ("sql: SELECT ${a  «1»# b}«/1»", ["yaml-comment-truncation at 1"], "{sql: 'SELECT ${a'}"),
    ("- f(a «1»# b)«/1»\n", ["yaml-comment-truncation at 1"], "['f(a']"),
    ("a: don't # fine\nb: (x) # fine\nc: \"(\" # fine\nd: the users' # ok\n", [], "{a: 'don't', b: '(x)', c: '(', d: 'the users''}"),
  ])
  func `what is refused is found where it stands`(text: String, places: [String], outline: String) {
    let composed = ComposedText(text)
    #expect(composed.places == places)
    #expect(composed.outline == outline)
  }

  @Test func `a second key shows the first`() {
    let composed = ComposedText("«1»a«/1»: 1\na: 2\n")
    #expect(composed.findings.sorted.first?.related.map { composed.marked.mark(at: $0.range.offsets) } == ["1"])
  }

  @Test func `bytes that are not UTF-8 are found`() {
    var files = SourceFiles()
    var findings = Findings()
    let file = files.add(path: "a", bytes: Array("a: ".utf8) + [0xC3, 0x28])
    #expect(composeYAML(file, into: &findings) == nil)
    #expect(findings.sorted.map(\.range) == [file.range(3, 4)])
    let wide = files.add(path: "b", bytes: [0xFF, 0xFE, 0x61, 0x00])
    #expect(composeYAML(wide, into: &findings) == nil)
    #expect(findings.errorCount == 2)
  }
}

struct YAMLSyntaxTests {
  /// Data: a text with marks, and a part of what the finding at mark 1 says.
  @Test(arguments: [
    ("with: { id: «1»${c.id}«/1» }", "inside { } or [ ] must be quoted, or written as $c.id"),
    ("with: { id: «1»${c.id + 1}«/1», b: 2 }", "must be quoted, or written as $name"), ("[a, «1»${x}«/1»]", "written as $x"),
    ("a: { q: '${ok}', id: «1»${c.id}«/1» }", "written as $c.id"), ("{id: rows«1»[«/1»0].id}", "an expression with brackets"),
    ("a: b«1»:«/1» c", "': ' may not stand here"), ("a:\n  b: 1\n «1»c«/1»: 2\n", "does not fit the mapping"),
    ("a: «1»'«/1»x\nb: 2\n", "never closed"), ("a: «1»@«/1»x", "cannot start with '@'"), ("a: 'it'«1»s«/1»'\n", "after a closing quote"),
    ("a: {b: c} «1»d«/1»\n", "after a closing bracket"),
    ("- a\n«1»b«/1»: c\n", "does not fit the list"), ("a: [1, 2\nb«1»:«/1» 3\n", "'[' is not closed"),
    ("a: {b: 1\n«1»«/1»", "'{' is not closed"), ("a: \"x«1»\\«/1»y\"", "escape"), ("a: 1\n«1»}«/1»\n", "fit the mapping"),
    ("a:\n«1»\t«/1»b: 1\n", "a tab cannot indent a line"), ("a: b\n«1»c d«/1»\nd: 1", "a key without ':'"),
  ])
  func `a syntax error is said in our words at its place`(text: String, says: String) throws {
    let composed = ComposedText(text)
    #expect(composed.root == nil)
    let finding = try #require(composed.findings.sorted.first)
    #expect(finding.name == .yamlSyntax)
    #expect(finding.message.contains(says), "\(finding.message)")
    #expect(composed.marked.mark(at: finding.range.offsets) == "1")
  }

  @Test(arguments: ["sql: SELECT a #b\n  FROM t\nx: 1\n", "a: 1\nsql: SELECT a #b\nFROM t\nx: 1\n"])
  func `a text that a comment interrupts gets a hint`(text: String) {
    #expect(ComposedText(text).findings.sorted.first?.help?.hasPrefix("' #' in a line above starts a comment") == true)
  }
}
