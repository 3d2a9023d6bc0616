import ChainIO
import ChainProgram
import ChainRuntime
import Diagnostics
import Glibc
import History
import LiveOutputs
import Metrics
import Reports

/// `chainrun run FILE`
enum RunCommand {
  /// What ends the command early: a message and its exit code.
  struct Stop: Error {
    let code: ExitCode
    let message: String
    /// For standard output, where whoever reads results finds them.
    var summary = ""
  }

  static func run(_ invocation: Invocation) -> ExitCode {
    do throws(Stop) {
      return try perform(invocation)
    } catch {
      if !error.message.isEmpty { Terminal.talk("chainrun: \(error.message)\n") }
      if !error.summary.isEmpty { Terminal.out(error.summary + "\n") }
      return error.code
    }
  }

  private static func perform(_ invocation: Invocation) throws(Stop) -> ExitCode {
    let path = invocation.operands[0]
    var (program, files) = try compile(path, invocation)
    if let words = invocation.value("--traceparent") {
      guard let context = TraceContext(words: words) else {
        throw Stop(code: .usage, message: "'--traceparent \(words)' is not known; write one or more of http,amqp,sql")
      }
      program.traceContext = context
    }
    let profile = try chooseProfile(program, invocation.value("--profile"))
    guard let seed = UInt64(invocation.value("--seed") ?? "1") else {
      throw Stop(code: .usage, message: "'--seed' takes a whole number from 0 to 18446744073709551615")
    }
    let askedProgress = invocation.value("--progress") ?? "auto"
    guard let style = ProgressStyle(asked: askedProgress) else {
      throw Stop(code: .usage, message: "'--progress \(askedProgress)' is not known; write auto, tui, line or none")
    }
    let askedView = invocation.value("--server-view") ?? "on"
    guard ["on", "off"].contains(askedView) else {
      throw Stop(code: .usage, message: "'--server-view \(askedView)' is not known; write on or off")
    }
    let viewsServers = askedView == "on"
    let exportOptions = try exportOptions(invocation)
    let secretValues = try readSecrets(program)
    let isQuiet = invocation.value("--no-alerts") != nil
    let alertTargets = isQuiet ? [] : try alertTargets(program, secretValues)
    let used = try resolve(program)
    try preflight(program, profile, used.connectors, used.targets)

    let variables = SetVariables.shown(invocation.values("--var"))
    let against = try readBaseline(program, profile, variables, invocation.value("--baseline"))
    let baseline = against.figures

    let runID = makeRunID()
    let folder: String
    switch ResultFolder.make(asked: invocation.value("--out"), chain: program.chain, runID: runID) {
    case .made(let path): folder = path
    case .refused(let message): throw cannotKeep(message, program)
    }
    let journalPath = folder + "/" + ResultFiles.journalName
    let journal: JournalWriter
    do throws(JournalFailureState) {
      journal = try JournalWriter(creating: journalPath)
    } catch {
      throw cannotKeep("\(error) ('\(journalPath)')", program)
    }
    // Until this process is gone: whoever reads the journal meanwhile sees that the run is not over.
    let lock = JournalLock(journal: journalPath)
    defer { lock?.release() }
    var start = RunHeader.make(program: program, files: files, chainFile: path, profile: profile, seed: seed, runID: runID)
    start.thresholdRules = program.thresholds.map { ThresholdRule.text($0, in: program, baseline: baseline) }
    start.alerts = AlertPlan.table(program, isQuiet: isQuiet)
    start.variables = variables
    start.baseline = against.info
    start.viewsServers = viewsServers
    start.traceContext = program.traceContext.words
    journal.append(start)
    if style != .none { Terminal.talk("\(program.chain), \(start.profileText)\n") }

    let signals = SignalWatch()
    let inbox = ProgressInbox()
    let livePlan = LivePlan(start: start, profile: profile)
    let exports = try startExports(livePlan, exportOptions, journal)
    let alerts = try startAlerts(program, start, alertTargets, chainFile: path, folder: folder, journal, baseline)
    let progress = ProgressPrinter(style: style, inbox: inbox, plan: livePlan, alerts: alerts)
    var plan = RunPlan(
      program: program, profile: profile, seed: seed, runID: runID, connectors: used.connectors, targets: used.targets, journal: journal,
      onProgress: {
        inbox.put($0)
        exports?.put($0)
        alerts?.put($0)
      })
    plan.secretValues = secretValues
    plan.baseline = baseline
    plan.viewsServers = viewsServers
    let run: Run
    do throws(OperationError) {
      run = try Run(plan: plan)
      try run.start()
    } catch {
      throw Stop(code: .environment, message: error.message)
    }
    let result = signals.wait(for: run, progress: progress, journal: journal)
    progress.finish()
    if let alerts {
      alerts.end(withinNanoseconds: AlertPlan.patience(program, isInterrupted: result.isInterrupted))
      progress.tellAlerts()
    }
    if let exports { journal.append(exports.end()) }
    return conclude(program, result, signals.caught, journal, folder, progress, baseline: plan.baseline)
  }

  // Before the run

  /// A run whose results have no place is not begun.
  private static func cannotKeep(_ message: String, _ program: Program) -> Stop {
    Stop(code: .untrusted, message: message, summary: "NOT TRUSTED  \(program.chain): nothing was run; \(message)")
  }

  /// The outputs for other programs that the command line asks for.
  private static func exportOptions(_ invocation: Invocation) throws(Stop) -> LiveExports.Options {
    var options = LiveExports.Options()
    options.version = Version.text
    options.file = invocation.value("--metrics-file")
    if let text = invocation.value("--metrics") {
      guard let address = ListenAddress(text) else {
        throw Stop(code: .usage, message: "'--metrics \(text)' is not an address and a port; write 127.0.0.1:9464, or :0 for a free port")
      }
      options.address = address
    }
    if let text = invocation.value("--otlp") {
      guard let endpoint = OTLPSender.endpoint(text) else {
        throw Stop(code: .usage, message: "'--otlp' takes an address such as http://127.0.0.1:4318")
      }
      options.otlp = endpoint
    }
    return options
  }

  private static func startExports(_ plan: LivePlan, _ options: LiveExports.Options, _ journal: JournalWriter) throws(Stop) -> LiveExports? {
    guard !options.isEmpty else { return nil }
    do throws(LiveExports.CannotStart) {
      let exports = try LiveExports(plan: plan, options: options) { journal.append($0) }
      if let address = options.address, let port = exports.port {
        let host = address.host.contains(":") ? "[\(address.host)]" : address.host
        Terminal.talk("chainrun: metrics at http://\(host):\(port)/metrics\n")
      }
      return exports
    } catch {
      throw Stop(code: .environment, message: error.message)
    }
  }

  private static func alertTargets(
    _ program: Program, _ secretValues: [(slot: SlotIndex, value: Value)]
  ) throws(Stop) -> [AlertRunner.Target] {
    do throws(AlertPlan.Missing) {
      return try AlertPlan.targets(program, secretValues: secretValues)
    } catch {
      throw Stop(code: .usage, message: error.message)
    }
  }

  private static func startAlerts(
    _ program: Program, _ start: JournalStart, _ targets: [AlertRunner.Target], chainFile: String, folder: String, _ journal: JournalWriter,
    _ baseline: [String: Double]
  ) throws(Stop) -> AlertDesk? {
    guard !program.alerts.isEmpty else { return nil }
    let desk = AlertDesk(
      start: start, targets: targets, folder: AlertPlan.folder(ofChain: chainFile), logPath: folder + "/" + ResultFiles.alertLogName, journal: journal
    ) { AlertWatch(program: program, baseline: baseline) }
    guard let desk else { throw Stop(code: .environment, message: "cannot watch the alerts: no thread or descriptor is left") }
    return desk
  }

  static func compile(_ path: String, _ invocation: Invocation) throws(Stop) -> (Program, SourceFiles) {
    switch ChainLoading.load(path: path, variables: invocation.values("--var"), checksCommands: invocation.value("--no-alerts") == nil) {
    case .unreadable(let message): throw Stop(code: .usage, message: message)
    case .compiled(let compilation):
      Terminal.talk(ChainLoading.render(compilation, colour: Terminal.hasColour(STDERR_FILENO)))
      guard let program = compilation.program else {
        throw Stop(code: .failed, message: "\(path): \(compilation.findings.summary ?? "errors"); nothing was executed")
      }
      return (program, compilation.files)
    }
  }

  static func chooseProfile(_ program: Program, _ asked: String?) throws(Stop) -> LoadProfile {
    guard let first = program.profiles.first else {
      throw Stop(code: .usage, message: "the chain has no load profile; add one under 'load:', such as 'smoke: { closed: { vus: 1, iterations: 5 } }'")
    }
    guard let asked else { return first }
    if let found = program.profiles.first(where: { $0.name == asked }) { return found }
    let names = program.profiles.map(\.name)
    let hint = nearestName(to: asked, among: names).map { "did you mean '\($0)'?" } ?? "it has \(names.joined(separator: ", "))"
    throw Stop(code: .usage, message: "the chain has no load profile '\(asked)'; \(hint)")
  }

  private static func readBaseline(
    _ program: Program, _ profile: LoadProfile, _ variables: [NamedText], _ asked: String?
  ) throws(Stop) -> BaselineReading {
    do throws(RunStoreError) {
      let reading = try BaselineReading.read(program, profile, variables: variables, asked: asked)
      if let problem = reading.problem { Terminal.talk("chainrun: \(problem)\n") }
      return reading
    } catch {
      throw Stop(code: .usage, message: error.description)
    }
  }

  private static func readSecrets(_ program: Program) throws(Stop) -> [(slot: SlotIndex, value: Value)] {
    do throws(Secrets.Missing) {
      return try Secrets.read(program)
    } catch {
      throw Stop(code: .usage, message: error.message)
    }
  }

  /// Finds each connection's connector and address, and resolves its name: the last thing that may block on the network.
  static func resolve(_ program: Program) throws(Stop) -> (connectors: [any Connector], targets: [any ConnectionTarget]) {
    var used: [any Connector] = []
    var targets: [any ConnectionTarget] = []
    for connection in program.connections {
      guard let connector = connectors.first(where: { $0.schema.kind == connection.kind }) else {
        throw Stop(code: .internalError, message: "no connector for '\(connection.kind)'")
      }
      let address: String
      switch connection.address {
      case .literal(let text): address = text
      case .environment(let name):
        guard let text = Terminal.environment(name), !text.isEmpty else {
          throw Stop(code: .usage, message: "connection '\(connection.name)' takes its address from the environment variable \(name), which is not set")
        }
        address = text
      }
      let target: any ConnectionTarget
      do throws(OperationError) {
        target = try connector.resolve(connection, address: address)
      } catch {
        throw Stop(code: .environment, message: "connection '\(connection.name)': \(error.message)")
      }
      if let hosts = program.guardHosts, !hosts.contains(target.host) {
        throw Stop(code: .usage, message: "connection '\(connection.name)' goes to '\(target.host)', which 'guard: hosts' does not list")
      }
      used.append(connector)
      targets.append(target)
    }
    return (used, targets)
  }

  /// What can be known to fail is not begun.
  private static func preflight(
    _ program: Program, _ profile: LoadProfile, _ connectors: [any Connector], _ targets: [any ConnectionTarget]
  ) throws(Stop) {
    let demand = Preflight.Demand(program, users: profile.usersMax, connectors: connectors, targets: targets)
    if let refusal = Preflight.refusal(demand, Preflight.supply(for: demand)) { throw Stop(code: .environment, message: refusal) }
  }

  /// Twelve characters of base 32 without vowels: short enough for keys, different enough for runs.
  static func makeRunID() -> String {
    let alphabet = Array("0123456789bcdfghjklmnpqrstvwxyz_".utf8)
    var generator = SystemRandomNumberGenerator()
    return String(decoding: (0..<12).map { _ in alphabet[Int(generator.next() % 31)] }, as: UTF8.self)
  }

  // After the run

  private static func conclude(
    _ program: Program, _ result: RunResult, _ signal: Int32?, _ journal: JournalWriter, _ folder: String, _ progress: ProgressPrinter,
    baseline: [String: Double]
  ) -> ExitCode {
    let isWritten = journal.close()
    if let failure = result.failure { Terminal.talk("chainrun: \(failure.place): \(failure.error.message)\(failure.error.codeSuffix)\n") }
    var code = ExitCode.ok
    var record: RunRecord?
    do throws(ResultFilesError) {
      _ = try ResultFiles.write(into: folder) {
        code = judge(&$0, program, result, signal, journal, isJournalComplete: isWritten, folder, baseline)
        record = $0
      }
    } catch {
      Terminal.talk("chainrun: \(error)\n")
      code = max(code, .untrusted)
      // The summary says with which code this process ends, and why; the journal has the run's own verdict, from which a report can be made.
      record?.end?.exitCode = Int(code.rawValue)
      record?.validity.append(JournalValidity(verdict: .invalid, name: "report", detail: "\(error); 'chainrun report' makes it again"))
    }
    // What was seen is told even where no file could be written.
    if let record, result.failure == nil || record.iterations.arrivals > 0 {
      let style: TextStyle = Terminal.hasColour(STDOUT_FILENO) ? .ansi : .plain
      Terminal.out(TerminalSummary.text(of: record, style: style, width: Terminal.width, resultsPath: folder))
    } else if record == nil, let counts = progress.iterations {
      Terminal.out("NOT TRUSTED  \(program.chain): nothing could be kept; \(counts.completed) of \(counts.arrivals) iterations were completed\n")
    }
    return code
  }

  /// Decides validity, thresholds and the exit code, and writes them into the record and at the journal's end.
  private static func judge(
    _ record: inout RunRecord, _ program: Program, _ result: RunResult, _ signal: Int32?, _ journal: JournalWriter, isJournalComplete: Bool,
    _ folder: String, _ baseline: [String: Double]
  ) -> ExitCode {
    if let failure = result.failure {
      record.validity.append(
        JournalValidity(verdict: .invalid, name: "no-load", detail: "\(failure.phase.rawValue) failed at \(failure.place): \(failure.error.message)"))
    } else {
      record.validity += Validity.judge(record, isInterrupted: result.isInterrupted || result.abortedBy != nil)
      record.thresholds = ThresholdEvaluation.evaluate(program, record, windows: result.windowVerdicts, baseline: baseline)
    }
    if !isJournalComplete {
      let detail = journal.failure.map { "\($0)" } ?? "the journal is not complete"
      record.validity.append(
        JournalValidity(verdict: .invalid, name: "journal", detail: "\(detail); the run was stopped, and its last part is missing"))
    }
    var code = exitCode(result, record, signal, isJournalComplete: isJournalComplete)
    let end = JournalEnd(
      atNanoseconds: MonotonicClock.now, exitCode: Int(code.rawValue), interruptedBy: signal.map { $0 == SIGTERM ? "SIGTERM" : "SIGINT" } ?? result.abortedBy.map { "threshold \($0)" })
    record.end = end
    do throws(JournalFailureState) {
      let appender = try JournalWriter(appendingTo: folder + "/" + ResultFiles.journalName)
      appender.append(record.validity)
      appender.append(record.thresholds)
      appender.append(end)
      guard !appender.close() || !isJournalComplete else { return code }
      if let failure = appender.failure ?? journal.failure { throw failure }
    } catch {
      if isJournalComplete { Terminal.talk("chainrun: \(error)\n") }
      code = max(code, .untrusted)
      record.end?.exitCode = Int(code.rawValue)
    }
    return code
  }

  private static func exitCode(
    _ result: RunResult, _ record: RunRecord, _ signal: Int32?, isJournalComplete: Bool
  ) -> ExitCode {
    var code = ExitCode.ok
    if record.thresholds.contains(where: { $0.verdict != .pass }) { code = max(code, .failed) }
    if record.checks.contains(where: { $0.failed > 0 }) { code = max(code, .failed) }
    // A load of which nothing at all succeeded is a no, whether or not a threshold asks.
    if record.iterations.arrivals > 0, record.iterations.completed == 0 { code = max(code, .failed) }
    // So is one that its guard has cut short: what it was to show, it has not shown.
    if record.isStoppedByWriteBudget { code = max(code, .failed) }
    if result.failure != nil { code = max(code, .environment) }
    if record.events.contains(where: \.isViolated) { code = max(code, .inconsistent) }
    // What is required and nothing could tell of is not a yes.
    if record.events.contains(where: { $0.guarantees.contains(where: \.isUndecided) }) { code = max(code, .failed) }
    if result.failure == nil, record.validity.contains(where: { $0.verdict == .invalid }) { code = max(code, .untrusted) }
    if !isJournalComplete { code = max(code, .untrusted) }
    if !result.isConserved { code = max(code, .internalError) }
    if let signal { code = max(code, signal == SIGTERM ? .terminated : .interrupted) }
    return code
  }
}

extension OperationError {
  /// ` (ECONNREFUSED)`, or nothing where the code says no more than the message.
  var codeSuffix: String { code.isEmpty || message.contains(code) ? "" : " (\(code))" }
}
