import Foundation
import Testing

/// Throw-away servers of the acceptance tests alone, so that they may be frozen, stopped and filled with anything.
final class Sandbox: Sendable {
  @TaskLocal static var current: Sandbox?

  struct NotUp: Error, CustomStringConvertible {
    let description: String
  }

  let folder: String
  /// ORDERS_DB and the others.
  let addresses: [String: String]
  private let keeper: Launched

  /// Whether the machine has servers: someone has started a sandbox already.
  static var isPossible: Bool { ProcessInfo.processInfo.environment["ORDERS_SANDBOX"] != nil }

  static func up() throws -> Sandbox {
    let scratch = try ScratchFolder()
    // It goes down by itself when this process ends, however that happens.
    let keep =
      "env >\(scratch.path("part")) && mv \(scratch.path("part")) \(scratch.path("env")) && exec tail --pid=\(getpid()) -f /dev/null"
    let own = ProcessInfo.processInfo.environment
    let keeper = try Launched(
      Launched.root + "/scripts/sandbox", ["run", "--http", "--", "sh", "-c", keep],
      environment: own.filter { !$0.key.hasPrefix("ORDERS_") })
    guard eventually(within: 90, { !keeper.isRunning || FileManager.default.fileExists(atPath: scratch.path("env")) }), keeper.isRunning
    else {
      keeper.send(SIGTERM)
      throw NotUp(description: "the sandbox did not start\n\(keeper.errors)")
    }
    var addresses: [String: String] = [:]
    for line in scratch.read("env").split(separator: "\n") where line.hasPrefix("ORDERS_") {
      let parts = line.split(separator: "=", maxSplits: 1)
      if parts.count == 2 { addresses[String(parts[0])] = String(parts[1]) }
    }
    guard let folder = addresses["ORDERS_SANDBOX"] else { throw NotUp(description: "the sandbox has no folder") }
    let sandbox = Sandbox(folder: folder, addresses: addresses, keeper: keeper)
    try sandbox.prepare()
    return sandbox
  }

  private init(folder: String, addresses: [String: String], keeper: Launched) {
    self.folder = folder
    self.addresses = addresses
    self.keeper = keeper
  }

  private func prepare() throws {
    let ended = try Launched(Launched.programs + "/OrderPipeline", ["init"], environment: addresses).end(within: 30)
    guard ended.code == 0 else { throw NotUp(description: "OrderPipeline init: \(ended)") }
  }

  func down() {
    keeper.send(SIGTERM)
    _ = try? keeper.end(within: 25)
  }

  // The programs

  /// - Parameter elsewhere: Addresses that the program is to use instead of the sandbox's own.
  func chainrun(_ arguments: [String], elsewhere: [String: String] = [:]) throws -> Launched {
    try .chainrun(arguments, environment: addresses.merging(elsewhere) { $1 })
  }

  /// The demonstration system, once it says that it is ready.
  func pipeline(_ role: String, _ options: [String] = []) throws -> Launched {
    let pipeline = try Launched(Launched.programs + "/OrderPipeline", [role] + options, environment: addresses)
    let parts = role == "all" ? 2 : 1
    guard eventually(within: 20, { pipeline.errors.components(separatedBy: ": ready").count > parts }) else {
      throw NotUp(description: "OrderPipeline \(role) is not ready: \(pipeline.errors)")
    }
    return pipeline
  }

  /// Empties what the demonstration system works on.
  func resetPipeline() throws {
    let ended = try Launched(Launched.programs + "/OrderPipeline", ["reset"], environment: addresses).end(within: 30)
    guard ended.code == 0 else { throw NotUp(description: "OrderPipeline reset: \(ended)") }
  }

  /// RabbitMQ's own word, such as `list_queues name messages`.
  func rabbitmqctl(_ words: String...) throws -> String {
    guard let broker = processes(of: .rabbitmq).first else { throw NotUp(description: "RabbitMQ has no process") }
    // The settings that the broker was started with: its name, its cookie's folder, its epmd.
    let settings = RunResults.text("/proc/\(broker)/environ").split(separator: "\0").reduce(into: [String: String]()) { settings, line in
      let parts = line.split(separator: "=", maxSplits: 1)
      if parts.count == 2, parts[0] != "SANDBOX_SERVER" { settings[String(parts[0])] = String(parts[1]) }
    }
    let program = try Launched(
      "/bin/sh", ["-c", #"exec /usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmqctl --quiet "$@""#, "rabbitmqctl"] + words,
      environment: settings)
    let ended = try program.end(within: 40)
    guard ended.code == 0 else { throw NotUp(description: "rabbitmqctl \(words): \(ended)") }
    return ended.output
  }

  /// One value, or lines of them.
  func sql(_ query: String) throws -> String {
    let ended = try Launched("/usr/bin/psql", ["-Atqc", query, addresses["ORDERS_DB"] ?? ""]).end(within: 20)
    guard ended.code == 0 else { throw NotUp(description: ended.description) }
    return ended.output.trimmingCharacters(in: .newlines)
  }

  func redis(_ words: String...) throws -> String {
    let ended = try Launched("/usr/bin/redis-cli", ["--no-auth-warning", "-u", addresses["ORDERS_CACHE"] ?? ""] + words).end(within: 20)
    return ended.output.trimmingCharacters(in: .newlines)
  }

  // The servers' processes

  enum Server: String {
    case postgres, rabbitmq, redis
  }

  func processes(of server: Server) -> [pid_t] {
    guard let leader = pid_t(RunResults.text("\(folder)/pids/\(server.rawValue).pid").trimmingCharacters(in: .whitespacesAndNewlines))
    else {
      return []
    }
    var found = [leader]
    var parents: [pid_t: pid_t] = [:]
    for entry in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
      guard let id = pid_t(entry) else { continue }
      // The name in parentheses may hold spaces; the parent is the second field after it.
      let fields = RunResults.text("/proc/\(entry)/stat").components(separatedBy: ") ").last?.split(separator: " ") ?? []
      if fields.count > 1, let parent = pid_t(fields[1]) { parents[id] = parent }
    }
    var next = 0
    while next < found.count {
      found += parents.filter { $0.value == found[next] }.map(\.key)
      next += 1
    }
    return found
  }

  /// Stops the server's processes for the time given, in a thread of its own.
  ///
  /// - Returns: a semaphore that is signalled when they run again.
  func freeze(_ server: Server, for seconds: Double, after delay: Double) -> DispatchSemaphore {
    let done = DispatchSemaphore(value: 0)
    let start = ContinuousClock.now
    Thread.detachNewThread { [self] in
      Sandbox.sleep(until: start + .seconds(delay))
      // The parent first, so that it starts no more of them.
      let ids = processes(of: server)
      let frozen = ContinuousClock.now
      for id in ids { kill(id, SIGSTOP) }
      Sandbox.sleep(until: frozen + .seconds(seconds))
      for id in ids.reversed() { kill(id, SIGCONT) }
      done.signal()
    }
    return done
  }

  private static func sleep(until end: ContinuousClock.Instant) {
    while true {
      let rest = (end - ContinuousClock.now) / .seconds(1)
      guard rest > 0 else { return }
      usleep(rest > 0.002 ? UInt32((rest - 0.001) * 1e6) : 50)
    }
  }

  /// Ends Redis without a word and starts it again on the same port, empty, after a pause.
  func restartRedis(pause seconds: Double) throws {
    let file = "\(folder)/pids/redis.pid"
    for id in processes(of: .redis) { kill(id, SIGKILL) }
    usleep(UInt32(seconds * 1e6))
    // As scripts/sandbox starts it, so that it finds and ends it.
    let script = #"cd "$0/redis" && echo $$ >"$1" && exec redis-server "$0/redis/redis.conf""#
    let starter = try Launched(
      "/usr/bin/setsid", ["--fork", "bash", "-c", script, folder, file], environment: addresses.merging(["SANDBOX_SERVER": folder]) { $1 })
    _ = try starter.end(within: 5)
    guard eventually(within: 10, { (try? redis("ping")) == "PONG" }) else { throw NotUp(description: "Redis did not come back") }
  }
}

/// Gives a suite its own servers: up before its first test, down after its last.
struct WithSandbox: SuiteTrait, TestScoping {
  func provideScope(for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void) async throws {
    let sandbox = try Sandbox.up()
    defer { sandbox.down() }
    try await Sandbox.$current.withValue(sandbox) { try await function() }
  }
}

/// The tests that need servers, one after the other: some of them freeze or stop one.
@Suite(.serialized, .enabled(if: Sandbox.isPossible), WithSandbox())
struct OnServers {
  static func sandbox() throws -> Sandbox { try #require(Sandbox.current) }

  /// Runs a chain to its end and reads what it left.
  static func run(
    _ sandbox: Sandbox, _ chain: String, _ arguments: [String] = [], elsewhere: [String: String] = [:], within seconds: Double,
    meanwhile: (Launched, String) throws -> Void = { _, _ in }
  ) throws -> (ended: Launched.Ended, results: RunResults, scratch: ScratchFolder) {
    let scratch = try ScratchFolder()
    let out = scratch.path("out-of-run")
    let launched = try sandbox.chainrun(["run", chain, "--out", out] + arguments, elsewhere: elsewhere)
    try meanwhile(launched, out)
    let ended = try launched.end(within: seconds)
    let results: RunResults
    do { results = try RunResults(out) } catch { throw Sandbox.NotUp(description: "no results: \(error)\n\(ended)") }
    return (ended, results, scratch)
  }

  /// Waits until the load has begun, by the journal, as another program would.
  static func awaitLoad(_ launched: Launched, _ folder: String) throws {
    let isLoading = eventually(within: 20) {
      !launched.isRunning || RunResults.text(folder + "/journal.ndjson").contains(#""name":"load""#)
    }
    guard isLoading, launched.isRunning else { throw Sandbox.NotUp(description: "the load did not begin\n\(launched.errors)") }
  }
}
