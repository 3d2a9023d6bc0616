internal import ChainProgram
internal import Diagnostics

/// One file of a chain: the chain itself, or one that it imports.
final class ChainFile {
  let graph: ChainGraph
  /// By the name under `use`; nil values are imports with a finding, about which nothing more is said.
  var imports: [String: ChainFile?] = [:]
  /// What every expression of the file may read: its `vars`, and `run`; of the chain itself also `secrets`.
  var constants: [String: NameBinding] = [:]

  init(graph: ChainGraph) { self.graph = graph }
}

/// Reads the files that a chain imports, and those that they import.
struct ImportLoader {
  static let filesMax = 64
  static let depthMax = 8

  var files: SourceFiles
  var findings: Findings
  let connectors: [ConnectorSchema]
  let limits: YAMLLimits
  /// By normal path: two imports of one file are one file.
  private(set) var loaded: [(path: String, file: ChainFile?)] = []

  init(files: SourceFiles, findings: Findings, connectors: [ConnectorSchema], limits: YAMLLimits) {
    self.files = files
    self.findings = findings
    self.connectors = connectors
    self.limits = limits
  }

  /// - Parameter path: The files from the chain to this one, for cycles.
  mutating func load(_ graph: ChainGraph, along path: [String], readFile: FileReader) -> ChainFile {
    let file = ChainFile(graph: graph)
    for use in graph.uses {
      let imported = load(use, of: graph, along: path, readFile: readFile)
      file.imports.updateValue(imported, forKey: use.key.text)
    }
    return file
  }

  private mutating func load(_ use: YAMLEntry, of graph: ChainGraph, along path: [String], readFile: FileReader) -> ChainFile? {
    guard let scalar = scalar(use, into: &findings), !scalar.isNull else { return nil }
    let target = normalPath(besidePath(graph.file.path, scalar.text))
    if let index = path.firstIndex(of: target) {
      let circle = (path[index...] + [target]).map(shown).joined(separator: " → ")
      findings.add(
        .importCycle, at: scalar.range, "files do not import each other in a circle: \(circle)",
        help: "move what both need into a third file")
      return nil
    }
    if let known = loaded.first(where: { $0.path == target }) { return known.file }
    guard path.count <= Self.depthMax else {
      findings.add(.limitExceeded, at: scalar.range, "imports go at most \(Self.depthMax) files deep")
      return nil
    }
    guard loaded.count < Self.filesMax else {
      findings.add(.limitExceeded, at: scalar.range, "a chain imports at most \(Self.filesMax) files")
      return nil
    }
    let bytes: [UInt8]
    switch readFile(target) {
    case .failure(let failure):
      loaded.append((target, nil))
      findings.add(.fileUnreadable, at: scalar.range, "'\(shown(target))' could not be read: \(failure.reason)")
      return nil
    case .success(let content): bytes = content
    }
    let source = files.add(path: target, bytes: bytes)
    guard let root = composeYAML(source, limits: limits, into: &findings) else {
      loaded.append((target, nil))
      return nil
    }
    var reader = GraphReader(file: source, connectors: connectors, findings: findings)
    let imported = reader.read(root)
    findings = reader.findings
    for key in imported.keys where !LanguageShapes.libraryKeys.contains(key.text) && LanguageShapes.chain.keys.contains(where: { $0.name == key.text }) {
      findings.add(
        .unknownKey, at: key.range, "a file that others import has no '\(key.text)'",
        help: "it has \(listPhrase(LanguageShapes.libraryKeys))", related: [Related(scalar.range, "imported here")])
    }
    let place = loaded.count
    loaded.append((target, nil))
    let file = load(imported, along: path + [target], readFile: readFile)
    loaded[place].file = file
    return file
  }
}

/// A path that stands in a file, seen from where that file's own path starts.
func besidePath(_ file: String, _ path: String) -> String {
  guard !path.hasPrefix("/"), let slash = file.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
  return String(file[...slash]) + path
}

/// Without `.` and, where a folder stands before it, without `..`.
func normalPath(_ path: String) -> String {
  var parts: [Substring] = []
  for part in path.split(separator: "/", omittingEmptySubsequences: true) where part != "." {
    if part == "..", let last = parts.last, last != ".." { parts.removeLast() } else { parts.append(part) }
  }
  return (path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
}
