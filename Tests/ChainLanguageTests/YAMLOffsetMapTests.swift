import Diagnostics
import Testing

@testable import ChainLanguage

struct YAMLOffsetMapTests {
  /// Data: a file whose value at `a` holds the text X, which is marked in the file. The texts before and after it are there to be wrong.
  @Test(arguments: [
    "a: «1»X«/1»", "a: b «1»X«/1» c # d", "a: é日👍 «1»X«/1»", "a: b\n  c   \n\n  «1»X«/1» d\n", "a: b\r\n   c\r\n «1»X«/1»\r\n",
    "a: &k b «1»X«/1»", "a: !!str b «1»X«/1»", "a: !!str &k\n  b «1»X«/1»", "'é': 1\na: «1»X«/1»",
    "a: '«1»X«/1»'", "a: 'it''s «1»X«/1» ''q'''", "a: ' b  \n\n\n   c «1»X«/1»\n  '", "a: 'é\r\n  «1»X«/1»'",
    "a: \"«1»X«/1»\"", "a: \"\\t\\u00e9\\x41\\U0001F44D «1»X«/1»\\n\"", "a: \"b \\\n   c  \\\n\n   «1»X«/1» \\\\ \\\" \"",
    "a: \"é\n  \n «1»X«/1»\"",
    "a: \"\\L\\P\\N\\_\\0\\a\\b\\e\\f\\v\\r\\ \\/«1»X«/1»\"",
    "a: |\n  «1»X«/1»\n", "a: |-\n  é\n\n    b\n  c «1»X«/1» d\n\n\nb: 1\n", "a: |+\n  b\n  «1»X«/1»\n\n", "a: |2\n    b\n   «1»X«/1»\n",
    "a: | # comment\n  b\n  «1»X«/1»", "a: |\n\n\n  b\n  «1»X«/1»\n", "a: |\r\n  b\r\n  «1»X«/1»\r\n", "a: !!str |\n b\n «1»X«/1»\n",
    "a: >\n  «1»X«/1»\n", "a: >\n  é b\n  c\n\n  d\n    e\n   f\n\n  g «1»X«/1» h\n  i\n", "a: >-\n\n  b\n  «1»X«/1»\n",
    "a: >+1\n  b\n «1»X«/1»\n\n\n",
    "a: >\r\n  b\r\n  c\r\n  «1»X«/1»\r\n", "a: >\n    b\n     c\n    «1»X«/1»\n\n\n# end\n",
  ])
  func `a part of a text is found in the file whatever the style`(text: String) throws {
    let composed = ComposedText(text)
    #expect(composed.findings.isEmpty)
    let scalar = try #require(composed.root?["a"]?.scalar)
    #expect(scalar.offsetMap.isTraced)
    let cooked = Array(scalar.text.utf8)
    let place = try #require(cooked.firstIndex(of: UInt8(ascii: "X")))
    #expect(composed.marked.mark(at: scalar.rawRange(ofCookedUTF8: place..<place + 1).offsets) == "1")
  }

  @Test(arguments: [
    ("a: \"b«1»\\u00e9«/1»c\"", 1, 3), ("a: \"b«1»\\u00e9«/1»c\"", 2, 3), ("a: 'b«1»''«/1»c'", 1, 2), ("a: b«1»  \n   «/1»c", 1, 2),
    ("a: b«1»\n\n\n  «/1»c", 1, 3), ("a: «1»é日👍«/1»", 0, 9), ("a: é«1»日«/1»👍", 2, 5), ("a: >\n  b«1»\n  «/1»c\n", 1, 2),
    ("a: |\n  b«1»\n«/1»  c\n", 1, 2), ("a: |\n  «1»b\n  c«/1»\n", 0, 3), ("a: 'b«1/»c'", 1, 1), ("a: 'bc«1/»'", 2, 2), ("a: '«1/»'", 0, 0),
    ("a: \"«1/»\"", 0, 0), ("a: 'bc«1/»'", 7, 9), ("a: '«1»bc«/1»'", 0, 99),
  ])
  func `a replaced part is one place`(text: String, start: Int, end: Int) throws {
    let composed = ComposedText(text)
    let scalar = try #require(composed.root?["a"]?.scalar)
    #expect(composed.marked.mark(at: scalar.rawRange(ofCookedUTF8: start..<end).offsets) == "1")
  }

  @Test func `the content of a quoted text is without its quotes`() {
    let composed = ComposedText("a: '«1»b c«/1»'")
    #expect(composed.root?["a"]?.scalar.map { composed.marked.mark(at: $0.contentRange.offsets) } == "1")
  }

  /// Random raw text inside each style: whatever libyaml accepts must be traced to the byte.
  @Test(arguments: YAMLScalar.Style.allCases)
  func `every byte of a random scalar comes from where the map says`(style: YAMLScalar.Style) {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    var acceptedCount = 0
    for _ in 0..<3_000 {
      let text = randomFile(style, &random)
      var files = SourceFiles()
      let file = files.add(path: "a", bytes: Array(text.utf8))
      var findings = Findings()
      guard let root = composeYAML(file, into: &findings) else { continue }
      for scalar in scalars(root) where scalar.style == style {
        acceptedCount += 1
        if let problem = disagreement(of: scalar, in: file) {
          Issue.record("\(problem) in \(text.debugDescription), seed \(seed)")
          return
        }
      }
    }
    #expect(acceptedCount > 300, "most random files should be YAML, seed \(seed)")
  }

  /// Known texts written in each style: libyaml gives them back, and each byte maps to one of the same value unless escaped.
  @Test func `a random text survives each style and is traced`() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    let letters: [Character] = ["a", "b", "$", "{", "}", "é", "日", "👍", "'", "\"", "\\", ":", "#", "-"]
    for _ in 0..<1_000 {
      let words = (0..<Int.random(in: 1...6, using: &random)).map { _ in
        String((0..<Int.random(in: 1...5, using: &random)).map { _ in letters.randomElement(using: &random)! })
      }
      let lines = (0..<Int.random(in: 1...4, using: &random)).map { _ in words.shuffled(using: &random).joined(separator: " ") }
      let text = lines.joined(separator: "\n")
      for (style, written) in writings(of: lines, &random) {
        var files = SourceFiles()
        let file = files.add(path: "a", bytes: Array(("- é:\n  - a: " + written + "\n").utf8))
        var findings = Findings()
        let scalar = composeYAML(file, into: &findings)?.items?[0]["é"]?.items?[0]["a"]?.scalar
        guard let scalar, scalar.style == style, scalar.text == text, disagreement(of: scalar, in: file) == nil else {
          Issue.record("\(style) of \(text.debugDescription) as \(written.debugDescription), seed \(seed)")
          return
        }
      }
    }
  }

  private func writings(of lines: [String], _ random: inout SeededGenerator) -> [(YAMLScalar.Style, String)] {
    let escaped = lines.map { line in
      line.unicodeScalars.map { scalar in
        switch scalar {
        case "\"": "\\\""
        case "\\": "\\\\"
        default: Bool.random(using: &random) ? String(scalar) : "\\U" + padded(String(scalar.value, radix: 16), 8)
        }
      }.joined()
    }
    let chopped = escaped.map { $0.split(separator: " ").joined(separator: Bool.random(using: &random) ? " " : "  \n      ") }
    let quoted = lines.map { $0.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") }
    return [
      (.doubleQuoted, "\"" + escaped.joined(separator: "\\n") + "\""),
      (.doubleQuoted, "\"" + chopped.joined(separator: "\\n\\\n      ") + "\""),
      (.singleQuoted, "'" + quoted.joined(separator: " \n\n      ") + "'"),
      (.literal, "|-\n      " + lines.joined(separator: "\n      ")),
      (.folded, ">-\n      " + lines.joined(separator: "\n\n      ")),
      (.folded, ">-\n      " + lines.map { $0.split(separator: " ").joined(separator: "\n      ") }.joined(separator: "\n\n      ")),
    ]
  }

  private func padded(_ text: String, _ count: Int) -> String {
    String(repeating: "0", count: count - text.count) + text
  }

  private func randomFile(_ style: YAMLScalar.Style, _ random: inout SeededGenerator) -> String {
    let pieces: [String]
    switch style {
    case .plain: pieces = ["a", "b", "é", "日", "👍", " ", "  ", "\n   ", "\n\n    ", "\r\n   ", " \n    ", "'", "\"", "$", "\\", "\t", "x#"]
    case .singleQuoted:
      pieces = ["a", "b", "é", "👍", " ", "  ", "\n   ", "\n\n  ", "\r\n   ", " \n \n   ", "''", "\"", "#", ": ", "\\", "\r   "]
    case .doubleQuoted:
      pieces = [
        "a", "é", "👍", " ", "  ", "\n   ", "\n\n    ", "\r\n   ", " \n \n   ", "'", "\\\"", "\\n", "\\t", "\\x41", "\\u65e5", "\\U0001F44D",
        "\\\n    ", " \\\n   ", "\\\n\n   ", "\\ ", "\\/", "\\\r\n    ", "\\e", "\\_", "\\0", ": ", " # ",
      ]
    case .literal, .folded:
      pieces = [
        "a", "b", "é", "👍", " ", "  ", "\n   ", "\n\n   ", "\n    ", "\n     ", "\r\n   ", "\n \n   ", "\n      \n   ", "'", "#", ": ",
        "\t", "\n\n\n   ",
      ]
    }
    let body = (0..<Int.random(in: 0...14, using: &random)).map { _ in pieces.randomElement(using: &random)! }.joined()
    let prefix = ["a: ", "é: 1\na: ", "- - ", "- a: &k ", "a:\n  b: !!str "].randomElement(using: &random)!
    let suffix = ["", "\n", "\n\n", "\r\n", "\n# end\n"].randomElement(using: &random)!
    switch style {
    case .plain: return prefix + "a" + body + "c" + suffix
    case .singleQuoted: return prefix + "'" + body + "'" + suffix
    case .doubleQuoted: return prefix + "\"" + body + "\"" + suffix
    case .literal, .folded:
      let header = (style == .literal ? "|" : ">") + ["", "-", "+", "1", "2-", "+3", "- # note"].randomElement(using: &random)!
      return prefix + header + ["\n", "\n\n", "\r\n"].randomElement(using: &random)! + "   " + body + suffix
    }
  }

  private func scalars(_ node: YAMLNode) -> [YAMLScalar] {
    switch node.content {
    case .scalar(let scalar): [scalar]
    case .sequence(let items): items.flatMap(scalars)
    case .mapping(let entries): entries.flatMap { [$0.key] + scalars($0.value) }
    }
  }

  /// What is wrong with a scalar's map, or nil.
  private func disagreement(of scalar: YAMLScalar, in file: SourceFile) -> String? {
    let map = scalar.offsetMap
    guard map.isTraced else { return "not traced" }
    let cooked = Array(scalar.text.utf8)
    var next = 0
    var rawNext = scalar.range.start
    for run in map.runs {
      guard run.cooked.lowerBound == next, run.raw.lowerBound >= rawNext else { return "a gap or an overlap at \(next)" }
      if run.isVerbatim, cooked[run.cooked] != file.bytes[run.raw] { return "other bytes at \(next)" }
      next = run.cooked.upperBound
      rawNext = run.raw.upperBound
    }
    guard next == cooked.count else { return "no place for the end" }
    let isBlock = scalar.style == .literal || scalar.style == .folded
    return isBlock || rawNext <= scalar.range.end ? nil : "a place past the scalar"
  }
}
