internal import ChainProgram

/// A JSON value while the schema is put together: its members keep their order, so that the written file is stable and readable.
indirect enum JSONSchemaNode: Sendable {
  case text(String)
  case integer(Int)
  case flag(Bool)
  case list([JSONSchemaNode])
  case object([(name: String, value: JSONSchemaNode)])

  static func texts(_ words: [String]) -> JSONSchemaNode { .list(words.map { .text($0) }) }

  /// The definition of that name.
  static func reference(_ name: String) -> JSONSchemaNode { .object([("$ref", .text("#/definitions/\(name)"))]) }

  static func anyOf(_ nodes: [JSONSchemaNode]) -> JSONSchemaNode { .object([("anyOf", .list(nodes))]) }

  /// The schema with its hover text. Beside `$ref` draft-07 reads nothing, so a reference moves into `allOf`.
  func described(_ description: String) -> JSONSchemaNode {
    guard !description.isEmpty else { return self }
    switch self {
    case .object(let members):
      if members.contains(where: { $0.name == "$ref" }) {
        return .object([("description", .text(description)), ("allOf", .list([self]))])
      }
      return .object([("description", .text(description))] + members)
    case .flag: return .object([("description", .text(description))])
    case .text, .integer, .list: return self
    }
  }

  /// With two spaces for each level; lists and objects without nested ones stay on a line where they fit.
  func write(into text: inout String, indent: Int = 0) {
    switch self {
    case .text(let value):
      var bytes: [UInt8] = []
      Value.string(value).appendJSON(to: &bytes)
      text += String(decoding: bytes, as: UTF8.self)
    case .integer(let value): text += "\(value)"
    case .flag(let value): text += value ? "true" : "false"
    case .list(let items):
      if let line = line(indent) { return text += line }
      text += "[\n"
      for (index, item) in items.enumerated() {
        text += String(repeating: " ", count: indent + 2)
        item.write(into: &text, indent: indent + 2)
        text += index + 1 < items.count ? ",\n" : "\n"
      }
      text += String(repeating: " ", count: indent) + "]"
    case .object(let members):
      if let line = line(indent) { return text += line }
      text += "{\n"
      for (index, member) in members.enumerated() {
        text += String(repeating: " ", count: indent + 2)
        JSONSchemaNode.text(member.name).write(into: &text)
        text += ": "
        member.value.write(into: &text, indent: indent + 2)
        text += index + 1 < members.count ? ",\n" : "\n"
      }
      text += String(repeating: " ", count: indent) + "}"
    }
  }

  /// On one line if it is short.
  private func line(_ indent: Int) -> String? {
    guard weight <= 6 else { return nil }
    var text = ""
    switch self {
    case .list(let items):
      text += "["
      for (index, item) in items.enumerated() {
        if index > 0 { text += ", " }
        guard let line = item.inner else { return nil }
        text += line
      }
      text += "]"
    case .object(let members):
      if members.isEmpty { return "{}" }
      text += "{ "
      for (index, member) in members.enumerated() {
        if index > 0 { text += ", " }
        guard let line = member.value.inner else { return nil }
        JSONSchemaNode.text(member.name).write(into: &text)
        text += ": " + line
      }
      text += " }"
    case .text, .integer, .flag: return nil
    }
    return text.utf8.count + indent <= 110 ? text : nil
  }

  private var inner: String? {
    switch self {
    case .text, .integer, .flag:
      var text = ""
      write(into: &text)
      return text
    case .list, .object: return line(0)
    }
  }

  private var weight: Int {
    switch self {
    case .text, .integer, .flag: 1
    case .list(let items): items.allSatisfy { $0.weight == 1 } ? 1 : items.reduce(0) { $0 + $1.weight }
    case .object(let members): 1 + members.reduce(0) { $0 + $1.value.weight }
    }
  }
}
