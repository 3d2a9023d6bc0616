package import ChainIO
package import ChainProgram

extension RedisConnector: ServerViewing {
  package func makeServerProbes(connection: ConnectionIndex, target: any ConnectionTarget, program: Program, reactor: Reactor)
    -> [any ServerProbe]
  {
    guard let target = target as? RedisTarget else { preconditionFailure("a Redis probe was given another connector's target") }
    return [RedisServerProbe(target: target, reactor: reactor)]
  }
}

/// Asks Redis how it is: `INFO` and `SLOWLOG GET`, pipelined. Sets nothing and resets nothing.
final class RedisServerProbe: ServerProbe, RedisSessionOwner {
  private lazy var session = RedisSession(reactor: reactor, target: target, owner: self)
  private let reactor: Reactor
  private let target: RedisTarget
  private var isOpen = false
  private var completion: ((ServerReading) -> Void)?
  private var reading = ServerReading()
  private var expected: [Question] = []
  private let result = OperationResult()
  private var limits: [ServerReading.Limit] = []
  private var refused: Set<Question> = []
  private var slowLog = SlowLogReader()
  private var hasIdentity = false

  private enum Question { case information, slowLog }

  init(target: RedisTarget, reactor: Reactor) {
    self.target = target
    self.reactor = reactor
  }

  func look(deadline: UInt64, completion: @escaping (ServerReading) -> Void) {
    precondition(self.completion == nil, "a probe is asked one thing at a time")
    self.completion = completion
    reading = ServerReading()
    if isOpen { ask() } else { session.connect(deadline: deadline) }
  }

  func drop() {
    completion = nil
    expected = []
    isOpen = false
    hasIdentity = false
    session.close()
  }

  func close() { drop() }

  private func ask() {
    for question in [Question.information, .slowLog] where !refused.contains(question) {
      expected.append(question)
      reading.requests &+= 1
      let words = question == .information ? ["INFO"] : ["SLOWLOG", "GET", String(SlowLogReader.entriesMax)]
      session.output.append(contentsOf: RESP.command(words))
    }
    guard !expected.isEmpty else { return end(OperationError(.server, code: "NOPERM", "the user may run neither INFO nor SLOWLOG")) }
    session.flushSoon()
  }

  private func end(_ error: OperationError?) {
    reading.error = error
    let completion = completion
    self.completion = nil
    completion?(reading)
  }

  func sessionReady(_ session: RedisSession, now: UInt64) {
    isOpen = true
    if completion != nil { ask() }
  }

  func sessionClosed(_ session: RedisSession, _ error: OperationError, now: UInt64) {
    isOpen = false
    hasIdentity = false
    expected = []
    if completion != nil { end(error) }
  }

  func replyTarget(_ session: RedisSession) -> Unmanaged<OperationResult>? { .passUnretained(result) }

  func replied(_ session: RedisSession, _ outcome: ReplyOutcome, now: UInt64) {
    defer { result.clear() }
    guard !expected.isEmpty else { return }
    let question = expected.removeFirst()
    let refusal = outcome == .error ? OperationError.redis(session.errorText) : nil
    switch (question, refusal) {
    case (_, let refusal?):
      refused.insert(question)
      let names = RedisConnector.serverView.figures.map(\.name)
      let own = ["slow_commands", "slowest_command"]
      limits.append(
        ServerReading.Limit(
          question == .slowLog ? own : names.filter { !own.contains($0) },
          "the server refuses \(question == .slowLog ? "SLOWLOG GET" : "INFO"): \(refusal.message)"))
      reading.limits = limits
    case (.information, nil):
      let text = result.nodes.first.map { $0.kind == .text ? result.string($0) : "" } ?? ""
      let information = ServerInformation(text)
      information.read(into: &reading.values, database: target.database)
      if !hasIdentity {
        hasIdentity = true
        reading.server = "Redis \(information.text("redis_version") ?? "")"
        reading.limits = limits
      }
    case (.slowLog, nil): slowLog.read(result, into: &reading)
    }
    guard expected.isEmpty else { return }
    end(refused.count == 2 ? OperationError(.server, code: "NOPERM", "the user may run neither INFO nor SLOWLOG") : nil)
  }
}

/// The text of `INFO`: lines of `name:value` under headings.
struct ServerInformation {
  private var fields: [Substring: Substring] = [:]

  init(_ text: String) {
    for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
      guard let colon = line.firstIndex(of: ":") else { continue }
      fields[line[..<colon]] = line[line.index(after: colon)...]
    }
  }

  func text(_ name: Substring) -> String? { fields[name].map(String.init) }

  private func number(_ name: Substring) -> Double? { fields[name].flatMap { Double($0) } }

  /// Puts the figures that it has under their names.
  func read(into values: inout [String: Double], database: Int) {
    let plain: [(figure: String, field: Substring)] = [
      ("commands", "total_commands_processed"), ("clients", "connected_clients"), ("blocked_clients", "blocked_clients"),
      ("rejected_connections", "rejected_connections"), ("used_memory", "used_memory"), ("evicted_keys", "evicted_keys"),
      ("expired_keys", "expired_keys"), ("keyspace_hits", "keyspace_hits"), ("keyspace_misses", "keyspace_misses"),
      ("net_input", "total_net_input_bytes"), ("net_output", "total_net_output_bytes"), ("forks", "total_forks"),
    ]
    for (figure, field) in plain { if let value = number(field) { values[figure] = value } }
    if let microseconds = number("latest_fork_usec") { values["latest_fork"] = microseconds * 1000 }
    if let user = number("used_cpu_user"), let system = number("used_cpu_sys") { values["cpu"] = user + system }
    if let used = number("used_memory"), let limit = number("maxmemory"), limit > 0 { values["memory_limit_used"] = used / limit }
    // `db0:keys=12,expires=3,avg_ttl=0`; an empty database has no line.
    if number("total_commands_processed") != nil {
      let line = fields["db\(database)"] ?? "keys=0"
      values["keys"] = line.split(separator: ",").first.flatMap { Double($0.dropFirst("keys=".count)) } ?? 0
    }
    // `slave0:ip=127.0.0.1,port=6380,state=online,offset=1234,lag=0`
    if let replicas = number("connected_slaves"), replicas > 0, let end = number("master_repl_offset") {
      var lag: Double?
      for index in 0..<Int(min(replicas, 100)) {
        guard let part = fields["slave\(index)"]?.split(separator: ",").first(where: { $0.hasPrefix("offset=") }),
          let offset = Double(part.dropFirst("offset=".count))
        else { continue }
        lag = max(lag ?? 0, max(0, end - offset))
      }
      values["replication_lag_bytes"] = lag
    }
  }
}

/// What the slow log has got since it was last read. Entries are numbered by the server, and `SLOWLOG RESET` does not begin anew.
struct SlowLogReader {
  static let entriesMax = 128

  private var newest: Int64?
  private var counted: Double = 0

  /// Reads the reply to `SLOWLOG GET`: entries of id, time, microseconds, words, and more in later versions. Keeps the first word only.
  mutating func read(_ result: OperationResult, into reading: inout ServerReading) {
    var entries: [(id: Int64, microseconds: Int64, command: String)] = []
    var position = 1
    guard let top = result.nodes.first, top.kind == .array else { return }
    for _ in 0..<top.length {
      guard position < result.nodes.count, result.nodes[position].kind == .array else { break }
      let members = SlowLogReader.children(of: position, in: result)
      position = SlowLogReader.end(of: position, in: result)
      guard members.count >= 4, result.nodes[members[0]].kind == .integer, result.nodes[members[2]].kind == .integer else { continue }
      let words = SlowLogReader.children(of: members[3], in: result)
      let command = words.first.map { result.nodes[$0].kind == .text ? result.string(result.nodes[$0]) : "" } ?? ""
      entries.append((result.nodes[members[0]].integer, result.nodes[members[2]].integer, SlowLogReader.plain(command)))
    }
    let last = entries.map(\.id).max()
    // A server that was started anew counts from 0 again.
    if let last, let before = newest, last < before { newest = -1 }
    if let before = newest {
      let fresh = entries.filter { $0.id > before }
      // Ids are dense: what has fallen off the log's end was counted all the same.
      if let last, last > before { counted += Double(last - before) }
      reading.values["slowest_command"] = Double(fresh.map(\.microseconds).max() ?? 0) * 1000
      var names: [String: Double] = [:]
      for entry in fresh { names[entry.command, default: 0] += 1 }
      reading.parts += names.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { (name: "slow: \($0.key)", count: $0.value) }
    }
    newest = max(newest ?? -1, last ?? -1)
    reading.values["slow_commands"] = counted
  }

  /// A command's name has letters only, and a module's a point or dash; anything else is not shown.
  private static func plain(_ command: String) -> String {
    let isName =
      command.utf8.count <= 40
      && command.utf8.allSatisfy { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || $0 == 0x2E || $0 == 0x2D || $0 == 0x5F }
    return isName && !command.isEmpty ? command.uppercased() : "?"
  }

  private static func children(of position: Int, in result: OperationResult) -> [Int] {
    guard result.nodes[position].kind == .array else { return [] }
    var children: [Int] = []
    var next = position + 1
    for _ in 0..<result.nodes[position].length {
      guard next < result.nodes.count else { break }
      children.append(next)
      next = end(of: next, in: result)
    }
    return children
  }

  /// The place behind a node and all that is inside of it.
  private static func end(of position: Int, in result: OperationResult) -> Int {
    var left = 1
    var next = position
    while left > 0, next < result.nodes.count {
      left -= 1
      if result.nodes[next].kind == .array { left += Int(result.nodes[next].length) }
      next += 1
    }
    return next
  }
}
