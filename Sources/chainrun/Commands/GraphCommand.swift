import ChainProgram
import Diagrams
import Glibc

/// `chainrun graph FILE`: the chain as a tree, for Graphviz, or as a picture.
enum GraphCommand {
  private enum Format: String { case text, dot, svg }

  static func run(_ invocation: Invocation) -> ExitCode {
    let asked = invocation.value("--format") ?? "text"
    guard let format = Format(rawValue: asked) else {
      Terminal.talk("chainrun: '--format \(asked)' is not known; write text, dot or svg\n")
      return .usage
    }
    switch ChainLoading.load(path: invocation.operands[0], variables: invocation.values("--var")) {
    case .unreadable(let message):
      Terminal.talk("chainrun: \(message)\n")
      return .usage
    case .compiled(let compilation):
      Terminal.talk(ChainLoading.render(compilation, colour: Terminal.hasColour(STDERR_FILENO)))
      guard let program = compilation.program else { return .failed }
      let diagram = ChainDiagram(program, in: compilation.files)
      switch format {
      case .text: Terminal.out(diagram.text())
      case .dot: Terminal.out(diagram.dot())
      case .svg: Terminal.out(diagram.svg())
      }
      return .ok
    }
  }
}
