package import ChainProgram
internal import Diagnostics

/// The keys of chain files as a page, from the same tables that the checker reads. `grammar/keys.md` is this text; a test compares.
package enum LanguageReference {
  package static func keysPage(connectors: [ConnectorSchema]) -> String {
    var page = """
      # The keys of a chain file

      Made from the tables that `chainrun lint` checks with (`LanguageShapes` and the connectors' schemas); do not edit. Each mapping has
      a closed set of keys; keys that start with `x-` are free everywhere. *Later* means: part of the language, `not-supported-yet` in
      this version.


      """
    let mappings: [(title: String, shape: MappingShape)] = [
      ("The file", LanguageShapes.chain), ("`guard:`", LanguageShapes.guarded), ("`connections:` NAME", LanguageShapes.connection),
      ("`vars:` NAME, the long form", LanguageShapes.variable), ("`feeds:` NAME", LanguageShapes.feed),
      ("`events:` NAME", LanguageShapes.event), ("`hops:` NAME", LanguageShapes.hop), ("`secrets:` NAME", LanguageShapes.secret),
      ("`flows:` NAME", LanguageShapes.flow),
      ("`scenarios:` NAME", LanguageShapes.scenario), ("`load:` NAME", LanguageShapes.profile),
      ("`closed:`", LanguageShapes.closed), ("`stages:` entry of `closed:`", LanguageShapes.userStage),
      ("`start_offset:`, the long form", LanguageShapes.startOffset), ("`pacing:`, the long form", LanguageShapes.pacing),
      ("`open:`", LanguageShapes.open), ("`stages:` entry of `open:`", LanguageShapes.rateStage), ("`spike:`", LanguageShapes.spike),
      ("`step:`", LanguageShapes.steps), ("`curve:`, the long form", LanguageShapes.curve),
      ("`backoff:` of a profile, the long form", LanguageShapes.errorBackoff),
      ("`thresholds:` entry, the long form", LanguageShapes.threshold), ("`alerts:` entry", LanguageShapes.alert),
    ]
    for mapping in mappings { table(mapping.title, mapping.shape.keys, into: &page) }
    table("Every step", LanguageShapes.stepCommon, into: &page)
    table("Steps of a connection", LanguageShapes.operationCommon, into: &page)
    for verb in LanguageShapes.controlVerbs { table("`\(verb.verb.name)`", [verb.verb] + verb.keys, into: &page) }
    table("`think:`, the long form", LanguageShapes.think.keys, into: &page)
    table("`every:`, the long form", LanguageShapes.every.keys, into: &page)
    table("`retry:`", LanguageShapes.retry.keys, into: &page)
    table("`backoff:`, the long form", LanguageShapes.backoff.keys, into: &page)
    table("`branch:` entry", LanguageShapes.branch.keys, into: &page)
    table("`measure:` NAME", LanguageShapes.measure.keys, into: &page)
    for connector in connectors { section(connector, into: &page) }
    while page.hasSuffix("\n\n") { page.removeLast() }
    return page
  }

  /// The tables of `grammar/reference/*.md` by the id that stands in the page's marker: `<!-- keys: guard -->`.
  package static func tables(connectors: [ConnectorSchema]) -> [(id: String, text: String)] {
    var tables: [(id: String, text: String)] = []
    func add(_ id: String, _ write: (inout String) -> Void) {
      var text = ""
      write(&text)
      while text.hasSuffix("\n\n") { text.removeLast() }
      tables.append((id, text))
    }
    for mapping in LanguageMappings.all { add(mapping.id) { rows(mapping.keys, into: &$0) } }
    for connector in connectors {
      add("connection \(connector.kind)") { connection(connector, into: &$0) }
      for verb in connector.verbs { add("verb \(verb.name)") { members(verb.operand, verb.summary, verb.keys, verb.result, into: &$0) } }
      for observer in connector.observers {
        add("observer \(observer.name)") { members(observer.operand, observer.summary, observer.keys, observer.result, into: &$0) }
      }
    }
    add("findings") { text in
      text += "| name | | the rule |\n|---|---|---|\n"
      for name in FindingName.allCases {
        row("`\(name.rawValue)`", name.severity == .error ? "error" : "warning", name.rule, into: &text)
      }
    }
    return tables
  }

  private static func table(_ title: String, _ keys: [KeyShape], into page: inout String) {
    page += "## \(title)\n\n"
    rows(keys, into: &page)
  }

  private static func rows(_ keys: [KeyShape], into page: inout String) {
    page += "| key | | |\n|---|---|---|\n"
    for key in keys {
      let status = key.status == .later ? "later" : key.isRequired ? "required" : ""
      row("`\(key.name)`", status, key.summary, into: &page)
    }
    page += "\n"
  }

  private static func section(_ connector: ConnectorSchema, into page: inout String) {
    page += "## \(connector.title)\n\n"
    connection(connector, into: &page)
    for verb in connector.verbs {
      page += "### Verb `\(verb.name)`\n\n"
      members(verb.operand, verb.summary, verb.keys, verb.result, into: &page)
    }
    for observer in connector.observers {
      page += "### Observer `\(observer.name)`\n\n"
      members(observer.operand, observer.summary, observer.keys, observer.result, into: &page)
    }
  }

  private static func connection(_ connector: ConnectorSchema, into page: inout String) {
    page += "Connection: `\(connector.kind):` with an address that starts with "
    page += connector.addressSchemes.map { "`\($0)://`" }.joined(separator: " or ")
    page += "; `access` is " + connector.accessLevels.map { "`\($0)`" }.joined(separator: ", ")
    page += " (the first is the default); `pool` is \(connector.defaultPool) if not given.\n\n"
    if !connector.connectionKeys.isEmpty {
      page += "| key of the connection | | |\n|---|---|---|\n"
      for key in connector.connectionKeys { row(key, into: &page) }
      page += "\n"
    }
  }

  private static func members(
    _ operand: OperandForm, _ summary: String, _ keys: [KeySchema], _ result: [ResultMember], into page: inout String
  ) {
    page += "\(summary) Its operand is \(phrase(operand)).\n\n"
    if !keys.isEmpty {
      page += "| key | | |\n|---|---|---|\n"
      for key in keys { row(key, into: &page) }
      page += "\n"
    }
    if !result.isEmpty {
      page += "| result | type | |\n|---|---|---|\n"
      for member in result { row("`\(member.name)`", "\(member.type)", member.summary, into: &page) }
      page += "\n"
    }
  }

  private static func row(_ key: KeySchema, into page: inout String) {
    row("`\(key.name)`", (key.isRequired ? "required; " : "") + phrase(key.form), key.summary, into: &page)
  }

  private static func row(_ name: String, _ middle: String, _ summary: String, into page: inout String) {
    page += "| \(name) | \(middle) | \(summary.replacingBars) |\n"
  }

  private static func phrase(_ form: OperandForm) -> String {
    switch form {
    case .sql: "SQL; `${…}` is a bound parameter"
    case .words: "a command; `${…}` is one word or a part of one"
    case .request: "`METHOD /path`; `${…}` is percent-encoded"
    case .text: "text"
    case .place: "text; `${…}` is `id`, `key`, `version` or a field of the event's body"
    case .sqlOfIDs: "SQL; `${ids}` is a bound parameter"
    case .json: "a value that becomes JSON"
    case .fileOrText: "the path of a file beside the chain, or with a `{` in it the text itself"
    case .textMap: "names with texts"
    case .flag: "true or false"
    case .integer: "a whole number"
    case .duration: "a duration"
    case .choice(let words): "one of " + words.map { "`\($0)`" }.joined(separator: ", ")
    case .wordList(let words): words.isEmpty ? "a list of words" : "a list of " + words.map { "`\($0)`" }.joined(separator: ", ")
    case .block: "a list of steps"
    }
  }
}

extension String {
  /// `|` would end a table's cell.
  fileprivate var replacingBars: String { String(map { $0 == "|" ? "/" : $0 }) }
}
