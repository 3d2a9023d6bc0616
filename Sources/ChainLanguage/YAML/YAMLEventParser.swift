internal import CYAML

/// What libyaml saw next, in scalars (characters) from the start of what it was given.
struct YAMLEvent {
  enum Kind {
    case streamStart
    case streamEnd
    case documentStart
    case documentEnd
    case alias(String)
    case scalar(text: String, style: YAMLScalar.Style)
    case sequenceStart
    case sequenceEnd
    case mappingStart
    case mappingEnd
  }

  let kind: Kind
  let anchor: String?
  let tag: String?
  let startScalar: Int
  let endScalar: Int
  /// For collections: `[…]` or `{…}` rather than by indentation.
  let isFlow: Bool
}

/// Why libyaml gave up, in its own words, and where.
struct YAMLProblem: Error {
  let problem: String
  let problemScalar: Int
  /// What it was reading, such as "while parsing a flow mapping".
  let context: String?
  let contextScalar: Int
}

/// Owns one libyaml parser over bytes that somebody else keeps alive.
///
/// libyaml reads only as far ahead as it must to know that a `[` starts no key (1024 characters on one line), so a caller that
/// stops early has paid only for what it took.
struct YAMLEventParser: ~Copyable {
  private let parser: UnsafeMutablePointer<yaml_parser_t>

  /// - Parameter bytes: UTF-8 without a byte order mark; must outlive the parser. Use inside the closure that gives them.
  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    parser = .allocate(capacity: 1)
    parser.initialize(to: yaml_parser_t())
    guard yaml_parser_initialize(parser) == 1 else { fatalError("no memory for a YAML parser") }
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
  }

  /// The next event.
  ///
  /// - Throws: `YAMLProblem` where the text is not YAML; the parser is of no use afterwards.
  mutating func next() throws(YAMLProblem) -> YAMLEvent {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else { throw problem() }
    defer { yaml_event_delete(&event) }
    var anchor: String?
    var tag: String?
    var isFlow = false
    let kind: YAMLEvent.Kind
    switch event.type {
    case YAML_STREAM_START_EVENT: kind = .streamStart
    case YAML_DOCUMENT_START_EVENT: kind = .documentStart
    case YAML_DOCUMENT_END_EVENT: kind = .documentEnd
    case YAML_ALIAS_EVENT: kind = .alias(text(event.data.alias.anchor) ?? "")
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      anchor = text(scalar.anchor)
      tag = text(scalar.tag)
      let value = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
      kind = .scalar(text: value, style: style(scalar.style))
    case YAML_SEQUENCE_START_EVENT:
      anchor = text(event.data.sequence_start.anchor)
      tag = text(event.data.sequence_start.tag)
      isFlow = event.data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE
      kind = .sequenceStart
    case YAML_SEQUENCE_END_EVENT: kind = .sequenceEnd
    case YAML_MAPPING_START_EVENT:
      anchor = text(event.data.mapping_start.anchor)
      tag = text(event.data.mapping_start.tag)
      isFlow = event.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
      kind = .mappingStart
    case YAML_MAPPING_END_EVENT: kind = .mappingEnd
    default: kind = .streamEnd
    }
    return YAMLEvent(
      kind: kind, anchor: anchor, tag: tag, startScalar: event.start_mark.index, endScalar: event.end_mark.index, isFlow: isFlow)
  }

  private func style(_ style: yaml_scalar_style_t) -> YAMLScalar.Style {
    switch style {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE: .singleQuoted
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE: .doubleQuoted
    case YAML_LITERAL_SCALAR_STYLE: .literal
    case YAML_FOLDED_SCALAR_STYLE: .folded
    default: .plain
    }
  }

  private func text(_ value: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    value.map { String(cString: $0) }
  }

  private func problem() -> YAMLProblem {
    let parser = parser.pointee
    let isScanned = parser.error == YAML_SCANNER_ERROR || parser.error == YAML_PARSER_ERROR
    return YAMLProblem(
      problem: parser.problem.map { String(cString: $0) } ?? "out of memory",
      problemScalar: isScanned ? parser.problem_mark.index : parser.mark.index,
      context: isScanned ? parser.context.map { String(cString: $0) } : nil,
      contextScalar: parser.context_mark.index)
  }
}
