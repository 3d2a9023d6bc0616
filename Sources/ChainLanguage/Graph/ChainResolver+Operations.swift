internal import ChainProgram
internal import Diagnostics

/// Operations, transactions and probes.
extension ChainResolver {
  static let defaultTimeoutNanoseconds: UInt64 = 10_000_000_000

  func resolveOperation(
    _ node: StepNode, _ operation: OperationNode, _ index: StepIndex, _ flow: inout FlowState, _ context: StepContext
  ) -> (kind: TypedStepKind, ends: Bool) {
    guard let nested = operation.nested else {
      lintPeek(node, operation, isRepeated: context.isInLoop)
      return (self.operation(node, operation, index, flow, context).map { .operation($0) } ?? .invalid, false)
    }
    return resolveTransaction(node, operation, nested, index, &flow, context)
  }

  /// One plain operation with its operands compiled.
  private func operation(
    _ node: StepNode, _ operation: OperationNode, _ index: StepIndex, _ flow: FlowState, _ context: StepContext
  ) -> TypedOperation? {
    var arguments: [TypedExpression] = []
    var operands: [(name: String, value: OperandTemplate)] = []
    var isWhole = true
    let scope = scope(flow)
    notePlace(node.verb.range, operation.operand, isSQL: operation.schema.operand == .sql)
    if let main = operand(operation.operand, operation.schema.operand, key: operation.schema.name, scope, arguments: &arguments) {
      operands.append((operation.schema.name, main))
    } else {
      isWhole = false
    }
    for (key, entry) in operation.options {
      if let value = operand(entry.value, key.form, key: key.name, scope, arguments: &arguments) {
        operands.append((key.name, value))
      } else {
        isWhole = false
      }
    }
    let timeout = constantDuration(node.timeout, "timeout")
    guard let connection = connection(node, operation.connector, verb: operation.schema.name, context, reports: true) else { return nil }
    checkHeld(connection, node, context)
    let effect = operation.schema.effect(operandText(operation))
    if !isRefused(operation) { checkAccess(operation, effect, builder.program.connections[connection.index]) }
    let writes = effect != .reads
    if writes, let transaction = context.transaction, transaction.connection == connection { transaction.hasWrites = true }
    guard isWhole, arguments.count <= Int(UInt16.max) else { return nil }
    let levels = operation.connector.accessLevels
    let mayWrite = builder.program.connections[connection.index].access != levels.first || levels.count < 2
    if effect == .writes || effect == .unclear, mayWrite, operation.schema.operand == .words { lintKey(operands.first?.value, arguments, at: operation.operand.placeRange) }
    return TypedOperation(
      step: index, connection: connection, verb: operation.schema.name, role: .plain, writes: writes, operands: operands,
      arguments: arguments, timeoutNanoseconds: timeout ?? Self.defaultTimeoutNanoseconds)
  }

  /// The operand as its verb's rules read it: literal text, each expression replaced by `?`.
  func operandText(_ operation: OperationNode) -> String {
    func plain(_ scalar: YAMLScalar) -> String {
      var silent = Findings()
      var text = ""
      for piece in ScalarTemplate.parse(expressionText(scalar), into: &silent).pieces {
        switch piece {
        case .literal(let literal, _, _): text += literal
        case .expression: text += "?"
        }
      }
      return text
    }
    if let scalar = operation.operand.scalar {
      // What cannot be read has its finding, and gets no second one for what it might say: this only reads.
      if operation.schema.operand == .fileOrText, let path = textFilePath(scalar) {
        if case .success(let bytes) = textFile(path) { return String(decoding: bytes, as: UTF8.self) }
        return "{ nothing }"
      }
      return plain(scalar)
    }
    return (operation.operand.items ?? []).compactMap { $0.scalar.map(plain) }.joined(separator: " ")
  }

  /// The connection that a step uses; nil with a finding if that is not clear.
  ///
  /// - Parameter reports: Whether to say what is wrong; false where it is asked for a second time.
  func connection(
    _ node: StepNode, _ connector: ConnectorSchema, verb: String, _ context: StepContext, reports: Bool
  ) -> ConnectionIndex? {
    let all = builder.program.connections
    if let entry = node.conn {
      guard let scalar = entry.value.scalar else {
        if reports { _ = ChainLanguage.scalar(entry, into: &findings) }
        return nil
      }
      return connection(named: scalar, kind: connector.kind, title: connector.title, user: "'\(verb)'", reports: reports)
    }
    if let transaction = context.transaction, transaction.kind == connector.kind { return transaction.connection }
    let candidates = all.indices.filter { all[$0].kind == connector.kind }
    if candidates.count == 1 { return ConnectionIndex(candidates[0]) }
    guard reports else { return nil }
    if candidates.isEmpty {
      // A connection with a finding of its own is not in the table; then nothing more is said.
      if !graph.connections.contains(where: { $0.schema == nil || $0.schema?.kind == connector.kind }) {
        findings.add(
          .missingKey, at: node.verb.range, "'\(verb)' needs a \(connector.title) connection, and the chain has none",
          help: "declare one under 'connections': { \(connector.kind): $env.NAME }")
      }
    } else {
      findings.add(
        .ambiguousConnection, at: node.verb.range, "'\(verb)' could use \(listPhrase(candidates.map { all[$0].name }))",
        help: "say which one with 'conn'")
    }
    return nil
  }

  func connection(named scalar: YAMLScalar, kind: String, title: String, user: String, reports: Bool) -> ConnectionIndex? {
    let all = builder.program.connections
    guard let found = all.firstIndex(where: { $0.name == scalar.text }) else {
      if reports, !graph.connections.contains(where: { $0.name.text == scalar.text }) {
        reportUnknownName(scalar, what: "connection", among: all.map(\.name))
      }
      return nil
    }
    guard all[found].kind == kind else {
      if reports {
        let usable = all.filter { $0.kind == kind }.map(\.name)
        findings.add(
          .badValue, at: scalar.range, "\(user) needs a \(title) connection, and '\(scalar.text)' is none",
          help: usable.isEmpty ? nil : "connections of that kind: \(listPhrase(usable))")
      }
      return nil
    }
    return ConnectionIndex(found)
  }

  private func resolveTransaction(
    _ node: StepNode, _ operation: OperationNode, _ nested: [StepNode], _ index: StepIndex, _ flow: inout FlowState, _ context: StepContext
  ) -> (kind: TypedStepKind, ends: Bool) {
    if context.transaction != nil {
      findings.add(.badValue, at: node.verb.range, "a transaction does not stand inside another one")
    }
    var arguments: [TypedExpression] = []
    var operands: [(name: String, value: OperandTemplate)] = []
    if operation.operand.scalar?.isNull != true,
      let level = operand(
        operation.operand, operation.schema.operand == .block ? .text : operation.schema.operand, key: operation.schema.name, scope(flow),
        arguments: &arguments)
    {
      operands.append((operation.schema.name, level))
    }
    for (key, entry) in operation.options {
      if let value = operand(entry.value, key.form, key: key.name, scope(flow), arguments: &arguments) {
        operands.append((key.name, value))
      }
    }
    let timeout = constantDuration(node.timeout, "timeout") ?? Self.defaultTimeoutNanoseconds
    let connection = connection(node, operation.connector, verb: operation.schema.name, context, reports: true)
    let inside = TransactionContext(connection: connection, kind: operation.connector.kind)
    if let connection { checkHeld(connection, node, context) }
    var inner = StepContext()
    inner.transaction = inside
    inner.held = context.held
    inner.isInLane = context.isInLane
    takeUpOrigins(inside, node, index)
    let (steps, goesOn) = resolveList(nested, &flow, inner)
    finishOrigins(inside, node, flow)
    let ways = (goesOn ? [FlowWay(flow)] : []) + inside.rollbacks
    if !ways.isEmpty { flow = merge(ways) }
    guard let connection else { return (.invalid, ways.isEmpty) }
    func part(_ role: OperationRole, writes: Bool) -> TypedOperation {
      TypedOperation(
        step: index, connection: connection, verb: operation.schema.name, role: role, writes: writes,
        operands: role == .beginsTransaction ? operands : [], arguments: role == .beginsTransaction ? arguments : [],
        timeoutNanoseconds: timeout)
    }
    let transaction = TypedStepKind.transaction(
      TypedTransaction(
        begin: part(.beginsTransaction, writes: false), commit: part(.commitsTransaction, writes: inside.hasWrites),
        rollback: part(.rollsBackTransaction, writes: false), steps: steps, events: inside.origins.map { ($0.index, $0.flag) }))
    return (transaction, ways.isEmpty)
  }

  /// `pool-self-deadlock`: a lane waits for a second connection of the pool that the transaction around it holds one of.
  private func checkHeld(_ connection: ConnectionIndex, _ node: StepNode, _ context: StepContext) {
    guard context.held.contains(connection) else { return }
    let name = builder.program.connections[connection.index].name
    findings.add(
      .poolSelfDeadlock, at: node.verb.range,
      "a lane is no part of the transaction around it, and would wait for another connection of '\(name)' while one is held",
      help: "put the transaction into the lane, or the step before or after 'parallel'")
  }

  func resolveProbe(_ node: StepNode, _ probe: ProbeNode, _ index: StepIndex, _ flow: FlowState, _ context: StepContext) -> TypedStepKind {
    guard case .operation(let operation) = probe.probe.kind else { return .invalid }
    if operation.nested != nil {
      findings.add(.badValue, at: probe.probe.verb.range, "a probe is one read, and '\(probe.probe.verb.text)' is a block of steps")
      return .invalid
    }
    // The looks are samples of a step of their own, so that the wait is never counted as one request.
    let inner = StepIndex(builder.program.steps.count)
    let waiting = builder.program.steps[index.index]
    let id = probe.probe.id.map { (frames.last?.prefix ?? "") + $0.text } ?? "\(waiting.id)_probe"
    builder.program.steps.append(
      StepDescription(
        id: id, name: probe.probe.name?.text ?? id, method: operation.schema.method(operandText(operation)), verb: probe.probe.verb.text,
        range: probe.probe.verb.range,
        connection: connection(probe.probe, operation.connector, verb: operation.schema.name, context, reports: false)))
    register(inner, id: id, ownId: probe.probe.id?.text)
    block.steps.insert(inner)
    let typedOperation = self.operation(probe.probe, operation, inner, flow, context)
    lintPeek(probe.probe, operation, isRepeated: true)
    if operation.schema.effect(operandText(operation)) != .reads {
      findings.add(
        .badValue, at: probe.probe.verb.range, "a probe is repeated and only reads, and this one may write",
        help: "write once in a step of its own, and wait with a read")
    }
    let until = probe.until.map { expression($0, scope(flow, results: operation.schema.result), .condition("until")) }
    let within = deadline(node, probe.within, flow)
    func duration(_ entry: YAMLEntry?, _ key: String, default nanoseconds: Int64) -> TypedValue? {
      guard let entry else { return .expression(TypedExpression(.constant(.duration(nanoseconds)), .duration, range: node.verb.range)) }
      return value(entry.value, key: key, scope(flow), .duration(key))
    }
    var start = duration(probe.start, "start", default: 50_000)
    var max = duration(probe.max, "max", default: 100_000_000)
    if let every = probe.every {
      start = value(every, key: "every", scope(flow), .duration("every"))
      max = start
    }
    guard let typedOperation, let until, !until.isInvalid, let within, let start, let max, let factor = growth(probe) else {
      return .invalid
    }
    return .awaitProbe(TypedProbe(operation: typedOperation, until: until, within: within, start: start, factor: factor, max: max))
  }

  /// How much the pause grows: at least 1.
  private func growth(_ probe: ProbeNode) -> TypedValue? {
    guard let entry = probe.factor else {
      return .expression(TypedExpression(.constant(.float(probe.every == nil ? 1.25 : 1)), .float, range: probe.probe.range))
    }
    guard let scalar = scalar(entry, into: &findings) else { return nil }
    guard let factor = Double(scalar.text), factor.isFinite, (1...1_000).contains(factor) else {
      findings.add(.badLiteral, at: scalar.range, "'factor' is a number from 1 to 1000")
      return nil
    }
    return .expression(TypedExpression(.constant(.float(factor)), .float, range: scalar.range))
  }

  /// The `within` of a wait, which every wait has.
  func deadline(_ node: StepNode, _ within: YAMLEntry?, _ flow: FlowState) -> TypedValue? {
    guard let within else {
      findings.add(.awaitWithoutDeadline, at: node.verb.range, "every wait has a deadline", help: "say how long with 'within: 5s'")
      return nil
    }
    return value(within.value, key: "within", scope(flow), .duration("within"))
  }
}
