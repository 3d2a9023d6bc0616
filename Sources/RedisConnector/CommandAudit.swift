import ChainIO

/// Holds a connection to reading, by the server's own table of commands.
///
/// The server is asked once for each connection, before anything is sent: COMMAND INFO for every command that the chain sends there.
struct CommandAudit {
  private let connection: String
  private let commands: [(name: String, subcommand: String)]

  /// - Parameters:
  ///   - connection: The connection's name in the chain, for messages.
  ///   - commands: In upper case.
  init(connection: String, commands: [(name: String, subcommand: String)]) {
    self.connection = connection
    var known = Set<String>()
    self.commands = commands.filter { known.insert("\($0.name) \($0.subcommand)").inserted }
  }

  /// COMMAND INFO with each command and, since Redis 7 has flags for these, each subcommand.
  var request: [String] {
    ["COMMAND", "INFO"] + commands.flatMap { [$0.name, $0.subcommand.isEmpty ? $0.name : "\($0.name)|\($0.subcommand)"] }
  }

  /// The first command that does not just read; nil if all do.
  func refusal(_ outcome: ReplyOutcome, _ reply: OperationResult, errorText: [UInt8]) -> OperationError? {
    var entries: [Set<String>?] = []
    switch outcome {
    case .value: entries = CommandAudit.flags(in: reply)
    // No COMMAND for this user or from this proxy: our own table decides.
    case .error, .tooLarge: break
    }
    for (index, command) in commands.enumerated() {
      let general = index * 2 < entries.count ? entries[index * 2] : nil
      let particular = index * 2 + 1 < entries.count ? entries[index * 2 + 1] : nil
      if let error = judge(command, flags: particular ?? general, isAnswered: !entries.isEmpty) { return error }
    }
    return nil
  }

  private func judge(_ command: (name: String, subcommand: String), flags: Set<String>?, isAnswered: Bool) -> OperationError? {
    let shown = command.subcommand.isEmpty ? command.name : "\(command.name) \(command.subcommand)"
    if let flags {
      if flags.contains("write") {
        return OperationError(
          .server, code: "write-on-read-connection", "'\(shown)' writes, and the connection '\(connection)' only reads ('access: read')")
      }
      if flags.contains("readonly") { return nil }
    } else if isAnswered {
      return OperationError(.server, code: "unknown-command", "the server does not know the command '\(shown)'")
    }
    switch RedisCommandTable.effect(command: command.name, subcommand: command.subcommand) {
    case .reads: return nil
    case .writes, .consumes, .destroys, .unclear:
      return OperationError(
        .server, code: "write-on-read-connection",
        "'\(shown)' may do more than read, and the connection '\(connection)' only reads ('access: read')")
    }
  }

  /// The flags of each entry of the reply: `[name, arity, [flags], …]`, or null for a command that the server does not have.
  private static func flags(in reply: OperationResult) -> [Set<String>?] {
    let nodes = reply.nodes
    guard let top = nodes.first, top.kind == .array else { return [] }
    func after(_ index: Int) -> Int {
      var open = 1
      var at = index
      while open > 0, at < nodes.count {
        open -= 1
        if nodes[at].kind == .array { open += Int(nodes[at].length) }
        at += 1
      }
      return at
    }
    var entries: [Set<String>?] = []
    var at = 1
    for _ in 0..<top.length where at < nodes.count {
      defer { at = after(at) }
      guard nodes[at].kind == .array, nodes[at].length >= 3, at + 3 < nodes.count, nodes[at + 3].kind == .array else {
        entries.append(nil)
        continue
      }
      let first = at + 4
      var flags = Set<String>()
      for index in first..<min(nodes.count, first + Int(nodes[at + 3].length)) where nodes[index].kind == .text {
        flags.insert(reply.string(nodes[index]))
      }
      entries.append(flags)
    }
    return entries
  }
}
