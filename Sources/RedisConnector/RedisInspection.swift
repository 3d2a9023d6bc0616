package import ChainIO
package import ChainProgram

extension RedisConnector: OnlineInspection {
  /// Queues each command in a transaction that is discarded: the server looks at name, number of words, permissions for command, keys and
  /// channels when it queues, on every version and without rights of administration, and executes nothing.
  package func inspect(connection: ConnectionIndex, target: any ConnectionTarget, program: Program, deadline: UInt64) -> InspectionReport {
    guard let target = target as? RedisTarget else { preconditionFailure("a Redis inspection is made for an address that Redis resolved") }
    do throws(OperationError) {
      let reactor = try Reactor()
      let rehearsal = RedisRehearsal(program, connection, database: target.database)
      let inspection = RedisInspection(reactor: reactor, target: target, rehearsal: rehearsal)
      inspection.start(deadline: deadline)
      while !inspection.isOver, MonotonicClock.now < deadline { reactor.turn(waitingAtMost: 50_000_000) }
      inspection.end()
      return inspection.report
    } catch {
      var report = InspectionReport()
      report.add(.unreachable, .connection, error.message)
      return report
    }
  }
}

/// The commands that one connection's operations and hops would send.
struct RedisRehearsal {
  struct Line {
    let bytes: [UInt8]
    /// As messages show it: `GET`, `CLIENT TRACKING`.
    let name: String
    let subject: InspectionProblem.Subject
    /// Whether a word begins with an expression: then what stands for it says nothing about permissions for keys.
    let hasFreeWord: Bool
  }

  private(set) var lines: [Line] = []
  private(set) var report = InspectionReport()
  /// The first hop that needs client-side-caching notices.
  private(set) var tracking: InspectionProblem.Subject?
  private(set) var audit: CommandAudit?

  private let database: Int

  init(_ program: Program, _ connection: ConnectionIndex, database: Int = 0) {
    self.database = database
    var seen: Set<[UInt8]> = []
    var scratch: [UInt8] = []
    var reading: [(name: String, subcommand: String)] = []
    for (index, operation) in program.operations.enumerated() where operation.connection == connection && operation.verb == "redis" {
      let subject = InspectionProblem.Subject.operation(index, position: nil)
      let command: RedisCommand
      do throws(OperationError) {
        command = try RedisCommand(operation)
      } catch {
        report.add(.statement, subject, error.message)
        continue
      }
      reading.append((command.name, command.subcommand))
      // What no value is known for stands as `1`.
      let arguments = [Value](repeating: .int(1), count: max(1, operation.argumentCount))
      var bytes: [UInt8] = []
      arguments.withUnsafeBufferPointer { command.encode(arguments: $0.baseAddress!, to: &bytes, scratch: &scratch) }
      guard seen.insert(bytes + Array(String(program.steps[operation.step.index].range.start).utf8)).inserted else { continue }
      let name = command.subcommand.isEmpty ? command.name : "\(command.name) \(command.subcommand)"
      lines.append(Line(bytes: bytes, name: name, subject: subject, hasFreeWord: RedisRehearsal.hasFreeWord(operation)))
    }
    if program.connections[connection.index].access != "write", !reading.isEmpty {
      audit = CommandAudit(connection: program.connections[connection.index].name, commands: reading)
    }
    for (event, declaration) in program.events.enumerated() {
      for (number, hop) in declaration.hops.enumerated() where hop.connection == connection && hop.observer == "watch" {
        watch(hop, .hop(event: event, hop: number))
      }
    }
  }

  private static func hasFreeWord(_ operation: Operation) -> Bool {
    guard case .words(let words)? = operation.operands.first?.value else { return false }
    return words.contains { if case .argument? = $0.pieces.first { true } else { false } }
  }

  /// What the hop's way needs; of `auto`, what the first way needs, since the others may do instead.
  private mutating func watch(_ hop: HopDeclaration, _ subject: InspectionProblem.Subject) {
    guard let watch = try? WatchedKeys(hop) else { return }
    let prefix = String(decoding: watch.pattern.literalPrefix, as: UTF8.self)
    let database = self.database
    var commands: [[String]]
    switch watch.way {
    case .auto where watch.hasPlace: return
    case .auto, .tracking:
      if tracking == nil { tracking = subject }
      commands = [["CLIENT", "ID"], ["SUBSCRIBE", "__redis__:invalidate"], ["CLIENT", "TRACKING", "ON"]]
    case .keyspace:
      let channel = KeyspaceChannels.keyspace.subscription(watch.pattern, database: database)
      commands = [["CONFIG", "GET", KeyspaceChannels.setting], ["PSUBSCRIBE", String(decoding: channel, as: UTF8.self)]]
    case .poll: commands = [["MGET", prefix + "1"]]
    }
    if hop.readsContent, watch.way != .poll { commands.append(["GET", prefix + "1"]) }
    for words in commands {
      let name = words[0] == "CLIENT" || words[0] == "CONFIG" ? "\(words[0]) \(words[1])" : words[0]
      lines.append(Line(bytes: RESP.command(words), name: name, subject: subject, hasFreeWord: false))
    }
  }
}

/// One session that rehearses.
private final class RedisInspection: RedisSessionOwner {
  private(set) var report: InspectionReport
  private(set) var isOver = false
  private lazy var session = RedisSession(reactor: reactor, target: target, owner: self)
  private let reactor: Reactor
  private let target: RedisTarget
  private let rehearsal: RedisRehearsal
  private let result = OperationResult()
  private var expected: [Answer] = []
  private var position = 0

  private enum Answer {
    case information
    case audit(CommandAudit)
    case multi
    case line(RedisRehearsal.Line)
    case discard
  }

  init(reactor: Reactor, target: RedisTarget, rehearsal: RedisRehearsal) {
    self.reactor = reactor
    self.target = target
    self.rehearsal = rehearsal
    report = rehearsal.report
  }

  func start(deadline: UInt64) { session.connect(deadline: deadline) }

  func end() {
    if !isOver { report.add(.unreachable, .connection, "\(target.displayAddress) did not answer by the deadline") }
    isOver = true
    session.close()
  }

  private func ask(_ answer: Answer, _ bytes: [UInt8]) {
    expected.append(answer)
    session.output.append(contentsOf: bytes)
    session.flushSoon()
  }

  func sessionReady(_ session: RedisSession, now: UInt64) {
    ask(.information, RESP.command(["INFO", "server"]))
    if let audit = rehearsal.audit { ask(.audit(audit), RESP.command(audit.request)) }
    // What comes next waits for its answer: without a transaction the commands would be executed.
    ask(.multi, RESP.command(["MULTI"]))
  }

  func sessionClosed(_ session: RedisSession, _ error: OperationError, now: UInt64) {
    if !isOver { report.add(.unreachable, .connection, error.message) }
    isOver = true
  }

  func replyTarget(_ session: RedisSession) -> Unmanaged<OperationResult>? { .passUnretained(result) }

  func replied(_ session: RedisSession, _ outcome: ReplyOutcome, now: UInt64) {
    defer { result.clear() }
    guard !isOver, position < expected.count else { return }
    let answer = expected[position]
    position += 1
    let refusal = outcome == .error ? OperationError.redis(session.errorText) : nil
    switch answer {
    case .information: judgeVersion(refusal)
    case .audit(let audit):
      if let refused = audit.refusal(outcome, result, errorText: session.errorText) {
        report.add(.permission, .connection, refused.message)
      }
    case .multi:
      if let refusal {
        report.add(.unchecked, .connection, "commands and permissions could not be rehearsed in MULTI: \(refusal.message)")
        isOver = true
        return
      }
      for line in rehearsal.lines { ask(.line(line), line.bytes) }
      ask(.discard, RESP.command(["DISCARD"]))
    case .line(let line):
      if let refusal { judge(line, refusal) }
    case .discard: isOver = true
    }
  }

  // Judging

  private func judgeVersion(_ refusal: OperationError?) {
    let text = result.nodes.first.map { $0.kind == .text ? result.string($0) : "" } ?? ""
    let line = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("redis_version:") }
    guard refusal == nil, let version = line?.dropFirst("redis_version:".count) else {
      report.add(.unchecked, .connection, "the server's version could not be read\(refusal.map { ": \($0.message)" } ?? "")")
      return
    }
    report.server = "Redis \(version)"
    if let tracking = rehearsal.tracking, let major = version.split(separator: ".").first.flatMap({ Int($0) }), major < 6 {
      report.add(.version, tracking, "the server is Redis \(version), and 'watch' needs Redis 6 or newer: it tells clients of changed keys")
    }
  }

  private func judge(_ line: RedisRehearsal.Line, _ refusal: OperationError) {
    let isAboutKeys = refusal.message.contains("keys")
    switch refusal.code {
    case "NOPERM" where isAboutKeys && line.hasFreeWord:
      report.add(.unchecked, line.subject, "whether the user may use the keys of '\(line.name)' depends on values of the run")
    case "NOPERM" where isAboutKeys: report.add(.permission, line.subject, "the user may not use the key of '\(line.name)'")
    case "NOPERM" where refusal.message.contains("channels"):
      report.add(
        .permission, line.subject, "the user may not use the channel of '\(line.name)'",
        help: "docs/permissions.md has the rule for each way of watching")
    case "NOPERM":
      report.add(
        .permission, line.subject, "the user may not run '\(line.name)'",
        help: "allow it with '+\(line.name.lowercased().split(separator: " ").joined(separator: "|"))'")
    case "ERR" where refusal.message.contains("transaction"):
      report.add(.unchecked, line.subject, "'\(line.name)' cannot be rehearsed: \(refusal.message)")
    default: report.add(.statement, line.subject, "the server refuses '\(line.name)': \(refusal.message)")
    }
  }
}
