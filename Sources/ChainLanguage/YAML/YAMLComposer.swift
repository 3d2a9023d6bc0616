package import Diagnostics

/// Reads a file as one YAML document into a tree in which each node knows its place.
///
/// What breaks the tree (the encoding, the syntax, a limit) gives nil and a finding; what can be left out (a second key of
/// the same name, a tag, a merge key) gives a finding and the rest of the tree. An empty file is a null scalar.
/// - Complexity: linear in the file's size; with the default limits below 0.2 s and 100 MB for any input.
package func composeYAML(_ file: SourceFile, limits: YAMLLimits = YAMLLimits(), into findings: inout Findings) -> YAMLNode? {
  guard file.bytes.count <= limits.fileBytes else {
    findings.add(.limitExceeded, at: file.range(0, 0), "the file has \(file.bytes.count) bytes, and \(limits.fileBytes) is the limit")
    return nil
  }
  guard let text = YAMLText(file, into: &findings) else { return nil }
  return file.bytes.withUnsafeBufferPointer { bytes in
    guard acceptDirectives(at: text.start, in: bytes, file: file, into: &findings) else { return nil }
    var composer = YAMLComposer(file: file, bytes: bytes, text: text, limits: limits)
    let root = composer.compose()
    for finding in composer.found { findings.append(finding) }
    return root
  }
}

/// Only `%YAML` may stand before the document: `%TAG` has no use here, and libyaml compares each with all before it.
private func acceptDirectives(
  at start: Int, in bytes: UnsafeBufferPointer<UInt8>, file: SourceFile, into findings: inout Findings
) -> Bool {
  var directiveCount = 0
  var offset = start
  while offset < bytes.count {
    let lineStart = offset
    while offset < bytes.count, !isYAMLBreak(bytes[offset]) { offset += 1 }
    let line = bytes[lineStart..<offset]
    if offset < bytes.count { offset += 1 }
    if line.first == UInt8(ascii: "%") {
      directiveCount += 1
      if directiveCount > 1 || !line.starts(with: "%YAML".utf8) {
        findings.add(
          .yamlSyntax, at: file.range(lineStart, lineStart + line.count), "a chain file has no directives but one '%YAML'",
          help: "remove the line")
        return false
      }
    } else if let first = line.first(where: { !isYAMLBlank($0) }), first != UInt8(ascii: "#") {
      return true
    }
  }
  return true
}

/// Builds the tree from libyaml's events, with its own stack, so that depth costs no stack of the machine.
private struct YAMLComposer {
  let file: SourceFile
  let bytes: UnsafeBufferPointer<UInt8>
  let text: YAMLText
  let limits: YAMLLimits
  private(set) var found: [Finding] = []

  private var frames: [Frame] = []
  private var root: YAMLNode?
  private var anchors: [String: Anchor] = [:]
  private var nodeCount = 0
  private var textByteCount = 0

  /// A collection that is being read.
  private struct Frame {
    let isMapping: Bool
    let isFlow: Bool
    let start: Int
    let anchor: String?
    var items: [YAMLNode] = []
    var entries: [YAMLEntry] = []
    var places: [String: SourceRange] = [:]
    var key: Key = .none
    /// End of the last thing inside, for collections by indentation, whose end libyaml puts at the next token.
    var lastEnd: Int
  }

  private enum Key {
    case none
    case taken(YAMLScalar)
    /// There is a finding about the key; its value is read and left out.
    case refused
  }

  private enum Anchor {
    case complete(YAMLNode)
    /// Its collection is still being read, so an alias to it would contain itself.
    case open
  }

  /// The reading cannot go on; the finding about it is there.
  private struct Stop: Error {}

  init(file: SourceFile, bytes: UnsafeBufferPointer<UInt8>, text: YAMLText, limits: YAMLLimits) {
    self.file = file
    self.bytes = bytes
    self.text = text
    self.limits = limits
  }

  mutating func compose() -> YAMLNode? {
    var parser = YAMLEventParser(UnsafeBufferPointer(rebasing: bytes[text.start...]))
    do {
      while true {
        let event = try parser.next()
        if case .documentEnd = event.kind {
          try refuseMore(after: byteOffset(event.startScalar))
          return root
        }
        if case .streamEnd = event.kind { break }
        try take(event)
      }
    } catch let problem as YAMLProblem {
      found.append(yamlSyntaxFinding(problem, file: file, bytes: bytes) { byteOffset($0) })
      return nil
    } catch {
      return nil
    }
    let nothing = YAMLScalar(text: "", style: .plain, range: file.range(text.start, text.start), explicitType: nil, file: file)
    return YAMLNode(.scalar(nothing), range: nothing.range)
  }

  private func byteOffset(_ scalar: Int) -> Int {
    text.byteOffset(ofScalar: scalar, in: bytes)
  }

  private mutating func take(_ event: YAMLEvent) throws {
    let start = byteOffset(event.startScalar)
    let end = max(start, byteOffset(event.endScalar))
    switch event.kind {
    case .streamStart, .streamEnd, .documentStart, .documentEnd:
      break
    case .scalar(let value, let style):
      try takeScalar(value, style, event, start..<end)
    case .alias(let name):
      try takeAlias(name, file.range(start, end))
    case .sequenceStart, .mappingStart:
      try count(nodes: 1, textBytes: 0, at: file.range(start, end))
      try checkDepth(frames.count + 1, at: file.range(start, end))
      let properties = NodeProperties(start..<end, in: bytes, hasAny: event.anchor != nil || event.tag != nil)
      var isMapping = false
      if case .mappingStart = event.kind { isMapping = true }
      if let tag = event.tag, tag != (isMapping ? coreTagPrefix + "map" : coreTagPrefix + "seq") { refuseTag(properties) }
      if let anchor = event.anchor { anchors[anchor] = .open }
      frames.append(
        Frame(
          isMapping: isMapping, isFlow: event.isFlow, start: properties.contentStart, anchor: event.anchor,
          lastEnd: max(properties.contentStart, end)))
    case .sequenceEnd, .mappingEnd:
      let frame = frames.removeLast()
      let range = file.range(frame.start, max(frame.start, frame.isFlow ? end : frame.lastEnd))
      let node = YAMLNode(frame.isMapping ? .mapping(frame.entries) : .sequence(frame.items), range: range)
      place(node, anchor: frame.anchor, end: range.end)
    }
  }

  private mutating func takeScalar(_ value: String, _ style: YAMLScalar.Style, _ event: YAMLEvent, _ raw: Range<Int>) throws {
    let properties = NodeProperties(raw, in: bytes, hasAny: event.anchor != nil || event.tag != nil)
    let isBlock = style == .literal || style == .folded
    var end = raw.upperBound
    if isBlock {
      while end > properties.contentStart + 1, isYAMLBlank(bytes[end - 1]) || isYAMLBreak(bytes[end - 1]) { end -= 1 }
    }
    let range = file.range(properties.contentStart, max(properties.contentStart, end))
    guard value.utf8.count <= limits.scalarBytes else {
      found.append(
        Finding(
          .limitExceeded, at: range.startPoint, "this text has \(value.utf8.count) bytes, and \(limits.scalarBytes) is the limit",
          help: "put it into a file of its own"))
      throw Stop()
    }
    try count(nodes: 1, textBytes: value.utf8.count, at: range.startPoint)

    var explicitType: YAMLCoreTag?
    if let tag = event.tag {
      explicitType = tag.hasPrefix(coreTagPrefix) ? YAMLCoreTag(rawValue: String(tag.dropFirst(coreTagPrefix.count))) : nil
      if explicitType == nil { refuseTag(properties) }
    }
    let scalar = YAMLScalar(text: value, style: style, range: range, explicitType: explicitType, file: file)
    if let explicitType, !explicitType.accepts(scalar.coreType) {
      found.append(
        Finding(.badValue, at: range, "'\(value)' is not what its tag '!!\(explicitType.rawValue)' says", help: "remove the tag"))
    }
    if style == .plain, let lost = textLostToComment(after: scalar, in: bytes) {
      found.append(
        Finding(
          .yamlCommentTruncation, at: file.range(lost.comment), "' #' starts a comment and cuts the text inside \(lost.open)",
          label: "not part of the text", help: "quote the whole text, or write it as a block after '|'",
          related: [Related(range, "ends here for YAML")],
          fix: frames.last?.isFlow ?? false ? nil : quoteLostText(scalar, through: lost.comment.upperBound, in: bytes)))
    }
    place(YAMLNode(.scalar(scalar), range: range), anchor: event.anchor, end: raw.isEmpty ? raw.upperBound : range.end)
  }

  private mutating func takeAlias(_ name: String, _ range: SourceRange) throws {
    switch anchors[name] {
    case nil:
      found.append(
        Finding(
          .aliasRefused, at: range, "'*\(name)' names no anchor above it",
          help: nearestName(to: name, among: anchors.keys.sorted()).map { "did you mean '*\($0)'?" }
            ?? "a text that starts with '*' must be quoted"))
      throw Stop()
    case .open:
      found.append(
        Finding(.aliasRefused, at: range, "'*\(name)' stands inside what it names", help: "an alias repeats something that is complete"))
      throw Stop()
    case .complete(let node):
      try count(nodes: node.nodeCount, textBytes: node.textByteCount, at: range)
      try checkDepth(frames.count + node.height, at: range)
      place(node.aliased(at: range), anchor: nil, end: range.end)
    }
  }

  /// Puts a complete node where it belongs: a key, a value, an item or the root.
  private mutating func place(_ node: YAMLNode, anchor: String?, end: Int) {
    if let anchor { anchors[anchor] = .complete(node) }
    guard let last = frames.indices.last else {
      root = node
      return
    }
    frames[last].lastEnd = max(frames[last].lastEnd, end)
    guard frames[last].isMapping else {
      frames[last].items.append(node)
      return
    }
    switch frames[last].key {
    case .none:
      frames[last].key = accept(key: node, inFrame: last)
    case .taken(let key):
      frames[last].entries.append(YAMLEntry(key: key, value: node))
      frames[last].key = .none
    case .refused:
      frames[last].key = .none
    }
  }

  private mutating func accept(key node: YAMLNode, inFrame index: Int) -> Key {
    let range = node.placeRange
    guard let scalar = node.scalar else {
      found.append(
        Finding(.wrongNodeKind, at: range, "a key is a text, and this is \(node.kindPhrase)", help: "quote the key if it is meant as text"))
      return .refused
    }
    if scalar.style == .plain, scalar.text == "<<" {
      found.append(
        Finding(
          .mergeKeyRefused, at: range, "the merge key '<<' is not part of YAML 1.2",
          help: "repeat the keys, or give the whole value with an alias"))
      return .refused
    }
    if let first = frames[index].places[scalar.text] {
      found.append(
        Finding(
          .duplicateKey, at: range, "'\(scalar.text)' stands twice in this mapping", help: "keep one of them",
          related: [Related(first, "first given here")]))
      return .refused
    }
    frames[index].places[scalar.text] = range
    return .taken(scalar)
  }

  private mutating func refuseTag(_ properties: NodeProperties) {
    let range = file.range(properties.tag ?? properties.contentStart..<properties.contentStart)
    found.append(
      Finding(
        .tagRefused, at: range, "'\(file.text(of: range))' is a YAML tag, and tags mean nothing in a chain",
        help: "write 'not x' for a negation, and quote a text that starts with '!'"))
  }

  private mutating func count(nodes: Int, textBytes: Int, at range: SourceRange) throws {
    nodeCount += nodes
    textByteCount += textBytes
    if nodeCount > limits.nodes {
      found.append(Finding(.limitExceeded, at: range, "the file has more than \(limits.nodes) values, aliases counted"))
      throw Stop()
    }
    if textByteCount > limits.textBytes {
      found.append(Finding(.limitExceeded, at: range, "the file has more than \(limits.textBytes) bytes of text, aliases counted"))
      throw Stop()
    }
  }

  private mutating func checkDepth(_ depth: Int, at range: SourceRange) throws {
    guard depth > limits.depth else { return }
    found.append(Finding(.limitExceeded, at: range, "lists and mappings are nested more than \(limits.depth) deep"))
    throw Stop()
  }

  /// After the document only empty lines, comments and `...` may come. libyaml is not asked, since it would read directives.
  private mutating func refuseMore(after documentEnd: Int) throws {
    var offset = documentEnd
    while offset < bytes.count {
      while offset < bytes.count, isYAMLBlank(bytes[offset]) || isYAMLBreak(bytes[offset]) { offset += 1 }
      guard offset < bytes.count else { return }
      let start = offset
      while offset < bytes.count, !isYAMLBreak(bytes[offset]) { offset += 1 }
      let line = bytes[start..<offset]
      if line.first == UInt8(ascii: "#") { continue }
      if line.starts(with: "...".utf8), line.dropFirst(3).first.map(isYAMLBlank) ?? true { continue }
      if line.starts(with: "---".utf8) || line.first == UInt8(ascii: "%") {
        found.append(
          Finding(
            .severalDocuments, at: file.range(start, min(start + 3, offset)), "a second document starts here, and a chain file is one",
            help: "put each chain into a file of its own"))
      } else {
        found.append(
          Finding(
            .yamlSyntax, at: file.range(start, offset), "this text continues nothing above it",
            help: "check the indentation and the brackets of the lines above"))
      }
      throw Stop()
    }
  }
}

private let coreTagPrefix = "tag:yaml.org,2002:"

extension YAMLCoreTag {
  fileprivate func accepts(_ type: YAMLCoreType) -> Bool {
    switch (self, type) {
    case (.str, .string), (.null, .null), (.bool, .bool), (.int, .int), (.float, .float), (.float, .int): true
    case (.str, _), (.null, _), (.bool, _), (.int, _), (.float, _): false
    }
  }
}

/// Where the anchor and the tag before a value end and the value starts.
private struct NodeProperties {
  let contentStart: Int
  private(set) var tag: Range<Int>?

  /// - Parameter range: From the first property to the end of the value's first token, as libyaml marks it.
  init(_ range: Range<Int>, in bytes: UnsafeBufferPointer<UInt8>, hasAny: Bool) {
    var offset = range.lowerBound
    guard hasAny else {
      contentStart = offset
      return
    }
    let end = range.upperBound
    while offset < end {
      let byte = bytes[offset]
      if byte == UInt8(ascii: "&") || byte == UInt8(ascii: "!") {
        let start = offset
        let isVerbatim = byte == UInt8(ascii: "!") && offset + 1 < end && bytes[offset + 1] == UInt8(ascii: "<")
        while offset < end, !isYAMLBlank(bytes[offset]), !isYAMLBreak(bytes[offset]), isVerbatim || !Self.isFlowIndicator(bytes[offset]) {
          offset += 1
        }
        if byte == UInt8(ascii: "!") { tag = start..<offset }
      } else if isYAMLBlank(byte) || isYAMLBreak(byte) {
        offset += 1
      } else if byte == UInt8(ascii: "#") {
        while offset < end, !isYAMLBreak(bytes[offset]) { offset += 1 }
      } else {
        break
      }
    }
    contentStart = offset
  }

  private static func isFlowIndicator(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"), UInt8(ascii: "}"): true
    default: false
    }
  }
}
