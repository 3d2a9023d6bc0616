import Foundation

/// The servers and the programs that the benchmark works with.
struct Site {
  struct Incomplete: Error, CustomStringConvertible {
    let description: String
  }

  let database: String
  let cache: String
  let api: String
  /// Where chainrun, OrderPipeline and CFloor lie.
  let programs: String
  /// For what the clients print and chainrun's results.
  let scratch: URL

  init() throws {
    func variable(_ name: String) throws -> String {
      guard let value = ProcessInfo.processInfo.environment[name] else {
        throw Incomplete(description: "\(name) is not set; scripts/bench sets it")
      }
      return value
    }
    database = try variable("ORDERS_DB")
    cache = try variable("ORDERS_CACHE")
    api = try variable("ORDERS_API")
    _ = try variable("ORDERS_MQ")
    programs = try variable("CHAINRUN_BIN_DIR")
    let place = ProcessInfo.processInfo.environment["ORDERS_SANDBOX"] ?? FileManager.default.temporaryDirectory.path
    scratch = URL(fileURLWithPath: place).appendingPathComponent("bench")
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
  }

  /// A copy of `chains/bench/<name>.chain.yaml` whose profiles run for so long.
  func chain(_ name: String, seconds: Int) throws -> String {
    let text = try String(contentsOfFile: "chains/bench/\(name).chain.yaml", encoding: .utf8)
    let copy = scratch.appendingPathComponent("\(name).chain.yaml")
    try Data(text.replacingOccurrences(of: "for: 5s", with: "for: \(seconds)s").utf8).write(to: copy)
    return copy.path
  }

  /// Creates tables, exchange and queue, and starts the half of the pipeline that the order chain waits for.
  func startCacheWriter() throws -> ChildProcess {
    let pipeline = programs + "/OrderPipeline"
    try required(ChildProcess(pipeline, ["init"], output: scratch.appendingPathComponent("init")))
    let writer = try ChildProcess(pipeline, ["cache"], output: scratch.appendingPathComponent("cache"))
    let end = Date(timeIntervalSinceNow: 10)
    while !writer.errors.contains("cache: ready") {
      guard Date() < end else { throw Incomplete(description: "the cache writer did not start: \(writer.errors)") }
      usleep(20_000)
    }
    return writer
  }

  /// The same state before every client: orders 1 to 1000 in the table, bench:0 to bench:999 in the cache, and nothing else.
  func reset() throws {
    let sql = """
      TRUNCATE orders, outbox RESTART IDENTITY;
      INSERT INTO orders (customer_id, amount, run_id) SELECT i, 12.10, 'bench' FROM generate_series(1, 1000) i;
      """
    let script = "for i = 0, 999 do redis.call('SET', 'bench:' .. i, '{\"order_id\": 9007199254740993, \"amount\": 12.10}') end"
    try required(ChildProcess("/usr/bin/psql", ["-q", "-c", sql, database], output: scratch.appendingPathComponent("psql")))
    for command in [["FLUSHALL"], ["EVAL", script, "0"]] {
      try required(
        ChildProcess(
          "/usr/bin/redis-cli", ["--no-auth-warning", "-u", cache] + command, output: scratch.appendingPathComponent("redis-cli")))
    }
  }

  private func required(_ child: ChildProcess) throws {
    guard let end = child.wait(seconds: 30), end.exitCode == 0 else {
      throw Incomplete(description: "\(child.name) failed: \(child.errors.prefix(400))")
    }
  }
}
