internal import ChainProgram
internal import Diagnostics

/// An event while its origin is looked for and its identity becomes known.
final class OriginState {
  let node: EventNode
  let index: EventIndex
  /// The origin's step, once the walk has come to it.
  var step: StepIndex?
  /// Tells the commit whether the origin was reached; nil where it always is.
  var flag: SlotIndex?
  var identity: TypedIdentity?
  /// It has a finding; nothing more is said about it.
  var isInvalid = false

  init(node: EventNode, index: EventIndex) {
    self.node = node
    self.index = index
  }
}

/// Events: where their identity is known, when they are acknowledged, and how their hops are read.
extension ChainResolver {
  static let bodyExpectation = Expectation(
    .text, "a field of an event's body is a number, a text, a bool, a uuid, an instant or a duration")

  func prepareOrigins() {
    for node in graph.events {
      guard origins.count < 1_000 else {
        findings.add(.limitExceeded, at: node.name.range, "a chain has at most 1000 events")
        return
      }
      origins.append(OriginState(node: node, index: EventIndex(origins.count)))
    }
  }

  /// Called after each step: is it an event's origin, or does it complete the identity of one that waits for its commit?
  func placeOrigins(_ step: TypedStep, _ flow: FlowState, _ context: StepContext) {
    guard !isRehearsal else { return }
    for origin in origins where !origin.isInvalid {
      if let name = origin.node.origin, isMeant(step, by: name.text), origin.step != step.index {
        if let first = origin.step {
          reportSecondOrigin(origin, first, step)
          continue
        }
        origin.step = step.index
        locate(origin, step, flow, context)
      } else if origin.identity == nil, !context.isConditional || origin.flag != nil, let transaction = context.transaction, transaction.origins.contains(where: { $0 === origin }), isKnown(origin, flow) {
        identify(origin, flow).map { step.origins.append(.identify($0, flag: origin.flag)) }
      }
    }
  }

  /// Whether a name means this step: its id, or inside calls its id without them.
  private func isMeant(_ step: TypedStep, by name: String) -> Bool {
    guard let id = step.node.id?.text else { return false }
    guard let frame = frames.last else { return name == id }
    return name == frame.prefix + id || name == frame.aliasPrefix + id || (name == id && idRanges[id] == nil)
  }

  private func reportSecondOrigin(_ origin: OriginState, _ first: StepIndex, _ step: TypedStep) {
    guard let name = origin.node.origin else { return }
    origin.isInvalid = true
    let ids = [first, step.index].map { builder.program.steps[$0.index].id }
    findings.add(
      .badValue, at: name.range, "'\(name.text)' means several steps, for its flow is called several times",
      help: "give the calls ids, so that the origin is one of \(listPhrase(ids))")
  }

  /// Names of an event's own expressions: the variables where its origin stands, then those of the calls around it.
  private func eventScope(_ flow: FlowState) -> StepScope {
    guard !frames.isEmpty else { return scope(flow) }
    var merged = flow
    var fixed = block.fixed
    var anywhere = block.anywhere
    for frame in frames.reversed() {
      for (name, bound) in frame.flow where merged[name] == nil && anywhere[name] == nil { merged[name] = bound }
      fixed.merge(frame.block.fixed) { first, _ in first }
      anywhere.merge(frame.block.anywhere) { first, _ in first }
    }
    return StepScope(flow: merged, fixed: fixed, anywhere: anywhere)
  }

  private func locate(_ origin: OriginState, _ step: TypedStep, _ flow: FlowState, _ context: StepContext) {
    switch step.kind {
    case .operation(let operation):
      guard let transaction = context.transaction, transaction.connection == operation.connection else {
        // On its own, the operation's end is the acknowledgement, so everything must be known by then.
        guard requireKnown(origin, flow, "is acknowledged"), let identity = identify(origin, flow) else { return }
        step.origins.append(.identify(identity, flag: nil))
        step.origins.append(.acknowledge(origin.index))
        return
      }
      if context.isInLoop {
        origin.isInvalid = true
        findings.add(
          .notSupportedYet, at: step.node.verb.range,
          "an origin in a loop inside one transaction would be several events with one commit, which this version does not follow",
          help: "put the transaction into the loop")
        return
      }
      transaction.origins.append(origin)
      if context.isConditional {
        // Identified where it happens, or another path would identify an event that never was.
        origin.flag = builder.declare(".origin.\(origin.node.name.text)", .bool)
        guard requireKnown(origin, flow, "is done, inside 'if'") else { return }
      }
      if isKnown(origin, flow), let identity = identify(origin, flow) { step.origins.append(.identify(identity, flag: origin.flag)) }
    case .transaction, .invalid:
      // A transaction as the origin was taken up when it began.
      origin.isInvalid = true
    case .set, .choice, .loop, .think, .awaitHop, .awaitProbe, .log, .fail, .switchOn, .weighted, .forEach, .whileLoop, .group, .parallel,
      .call, .measure, .stop, .rollback:
      origin.isInvalid = true
      if let name = origin.node.origin {
        findings.add(
          .badValue, at: name.range, "an event's origin is a step that a system acknowledges, and '\(step.node.verb.text)' is none",
          related: [Related(step.node.verb.range, "the step")])
      }
    }
  }

  /// At a transaction's end: what has its origin inside is identified by now, or cannot be acknowledged.
  func finishOrigins(_ transaction: TransactionContext, _ node: StepNode, _ flow: FlowState) {
    for origin in transaction.origins where origin.identity == nil && !origin.isInvalid { _ = requireKnown(origin, flow, "commits") }
  }

  /// At a transaction's beginning: the events whose origin it is. Their identity is complete at the commit.
  func takeUpOrigins(_ transaction: TransactionContext, _ node: StepNode, _ index: StepIndex) {
    guard !isRehearsal else { return }
    let step = TypedStep(node: node, index: index, kind: .invalid)
    for origin in origins where !origin.isInvalid {
      guard let name = origin.node.origin, isMeant(step, by: name.text) else { continue }
      if let first = origin.step {
        reportSecondOrigin(origin, first, step)
        continue
      }
      origin.step = index
      transaction.origins.append(origin)
    }
  }

  /// All names that an event's identity reads.
  func namesRead(_ event: EventNode) -> Set<String> {
    var names: Set<String> = []
    var silent = Findings()
    for node in [event.id, event.key, event.version].compactMap({ $0 }) + event.body.map(\.value) {
      guard let scalar = node.scalar else { continue }
      for expression in ScalarTemplate.parse(expressionText(scalar), into: &silent).expressions {
        expression.forEachRootName { name, _ in names.insert(name) }
      }
    }
    return names
  }

  private func isKnown(_ origin: OriginState, _ flow: FlowState) -> Bool { firstUnknown(origin.node, flow) == nil }

  /// The first name that an event's identity reads and that has no value yet.
  private func firstUnknown(_ event: EventNode, _ flow: FlowState) -> (name: String, range: SourceRange, captured: SourceRange)? {
    var unknown: (name: String, range: SourceRange, captured: SourceRange)?
    var silent = Findings()
    let scope = eventScope(flow)
    for node in [event.id, event.key, event.version].compactMap({ $0 }) + event.body.map(\.value) {
      guard let scalar = node.scalar else { continue }
      for expression in ScalarTemplate.parse(expressionText(scalar), into: &silent).expressions {
        expression.forEachRootName { name, range in
          if unknown == nil, scope.flow[name] == nil, scope.fixed[name] == nil, let captured = scope.anywhere[name] {
            unknown = (name, range, captured)
          }
        }
      }
    }
    return unknown
  }

  private func requireKnown(_ origin: OriginState, _ flow: FlowState, _ when: String) -> Bool {
    guard let unknown = firstUnknown(origin.node, flow) else { return true }
    origin.isInvalid = true
    block.excused.formUnion(namesRead(origin.node))
    findings.add(
      .useBeforeCapture, at: unknown.range,
      "'\(unknown.name)' must be known when the origin '\(origin.node.origin?.text ?? "")' \(when), and is captured later",
      help: "an event is identified before its clock starts", related: [Related(unknown.captured, "captured here")])
    return false
  }

  private func identify(_ origin: OriginState, _ flow: FlowState) -> TypedIdentity? {
    let identity = self.identity(origin.node, origin.index, flow)
    origin.identity = identity
    if identity == nil { origin.isInvalid = true }
    return identity
  }

  private func identity(_ node: EventNode, _ index: EventIndex, _ flow: FlowState) -> TypedIdentity? {
    let scope = eventScope(flow)
    let wanted = Expectation(.oneOf([.int, .string, .uuid]), "an event's id is an int, a string or a uuid")
    let id = node.id.flatMap { value($0, key: "id", scope, wanted) }
    let keyWanted = Expectation(.oneOf([.int, .string, .uuid]), "an event's key is an int, a string or a uuid")
    let key = node.key.flatMap { value($0, key: "key", scope, keyWanted) }
    let version = node.version.flatMap { value($0, key: "version", scope, Expectation(.type(.int), "an event's version is an int")) }
    let body = node.body.map { value($0.value, key: $0.key.text, scope, Self.bodyExpectation) }
    guard let id, node.key == nil || key != nil, node.version == nil || version != nil, !body.contains(where: { $0 == nil }) else {
      return nil
    }
    return TypedIdentity(
      event: index, id: id, key: key, version: version, body: body.compactMap { $0 }, range: node.name.range)
  }

  // Waiting for a hop

  func resolveAwait(_ node: StepNode, _ path: YAMLScalar, _ within: YAMLEntry?, _ flow: FlowState, _ context: StepContext) -> TypedStepKind
  {
    let deadline = deadline(node, within, flow)
    let parts = path.text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map { String($0) ?? "" }
    guard parts.count == 2 else {
      findings.add(
        .badValue, at: path.range, "'await' names an event and its hop", help: "write 'await: event.hop', or a probe: 'await: { sql: … }'")
      return .invalid
    }
    guard let origin = origins.first(where: { $0.node.name.text == parts[0] }) else {
      let names = origins.map(\.node.name.text)
      findings.add(
        .unknownName, at: path.rawRange(ofCookedUTF8: 0..<parts[0].utf8.count), "there is no event '\(shown(parts[0]))'",
        help: nearestName(to: parts[0], among: names).map { "did you mean '\($0)'?" }
          ?? (names.isEmpty ? "the chain declares none under 'events'" : "the events: \(listPhrase(names))"))
      return .invalid
    }
    let hops = origin.node.hops.map(\.name.text)
    guard let hop = hops.firstIndex(of: parts[1]), hop < 256 else {
      let start = parts[0].utf8.count + 1
      findings.add(
        .unknownName, at: path.rawRange(ofCookedUTF8: start..<path.text.utf8.count), "event '\(parts[0])' has no hop '\(shown(parts[1]))'",
        help: nearestName(to: parts[1], among: hops).map { "did you mean '\($0)'?" } ?? "its hops: \(listPhrase(hops))")
      return .invalid
    }
    if origin.isInvalid || isRehearsal { return .invalid }
    if let unknown = firstUnknown(origin.node, flow) {
      findings.add(
        .useBeforeCapture, at: path.range, "this waits for an event whose '\(unknown.name)' is not known yet",
        help: "wait after the step that makes the event", related: [Related(unknown.captured, "captured here")])
      return .invalid
    }
    guard origin.step != nil else {
      if let name = origin.node.origin, !steps(named: name.text).isEmpty || idRanges[name.text] != nil || isInFlow(name.text) {
        findings.add(
          .useBeforeCapture, at: path.range, "this waits for an event whose origin '\(name.text)' comes later",
          help: "wait after the step that makes the event")
      }
      return .invalid
    }
    let wanted = Expectation(.oneOf([.int, .string, .uuid]), "an event's id is an int, a string or a uuid")
    lintDeadline(deadline, of: origin, within)
    guard let deadline, let id = origin.node.id.flatMap({ value($0, key: "id", eventScope(flow), wanted) }) else { return .invalid }
    return .awaitHop(origin.index, hop: UInt8(hop), id: id, within: deadline)
  }

  /// Whether a step of some flow has the id, without what stands before the last '.'.
  private func isInFlow(_ name: String) -> Bool {
    let last = String(name.utf8.split(separator: UInt8(ascii: ".")).last.flatMap { String($0) } ?? "")
    func contains(_ nodes: [StepNode]) -> Bool {
      nodes.contains { $0.id?.text == last || $0.nestedLists.contains(where: contains) }
    }
    return chainFiles.contains { $0.graph.flows.contains { contains($0.steps) } }
  }

  // Hops

  /// After the walk: origins that never came, and the hops, whose types follow from the identity.
  func finishEvents() {
    for origin in origins {
      if origin.step == nil, let name = origin.node.origin {
        if let place = idRanges[name.text] {
          findings.add(
            .badValue, at: name.range, "an event's origin stands in 'steps', and '\(name.text)' does not",
            related: [Related(place, "the step")])
        } else {
          if isInFlow(name.text), name.text.utf8.contains(UInt8(ascii: ".")) {
            findings.add(
              .unknownName, at: name.range, "no call in the iteration leads to a step '\(shown(name.text))'",
              help: "an origin inside a flow is written as the call's id (or the flow's name), '.' and the step's id")
          } else {
            reportUnknownName(name, what: "step", among: idRanges.keys.sorted() + stepsByAlias.keys.sorted())
          }
        }
      }
      let identity = origin.identity
      let deadline = constantDuration(origin.node.deadline, "deadline") ?? 1_000_000_000
      let settle = constantDuration(origin.node.settle, "settle") ?? max(10_000_000_000, deadline)
      if settle < deadline, let entry = origin.node.settle {
        findings.add(
          .badValue, at: entry.value.placeRange, "'settle' is shorter than 'deadline', and an event is lost only after it is late",
          help: "make it at least as long")
      }
      let hops = origin.node.hops.compactMap { hop($0, of: origin.node, identity) }
      guard let identity, let step = origin.step, hops.count == origin.node.hops.count, hops.count <= 256 else { continue }
      typed.events.append(
        TypedEvent(
          declaration: origin.node, origin: step, idType: identity.id.type, hasKey: identity.key != nil,
          hasVersion: identity.version != nil,
          body: zip(origin.node.body, identity.body).map { ($0.key.text, $1.type) }, deadlineNanoseconds: deadline,
          settleNanoseconds: settle, hops: hops))
    }
  }

  private func hop(_ node: HopNode, of event: EventNode, _ identity: TypedIdentity?) -> TypedHop? {
    guard let observer = node.observer else { return nil }
    let schema = observer.schema
    notePlace(node.name.range, observer.entry.value, isSQL: false)
    var arguments: [TypedExpression] = []
    var operands: [(name: String, value: OperandTemplate)] = []
    let fixed = StepScope(flow: [:], fixed: constants, anywhere: [:])
    for (name, form, value) in [(schema.name, schema.operand, observer.entry.value)]
      + node.options.map({ ($0.key.name, $0.key.form, $0.entry.value) })
    {
      if form == .place || form == .sqlOfIDs {
        if let template = eventOperand(value, form, key: name, eventFields(form, event, identity)) { operands.append((name, template)) }
        continue
      }
      let before = arguments.count
      guard let template = operand(value, form, key: name, fixed, arguments: &arguments) else { continue }
      if arguments.count > before, arguments[before...].contains(where: { $0.constant == nil }) {
        findings.add(.badValue, at: value.placeRange, "an observer is set up before the load, so '\(name)' must be known by then")
        continue
      }
      operands.append((name, literalized(template, arguments)))
    }
    if let refusal = schema.refusal(operands), operands.count == 1 + node.options.count {
      let place = node.options.first { $0.key.name == refusal.key }?.entry.value.placeRange ?? observer.entry.value.placeRange
      findings.add(.badValue, at: place, refusal.message, help: refusal.help)
    }
    let connection = hopConnection(node, observer.kind, schema.name)
    // In a sighting's block only what was seen and the variables of the run can be read.
    let scope = StepScope(flow: [:], fixed: constants, anywhere: block.anywhere, results: schema.result)
    let idExpectation: Expectation
    if let identity {
      idExpectation = Expectation(.type(identity.id.type), "the id of '\(event.name.text)' is \(identity.id.type)")
    } else {
      idExpectation = Expectation(.oneOf([.int, .string, .uuid]), "an event's id is an int, a string or a uuid")
    }
    let id = node.id.map { expression($0, scope, idExpectation) }
    let keyType = identity?.key?.type ?? identity?.id.type
    let key = node.key.map {
      expression($0, scope, keyType.map { Expectation(.type($0), "the key of '\(event.name.text)' is \($0)") } ?? Self.bodyExpectation)
    }
    let version = node.version.map { expression($0, scope, Expectation(.type(.int), "a version is an int")) }
    let run = node.run.map { expression($0, scope, Expectation(.type(.string), "a run's id is a string")) }
    let expires = constantDuration(node.expires, "expires")
    let guarantees = guarantees(of: node, at: event, operands)
    var body = [TypedExpression?](repeating: nil, count: event.body.count)
    for entry in node.body {
      guard let scalar = entry.value.scalar else {
        findings.add(.wrongNodeKind, at: entry.value.placeRange, "a body field is an expression, and this is \(entry.value.kindPhrase)")
        continue
      }
      guard let place = event.body.firstIndex(where: { $0.key.text == entry.key.text }) else {
        reportUnknownName(entry.key, what: "body field of the event", among: event.body.map(\.key.text))
        continue
      }
      let type = identity.flatMap { $0.body.indices.contains(place) ? $0.body[place].type : nil }
      let wanted = type.map { Expectation(.type($0), "the body's '\(entry.key.text)' is \($0)") } ?? Self.bodyExpectation
      body[place] = expression(scalar, scope, wanted)
    }
    guard let id, let connection, !([id, key, version, run] + body).contains(where: { $0?.isInvalid == true }) else { return nil }
    return TypedHop(
      name: node.name, connection: connection, observer: schema.name, operands: operands, id: id, key: key, version: version, run: run,
      body: body, showsMessages: schema.showsMessages, expiresNanoseconds: expires, guarantees: guarantees)
  }

  // What names one event

  /// The fields of an event that an operand may name: the slots are places among id, key, version and the body's fields.
  private func eventFields(_ form: OperandForm, _ event: EventNode, _ identity: TypedIdentity?) -> FlowState {
    func bound(_ place: Int, _ type: ValueType?, _ range: SourceRange) -> Bound {
      Bound(slot: SlotIndex(place), type: type ?? .invalid, captured: range)
    }
    let id = event.id?.placeRange ?? event.name.range
    // The parameter is one text, whatever the ids are.
    if form == .sqlOfIDs { return ["ids": bound(0, .string, id)] }
    var fields: FlowState = [:]
    for (place, field) in event.body.enumerated() {
      let type = identity.flatMap { $0.body.indices.contains(place) ? $0.body[place].type : nil }
      fields[field.key.text] = bound(3 + place, type, field.key.range)
    }
    if let version = event.version { fields["version"] = bound(2, identity?.version?.type, version.placeRange) }
    // An event without a key is its own.
    fields["key"] = bound(event.key == nil ? 0 : 1, event.key == nil ? identity?.id.type : identity?.key?.type, event.key?.placeRange ?? id)
    fields["id"] = bound(0, identity?.id.type, id)
    return fields
  }

  /// A text or statement in which every `${…}` is one of `fields`, or known before the run; its arguments are numbered as the fields are.
  private func eventOperand(_ node: YAMLNode, _ form: OperandForm, key: String, _ fields: FlowState) -> OperandTemplate? {
    var arguments: [TypedExpression] = []
    guard let template = operand(node, form, key: key, StepScope(flow: fields, fixed: constants, anywhere: [:]), arguments: &arguments)
    else { return nil }
    var places: [Int?] = []
    for argument in arguments {
      if case .slot(let slot) = argument.kind {
        places.append(slot.index)
      } else if argument.constant != nil, form == .place {
        places.append(nil)
      } else {
        findings.add(
          .badValue, at: argument.range, "in '\(key)', '${…}' is one of \(listPhrase(fields.keys.sorted())), as it is",
          help: form == .place ? "what must be computed is mapped in the event's 'key', 'version' or 'body' first" : nil)
        return nil
      }
    }
    switch template {
    case .text(let text):
      return .text(
        TextTemplate(
          text.pieces.map { piece in
            guard case .argument(let number, let encoding) = piece else { return piece }
            if let place = places[number] { return .argument(place, encoding) }
            var bytes: [UInt8] = []
            _ = (arguments[number].constant ?? .null).appendText(to: &bytes)
            return .literal(bytes)
          }))
    case .sql(let text, let parameters):
      guard !parameters.isEmpty else {
        findings.add(
          .badValue, at: node.placeRange, "'\(key)' looks for the events that are on its way, and names no '${ids}'",
          help: "for example: SELECT id, amount FROM orders WHERE id = ANY(${ids})")
        return nil
      }
      return .sql(text: text, parameters: parameters.map { _ in 0 })
    case .words, .json, .textMap, .flag, .integer, .duration, .choice, .wordList: return template
    }
  }

  private func hopConnection(_ node: HopNode, _ kind: String, _ observer: String) -> ConnectionIndex? {
    let title = connectors.first { $0.kind == kind }?.title ?? kind
    let all = builder.program.connections
    if let entry = node.conn {
      return scalar(entry, into: &findings).flatMap {
        connection(named: $0, kind: kind, title: title, user: "'\(observer)'", reports: true)
      }
    }
    let candidates = all.indices.filter { all[$0].kind == kind }
    if candidates.count == 1 { return ConnectionIndex(candidates[0]) }
    if candidates.isEmpty {
      if !graph.connections.contains(where: { $0.schema == nil || $0.schema?.kind == kind }) {
        findings.add(.missingKey, at: node.name.range, "'\(observer)' needs a \(title) connection, and the chain has none")
      }
    } else {
      findings.add(
        .ambiguousConnection, at: node.name.range, "'\(observer)' could use \(listPhrase(candidates.map { all[$0].name }))",
        help: "say which one with 'conn'")
    }
    return nil
  }

  /// A template whose arguments are constants, with them put in.
  func literalized(_ template: OperandTemplate, _ arguments: [TypedExpression]) -> OperandTemplate {
    guard !arguments.isEmpty else { return template }
    let values = arguments.map { $0.constant ?? .null }
    func plain(_ text: TextTemplate) -> TextTemplate {
      var bytes: [UInt8] = []
      values.withUnsafeBufferPointer { if let base = $0.baseAddress { text.append(to: &bytes, arguments: base) } }
      return TextTemplate([.literal(bytes)])
    }
    switch template {
    case .words(let words): return .words(words.map(plain))
    case .text(let text): return .text(plain(text))
    case .json(let text): return .json(plain(text))
    case .textMap(let map): return .textMap(map.map { ($0.name, plain($0.value)) })
    case .sql, .flag, .integer, .duration, .choice, .wordList: return template
    }
  }
}
