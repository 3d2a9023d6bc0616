package import ChainProgram

/// `grammar/chain.schema.json`: JSON Schema draft-07 of chain files, for completion and hover text in editors. Made from the tables that
/// the checker reads, so that a key or verb that they gain is in it. Every chain without errors is valid under it; it finds what needs
/// no names and no types: unknown and missing keys, wrong kinds of nodes, literals and choices.
package enum JSONSchema {
  package static func text(connectors: [ConnectorSchema]) -> String {
    var text = ""
    JSONSchemaBuilder(connectors: connectors).root().write(into: &text)
    return text + "\n"
  }

  /// Keys of the tables that have no form in the schema and so take anything there; as `mapping/key`.
  package static var keysWithoutForm: [String] {
    LanguageMappings.all.flatMap { mapping in
      mapping.keys.filter { JSONSchemaForms.form(of: $0.name, in: mapping.id) == nil }.map { "\(mapping.id)/\($0.name)" }
    }
  }

  /// Forms for keys that the tables do not have.
  package static var formsWithoutKey: [String] {
    let known = Set(LanguageMappings.all.flatMap { mapping in mapping.keys.map { "\(mapping.id)/\($0.name)" } })
    return JSONSchemaForms.table.keys.filter { !known.contains($0) }.sorted()
  }
}

struct JSONSchemaBuilder {
  let connectors: [ConnectorSchema]

  func root() -> JSONSchemaNode {
    var members: [(name: String, value: JSONSchemaNode)] = [
      ("$schema", .text("http://json-schema.org/draft-07/schema#")), ("$id", .text("urn:chainrun:chain.schema.json:1")),
      ("title", .text("A chain of chainrun, language version 1")),
      ("$comment", .text("Made from the tables that 'chainrun lint' checks with; record anew instead of editing. See README.md.")),
    ]
    members += object(LanguageShapes.chain.keys, in: "chain")
    members.append(("anyOf", .list(["steps", "scenarios", "flows"].map { required([$0]) })))
    members.append(("not", required(["steps", "scenarios"])))
    members.append(("definitions", .object(definitions())))
    return .object(members)
  }

  private func definitions() -> [(name: String, value: JSONSchemaNode)] {
    var definitions = LanguageMappings.definitions.map { ($0.id, definition($0.id, $0.keys)) }
    definitions.append(("connection", .anyOf(connectors.map { .reference("connection_\($0.kind)") })))
    for connector in connectors { definitions.append(("connection_\(connector.kind)", connection(connector))) }
    let observers = connectors.flatMap(\.observers)
    definitions.append(("hop", .anyOf(observers.map { .reference("observer_\($0.name)") })))
    for observer in observers { definitions.append(("observer_\(observer.name)", self.observer(observer))) }

    let verbs = connectors.flatMap(\.verbs)
    let names = LanguageShapes.controlVerbs.map(\.verb.name) + verbs.map(\.name)
    definitions.append(
      ("steps", .object([("type", .texts(["array", "null"])), ("items", .reference("step"))])))
    definitions.append(
      (
        "step",
        .object([
          ("description", .text("A step: exactly one verb, and the keys that go with it.")), ("type", .text("object")),
          ("anyOf", .list(names.map { .reference("step_\($0)") })), ("defaultSnippets", .list(snippets())),
        ])
      ))
    definitions.append(
      (
        "probe",
        .object([
          ("description", .text("A step that reads, done again and again until its result shows what is expected.")),
          ("allOf", .list([.anyOf(verbs.map { .reference("step_\($0.name)") })])),
          ("not", .anyOf(["check", "capture", "on_error", "retry", "when"].map { required([$0]) })),
        ])
      ))
    for verb in LanguageShapes.controlVerbs { definitions.append(("step_\(verb.verb.name)", control(verb.verb, verb.keys))) }
    for verb in verbs { definitions.append(("step_\(verb.name)", operation(verb))) }
    return definitions
  }

  private func definition(_ id: String, _ keys: [KeyShape]) -> JSONSchemaNode {
    var members = object(keys, in: id)
    if let groups = JSONSchemaForms.alternatives[id] {
      let known = groups.filter { group in group.allSatisfy { name in keys.contains { $0.name == name } } }
      members.append(("oneOf", .list(known.map { required($0) })))
    }
    return .object(members)
  }

  private func connection(_ connector: ConnectorSchema) -> JSONSchemaNode {
    var properties = [
      (
        name: connector.kind,
        value: JSONSchemaNode.object([
          (
            "description",
            .text(
              "The address of a \(connector.title) server: it starts with "
                + connector.addressSchemes.map { "\($0)://" }.joined(separator: " or ") + ", or is $env.NAME.")
          ), ("type", .text("string")),
          ("pattern", .text("^(\\$|" + connector.addressSchemes.map { "\($0)://" }.joined(separator: "|") + ")")),
        ])
      )
    ]
    for key in LanguageShapes.connection.keys {
      let form: JSONSchemaForm? = key.name == "access" ? .choice(connector.accessLevels) : nil
      properties.append(property(key, in: "connection", form: form))
    }
    properties += connector.connectionKeys.map(property)
    let needed = [connector.kind] + connector.connectionKeys.filter(\.isRequired).map(\.name)
    return .object(closed(properties, required: needed))
  }

  private func observer(_ schema: ObserverSchema) -> JSONSchemaNode {
    let own = (name: schema.name, value: node(JSONSchemaForms.form(of: schema.operand)).described(schema.summary))
    let properties = [own] + schema.keys.map(property) + LanguageShapes.hop.keys.map { property($0, in: "hop") }
    let needed = [schema.name] + schema.keys.filter(\.isRequired).map(\.name) + LanguageShapes.hop.keys.filter(\.isRequired).map(\.name)
    return .object(closed(properties, required: needed))
  }

  private func control(_ verb: KeyShape, _ keys: [KeyShape]) -> JSONSchemaNode {
    let properties =
      ([verb] + keys).map { property($0, in: "step \(verb.name)") } + LanguageShapes.stepCommon.map { property($0, in: "every step") }
    let needed = [verb.name] + keys.filter(\.isRequired).map(\.name) + (JSONSchemaForms.alsoRequired[verb.name] ?? [])
    var members = closed(properties, required: needed)
    if verb.name == "await" {
      // A wait for a hop has no keys of a probe, and a probe says what it waits for.
      let isProbe = JSONSchemaNode.object([("properties", .object([("await", .object([("type", .text("object"))]))]))])
      members.append(("if", isProbe))
      members.append(("then", required(["until"])))
      members.append(("else", .object([("not", .anyOf(["every", "until", "capture"].map { required([$0]) }))])))
    }
    return .object(members)
  }

  private func operation(_ verb: VerbSchema) -> JSONSchemaNode {
    let own = (name: verb.name, value: node(JSONSchemaForms.form(of: verb.operand), operand: verb.operand).described(verb.summary))
    let properties =
      [own] + verb.keys.map(property) + LanguageShapes.stepCommon.map { property($0, in: "every step") }
      + LanguageShapes.operationCommon.map { property($0, in: "connection step") }
    return .object(closed(properties, required: [verb.name] + verb.keys.filter(\.isRequired).map(\.name)))
  }

  // Parts

  private func object(_ keys: [KeyShape], in mapping: String) -> [(name: String, value: JSONSchemaNode)] {
    closed(keys.map { property($0, in: mapping) }, required: keys.filter(\.isRequired).map(\.name))
  }

  /// A mapping with these keys, the user's own `x-*` and no others.
  private func closed(
    _ properties: [(name: String, value: JSONSchemaNode)], required: [String]
  ) -> [(name: String, value: JSONSchemaNode)] {
    var members: [(name: String, value: JSONSchemaNode)] = [("type", .text("object"))]
    if !required.isEmpty { members.append(("required", .texts(required))) }
    members.append(("properties", .object(properties)))
    members.append(("patternProperties", .object([("^x-", .flag(true))])))
    members.append(("additionalProperties", .flag(false)))
    return members
  }

  private func required(_ names: [String]) -> JSONSchemaNode { .object([("required", .texts(names))]) }

  private func property(
    _ key: KeyShape, in mapping: String, form: JSONSchemaForm? = nil
  ) -> (name: String, value: JSONSchemaNode) {
    let form = form ?? JSONSchemaForms.form(of: key.name, in: mapping) ?? .anything
    return (key.name, node(form).described(key.summary + (key.status == .later ? " Not in this version yet." : "")))
  }

  private func property(_ key: KeySchema) -> (name: String, value: JSONSchemaNode) {
    (key.name, node(JSONSchemaForms.form(of: key.form), operand: key.form).described(key.summary))
  }

  private func node(_ form: JSONSchemaForm, operand: OperandForm) -> JSONSchemaNode {
    if case .request = operand { return pattern("^[A-Z]+ +/") }
    return node(form)
  }

  private func pattern(_ pattern: String) -> JSONSchemaNode { .object([("type", .text("string")), ("pattern", .text(pattern))]) }

  private func types(_ names: String...) -> JSONSchemaNode { .object([("type", .texts(names))]) }

  private func node(_ form: JSONSchemaForm) -> JSONSchemaNode {
    let number = "[0-9]+(\\.[0-9]+)?"
    switch form {
    case .scalar: return types("string", "number", "boolean")
    case .expression: return types("string", "number", "boolean", "null")
    case .string: return .object([("type", .text("string"))])
    case .name: return pattern(Self.namePattern)
    case .duration: return pattern("^(\\$.*|\(number)(\(ExpressionLexicon.durationUnits.map(\.name).joined(separator: "|"))))$")
    case .rate: return pattern("^(\\$.*|\(number)/(\(ExpressionLexicon.rateUnits.map(\.name).joined(separator: "|"))))$")
    case .number: return .anyOf([types("number"), pattern("^(\\$.*|\(number))$")])
    case .integer(let range):
      let plain = JSONSchemaNode.object([
        ("type", .text("integer")), ("minimum", .integer(range.lowerBound)), ("maximum", .integer(range.upperBound)),
      ])
      return .anyOf([plain, pattern("^(\\$.*|[0-9]+)$")])
    case .flag: return .object([("type", .text("boolean"))])
    case .choice(let words):
      // A word of digits is a number for YAML.
      return .object([("enum", .list(words.compactMap { Int($0) }.map { .integer($0) } + words.map { .text($0) }))])
    case .type:
      let names = ValueType.nameable.map(\.name) + ["rate", "size", "percentage"]
      return pattern("^((list|map|secret)<)*(\(names.joined(separator: "|")))\\??(>\\??)*$")
    case .steps: return .reference("steps")
    case .list(let element, let least, let most, let orNull):
      var members: [(name: String, value: JSONSchemaNode)] = [
        ("type", orNull ? .texts(["array", "null"]) : .text("array")), ("items", node(element)),
      ]
      if least > 0 { members.append(("minItems", .integer(least))) }
      if let most { members.append(("maxItems", .integer(most))) }
      return .object(members)
    case .oneOrList(let element):
      return .anyOf([node(element), .object([("type", .text("array")), ("items", node(element))])])
    case .names(let value, let least):
      var members: [(name: String, value: JSONSchemaNode)] = [("type", least == 0 ? .texts(["object", "null"]) : .text("object"))]
      if least > 0 { members.append(("minProperties", .integer(least))) }
      members.append(("patternProperties", .object([(Self.namePattern, node(value)), ("^x-", .flag(true))])))
      members.append(("additionalProperties", .flag(false)))
      return .object(members)
    case .values(let value):
      return .object([
        ("type", .text("object")), ("patternProperties", .object([("^x-", .flag(true))])), ("additionalProperties", node(value)),
      ])
    case .definition(let name): return .reference(name)
    case .either(let forms): return .anyOf(forms.map { node($0) })
    case .anything: return .flag(true)
    }
  }

  private static let namePattern = "^[A-Za-z_][A-Za-z0-9_]*$"

  /// One for each verb: the verb and the keys that it must have.
  private func snippets() -> [JSONSchemaNode] {
    let controls = LanguageShapes.controlVerbs.map { verb in
      snippet(
        verb.verb.name, verb.verb.summary,
        verb.keys.filter { $0.isRequired || JSONSchemaForms.alsoRequired[verb.verb.name]?.contains($0.name) == true }.map { key in
          if case .steps? = JSONSchemaForms.form(of: key.name, in: "step \(verb.verb.name)") { return (key.name, true) }
          return (key.name, false)
        })
    }
    return controls
      + connectors.flatMap(\.verbs).map { verb in
        snippet(verb.name, verb.summary, verb.keys.filter(\.isRequired).map { ($0.name, $0.form == .block) })
      }
  }

  private func snippet(_ name: String, _ summary: String, _ keys: [(name: String, isSteps: Bool)]) -> JSONSchemaNode {
    var body: [(name: String, value: JSONSchemaNode)] = [(name, .text("$1"))]
    for (index, key) in keys.enumerated() {
      let place = JSONSchemaNode.text("$\(index + 2)")
      body.append((key.name, key.isSteps ? .list([place]) : place))
    }
    return .object([("label", .text(name)), ("description", .text(summary)), ("body", .object(body))])
  }
}
