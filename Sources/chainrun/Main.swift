import ChainIO
import Glibc
import HTTPConnector
import PostgresConnector
import RabbitMQConnector
import RedisConnector

/// The connectors of this program. A fifth system is one more module and one more entry.
let connectors: [any Connector] = [PostgresConnector(), RabbitMQConnector(), RedisConnector(), HTTPConnector()]

@main
enum Main {
  static func main() {
    // A peer that closes its end must be an error of ours to handle, not a signal that ends the process.
    signal(SIGPIPE, SIG_IGN)
    // A file that may not grow (RLIMIT_FSIZE) must be an error as a full disk is, so that the run can still say what it saw.
    signal(SIGXFSZ, SIG_IGN)
    let code = Main.run(Array(CommandLine.arguments.dropFirst()))
    exit(code.rawValue)
  }

  /// nonisolated: nothing here runs on the main actor.
  nonisolated static func run(_ arguments: [String]) -> ExitCode {
    switch CommandLineParser.parse(arguments) {
    case .help(let text):
      Terminal.out(text)
      return .ok
    case .wrong(let message):
      Terminal.talk("chainrun: \(message)\n")
      return .usage
    case .command(let invocation):
      switch invocation.command.name {
      case .lint: return LintCommand.run(invocation)
      case .explain: return ExplainCommand.run(invocation)
      case .run: return RunCommand.run(invocation)
      case .report: return ReportCommand.run(invocation)
      case .trace: return TraceCommand.run(invocation)
      case .graph: return GraphCommand.run(invocation)
      case .program: return ProgramCommand.run(invocation)
      case .compare: return CompareCommand.run(invocation)
      case .history: return HistoryCommand.run(invocation)
      case .baseline: return BaselineCommand.run(invocation)
      case .trend: return TrendCommand.run(invocation)
      case .version:
        Terminal.out("chainrun \(Version.text)\n")
        return .ok
      }
    }
  }
}

enum Version {
  static let text = "0.1.0"
}
