import ChainIO
import ChainProgram
import Diagnostics
import Testing

@testable import ChainRuntime

/// What a traced iteration tells, in order, on hand-built programs and a scripted system.
@Suite struct TracerTests {
  /// One iteration; what was told, each entry as one line.
  private func trace(_ program: Program, _ script: Script = Script(), meanwhile: (Stage, Script) -> Void = { _, _ in }) throws -> [String] {
    let stage = try Stage(program, script)
    final class Told { var lines: [String] = [] }
    let told = Told()
    let tracer = Tracer(program: program) { told.lines.append(($0.lane.map { "[\($0)] " } ?? "") + TracerTests.line($0.happening, program)) }
    stage.context.tracer = tracer
    stage.ledger.trace(with: tracer)
    let user = stage.makeUser()
    defer { user.retire() }
    user.start(entry: program.iterationEntry, iteration: 0, stream: 0, intendedStart: 0, isMeasured: true)
    _ = stage.turn {
      meanwhile(stage, script)
      return !stage.endings.isEmpty
    }
    return told.lines
  }

  private static func line(_ happening: TraceEntry.Happening, _ program: Program) -> String {
    switch happening {
    case .blockBegan(let block): "begins \(block)"
    case .laneBegan: "lane begins"
    case .stepEntered(let step): "step \(program.steps[step.index].id)"
    case .rowDrawn(let feed, let columns): "row of \(feed) \(columns.map { "\($0.name)=\($0.value)" })"
    case .operationSent(_, let operands): "sent \(operands.map { "\($0.name): \($0.text) \($0.parameters)" }.joined(separator: ", "))"
    case .operationEnded(_, let result, _, _, let ending): "ended \(ending) \(result)"
    case .assigned(let variable): "\(variable.name): \(variable.type) = \(variable.value)"
    case .decided(_, let holds, let reads): "decided \(holds) \(reads.map { "\($0.part)=\($0.value)" })"
    case .branchChosen(let name, _, _): "branch \(name)"
    case .lanesBegan(let names): "lanes \(names)"
    case .checked(_, let passed, let reads): "checked \(passed) \(reads.map { "\($0.part)=\($0.value)" })"
    case .thinking: "thinking"
    case .probing: "probing"
    case .probeHeld(let looks, _): "held at \(looks)"
    case .awaiting(_, let hop, let id, _): "awaiting \(hop) of \(id)"
    case .awaited(_, let hop, _): "awaited \(hop)"
    case .retrying(let attempt, let most): "retrying \(attempt) of \(most)"
    case .measured(let name, let nanoseconds): "measured \(name) \(nanoseconds)"
    case .logged(let text): "log \(text)"
    case .stopping(let endsRun): "stopping \(endsRun)"
    case .raised(let error, let ending, _): "raised \(error.class.rawValue) \(error.code) \(ending)"
    case .forgiven: "forgiven"
    case .originSettled(_, let id, let fate, _): "origin \(id) \(fate)"
    case .hopSeen(_, let hop, let id, _, _, _): "seen \(hop) \(id)"
    case .blockEnded(let end): "block \(end)"
    case .laneEnded(let end): "lane \(end)"
    }
  }

  @Test func `a secret is hidden in operands, in what is made of it, and in what the server sends back`() throws {
    var sketch = ProgramSketch()
    let secret = sketch.slot("token", .secret(.string))
    sketch.program.initialValues.append((secret, .string("opensesame")))
    let prefix = sketch.slot(".p", .string)
    let template = TemplateIndex(0)
    sketch.program.templates = [TextTemplate([.literal(Array("Bearer ".utf8)), .argument(0, .text)])]
    let back = sketch.slot("back", .string)
    let step = sketch.step("login")
    let reply = sketch.path(.reply)
    sketch.program.operations.append(
      Operation(
        step: step, connection: ConnectionIndex(0), verb: "do", role: .plain, writes: false,
        operands: [
          ("do", .words([TextTemplate("AUTH"), TextTemplate([.argument(0, .text)])])), ("sql", .sql(text: "SELECT $1", parameters: [0])),
        ], argumentBase: prefix, argumentCount: 1, argumentTypes: [.string], timeoutNanoseconds: seconds))
    sketch.beginIteration()
    sketch.emit(
      .enterStep(step), .buildText(d: prefix, a: secret, template), .submit(OperationIndex(0)), .loadResult(d: back, reply), .log(step, a: prefix),
      .end)
    let script = Script { _ in
      .ok { result in
        var text = "you said opensesame"
        text.withUTF8 { result.appendText(UnsafeRawBufferPointer($0)) }
      }
    }
    let lines = try trace(sketch.program, script)
    #expect(
      lines == [
        "begins iteration(number: 0, scenario: \"sketch\")", "step login", "sent do: AUTH •••• [], sql: SELECT $1 [\"••••\"]",
        "ended ok \"you said ••••\"", "back: string = \"you said ••••\"", "log ••••", "block completed",
      ])
  }

  @Test func `a failed check tells what each part of it was`() throws {
    var sketch = ProgramSketch()
    let file = FileIndex(0)
    let (one, n) = (sketch.slot(holding: .int(1)), sketch.slot("n", .int))
    sketch.program.initialValues.append((n, .int(7)))
    let (sum, ok) = (sketch.slot(), sketch.slot())
    let step = sketch.step("sum")
    // n + 1 == n
    let check = CheckIndex(0)
    let whole = SourceRange(file: file, start: 10, end: 20)
    let part = SourceRange(file: file, start: 10, end: 15)
    sketch.program.checks = [CheckDescription(step: step, text: "n + 1 == n", range: whole)]
    sketch.beginIteration()
    sketch.emit(
      .enterStep(step), .binary(.addInt, d: sum, a: n, b: one), .compare(.equal, .int, d: ok, a: sum, b: n), .check(check, a: ok, continues: false),
      .end)
    sketch.program.sources[1] = part
    sketch.program.sources[2] = whole
    sketch.program.sources[3] = whole
    let lines = try trace(sketch.program)
    #expect(lines.count == 4)
    #expect(lines[2] == "checked false [\"variable(\\\"n\\\")=7\", \"\(TracedRead.Part.expression(part))=8\"]")
    #expect(lines[3] == "block failed")
  }

  @Test func `lanes and branches are told by their names`() throws {
    var sketch = ProgramSketch()
    let step = sketch.step("both", connection: nil)
    let choice = sketch.slot()
    sketch.program.branches = [BranchDescription(step: step, weights: [0, 5], names: ["never", "always"])]
    sketch.beginIteration()
    sketch.emit(.enterStep(step), .chooseBranch(BranchIndex(0), d: choice), .runLanes(LanesIndex(0)), .end)
    let left = sketch.pc
    sketch.call("a")
    sketch.emit(.end)
    let right = sketch.pc
    sketch.call("b")
    sketch.emit(.end)
    sketch.program.lanes = [LanesDescription(step: step, join: .all, names: ["stock", "dead"], entries: [left, right])]
    let lines = try trace(sketch.program)
    #expect(lines.prefix(4) == ["begins iteration(number: 0, scenario: \"sketch\")", "step both", "branch always", "lanes [\"stock\", \"dead\"]"])
    #expect(lines.filter { $0.hasPrefix("[stock]") } == ["[stock] lane begins", "[stock] step a", "[stock] sent ", "[stock] ended ok ok", "[stock] lane completed"])
    #expect(lines.filter { $0.hasPrefix("[dead]") }.count == 5)
    #expect(lines.last == "block completed")
  }

  @Test func `an error, its retry and its forgiveness are told`() throws {
    var sketch = ProgramSketch()
    let attempts = sketch.slot(holding: .int(0))
    sketch.program.retries = [
      RetryDescription(errors: ["server"], attemptsMax: 1, pauseNanoseconds: 1000, factor: 1, pauseMaxNanoseconds: 1000)
    ]
    sketch.beginIteration()
    let start = sketch.pc
    sketch.call("flaky")
    sketch.emit(.jump(target: UInt32(start + 5)))
    sketch.handle(start..<start + 2, at: start + 3)
    sketch.emit(.retryAgain(RetryIndex(0), attempts: attempts, target: UInt32(start)), .rethrow, .end)
    sketch.handle(start..<start + 5, at: start + 5, forgets: true)
    let lines = try trace(sketch.program, Script { _ in .fails() })
    #expect(
      lines == [
        "begins iteration(number: 0, scenario: \"sketch\")", "step flaky", "sent ", "ended failed ", "raised server E1 failed", "retrying 1 of 1",
        "step flaky", "sent ", "ended failed ", "raised server E1 failed", "forgiven", "block completed",
      ])
  }

  @Test func `an event's commit, its sightings and the wait for it are told`() throws {
    var sketch = ProgramSketch()
    let insert = sketch.step("insert")
    let operation = sketch.operation(insert)
    let id = sketch.slots(holding: [.int(17), .null, .null])
    let patience = sketch.slot(holding: .duration(5_000_000_000))
    let event = sketch.event("made", origin: insert, hops: [("queue", "tap")])
    let wait = sketch.step("wait", connection: nil)
    sketch.beginIteration()
    sketch.emit(
      .enterStep(insert), .submit(operation), .originIdentify(event, a: id), .originAcknowledge(event), .enterStep(wait),
      .awaitHop(wait, event, hop: 0, a: id, b: patience), .end)
    var isSighted = false
    let lines = try trace(sketch.program) { _, script in
      if script.submittedCount == 1, !isSighted {
        isSighted = true
        script.sight("queue", id: 17)
      }
    }
    #expect(lines.contains("origin 17 committed"))
    #expect(lines.contains("awaiting 0 of 17"))
    #expect(lines.contains("seen 0 17"))
    #expect(lines.contains("awaited 0"))
    #expect(lines.last == "block completed")
  }

  @Test func `long values are cut and control characters are written out`() {
    let text = TracedText()
    #expect(text.value(.string("a\nb\u{1B}[31m")) == "\"a\\nb\\u{1b}[31m\"")
    #expect(text.value(.string(String(repeating: "x", count: 1000))).count == TracedText.valueMax)
    #expect(text.value(.list([.int(1), .int(2), .int(3), .int(4)])) == "[1, 2, 3, … 4 in all]")
    #expect(text.value(.string("x"), isSecret: true) == "••••")
  }
}
