import ChainIO
import ChainLanguage
import ChainProgram
import Diagnostics
import Glibc

/// Reads a chain and everything it names, and compiles it.
enum ChainLoading {
  enum Outcome {
    case compiled(Compilation)
    /// The file itself could not be read, or an option was wrong: a phrase.
    case unreadable(String)
  }

  /// - Parameter checksCommands: Whether the commands of alerts are looked for.
  static func load(path: String, variables: [String], checksCommands: Bool = true) -> Outcome {
    var options = CompileOptions()
    if checksCommands { options.commandProblem = { AlertPlan.commandProblem($0) } }
    for variable in variables {
      guard let equals = variable.firstIndex(of: "="), equals != variable.startIndex else {
        return .unreadable("'--var \(variable)' is not of the form NAME=VALUE")
      }
      options.variables.append((String(variable[..<equals]), String(variable[variable.index(after: equals)...])))
    }
    switch read(path) {
    case .failure(let failure): return .unreadable("cannot read '\(path)': \(failure.reason)")
    case .success(let bytes):
      return .compiled(
        compileChain(path: path, bytes: bytes, connectors: connectors.map(\.schema), options: options, readFile: { read($0) }))
    }
  }

  /// At most 64 MiB: chains are small, and feeds are held in memory.
  static func read(_ path: String) -> Result<[UInt8], ReadFailure> {
    let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return .failure(ReadFailure(String(cString: strerror(errno)).lowercased())) }
    defer { if descriptor != STDIN_FILENO { close(descriptor) } }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count <= 64 << 20 {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count == 0 { return .success(bytes) }
      if count < 0 {
        if errno == EINTR { continue }
        return .failure(ReadFailure(String(cString: strerror(errno)).lowercased()))
      }
      bytes += buffer[..<count]
    }
    return .failure(ReadFailure("larger than 64 MiB"))
  }

  static func render(_ compilation: Compilation, colour: Bool) -> String {
    colour
      ? ANSIRenderer(width: Terminal.width).render(compilation.findings, in: compilation.files)
      : PlainTextRenderer(width: Terminal.width).render(compilation.findings, in: compilation.files)
  }
}
