internal import ChainProgram
internal import Diagnostics

/// Turns a typed chain without errors into the flat program. Never fails and finds nothing: whatever can be wrong was found before.
struct Lowerer {
  var builder: ProgramBuilder
  let chain: TypedChain
  /// Lanes whose blocks are still to be written. They stand behind everything that a handler covers, since their errors are the lane's.
  var pendingLanes: [(index: LanesIndex, step: StepIndex, join: LanesDescription.Join, names: [String], lanes: [[TypedStep]], range: SourceRange)] = []
  /// Where 'rollback' goes on, and the events that it ends; innermost last.
  var transactions: [(after: ProgramBuilder.Label, events: [EventIndex])] = []

  init(builder: ProgramBuilder, chain: TypedChain) {
    self.builder = builder
    self.chain = chain
    for moment in chain.moments { moments[moment.step, default: []].append((moment.moment, moment.slot)) }
  }

  var moments: [StepIndex: [(moment: StepMoment, slot: SlotIndex)]] = [:]

  /// - Parameter iterationRange: What to name as the source of instructions that no line asks for.
  mutating func lower(iterationRange: SourceRange) -> Program {
    if !chain.setup.isEmpty {
      builder.program.setupEntry = builder.pc
      block(chain.setup, at: iterationRange)
    }
    if !chain.userSetup.isEmpty {
      builder.program.userSetupEntry = builder.pc
      block(chain.userSetup, at: iterationRange)
    }
    builder.program.iterationEntry = builder.pc
    for scenario in chain.scenarios {
      builder.program.scenarios.append(ScenarioDescription(name: scenario.name, entry: builder.pc, weight: scenario.weight))
      block(scenario.steps, at: scenario.range, feeds: scenario.feedSlots, keeping: Set(builder.program.userSlots))
    }
    let iterations = builder.program.iterationEntry..<builder.pc
    if !chain.userTeardown.isEmpty {
      builder.program.userTeardownEntry = builder.pc
      block(chain.userTeardown, at: iterationRange, keeping: Set(builder.program.userSlots))
    }
    if !chain.teardown.isEmpty {
      builder.program.teardownEntry = builder.pc
      block(chain.teardown, at: iterationRange)
    }
    for event in chain.events { lower(event) }
    builder.program.spentSlots = spentSlots(of: iterations)
    return builder.finish()
  }

  /// - Parameter keeping: Slots that have their values from before the block.
  private mutating func block(
    _ steps: [TypedStep], at range: SourceRange, feeds: [(feed: FeedIndex, base: SlotIndex)] = [], keeping kept: Set<SlotIndex> = []
  ) {
    for feed in feeds { builder.emit(.drawRow(feed.feed, d: feed.base), at: range) }
    // Frames are used again: what a path may leave unassigned must not show the last iteration's value.
    clear(chain.optionalSlots.intersection(assignedSlots(steps)).subtracting(kept).union(momentSlots(steps)), at: range)
    lower(steps)
    builder.emit(.end, at: range)
    writePendingLanes()
  }

  mutating func clear(_ slots: some Collection<SlotIndex>, at range: SourceRange) {
    for slot in slots.sorted() { builder.emit(.constant(d: slot, builder.constant(.null)), at: range) }
  }

  private func momentSlots(_ steps: [TypedStep]) -> Set<SlotIndex> {
    guard !moments.isEmpty else { return [] }
    var slots: Set<SlotIndex> = []
    func visit(_ steps: [TypedStep]) {
      for step in steps {
        for moment in moments[step.index] ?? [] { slots.insert(moment.slot) }
        if case .awaitProbe(let probe) = step.kind { for moment in moments[probe.operation.step] ?? [] { slots.insert(moment.slot) } }
        for list in step.kind.nestedLists { visit(list) }
      }
    }
    visit(steps)
    return slots
  }

  mutating func lower(_ steps: [TypedStep]) {
    for step in steps { lower(step) }
  }

  private mutating func lower(_ step: TypedStep) {
    let range = step.node.verb.range
    let start = builder.pc
    builder.emit(.enterStep(step.index), at: range)
    let skip = builder.makeLabel()
    if let when = step.when {
      let mark = builder.mark()
      builder.lowerCondition(when, ifFalse: skip)
      builder.release(to: mark)
    }
    if let retry = step.retry {
      lower(step, with: retry, at: range)
    } else {
      lowerAttempt(step, at: range)
    }
    builder.place(skip)
    if step.node.continuesOnError {
      let after = builder.makeLabel()
      builder.handle(start..<builder.pc, at: after, forgets: true)
      builder.place(after)
    }
    builder.program.extents.append(StepExtent(step: step.index, code: start..<builder.pc))
  }

  /// What is repeated as a whole, and from the beginning, by 'retry'.
  private mutating func lower(_ step: TypedStep, with retry: TypedRetry, at range: SourceRange) {
    let mark = builder.mark()
    let attempts = builder.temporary(.int)
    let copies = retry.kept.map { (slot: $0.slot, copy: builder.temporary($0.type)) }
    builder.emit(.constant(d: attempts, builder.constant(.int(0))), at: range)
    for (slot, copy) in copies { builder.emit(.move(d: copy, a: slot), at: range) }
    let again = builder.makeLabel()
    builder.place(again)
    func rollBack(_ builder: inout ProgramBuilder) {
      for (slot, copy) in copies { builder.emit(.move(d: slot, a: copy), at: range) }
      for slot in retry.cleared { builder.emit(.constant(d: slot, builder.constant(.null)), at: range) }
    }
    rollBack(&builder)
    let start = builder.pc
    // Names the step anew: the last error may have been a nested one's.
    builder.emit(.enterStep(step.index), at: range)
    lowerAttempt(step, at: range)
    let end = builder.pc
    let after = builder.makeLabel()
    builder.jump(to: after, at: range)
    let failed = builder.makeLabel()
    builder.place(failed)
    builder.retryAgain(retry.index, attempts: attempts, to: again, at: range)
    rollBack(&builder)
    builder.emit(.rethrow, at: range)
    builder.handle(start..<end, at: failed, forgets: false)
    builder.place(after)
    builder.release(to: mark)
  }

  /// The step's own work, its captures, events and checks.
  private mutating func lowerAttempt(_ step: TypedStep, at range: SourceRange) {
    let mark = builder.mark()
    var isAssigned = false
    let moments = moments[step.index] ?? []
    func stamp(_ moment: StepMoment, _ kind: StampKind, _ builder: inout ProgramBuilder) {
      for wanted in moments where wanted.moment == moment { builder.emit(.stamp(d: wanted.slot, kind), at: range) }
    }
    var stampsItself = false
    switch step.kind {
    case .operation, .transaction, .rollback: stampsItself = true
    case .set, .choice, .loop, .think, .awaitHop, .awaitProbe, .log, .fail, .switchOn, .weighted, .forEach, .whileLoop, .group, .parallel,
      .call, .measure, .stop, .invalid:
      stamp(.start, .now, &builder)
    }
    noteArms(of: step)
    switch step.kind {
    case .operation(let operation), .rollback(let operation):
      submit(operation, at: range)
      stamp(.start, .operationStart, &builder)
      stamp(.end, .operationEnd, &builder)
      if case .rollback = step.kind, let transaction = transactions.last {
        for event in transaction.events { builder.emit(.originAbort(event), at: range) }
        builder.jump(to: transaction.after, at: range)
      }
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
    case .switchOn(let subject, let type, let cases, let otherwise):
      lower(subject, type, cases, otherwise, at: range)
    case .weighted(let weights, let names, let branches):
      lower(weights, names, branches, of: step, at: range)
    case .forEach(let list, let item, let steps):
      forEach(list, item, steps, at: range)
    case .whileLoop(let condition, let max, let steps):
      whileLoop(condition, max, steps, at: range)
    case .group(let steps):
      let from = builder.temporary(.int)
      builder.emit(.stamp(d: from, .now), at: range)
      lower(steps)
      builder.emit(.endGroup(step.index, from: from), at: range)
    case .parallel(let join, let names, let lanes):
      let index = LanesIndex(builder.program.lanes.count)
      builder.program.lanes.append(LanesDescription(step: step.index, join: join, names: names, entries: []))
      pendingLanes.append((index, step.index, join, names, lanes, range))
      builder.emit(.runLanes(index), at: range)
    case .call(let inputs, let steps):
      for input in inputs {
        let mark = builder.mark()
        put(input.value, into: input.slot)
        builder.release(to: mark)
      }
      // Another call of the same place, in a loop, begins with nothing captured.
      clear(chain.optionalSlots.intersection(assignedSlots(steps)).subtracting(inputs.map(\.slot)), at: range)
      lower(steps)
    case .measure(let measures):
      for measure in measures {
        guard let index = builder.program.measures.firstIndex(where: { $0.name == measure.name.text }) else { continue }
        builder.emit(.measure(MeasureIndex(index), from: measure.from, to: measure.to), at: measure.name.range)
      }
    case .stop(let endsRun):
      builder.emit(.stop(step.index, endsRun: endsRun), at: range)
    case .invalid:
      preconditionFailure("a step with a finding is never lowered")
    }
    if !stampsItself { stamp(.end, .now, &builder) }
    builder.release(to: mark)
    if !isAssigned { assign(step) }
    for action in step.origins { lower(action, at: range) }
    for check in step.checks { lower(check, of: step) }
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

  mutating func put(_ value: TypedValue) -> SlotIndex {
    switch value {
    case .expression(let expression): return builder.lower(expression)
    case .text:
      let slot = builder.temporary(.string)
      put(value, into: slot)
      return slot
    }
  }

  mutating func put(_ value: TypedValue, into slot: SlotIndex) {
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
    let moments = moments[step.index] ?? []
    submit(transaction.begin, at: range)
    for moment in moments where moment.moment == .start { builder.emit(.stamp(d: moment.slot, .operationStart), at: range) }
    builder.release(to: mark)
    let after = builder.makeLabel()
    transactions.append((after, transaction.events.map(\.event)))
    let start = builder.pc
    lower(transaction.steps)
    transactions.removeLast()
    builder.emit(.enterStep(step.index), at: range)
    submit(transaction.commit, at: range)
    let end = builder.pc
    for moment in moments where moment.moment == .end { builder.emit(.stamp(d: moment.slot, .operationEnd), at: range) }
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
    let moments = moments[probe.operation.step] ?? []
    builder.emit(.probeBegin(step.index, within: within), at: range)
    let look = builder.makeLabel()
    let seen = builder.makeLabel()
    builder.place(look)
    builder.emit(.submit(operation), at: range)
    for moment in moments { builder.emit(.stamp(d: moment.slot, moment.moment == .start ? .operationStart : .operationEnd), at: range) }
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
      let start = builder.pc
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
      var run: (entry: Int, slot: SlotIndex)?
      if let expression = hop.run {
        run = (start, fresh(expression, "run"))
        builder.emit(.end, at: range)
      }
      let entry = builder.pc
      let id = fresh(hop.id, "id")
      let key = hop.key.map { fresh($0, "key") }
      let version = hop.version.map { fresh($0, "version") }
      let body = zip(event.body, hop.body).map { field, expression in expression.map { fresh($0, field.name) } }
      builder.emit(.end, at: range)
      hops.append(
        HopDeclaration(
          name: hop.name.text, connection: hop.connection, observer: hop.observer, operands: hop.operands, mappingEntry: entry, idSlot: id,
          keySlot: key, versionSlot: version, bodySlots: body, readsContent: readsContent(from: start),
          showsMessages: hop.showsMessages, run: run, expiresNanoseconds: hop.expiresNanoseconds, guarantees: hop.guarantees, range: range))
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
