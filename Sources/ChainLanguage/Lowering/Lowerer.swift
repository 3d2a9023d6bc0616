internal import ChainProgram
internal import Diagnostics

/// Turns a typed chain without errors into the flat program. Never fails and finds nothing: whatever can be wrong was found before.
struct Lowerer {
  var builder: ProgramBuilder
  let chain: TypedChain

  /// - Parameter iterationRange: What to name as the source of instructions that no line asks for.
  mutating func lower(iterationRange: SourceRange) -> Program {
    if !chain.setup.isEmpty {
      builder.program.setupEntry = builder.pc
      block(chain.setup, at: iterationRange, drawsRows: false)
    }
    builder.program.iterationEntry = builder.pc
    block(chain.steps, at: iterationRange, drawsRows: true)
    if !chain.teardown.isEmpty {
      builder.program.teardownEntry = builder.pc
      block(chain.teardown, at: iterationRange, drawsRows: false)
    }
    for event in chain.events { lower(event) }
    return builder.finish()
  }

  private mutating func block(_ steps: [TypedStep], at range: SourceRange, drawsRows: Bool) {
    if drawsRows {
      for feed in chain.feedSlots { builder.emit(.drawRow(feed.feed, d: feed.base), at: range) }
    }
    // Frames are used again: what a path may leave unassigned must not show the last iteration's value.
    var assigned: Set<SlotIndex> = []
    collectAssigned(steps, into: &assigned)
    for slot in chain.optionalSlots.intersection(assigned).sorted() {
      builder.emit(.constant(d: slot, builder.constant(.null)), at: range)
    }
    lower(steps)
    builder.emit(.end, at: range)
  }

  private func collectAssigned(_ steps: [TypedStep], into slots: inout Set<SlotIndex>) {
    for step in steps {
      for assignment in step.assignments { slots.insert(assignment.slot) }
      switch step.kind {
      case .transaction(let transaction): collectAssigned(transaction.steps, into: &slots)
      case .choice(let branches, let otherwise):
        for branch in branches { collectAssigned(branch.steps, into: &slots) }
        collectAssigned(otherwise, into: &slots)
      case .loop(_, _, let steps): collectAssigned(steps, into: &slots)
      case .operation, .set, .think, .awaitHop, .awaitProbe, .log, .fail, .invalid: break
      }
    }
  }

  private mutating func lower(_ steps: [TypedStep]) {
    for step in steps { lower(step) }
  }

  private mutating func lower(_ step: TypedStep) {
    let range = step.node.verb.range
    let start = builder.pc
    builder.emit(.enterStep(step.index), at: range)
    let mark = builder.mark()
    var isAssigned = false
    switch step.kind {
    case .operation(let operation):
      submit(operation, at: range)
    case .transaction(let transaction):
      lower(transaction, of: step)
    case .set:
      assign(step)
      isAssigned = true
    case .choice(let branches, let otherwise):
      lower(branches, otherwise, at: range)
    case .loop(let count, let counter, let steps):
      loop(count, counter, steps, at: range)
    case .think(let shortest, let longest):
      let a = put(shortest)
      let b = longest.map { put($0) } ?? a
      builder.emit(.think(a: a, b: b), at: range)
    case .awaitHop(let event, let hop, let id, let within):
      let a = put(id)
      let b = put(within)
      builder.emit(.awaitHop(step.index, event, hop: hop, a: a, b: b), at: range)
    case .awaitProbe(let probe):
      lower(probe, of: step, at: range)
    case .log(let text):
      let a = put(.text(text))
      builder.emit(.log(step.index, a: a), at: text.range)
    case .fail(let text):
      let a = put(.text(text))
      builder.emit(.fail(step.index, a: a), at: text.range)
    case .invalid:
      preconditionFailure("a step with a finding is never lowered")
    }
    builder.release(to: mark)
    if !isAssigned { assign(step) }
    for action in step.origins { lower(action, at: range) }
    for check in step.checks { lower(check, of: step) }
    if step.node.continuesOnError {
      let after = builder.makeLabel()
      builder.handle(start..<builder.pc, at: after, forgets: true)
      builder.place(after)
    }
    builder.program.extents.append(StepExtent(step: step.index, code: start..<builder.pc))
  }

  private mutating func assign(_ step: TypedStep) {
    for assignment in step.assignments {
      let mark = builder.mark()
      builder.lower(assignment.value, into: assignment.slot)
      builder.release(to: mark)
    }
  }

  private mutating func lower(_ check: (condition: TypedExpression, text: String, range: SourceRange), of step: TypedStep) {
    let mark = builder.mark()
    let index = CheckIndex(builder.program.checks.count)
    builder.program.checks.append(CheckDescription(step: step.index, text: check.text, range: check.range))
    let a = builder.lower(check.condition)
    builder.emit(.check(index, a: a, continues: step.node.continuesOnError), at: check.range)
    builder.release(to: mark)
  }

  // Values

  private mutating func put(_ value: TypedValue) -> SlotIndex {
    switch value {
    case .expression(let expression): return builder.lower(expression)
    case .text:
      let slot = builder.temporary(.string)
      put(value, into: slot)
      return slot
    }
  }

  private mutating func put(_ value: TypedValue, into slot: SlotIndex) {
    switch value {
    case .expression(let expression): builder.lower(expression, into: slot)
    case .text(let text):
      if let literal = text.template.literal {
        builder.emit(.constant(d: slot, builder.constant(.string(literal))), at: text.range)
        return
      }
      let mark = builder.mark()
      let a = put(text.arguments)
      builder.emit(.buildText(d: slot, a: a, builder.template(text.template)), at: text.range)
      builder.release(to: mark)
    }
  }

  /// Expressions in slots next to each other; the first one.
  private mutating func put(_ expressions: [TypedExpression]) -> SlotIndex {
    let base = builder.temporaries(expressions.map(\.type))
    for (offset, expression) in expressions.enumerated() {
      let mark = builder.mark()
      builder.lower(expression, into: SlotIndex(base.index + offset))
      builder.release(to: mark)
    }
    return base
  }

  // Operations

  private mutating func submit(_ operation: TypedOperation, at range: SourceRange) {
    let index = prepare(operation)
    builder.emit(.submit(index), at: range)
  }

  /// Evaluates the arguments and enters the operation in its table.
  private mutating func prepare(_ operation: TypedOperation) -> OperationIndex {
    let base = operation.arguments.isEmpty ? SlotIndex(0) : put(operation.arguments)
    let index = OperationIndex(builder.program.operations.count)
    builder.program.operations.append(
      Operation(
        step: operation.step, connection: operation.connection, verb: operation.verb, role: operation.role, writes: operation.writes,
        operands: operation.operands, argumentBase: base, argumentCount: operation.arguments.count,
        argumentTypes: operation.arguments.map(\.type), timeoutNanoseconds: operation.timeoutNanoseconds))
    return index
  }

  private mutating func lower(_ transaction: TypedTransaction, of step: TypedStep) {
    let range = step.node.verb.range
    for event in transaction.events {
      if let flag = event.flag { builder.emit(.constant(d: flag, builder.constant(.bool(false))), at: range) }
    }
    let mark = builder.mark()
    submit(transaction.begin, at: range)
    builder.release(to: mark)
    let start = builder.pc
    lower(transaction.steps)
    builder.emit(.enterStep(step.index), at: range)
    submit(transaction.commit, at: range)
    let end = builder.pc
    for event in transaction.events {
      guard let flag = event.flag else {
        builder.emit(.originAcknowledge(event.event), at: range)
        continue
      }
      let skip = builder.makeLabel()
      builder.jumpIfFalse(flag, to: skip, at: range)
      builder.emit(.originAcknowledge(event.event), at: range)
      builder.place(skip)
    }
    let after = builder.makeLabel()
    builder.jump(to: after, at: range)
    let failed = builder.makeLabel()
    builder.place(failed)
    for event in transaction.events { builder.emit(.originAbort(event.event), at: range) }
    submit(transaction.rollback, at: range)
    builder.emit(.rethrow, at: range)
    builder.handle(start..<end, at: failed, forgets: false)
    builder.place(after)
  }

  private mutating func lower(_ action: OriginAction, at range: SourceRange) {
    switch action {
    case .acknowledge(let event):
      builder.emit(.originAcknowledge(event), at: range)
    case .identify(let identity, let flag):
      let mark = builder.mark()
      let values: [TypedValue?] = [identity.id, identity.key, identity.version] + identity.body
      let base = builder.temporaries(values.map { $0?.type ?? .null })
      for (offset, value) in values.enumerated() {
        let slot = SlotIndex(base.index + offset)
        if let value { put(value, into: slot) } else { builder.emit(.constant(d: slot, builder.constant(.null)), at: identity.range) }
      }
      builder.emit(.originIdentify(identity.event, a: base), at: identity.range)
      builder.release(to: mark)
      if let flag { builder.emit(.constant(d: flag, builder.constant(.bool(true))), at: identity.range) }
    }
  }

  private mutating func lower(_ probe: TypedProbe, of step: TypedStep, at range: SourceRange) {
    let within = builder.temporaries([.duration, .duration, .float, .duration])
    put(probe.within, into: within)
    put(probe.start, into: SlotIndex(within.index + 1))
    put(probe.factor, into: SlotIndex(within.index + 2))
    put(probe.max, into: SlotIndex(within.index + 3))
    let operation = prepare(probe.operation)
    builder.emit(.probeBegin(step.index, within: within), at: range)
    let look = builder.makeLabel()
    let seen = builder.makeLabel()
    builder.place(look)
    builder.emit(.submit(operation), at: range)
    let mark = builder.mark()
    let holds = builder.lower(probe.until)
    builder.jumpIfTrue(holds, to: seen, at: probe.until.range)
    builder.release(to: mark)
    builder.probeAgain(within: within, to: look, at: range)
    builder.place(seen)
    builder.emit(.probeEnd(step.index, within: within), at: range)
  }

  // Control

  private mutating func lower(
    _ branches: [(condition: TypedExpression, steps: [TypedStep])], _ otherwise: [TypedStep], at range: SourceRange
  ) {
    let end = builder.makeLabel()
    for (offset, branch) in branches.enumerated() {
      let next = builder.makeLabel()
      let mark = builder.mark()
      builder.lowerCondition(branch.condition, ifFalse: next)
      builder.release(to: mark)
      lower(branch.steps)
      if offset < branches.count - 1 || !otherwise.isEmpty { builder.jump(to: end, at: range) }
      builder.place(next)
    }
    lower(otherwise)
    builder.place(end)
  }

  private mutating func loop(_ count: TypedValue, _ counter: SlotIndex?, _ steps: [TypedStep], at range: SourceRange) {
    // The counter that the steps see is a copy of its own only in name: nothing can assign to it.
    let index = counter ?? builder.temporary(.int)
    let times = builder.temporary(.int)
    let isBelow = builder.temporary(.bool)
    let one = builder.temporary(.int)
    put(count, into: times)
    builder.emit(.constant(d: index, builder.constant(.int(0))), at: range)
    builder.emit(.constant(d: one, builder.constant(.int(1))), at: range)
    let again = builder.makeLabel()
    let end = builder.makeLabel()
    builder.place(again)
    builder.emit(.compare(.less, .int, d: isBelow, a: index, b: times), at: range)
    builder.jumpIfFalse(isBelow, to: end, at: range)
    lower(steps)
    builder.emit(.binary(.addInt, d: index, a: index, b: one), at: range)
    builder.jump(to: again, at: range)
    builder.place(end)
  }

  // Hops

  private mutating func lower(_ event: TypedEvent) {
    var hops: [HopDeclaration] = []
    for hop in event.hops {
      let entry = builder.pc
      let range = hop.name.range
      let title = "\(event.declaration.name.text).\(hop.name.text)"
      // Slots of their own, since the observer reads them after the block has ended.
      func fresh(_ expression: TypedExpression, _ name: String) -> SlotIndex {
        let slot = builder.declare(".\(title).\(name)", expression.type)
        let mark = builder.mark()
        builder.lower(expression, into: slot)
        builder.release(to: mark)
        return slot
      }
      let id = fresh(hop.id, "id")
      let key = hop.key.map { fresh($0, "key") }
      let version = hop.version.map { fresh($0, "version") }
      let body = zip(event.body, hop.body).map { field, expression in expression.map { fresh($0, field.name) } }
      builder.emit(.end, at: range)
      hops.append(
        HopDeclaration(
          name: hop.name.text, connection: hop.connection, observer: hop.observer, operands: hop.operands, mappingEntry: entry, idSlot: id,
          keySlot: key, versionSlot: version, bodySlots: body, readsContent: readsContent(from: entry), range: range))
    }
    builder.program.events.append(
      EventDeclaration(
        name: event.declaration.name.text, origin: event.origin, idType: event.idType, hasKey: event.hasKey, hasVersion: event.hasVersion,
        body: event.body, deadlineNanoseconds: event.deadlineNanoseconds, settleNanoseconds: event.settleNanoseconds, hops: hops,
        range: event.declaration.name.range))
  }

  /// Whether the block from `entry` to the last instruction reads more of a sighting than its key.
  private func readsContent(from entry: Int) -> Bool {
    for instruction in builder.program.instructions[entry...] {
      if let path = instruction.resultPath, builder.program.resultPaths[path.index].field != .key { return true }
    }
    return false
  }
}
