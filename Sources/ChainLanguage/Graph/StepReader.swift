internal import ChainProgram
internal import Diagnostics

/// Reads lists of steps: finds each step's verb, checks the keys beside it, and goes down into nested steps.
struct StepReader {
  let connectors: [ConnectorSchema]
  var findings: Findings

  init(connectors: [ConnectorSchema], findings: Findings) {
    self.connectors = connectors
    self.findings = findings
  }

  /// The steps under a key; none, with a finding, if its value is no list.
  mutating func read(_ entry: YAMLEntry) -> [StepNode] {
    guard let items = entry.value.items else {
      if entry.value.scalar?.isNull != true {
        findings.add(
          .wrongNodeKind, at: entry.value.placeRange,
          "'\(shown(entry.key.text))' is a list of steps, and this is \(entry.value.kindPhrase)",
          help: "start each step with '- '")
      }
      return []
    }
    return items.compactMap { step($0, isProbe: false) }
  }

  private enum Verb {
    case control(KeyShape, keys: [KeyShape])
    case connector(ConnectorSchema, VerbSchema)
  }

  private func verb(named name: String) -> Verb? {
    if let control = LanguageShapes.controlVerbs.first(where: { $0.verb.name == name }) {
      return .control(control.verb, keys: control.keys)
    }
    for connector in connectors {
      if let schema = connector.verbs.first(where: { $0.name == name }) { return .connector(connector, schema) }
    }
    return nil
  }

  private var verbNames: [String] {
    LanguageShapes.controlVerbs.map(\.verb.name) + connectors.flatMap { $0.verbs.map(\.name) }
  }

  private mutating func step(_ node: YAMLNode, isProbe: Bool) -> StepNode? {
    guard let entries = node.entries else {
      findings.add(
        .wrongNodeKind, at: node.placeRange, "a step is a mapping with a verb, and this is \(node.kindPhrase)",
        help: "for example: sql: SELECT 1")
      return nil
    }
    let found = entries.compactMap { entry in verb(named: entry.key.text).map { (entry: entry, verb: $0) } }
    // A verb's name may also be a key of another verb (`fail`, `http` …): then it is the key, not a second verb.
    let chosen =
      found.first { candidate in
        !found.contains { other in other.entry.key !== candidate.entry.key && keyNames(of: other.verb).contains(candidate.entry.key.text) }
      } ?? found.first
    guard let chosen else {
      reportNoVerb(node, entries)
      return nil
    }
    for other in found where other.entry.key !== chosen.entry.key && !keyNames(of: chosen.verb).contains(other.entry.key.text) {
      findings.add(
        .twoVerbs, at: other.entry.key.range,
        "a step has one verb, and this one has '\(chosen.entry.key.text)' and '\(other.entry.key.text)'",
        help: "make two steps", related: [Related(chosen.entry.key.range, "the first verb")])
    }
    switch chosen.verb {
    case .control(let shape, let keys):
      return control(node, chosen.entry, shape, keys, others: found.map(\.entry.key.text), isProbe: isProbe)
    case .connector(let connector, let schema):
      return operation(node, chosen.entry, connector, schema, others: found.map(\.entry.key.text), isProbe: isProbe)
    }
  }

  private func keyNames(of verb: Verb) -> [String] {
    switch verb {
    case .control(_, let keys): keys.map(\.name)
    case .connector(_, let schema): schema.keys.map(\.name)
    }
  }

  private mutating func reportNoVerb(_ node: YAMLNode, _ entries: [YAMLEntry]) {
    let common = (LanguageShapes.stepCommon + LanguageShapes.operationCommon).map(\.name)
    let strangers = entries.filter { !common.contains($0.key.text) && !$0.key.text.hasPrefix("x-") }
    for stranger in strangers {
      if let near = nearestName(to: stranger.key.text, among: verbNames) {
        findings.add(
          .unknownKey, at: stranger.key.range, "'\(shown(stranger.key.text))' is no verb", help: "did you mean '\(near)'?",
          fix: renameKey(stranger.key, to: near))
        return
      }
    }
    let place = strangers.first?.key.range ?? entries.first?.key.range ?? node.placeRange
    findings.add(.noVerb, at: place, "a step has exactly one verb, and this one has none", help: "the verbs: \(listPhrase(verbNames))")
  }

  /// The mapping read against its shape; `others` are the keys that already have a finding as a second verb.
  private mutating func reader(_ node: YAMLNode, _ verb: YAMLEntry, _ keys: [KeyShape], others: [String]) -> MappingReader? {
    let extra = others.filter { name in name != verb.key.text && !keys.contains { $0.name == name } }.map { KeyShape($0, "") }
    let shape = MappingShape(phrase: "a '\(verb.key.text)' step", keys: [KeyShape(verb.key.text, "")] + keys + extra)
    return MappingReader(node, shape, owner: verb.key.range, into: &findings)
  }

  private mutating func control(
    _ node: YAMLNode, _ verb: YAMLEntry, _ shape: KeyShape, _ keys: [KeyShape], others: [String], isProbe: Bool
  ) -> StepNode? {
    guard let reader = reader(node, verb, keys + LanguageShapes.stepCommon, others: others) else { return nil }
    if isProbe {
      findings.add(.badValue, at: verb.key.range, "a probe is a step that reads a system, and '\(verb.key.text)' does not")
      return nil
    }
    guard let kind = controlKind(verb, reader) else { return nil }
    return make(node, verb, kind, reader)
  }

  private mutating func controlKind(_ verb: YAMLEntry, _ reader: MappingReader) -> StepKind? {
    switch verb.key.text {
    case "set":
      return .set(assignments(verb))
    case "if":
      var branches: [(condition: YAMLScalar, steps: [StepNode])] = []
      if let condition = scalar(verb, into: &findings) { branches.append((condition, reader["then"].map { read($0) } ?? [])) }
      if let alternatives = reader["elif"] { branches += self.alternatives(alternatives) }
      let otherwise = reader["else"].map { read($0) } ?? []
      return branches.isEmpty ? nil : .choice(branches, otherwise: otherwise)
    case "repeat":
      var counter: YAMLScalar?
      if let entry = reader["as"] {
        counter = scalar(entry, into: &findings)
        if let name = counter, !isName(name.text) { reportBadName(name) }
      }
      return .loop(count: verb.value, counter: counter, steps: reader["steps"].map { read($0) } ?? [])
    case "think":
      return think(verb)
    case "await":
      if verb.value.entries != nil { return probe(verb, reader) }
      for key in ["every", "until", "capture"] {
        guard let entry = reader[key] else { continue }
        findings.add(
          .unknownKey, at: entry.key.range, "a wait for an event's hop has no '\(key)'", help: "only a probe has: 'await: { sql: … }'")
      }
      return scalar(verb, into: &findings).map { .awaitHop(path: $0, within: reader["within"]) }
    case "log":
      return .log(verb.value)
    case "fail":
      return .fail(verb.value)
    case "switch", "branch", "for_each", "while", "group", "parallel", "call", "measure", "stop":
      return furtherKind(verb, reader)
    default:
      preconditionFailure("a control verb without a reader: '\(verb.key.text)'")
    }
  }

  private mutating func alternatives(_ entry: YAMLEntry) -> [(condition: YAMLScalar, steps: [StepNode])] {
    guard let items = entry.value.items else {
      findings.add(
        .wrongNodeKind, at: entry.value.placeRange,
        "'elif' is a list of conditions with their steps, and this is \(entry.value.kindPhrase)",
        help: "write '- if: …' with its own 'then:'")
      return []
    }
    return items.compactMap { item in
      guard let reader = MappingReader(item, LanguageShapes.alternative, owner: item.range.startPoint, into: &findings) else { return nil }
      let steps = reader["then"].map { read($0) } ?? []
      guard let condition = reader["if"].flatMap({ scalar($0, into: &findings) }) else { return nil }
      return (condition, steps)
    }
  }

  private mutating func think(_ verb: YAMLEntry) -> StepKind? {
    guard verb.value.entries != nil else { return .think(shortest: verb.value, longest: nil) }
    guard let reader = MappingReader(verb.value, LanguageShapes.think, owner: verb.key.range, into: &findings),
      let uniform = reader["uniform"]
    else { return nil }
    guard let bounds = uniform.value.items, bounds.count == 2 else {
      findings.add(
        .badValue, at: uniform.value.placeRange, "'uniform' is a list of the shortest and the longest pause", help: "write [100ms, 400ms]")
      return nil
    }
    return .think(shortest: bounds[0], longest: bounds[1])
  }

  private mutating func probe(_ verb: YAMLEntry, _ reader: MappingReader) -> StepKind? {
    guard let probe = step(verb.value, isProbe: true) else { return nil }
    var shape: MappingReader?
    if let every = reader["every"], every.value.entries != nil {
      shape = MappingReader(every.value, LanguageShapes.every, owner: every.key.range, into: &findings)
    }
    let until = reader["until"]
    if until == nil {
      findings.add(.missingKey, at: verb.key.range, "a probe needs 'until'", help: "what its result must show: 'until: rows.size == 1'")
    }
    return .awaitProbe(
      ProbeNode(
        probe: probe, until: until.flatMap { scalar($0, into: &findings) }, within: reader["within"],
        every: reader["every"].flatMap { $0.value.entries == nil ? $0.value : nil }, start: shape?["start"], factor: shape?["factor"],
        max: shape?["max"]))
  }

  private mutating func operation(
    _ node: YAMLNode, _ verb: YAMLEntry, _ connector: ConnectorSchema, _ schema: VerbSchema, others: [String], isProbe: Bool
  ) -> StepNode? {
    let isBlock = schema.operand == .block || schema.keys.contains { $0.form == .block }
    var keys = schema.keys.filter { $0.form != .block }.map { KeyShape($0.name, isRequired: $0.isRequired, $0.summary) }
    keys += LanguageShapes.stepCommon + LanguageShapes.operationCommon
    if isBlock { keys.append(KeyShape("steps", isRequired: true, "The steps inside it.")) }
    guard let reader = reader(node, verb, keys, others: others) else { return nil }
    if isProbe {
      for key in ["check", "capture", "on_error", "retry", "when"] {
        guard let entry = reader[key] else { continue }
        findings.add(
          .checkInsideProbe, at: entry.key.range, "a probe is repeated and has no '\(key)'",
          help: key == "check" ? "say what it waits for with 'until' beside 'await'" : "write it beside 'await'")
      }
    }
    let nested = isBlock ? reader["steps"].map { read($0) } ?? [] : nil
    let options = schema.keys.filter { $0.form != .block }.compactMap { key in reader[key.name].map { (key: key, entry: $0) } }
    for group in schema.alternatives { check(group, of: schema, verb, reader) }
    let kind = StepKind.operation(
      OperationNode(connector: connector, schema: schema, operand: verb.value, options: options, nested: nested))
    return make(node, verb, kind, reader)
  }

  private mutating func check(_ group: KeyAlternatives, of schema: VerbSchema, _ verb: YAMLEntry, _ reader: MappingReader) {
    let given = group.keys.compactMap { reader[$0] }
    let names = group.keys.map { "'\($0)'" }.joined(separator: " or ")
    if given.count > 1 {
      findings.add(
        .badValue, at: given[1].key.range, "'\(schema.name)' takes \(names), and this one has both", help: "leave one of them out",
        related: [Related(given[0].key.range, "the other one")])
    } else if given.isEmpty, group.isRequired {
      findings.add(.missingKey, at: verb.key.range, "'\(schema.name)' needs \(names)", help: "add one of them")
    }
  }

  private mutating func make(_ node: YAMLNode, _ verb: YAMLEntry, _ kind: StepKind, _ reader: MappingReader) -> StepNode {
    var id: YAMLScalar?
    if let entry = reader["id"], let given = scalar(entry, into: &findings) {
      if isName(given.text) { id = given } else { reportBadName(given) }
    }
    var continues = false
    if let entry = reader["on_error"], let word = scalar(entry, into: &findings) {
      if word.text == "continue" {
        continues = true
      } else if word.text != "fail" {
        findings.add(.badValue, at: word.range, "'on_error' is 'continue' or 'fail'")
      }
    }
    if let tags = reader["tags"] { checkTags(tags) }
    return StepNode(
      range: node.range, verb: verb.key, kind: kind, id: id, name: reader["name"].flatMap { scalar($0, into: &findings) },
      conn: reader["conn"], timeout: reader["timeout"], captures: reader["capture"].map { assignments($0) } ?? [],
      checks: reader["check"].map { claims($0) } ?? [], continuesOnError: continues,
      when: reader["when"].flatMap { scalar($0, into: &findings) }, retry: reader["retry"].flatMap { retry($0) })
  }

  private mutating func checkTags(_ entry: YAMLEntry) {
    guard let items = entry.value.items, items.allSatisfy({ $0.scalar != nil }) else {
      findings.add(.wrongNodeKind, at: entry.value.placeRange, "'tags' is a list of words")
      return
    }
  }

  /// `name: expression` pairs under `set` or `capture`.
  mutating func assignments(_ entry: YAMLEntry) -> [YAMLEntry] {
    guard let entries = entry.value.entries else {
      findings.add(
        .wrongNodeKind, at: entry.value.placeRange, "'\(entry.key.text)' is a mapping of variables, and this is \(entry.value.kindPhrase)",
        help: "write each as 'name: expression'")
      return []
    }
    return entries.filter { entry in
      guard isName(entry.key.text) else {
        reportBadName(entry.key)
        return false
      }
      return scalar(entry, into: &findings) != nil
    }
  }

  /// The conditions under `check`: a list, or one alone.
  private mutating func claims(_ entry: YAMLEntry) -> [YAMLScalar] {
    if let alone = entry.value.scalar, !alone.isNull { return [alone] }
    guard let items = entry.value.items else {
      findings.add(.wrongNodeKind, at: entry.value.placeRange, "'check' is a list of conditions, and this is \(entry.value.kindPhrase)")
      return []
    }
    return items.compactMap { item in
      guard let scalar = item.scalar else {
        findings.add(
          .wrongNodeKind, at: item.placeRange, "a check is a condition, and this is \(item.kindPhrase)",
          help: "a text with ': ' in it must be quoted")
        return nil
      }
      return scalar
    }
  }

  mutating func reportBadName(_ name: YAMLScalar) {
    findings.add(
      .badValue, at: name.range, "'\(shown(name.text))' is no name", help: "a name is letters, digits and '_', and starts with a letter")
  }
}
