internal import Diagnostics

/// Reads one mapping against its shape: unknown keys, keys of later versions and missing keys are found here and nowhere else.
struct MappingReader {
  let node: YAMLNode
  private let entries: [YAMLEntry]

  /// nil, with a finding, if the node is no mapping.
  ///
  /// - Parameter owner: Where to point when a key is missing: the name that the mapping was given.
  init?(_ node: YAMLNode, _ shape: MappingShape, owner: SourceRange, into findings: inout Findings) {
    guard let entries = node.entries else {
      findings.add(
        .wrongNodeKind, at: node.placeRange, "\(shape.phrase) is a mapping, and this is \(node.kindPhrase)",
        help: "its keys: \(listPhrase(shape.keys.filter { $0.status == .works }.map(\.name)))")
      return nil
    }
    self.node = node
    self.entries = entries
    check(shape, owner: owner, into: &findings)
  }

  private func check(_ shape: MappingShape, owner: SourceRange, into findings: inout Findings) {
    for entry in entries {
      let name = entry.key.text
      guard let key = shape.keys.first(where: { $0.name == name }) else {
        if !name.hasPrefix("x-") { reportUnknownKey(entry.key, shape, into: &findings) }
        continue
      }
      if key.status == .later {
        findings.add(
          .notSupportedYet, at: entry.key.range,
          "'\(name)' of \(shape.phrase) is part of the language, and this version does not have it yet")
      }
    }
    for key in shape.keys where key.isRequired && self[key.name] == nil {
      findings.add(.missingKey, at: owner, "\(shape.phrase) needs '\(key.name)'", help: decapitalized(key.summary))
    }
  }

  private func reportUnknownKey(_ key: YAMLScalar, _ shape: MappingShape, into findings: inout Findings) {
    // Then it is only counted.
    guard !findings.isFull else { return findings.add(.unknownKey, at: key.range, "") }
    let candidates = shape.keys.filter { $0.status == .works }.map(\.name)
    let near = nearestName(to: key.text, among: candidates)
    findings.add(
      .unknownKey, at: key.range, "\(shape.phrase) has no key '\(shown(key.text))'",
      help: near.map { "did you mean '\($0)'?" } ?? "its keys: \(listPhrase(candidates)); keys that start with 'x-' are free",
      fix: near.flatMap { self[$0] == nil ? renameKey(key, to: $0) : nil })
  }

  subscript(name: String) -> YAMLEntry? { entries.first { $0.key.text == name } }

  /// All entries but the user's own `x-*` keys.
  var ownEntries: [YAMLEntry] { entries.filter { !$0.key.text.hasPrefix("x-") } }
}

/// A misspelled key by the one that was meant.
func renameKey(_ key: YAMLScalar, to name: String) -> Fix {
  .replace(key.range, by: name, "replace '\(shown(key.text))' by '\(name)'")
}

/// `'a', 'b' and 'c'`, cut after a dozen.
func listPhrase(_ names: [String]) -> String {
  let shownNames = names.prefix(16).map { "'\($0)'" }
  guard shownNames.count > 1 else { return shownNames.first ?? "none" }
  if names.count > shownNames.count { return shownNames.joined(separator: ", ") + " …" }
  return shownNames.dropLast().joined(separator: ", ") + " and " + shownNames[shownNames.count - 1]
}

/// A name from a file, cut so that a message stays a line.
func shown(_ text: String) -> String {
  text.utf8.count <= 60 ? text : String(text.unicodeScalars.prefix(56).map(Character.init)) + "…"
}

private func decapitalized(_ sentence: String) -> String {
  let text = sentence.hasSuffix(".") ? String(sentence.dropLast()) : sentence
  let second = text.dropFirst().first
  if let second, second.isUppercase { return text }
  return text.prefix(1).lowercased() + text.dropFirst()
}
