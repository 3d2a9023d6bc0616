internal import ChainProgram
internal import Diagnostics

/// Control steps with parts of their own: choices by value and by weight, loops, lanes, calls, measures; and `retry`.
extension StepReader {
  mutating func furtherKind(_ verb: YAMLEntry, _ reader: MappingReader) -> StepKind? {
    let nested = reader["steps"].map { read($0) } ?? []
    switch verb.key.text {
    case "switch":
      let cases = reader["cases"].map { namedLists($0, "a case") } ?? []
      let otherwise = reader["default"].map { read($0) } ?? []
      return scalar(verb, into: &findings).map { .switchOn(subject: $0, cases: cases, otherwise: otherwise) }
    case "branch": return branches(verb)
    case "for_each":
      let item = reader["as"].flatMap { variableName($0) }
      if verb.value.scalar == nil {
        findings.add(
          .wrongNodeKind, at: verb.value.placeRange, "'for_each' is an expression that gives a list, and this is \(verb.value.kindPhrase) of YAML",
          help: "write the list as an expression, in quotes: for_each: '[\"a\", \"b\"]'")
        return nil
      }
      return scalar(verb, into: &findings).map { .forEach(list: $0, item: item, steps: nested) }
    case "while":
      if reader["max"] == nil {
        findings.add(
          .whileWithoutMax, at: verb.key.range, "a 'while' loop has an upper bound", help: "say how many rounds at most with 'max: 100'")
      }
      return scalar(verb, into: &findings).map { .whileLoop(condition: $0, max: reader["max"], steps: nested) }
    case "group":
      return scalar(verb, into: &findings).map { .group($0, steps: nested) }
    case "parallel":
      let lanes = reader["lanes"].map { namedLists($0, "a lane") } ?? []
      for lane in lanes where !isName(lane.value.text) { reportBadName(lane.value) }
      guard let join = scalar(verb, into: &findings) else { return nil }
      guard join.text == "all" || join.text == "any" else {
        findings.add(.badValue, at: join.range, "'parallel' is 'all' or 'any', and not '\(shown(join.text))'")
        return nil
      }
      if let entry = reader["lanes"], lanes.isEmpty, entry.value.entries != nil {
        findings.add(.missingKey, at: entry.key.range, "'parallel' has at least one lane")
      }
      return .parallel(waitsForAll: join.text == "all", lanes: lanes.map { ($0.value, $0.steps) })
    case "call":
      let given = reader["with"].map { inputs($0) } ?? []
      return scalar(verb, into: &findings).map { .call(flow: $0, inputs: given) }
    case "measure": return measures(verb)
    case "stop":
      guard let what = scalar(verb, into: &findings) else { return nil }
      guard what.text == "iteration" || what.text == "run" else {
        findings.add(.badValue, at: what.range, "'stop' is 'iteration' or 'run', and not '\(shown(what.text))'")
        return nil
      }
      return .stop(endsRun: what.text == "run")
    default: preconditionFailure("a control verb without a reader: '\(verb.key.text)'")
    }
  }

  private mutating func variableName(_ entry: YAMLEntry) -> YAMLScalar? {
    guard let name = scalar(entry, into: &findings) else { return nil }
    guard isName(name.text) else {
      reportBadName(name)
      return nil
    }
    return name
  }

  /// A mapping of names or values to lists of steps.
  private mutating func namedLists(_ entry: YAMLEntry, _ what: String) -> [(value: YAMLScalar, steps: [StepNode])] {
    guard let entries = entry.value.entries else {
      findings.add(
        .wrongNodeKind, at: entry.value.placeRange,
        "'\(entry.key.text)' is a mapping, \(what) with its steps each, and this is \(entry.value.kindPhrase)")
      return []
    }
    return entries.filter { !$0.key.text.hasPrefix("x-") }.map { ($0.key, read($0)) }
  }

  private mutating func branches(_ verb: YAMLEntry) -> StepKind? {
    guard let items = verb.value.items, !items.isEmpty else {
      findings.add(
        .wrongNodeKind, at: verb.value.placeRange, "'branch' is a list of branches with their weights, and this is \(verb.value.kindPhrase)",
        help: "write '- { weight: 80, name: browse, steps: [ … ] }'")
      return nil
    }
    return .weighted(
      items.compactMap { item in
        guard let reader = MappingReader(item, LanguageShapes.branch, owner: item.range.startPoint, into: &findings) else { return nil }
        return WeightedNode(
          weight: reader["weight"], name: reader["name"].flatMap { scalar($0, into: &findings) }, range: item.range,
          steps: reader["steps"].map { read($0) } ?? [])
      })
  }

  private mutating func inputs(_ entry: YAMLEntry) -> [YAMLEntry] {
    guard let entries = entry.value.entries else {
      findings.add(
        .wrongNodeKind, at: entry.value.placeRange, "'with' is a mapping of the flow's inputs, and this is \(entry.value.kindPhrase)")
      return []
    }
    return entries.filter { !$0.key.text.hasPrefix("x-") }
  }

  private mutating func measures(_ verb: YAMLEntry) -> StepKind? {
    guard let entries = verb.value.entries, !entries.isEmpty else {
      findings.add(
        .wrongNodeKind, at: verb.value.placeRange, "'measure' is a mapping of names, and this is \(verb.value.kindPhrase)",
        help: "write 'name: { from: step.end, to: step.end }'")
      return nil
    }
    return .measure(
      entries.filter { !$0.key.text.hasPrefix("x-") }.compactMap { entry in
        if !isName(entry.key.text) { reportBadName(entry.key) }
        guard let reader = MappingReader(entry.value, LanguageShapes.measure, owner: entry.key.range, into: &findings),
          let from = reader["from"].flatMap({ scalar($0, into: &findings) }), let to = reader["to"].flatMap({ scalar($0, into: &findings) })
        else { return nil }
        return MeasureNode(name: entry.key, from: from, to: to)
      })
  }

  mutating func retry(_ entry: YAMLEntry) -> RetryNode? {
    guard let reader = MappingReader(entry.value, LanguageShapes.retry, owner: entry.key.range, into: &findings) else { return nil }
    var errors: [YAMLScalar] = []
    if let list = reader["errors"] {
      for item in list.value.items ?? [list.value] {
        if let scalar = item.scalar, !scalar.isNull {
          errors.append(scalar)
        } else {
          findings.add(.wrongNodeKind, at: item.placeRange, "an error is named by its class or code, and this is \(item.kindPhrase)")
        }
      }
    }
    var shape: MappingReader?
    let backoff = reader["backoff"]
    if let backoff, backoff.value.entries != nil {
      shape = MappingReader(backoff.value, LanguageShapes.backoff, owner: backoff.key.range, into: &findings)
    }
    return RetryNode(
      range: entry.key.range, errors: errors, max: reader["max"], pause: backoff.flatMap { $0.value.entries == nil ? $0 : nil },
      start: shape?["start"], factor: shape?["factor"], pauseMax: shape?["max"])
  }
}
