internal import ChainProgram
internal import Diagnostics

/// A guarantee as its hop's `guarantees` names it.
struct PromiseNode {
  let kind: HopGuarantees.Kind
  let demand: HopGuarantees.Demand
  let range: SourceRange
}

/// `guarantees`: what a hop promises to a session that reads there, and whether what is mapped can tell.
extension ChainResolver {
  /// `[read_your_writes]` requires it, `{ read_your_writes: measured }` only measures it.
  static func promises(of node: HopNode, into findings: inout Findings) -> [PromiseNode] {
    guard let entry = node.guarantees else { return [] }
    let kinds = HopGuarantees.Kind.allCases.map(\.rawValue)
    var promises: [PromiseNode] = []
    func add(_ name: YAMLScalar, _ demand: HopGuarantees.Demand) {
      guard let kind = HopGuarantees.Kind(rawValue: name.text) else {
        findings.add(
          .badValue, at: name.range, "'\(shown(name.text))' is no guarantee",
          help: nearestName(to: name.text, among: kinds).map { "did you mean '\($0)'?" } ?? "there is \(listPhrase(kinds))")
        return
      }
      if let first = promises.first(where: { $0.kind == kind }) {
        findings.add(.duplicateName, at: name.range, "'\(kind.rawValue)' is asked for twice", related: [Related(first.range, "here first")])
        return
      }
      promises.append(PromiseNode(kind: kind, demand: demand, range: name.range))
    }
    if let items = entry.value.items {
      for item in items {
        guard let name = item.scalar else {
          findings.add(.wrongNodeKind, at: item.placeRange, "a guarantee is a word, and this is \(item.kindPhrase)")
          continue
        }
        add(name, .required)
      }
    } else if let entries = entry.value.entries {
      let words = HopGuarantees.Demand.allCases.map(\.rawValue)
      for given in entries {
        guard let word = scalar(given, into: &findings) else { continue }
        guard let demand = HopGuarantees.Demand(rawValue: word.text) else {
          findings.add(.badValue, at: word.range, "a guarantee is \(words.map { "'\($0)'" }.joined(separator: " or ")), not '\(shown(word.text))'")
          continue
        }
        add(given.key, demand)
      }
    } else {
      findings.add(
        .wrongNodeKind, at: entry.value.placeRange, "'guarantees' is a list or a mapping, and this is \(entry.value.kindPhrase)",
        help: "for example: [read_your_writes]")
    }
    return promises
  }

  func guarantees(of node: HopNode, at event: EventNode, _ operands: [(name: String, value: OperandTemplate)]) -> HopGuarantees {
    var guarantees = HopGuarantees()
    guard let schema = node.observer?.schema else { return guarantees }
    for promise in Self.promises(of: node, into: &findings) {
      guarantees[promise.kind] = promise.demand
      guard let reason = whyUncheckable(promise.kind, node, event, schema, operands) else { continue }
      findings.add(.guaranteeNotCheckable, at: promise.range, "'\(promise.kind.rawValue)' cannot be checked here: \(reason.message)", help: reason.help)
    }
    return guarantees
  }

  private func whyUncheckable(
    _ kind: HopGuarantees.Kind, _ node: HopNode, _ event: EventNode, _ schema: ObserverSchema, _ operands: [(name: String, value: OperandTemplate)]
  ) -> (message: String, help: String?)? {
    if schema.showsMessages {
      return ("'\(schema.name)' sees messages, each once, and nobody reads their state", "ask for it at a hop that holds what was written")
    }
    switch kind {
    case .readYourWrites: return nil
    case .monotonicReads:
      if let blindness = schema.blindness(operands) {
        return ("'\(schema.name)' \(blindness)", "only what is told of every change sees one that goes back")
      }
      switch (event.key == nil, event.version == nil && node.version == nil) {
      case (true, true): return ("nothing says which version of what is read", "give the event a 'key' and a 'version'")
      case (true, false): return ("each event would be a key of its own", "give the event a 'key'")
      case (false, true): return ("nothing says which version is read", "give the event a 'version'")
      case (false, false): return nil
      }
    }
  }
}
