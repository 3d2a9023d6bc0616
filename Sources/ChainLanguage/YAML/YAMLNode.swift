package import Diagnostics

/// A YAML value and where it stands.
///
/// An alias appears as the node that it names, with the nodes below it shared; its own place is in `aliasRange`.
package final class YAMLNode {
  package enum Content {
    case scalar(YAMLScalar)
    case sequence([YAMLNode])
    case mapping([YAMLEntry])
  }

  package let content: Content
  /// The value without its anchor, its tag, and without trailing space. Of an alias, the place of the anchored value.
  package let range: SourceRange
  /// The `*name` through which this node came here, if it did.
  package let aliasRange: SourceRange?
  /// This node and all below it, aliases expanded.
  let nodeCount: Int
  /// Bytes of all scalar texts in and below this node, aliases expanded.
  let textByteCount: Int
  /// Levels of collections from here down; 0 for a scalar.
  let height: Int

  init(_ content: Content, range: SourceRange, aliasRange: SourceRange? = nil) {
    self.content = content
    self.range = range
    self.aliasRange = aliasRange
    switch content {
    case .scalar(let scalar):
      nodeCount = 1
      textByteCount = scalar.text.utf8.count
      height = 0
    case .sequence(let items):
      nodeCount = items.reduce(1) { $0 + $1.nodeCount }
      textByteCount = items.reduce(0) { $0 + $1.textByteCount }
      height = 1 + items.reduce(0) { max($0, $1.height) }
    case .mapping(let entries):
      nodeCount = entries.reduce(1) { $0 + 1 + $1.value.nodeCount }
      textByteCount = entries.reduce(0) { $0 + $1.key.text.utf8.count + $1.value.textByteCount }
      height = 1 + entries.reduce(0) { max($0, $1.value.height) }
    }
  }

  /// The same node as seen through an alias.
  func aliased(at aliasRange: SourceRange) -> YAMLNode {
    YAMLNode(content, range: range, aliasRange: aliasRange)
  }

  /// Where to point when the node is wrong in this place: the alias if it came through one.
  package var placeRange: SourceRange { aliasRange ?? range }

  package var scalar: YAMLScalar? {
    if case .scalar(let scalar) = content { scalar } else { nil }
  }

  package var items: [YAMLNode]? {
    if case .sequence(let items) = content { items } else { nil }
  }

  package var entries: [YAMLEntry]? {
    if case .mapping(let entries) = content { entries } else { nil }
  }

  /// The value of a key, or nil if this is no mapping or has no such key.
  ///
  /// - Complexity: linear in the number of keys.
  package subscript(key: String) -> YAMLNode? {
    entries?.first { $0.key.text == key }?.value
  }

  /// What the node is, for messages: "text", "a list", "a mapping", "nothing".
  package var kindPhrase: String {
    switch content {
    case .scalar(let scalar): scalar.isNull ? "nothing" : "text"
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }
}

/// One key of a mapping with its value, in the order of the file.
package struct YAMLEntry {
  package let key: YAMLScalar
  package let value: YAMLNode

  /// From the key's start to the value's end; of an aliased value, only the key.
  package var range: SourceRange {
    value.aliasRange == nil && value.range.start >= key.range.start ? key.range.union(value.range) : key.range
  }
}
