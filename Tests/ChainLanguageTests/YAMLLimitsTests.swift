import Diagnostics
import Testing

@testable import ChainLanguage

struct YAMLLimitsTests {
  @Test func `a file above its limit is not read`() {
    var limits = YAMLLimits()
    limits.fileBytes = 10
    #expect(ComposedText("a: 1234567", limits: limits).places == [])
    #expect(ComposedText("«1/»a: 12345678", limits: limits).places == ["limit-exceeded at 1"])
  }

  @Test func `nesting has an upper bound, aliases counted`() {
    var limits = YAMLLimits()
    limits.depth = 3
    #expect(ComposedText("[[[1]]]", limits: limits).places == [])
    #expect(ComposedText("[[[«1»[«/1»1]]]]", limits: limits).places == ["limit-exceeded at 1"])
    #expect(ComposedText("a: &x [[1]]\nb: [«1»*x«/1»]", limits: limits).places == ["limit-exceeded at 1"])
    #expect(ComposedText("a: &x [1]\nb: [*x]", limits: limits).places == [])
  }

  @Test func `values are counted with their aliases`() {
    var limits = YAMLLimits()
    limits.nodes = 12
    #expect(ComposedText("a: &x [1, 2, 3]\nb: *x\n", limits: limits).places == [])
    #expect(ComposedText("a: &x [1, 2, 3]\nb: *x\nc: «1»*x«/1»\n", limits: limits).places == ["limit-exceeded at 1"])
  }

  @Test func `texts have an upper bound, one by one and all together`() {
    var limits = YAMLLimits()
    limits.scalarBytes = 4
    limits.textBytes = 10
    #expect(ComposedText("[1234, 1234]", limits: limits).places == [])
    #expect(ComposedText("[1234, «1/»12345]", limits: limits).places == ["limit-exceeded at 1"])
    #expect(ComposedText("[&x 1234, *x, «1»*x«/1»]", limits: limits).places == ["limit-exceeded at 1"])
  }

  /// Each of these grows beyond all bounds, or with the square of its length, in a reader that does not look out.
  private static let hostile: [(name: String, text: String)] = [
    ("open lists", String(repeating: "[", count: 1 << 20)),
    ("open mappings", String(repeating: "{", count: 1 << 20)),
    ("open lists on lines", String(repeating: "[\n", count: 1 << 19)),
    ("open mappings with keys", String(repeating: "{a: ", count: 1 << 18)),
    ("items in items", String(repeating: "- ", count: 1 << 19)),
    ("complex keys", String(repeating: "? ", count: 1 << 19)),
    ("closed lists", String(repeating: "[", count: 1 << 19) + String(repeating: "]", count: 1 << 19)),
    ("closers", String(repeating: "]", count: 1 << 20)),
    ("tag directives", (0..<60_000).map { "%TAG !a\($0)! b\n" }.joined()),
    ("directives after a document", "a\n...\n" + (0..<60_000).map { "%TAG !a\($0)! b\n" }.joined()),
    ("aliases of aliases", "a0: &a0 [x, x]\n" + (1..<40).map { "a\($0): &a\($0) [*a\($0 - 1), *a\($0 - 1), *a\($0 - 1)]\n" }.joined()),
    ("aliases of a long text", "- &x " + String(repeating: "x", count: 200_000) + "\n" + String(repeating: "- *x\n", count: 160_000)),
    ("many values", "[" + String(repeating: "1,", count: 1 << 19) + "]"),
    ("one long text", "a: " + String(repeating: "x", count: 1_000_000)),
    ("one long quoted text", "a: \"" + String(repeating: "\\n", count: 500_000) + "\""),
    ("a long text of empty lines", "a: 'x" + String(repeating: "\n", count: 1_000_000) + "'"),
    ("a long block", "a: |\n" + String(repeating: " x\n", count: 340_000)),
    ("a block of empty lines", "a: |\n" + String(repeating: "\n", count: 1_000_000)),
    ("anchors", (0..<80_000).map { "- &a\($0)\n" }.joined() + "- *b\n"),
    ("the same key", String(repeating: "a: 1\n", count: 49_000)),
    ("comments that cut", String(repeating: "- (a #b\n", count: 90_000)),
    ("tags", String(repeating: "- !x\n", count: 90_000)),
    ("control characters", String(repeating: "\u{1}", count: 1 << 20)),
    ("spaces", String(repeating: " ", count: 1 << 20)),
    ("comments", String(repeating: "#", count: 1 << 20)),
    ("wide characters", "a: '" + String(repeating: "日", count: 340_000)),
    ("an open quote", "a: '" + String(repeating: "x ", count: 500_000)),
    ("colons", String(repeating: ": ", count: 1 << 19)),
    ("question marks in a flow", "[" + String(repeating: "? ", count: 1 << 18)),
  ]

  @Test(arguments: hostile.indices)
  func `hostile input is refused or read in a moment`(index: Int) {
    let (name, text) = Self.hostile[index]
    var files = SourceFiles()
    let file = files.add(path: "a", bytes: Array(text.utf8.prefix(1 << 20)))
    var findings = Findings()
    var node: YAMLNode?
    let duration = ContinuousClock().measure { node = composeYAML(file, into: &findings) }
    // 200 ms on a free machine in release; debug builds on a machine under load take several times as long.
    #if DEBUG
      let allowed = Duration.seconds(4)
    #else
      let allowed = Duration.milliseconds(400)
    #endif
    #expect(duration < allowed, "\(name)")
    #expect(node != nil || findings.hasErrors, "\(name)")
    #expect(findings.count <= 1_000, "\(name)")
  }
}
