import ChainIO
import ChainProgram

/// Values as a trace shows them: on one line, cut to a length, and never a secret.
struct TracedText {
  static let hidden = "••••"
  /// Characters of one value.
  static let valueMax = 160
  /// Rows of a result, entries of a list.
  static let entriesMax = 3

  /// Texts that are replaced wherever they turn up, also in what a server sends back.
  private(set) var secrets: [String] = []

  /// Remembers a secret's text. Very short ones are hidden where they stand only: they would turn up everywhere.
  mutating func learn(secret value: Value) {
    var bytes: [UInt8] = []
    guard value.appendText(to: &bytes), bytes.count >= 4 else { return }
    let text = String(decoding: bytes, as: UTF8.self)
    if !secrets.contains(text) { secrets.append(text) }
  }

  func value(_ value: Value, isSecret: Bool = false) -> String {
    if isSecret { return TracedText.hidden }
    return shortened(safe(raw(value)))
  }

  private func raw(_ value: Value) -> String {
    switch value {
    case .string(let text): return quoted(text)
    case .bytes(let bytes): return "\(bytes.count) bytes"
    case .size: return "\(value)B"
    case .rate: return "\(value)/s"
    case .percentage(let fraction): return "\(fraction * 100)%"
    case .list(let elements):
      let shown = elements.prefix(TracedText.entriesMax).map(raw).joined(separator: ", ")
      return "[" + shown + (elements.count > TracedText.entriesMax ? ", … \(elements.count) in all" : "") + "]"
    case .null, .bool, .int, .decimal, .float, .duration, .instant, .uuid, .json: return value.description
    }
  }

  /// Literal text with its arguments put in, as it goes to the server.
  func filled(_ template: TextTemplate, _ arguments: UnsafePointer<Value>, isSecret: (Int) -> Bool) -> String {
    var text = ""
    for piece in template.pieces {
      switch piece {
      case .literal(let bytes): text += String(decoding: bytes, as: UTF8.self)
      case .argument(let number, _):
        if isSecret(number) {
          text += TracedText.hidden
        } else {
          var bytes: [UInt8] = []
          TextTemplate([piece]).append(to: &bytes, arguments: arguments)
          text += String(decoding: bytes, as: UTF8.self)
        }
      }
    }
    return shortened(safe(collapsed(text)), to: 4 * TracedText.valueMax)
  }

  /// Text from outside: on one line, short, without secrets.
  func outside(_ text: String) -> String { shortened(safe(collapsed(text))) }

  private func quoted(_ text: String) -> String { "\"" + text.replacing("\"", with: "\\\"") + "\"" }

  /// Runs of white space as one space: SQL is written over several lines.
  private func collapsed(_ text: String) -> String {
    text.split(whereSeparator: { $0 == " " || $0 == "\n" || $0 == "\t" || $0 == "\r\n" || $0 == "\r" }).joined(separator: " ")
  }

  private func safe(_ text: String) -> String {
    var text = text
    for secret in secrets { text = text.replacing(secret, with: TracedText.hidden) }
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.properties.generalCategory == .format:
        result += "\\u{\(String(scalar.value, radix: 16))}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  private func shortened(_ text: String, to limit: Int = TracedText.valueMax) -> String {
    guard text.count > limit else { return text }
    return text.prefix(limit - 1) + "…"
  }
}

extension TracedText {
  /// What an operation returned, in a few words: whatever parts of the neutral form are filled.
  func result(_ result: OperationResult, of operation: Operation) -> String {
    var parts: [String] = []
    if result.status != 0 { parts.append("\(result.status)") }
    if result.columnCount > 0 {
      parts.append("\(result.rowCount) row\(result.rowCount == 1 ? "" : "s")")
    }
    if result.affected > 0, result.columnCount == 0 || Int64(result.rowCount) != result.affected { parts.append("\(result.affected) affected") }
    if !result.isRouted { parts.append("not routed") }
    if result.columnCount > 0 {
      let rows = (0..<min(result.rowCount, TracedText.entriesMax)).map { row in
        (0..<result.columnCount).map { column in
          "\(result.columnNames[column]) = \(node(result, result.nodes[row * result.columnCount + column]))"
        }.joined(separator: ", ")
      }
      if !rows.isEmpty { parts.append(rows.joined(separator: " | ") + (result.rowCount > rows.count ? " | …" : "")) }
    } else if !result.nodes.isEmpty {
      var position = 0
      parts.append(tree(result, &position))
    }
    if result.hasBody {
      parts.append("\(result.body.length) bytes")
      if result.body.length > 0 { parts.append(result.string(result.body)) }
    }
    guard !parts.isEmpty else {
      switch operation.role {
      case .plain: return operation.writes && result.columnCount == 0 && operation.verb == "sql" ? "0 affected" : "ok"
      case .beginsTransaction, .commitsTransaction, .rollsBackTransaction: return "ok"
      }
    }
    return outside(parts.joined(separator: " · "))
  }

  private func node(_ result: OperationResult, _ node: OperationResult.Node) -> String {
    switch node.kind {
    case .null: "null"
    case .text: quoted(result.string(node))
    case .integer: "\(node.integer)"
    case .array: "[…]"
    }
  }

  private func tree(_ result: OperationResult, _ position: inout Int) -> String {
    let node = result.nodes[position]
    position += 1
    guard node.kind == .array else { return self.node(result, node) }
    var elements: [String] = []
    for index in 0..<Int(node.length) where position < result.nodes.count {
      let element = tree(result, &position)
      if index < TracedText.entriesMax { elements.append(element) }
    }
    if Int(node.length) > TracedText.entriesMax { elements.append("… \(node.length) in all") }
    return "[" + elements.joined(separator: ", ") + "]"
  }
}
