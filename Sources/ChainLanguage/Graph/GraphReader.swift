internal import ChainProgram
internal import Diagnostics

/// Turns a file's YAML tree into the graph, and says what is wrong with its shape.
///
/// What cannot be read is left out, so that everything else is still checked.
struct GraphReader {
  let file: SourceFile
  let connectors: [ConnectorSchema]
  var findings: Findings

  mutating func read(_ root: YAMLNode) -> ChainGraph {
    var graph = ChainGraph(file: file)
    guard let chain = MappingReader(root, LanguageShapes.chain, owner: file.range(0, 0), into: &findings) else { return graph }
    checkVersion(chain["version"])
    graph.name = chain["chain"].flatMap { text($0) }?.text ?? ""
    graph.description = chain["description"].flatMap { text($0) }?.text ?? ""
    graph.keys = chain.ownEntries.map(\.key)
    if let entry = chain["guard"] { readGuard(entry, into: &graph) }
    graph.uses = named(chain["use"])
    graph.secrets = named(chain["secrets"]).compactMap { secret($0) }
    graph.connections = named(chain["connections"]).compactMap { connection($0) }
    graph.variables = named(chain["vars"]).map { variable($0) }
    graph.feeds = named(chain["feeds"]).compactMap { feed($0) }
    graph.events = named(chain["events"]).compactMap { event($0) }
    var steps = StepReader(connectors: connectors, findings: findings)
    if let entry = chain["setup"] { graph.setup = steps.read(entry) }
    if let entry = chain["steps"] {
      graph.steps = steps.read(entry)
      graph.stepsRange = entry.key.range
    }
    if let entry = chain["teardown"] { graph.teardown = steps.read(entry) }
    if let entry = chain["setup_vu"] { graph.userSetup = steps.read(entry) }
    if let entry = chain["teardown_vu"] { graph.userTeardown = steps.read(entry) }
    findings = steps.findings
    graph.flows = named(chain["flows"]).compactMap { flow($0) }
    if let entry = chain["scenarios"] {
      graph.scenarios = named(entry).compactMap { scenario($0) }
      if graph.scenarios?.isEmpty == true, entry.value.entries != nil {
        findings.add(.missingKey, at: entry.key.range, "'scenarios' has at least one scenario")
      }
      if let other = chain["steps"] {
        findings.add(
          .twoVerbs, at: other.key.range, "a chain has either 'steps' or 'scenarios'", help: "move the steps into a scenario",
          related: [Related(entry.key.range, "the scenarios")])
      }
      if graph.stepsRange == nil { graph.stepsRange = entry.key.range }
    } else if chain["steps"] == nil, chain["flows"] == nil {
      // A file with flows alone is a library for others.
      findings.add(.missingKey, at: file.range(0, 0), "a chain needs 'steps'", help: "what one iteration does")
    }
    graph.profiles = named(chain["load"]).compactMap { profile($0) }
    if let entry = chain["thresholds"] { graph.thresholds = thresholds(entry.value) }
    if let entry = chain["alerts"] { graph.alerts = alerts(entry.value) }
    return graph
  }

  private mutating func checkVersion(_ entry: YAMLEntry?) {
    guard let entry else { return }
    if entry.value.scalar?.text != "1" {
      findings.add(.badValue, at: entry.value.placeRange, "this program reads version 1 of the language", help: "write 'version: 1'")
    }
  }

  /// The entries of a mapping of names; each name is checked to be one.
  private mutating func named(_ entry: YAMLEntry?) -> [YAMLEntry] {
    guard let entry, entry.value.scalar?.isNull != true else { return [] }
    guard let entries = entry.value.entries else {
      findings.add(
        .wrongNodeKind, at: entry.value.placeRange, "'\(entry.key.text)' is a mapping of names, and this is \(entry.value.kindPhrase)")
      return []
    }
    let own = entries.filter { !$0.key.text.hasPrefix("x-") }
    for entry in own { checkName(entry.key) }
    return own
  }

  private mutating func checkName(_ name: YAMLScalar) {
    if !isName(name.text) {
      findings.add(
        .badValue, at: name.range, "'\(shown(name.text))' is no name", help: "a name is letters, digits and '_', and starts with a letter")
    }
  }

  /// The scalar of an entry; a finding if it is a list or a mapping.
  private mutating func text(_ entry: YAMLEntry) -> YAMLScalar? { scalar(entry, into: &findings) }

  private mutating func readGuard(_ entry: YAMLEntry, into graph: inout ChainGraph) {
    guard let reader = MappingReader(entry.value, LanguageShapes.guarded, owner: entry.key.range, into: &findings) else { return }
    graph.guardWrites = reader["writes"]
    if let hosts = reader["hosts"] { graph.guardHosts = guardHosts(hosts) }
  }

  private mutating func secret(_ entry: YAMLEntry) -> SecretNode? {
    guard entry.value.entries != nil else {
      // What stands there may be the secret itself, so it is not shown.
      findings.add(
        .badValue, at: entry.key.range, "a secret is never written into a chain",
        help: "say where it is: \(shown(entry.key.text)): { env: NAME } or { file: /run/secrets/name }")
      return nil
    }
    guard let reader = MappingReader(entry.value, LanguageShapes.secret, owner: entry.key.range, into: &findings) else { return nil }
    let environment = reader["env"].flatMap { text($0) }
    let file = reader["file"].flatMap { text($0) }
    if (environment == nil) == (file == nil) {
      findings.add(.missingKey, at: entry.key.range, "a secret is read from one place: 'env' or 'file'")
      return nil
    }
    return SecretNode(name: entry.key, environment: environment, file: file)
  }

  private mutating func flow(_ entry: YAMLEntry) -> FlowNode? {
    guard let reader = MappingReader(entry.value, LanguageShapes.flow, owner: entry.key.range, into: &findings) else { return nil }
    return FlowNode(name: entry.key, inputs: named(reader["inputs"]), outputs: named(reader["outputs"]), steps: steps(reader["steps"]))
  }

  private mutating func scenario(_ entry: YAMLEntry) -> ScenarioNode? {
    guard let reader = MappingReader(entry.value, LanguageShapes.scenario, owner: entry.key.range, into: &findings) else { return nil }
    return ScenarioNode(name: entry.key, weight: reader["weight"], steps: steps(reader["steps"]))
  }

  private mutating func steps(_ entry: YAMLEntry?) -> [StepNode] {
    guard let entry else { return [] }
    var reader = StepReader(connectors: connectors, findings: findings)
    defer { findings = reader.findings }
    return reader.read(entry)
  }

  private mutating func guardHosts(_ hosts: YAMLEntry) -> [String]? {
    guard let items = hosts.value.items else {
      findings.add(.wrongNodeKind, at: hosts.value.placeRange, "'hosts' is a list of host names, and this is \(hosts.value.kindPhrase)")
      return nil
    }
    return items.compactMap { item in
      guard let scalar = item.scalar, !scalar.isNull else {
        findings.add(.wrongNodeKind, at: item.placeRange, "a host is text, and this is \(item.kindPhrase)")
        return nil
      }
      return scalar.text
    }
  }

  private mutating func connection(_ entry: YAMLEntry) -> ConnectionNode? {
    guard let entries = entry.value.entries else {
      findings.add(
        .wrongNodeKind, at: entry.value.placeRange, "a connection is a mapping, and this is \(entry.value.kindPhrase)",
        help: "for example: \(entry.key.text): { postgres: $env.ORDERS_DB }")
      return nil
    }
    let kinds = connectors.map(\.kind)
    let kindEntries = entries.filter { kinds.contains($0.key.text) }
    let kind = kindEntries.first
    let schema = kind.flatMap { kind in connectors.first { $0.kind == kind.key.text } }
    if let second = kindEntries.dropFirst().first {
      findings.add(.twoVerbs, at: second.key.range, "a connection leads to one system, and this one has two", help: "make two connections")
    }
    guard let schema else {
      let known = LanguageShapes.connection.keys.map(\.name)
      let stranger = entries.first { !known.contains($0.key.text) && !$0.key.text.hasPrefix("x-") }
      if let stranger {
        let near = nearestName(to: stranger.key.text, among: kinds)
        findings.add(
          .unknownKey, at: stranger.key.range, "'\(shown(stranger.key.text))' is no kind of connection",
          help: near.map { "did you mean '\($0)'?" } ?? "the kinds: \(listPhrase(kinds))",
          fix: near.map { renameKey(stranger.key, to: $0) })
      } else {
        findings.add(
          .missingKey, at: entry.key.range, "connection '\(entry.key.text)' does not say what it leads to",
          help: "one of \(listPhrase(kinds)), with the address")
      }
      return ConnectionNode(
        name: entry.key, schema: nil, address: nil, access: nil, pool: nil, acquireTimeout: nil, connectTimeout: nil, options: [])
    }
    let shape = LanguageShapes.connection.adding(
      [KeyShape(schema.kind, isRequired: true, "The address.")]
        + kinds.filter { $0 != schema.kind && kindEntries.count > 1 }.map { KeyShape($0, "") }
        + schema.connectionKeys.map { KeyShape($0.name, isRequired: $0.isRequired, $0.summary) })
    guard let reader = MappingReader(entry.value, shape, owner: entry.key.range, into: &findings) else { return nil }
    return ConnectionNode(
      name: entry.key, schema: schema, address: reader[schema.kind]?.value, access: reader["access"], pool: reader["pool"],
      acquireTimeout: reader["acquire_timeout"], connectTimeout: reader["connect_timeout"],
      options: schema.connectionKeys.compactMap { key in reader[key.name].map { (key, $0) } })
  }

  private mutating func variable(_ entry: YAMLEntry) -> VariableNode {
    guard entry.value.entries != nil else { return VariableNode(name: entry.key, type: nil, value: entry.value) }
    let reader = MappingReader(entry.value, LanguageShapes.variable, owner: entry.key.range, into: &findings)
    return VariableNode(name: entry.key, type: reader?["type"], value: reader?["default"]?.value)
  }

  private mutating func feed(_ entry: YAMLEntry) -> FeedNode? {
    guard let reader = MappingReader(entry.value, LanguageShapes.feed, owner: entry.key.range, into: &findings) else { return nil }
    let sources = [("csv", FeedNode.Format.csv), ("json", .json), ("ndjson", .ndjson)].compactMap { name, format in
      reader[name].map { (entry: $0, format: format) }
    }
    guard let source = sources.first else {
      findings.add(
        .missingKey, at: entry.key.range, "a feed needs 'csv', 'json' or 'ndjson'", help: "its file, relative to the chain's folder")
      return FeedNode(
        name: entry.key, format: .csv, path: nil, columns: [], columnsRange: entry.key.range, pick: reader["pick"],
        exhausted: reader["exhausted"])
    }
    if let second = sources.dropFirst().first {
      findings.add(.twoVerbs, at: second.entry.key.range, "a feed has one file", help: "make two feeds")
    }
    let key = source.format == .csv ? "columns" : "rows"
    let columns = reader[key]
    if columns == nil {
      findings.add(
        .missingKey, at: entry.key.range, "a feed needs '\(key)'",
        help: source.format == .csv
          ? "the columns that are read, with their types: { id: int }" : "the members that are read, with their types: { id: int }")
    }
    if let other = reader[source.format == .csv ? "rows" : "columns"] {
      findings.add(
        .unknownKey, at: other.key.range, "a '\(source.entry.key.text)' feed has no '\(other.key.text)'", help: "write '\(key)'")
    }
    return FeedNode(
      name: entry.key, format: source.format, path: source.entry.value, columns: named(columns),
      columnsRange: columns?.key.range ?? entry.key.range, pick: reader["pick"], exhausted: reader["exhausted"])
  }

  private mutating func event(_ entry: YAMLEntry) -> EventNode? {
    guard let reader = MappingReader(entry.value, LanguageShapes.event, owner: entry.key.range, into: &findings) else { return nil }
    let hops = named(reader["hops"]).compactMap { hop($0) }
    if let given = reader["hops"], given.value.entries?.isEmpty ?? (given.value.scalar?.isNull == true) {
      findings.add(.missingKey, at: given.key.range, "an event has at least one hop")
    }
    return EventNode(
      name: entry.key, origin: reader["origin"].flatMap { text($0) }, id: reader["id"]?.value, key: reader["key"]?.value,
      version: reader["version"]?.value, body: named(reader["body"]), deadline: reader["deadline"], settle: reader["settle"], hops: hops)
  }

  private mutating func hop(_ entry: YAMLEntry) -> HopNode? {
    guard let entries = entry.value.entries else {
      findings.add(.wrongNodeKind, at: entry.value.placeRange, "a hop is a mapping, and this is \(entry.value.kindPhrase)")
      return nil
    }
    let observers = connectors.flatMap { connector in connector.observers.map { (schema: $0, kind: connector.kind) } }
    var chosen: (schema: ObserverSchema, kind: String, entry: YAMLEntry)?
    for candidate in entries {
      guard let observer = observers.first(where: { $0.schema.name == candidate.key.text }) else { continue }
      if chosen == nil { chosen = (observer.schema, observer.kind, candidate) }
    }
    let observerKeys: [KeySchema] = chosen?.schema.keys ?? []
    var shape = LanguageShapes.hop
    if let chosen {
      shape = shape.adding(
        [KeyShape(chosen.schema.name, chosen.schema.summary)]
          + observerKeys.map { KeyShape($0.name, isRequired: $0.isRequired, $0.summary) })
    } else {
      findings.add(
        .missingKey, at: entry.key.range, "hop '\(shown(entry.key.text))' does not say how it is observed",
        help: "one of \(listPhrase(observers.map(\.schema.name)))")
      shape = shape.adding(observers.flatMap { $0.schema.keys.map { KeyShape($0.name, $0.summary) } })
    }
    guard let reader = MappingReader(entry.value, shape, owner: entry.key.range, into: &findings) else { return nil }
    return HopNode(
      name: entry.key, observer: chosen, conn: reader["conn"],
      options: observerKeys.compactMap { key in reader[key.name].map { (key, $0) } }, id: reader["id"].flatMap { text($0) },
      key: reader["key"].flatMap { text($0) }, version: reader["version"].flatMap { text($0) }, run: reader["run"].flatMap { text($0) },
      expires: reader["expires"], guarantees: reader["guarantees"], body: named(reader["body"]))
  }

  private mutating func profile(_ entry: YAMLEntry) -> ProfileNode? {
    guard let reader = MappingReader(entry.value, LanguageShapes.profile, owner: entry.key.range, into: &findings) else { return nil }
    let closed = reader["closed"]
    let open = reader["open"]
    if closed == nil, open == nil {
      findings.add(
        .missingKey, at: entry.key.range, "a load profile is 'closed' or 'open'", help: "for example: { closed: { vus: 1, iterations: 5 } }"
      )
    }
    if closed != nil, let open {
      findings.add(.twoVerbs, at: open.key.range, "a load profile is either 'closed' or 'open'", help: "make two profiles")
    }
    return ProfileNode(
      name: entry.key,
      closed: closed.flatMap { MappingReader($0.value, LanguageShapes.closed, owner: $0.key.range, into: &findings) },
      open: open.flatMap { MappingReader($0.value, LanguageShapes.open, owner: $0.key.range, into: &findings) },
      warmUp: reader["warmup"], gracefulStop: reader["graceful_stop"], backoff: reader["backoff"], mix: named(reader["mix"]), mixRange: reader["mix"]?.key.range,
      range: entry.key.range)
  }

  private mutating func thresholds(_ node: YAMLNode) -> [ThresholdNode] {
    guard let items = node.items else {
      if node.scalar?.isNull == true { return [] }
      findings.add(.wrongNodeKind, at: node.placeRange, "'thresholds' is a list, and this is \(node.kindPhrase)")
      return []
    }
    var claims: [ThresholdNode] = []
    for item in items {
      if let scalar = item.scalar {
        claims.append(ThresholdNode(claim: scalar))
      } else if let reader = MappingReader(item, LanguageShapes.threshold, owner: item.range.startPoint, into: &findings),
        let check = reader["check"], let scalar = text(check)
      {
        claims.append(ThresholdNode(claim: scalar, over: reader["over"], failures: reader["for"], abort: reader["abort"]))
      }
    }
    return claims
  }

  private mutating func alerts(_ node: YAMLNode) -> [AlertNode] {
    guard let items = node.items else {
      if node.scalar?.isNull == true { return [] }
      findings.add(.wrongNodeKind, at: node.placeRange, "'alerts' is a list, and this is \(node.kindPhrase)")
      return []
    }
    return items.compactMap { item in
      guard let reader = MappingReader(item, LanguageShapes.alert, owner: item.range.startPoint, into: &findings) else { return nil }
      return AlertNode(
        name: reader["name"], when: reader["when"], over: reader["over"], failures: reader["for"], resolveAfter: reader["resolve_after"],
        every: reader["every"], timeout: reader["timeout"], command: reader["run"], webhook: reader["webhook"], range: item.range.startPoint)
    }
  }
}

/// The scalar of an entry; a finding if it is a list or a mapping.
func scalar(_ entry: YAMLEntry, into findings: inout Findings) -> YAMLScalar? {
  guard let scalar = entry.value.scalar else {
    findings.add(
      .wrongNodeKind, at: entry.value.placeRange, "'\(shown(entry.key.text))' is a text, and this is \(entry.value.kindPhrase)")
    return nil
  }
  return scalar
}

/// Letters, digits and `_`, starting with a letter or `_`.
func isName(_ text: String) -> Bool {
  guard let first = text.utf8.first, isNameByte(first), !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
  return text.utf8.allSatisfy(isNameByte)
}

private func isNameByte(_ byte: UInt8) -> Bool {
  byte == UInt8(ascii: "_") || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
    || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"))
}
