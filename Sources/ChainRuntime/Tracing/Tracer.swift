import ChainIO
import ChainProgram
import Diagnostics

/// What a virtual user shows of itself at a moment.
struct TraceView {
  let user: ObjectIdentifier
  let frame: UnsafePointer<Value>
  let pc: Int
  let step: Int
  let stamp: UInt64
  let iteration: UInt64
}

/// Follows a traced run instruction by instruction and tells, as it happens, what an author wants to know.
///
/// Confined to the reactor's thread. Slow on purpose (a trace is one iteration): an untraced run never comes here. Whether a value is a secret
/// is followed from slot to slot, since temporaries are used again for other types; and a secret's text is taken out of whatever is shown.
final class Tracer {
  /// What an expression instruction gave, until the step instruction that uses it.
  struct Computed {
    let pc: Int
    let value: Value
    let isSecret: Bool
    /// Named slots that were read, with the values they had.
    let read: [(slot: SlotIndex, value: Value, isSecret: Bool)]
  }

  private struct Track {
    let lane: String?
    var lastPC = -1
    var step = -1
    var computed: [Computed] = []
    var assigned: [SlotIndex] = []
    var waitStart: UInt64 = 0
    var looks = 0
    /// What had been told when the step was entered.
    var tellCount = 0
    /// The latest condition; another one with the same range (the way down an `and`) takes its place.
    var decision: (range: SourceRange, holds: Bool, reads: [TracedRead])?
  }

  private let program: Program
  private let report: (TraceEntry) -> Void
  private var text = TracedText()
  private var tracks: [ObjectIdentifier: Track] = [:]
  /// For each frame, which slots hold something secret. Lanes share their parent's.
  private var secretSlots: [UnsafePointer<Value>: [Bool]] = [:]
  private var laneNames: [Int: String] = [:]
  private var tellCount = 0
  private let isNamed: [Bool]

  init(program: Program, report: @escaping (TraceEntry) -> Void) {
    self.program = program
    self.report = report
    isNamed = program.slots.map { !$0.name.hasPrefix(".") }
    for lanes in program.lanes { for (name, entry) in zip(lanes.names, lanes.entries) { laneNames[entry] = name } }
  }

  // The virtual users'

  /// A block or a lane begins.
  func began(_ view: TraceView, isLane: Bool) {
    if secretSlots[view.frame] == nil {
      let secret = program.slots.map { if case .secret = $0.type { true } else { false } }
      for (slot, isSecret) in secret.enumerated() where isSecret { text.learn(secret: view.frame[slot]) }
      secretSlots[view.frame] = secret
    }
    tracks[view.user] = Track(lane: isLane ? laneNames[view.pc] ?? "lane" : nil)
    tell(view, isLane ? .laneBegan : .blockBegan(block(at: view.pc, iteration: view.iteration)))
  }

  private func block(at pc: Int, iteration: UInt64) -> TraceEntry.Block {
    if pc == program.userSetupEntry { return .userSetup }
    if pc == program.userTeardownEntry { return .userTeardown }
    if pc == program.setupEntry { return .setup }
    if pc == program.teardownEntry { return .teardown }
    return .iteration(number: iteration, scenario: program.scenarios.first { $0.entry == pc }?.name ?? program.chain)
  }

  /// The user is about to execute the instruction at the view's pc; the one before it has been executed.
  func reached(_ view: TraceView) {
    guard var track = tracks.removeValue(forKey: view.user) else { return }
    if track.lastPC >= 0 { completed(track.lastPC, view, &track) }
    // `setup_vu` goes over into the iteration without a new start.
    if track.lastPC >= 0, case .end = program.instructions[track.lastPC], track.lane == nil {
      tell(view, .blockBegan(block(at: view.pc, iteration: view.iteration)))
    }
    track.lastPC = view.pc
    begin(view, &track)
    tracks[view.user] = track
  }

  func ended(_ ending: IterationEnding, _ view: TraceView, isLane: Bool) {
    tellAssigned(view)
    let end: TraceEntry.BlockEnd =
      switch ending {
      case .completed: .completed
      case .failed: .failed
      case .unknown: .unknown
      case .interrupted: .interrupted
      case .withdrawn: .withdrawn
      }
    tell(view, isLane ? .laneEnded(end) : .blockEnded(end))
    tracks[view.user] = nil
  }

  func operationEnded(_ call: OperationCall, _ view: TraceView) {
    let operation = program.operations[call.operation]
    tracks[view.user]?.looks += 1
    tell(
      view,
      .operationEnded(
        OperationIndex(call.operation), result: call.ending == .ok ? text.result(call.result, of: operation) : "",
        poolWaitNanoseconds: call.startedNanoseconds &- call.submittedNanoseconds,
        serviceNanoseconds: call.endedNanoseconds &- call.startedNanoseconds, call.ending))
  }

  func raised(_ error: OperationError, _ ending: OperationCall.Ending, _ view: TraceView) {
    tellAssigned(view)
    tracks[view.user]?.lastPC = -1
    tracks[view.user]?.computed = []
    // It was told as a check that did not hold.
    guard error.class != .check else { return }
    let shown = OperationError(error.class, code: error.code, text.outside(error.message))
    tell(view, .raised(shown, ending, program.sources[view.pc]))
  }

  func forgave(_ view: TraceView) { tell(view, .forgiven) }

  // The ledger's

  func attempted(_ origin: EventBook.Origin, event: Int, id: Value?, sent: UInt64, acknowledged: UInt64) {
    let fate: TraceEntry.OriginFate
    switch origin {
    case .committed: fate = .committed
    case .rolledBack: fate = .rolledBack
    case .unknown, .unclaimed: fate = .unknown
    }
    let shown = id.map { text.value($0) } ?? "without an id"
    report(TraceEntry(at: acknowledged, lane: nil, happening: .originSettled(EventIndex(event), id: shown, fate, sentNanoseconds: sent)))
  }

  func sighted(event: Int, hop: Int, id: Value, body: [(name: String, value: Value)], notBefore: UInt64, seen: UInt64) {
    let types = program.events[event].body
    let shown = body.map { field in
      TracedVariable(name: field.name, type: types.first { $0.name == field.name }?.type.description ?? "", value: text.value(field.value))
    }
    report(
      TraceEntry(
        at: seen, lane: nil,
        happening: .hopSeen(
          EventIndex(event), hop: hop, id: text.value(id), body: shown, notBeforeNanoseconds: notBefore, seenNanoseconds: seen)))
  }

  // Instructions

  private func tell(_ view: TraceView, _ happening: TraceEntry.Happening) { tell(view, tracks[view.user]?.lane, happening) }

  private func tell(_ view: TraceView, _ lane: String?, _ happening: TraceEntry.Happening) {
    tellCount += 1
    report(TraceEntry(at: view.stamp, lane: lane, happening: happening))
  }

  private func isSecret(_ slot: Int, _ view: TraceView) -> Bool { secretSlots[view.frame]?[slot] ?? true }

  private func shown(_ slot: Int, _ view: TraceView) -> String { text.value(view.frame[slot], isSecret: isSecret(slot, view)) }

  private func variable(_ slot: Int, _ view: TraceView) -> TracedVariable {
    TracedVariable(name: program.slots[slot].name, type: program.slots[slot].type.description, value: shown(slot, view))
  }

  /// The instruction at `pc` has been executed; execution goes on at the view's pc.
  private func completed(_ pc: Int, _ view: TraceView, _ track: inout Track) {
    let instruction = program.instructions[pc]
    let sources = instruction.sources(in: program)
    if let d = instruction.destination {
      let secret = sources.contains { isSecret($0.index, view) }
      // Its own name says that it is a secret, whatever was put into it.
      let stays = if case .secret = program.slots[d.index].type, isNamed[d.index] { true } else { false }
      secretSlots[view.frame]?[d.index] = secret || stays
      if secret { text.learn(secret: view.frame[d.index]) }
      let read = sources.filter { isNamed[$0.index] && $0 != d }.map { ($0, view.frame[$0.index], isSecret($0.index, view)) }
      track.computed.append(Computed(pc: pc, value: view.frame[d.index], isSecret: secret || stays, read: read))
      if isNamed[d.index], !track.assigned.contains(d) { track.assigned.append(d) }
    }
    switch instruction {
    case .jumpIfFalse(_, let target):
      // The counter that ends a loop is none that a round has seen.
      if view.pc == Int(target), let owner = owner(of: pc), program.sources[pc] == program.steps[owner].range {
        track.assigned.removeAll { slot in track.computed.last?.read.contains { $0.slot == slot } ?? false }
      }
      decided(pc, holds: view.pc != Int(target), view, &track)
    case .jumpIfTrue(_, let target): decided(pc, holds: view.pc == Int(target), view, &track)
    case .drawRow(let feed, let d):
      let feed = program.feeds[feed.index]
      let columns = feed.columns.indices.map { column in
        TracedVariable(name: feed.columns[column].name, type: feed.columns[column].type.description, value: shown(d.index + column, view))
      }
      tell(view, track.lane, .rowDrawn(feed: feed.name, columns: columns))
    case .chooseBranch(let branch, let d):
      let branch = program.branches[branch.index]
      track.assigned.removeAll { $0 == d }
      if case .int(let number) = view.frame[d.index], Int(number) < branch.names.count {
        tell(view, track.lane, .branchChosen(name: branch.names[Int(number)], number: Int(number), count: branch.names.count))
      }
    case .awaitHop(_, let event, let hop, _, _):
      tell(view, track.lane, .awaited(event, hop: Int(hop), nanoseconds: view.stamp &- min(track.waitStart, view.stamp)))
    case .probeEnd:
      tell(view, track.lane, .probeHeld(looks: track.looks, nanoseconds: view.stamp &- min(track.waitStart, view.stamp)))
    case .retryAgain(let retry, let attempts, let target):
      if view.pc == Int(target), case .int(let made) = view.frame[attempts.index] {
        tell(view, track.lane, .retrying(attempt: Int(made), of: program.retries[retry.index].attemptsMax))
      }
    case .measure(let measure, let from, let to):
      if case .int(let from) = view.frame[from.index], case .int(let to) = view.frame[to.index] {
        tell(view, track.lane, .measured(program.measures[measure.index].name, nanoseconds: to &- from))
      }
    case .constant, .move, .binary, .compare, .not, .negate, .cast, .call, .jsonMember, .element, .makeList, .castAll, .match, .buildText,
      .loadResult, .loadResultAt, .loadResultInt, .loadResultDecimal, .loadResultJSON, .loadPresence, .loadKeyInt, .jump, .jumpIfNull,
      .enterStep, .submit, .check, .think, .probeBegin, .probeAgain, .originIdentify,
      .originAcknowledge, .originAbort, .count, .runLanes, .stamp, .endGroup, .stop, .log, .fail, .rethrow, .end:
      break
    }
  }

  /// The instruction at the view's pc begins.
  private func begin(_ view: TraceView, _ track: inout Track) {
    let instruction = program.instructions[view.pc]
    switch instruction {
    case .constant, .move, .binary, .compare, .not, .negate, .cast, .call, .jsonMember, .element, .makeList, .castAll, .match, .buildText,
      .loadResult, .loadResultAt, .loadResultInt, .loadResultDecimal, .loadResultJSON, .loadPresence, .loadKeyInt, .jump, .jumpIfFalse,
      .jumpIfTrue, .jumpIfNull, .count, .chooseBranch, .stamp:
      return
    case .enterStep(let step):
      tellAssigned(view, &track)
      // In a loop the same step comes again and is told again; a retried one enters once for its attempts and once for itself.
      if track.step != step.index || track.tellCount != tellCount { track.step = -1 }
      enter(step.index, view, &track)
    case .submit(let operation):
      tellAssigned(view, &track)
      let description = program.operations[operation.index]
      // A rollback comes from a handler, out of some other step.
      switch description.role {
      case .plain: break
      case .beginsTransaction, .commitsTransaction, .rollsBackTransaction: enter(description.step.index, view, &track)
      }
      tell(view, track.lane, .operationSent(operation, operands(description, view)))
    case .check(let check, let a, _):
      tellAssigned(view, &track)
      var passed = false
      if case .bool(true) = view.frame[a.index] { passed = true }
      let range = program.checks[check.index].range
      tell(view, track.lane, .checked(check, passed: passed, reads: passed ? [] : reads(within: range, track)))
    case .think(let a, let b):
      tellAssigned(view, &track)
      tell(view, track.lane, .thinking(shortestNanoseconds: nanoseconds(view, a), longestNanoseconds: nanoseconds(view, b)))
    case .probeBegin(_, let within):
      tellAssigned(view, &track)
      track.looks = 0
      track.waitStart = view.stamp
      tell(view, track.lane, .probing(withinNanoseconds: nanoseconds(view, within)))
    case .awaitHop(_, let event, let hop, let a, let b):
      tellAssigned(view, &track)
      track.waitStart = view.stamp
      tell(view, track.lane, .awaiting(event, hop: Int(hop), id: shown(a.index, view), withinNanoseconds: nanoseconds(view, b)))
    case .runLanes(let lanes):
      tellAssigned(view, &track)
      tell(view, track.lane, .lanesBegan(program.lanes[lanes.index].names))
    case .log(_, let a):
      tellAssigned(view, &track)
      tell(view, track.lane, .logged(plain(a, view)))
    case .stop(_, let endsRun):
      tellAssigned(view, &track)
      tell(view, track.lane, .stopping(endsRun: endsRun))
    case .probeEnd, .probeAgain, .originIdentify, .originAcknowledge, .originAbort, .drawRow, .measure, .retryAgain, .endGroup, .fail,
      .rethrow, .end:
      tellAssigned(view, &track)
    }
    track.computed = []
  }

  private func enter(_ step: Int, _ view: TraceView, _ track: inout Track) {
    guard track.step != step else { return }
    track.step = step
    tell(view, track.lane, .stepEntered(StepIndex(step)))
    track.tellCount = tellCount
  }

  private func tellAssigned(_ view: TraceView) {
    guard var track = tracks[view.user] else { return }
    tellAssigned(view, &track)
    tracks[view.user] = track
  }

  /// A variable whose type has no null and that holds one was given no value: it was reset for an attempt, or some path leaves it out.
  private func isUnset(_ slot: SlotIndex, _ view: TraceView) -> Bool {
    guard case .null = view.frame[slot.index] else { return false }
    let type = program.slots[slot.index].type
    if case .optional = type { return false }
    return type != .json && type != .untyped && type != .null
  }

  private func tellAssigned(_ view: TraceView, _ track: inout Track) {
    if let decision = track.decision { tell(view, track.lane, .decided(decision.range, decision.holds, reads: decision.reads)) }
    track.decision = nil
    // Before the first step there are only variables that are set to null because some path leaves them without a value.
    if track.step < 0 { track.assigned = [] }
    for slot in track.assigned where !isUnset(slot, view) { tell(view, track.lane, .assigned(variable(slot.index, view))) }
    track.assigned = []
  }

  // Conditions

  /// Jumps inside other expressions are how those are computed, and tell nothing: only a control step's own are decisions.
  private func decided(_ pc: Int, holds: Bool, _ view: TraceView, _ track: inout Track) {
    guard let owner = owner(of: pc) ?? (track.step >= 0 ? track.step : nil), owner < program.steps.count else { return }
    let step = program.steps[owner]
    guard step.connection == nil || step.verb == "await", !["set", "log", "fail", "think", "measure", "stop"].contains(step.verb) else { return }
    let range = program.sources[pc]
    // A counted loop tells its counter, which says more.
    guard range != step.range, !isPartOfCheck(range) else { return }
    if track.decision?.range != range { tellAssigned(view, &track) }
    track.decision = (range, holds, reads(within: range, track))
  }

  private func owner(of pc: Int) -> Int? {
    program.extents.filter { $0.code.contains(pc) }.min { $0.code.count < $1.code.count }?.step.index
  }

  private func isPartOfCheck(_ range: SourceRange) -> Bool {
    program.checks.contains { $0.range.file == range.file && $0.range.start <= range.start && range.end <= $0.range.end }
  }

  /// What was read on the way to a condition: variables by name, other parts as they stand in the chain.
  private func reads(within range: SourceRange, _ track: Track) -> [TracedRead] {
    var found: [(part: TracedRead.Part, value: String)] = []
    func add(_ part: TracedRead.Part, _ value: String) {
      if let known = found.firstIndex(where: { $0.part == part }) { found[known].value = value } else { found.append((part, value)) }
    }
    for step in track.computed {
      let source = program.sources[step.pc]
      guard source.file == range.file, range.start <= source.start, source.end <= range.end else { continue }
      switch program.instructions[step.pc] {
      // The whole document behind a member is noise beside the member.
      case .jsonMember, .element: break
      default: for read in step.read { add(.variable(program.slots[read.slot.index].name), text.value(read.value, isSecret: read.isSecret)) }
      }
      switch program.instructions[step.pc] {
      case .constant, .move: break
      case .cast where found.last.map({ isInside($0.part, source) && $0.value == text.value(step.value, isSecret: step.isSecret) }) ?? false:
        // A cast that changed nothing to see.
        break
      default:
        if source != range { add(.expression(source), text.value(step.value, isSecret: step.isSecret)) }
      }
    }
    return found.map { TracedRead(part: $0.part, value: $0.value) }
  }

  private func isInside(_ part: TracedRead.Part, _ range: SourceRange) -> Bool {
    switch part {
    case .variable: true
    case .expression(let inner): range.start <= inner.start && inner.end <= range.end
    }
  }

  // Operations

  private func operands(_ operation: Operation, _ view: TraceView) -> [TracedOperand] {
    let base = operation.argumentBase.index
    let arguments = view.frame + base
    func isSecret(_ number: Int) -> Bool {
      if number < operation.argumentTypes.count, case .secret = operation.argumentTypes[number] { return true }
      return self.isSecret(base + number, view)
    }
    func filled(_ template: TextTemplate) -> String { text.filled(template, arguments, isSecret: isSecret) }
    return operation.operands.map { operand in
      switch operand.value {
      case .sql(let sql, let parameters):
        return TracedOperand(
          name: operand.name, text: text.filled(TextTemplate(sql), arguments, isSecret: isSecret),
          parameters: parameters.map { text.value(arguments[$0], isSecret: isSecret($0)) })
      case .words(let words): return TracedOperand(name: operand.name, text: words.map(filled).joined(separator: " "), parameters: [])
      case .text(let template), .json(let template): return TracedOperand(name: operand.name, text: filled(template), parameters: [])
      case .textMap(let entries):
        let shown = entries.map { "\($0.name): \(filled($0.value))" }.joined(separator: ", ")
        return TracedOperand(name: operand.name, text: "{ \(shown) }", parameters: [])
      case .flag(let flag): return TracedOperand(name: operand.name, text: "\(flag)", parameters: [])
      case .integer(let number): return TracedOperand(name: operand.name, text: "\(number)", parameters: [])
      case .duration(let nanoseconds): return TracedOperand(name: operand.name, text: "\(Value.duration(nanoseconds))", parameters: [])
      case .choice(let word): return TracedOperand(name: operand.name, text: word, parameters: [])
      case .wordList(let words): return TracedOperand(name: operand.name, text: words.joined(separator: " "), parameters: [])
      }
    }
  }

  // Values

  private func nanoseconds(_ view: TraceView, _ slot: SlotIndex) -> UInt64 {
    if case .duration(let nanoseconds) = view.frame[slot.index] { return UInt64(max(0, nanoseconds)) }
    return 0
  }

  /// A text without its quotes.
  private func plain(_ slot: SlotIndex, _ view: TraceView) -> String {
    if !isSecret(slot.index, view), case .string(let content) = view.frame[slot.index] { return text.outside(content) }
    return shown(slot.index, view)
  }
}
