import Diagnostics
import Testing

@testable import ChainLanguage

/// Files that want to hurt: each gets a finding with a place, in bounded time, and never a trap.
@Suite(.serialized) struct GalleryHostileTests {
  #if DEBUG
    /// A debug build looks at files of a thirtieth of the size, for traps; the times are those of a release build.
    private static let size = 30
    private static let limit = Duration.seconds(20)
  #else
    private static let size = 1
    private static let limit = Duration.milliseconds(200)
  #endif

  struct File: CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]

    init(_ name: String, _ text: String) {
      testDescription = name
      bytes = Array(text.utf8)
    }

    init(_ name: String, _ bytes: [UInt8]) {
      testDescription = name
      self.bytes = bytes
    }
  }

  private static func lines(_ count: Int, _ line: (Int) -> String) -> String {
    var text = ""
    for index in 0..<count / size { text += line(index) }
    return text
  }

  private static var aliasBomb: String {
    var text = "x-a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
    for level in 1...9 {
      text += "x-a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ") + "]\n"
    }
    return text
  }

  private static func nested(_ depth: Int) -> String {
    var text = "steps:\n"
    for level in 0..<depth {
      let indent = String(repeating: " ", count: level * 4 + 2)
      text += "\(indent)- if: 1 == 1\n\(indent)  then:\n"
    }
    return text + String(repeating: " ", count: depth * 4 + 2) + "- log: deep\n"
  }

  static var files: [File] {
    let frame = Explanation.frame
    return [
      File("alias bomb", frame + aliasBomb), File("10 MB scalar", frame + "steps:\n  - log: " + String(repeating: "x", count: (10 << 20) / size)),
      File("900 kB scalar", frame + "steps:\n  - log: " + String(repeating: "x", count: 900_000 / size)),
      File("200 kB of dollars", frame + "steps:\n  - log: " + String(repeating: "$", count: 200_001 / size)),
      File("200 kB of open expressions", frame + "steps:\n  - log: " + String(repeating: "${", count: 100_000 / size)),
      File("200 kB of expressions", frame + "steps:\n  - log: '" + String(repeating: "${a}", count: 50_000 / size) + "'"),
      File("200 kB of escapes", frame + "steps:\n  - log: \"" + String(repeating: "\\n${a}", count: 30_000 / size) + "\""),
      File("200 kB of parentheses", frame + "steps:\n  - if: " + String(repeating: "(", count: 200_000 / size)),
      File("200 kB of not", frame + "steps:\n  - if: " + String(repeating: "not ", count: 50_000 / size) + "true"),
      File("200 kB of SQL quotes", frame + "steps:\n  - conn: db\n    sql: SELECT " + String(repeating: "'${a}' ", count: 28_000 / size)),
      File("200 kB of SQL comments", frame + "steps:\n  - conn: db\n    sql: SELECT " + String(repeating: "/*", count: 100_000 / size)),
      File("200 kB of words for Redis", frame + "steps:\n  - redis: " + String(repeating: "a ", count: 100_000 / size)),
      File("a million keys", frame + lines(1_000_000) { "k\($0): 1\n" }), File("100 000 keys", frame + lines(60_000) { "k\($0): 1\n" }),
      File("a million brackets", String(repeating: "[", count: 1_000_000 / size)),
      File("half a million brackets in a step", frame + "steps: " + String(repeating: "[", count: 500_000 / size)),
      File("a million braces", String(repeating: "{", count: 1_000_000 / size)),
      File("half a million dashes", String(repeating: "- ", count: 500_000 / size)),
      File("half a million question marks", String(repeating: "? ", count: 500_000 / size)),
      File("half a million anchors", frame + "x-a: [" + lines(80_000) { "&a\($0) 1, " } + "]"),
      File("half a million aliases", frame + "x-a: &a 1\nx-b: [" + String(repeating: "*a, ", count: 200_000 / size) + "]"),
      File("NUL", Array(frame.utf8) + [0]), File("a file of NULs", [UInt8](repeating: 0, count: 1_000_000 / size)),
      File("broken UTF-8", Array(frame.utf8) + [0xC3, 0x28, 0xFF]), File("a file of 0xFF", [UInt8](repeating: 0xFF, count: 1_000_000 / size)),
      File("half a surrogate", Array("x-a: ".utf8) + [0xED, 0xA0, 0x80]),
      File("directions", frame + "steps:\n  - log: a\u{202E}b\u{2066}c\n"),
      File("a file of directions", String(repeating: "\u{202E}", count: 300_000 / size)), File("UTF-16", [0xFF, 0xFE, 0x76, 0x00]),
      File("deep steps", frame + nested(200)), File("steps as deep as they may be", frame + nested(20)),
      File("60 000 steps", frame + "steps:\n" + lines(60_000) { _ in "  - log: a\n" }),
      File("40 000 steps", frame + "steps:\n" + lines(40_000) { _ in "- log: a\n" }),
      File("20 000 steps with names", frame + "steps:\n" + lines(20_000) { "- {id: a\($0), redis: GET a}\n" }),
      File("20 000 steps of one name", frame + "steps:\n" + lines(20_000) { _ in "- {id: a, redis: GET a}\n" }),
      File("15 000 captures", frame + "steps:\n" + lines(15_000) { "- {redis: GET a, capture: {v\($0): reply as int}}\n" }),
      File("1 MB of misspelled keys", frame + "steps:\n" + lines(30_000) { _ in "- {redis: GET a, chekc: [a]}\n" }),
      File("1 MB of misspelled verbs", frame + "steps:\n" + lines(40_000) { _ in "- {rediss: GET a}\n" }),
      File(
        "names near to thousands of names",
        frame + "steps:\n" + lines(8_000) { "- set: {variable_\($0): '1'}\n" } + lines(12_000) { "- log: ${variabel_\($0)}\n" }),
      File("thousands of variables", frame + "vars:\n" + lines(20_000) { "  variable_\($0): \($0)\n" } + "steps:\n" + lines(10_000) { "- log: ${variabel_\($0)}\n" }),
      File("thousands of connections", "version: 1\nchain: a\nconnections:\n" + lines(12_000) { "  connection_\($0): { redis: $env.A }\n" } + "steps:\n" + lines(5_000) { "- {redis: GET a, conn: conection_\($0)}\n" }),
      File("thousands of allowances", frame + "steps:\n" + lines(15_000) { _ in "- log: a # lint: allow unused-capture because of this\n" }),
      File("thousands of wrong allowances", frame + "steps:\n" + lines(20_000) { _ in "- log: a # lint: allow unused-captrue x\n" }),
      File("thousands of bad literals", frame + "steps:\n" + lines(40_000) { _ in "- think: 5 sec\n" }),
      File("thousands of branches", frame + "steps:\n" + lines(8_000) { "- {if: 'random.int(1, 2) > 1', then: [{set: {v\($0): '1'}}]}\n" }),
      File("thousands of thresholds", frame + "steps: []\nthresholds:\n" + lines(20_000) { "  - p99(step.a\($0)) < 20ms\n" }),
      File("thousands of events", frame + "steps: []\nevents:\n" + lines(8_000) { "  event_\($0): { origin: nowhere, id: $a, hops: {} }\n" }),
      File("a long line of flow", frame + "steps: [" + String(repeating: "{log: a},", count: 90_000 / size) + "]"),
    ]
  }

  @Test(arguments: files)
  func `a hostile file gets a finding with a place, soon`(file: File) {
    var compilation: Compilation?
    var text = ""
    let time = ContinuousClock().measure {
      let result = Gallery.compile(file.bytes)
      text = PlainTextRenderer().render(result.findings, in: result.files)
      compilation = result
    }
    guard let compilation else { return }
    let milliseconds = Double(time.components.attoseconds) / 1e15 + Double(time.components.seconds) * 1e3
    print("hostile: \(Int(milliseconds)) ms, \(compilation.findings.count) findings, \(text.utf8.count) bytes shown: \(file.testDescription)")
    #expect(time < Self.limit)
    #expect((compilation.program == nil) == compilation.findings.hasErrors)
    for finding in compilation.findings.sorted {
      #expect(finding.range.end <= compilation.files[finding.range.file].bytes.count)
    }
  }
}
