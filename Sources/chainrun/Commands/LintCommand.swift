import ChainLanguage
import Diagnostics
import Glibc

/// `chainrun lint FILE…`: findings on standard output, one line of counts on standard error.
struct LintCommand {
  enum Format: String, CaseIterable {
    case human, json, sarif, github
  }

  enum Change {
    case nothing
    /// Print what the fixes would change, and change nothing.
    case diff
    /// Apply the fixes.
    case fix
  }

  let operands: [String]
  let variables: [(name: String, value: String)]
  let format: Format
  let change: Change
  let isStrict: Bool
  /// Also ask the systems that the chain names.
  let isOnline: Bool
  /// What standard input is called in findings, and where its relative paths start.
  let standardInputName: String

  static func run(_ invocation: Invocation) -> ExitCode {
    switch parse(invocation) {
    case .failure(let problem):
      Terminal.talk("chainrun: \(problem.phrase)\n")
      return .usage
    case .success(let command):
      return invocation.value("--watch") == nil ? command.run().code : LintWatch(command: command).run()
    }
  }

  struct Problem: Error {
    let phrase: String
  }

  private static func parse(_ invocation: Invocation) -> Result<LintCommand, Problem> {
    func refused(_ phrase: String) -> Result<LintCommand, Problem> { .failure(Problem(phrase: phrase)) }
    let formatName = invocation.value("--format") ?? Format.human.rawValue
    guard let format = Format(rawValue: formatName) else {
      return refused("'--format \(formatName)' is not known; write human, json, sarif or github")
    }
    let wantsFix = invocation.value("--fix") != nil
    let wantsDiff = invocation.value("--diff") != nil
    let readsInput = invocation.operands.contains("-")
    if wantsFix, wantsDiff { return refused("'--fix' changes files and '--diff' does not; choose one") }
    if wantsDiff, format != .human { return refused("'--diff' prints a difference and no findings, so it takes no '--format'") }
    if wantsFix, readsInput { return refused("'--fix' cannot write to standard input; '--diff' shows what it would change") }
    if readsInput, invocation.value("--watch") != nil { return refused("standard input cannot be watched") }
    if wantsDiff, invocation.value("--watch") != nil { return refused("'--diff' and '--watch' do not go together") }
    if invocation.value("--stdin-name") != nil, !readsInput { return refused("'--stdin-name' goes with the file '-'") }
    var variables: [(name: String, value: String)] = []
    for variable in invocation.values("--var") {
      guard let equals = variable.firstIndex(of: "="), equals != variable.startIndex else {
        return refused("'--var \(variable)' is not of the form NAME=VALUE")
      }
      variables.append((String(variable[..<equals]), String(variable[variable.index(after: equals)...])))
    }
    return .success(
      LintCommand(
        operands: invocation.operands, variables: variables, format: format,
        change: wantsFix ? .fix : wantsDiff ? .diff : .nothing, isStrict: invocation.value("--strict") != nil,
        isOnline: invocation.value("--online") != nil,
        standardInputName: invocation.value("--stdin-name") ?? "stdin"))
  }

  /// What one look at all files came to.
  struct Outcome {
    var code = ExitCode.ok
    /// Every file that was read or should have been, for `--watch`.
    var paths: Set<String> = []
  }

  func run() -> Outcome {
    var outcome = Outcome()
    var report = LintReport()
    let inputs = LintInputs.expand(operands)
    if inputs.isEmpty {
      Terminal.talk("chainrun: no '*.chain.yaml' in or below \(operands.map { "'\($0)'" }.joined(separator: ", "))\n")
      outcome.code = .usage
    }
    for path in inputs {
      let name = path == "-" ? standardInputName : path
      outcome.paths.insert(name)
      switch ChainLoading.read(path) {
      case .failure(let failure):
        add(unreadable: name, failure.reason, to: &report)
        outcome.code = max(outcome.code, .usage)
      case .success(let bytes):
        let offline = changed(name, bytes, isFile: path != "-", &outcome)
        let compilation = isOnline ? OnlineLint.look(at: offline) : offline
        report.add(compilation.findings, in: compilation.files)
        for index in 0..<compilation.files.count { outcome.paths.insert(compilation.files[FileIndex(UInt16(index))].path) }
      }
    }
    write(report)
    if report.errorCount > 0 || (isStrict && report.warningCount > 0) { outcome.code = max(outcome.code, .failed) }
    return outcome
  }

  /// Compiles a chain, and fixes it if that was asked for.
  private func changed(_ name: String, _ bytes: [UInt8], isFile: Bool, _ outcome: inout Outcome) -> Compilation {
    let compile = { (bytes: [UInt8]) in compiled(name, bytes) }
    switch change {
    case .nothing: return compile(bytes)
    case .fix, .diff:
      let fixing = LintFixing(path: name, bytes: bytes, compile: compile)
      if case .diff = change {
        Terminal.out(UnifiedDiff(from: bytes, to: fixing.bytes).text(path: name))
      } else if !fixing.applied.isEmpty {
        if let problem = fixing.write() {
          Terminal.talk("chainrun: cannot write '\(name)': \(problem)\n")
          outcome.code = max(outcome.code, .usage)
          return fixing.before
        }
        Terminal.talk(fixing.story)
      }
      return fixing.after
    }
  }

  private func compiled(_ name: String, _ bytes: [UInt8]) -> Compilation {
    var options = CompileOptions()
    options.variables = variables
    options.commandProblem = { AlertPlan.commandProblem($0) }
    return compileChain(path: name, bytes: bytes, connectors: connectors.map(\.schema), options: options, readFile: { ChainLoading.read($0) })
  }

  private func add(unreadable path: String, _ reason: String, to report: inout LintReport) {
    var files = SourceFiles()
    var findings = Findings()
    let file = files.add(path: path, bytes: [])
    findings.add(.fileUnreadable, at: file.wholeRange, "cannot read '\(path)': \(reason)")
    report.add(findings, in: files)
  }

  private func write(_ report: LintReport) {
    if case .diff = change {
      // Standard output is for the difference alone.
    } else {
      switch format {
      case .human:
        let isColoured = Terminal.hasColour(STDOUT_FILENO)
        let width = Terminal.isTerminal(STDOUT_FILENO) ? Terminal.width : 140
        Terminal.out(isColoured ? ANSIRenderer(width: width).render(report) : PlainTextRenderer(width: width).render(report))
      case .json: Terminal.out(JSONRenderer().render(report))
      case .sarif: Terminal.out(SARIFRenderer(toolVersion: Version.text).render(report))
      case .github: Terminal.out(GitHubRenderer().render(report))
      }
    }
    let more = format == .human && !report.items.isEmpty ? "; 'chainrun explain NAME' tells more" : ""
    Terminal.talk("chainrun lint: \(report.summary)\(more)\n")
  }
}
