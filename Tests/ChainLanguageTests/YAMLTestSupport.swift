import Diagnostics

@testable import ChainLanguage

/// A composed text with its marks and findings.
struct ComposedText {
  let marked: MarkedText
  let file: SourceFile
  let files: SourceFiles
  let root: YAMLNode?
  let findings: Findings

  init(_ text: String, limits: YAMLLimits = YAMLLimits()) {
    marked = MarkedText(text)
    (files, file) = marked.file()
    var findings = Findings()
    root = composeYAML(file, limits: limits, into: &findings)
    self.findings = findings
  }

  /// "name at mark", in the order of the file.
  var places: [String] {
    findings.sorted.map { "\($0.name.rawValue) at \(marked.mark(at: $0.range.offsets))" }
  }

  /// The tree on one line: texts in single quotes, lists in brackets, mappings in braces.
  var outline: String { root.map(Self.outline) ?? "nil" }

  private static func outline(_ node: YAMLNode) -> String {
    switch node.content {
    case .scalar(let scalar): "'\(scalar.text)'"
    case .sequence(let items): "[" + items.map(outline).joined(separator: ", ") + "]"
    case .mapping(let entries): "{" + entries.map { "\($0.key.text): \(outline($0.value))" }.joined(separator: ", ") + "}"
    }
  }
}

/// A small generator of random numbers with a seed that a failing test prints (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
