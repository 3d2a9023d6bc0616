internal import ChainProgram
internal import Diagnostics

/// Calls: a flow's steps are put in where it is called, with variables and step ids of their own.
extension ChainResolver {
  static let callsDepthMax = 16
  /// Steps after all calls were put in, far below the index of a step.
  static let stepsMax = 20_000
  static let slotsMax = 20_000

  func resolveCall(
    _ node: StepNode, _ name: YAMLScalar, _ inputs: [YAMLEntry], _ index: StepIndex, _ flow: inout FlowState, _ context: StepContext
  ) -> (kind: TypedStepKind, ends: Bool, outputs: NameBinding?) {
    guard let (callee, file) = flowNode(name) else {
      for input in inputs { if let scalar = input.value.scalar { excuse(scalar) } }
      return (.invalid, false, .invalid)
    }
    if frames.contains(where: { $0.flowRange == callee.name.range }) {
      let circle = (frames.map(\.flowName).drop { $0 != name.text } + [name.text]).map(shown).joined(separator: " → ")
      findings.add(.importCycle, at: name.range, "a flow does not call itself: \(circle)", help: "use 'repeat' or 'while'")
      return (.invalid, false, .invalid)
    }
    guard frames.count < Self.callsDepthMax, builder.program.steps.count < Self.stepsMax, builder.program.slots.count < Self.slotsMax else {
      if !hasReportedSize {
        findings.add(
          .limitExceeded, at: name.range,
          frames.count >= Self.callsDepthMax
            ? "calls go at most \(Self.callsDepthMax) flows deep" : "the flows that are called have more than \(Self.stepsMax) steps in all")
      }
      hasReportedSize = true
      return (.invalid, false, .invalid)
    }
    calledFlows.insert(callee.name.range)
    let given = self.inputs(of: callee, inputs, at: node, flow)
    let prefix = uniquePrefix(node.id?.text, name.text)
    let caller = (block: block, file: current)
    frames.append(
      CallFrame(
        flow: flow, block: block, file: current, prefix: prefix + ".", aliasPrefix: aliasPrefix + name.text + ".",
        flowRange: callee.name.range, flowName: name.text))
    current = file
    defer {
      current = caller.file
      frames.removeLast()
    }
    block = BlockState()
    block.readsFeeds = caller.block.readsFeeds && file === main
    block.fixed = block.readsFeeds ? constants.merging(feedBindings) { first, _ in first } : constants
    var own: FlowState = [:]
    var bound: [(slot: SlotIndex, value: TypedValue)] = []
    var isWhole = given.isWhole
    for input in given.values {
      guard let slot = bind(input.name.text, input.type, at: input.name.range, &own, isCapture: true) else {
        isWhole = false
        continue
      }
      if let value = input.value { bound.append((slot, value)) } else { own[input.name.text] = Bound(slot: slot, type: .invalid, captured: input.name.range) }
    }
    collectNames(callee.steps)
    var inner = context
    if inner.transaction != nil { inner.isTransactionOutside = true }
    let (steps, goesOn) = resolveList(callee.steps, &own, inner)
    let outputs = goesOn ? self.outputs(of: callee, own) : NameBinding.invalid
    lintUnusedCaptures()
    let inside = block
    block = caller.block
    block.steps.formUnion(inside.steps)
    guard isWhole else { return (.invalid, !goesOn, outputs) }
    return (.call(inputs: bound, steps: steps), !goesOn, outputs)
  }

  private var aliasPrefix: String { frames.last?.aliasPrefix ?? "" }

  /// What stands before the ids inside: the call's id, or the flow's name and, from the second call on, a number.
  private func uniquePrefix(_ id: String?, _ flow: String) -> String {
    let base = (frames.last?.prefix ?? "") + (id ?? flow)
    let number = (usedPrefixes[base] ?? 0) + 1
    usedPrefixes[base] = number
    return number == 1 ? base : "\(base)_\(number)"
  }

  private func excuse(_ scalar: YAMLScalar) {
    var silent = Findings()
    for expression in ScalarTemplate.parse(expressionText(scalar), into: &silent).expressions {
      expression.forEachRootName { name, _ in block.excused.insert(name) }
    }
  }

  /// `flow`, or `import.flow`.
  private func flowNode(_ name: YAMLScalar) -> (FlowNode, ChainFile)? {
    let parts = name.text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map { String($0) ?? "" }
    var file = current
    if parts.count == 2 {
      guard let imported = current.imports[parts[0]] else {
        findings.add(
          .unknownName, at: name.rawRange(ofCookedUTF8: 0..<parts[0].utf8.count), "there is no import '\(shown(parts[0]))'",
          help: nearestName(to: parts[0], among: current.imports.keys.sorted()).map { "did you mean '\($0)'?" }
            ?? "imports stand under 'use': { \(shown(parts[0])): ./lib/\(shown(parts[0])).chain.yaml }")
        return nil
      }
      guard let imported else { return nil }
      file = imported
    }
    let names = file.graph.flows.map(\.name.text)
    guard parts.count <= 2, let last = parts.last, let found = file.graph.flows.first(where: { $0.name.text == last }) else {
      let last = parts.last ?? ""
      let start = name.text.utf8.count - last.utf8.count
      findings.add(
        .unknownName, at: name.rawRange(ofCookedUTF8: start..<name.text.utf8.count), "there is no flow '\(shown(name.text))'",
        help: nearestName(to: last, among: names).map { "did you mean '\($0)'?" }
          ?? (names.isEmpty ? "flows stand under 'flows'" : "the flows: \(listPhrase(names))"))
      return nil
    }
    return (found, file)
  }

  private typealias Input = (name: YAMLScalar, type: ValueType, value: TypedValue?)

  /// The values of a call, in the order of the flow's inputs.
  private func inputs(
    of callee: FlowNode, _ given: [YAMLEntry], at node: StepNode, _ flow: FlowState
  ) -> (values: [Input], isWhole: Bool) {
    var values: [Input] = []
    var isWhole = true
    let names = callee.inputs.map(\.key.text)
    for entry in given where !names.contains(entry.key.text) {
      isWhole = false
      findings.add(
        .unknownKey, at: entry.key.range, "flow '\(callee.name.text)' has no input '\(shown(entry.key.text))'",
        help: nearestName(to: entry.key.text, among: names).map { "did you mean '\($0)'?" }
          ?? (names.isEmpty ? "it has none" : "its inputs: \(listPhrase(names))"), related: [Related(callee.name.range, "the flow")])
      if let scalar = entry.value.scalar { excuse(scalar) }
    }
    for input in callee.inputs {
      guard let type = declaredType(input) else {
        isWhole = false
        values.append((input.key, .invalid, nil))
        continue
      }
      if let entry = given.first(where: { $0.key.text == input.key.text }) {
        let wanted = Expectation(
          .type(type.plain), "'\(input.key.text)' of flow '\(callee.name.text)' takes \(type)", allowsNull: type.isOptional,
          allowsSecret: type.isSecret)
        let value = inputValue(entry, type, wanted, flow)
        if value == nil { isWhole = false }
        values.append((input.key, type, value))
      } else if type.isOptional {
        values.append((input.key, type, .expression(TypedExpression(.constant(.null), type, range: node.verb.range))))
      } else {
        isWhole = false
        values.append((input.key, type, nil))
        findings.add(
          .missingKey, at: node.verb.range, "flow '\(callee.name.text)' needs the input '\(input.key.text)'",
          help: "give it under 'with'", related: [Related(input.key.range, "declared here")])
      }
    }
    return (values, isWhole)
  }

  private func inputValue(_ entry: YAMLEntry, _ type: ValueType, _ wanted: Expectation, _ flow: FlowState) -> TypedValue? {
    if type.isOptional, entry.value.scalar?.isNull == true {
      return .expression(TypedExpression(.constant(.null), type, range: entry.key.range))
    }
    // Lists and maps have no literals here, so only variables of exactly that type fit.
    return value(entry.value, key: entry.key.text, scope(flow), wanted)
  }

  /// The namespace that `capture` and `check` of a call read.
  private func outputs(of callee: FlowNode, _ flow: FlowState) -> NameBinding {
    var members: [(name: String, binding: NameBinding)] = []
    for output in callee.outputs {
      let name = output.key.text
      guard let type = declaredType(output) else {
        block.excused.insert(name)
        members.append((name, .invalid))
        continue
      }
      guard let bound = flow[name] else {
        findings.add(
          .unknownName, at: output.key.range, "flow '\(callee.name.text)' never gives its output '\(name)' a value",
          help: nearestName(to: name, among: flow.keys.sorted()).map { "did you mean '\($0)'?" } ?? "capture or set it in the flow's steps")
        members.append((name, .invalid))
        continue
      }
      slotsRead.insert(bound.slot)
      if bound.type == .invalid {
        members.append((name, .invalid))
        continue
      }
      if bound.type.isSecret, !type.isSecret {
        findings.add(
          .secretLeak, at: output.value.placeRange, "'\(name)' is a secret, and the output is a plain \(type)",
          help: "write 'secret<\(type)>'", related: [Related(bound.captured, "captured here")])
        members.append((name, .invalid))
        continue
      }
      guard bound.type.plain == type.plain else {
        findings.add(
          .typeMismatch, at: output.value.placeRange, "the output '\(name)' is declared as \(type), and it is \(bound.type)",
          related: [Related(bound.captured, "\(bound.type) here")])
        members.append((name, .invalid))
        continue
      }
      if bound.isOptional, !type.isOptional {
        findings.add(
          .nullableUse, at: output.key.range, "the output '\(name)' is declared as \(type), and it may be null",
          help: "capture it on every path, or declare it as '\(type)?'",
          related: [Related(bound.captured, bound.optionalBecause ?? "its value may be null")])
        members.append((name, .invalid))
        continue
      }
      members.append((name, .variable(NameBinding.Variable(slot: bound.slot, type: type, captured: output.key.range))))
    }
    return .namespace(NameBinding.Namespace(title: "flow '\(callee.name.text)'", noun: "output", members: members))
  }

  /// Flows that nothing calls are checked with inputs of their types; nothing of it is kept but the findings.
  func rehearseFlows() {
    let kept = (builder, typed, stepsById, generatedIds, stepsByAlias, usedPrefixes)
    isRehearsal = true
    for file in chainFiles {
      for flow in file.graph.flows where !calledFlows.contains(flow.name.range) {
        guard builder.program.steps.count < Self.stepsMax, builder.program.slots.count < Self.slotsMax else { break }
        rehearse(flow, of: file)
      }
    }
    isRehearsal = false
    current = main
    (builder, typed, stepsById, generatedIds, stepsByAlias, usedPrefixes) = kept
  }

  private func rehearse(_ flow: FlowNode, of file: ChainFile) {
    current = file
    calledFlows.insert(flow.name.range)
    block = BlockState()
    block.readsFeeds = file === main
    block.fixed = block.readsFeeds ? constants.merging(feedBindings) { first, _ in first } : constants
    var own: FlowState = [:]
    for input in flow.inputs {
      let type = declaredType(input) ?? .invalid
      _ = bind(input.key.text, type, at: input.key.range, &own, isCapture: true)
    }
    collectNames(flow.steps)
    frames.append(
      CallFrame(
        flow: [:], block: BlockState(), file: file, prefix: flow.name.text + ".", aliasPrefix: flow.name.text + ".",
        flowRange: flow.name.range, flowName: flow.name.text))
    let (_, goesOn) = resolveList(flow.steps, &own, StepContext())
    if goesOn { _ = outputs(of: flow, own) }
    frames.removeLast()
    // What an event reads of a flow is only known where the flow is called.
    for origin in origins { block.excused.formUnion(namesRead(origin.node)) }
    lintUnusedCaptures()
  }

  /// `int`, `string?`, `secret<string>`, `list<int>`.
  func declaredType(_ entry: YAMLEntry) -> ValueType? {
    guard let scalar = scalar(entry, into: &findings) else { return nil }
    if let type = Self.type(named: scalar.text, depth: 0) { return type }
    reportUnknownName(scalar, what: "type", among: ValueType.nameable.map(\.name))
    return nil
  }

  private static func type(named text: String, depth: Int) -> ValueType? {
    guard depth < 8 else { return nil }
    if text.hasSuffix("?") {
      return type(named: String(text.dropLast()), depth: depth + 1).flatMap { $0.isOptional ? nil : .optional($0) }
    }
    for (prefix, make) in [("list<", ValueType.list), ("map<", ValueType.map), ("secret<", ValueType.secret)] where text.hasPrefix(prefix) {
      guard text.hasSuffix(">") else { return nil }
      return type(named: String(text.dropFirst(prefix.count).dropLast()), depth: depth + 1).map(make)
    }
    return (ValueType.nameable + [("rate", .rate), ("size", .size), ("percentage", .percentage)]).first { $0.name == text }?.type
  }
}
