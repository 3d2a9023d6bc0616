internal import ChainProgram
internal import Diagnostics

/// Control steps with several ways through them: what is certain afterwards follows from all of them.
extension ChainResolver {
  // Choices

  func resolveSwitch(
    _ node: StepNode, _ subject: YAMLScalar, _ cases: [(value: YAMLScalar, steps: [StepNode])], _ otherwise: [StepNode],
    _ flow: inout FlowState, _ context: StepContext
  ) -> (kind: TypedStepKind, ends: Bool) {
    let wanted = Expectation(
      .oneOf([.string, .int, .decimal, .bool, .uuid, .duration]), "'switch' takes a string, an int, a decimal, a bool, a uuid or a duration")
    let typedSubject = rawOrWrapped(subject, scope(flow), wanted)
    let place = place(of: node)
    var inner = context
    inner.isConditional = true
    var ways: [FlowWay] = []
    var typedCases: [(value: Value, range: SourceRange, steps: [TypedStep])] = []
    for (value, nested) in cases {
      var taken = flow
      let (steps, goesOn) = resolveList(nested, &taken, inner)
      if goesOn { ways.append(FlowWay(taken, lacks: "not captured when 'switch' at \(place) takes '\(shown(value.text))'")) }
      guard !typedSubject.isInvalid,
        let literal = literal(expressionText(value), as: typedSubject.type.plain, what: "'switch'")
      else { continue }
      typedCases.append((literal, value.range, steps))
    }
    var rest = flow
    let (steps, goesOn) = resolveList(otherwise, &rest, inner)
    if goesOn {
      let side = otherwise.isEmpty ? "no case" : "'default'"
      ways.append(FlowWay(rest, lacks: "not captured when 'switch' at \(place) takes \(side)"))
    }
    if !ways.isEmpty { flow = merge(ways) }
    guard let type = typedSubject.type.plain.comparedType, typedCases.count == cases.count else { return (.invalid, ways.isEmpty) }
    return (.switchOn(subject: typedSubject, type: type, cases: typedCases, otherwise: steps), ways.isEmpty)
  }

  /// An expression, or `$name` or `${…}` alone, which mean the same here.
  func rawOrWrapped(_ scalar: YAMLScalar, _ scope: StepScope, _ expectation: Expectation) -> TypedExpression {
    guard scalar.text.hasPrefix("$") else { return expression(scalar, scope, expectation) }
    guard let whole = ScalarTemplate.parse(expressionText(scalar), into: &findings).whole else {
      findings.add(.badExpression, at: scalar.range, "this is one expression, and not text with expressions in it")
      return TypedExpression(.invalid, .invalid, range: scalar.range)
    }
    return check(whole, scope, expectation)
  }

  func resolveWeighted(
    _ node: StepNode, _ branches: [WeightedNode], _ flow: inout FlowState, _ context: StepContext
  ) -> (kind: TypedStepKind, ends: Bool) {
    let place = place(of: node)
    var inner = context
    inner.isConditional = true
    var ways: [FlowWay] = []
    var weights: [Int] = []
    var names: [String] = []
    var typedBranches: [[TypedStep]] = []
    for (number, branch) in branches.enumerated() {
      let name = branch.name?.text ?? "\(number + 1)"
      if let entry = branch.weight, let weight = constantInteger(entry, "weight", in: 0...1_000_000) {
        if weight == 0 {
          findings.add(
            .branchWeightZero, at: entry.value.placeRange, "the weight of branch '\(shown(name))' is 0, so it is never taken",
            help: "give it a positive weight, or remove it")
        }
        weights.append(weight)
      }
      names.append(name)
      var taken = flow
      let (steps, goesOn) = resolveList(branch.steps, &taken, inner)
      if goesOn { ways.append(FlowWay(taken, lacks: "not captured when 'branch' at \(place) takes '\(shown(name))'")) }
      typedBranches.append(steps)
    }
    if !ways.isEmpty { flow = merge(ways) }
    guard weights.count == branches.count else { return (.invalid, ways.isEmpty) }
    return (.weighted(weights: weights, names: names, branches: typedBranches), ways.isEmpty)
  }

  // Loops

  func resolveForEach(
    _ node: StepNode, _ list: YAMLScalar, _ item: YAMLScalar?, _ nested: [StepNode], _ flow: inout FlowState, _ context: StepContext
  ) -> TypedStepKind {
    let wanted = Expectation(.anything, "'for_each' takes a list or a JSON array")
    let typedList = rawOrWrapped(list, scope(flow), wanted)
    var element = ValueType.invalid
    switch typedList.type.plain {
    case .list(let type): element = type
    case .json: element = .json
    case .invalid: break
    case .string, .int, .decimal, .float, .bool, .duration, .instant, .uuid, .bytes, .rate, .size, .percentage, .map, .row, .rows, .untyped,
      .messages, .optional, .secret, .null:
      findings.add(
        .typeMismatch, at: typedList.range, "this is \(typedList.type), and 'for_each' takes a list or a JSON array",
        help: typedList.type.plain == .untyped ? "say what it is: '… as json'" : nil)
    }
    if typedList.type.isSecret, element != .invalid { element = .secret(element) }
    let before = flow
    let slot = item.flatMap { loopVariable($0, element, &flow) }
    var inner = context
    inner.isConditional = true
    inner.isInLoop = true
    let (steps, _) = resolveList(nested, &flow, inner)
    if let item { flow[item.text] = before[item.text] }
    closeLoop(node, &flow, before: before)
    guard let slot, element != .invalid else { return .invalid }
    return .forEach(list: typedList, item: slot, steps: steps)
  }

  /// A name that only the steps of a loop see.
  private func loopVariable(_ name: YAMLScalar, _ type: ValueType, _ flow: inout FlowState) -> SlotIndex? {
    if flow[name.text] != nil || block.fixed[name.text] != nil || block.anywhere[name.text] != nil {
      findings.add(.duplicateName, at: name.range, "the name '\(name.text)' is taken", help: "choose another name")
      return nil
    }
    let slot = builder.declare(name.text, type)
    flow[name.text] = Bound(slot: slot, type: type, captured: name.range)
    return slot
  }

  func resolveWhile(
    _ node: StepNode, _ condition: YAMLScalar, _ max: YAMLEntry?, _ nested: [StepNode], _ flow: inout FlowState, _ context: StepContext
  ) -> TypedStepKind {
    let typedCondition = expression(condition, scope(flow), .condition("while"))
    let rounds = constantInteger(max, "max", in: 1...1_000_000_000)
    let before = flow
    if !typedCondition.isInvalid { flow.narrow(typedCondition.slotsNotNull(when: true)) }
    var inner = context
    inner.isConditional = true
    inner.isInLoop = true
    let (steps, _) = resolveList(nested, &flow, inner)
    closeLoop(node, &flow, before: before)
    guard let rounds, !typedCondition.isInvalid else { return .invalid }
    return .whileLoop(condition: typedCondition, max: rounds, steps: steps)
  }

  /// What is known after a loop that may have run no round; and no round may break what the next one relies on.
  func closeLoop(_ node: StepNode, _ flow: inout FlowState, before: FlowState) {
    for (name, after) in flow.sorted(by: { $0.key < $1.key }) {
      guard let known = before[name], known.slot == after.slot, after.isOptional, !known.isOptional, known.type != .invalid,
        after.type != .invalid
      else { continue }
      findings.add(
        .nullableUse, at: after.captured, "'\(name)' may be null from here on, and the next round of the loop takes it for \(known.type)",
        help: "choose another name, or give it a value with '??'", related: [Related(known.captured, "\(known.type) here")])
    }
    flow = merge([FlowWay(flow), FlowWay(before, lacks: "not captured when '\(node.verb.text)' at \(place(of: node)) runs no round")])
  }

  // Lanes

  func resolveParallel(
    _ node: StepNode, _ waitsForAll: Bool, _ lanes: [(name: YAMLScalar, steps: [StepNode])], _ flow: inout FlowState,
    _ context: StepContext
  ) -> (kind: TypedStepKind, ends: Bool) {
    let before = flow
    var inner = context
    inner.isInLane = true
    if let transaction = context.transaction {
      inner.transaction = nil
      inner.isTransactionOutside = true
      if let connection = transaction.connection { inner.held.insert(connection) }
    }
    var typedLanes: [[TypedStep]] = []
    var writers: [SlotIndex: YAMLScalar] = [:]
    var completed = 0
    for lane in lanes {
      var own = before
      let (steps, goesOn) = resolveList(lane.steps, &own, inner)
      typedLanes.append(steps)
      if goesOn { completed += 1 }
      let assigned = assignedSlots(steps)
      for (name, bound) in own.sorted(by: { $0.key < $1.key }) where assigned.contains(bound.slot) || before[name] == nil {
        if let other = writers[bound.slot] {
          findings.add(
            .duplicateName, at: bound.captured, "'\(name)' gets a value in the lanes '\(other.text)' and '\(lane.name.text)' at the same time",
            help: "give each lane a variable of its own", related: [Related(other.range, "the other lane")])
          continue
        }
        if assigned.contains(bound.slot) { writers[bound.slot] = lane.name }
        if waitsForAll || before[name] != nil {
          flow[name] = bound
        } else {
          typed.optionalSlots.insert(bound.slot)
          flow[name] = bound.type == .invalid
            ? bound : bound.optional(because: "not captured when 'parallel' at \(place(of: node)) goes on without lane '\(lane.name.text)'")
        }
      }
    }
    let ends = !lanes.isEmpty && (waitsForAll ? completed < lanes.count : completed == 0)
    guard !lanes.isEmpty else { return (.invalid, false) }
    return (.parallel(join: waitsForAll ? .all : .any, names: lanes.map(\.name.text), lanes: typedLanes), ends)
  }

  // Transactions that are ended on purpose

  func resolveRollback(
    _ node: StepNode, _ operation: OperationNode, _ index: StepIndex, _ flow: FlowState, _ context: StepContext
  ) -> (kind: TypedStepKind, ends: Bool) {
    guard let transaction = context.transaction, !context.isTransactionOutside else {
      findings.add(
        .badValue, at: node.verb.range,
        context.isTransactionOutside
          ? "'rollback' stands directly in its transaction, and not in a lane or a flow inside of it"
          : "'rollback' ends the transaction around it, and there is none")
      return (.invalid, false)
    }
    transaction.rollbacks.append(FlowWay(flow, lacks: "not captured when 'rollback' at \(place(of: node)) ends the transaction"))
    guard let connection = transaction.connection else { return (.invalid, true) }
    return (
      .rollback(
        TypedOperation(
          step: index, connection: connection, verb: operation.schema.name, role: .rollsBackTransaction, writes: false, operands: [],
          arguments: [], timeoutNanoseconds: constantDuration(node.timeout, "timeout") ?? Self.defaultTimeoutNanoseconds)), true
    )
  }

  // Retry

  /// The classes of errors, and PostgreSQL's condition names that a repetition can help with.
  static let errorNames = [
    "connect", "timeout", "disconnected", "server", "protocol", "value", "check", "missed_deadline", "failed", "environment",
    "serialization_failure", "deadlock_detected", "lock_not_available", "unique_violation", "foreign_key_violation", "query_canceled",
    "admin_shutdown", "cannot_connect_now", "too_many_connections", "transaction_rollback",
  ]

  func resolveRetry(_ node: StepNode, _ step: TypedStep, _ before: FlowState) {
    guard let retry = node.retry else { return }
    for error in retry.errors where !Self.errorNames.contains(error.text) && !looksLikeCode(error.text) {
      findings.add(
        .badValue, at: error.range, "there is no class of errors '\(shown(error.text))'",
        help: nearestName(to: error.text, among: Self.errorNames).map { "did you mean '\($0)'?" }
          ?? "the classes: \(listPhrase(Array(Self.errorNames.prefix(10)))); codes such as 40001, 503 or MOVED")
    }
    let attempts = constantInteger(retry.max, "max", in: 1...1_000)
    let pause = constantDuration(retry.pause ?? retry.start, "backoff")
    var factor = retry.pause == nil ? 2.0 : 1.0
    if let entry = retry.factor, let scalar = scalar(entry, into: &findings) {
      if let given = Double(scalar.text), given.isFinite, (1...1_000).contains(given) {
        factor = given
      } else {
        findings.add(.badLiteral, at: scalar.range, "'factor' is a number from 1 to 1000")
      }
    }
    let start = pause ?? 10_000_000
    let longest = retry.pause == nil ? constantDuration(retry.pauseMax, "max") ?? max(start, 1_000_000_000) : start
    guard let attempts else { return }
    let known = Set(before.values.filter { $0.type != .invalid }.map(\.slot))
    let assigned = assignedSlots([step]).sorted()
    let index = RetryIndex(builder.program.retries.count)
    builder.program.retries.append(
      RetryDescription(
        errors: retry.errors.map(\.text), attemptsMax: attempts, pauseNanoseconds: start, factor: factor, pauseMaxNanoseconds: longest))
    step.retry = TypedRetry(
      index: index, kept: assigned.filter(known.contains).map { ($0, builder.program.slots[$0.index].type) },
      cleared: assigned.filter { !known.contains($0) })
  }

  /// A SQLSTATE, an AMQP reply code, an HTTP status, a curl code or a Redis error word.
  private func looksLikeCode(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 32
      && text.utf8.allSatisfy {
        ($0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9")) || ($0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z")) || $0 == UInt8(ascii: "_")
      }
  }
}
