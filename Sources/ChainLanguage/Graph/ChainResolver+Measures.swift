internal import ChainProgram
internal import Diagnostics

/// Moments of steps, the names by which steps are meant, and measures.
extension ChainResolver {
  /// Enters a step under its id and, inside calls, under what users call it.
  func register(_ index: StepIndex, id: String, ownId: String?) {
    if stepsById[id] == nil { stepsById[id] = index }
    guard let frame = frames.last, let ownId else { return }
    stepsByAlias[frame.aliasPrefix + ownId, default: []].append(index)
    stepsByAlias[ownId, default: []].append(index)
  }

  /// The steps that a name can mean: its own id; else, inside flows, an id without the calls around it.
  func steps(named name: String) -> [StepIndex] {
    if let frame = frames.last, let own = stepsById[frame.prefix + name] { return [own] }
    let aliases = stepsByAlias[name] ?? []
    guard let exact = stepsById[name] else { return aliases }
    // A flow's name means each call of it, also the first, whose ids it gave.
    return aliases.contains(exact) ? aliases : [exact]
  }

  /// The one step that a name means; nil with a finding.
  func step(named name: String, at range: SourceRange, finding: FindingName) -> StepIndex? {
    let found = steps(named: name)
    if found.count == 1 { return found[0] }
    if found.isEmpty {
      let names = stepsById.keys.sorted()
      findings.add(
        finding, at: range, "there is no step '\(shown(name))'",
        help: nearestName(to: name, among: names).map { "did you mean '\($0)'?" } ?? (names.isEmpty ? nil : "there is \(listPhrase(names))"))
    } else {
      findings.add(
        finding, at: range, "'\(shown(name))' means \(found.count) steps, for its flow is called several times",
        help: "give the calls ids, or write one of \(listPhrase(found.map { builder.program.steps[$0.index].id }))")
    }
    return nil
  }

  func resolveMeasures(_ nodes: [MeasureNode]) -> TypedStepKind {
    var measures: [(name: YAMLScalar, from: SlotIndex, to: SlotIndex)] = []
    for node in nodes {
      let moments = (from: moment(node.from), to: moment(node.to))
      guard let from = moments.from, let to = moments.to else { continue }
      measures.append((node.name, from, to))
      guard let other = builder.program.measures.first(where: { $0.name == node.name.text }) else {
        builder.program.measures.append(MeasureDescription(name: node.name.text, range: node.name.range))
        continue
      }
      // A flow's measure is one, wherever the flow is called.
      if other.range != node.name.range {
        findings.add(
          .duplicateName, at: node.name.range, "there is a measure '\(shown(node.name.text))' already",
          help: "a measure is a metric of its own", related: [Related(other.range, "first given here")])
      }
    }
    return measures.count == nodes.count ? .measure(measures) : .invalid
  }

  /// The slot that keeps a moment: `step.start`, `step.end` or, of a wait, `step.seen`.
  private func moment(_ scalar: YAMLScalar) -> SlotIndex? {
    guard let dot = scalar.text.utf8.lastIndex(of: UInt8(ascii: ".")) else {
      findings.add(.badValue, at: scalar.range, "a moment is a step and 'start', 'end' or 'seen'", help: "for example: insert_order.end")
      return nil
    }
    let name = String(scalar.text[..<dot])
    let word = String(scalar.text[scalar.text.utf8.index(after: dot)...])
    let nameRange = scalar.rawRange(ofCookedUTF8: 0..<name.utf8.count)
    let wordRange = scalar.rawRange(ofCookedUTF8: name.utf8.count + 1..<scalar.text.utf8.count)
    guard word == "start" || word == "end" || word == "seen" else {
      findings.add(
        .badValue, at: wordRange, "a step has the moments 'start', 'end' and 'seen', and no '\(shown(word))'",
        help: nearestName(to: word, among: ["start", "end", "seen"]).map { "did you mean '\($0)'?" })
      return nil
    }
    if steps(named: name).isEmpty, let later = idRanges[name] {
      findings.add(
        .useBeforeCapture, at: nameRange, "'\(shown(name))' comes later, and a measure reads moments that have been",
        help: "move the measure after the step", related: [Related(later, "the step")])
      return nil
    }
    guard let step = step(named: name, at: nameRange, finding: .unknownName) else { return nil }
    guard block.steps.contains(step) else {
      findings.add(
        .useBeforeCapture, at: nameRange, "'\(shown(name))' does not run before this measure in the same iteration",
        related: [Related(builder.program.steps[step.index].range, "the step")])
      return nil
    }
    if word == "seen", builder.program.steps[step.index].verb != "await" {
      findings.add(
        .badValue, at: wordRange, "only a wait has the moment 'seen', and '\(shown(name))' is '\(builder.program.steps[step.index].verb)'",
        help: "write 'end'")
      return nil
    }
    let moment: StepMoment = word == "start" ? .start : .end
    if let known = typed.moments.first(where: { $0.step == step && $0.moment == moment }) { return known.slot }
    let slot = builder.declare(".\(builder.program.steps[step.index].id).\(word == "start" ? "start" : "end")", .int)
    typed.moments.append((step, moment, slot))
    return slot
  }
}
