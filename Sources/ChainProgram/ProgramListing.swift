package import Diagnostics

extension Program {
  /// The program as text: one line for each instruction, then the tables. The form is stable, since golden files hold it.
  ///
  /// A line has the pc, the mnemonic, what is read and written by slot names and constants, and after `;` the line of the chain.
  /// Addresses and options of connections are left out, for they may hold passwords.
  package func listing(in files: SourceFiles) -> String {
    var listing = ProgramListing(program: self, files: files)
    listing.write()
    return listing.text
  }
}

private struct ProgramListing {
  let program: Program
  let files: SourceFiles
  var text = ""

  mutating func write() {
    line("chain \(program.chain)")
    writeCode()
    table("handlers", program.handlers.indices) { listing, index in
      let handler = listing.program.handlers[index]
      return "\(handler.range.lowerBound)..<\(handler.range.upperBound) -> \(handler.target)\(handler.forgets ? ", forgets" : "")"
    }
    table("slots", program.slots.indices) { listing, index in
      let slot = listing.program.slots[index]
      let start = listing.program.initialValues.first { $0.slot.index == index }.map { " = \(Self.shown($0.value))" } ?? ""
      return "\(slot.name): \(slot.type)\(start)\(listing.program.runIdSlot?.index == index ? " = run.id" : "")"
    }
    table("steps", program.steps.indices) { listing, index in
      let step = listing.program.steps[index]
      let name = step.name == step.id ? "" : " \"\(step.name)\""
      return
        "\(step.id)\(name): \(step.verb)\(step.connection.map { " on \(listing.connection($0))" } ?? "") ; \(listing.place(step.range))"
    }
    writeOperations()
    table("checks", program.checks.indices) { listing, index in
      let check = listing.program.checks[index]
      return "\(listing.step(check.step)): \(Self.oneLine(check.text)) ; \(listing.place(check.range))"
    }
    table("connections", program.connections.indices) { listing, index in
      let connection = listing.program.connections[index]
      let pool =
        switch connection.pool {
        case .size(let size): "pool \(size)"
        case .perUser: "one for each user"
        }
      return "\(connection.name): \(connection.kind), \(connection.access), \(pool)"
    }
    writeEvents()
    table("feeds", program.feeds.indices) { listing, index in
      let feed = listing.program.feeds[index]
      let columns = feed.columns.map { "\($0.name): \($0.type)" }.joined(separator: ", ")
      return "\(feed.name): \(feed.rowCount) rows of \(columns), \(feed.pick.rawValue), then \(feed.onExhaustion.rawValue)"
    }
    table("load", program.profiles.indices) { listing, index in
      let profile = listing.program.profiles[index]
      let warmUp = profile.warmUpNanoseconds == 0 ? "" : ", of which \(LoadProfile.text(profile.warmUpNanoseconds)) are warm-up"
      return "\(profile.name): \(profile.words)\(warmUp), stops within \(LoadProfile.text(profile.gracefulStopNanoseconds))"
    }
    table("thresholds", program.thresholds.indices) { listing, index in Self.oneLine(listing.program.thresholds[index].text) }
    table("alerts", program.alerts.indices) { listing, index in
      let alert = listing.program.alerts[index]
      // A webhook's address is a secret as a rule, and so may be a command's words.
      let actions = [alert.command == nil ? nil : "command", alert.webhook == nil ? nil : "webhook"].compactMap(\.self)
      return "\(Self.oneLine(alert.name)): \(Self.oneLine(alert.condition.text)) over \(LoadProfile.text(alert.overNanoseconds)), "
        + "fires after \(alert.firesAfter), is resolved after \(alert.resolvesAfter), \(actions.joined(separator: " and "))"
    }
  }

  private mutating func writeCode() {
    var entries: [(pc: Int, name: String)] = [(program.iterationEntry, "iteration")]
    if let setup = program.setupEntry { entries.append((setup, "setup")) }
    if let teardown = program.teardownEntry { entries.append((teardown, "teardown")) }
    for event in program.events {
      for hop in event.hops { entries.append((hop.mappingEntry, "mapping \(event.name).\(hop.name)")) }
    }
    let code = program.instructions.enumerated().map { (pc, instruction) in
      Self.padded(number(pc), to: 4) + "  " + Self.padded(mnemonic(instruction), to: 18, left: true) + operands(instruction)
    }
    let width = min(code.map { $0.unicodeScalars.count }.max() ?? 0, 72)
    for (pc, instruction) in code.enumerated() {
      for entry in entries where entry.pc == pc { line("\(entry.name):") }
      line(Self.padded(instruction, to: width, left: true) + "  ; " + place(program.sources[pc]))
    }
  }

  private mutating func writeOperations() {
    table("operations", program.operations.indices) { listing, index in
      let operation = listing.program.operations[index]
      var words = ["\(listing.step(operation.step)): \(operation.verb) on \(listing.connection(operation.connection))"]
      switch operation.role {
      case .plain: break
      case .beginsTransaction: words.append("begins")
      case .commitsTransaction: words.append("commits")
      case .rollsBackTransaction: words.append("rolls back")
      }
      words.append(operation.writes ? "writes" : "reads")
      words.append("timeout \(Value.duration(Int64(clamping: operation.timeoutNanoseconds)))")
      if operation.argumentCount > 0 {
        let last = operation.argumentBase.index + operation.argumentCount - 1
        let slots = (operation.argumentBase.index...last).map { listing.slot(SlotIndex($0)) }.joined(separator: ", ")
        words.append("arguments [\(slots)] as [\(operation.argumentTypes.map(\.description).joined(separator: ", "))]")
      }
      return words.joined(separator: ", ") + operation.operands.map { "\n        \($0.name): \(Self.shown($0.value))" }.joined()
    }
  }

  private mutating func writeEvents() {
    table("events", program.events.indices) { listing, index in
      let event = listing.program.events[index]
      let body = event.body.map { "\($0.name): \($0.type)" }.joined(separator: ", ")
      let head =
        "\(event.name): \(event.idType) from \(listing.step(event.origin)), late after \(Value.duration(Int64(clamping: event.deadlineNanoseconds)))"
        + ", lost after \(Value.duration(Int64(clamping: event.settleNanoseconds)))\(body.isEmpty ? "" : ", body \(body)")"
      let hops = event.hops.map { hop in
        let fields = hop.bodySlots.map { $0.map { listing.slot($0) } ?? "-" }.joined(separator: ", ")
        return
          "\n        \(hop.name): \(hop.observer) on \(listing.connection(hop.connection)), mapping at \(hop.mappingEntry), id \(listing.slot(hop.idSlot))"
          + (hop.keySlot.map { ", key \(listing.slot($0))" } ?? "") + (hop.versionSlot.map { ", version \(listing.slot($0))" } ?? "")
          + (hop.run.map { ", run \(listing.slot($0.slot)) at \($0.entry)" } ?? "") + (fields.isEmpty ? "" : ", body [\(fields)]") + (hop.readsContent ? ", reads content" : "")
          + hop.guarantees.kinds.map { ", \($0.rawValue) \(hop.guarantees[$0] == .measured ? "measured" : "required")" }.joined()
          + hop.operands.map { "\n          \($0.name): \(Self.shown($0.value))" }.joined()
      }
      return head + hops.joined()
    }
  }

  // Lines

  private mutating func line(_ content: String) {
    var end = content.endIndex
    while end > content.startIndex, content[content.index(before: end)] == " " { end = content.index(before: end) }
    text += content[..<end] + "\n"
  }

  private mutating func table(_ title: String, _ indices: Range<Int>, _ row: (ProgramListing, Int) -> String) {
    guard !indices.isEmpty else { return }
    line("")
    line("\(title):")
    for index in indices { line(Self.padded(number(index), to: 4) + "  " + row(self, index)) }
  }

  private static func padded(_ content: String, to width: Int, left: Bool = false) -> String {
    let space = String(repeating: " ", count: max(0, width - content.unicodeScalars.count))
    return left ? content + space : space + content
  }

  private func number(_ value: Int) -> String { "\(value)" }

  /// The line, with the path where the program has several files.
  private func place(_ range: SourceRange) -> String {
    let file = files[range.file]
    return (files.count > 1 ? file.path + ":" : "") + "\(file.line(at: range.start))"
  }

  // Names. A listing is also for programs that are wrong, so an index that is none is shown as such.

  private func slot(_ slot: SlotIndex) -> String {
    slot.index < program.slots.count ? program.slots[slot.index].name : "slot?\(slot)"
  }

  private func step(_ step: StepIndex) -> String {
    step.index < program.steps.count ? program.steps[step.index].id : "step?\(step)"
  }

  private func connection(_ connection: ConnectionIndex) -> String {
    connection.index < program.connections.count ? program.connections[connection.index].name : "connection?\(connection)"
  }

  private func event(_ event: EventIndex) -> String {
    event.index < program.events.count ? program.events[event.index].name : "event?\(event)"
  }

  private func hop(_ event: EventIndex, _ hop: UInt8) -> String {
    guard event.index < program.events.count, Int(hop) < program.events[event.index].hops.count else { return "hop?\(hop)" }
    return program.events[event.index].hops[Int(hop)].name
  }

  private func constant(_ constant: ConstantIndex) -> String {
    constant.index < program.constants.count ? Self.shown(program.constants[constant.index]) : "constant?\(constant)"
  }

  private func path(_ path: ResultPathIndex) -> String {
    guard path.index < program.resultPaths.count else { return "path?\(path)" }
    let found = program.resultPaths[path.index]
    return "\(found.field)"
      + found.segments.map { segment in
        switch segment {
        case .member(let name): Self.isName(name) ? ".\(name)" : "[\"\(Self.oneLine(name))\"]"
        case .index(let index): "[\(index)]"
        case .argument: "[•]"
        }
      }.joined()
  }

  private static func isName(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy {
        $0 == UInt8(ascii: "_") || ($0 < 0x80 && Character(Unicode.Scalar($0)).isLetter) || ($0 >= 0x30 && $0 <= 0x39)
      }
  }

  // Values

  private static func shown(_ value: Value) -> String {
    switch value {
    case .string(let text): "\"\(oneLine(text, quote: "\""))\""
    case .size: "\(value)B"
    case .rate: "\(value)/s"
    case .percentage(let fraction): "\(fraction) of 1"
    case .bytes(let bytes): "\(bytes.count) bytes"
    case .null, .bool, .int, .decimal, .float, .duration, .instant, .uuid, .json, .list: value.description
    }
  }

  private static func shown(_ operand: OperandTemplate) -> String {
    switch operand {
    case .sql(let text, let parameters): "\(oneLine(text)) [\(parameters.map { "\($0)" }.joined(separator: ", "))]"
    case .words(let words): words.map { "'\(shown($0))'" }.joined(separator: " ")
    case .text(let template), .json(let template): shown(template)
    case .textMap(let entries): "{ " + entries.map { "\($0.name): \(shown($0.value))" }.joined(separator: ", ") + " }"
    case .flag(let flag): "\(flag)"
    case .integer(let number): "\(number)"
    case .duration(let nanoseconds): Value.duration(nanoseconds).description
    case .choice(let word): word
    case .wordList(let words): words.joined(separator: " ")
    }
  }

  private static func shown(_ template: TextTemplate) -> String {
    template.pieces.map { piece in
      switch piece {
      case .literal(let bytes): oneLine(String(decoding: bytes, as: UTF8.self))
      case .argument(let number, let encoding): "{\(number) \(encoding)}"
      }
    }.joined()
  }

  /// On one line and safe to print: what ends a line or moves a cursor is escaped.
  private static func oneLine(_ text: String, quote: Unicode.Scalar? = nil) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case _ where scalar == quote: result += "\\\(scalar)"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "\\": result += "\\\\"
      case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value): result += "\\u{\(String(scalar.value, radix: 16))}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  // Instructions

  private func mnemonic(_ instruction: Instruction) -> String {
    switch instruction {
    case .constant: "constant"
    case .move: "move"
    case .binary(let operation, _, _, _): "\(operation)"
    case .compare: "compare"
    case .not: "not"
    case .negate: "negate"
    case .cast: "cast"
    case .call: "call"
    case .jsonMember: "jsonMember"
    case .element: "element"
    case .makeList: "makeList"
    case .castAll: "castAll"
    case .match(.test, _, _, _): "matches"
    case .match(.extract, _, _, _): "extract"
    case .buildText: "buildText"
    case .loadResult: "loadResult"
    case .loadResultAt: "loadResultAt"
    case .loadResultInt: "loadResultInt"
    case .loadResultDecimal: "loadResultDecimal"
    case .loadResultJSON: "loadResultJSON"
    case .loadPresence: "loadPresence"
    case .loadKeyInt: "loadKeyInt"
    case .jump: "jump"
    case .jumpIfFalse: "jumpIfFalse"
    case .jumpIfTrue: "jumpIfTrue"
    case .jumpIfNull: "jumpIfNull"
    case .enterStep: "enterStep"
    case .submit: "submit"
    case .check: "check"
    case .think: "think"
    case .probeBegin: "probeBegin"
    case .probeAgain: "probeAgain"
    case .probeEnd: "probeEnd"
    case .awaitHop: "awaitHop"
    case .originIdentify: "originIdentify"
    case .originAcknowledge: "originAcknowledge"
    case .originAbort: "originAbort"
    case .drawRow: "drawRow"
    case .chooseBranch: "chooseBranch"
    case .count: "count"
    case .runLanes: "runLanes"
    case .stamp: "stamp"
    case .measure: "measure"
    case .retryAgain: "retryAgain"
    case .endGroup: "endGroup"
    case .stop: "stop"
    case .log: "log"
    case .fail: "fail"
    case .rethrow: "rethrow"
    case .end: "end"
    }
  }

  private func operands(_ instruction: Instruction) -> String {
    switch instruction {
    case .constant(let d, let c): "\(slot(d)) = \(constant(c))"
    case .move(let d, let a), .not(let d, let a), .negate(let d, let a): "\(slot(d)) = \(slot(a))"
    case .binary(_, let d, let a, let b): "\(slot(d)) = \(slot(a)), \(slot(b))"
    case .compare(let comparison, let type, let d, let a, let b): "\(slot(d)) = \(slot(a)) \(sign(comparison)) \(slot(b)) as \(type)"
    case .cast(let d, let a, let target): "\(slot(d)) = \(slot(a)) as \(target)"
    case .call(let function, let d, let a, let count): "\(slot(d)) = \(name(function))(\(run(a, Int(count))))"
    case .jsonMember(let d, let a, let c): "\(slot(d)) = \(slot(a)), \(constant(c))"
    case .element(let d, let a, let b): "\(slot(d)) = \(slot(a))[\(slot(b))]"
    case .makeList(let d, let a, let count): "\(slot(d)) = [\(run(a, Int(count)))]"
    case .castAll(let container, let d, let a, let target): "\(slot(d)) = \(slot(a)) as \(container)<\(target)>"
    case .match(_, let d, let a, let c): "\(slot(d)) = \(slot(a)), \(constant(c))"
    case .loadResultAt(let d, let a, let path): "\(slot(d)) = \(self.path(path)) from \(slot(a))"
    case .buildText(let d, let a, let template):
      "\(slot(d)) = \(template.index < program.templates.count ? "\"\(Self.shown(program.templates[template.index]))\"" : "template?\(template)") from \(slot(a))"
    case .loadKeyInt(let d, let mark): "\(slot(d)) = key after \(constant(mark))"
    case .loadResult(let d, let path), .loadResultInt(let d, let path), .loadResultDecimal(let d, let path), .loadResultJSON(let d, let path),
      .loadPresence(let d, let path):
      "\(slot(d)) = \(self.path(path))"
    case .jump(let target): "-> \(target)"
    case .jumpIfFalse(let a, let target), .jumpIfTrue(let a, let target), .jumpIfNull(let a, let target): "\(slot(a)) -> \(target)"
    case .enterStep(let step): self.step(step)
    case .submit(let operation):
      operation.index < program.operations.count
        ? "#\(operation) \(step(program.operations[operation.index].step))" : "operation?\(operation)"
    case .check(let check, let a, let continues):
      "#\(check) \(slot(a))\(continues ? ", continues" : "")"
    case .think(let a, let b): "\(slot(a)), \(slot(b))"
    case .probeBegin(let step, let within), .probeEnd(let step, let within): "\(self.step(step)), \(slot(within))"
    case .probeAgain(let within, let target): "\(slot(within)) -> \(target)"
    case .awaitHop(let step, let event, let hop, let a, let b):
      "\(self.step(step)), \(self.event(event)).\(self.hop(event, hop)) of \(slot(a)), within \(slot(b))"
    case .originIdentify(let event, let a):
      "\(self.event(event)) = \(run(a, event.index < program.events.count ? 3 + program.events[event.index].body.count : 1))"
    case .originAcknowledge(let event), .originAbort(let event): self.event(event)
    case .drawRow(let feed, let d):
      feed.index < program.feeds.count
        ? "\(run(d, program.feeds[feed.index].columns.count)) = \(program.feeds[feed.index].name)" : "feed?\(feed)"
    case .chooseBranch(let branch, let d):
      "\(slot(d)) = \(branch.index < program.branches.count ? weights(program.branches[branch.index]) : "branch?\(branch)")"
    case .count(let d, let a): "\(slot(d)) = \(slot(a))"
    case .runLanes(let lanes):
      lanes.index < program.lanes.count ? self.lanes(program.lanes[lanes.index]) : "lanes?\(lanes)"
    case .stamp(let d, let kind): "\(slot(d)) = \(kind)"
    case .measure(let measure, let from, let to):
      "\(measure.index < program.measures.count ? program.measures[measure.index].name : "measure?\(measure)") = \(slot(to)) - \(slot(from))"
    case .retryAgain(let retry, let attempts, let target): "#\(retry) \(slot(attempts)) -> \(target)"
    case .endGroup(let step, let from): "\(self.step(step)) from \(slot(from))"
    case .stop(let step, let endsRun): "\(self.step(step)), \(endsRun ? "run" : "iteration")"
    case .log(let step, let a), .fail(let step, let a): "\(self.step(step)), \(slot(a))"
    case .rethrow, .end: ""
    }
  }

  private func weights(_ branch: BranchDescription) -> String {
    zip(branch.names, branch.weights).map { "\($0) \($1)" }.joined(separator: ", ")
  }

  private func lanes(_ lanes: LanesDescription) -> String {
    "\(lanes.join): " + zip(lanes.names, lanes.entries).map { "\($0) at \($1)" }.joined(separator: ", ")
  }

  /// Slots next to each other.
  private func run(_ first: SlotIndex, _ count: Int) -> String {
    (0..<count).map { slot(SlotIndex(min(first.index + $0, Int(UInt16.max)))) }.joined(separator: ", ")
  }

  private func name(_ function: Function) -> String {
    FunctionSignature.all.first { $0.function == function }?.name ?? "\(function)"
  }

  private func sign(_ comparison: Comparison) -> String {
    switch comparison {
    case .equal: "=="
    case .notEqual: "!="
    case .less: "<"
    case .lessOrEqual: "<="
    case .greater: ">"
    case .greaterOrEqual: ">="
    }
  }
}
