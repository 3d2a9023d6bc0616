import ChainIO
import ChainProgram
import ChainRuntime
import Diagnostics
import Glibc
import LiveOutputs
import Metrics

/// `chainrun trace FILE`: one iteration on the real servers, shown step by step.
enum TraceCommand {
  static func run(_ invocation: Invocation) -> ExitCode {
    do throws(RunCommand.Stop) {
      return try perform(invocation)
    } catch {
      if !error.message.isEmpty { Terminal.talk("chainrun: \(error.message)\n") }
      return error.code
    }
  }

  private static func perform(_ invocation: Invocation) throws(RunCommand.Stop) -> ExitCode {
    let path = invocation.operands[0]
    let (program, files) = try RunCommand.compile(path, invocation)
    let profile = try oneIteration(program, invocation.value("--profile"))
    guard let seed = UInt64(invocation.value("--seed") ?? "1") else {
      throw RunCommand.Stop(code: .usage, message: "'--seed' takes a whole number from 0 to 18446744073709551615")
    }
    // As many as fit an `Int64`, so that no arithmetic on rows can overflow.
    guard let iteration = UInt64(invocation.value("--iteration") ?? "0"), iteration < 1 << 62 else {
      throw RunCommand.Stop(code: .usage, message: "'--iteration' takes a whole number from 0, as a run counts its iterations")
    }
    let used = try RunCommand.resolve(program)
    let scratch = try Scratch()
    defer { scratch.remove() }
    let runID = RunCommand.makeRunID()
    let journal: JournalWriter
    do throws(JournalFailureState) {
      journal = try JournalWriter(creating: scratch.journalPath)
    } catch {
      throw RunCommand.Stop(code: .environment, message: "\(error) ('\(scratch.journalPath)')")
    }
    let start = RunHeader.make(program: program, files: files, chainFile: path, profile: profile, seed: seed, runID: runID)
    journal.append(start)

    let output = TraceOutput(
      program: program, files: files, hidesValues: invocation.value("--hide-values") != nil, hasColour: Terminal.hasColour(STDOUT_FILENO),
      width: Terminal.width)
    let inbox = ProgressInbox()
    var plan = RunPlan(
      program: program, profile: profile, seed: seed, runID: runID, connectors: used.connectors, targets: used.targets, journal: journal,
      onProgress: { inbox.put($0) })
    plan.onTrace = { output.note($0) }
    plan.firstIteration = iteration
    plan.viewsServers = false
    let signals = SignalWatch()
    let run: Run
    do throws(OperationError) {
      run = try Run(plan: plan)
      try run.start()
    } catch {
      throw RunCommand.Stop(code: .environment, message: error.message)
    }
    let result = signals.wait(for: run, progress: ProgressPrinter(style: .none, inbox: inbox, plan: LivePlan(start: start, profile: profile)))
    let isWritten = journal.close()
    return conclude(program, result, signals.caught, scratch, output, isWritten: isWritten)
  }

  /// One user, one iteration. Of the profile only the mix of scenarios is left.
  private static func oneIteration(_ program: Program, _ asked: String?) throws(RunCommand.Stop) -> LoadProfile {
    var mix: [Int]?
    var range = program.sources.first ?? SourceRange(file: FileIndex(0), start: 0, end: 0)
    var graceful: UInt64 = 10_000_000_000
    if asked != nil || !program.profiles.isEmpty {
      let profile = try RunCommand.chooseProfile(program, asked)
      mix = profile.mix
      range = profile.range
      graceful = profile.gracefulStopNanoseconds
    }
    return LoadProfile(
      name: "trace", model: .closed(ClosedLoad(users: 1, extent: .iterations(1))), warmUpNanoseconds: 0, gracefulStopNanoseconds: graceful,
      mix: mix, range: range)
  }

  private static func conclude(
    _ program: Program, _ result: RunResult, _ signal: Int32?, _ scratch: Scratch, _ output: TraceOutput, isWritten: Bool
  ) -> ExitCode {
    var code = ExitCode.ok
    if let failure = result.failure {
      Terminal.talk("chainrun: \(failure.place): \(failure.error.message)\(failure.error.codeSuffix)\n")
      code = max(code, .environment)
    }
    do {
      var rows: [JournalEventRow] = []
      let record = try JournalReader.read(path: scratch.journalPath) { (row) throws(JournalReadError) in rows.append(row.decoded) }
      output.summarise(rows)
      if record.checks.contains(where: { $0.failed > 0 }) { code = max(code, .failed) }
      let iterations = record.iterations
      if iterations.failed > 0 || iterations.unknown > 0 { code = max(code, .failed) }
      if result.failure == nil, iterations.completed == 0 { code = max(code, .failed) }
      if record.events.contains(where: \.isViolated) { code = max(code, .inconsistent) }
    } catch {
      Terminal.talk("chainrun: \(error)\n")
      code = max(code, .untrusted)
    }
    if !isWritten { code = max(code, .untrusted) }
    if !result.isConserved { code = max(code, .internalError) }
    if let signal { code = max(code, signal == SIGTERM ? .terminated : .interrupted) }
    return code
  }

  /// A folder for the journal that the verdict is read from; a trace leaves no results behind.
  private struct Scratch {
    let folder: String
    var journalPath: String { folder + "/journal.ndjson" }

    init() throws(RunCommand.Stop) {
      let parent = Terminal.environment("TMPDIR").flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
      var template = Array("\(parent)/chainrun-trace-XXXXXX".utf8CString)
      guard mkdtemp(&template) != nil else {
        throw RunCommand.Stop(code: .environment, message: "cannot make a folder in '\(parent)': \(String(cString: strerror(errno)).lowercased())")
      }
      folder = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func remove() {
      unlink(journalPath)
      rmdir(folder)
    }
  }
}
