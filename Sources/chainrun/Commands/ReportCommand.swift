import Glibc
import Metrics
import Reports

/// `chainrun report DIR`: everything that is derived from a run's journal, once more.
enum ReportCommand {
  static func run(_ invocation: Invocation) -> ExitCode {
    let folder = folder(invocation.operands[0])
    guard let asked = invocation.value("--format") else {
      guard invocation.value("--out") == nil else { return usage("'--out' needs a '--format'; write one of \(names)") }
      return rebuild(folder)
    }
    guard let format = ReportFormat(rawValue: asked) else { return usage("'--format \(asked)' is not known; write one of \(names)") }
    return print(folder, format, to: invocation.value("--out"))
  }

  private static var names: String { ReportFormat.allCases.map(\.rawValue).joined(separator: ", ") }

  /// `latest` is the newest run, unless a folder of that name is here.
  private static func folder(_ asked: String) -> String {
    var path = asked
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    if path == "latest", access(path, F_OK) != 0 { return "results/latest" }
    let journal = "/" + ResultFiles.journalName
    return path.hasSuffix(journal) ? String(path.dropLast(journal.count)) : path
  }

  /// Writes the files beside the journal again and prints the summary. Of a run that still goes on, only the summary: the files are its own.
  private static func rebuild(_ folder: String) -> ExitCode {
    if JournalLock.isHeld(journal: folder + "/" + ResultFiles.journalName) {
      let code = print(folder, .text, to: nil)
      Terminal.talk("chainrun: nothing was written: the run makes its files when it ends ('--format' gives one of them so far)\n")
      return code
    }
    var record: RunRecord?
    var code = ExitCode.ok
    do throws(ResultFilesError) {
      _ = try ResultFiles.write(into: folder) {
        CrashVerdict.conclude(&$0, folder, wasRunning: false)
        record = $0
      }
    } catch {
      code = refusal(error, folder)
    }
    guard let record else { return code }
    let style: TextStyle = Terminal.hasColour(STDOUT_FILENO) ? .ansi : .plain
    Terminal.out(TerminalSummary.text(of: record, style: style, width: Terminal.width, resultsPath: folder))
    return max(code, record.isCrashed ? .untrusted : .ok)
  }

  /// One format, to standard output or a file; nothing in the run's folder is touched.
  private static func print(_ folder: String, _ format: ReportFormat, to path: String?) -> ExitCode {
    let run: RunRecord
    let wasRunning = JournalLock.isHeld(journal: folder + "/" + ResultFiles.journalName)
    do throws(ResultFilesError) {
      let style: TextStyle = path == nil && Terminal.hasColour(STDOUT_FILENO) ? .ansi : .plain
      run = try ResultFiles.render(
        format, of: folder, into: path, style: style, width: path == nil ? Terminal.width : 100,
        conclude: { CrashVerdict.conclude(&$0, folder, wasRunning: wasRunning) }, elsePrint: { Terminal.out($0) })
    } catch {
      return refusal(error, folder)
    }
    if run.isCrashed { Terminal.talk("chainrun: the run in '\(folder)' was killed or crashed; this is what it left\n") }
    if run.isRunning { Terminal.talk("chainrun: the run in '\(folder)' is still going; this is what there is so far\n") }
    return run.isCrashed ? .untrusted : .ok
  }

  private static func usage(_ message: String) -> ExitCode {
    Terminal.talk("chainrun: \(message)\n")
    return .usage
  }

  private static func refusal(_ error: ResultFilesError, _ folder: String) -> ExitCode {
    switch error {
    case .journal:
      Terminal.talk("chainrun: '\(folder)' is no folder of a run: \(error)\n")
      return .usage
    case .file:
      Terminal.talk("chainrun: \(error)\n")
      return .untrusted
    }
  }
}
