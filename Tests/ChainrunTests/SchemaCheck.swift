import LosslessJSON

/// As much of JSON Schema draft-07 as `summary.schema.json` uses; a keyword that it does not know is a problem of its own.
struct SchemaCheck {
  let schema: JSONValue

  func problems(of value: JSONValue) -> [String] { check(value, against: schema, at: "$") }

  private func check(_ value: JSONValue, against rule: JSONValue, at path: String) -> [String] {
    var problems: [String] = []
    for (keyword, argument) in rule.members {
      switch keyword {
      case "$schema", "$id", "title", "description", "definitions": break
      case "$ref":
        let name = argument.string?.split(separator: "/").last.map(String.init) ?? ""
        guard let target = schema["definitions"]?[name] else {
          problems.append("\(path): no definition '\(name)'")
          break
        }
        problems += check(value, against: target, at: path)
      case "anyOf":
        let tries = argument.elements.map { check(value, against: $0, at: path) }
        if !tries.contains([]) { problems += tries.last ?? [] }
      case "type":
        let names = argument.string.map { [$0] } ?? argument.elements.compactMap(\.string)
        if !names.contains(where: { isOf(value, $0) }) { problems.append("\(path): not \(names)") }
      case "enum": if !argument.elements.contains(value) { problems.append("\(path): \(value.serialized) is not listed") }
      case "const": if argument != value { problems.append("\(path): not \(argument.serialized)") }
      case "required":
        for name in argument.elements.compactMap(\.string) where value[name] == nil { problems.append("\(path): no '\(name)'") }
      case "properties":
        for (name, rule) in argument.members {
          if let member = value[name] { problems += check(member, against: rule, at: "\(path).\(name)") }
        }
      case "additionalProperties":
        for (name, member) in value.members where rule["properties"]?[name] == nil {
          if argument.bool == false { problems.append("\(path): unexpected '\(name)'") }
          if argument.kind == .object { problems += check(member, against: argument, at: "\(path).\(name)") }
        }
      case "items":
        for (index, element) in value.elements.enumerated() { problems += check(element, against: argument, at: "\(path)[\(index)]") }
      case "minimum":
        if let number = value.double, let least = argument.double, number < least { problems.append("\(path): below \(least)") }
      case "maximum": if let number = value.double, let most = argument.double, number > most { problems.append("\(path): above \(most)") }
      default: problems.append("the schema uses '\(keyword)', which this test does not know")
      }
    }
    return problems
  }

  private func isOf(_ value: JSONValue, _ type: String) -> Bool {
    switch (type, value.kind) {
    case ("null", .null), ("boolean", .bool), ("number", .number), ("string", .string), ("array", .array), ("object", .object): true
    case ("integer", .number): value.numberText?.allSatisfy { $0.isNumber || $0 == "-" } ?? false
    default: false
    }
  }
}
