import Foundation
import Testing

/// The demonstration system on real servers, from outside: orders are written with psql and looked for with redis-cli.
@Suite(.serialized)
struct OrderPipelineTests {
  static let sandboxIsUp = ["ORDERS_DB", "ORDERS_MQ", "ORDERS_CACHE"].allSatisfy { ProcessInfo.processInfo.environment[$0] != nil }

  @Test(.enabled(if: sandboxIsUp)) func `an order written with its outbox row appears in the cache`() throws {
    try Program.pipeline("init").finished(within: 30)
    let pipeline = try Program.pipeline("all")
    defer { pipeline.kill() }

    let id = try Servers.placeOrder(amount: "12.10")
    #expect(Servers.cachedOrder(id, within: 10) == #"{"amount": 12.10, "order_id": \#(id)}"#)

    pipeline.terminate()
    try pipeline.finished(within: 8)
  }

  @Test(.enabled(if: sandboxIsUp)) func `an order placed while nothing ran is delivered once both roles are back`() throws {
    try Program.pipeline("init").finished(within: 30)
    let first = try Servers.placeOrder(amount: "1.00")
    let second = try Servers.placeOrder(amount: "2.50")

    let relay = try Program.pipeline("relay")
    defer { relay.kill() }
    #expect(Servers.outboxEmpties(within: 10))
    relay.terminate()
    try relay.finished(within: 8)

    let cache = try Program.pipeline("cache")
    defer { cache.kill() }
    #expect(Servers.cachedOrder(first, within: 10) == #"{"amount": 1.00, "order_id": \#(first)}"#)
    #expect(Servers.cachedOrder(second, within: 10) == #"{"amount": 2.50, "order_id": \#(second)}"#)
    cache.terminate()
    try cache.finished(within: 8)
  }

  @Test func `a missing address is named, with exit code 3`() throws {
    let program = try Program(Program.folder + "/OrderPipeline", ["relay"], environment: [:])
    defer { program.kill() }
    #expect(throws: Program.Failed(name: "OrderPipeline", code: 3, errors: "OrderPipeline: ORDERS_DB is not set\n")) {
      try program.finished(within: 8)
    }
  }

  @Test func `a password does not appear in the message about a server that is not there`() throws {
    let environment = [
      "ORDERS_DB": "postgresql://orders:opensesame@127.0.0.1:1/orders", "ORDERS_MQ": "amqp://orders:opensesame@127.0.0.1:1/",
      "ORDERS_CACHE": "redis://:opensesame@127.0.0.1:1/0",
    ]
    let program = try Program(Program.folder + "/OrderPipeline", ["init"], environment: environment)
    defer { program.kill() }
    do {
      try program.finished(within: 8)
      Issue.record("it succeeded")
    } catch let failure as Program.Failed {
      #expect(failure.code == 3)
      #expect(failure.errors.contains("port 1 failed: Connection refused"))
      #expect(!failure.errors.contains("opensesame"))
    }
  }
}

/// The sandbox's servers, seen through their own command-line clients.
enum Servers {
  static func placeOrder(amount: String) throws -> Int {
    let sql = """
      WITH placed AS (INSERT INTO orders (customer_id, amount) VALUES (1, \(amount)) RETURNING id, amount)
      INSERT INTO outbox (order_id, payload) SELECT id, jsonb_build_object('order_id', id, 'amount', amount) FROM placed
      RETURNING order_id
      """
    return try #require(Int(try query(sql)))
  }

  static func outboxEmpties(within seconds: Double) -> Bool {
    until(seconds) { (try? query("SELECT count(*) FROM outbox")) == "0" ? true : nil } ?? false
  }

  static func cachedOrder(_ id: Int, within seconds: Double) -> String? {
    until(seconds) {
      let value = try? Program("/usr/bin/redis-cli", ["--no-auth-warning", "-u", address("ORDERS_CACHE"), "GET", "order:\(id)"])
        .finished(within: 5)
      return value.flatMap { $0.isEmpty ? nil : $0 }
    }
  }

  /// Numbered orders of 50 customers in turn, all committed at once.
  static func placeNumberedOrders(_ count: Int) throws {
    _ = try query(
      """
      WITH placed AS (
        INSERT INTO orders (customer_id, amount, version)
        SELECT n % 50 + 1, (n % 100 + 1) / 10.0, n / 50 + 1 FROM generate_series(0, \(count - 1)) AS n RETURNING *)
      INSERT INTO outbox (order_id, payload)
      SELECT id, jsonb_build_object('order_id', id, 'customer_id', customer_id, 'version', version, 'amount', amount) FROM placed ORDER BY id
      """)
  }

  /// The keys of the cache that match the pattern.
  static func entries(_ pattern: String) throws -> Int {
    let script = "return #redis.call('KEYS', ARGV[1])"
    let found = try Program(
      "/usr/bin/redis-cli", ["--no-auth-warning", "-u", address("ORDERS_CACHE"), "EVAL", script, "0", pattern]
    ).finished(within: 5)
    return Int(found) ?? -1
  }

  static func query(_ sql: String) throws -> String {
    try Program("/usr/bin/psql", ["-Atqc", sql, address("ORDERS_DB")]).finished(within: 10)
  }

  private static func address(_ name: String) -> String { ProcessInfo.processInfo.environment[name] ?? "" }

  static func until<Value>(_ seconds: Double, _ value: () -> Value?) -> Value? {
    let end = Date(timeIntervalSinceNow: seconds)
    repeat {
      if let value = value() { return value }
      usleep(20_000)
    } while Date() < end
    return nil
  }
}

/// A child process whose output goes to files, so that no pipe can fill up, and whose end is awaited with a deadline.
final class Program {
  struct Failed: Error, Equatable {
    let name: String
    let code: Int32
    let errors: String
  }
  struct TookTooLong: Error {
    let name: String
  }

  private let process = Process()
  private let output: URL
  private let errors: URL

  /// Where the built programs are: beside the test bundle, or where CHAINRUN_BIN_DIR says.
  static var folder: String {
    if let folder = ProcessInfo.processInfo.environment["CHAINRUN_BIN_DIR"] { return folder }
    let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return URL(fileURLWithPath: bundle).deletingLastPathComponent().path
  }

  static func pipeline(_ role: String, _ options: [String] = []) throws -> Program {
    try Program(folder + "/OrderPipeline", [role] + options)
  }

  init(_ path: String, _ arguments: [String], environment: [String: String]? = nil) throws {
    let scratch = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    output = scratch.appendingPathExtension("out")
    errors = scratch.appendingPathExtension("err")
    for file in [output, errors] { try Data().write(to: file) }
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    if let environment { process.environment = environment }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
  }

  deinit {
    try? FileManager.default.removeItem(at: output)
    try? FileManager.default.removeItem(at: errors)
  }

  func terminate() { process.terminate() }

  /// Whether the text stands in what it has said on standard error.
  func said(_ text: String) -> Bool { (try? String(contentsOf: errors, encoding: .utf8))?.contains(text) == true }

  func kill() {
    if process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) }
  }

  /// What it printed, without the last line's end. Throws when it fails or takes longer.
  @discardableResult
  func finished(within seconds: Double) throws -> String {
    let end = Date(timeIntervalSinceNow: seconds)
    while process.isRunning {
      guard Date() < end else {
        kill()
        throw TookTooLong(name: process.executableURL?.lastPathComponent ?? "")
      }
      usleep(5_000)
    }
    guard process.terminationStatus == 0 else {
      throw Failed(
        name: process.executableURL?.lastPathComponent ?? "", code: process.terminationStatus,
        errors: (try? String(contentsOf: errors, encoding: .utf8)) ?? "")
    }
    return try String(contentsOf: output, encoding: .utf8).trimmingCharacters(in: .newlines)
  }
}
