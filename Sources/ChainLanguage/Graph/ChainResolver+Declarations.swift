internal import ChainProgram
internal import Diagnostics
internal import LosslessJSON

/// Connections and variables.
extension ChainResolver {
  static let connectionsMax = 100

  func resolveConnections() {
    for node in graph.connections {
      guard let schema = node.schema else { continue }
      guard builder.program.connections.count < Self.connectionsMax else {
        findings.add(.limitExceeded, at: node.name.range, "a chain has at most \(Self.connectionsMax) connections")
        break
      }
      let access = choice(node.access, "access", schema.accessLevels) ?? schema.accessLevels.first ?? ""
      let address = node.address.flatMap { self.address($0, schema) } ?? .literal("")
      var options: [(name: String, value: OperandTemplate)] = []
      for (key, entry) in node.options {
        var arguments: [TypedExpression] = []
        let scope = StepScope(flow: [:], fixed: constants, anywhere: [:])
        guard let template = operand(entry.value, key.form, key: key.name, scope, arguments: &arguments) else { continue }
        if arguments.allSatisfy({ $0.constant != nil }) {
          options.append((key.name, literalized(template, arguments)))
        } else {
          findings.add(
            .notSupportedYet, at: entry.value.placeRange, "'\(key.name)' of a connection is literal, or made of 'vars', in this version",
            help: "write it into the steps, or into a flow that they call")
        }
      }
      builder.program.connections.append(
        ConnectionDeclaration(
          name: node.name.text, kind: schema.kind, address: address, access: access, pool: pool(node.pool) ?? .size(schema.defaultPool),
          acquireTimeoutNanoseconds: constantDuration(node.acquireTimeout, "acquire_timeout") ?? 5_000_000_000,
          connectTimeoutNanoseconds: constantDuration(node.connectTimeout, "connect_timeout") ?? 5_000_000_000, options: options,
          range: node.name.range))
    }
    for file in chainFiles.dropFirst() { for node in file.graph.connections { require(node, of: file) } }
  }

  /// A file's own connections are what it asks of the chain that imports it.
  private func require(_ node: ConnectionNode, of file: ChainFile) {
    guard let schema = node.schema else { return }
    let given = graph.connections.first { $0.name.text == node.name.text }
    if let given, given.schema == nil || given.schema?.kind == schema.kind { return }
    findings.add(
      .missingKey, at: node.name.range, "'\(shown(file.graph.file.path))' needs a \(schema.title) connection '\(node.name.text)' of the chain that imports it",
      help: "declare it in the chain under 'connections'", related: given.map { [Related($0.name.range, "of another kind here")] } ?? [])
  }

  private func pool(_ entry: YAMLEntry?) -> ConnectionDeclaration.Pool? {
    if entry?.value.scalar?.text == "per_vu" { return .perUser }
    return constantInteger(entry, "pool", in: 1...10_000).map { .size($0) }
  }

  /// The address is never shown: it may hold a password.
  private func address(_ node: YAMLNode, _ schema: ConnectorSchema) -> ConnectionDeclaration.Address? {
    guard let scalar = node.scalar, !scalar.isNull else {
      findings.add(
        .wrongNodeKind, at: node.placeRange, "the address of a \(schema.title) connection is text, and this is \(node.kindPhrase)",
        help: "write an address, or $env.NAME for an environment variable that holds it")
      return nil
    }
    let template = ScalarTemplate.parse(expressionText(scalar), into: &findings)
    if let literal = template.literal {
      let scheme = literal.range(ofFirst: "://").map { String(literal[..<$0]) }
      if let scheme, !schema.addressSchemes.isEmpty, !schema.addressSchemes.contains(scheme) {
        findings.add(
          .badValue, at: scalar.range, "a \(schema.title) address does not start with '\(shown(scheme))://'",
          help: "it starts with \(listPhrase(schema.addressSchemes.map { $0 + "://" }))")
      }
      return .literal(literal)
    }
    guard let whole = template.whole else {
      if template.expressions.contains(where: \.isInvalid) { return nil }
      findings.add(.badValue, at: scalar.range, "an address is literal or one environment variable", help: "write $env.NAME")
      return nil
    }
    if whole.isInvalid { return nil }
    guard let path = whole.path, path.count == 2, path[0].name == "env" else {
      findings.add(.badValue, at: whole.range, "an address is literal or one environment variable", help: "write $env.NAME")
      return nil
    }
    return .environment(path[1].name)
  }

  func resolveVariables() {
    var given: [String: YAMLScalarText] = [:]
    for variable in options.variables {
      let file = files.add(path: "--var", bytes: Array("\(variable.name)=\(variable.value)".utf8))
      let nameLength = variable.name.utf8.count
      guard graph.variables.contains(where: { $0.name.text == variable.name }) else {
        let names = graph.variables.map(\.name.text)
        findings.add(
          .unknownName, at: file.range(0, nameLength), "the chain has no variable '\(shown(variable.name))'",
          help: nearestName(to: variable.name, among: names).map { "did you mean '\($0)'?" }
            ?? (names.isEmpty ? "it declares none under 'vars'" : "it declares \(listPhrase(names))"))
        continue
      }
      given[variable.name] = YAMLScalarText(text: variable.value, place: ExpressionText(variable.value, in: file, at: nameLength + 1))
    }
    for file in chainFiles {
      for node in file.graph.variables {
        if reservedNames.contains(node.name.text) {
          findings.add(.duplicateName, at: node.name.range, "the name '\(node.name.text)' is taken", help: "choose another one")
          continue
        }
        file.constants[node.name.text] = variable(node, given: file === main ? given[node.name.text] : nil)
      }
    }
  }

  /// Each secret is a slot that the runtime fills; its type taints whatever is made of it.
  func declareSecrets() {
    guard !graph.secrets.isEmpty else { return }
    var members: [(name: String, binding: NameBinding)] = []
    for node in graph.secrets {
      let slot = builder.declare("secrets.\(node.name.text)", .secret(.string))
      let source: SecretDeclaration.Source? = node.environment.map { .environment($0.text) } ?? node.file.map { .file($0.text) }
      guard let source else { continue }
      builder.program.secrets.append(SecretDeclaration(name: node.name.text, slot: slot, source: source, range: node.name.range))
      members.append(
        (node.name.text, .variable(NameBinding.Variable(slot: slot, type: .secret(.string), captured: node.name.range))))
    }
    constants["secrets"] = .namespace(NameBinding.Namespace(title: "'secrets'", noun: "secret", members: members))
  }

  /// Names that mean something of their own in expressions.
  private var reservedNames: [String] { ["run", "env", "secrets", "random", "outputs"] }

  struct YAMLScalarText {
    let text: String
    let place: ExpressionText
  }

  private func variable(_ node: VariableNode, given: YAMLScalarText?) -> NameBinding {
    var declared: (value: Value, type: ValueType)?
    var type: ValueType?
    if let entry = node.type {
      type = self.typeName(entry)
      guard type != nil else { return .invalid }
    }
    if let value = node.value {
      guard let scalar = value.scalar else {
        findings.add(
          .wrongNodeKind, at: value.placeRange, "a variable's value is one scalar, and this is \(value.kindPhrase)",
          help: "lists and mappings are not supported yet as variables")
        return .invalid
      }
      if let type {
        guard let read = literal(expressionText(scalar), as: type, what: "'\(node.name.text)'") else { return .invalid }
        declared = (read, type)
      } else if scalar.style == .plain {
        let template = ScalarTemplate.parse(expressionText(scalar), into: &findings)
        guard let text = template.literal else {
          findings.add(.badValue, at: scalar.range, "a variable's value is literal", help: "compute values with 'set' in the steps")
          return .invalid
        }
        if let hint = scalar.ambiguousHint { findings.add(.ambiguousScalar, at: scalar.range, hint, fix: quotePlain(scalar)) }
        if looksLikeBadLiteral(text) {
          // Says what is wrong with `5sec`: text that starts like a number is rarely meant as text.
          findings.add(
            .badLiteral, at: scalar.range, "'\(shown(text))' starts like a number and is none",
            help: "durations: 500ms 2s 5m, rates: 200/s, sizes: 16KiB, shares: 0.1%; in quotes it is a text")
          return .invalid
        }
        let read = LiteralReader.value(text)
        declared = read
      } else {
        declared = (.string(scalar.text), .string)
      }
      if let declared, declared.type == .null {
        findings.add(
          .badValue, at: node.name.range, "a variable without a value needs a type",
          help: "write { type: int }, and give the value with --var")
        return .invalid
      }
    }
    guard let wanted = type ?? declared?.type else { return .invalid }
    if let given {
      guard let value = literal(given.place, as: wanted, what: "'\(node.name.text)'") else { return .invalid }
      return .constant(value, wanted)
    }
    guard let declared else {
      findings.add(
        .missingKey, at: node.name.range, "variable '\(node.name.text)' has no value",
        help: "give it with --var \(node.name.text)=… or write a 'default'")
      return .invalid
    }
    return .constant(declared.value, declared.type)
  }

  /// Digits and then letters that make no literal: `5sec`, `10 s`.
  private func looksLikeBadLiteral(_ text: String) -> Bool {
    guard case .string = LiteralReader.value(text).type else { return false }
    let digits = text.utf8.prefix { ($0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9")) || $0 == UInt8(ascii: ".") }
    let rest = text.utf8.dropFirst(digits.count).drop { $0 == UInt8(ascii: " ") }
    guard !digits.isEmpty, let first = rest.first, first | 0x20 >= UInt8(ascii: "a"), first | 0x20 <= UInt8(ascii: "z") else {
      return false
    }
    let unit = String(decoding: rest, as: UTF8.self).lowercased()
    let units = [
      "sec", "secs", "second", "seconds", "min", "mins", "minute", "minutes", "msec", "millis", "hour", "hours", "hr", "kb", "mb", "gb",
      "s", "m", "ms", "us", "h",
    ]
    return units.contains(unit)
  }

  func typeName(_ entry: YAMLEntry) -> ValueType? {
    guard let scalar = scalar(entry, into: &findings) else { return nil }
    let nameable = ValueType.nameable + [("rate", .rate), ("size", .size), ("percentage", .percentage)]
    if let type = nameable.first(where: { $0.name == scalar.text })?.type { return type }
    reportUnknownName(scalar, what: "type", among: nameable.map(\.name))
    return nil
  }

  /// A text read as a value of a declared type; a finding that shows no more than the type if it is none.
  func literal(_ text: ExpressionText, as type: ValueType, what: String) -> Value? {
    switch type {
    case .duration: return LiteralReader.duration(text, into: &findings).map { .duration($0) }
    case .rate: return LiteralReader.rate(text, into: &findings).map { .rate($0) }
    case .size: return LiteralReader.size(text, into: &findings).map { .size($0) }
    case .percentage: return LiteralReader.percentage(text, into: &findings).map { .percentage($0) }
    case .string, .int, .decimal, .float, .bool, .uuid, .bytes, .json, .instant, .list, .map, .row, .rows, .untyped, .messages, .optional,
      .secret, .null, .invalid:
      break
    }
    if type == .instant {
      findings.add(.notSupportedYet, at: text.wholeRange, "instants as literals are not supported yet")
      return nil
    }
    if let value = plainLiteral(text.text, as: type) { return value }
    findings.add(.badLiteral, at: text.wholeRange, "\(what) is of type \(type), and this is not written as one")
    return nil
  }

  /// The types whose text needs no grammar of its own.
  func plainLiteral(_ text: String, as type: ValueType) -> Value? {
    switch type {
    case .string: return .string(text)
    case .bytes: return .bytes(Array(text.utf8))
    case .int: return Int64(text).map { .int($0) }
    case .decimal: return Decimal(text).map { .decimal($0) }
    case .float: return Double(text).flatMap { $0.isFinite ? .float($0) : nil }
    case .bool: return text == "true" ? .bool(true) : text == "false" ? .bool(false) : nil
    case .uuid:
      var copy = text
      return copy.withUTF8 { UUIDBits(utf8: UnsafeRawBufferPointer($0)) }.map { .uuid($0) }
    case .json: return (try? JSONDocument(parsing: text)).map { .json($0.root) }
    case .duration, .rate, .size, .percentage, .instant, .list, .map, .row, .rows, .untyped, .messages, .optional, .secret, .null, .invalid:
      return nil
    }
  }
}

extension String {
  /// Where a text starts in this one.
  func range(ofFirst part: String) -> String.Index? {
    let bytes = Array(part.utf8)
    var index = utf8.startIndex
    while index < utf8.endIndex {
      if utf8[index...].starts(with: bytes) { return index }
      index = utf8.index(after: index)
    }
    return nil
  }
}
