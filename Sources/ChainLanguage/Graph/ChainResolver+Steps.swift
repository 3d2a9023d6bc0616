internal import ChainProgram
internal import Diagnostics

/// Where a step stands, as far as that changes its meaning.
struct StepContext {
  /// The innermost transaction around it.
  var transaction: TransactionContext?
  /// Inside `if` or after a step that may have gone wrong, as seen from the transaction (or the block).
  var isConditional = false
  var isInLoop = false
  var isInLane = false
  /// The transaction around stands outside of a call or a lane, so that nothing in here can end it.
  var isTransactionOutside = false
  /// Connections that a transaction around the lanes here holds.
  var held: Set<ConnectionIndex> = []
}

/// One way to a place: what is known on it, and how a message says that a variable is not captured on it.
struct FlowWay {
  let flow: FlowState
  let lacks: String

  init(_ flow: FlowState, lacks: String = "") {
    self.flow = flow
    self.lacks = lacks
  }
}

/// A transaction whose steps are being resolved.
final class TransactionContext {
  let connection: ConnectionIndex?
  let kind: String
  /// Events whose origin is among its steps.
  var origins: [OriginState] = []
  var hasWrites = false
  /// What is known at each place that ends it by 'rollback'.
  var rollbacks: [FlowWay] = []

  init(connection: ConnectionIndex?, kind: String) {
    self.connection = connection
    self.kind = kind
  }
}

/// The walk over steps in the order of execution.
extension ChainResolver {
  /// Variables of one block; what is known is merged at each `if`, so that very many would make linting slow.
  static let variablesMax = 1_000

  func resolveBlock(_ nodes: [StepNode], readsFeeds: Bool, seesUserSetup: Bool = false) -> [TypedStep] {
    block = BlockState()
    block.readsFeeds = readsFeeds
    block.fixed = readsFeeds ? constants.merging(feedBindings) { first, _ in first } : constants
    var flow: FlowState = [:]
    if seesUserSetup {
      flow = userFlow
      block.slots = userBlock.slots
      block.anywhere = userBlock.anywhere
    }
    collectNames(nodes)
    let steps = resolveList(nodes, &flow, StepContext()).steps
    lintUnusedCaptures()
    return steps
  }

  /// The first place of every variable that the block captures or sets.
  func collectNames(_ nodes: [StepNode]) {
    for node in nodes {
      var entries = node.captures
      if case .set(let assignments) = node.kind { entries += assignments }
      for entry in entries where block.anywhere[entry.key.text] == nil { block.anywhere[entry.key.text] = entry.key.range }
      for list in node.nestedLists { collectNames(list) }
    }
  }

  func scope(_ flow: FlowState, results: [ResultMember] = []) -> StepScope {
    StepScope(flow: flow, fixed: block.fixed, anywhere: block.anywhere, results: results)
  }

  /// Resolves steps one after the other.
  ///
  /// - Returns: The steps, and whether execution goes on after the last one.
  func resolveList(_ nodes: [StepNode], _ flow: inout FlowState, _ context: StepContext) -> (steps: [TypedStep], goesOn: Bool) {
    var steps: [TypedStep] = []
    var goesOn = true
    var hasReportedUnreachable = false
    for node in nodes {
      if !goesOn, !hasReportedUnreachable {
        findings.add(.unreachableStep, at: node.verb.range, "this step is never reached: the one before it always fails")
        hasReportedUnreachable = true
      }
      let before = flow
      let (step, ends) = resolve(node, &flow, context)
      steps.append(step)
      block.steps.insert(step.index)
      // Inside the step its captures have been made, whatever an error leaves of them afterwards.
      var inside = context
      if node.continuesOnError || node.when != nil { inside.isConditional = true }
      placeOrigins(step, flow, inside)
      if node.retry != nil { resolveRetry(node, step, before) }
      if node.continuesOnError {
        flow = merge([FlowWay(flow), FlowWay(before, lacks: "not captured when '\(node.verb.text)' at \(place(of: node)) fails and is passed over")])
      }
      if node.when != nil {
        flow = merge([FlowWay(flow), FlowWay(before, lacks: "not captured when the 'when' at \(place(of: node)) does not hold")])
      }
      if ends, !node.continuesOnError, node.when == nil { goesOn = false }
    }
    return (steps, goesOn)
  }

  private func resolve(_ node: StepNode, _ flow: inout FlowState, _ context: StepContext) -> (step: TypedStep, ends: Bool) {
    var whenCondition: TypedExpression?
    if let when = node.when {
      let condition = expression(when, scope(flow), .condition("when"))
      whenCondition = condition
      if !condition.isInvalid { flow.narrow(condition.slotsNotNull(when: true)) }
    }
    let index = describe(node, context)
    // Each lane has temporaries of its own, which the limit on expressions has to count.
    if context.isInLane, !isRehearsal { expressionWeight += 6 }
    var context = context
    if node.continuesOnError || node.when != nil { context.isConditional = true }
    // What `capture` and `check` read besides the step's own result.
    var outputs: NameBinding?
    var ends = false
    let kind: TypedStepKind
    var assignments: [TypedAssignment] = []
    switch node.kind {
    case .operation(let operation) where operation.isRollback:
      (kind, ends) = resolveRollback(node, operation, index, flow, context)
    case .operation(let operation):
      (kind, ends) = resolveOperation(node, operation, index, &flow, context)
    case .set(let entries):
      kind = .set
      for entry in entries { if let made = assign(entry, &flow, results: [], isSet: true) { assignments.append(made) } }
    case .choice(let branches, let otherwise):
      (kind, ends) = resolveChoice(node, branches, otherwise, &flow, context)
    case .loop(let count, let counter, let nested):
      kind = resolveLoop(node, count, counter, nested, &flow, context)
    case .think(let shortest, let longest):
      let first = value(shortest, key: "think", scope(flow), .duration("think"))
      let second = longest.flatMap { value($0, key: "think", scope(flow), .duration("think")) }
      if let first, longest == nil || second != nil { kind = .think(shortest: first, longest: second) } else { kind = .invalid }
    case .awaitHop(let path, let within):
      kind = resolveAwait(node, path, within, flow, context)
    case .awaitProbe(let probe):
      kind = resolveProbe(node, probe, index, flow, context)
    case .log(let text):
      kind = message(text, key: "log", flow).map { .log($0) } ?? .invalid
    case .fail(let text):
      kind = message(text, key: "fail", flow).map { .fail($0) } ?? .invalid
      ends = true
    case .switchOn(let subject, let cases, let otherwise):
      (kind, ends) = resolveSwitch(node, subject, cases, otherwise, &flow, context)
    case .weighted(let branches):
      (kind, ends) = resolveWeighted(node, branches, &flow, context)
    case .forEach(let list, let item, let nested):
      kind = resolveForEach(node, list, item, nested, &flow, context)
    case .whileLoop(let condition, let max, let nested):
      kind = resolveWhile(node, condition, max, nested, &flow, context)
    case .group(_, let nested):
      let (steps, goesOn) = resolveList(nested, &flow, context)
      (kind, ends) = (.group(steps), !goesOn)
    case .parallel(let waitsForAll, let lanes):
      (kind, ends) = resolveParallel(node, waitsForAll, lanes, &flow, context)
    case .call(let name, let inputs):
      (kind, ends, outputs) = resolveCall(node, name, inputs, index, &flow, context)
    case .measure(let measures):
      kind = resolveMeasures(measures)
    case .stop(let endsRun):
      if context.isInLane {
        findings.add(
          .badValue, at: node.verb.range, "'stop' ends more than a lane, and does not stand in one",
          help: "let the lane capture what it found, and stop after 'parallel'")
      }
      if context.transaction != nil || context.isTransactionOutside {
        findings.add(
          .badValue, at: node.verb.range, "'stop' does not stand in a transaction, which would be neither committed nor rolled back by it",
          help: "end the transaction first, for example with 'rollback'")
      }
      kind = .stop(endsRun: endsRun)
      ends = true
    }
    let step = TypedStep(node: node, index: index, kind: kind)
    step.when = whenCondition
    let results = node.resultMembers
    let fixed = block.fixed
    if let outputs { block.fixed["outputs"] = outputs }
    for entry in node.captures { if let made = assign(entry, &flow, results: results, isSet: false) { assignments.append(made) } }
    step.assignments = assignments
    for claim in node.checks {
      let condition = expression(claim, scope(flow, results: results), .condition("check"))
      step.checks.append((condition, claim.text, claim.contentRange))
    }
    if outputs != nil { block.fixed = fixed }
    return (step, ends)
  }

  private func message(_ node: YAMLNode, key: String, _ flow: FlowState) -> TypedText? {
    guard let scalar = node.scalar else {
      findings.add(.wrongNodeKind, at: node.placeRange, "'\(key)' is text, and this is \(node.kindPhrase)")
      return nil
    }
    return text(scalar, ScalarTemplate.parse(expressionText(scalar), into: &findings), scope(flow))
  }

  // Variables

  private func assign(_ entry: YAMLEntry, _ flow: inout FlowState, results: [ResultMember], isSet: Bool) -> TypedAssignment? {
    guard let scalar = entry.value.scalar else { return nil }
    let name = entry.key.text
    let value = expression(scalar, scope(flow, results: results), .capture(name))
    if let other = constants[name] ?? (block.readsFeeds ? feedBindings[name] : nil) {
      _ = other
      findings.add(
        .duplicateName, at: entry.key.range, "the name '\(name)' is taken by 'vars', a feed or 'run'", help: "choose another name")
      return nil
    }
    guard !value.isInvalid else {
      if flow[name] == nil { flow[name] = Bound(slot: SlotIndex(0), type: .invalid, captured: entry.key.range) }
      return nil
    }
    if value.type == .null {
      findings.add(.typeMismatch, at: value.range, "'null' alone gives '\(name)' no type")
      return nil
    }
    return bind(name, value.type, at: entry.key.range, &flow, isCapture: !isSet).map {
      TypedAssignment(name: name, slot: $0, value: value, range: value.range)
    }
  }

  /// Gives a name a value of a type from here on; a name keeps its type throughout a block.
  func bind(_ name: String, _ type: ValueType, at range: SourceRange, _ flow: inout FlowState, isCapture: Bool) -> SlotIndex? {
    let plain: ValueType
    if case .optional(let wrapped) = type { plain = wrapped } else { plain = type }
    let slot: SlotIndex
    if let known = block.slots[name] {
      if plain.isSecret, !known.type.isSecret, known.type != .invalid {
        block.excused.insert(name)
        findings.add(
          .secretLeak, at: range, "'\(name)' is a plain \(known.type), and this would make a secret of it",
          help: "choose another name, which is then a secret too", related: [Related(known.range, "\(known.type) here")])
        flow[name] = Bound(slot: known.slot, type: .invalid, captured: range)
        return nil
      }
      guard known.type == plain else {
        findings.add(
          .typeMismatch, at: range, "'\(name)' is \(plain) here, and a variable keeps its type",
          help: "choose another name, or cast with 'as \(known.type)'",
          related: [Related(known.range, "\(known.type) here")])
        flow[name] = Bound(slot: known.slot, type: .invalid, captured: range)
        return nil
      }
      slot = known.slot
    } else if block.captures.count >= Self.variablesMax {
      findings.add(.limitExceeded, at: range, "a block has at most \(Self.variablesMax) variables")
      return nil
    } else {
      slot = builder.declare(name, plain)
      block.slots[name] = (slot, plain, range)
      block.captures.append((name, slot, range))
    }
    flow[name] = Bound(slot: slot, type: type, captured: range, optionalBecause: plain == type ? nil : "its value may be null")
    return slot
  }

  /// Line and column of a step, for messages.
  func place(of node: StepNode) -> String {
    let position = files.position(of: node.verb.range)
    return "\(position.line):\(position.column)"
  }

  /// What is known after several ways that lead to the same place.
  func merge(_ ways: [FlowWay]) -> FlowState {
    guard let first = ways.first else { return [:] }
    var result = first.flow
    var reason = first.lacks
    for way in ways.dropFirst() {
      for (name, bound) in way.flow {
        guard let other = result[name] else {
          result[name] = missing(bound, because: reason)
          continue
        }
        if other.type == .invalid || bound.type == .invalid {
          result[name] = Bound(slot: other.slot, type: .invalid, captured: other.captured)
        } else if bound.isOptional, !other.isOptional {
          result[name] = bound
        }
      }
      for (name, bound) in result where way.flow[name] == nil { result[name] = missing(bound, because: way.lacks) }
      if reason.isEmpty { reason = way.lacks }
    }
    return result
  }

  private func missing(_ bound: Bound, because reason: String) -> Bound {
    guard bound.type != .invalid else { return bound }
    typed.optionalSlots.insert(bound.slot)
    return bound.optional(because: reason)
  }

  // Control steps

  private func resolveChoice(
    _ node: StepNode, _ branches: [(condition: YAMLScalar, steps: [StepNode])], _ otherwise: [StepNode], _ flow: inout FlowState, _ context: StepContext
  ) -> (kind: TypedStepKind, ends: Bool) {
    var inner = context
    inner.isConditional = true
    var ways: [FlowWay] = []
    let place = place(of: node)
    var typedBranches: [(condition: TypedExpression, steps: [TypedStep])] = []
    for (number, branch) in branches.enumerated() {
      let condition = expression(branch.condition, scope(flow), .condition("if"))
      var taken = flow
      if !condition.isInvalid { taken.narrow(condition.slotsNotNull(when: true)) }
      let (steps, goesOn) = resolveList(branch.steps, &taken, inner)
      let side = number == 0 ? "'then'" : branches.count == 2 ? "'elif'" : "'elif' \(number)"
      if goesOn { ways.append(FlowWay(taken, lacks: "not captured when 'if' at \(place) takes \(side)")) }
      typedBranches.append((condition, steps))
      if !condition.isInvalid { flow.narrow(condition.slotsNotNull(when: false)) }
    }
    var rest = flow
    let (steps, goesOn) = resolveList(otherwise, &rest, inner)
    if goesOn { ways.append(FlowWay(rest, lacks: "not captured when 'if' at \(place) takes 'else'")) }
    if !ways.isEmpty { flow = merge(ways) }
    return (.choice(typedBranches, otherwise: steps), ways.isEmpty)
  }

  private func resolveLoop(
    _ node: StepNode, _ count: YAMLNode, _ counter: YAMLScalar?, _ nested: [StepNode], _ flow: inout FlowState, _ context: StepContext
  ) -> TypedStepKind {
    let times = value(count, key: "repeat", scope(flow), Expectation(.type(.int), "'repeat' takes a whole number"))
    let before = flow
    var inner = context
    inner.isConditional = true
    inner.isInLoop = true
    var counterSlot: SlotIndex?
    if let counter, isName(counter.text) {
      if before[counter.text] != nil || constants[counter.text] != nil || block.anywhere[counter.text] != nil {
        findings.add(.duplicateName, at: counter.range, "the name '\(counter.text)' is taken", help: "choose another name for the counter")
      } else {
        let slot = builder.declare(counter.text, .int)
        counterSlot = slot
        flow[counter.text] = Bound(slot: slot, type: .int, captured: counter.range)
      }
    }
    var steps: [TypedStep] = []
    // A second pass would see what the first one captured; a variable that a round reads before it captures it is refused already.
    (steps, _) = resolveList(nested, &flow, inner)
    if let counter { flow[counter.text] = before[counter.text] }
    closeLoop(node, &flow, before: before)
    return times.map { .loop(count: $0, counter: counterSlot, steps: steps) } ?? .invalid
  }

  // Names of steps

  /// Ids that users gave, so that a generated one never takes their place.
  func reserveIds() {
    func visit(_ nodes: [StepNode]) {
      for node in nodes {
        if let id = node.id {
          if let first = idRanges[id.text] {
            findings.add(
              .duplicateName, at: id.range, "there is a step '\(id.text)' already", help: "an id names one step of the chain",
              related: [Related(first, "first given here")])
          } else {
            idRanges[id.text] = id.range
          }
        }
        for list in node.nestedLists { visit(list) }
      }
    }
    visit(graph.setup)
    visit(graph.userSetup)
    visit(graph.steps)
    for scenario in graph.scenarios ?? [] { visit(scenario.steps) }
    visit(graph.userTeardown)
    visit(graph.teardown)
    // The ids in a flow stand behind its name, so they are unique in the flow.
    let own = idRanges
    for file in chainFiles {
      for flow in file.graph.flows {
        idRanges = [:]
        visit(flow.steps)
      }
    }
    idRanges = own
  }

  func generatedId(_ verb: String) -> String {
    let key = (frames.last?.prefix ?? "") + verb
    while true {
      let number = (generatedIds[key] ?? 0) + 1
      generatedIds[key] = number
      if idRanges["\(verb)_\(number)"] == nil { return "\(verb)_\(number)" }
    }
  }

  private func describe(_ node: StepNode, _ context: StepContext) -> StepIndex {
    let index = StepIndex(builder.program.steps.count)
    let ownId = node.id?.text ?? generatedId(node.verb.text)
    let id = (frames.last?.prefix ?? "") + ownId
    var connection: ConnectionIndex?
    var method = node.verb.text.uppercased()
    if case .operation(let operation) = node.kind {
      connection = self.connection(node, operation.connector, verb: operation.schema.name, context, reports: false)
      method = operation.schema.method(operandText(operation))
    }
    var name = node.name?.text
    if name == nil, case .group(let title, _) = node.kind { name = title.text }
    builder.program.steps.append(
      StepDescription(
        id: id, name: name ?? id, method: method, verb: node.verb.text, range: node.verb.range, connection: connection))
    register(index, id: id, ownId: node.id?.text)
    return index
  }
}

extension FlowState {
  /// Takes away the `?` of variables that a condition has shown not to be null.
  mutating func narrow(_ slots: Set<SlotIndex>) {
    guard !slots.isEmpty else { return }
    for (name, bound) in self where slots.contains(bound.slot) {
      if case .optional(let wrapped) = bound.type { self[name] = Bound(slot: bound.slot, type: wrapped, captured: bound.captured) }
    }
  }
}

extension StepNode {
  /// The step lists inside it, in the order of the file.
  var nestedLists: [[StepNode]] {
    switch kind {
    case .operation(let operation): operation.nested.map { [$0] } ?? []
    case .choice(let branches, let otherwise): branches.map(\.steps) + [otherwise]
    case .loop(_, _, let steps), .forEach(_, _, let steps), .whileLoop(_, _, let steps), .group(_, let steps): [steps]
    case .switchOn(_, let cases, let otherwise): cases.map(\.steps) + [otherwise]
    case .weighted(let branches): branches.map(\.steps)
    case .parallel(_, let lanes): lanes.map(\.steps)
    case .set, .think, .awaitHop, .awaitProbe, .log, .fail, .call, .measure, .stop: []
    }
  }

  /// What its `capture` and `check` may read.
  var resultMembers: [ResultMember] {
    switch kind {
    case .operation(let operation): operation.schema.result
    case .awaitProbe(let probe): probe.probe.resultMembers
    case .set, .choice, .loop, .think, .awaitHop, .log, .fail, .switchOn, .weighted, .forEach, .whileLoop, .group, .parallel, .call,
      .measure, .stop:
      []
    }
  }
}
