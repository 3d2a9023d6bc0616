import Diagnostics
import Glibc

/// `chainrun lint FILE…`
enum LintCommand {
  static func run(_ invocation: Invocation) -> ExitCode {
    let format = invocation.value("--format") ?? "human"
    guard format == "human" || format == "json" else {
      Terminal.talk("chainrun: '--format \(format)' is not known; write human or json\n")
      return .usage
    }
    var code = ExitCode.ok
    for path in invocation.operands {
      switch ChainLoading.load(path: path, variables: invocation.values("--var")) {
      case .unreadable(let message):
        Terminal.talk("chainrun: \(message)\n")
        code = max(code, .usage)
      case .compiled(let offline):
        let compilation = invocation.value("--online") == nil ? offline : OnlineLint.look(at: offline)
        if format == "json" {
          Terminal.out(JSONRenderer().render(compilation.findings, in: compilation.files))
        } else {
          Terminal.out(ChainLoading.render(compilation, colour: Terminal.hasColour(STDOUT_FILENO)))
          Terminal.talk("\(path): \(compilation.findings.summary ?? "no findings")\n")
        }
        if compilation.findings.hasErrors { code = max(code, .failed) }
      }
    }
    return code
  }
}
