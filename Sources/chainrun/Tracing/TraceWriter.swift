import ChainIO
import ChainProgram
import ChainRuntime
import Diagnostics
import Metrics

/// Writes a trace as it happens: a line for each step with the milliseconds since its block began, and under it what it did.
///
/// Confined to the reactor's thread while the run lasts. Each entry is written at once, so that a run that hangs shows where.
final class TraceWriter {
  private let program: Program
  private let files: SourceFiles
  private let hidesValues: Bool
  private let hasColour: Bool
  private let width: Int
  private let write: (String) -> Void
  private var blockStart: UInt64 = 0
  /// Of each event whose origin was committed: when it was sent and acknowledged, by event and id.
  private var committed: [String: (sent: UInt64, acknowledged: UInt64)] = [:]
  /// Sightings that came before their origin was acknowledged, or belong to others, by event and id.
  private var early: [String: [TraceEntry]] = [:]
  private var earlyCount = 0
  private static let earlyMax = 1000

  init(program: Program, files: SourceFiles, hidesValues: Bool, hasColour: Bool, width: Int, write: @escaping (String) -> Void) {
    self.program = program
    self.files = files
    self.hidesValues = hidesValues
    self.hasColour = hasColour
    self.width = width
    self.write = write
  }

  func note(_ entry: TraceEntry) {
    switch entry.happening {
    case .blockBegan(let block):
      blockStart = entry.at
      write("\n" + paint(title(block), .bold) + "\n")
    case .laneBegan: line(entry, paint("lane begins", .dim))
    case .stepEntered(let step): enter(step, entry)
    case .rowDrawn(let feed, let columns): detail(entry, "drew \(feed): " + columns.map { shown($0, typed: false) }.joined(separator: ", "))
    case .operationSent(let operation, let operands): sent(program.operations[operation.index], operands, entry)
    case .operationEnded(_, let result, let wait, let service, let ending): ended(result, wait, service, ending, entry)
    case .assigned(let variable): detail(entry, shown(variable, typed: true))
    case .decided(let range, let holds, let reads):
      let values = reads.isEmpty || hidesValues ? "" : paint("  (\(reads.map(shown).joined(separator: ", ")))", .dim)
      detail(entry, "\(text(of: range)) is " + paint(holds ? "true" : "false", .bold) + values)
    case .branchChosen(let name, let number, let count): detail(entry, "takes branch '\(name)', \(number + 1) of \(count)")
    case .lanesBegan(let names): detail(entry, "lanes: \(names.joined(separator: ", "))")
    case .checked(let check, let passed, let reads): checked(check, passed, reads, entry)
    case .thinking(let shortest, let longest):
      detail(entry, "thinks for \(duration(shortest))" + (longest > shortest ? " to \(duration(longest))" : ""))
    case .probing(let within): detail(entry, "looks until it holds, within \(duration(within))")
    case .probeHeld(let looks, let nanoseconds):
      detail(entry, "held at look \(looks)", at: milliseconds(nanoseconds))
    case .awaiting(let event, let hop, let id, let within):
      detail(entry, "waits for \(name(event, hop)) of \(value(id)), within \(duration(within))")
    case .awaited(_, _, let nanoseconds): detail(entry, "→ seen", at: milliseconds(nanoseconds))
    case .retrying(let attempt, let most): detail(entry, paint("tries again, \(attempt) of at most \(most)", .yellow))
    case .measured(let name, let nanoseconds): detail(entry, "\(name) = \(milliseconds(UInt64(max(0, nanoseconds))))")
    case .logged(let text): detail(entry, "log: \(value(text))")
    case .stopping(let endsRun): detail(entry, endsRun ? "stops the run" : "ends the iteration")
    case .raised(let error, let ending, let range): raised(error, ending, range, entry)
    case .forgiven: detail(entry, paint("goes on: 'on_error: continue'", .yellow))
    case .originSettled(let event, let id, let fate, let sent): settled(event, id, fate, sent, entry)
    case .hopSeen(let event, _, let id, _, _, _):
      let key = "\(event.index) \(id)"
      if committed[key] != nil { return seen(entry) }
      guard earlyCount < TraceWriter.earlyMax else { return }
      earlyCount += 1
      early[key, default: []].append(entry)
    case .blockEnded(let end): line(entry, paint(phrase(end), end == .completed ? .green : .red))
    case .laneEnded(let end): line(entry, paint("lane \(phrase(end))", end == .completed ? .dim : .red))
    }
  }

  /// Sightings of events that no step of this run caused.
  var foreignSightings: Int { early.values.reduce(0) { $0 + $1.count } }

  // Steps

  private func title(_ block: TraceEntry.Block) -> String {
    switch block {
    case .setup: "setup"
    case .teardown: "teardown"
    case .userSetup: "setup of the virtual user"
    case .userTeardown: "teardown of the virtual user"
    case .iteration(let number, let scenario): scenario == program.chain ? "iteration \(number)" : "iteration \(number), scenario '\(scenario)'"
    }
  }

  private func phrase(_ end: TraceEntry.BlockEnd) -> String {
    switch end {
    case .completed: "completed"
    case .failed: "failed"
    case .unknown: "ended unknown: a change was in flight, and nobody can tell whether it happened"
    case .interrupted: "interrupted"
    case .withdrawn: "not run: a feed has no row for it"
    }
  }

  private func enter(_ step: StepIndex, _ entry: TraceEntry) {
    let description = program.steps[step.index]
    var words = paint(description.id, .bold)
    if description.name != description.id { words += " '\(description.name)'" }
    words += "  \(description.verb)"
    if let connection = description.connection { words += " on \(program.connections[connection.index].name)" }
    line(entry, words + "  " + paint(place(description.range), .dim))
  }

  private func sent(_ operation: Operation, _ operands: [TracedOperand], _ entry: TraceEntry) {
    switch operation.role {
    case .plain: break
    case .beginsTransaction: return detail(entry, "begins" + (operands.first.map { " " + $0.text } ?? ""))
    case .commitsTransaction: return detail(entry, "commits")
    case .rollsBackTransaction: return detail(entry, "rolls back")
    }
    for (index, operand) in operands.enumerated() {
      let isMain = index == 0
      let shown = hidesValues && operand.parameters.isEmpty && !isMain ? "…" : operand.text
      detail(entry, (isMain ? "" : "\(operand.name): ") + (hidesValues ? template(operation, operand) ?? shown : shown))
      let parameters = operand.parameters.enumerated().map { "$\($0.offset + 1) = \(value($0.element))" }
      if !parameters.isEmpty { detail(entry, paint(parameters.joined(separator: "  "), .cyan)) }
    }
  }

  /// The operand with `…` for each argument, where values are hidden; nil where it shows no values.
  private func template(_ operation: Operation, _ operand: TracedOperand) -> String? {
    switch operation.operand(operand.name) {
    case .words(let words): words.map(TraceWriter.withoutValues).joined(separator: " ")
    case .text(let template), .json(let template): TraceWriter.withoutValues(template)
    case .textMap(let entries): entries.map { "\($0.name): \(TraceWriter.withoutValues($0.value))" }.joined(separator: ", ")
    case .sql, .flag, .integer, .duration, .choice, .wordList, nil: nil
    }
  }

  private static func withoutValues(_ template: TextTemplate) -> String {
    template.pieces.map { piece in
      switch piece {
      case .literal(let bytes): String(decoding: bytes, as: UTF8.self)
      case .argument: "…"
      }
    }.joined()
  }

  private func ended(_ result: String, _ wait: UInt64, _ service: UInt64, _ ending: OperationCall.Ending, _ entry: TraceEntry) {
    let words =
      switch ending {
      case .ok: "→ \(hidesValues ? "ok" : result)"
      case .failed: paint("→ failed", .red)
      case .unknown: paint("→ unknown", .red)
      }
    // A wait below a tenth of a millisecond is none.
    detail(entry, words, at: milliseconds(service) + (wait >= 100_000 ? ", after \(milliseconds(wait)) for a connection" : ""))
  }

  private func checked(_ check: CheckIndex, _ passed: Bool, _ reads: [TracedRead], _ entry: TraceEntry) {
    let description = program.checks[check.index]
    guard !passed else { return detail(entry, paint("✓", .green) + " " + oneLine(description.text)) }
    detail(entry, paint("✗", .red) + " " + oneLine(description.text))
    picture(
      Incident(
        "check", at: description.range, "a check of '\(program.steps[description.step.index].id)' did not hold",
        notes: reads.map(shown)), entry)
  }

  private func raised(_ error: OperationError, _ ending: OperationCall.Ending, _ range: SourceRange, _ entry: TraceEntry) {
    let name = error.code.isEmpty ? error.class.rawValue : "\(error.class.rawValue) \(error.code)"
    picture(
      Incident(
        // A 'fail' says what the chain makes it say, values and all.
        name, at: range, hidesValues && error.class == .failed ? "the chain says 'fail'" : error.message,
        notes: ending == .unknown ? ["the change may have happened or not; it is not repeated"] : []), entry)
  }

  private func picture(_ incident: Incident, _ entry: TraceEntry) {
    let indent = String(repeating: " ", count: 14)
    let picture =
      hasColour
      ? ANSIRenderer(width: width - 14).render(incident, in: files) : PlainTextRenderer(width: width - 14).render(incident, in: files)
    write(picture.split(separator: "\n", omittingEmptySubsequences: true).map { indent + $0 + "\n" }.joined())
  }

  // Events

  private func settled(_ event: EventIndex, _ id: String, _ fate: TraceEntry.OriginFate, _ sent: UInt64, _ entry: TraceEntry) {
    let name = program.events[event.index].name
    let key = "\(event.index) \(id)"
    switch fate {
    case .committed:
      committed[key] = (sent, entry.at)
      happening(entry, "\(name) \(value(id)) is committed; its clock runs")
    case .rolledBack: happening(entry, "\(name) \(value(id)) was rolled back")
    case .unknown: happening(entry, paint("\(name) \(value(id)): nobody can tell whether it was committed", .red))
    }
    guard fate != .rolledBack else { return }
    for sighting in early.removeValue(forKey: key) ?? [] { seen(sighting) }
  }

  private func seen(_ entry: TraceEntry) {
    guard case .hopSeen(let event, let hop, let id, let body, let notBefore, let seen) = entry.happening else { return }
    var words = "\(name(event, hop)) \(value(id)) seen"
    if let (sent, acknowledged) = committed["\(event.index) \(id)"] {
      // Nothing can be seen before it was sent.
      let bound = min(max(notBefore, sent), seen)
      let low = bound == 0 ? nil : lag(bound, acknowledged)
      words += " " + (low.map { "\($0) to " } ?? "at most ") + lag(seen, acknowledged) + " after its commit"
    }
    if !body.isEmpty { words += "  " + paint(body.map { shown($0, typed: false) }.joined(separator: ", "), .dim) }
    happening(entry, words)
  }

  private func lag(_ moment: UInt64, _ acknowledged: UInt64) -> String {
    moment >= acknowledged ? milliseconds(moment - acknowledged) : "-" + milliseconds(acknowledged - moment)
  }

  private func name(_ event: EventIndex, _ hop: Int) -> String {
    let declaration = program.events[event.index]
    return "\(declaration.name).\(declaration.hops[hop].name)"
  }

  // The end

  func emit(_ text: String) { write(text) }

  /// What became of one event at one hop.
  func line(_ row: JournalEventRow) -> String {
    let declaration = program.events[row.event]
    let isBad = row.outcome == .lost || row.outcome == .aborted || !row.anomalies.isEmpty
    var words = "\(declaration.name).\(declaration.hops[row.hop].name) \(value(row.id)): "
    words += paint(row.outcome.rawValue, isBad ? .red : row.outcome == .ok ? .green : .yellow)
    if !row.anomalies.isEmpty { words += ", " + paint(row.anomalies.map(\.rawValue).joined(separator: ", "), .red) }
    if let acknowledged = row.ackedNanoseconds, let high = row.highNanoseconds {
      let low = row.lowNanoseconds.map { lag($0, acknowledged) + " to " } ?? "at most "
      words += ", " + low + lag(high, acknowledged) + " after its commit"
    }
    return String(repeating: " ", count: 14) + words + "\n"
  }

  // Lines

  private func line(_ entry: TraceEntry, _ words: String) {
    write(paint(clock(entry), .dim) + "  " + lane(entry) + words + "\n")
  }

  private func detail(_ entry: TraceEntry, _ words: String, at time: String? = nil) {
    write(String(repeating: " ", count: 14) + lane(entry) + words + (time.map { paint("  \($0)", .dim) } ?? "") + "\n")
  }

  /// What happens beside the steps: events and their sightings.
  private func happening(_ entry: TraceEntry, _ words: String) {
    write(paint(clock(entry), .dim) + "  " + paint("◇ ", .magenta) + words + "\n")
  }

  private func lane(_ entry: TraceEntry) -> String { entry.lane.map { paint("[\($0)] ", .magenta) } ?? "" }

  /// Milliseconds since the block began, in ten columns and two of margin.
  private func clock(_ entry: TraceEntry) -> String {
    let text = entry.at >= blockStart ? milliseconds(entry.at - blockStart) : "-" + milliseconds(blockStart - entry.at)
    return String(repeating: " ", count: max(0, 12 - text.count)) + text
  }

  private func milliseconds(_ nanoseconds: UInt64) -> String {
    let hundredths = (nanoseconds + 5_000) / 10_000
    let rest = hundredths % 100
    return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest) ms"
  }

  private func duration(_ nanoseconds: UInt64) -> String { Value.duration(Int64(clamping: nanoseconds)).description }

  private func place(_ range: SourceRange) -> String { "\(files[range.file].path):\(files.position(of: range).line)" }

  private func text(of range: SourceRange) -> String { oneLine(files[range.file].text(of: range)) }

  private func oneLine(_ text: String) -> String {
    text.split(whereSeparator: { $0 == " " || $0.isNewline || $0 == "\t" }).joined(separator: " ")
  }

  private func value(_ text: String) -> String { hidesValues ? "…" : text }

  private func shown(_ variable: TracedVariable, typed: Bool) -> String {
    typed ? "\(variable.name): \(variable.type) = \(value(variable.value))" : "\(variable.name) = \(value(variable.value))"
  }

  private func shown(_ read: TracedRead) -> String {
    let isTruth = read.value == "true" || read.value == "false"
    return switch read.part {
    case .variable(let name): "\(name) = \(value(read.value))"
    case .expression(let range): "\(text(of: range)) \(isTruth ? "is" : "=") \(value(read.value))"
    }
  }

  // Colours

  /// Parameters of ECMA-48's SGR.
  private enum Paint: String {
    case bold = "1"
    case dim = "2"
    case red = "31"
    case green = "32"
    case yellow = "33"
    case magenta = "35"
    case cyan = "36"
  }

  private func paint(_ text: String, _ paint: Paint) -> String { hasColour ? "\u{1B}[\(paint.rawValue)m\(text)\u{1B}[0m" : text }
}
