import ChainProgram
import Glibc

/// `chainrun program FILE`: the compiled listing.
enum ProgramCommand {
  static func run(_ invocation: Invocation) -> ExitCode {
    switch ChainLoading.load(path: invocation.operands[0], variables: invocation.values("--var")) {
    case .unreadable(let message):
      Terminal.talk("chainrun: \(message)\n")
      return .usage
    case .compiled(let compilation):
      Terminal.talk(ChainLoading.render(compilation, colour: Terminal.hasColour(STDERR_FILENO)))
      guard let program = compilation.program else { return .failed }
      Terminal.out(program.listing(in: compilation.files))
      return .ok
    }
  }
}
