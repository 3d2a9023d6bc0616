import Foundation
import LosslessJSON
import Testing

/// The faults, by what the pipeline says that it did and by what stands in the servers afterwards.
extension OrderPipelineTests {
  @Test(.enabled(if: sandboxIsUp)) func `each fault meets exactly as many orders as were asked for, and no order meets two`() throws {
    let log = try faultyRun(
      ["--lose-relay=10/500", "--lose-writer=5/500", "--duplicate-relay=7/500", "--wrong-body-relay=4/500", "--phantom-relay=3/500"]
        + ["--wrong-body-writer=6/500", "--phantom-writer=2/500", "--duplicate-writer=8/500", "--crash-relay=1/500", "--crash-writer=1/500"]
    ) {
      try Servers.placeNumberedOrders(500)
    } until: {
      $0.count("write", nil) >= 500 - 10 - 5 - 6 + 7 + 3 + 1 + 1 && $0.count("write", "duplicate-writer") == 8
    }

    #expect(log.count("omit", "lose-relay") == 10)
    #expect(log.count("omit", "lose-writer") == 5)
    #expect(log.count("publish", "duplicate-relay") == 7)
    #expect(log.count("publish", "wrong-body-relay") == 4)
    #expect(log.count("publish", "phantom-relay") == 3)
    #expect(log.count("write", "wrong-body-writer") == 6)
    #expect(log.count("write", "phantom-writer") == 2)
    #expect(log.count("write", "duplicate-writer") == 8)
    #expect(log.count("crash", "crash-relay") == 1)
    #expect(log.count("crash", "crash-writer") == 1)
    let victims = log.acts.filter { $0.fault != nil && $0.deed != "crash" && $0.id < 9_000_000_000 }
    #expect(Set(victims.map(\.id)).count == victims.count, "an order met two faults")
    // One message was published again, since the relay broke off; what came twice was written twice.
    #expect(log.acts.filter { $0.deed == "publish" }.count == 500 - 10 + 7 + 3 + 1)
    #expect(try Servers.entries("order:*") == 500 - 10 - 5 + 3 + 2)
    #expect(log.acts.allSatisfy { $0.from <= $0.to && $0.taken <= $0.from })
  }

  @Test(.enabled(if: sandboxIsUp)) func `the same seed picks the same places, and another seed picks others`() throws {
    func places(seed: Int) throws -> [Int64] {
      let log = try faultyRun(["--lose-relay=20/100", "--seed=\(seed)"]) {
        try Servers.placeNumberedOrders(100)
      } until: {
        $0.count("write", nil) >= 80
      }
      return log.acts.filter { $0.deed == "omit" }.map { $0.id % 100 }.sorted()
    }
    let first = try places(seed: 7)
    #expect(first.count == 20)
    #expect(try places(seed: 7) == first)
    #expect(try places(seed: 8) != first)
  }

  @Test(.enabled(if: sandboxIsUp)) func `reordering within a key is seen in its versions, and across keys it is not`() throws {
    func descents(_ option: String) throws -> Int {
      let log = try faultyRun([option, "--hold=1s"]) {
        try Servers.placeNumberedOrders(500)
      } until: {
        $0.count("publish", nil, orAnyFault: true) >= 500
      }
      var highest: [Int64: Int64] = [:]
      return log.acts.reduce(0) { sum, act in
        guard act.deed == "publish", let key = act.key, let version = act.version else { return sum }
        defer { highest[key] = max(highest[key] ?? 0, version) }
        return sum + (version < highest[key] ?? 0 ? 1 : 0)
      }
    }
    // Of 40 events few are the last of their key, and nothing follows those.
    #expect((25...40).contains(try descents("--reorder-key=40/500")))
    #expect(try descents("--reorder-across=40/500") == 0)
  }

  @Test(.enabled(if: sandboxIsUp)) func `a stale entry stands in the cache until it is put right`() throws {
    let stale = try faultyRun(["--cache-key=customer", "--stale=20/200"]) {
      try Servers.placeNumberedOrders(200)
    } until: {
      $0.count("write", nil) >= 200
    }
    #expect((10...20).contains(stale.count("write", "stale")))
    #expect(try Servers.entries("customer:*") == 50)
    #expect(try Servers.entries("order:*") == 0)
  }

  @Test(.enabled(if: sandboxIsUp)) func `a relay that reads by the last id misses what commits late`() throws {
    func place(_ id: Int, before rest: String = "") -> String {
      #"BEGIN; INSERT INTO outbox (order_id, payload) VALUES (\#(id), '{"order_id": \#(id)}'); \#(rest) COMMIT"#
    }
    let log = try faultyRun(["--skip-late"]) {
      // The first takes its row's id before the second does, and commits after it.
      let slow = try Program(
        "/usr/bin/psql", ["-qc", place(1, before: "SELECT pg_sleep(1);"), ProcessInfo.processInfo.environment["ORDERS_DB"] ?? ""])
      usleep(500_000)
      _ = try Servers.query(place(2))
      try slow.finished(within: 5)
    } until: {
      $0.count("omit", "skip-late") == 1
    }
    #expect(log.acts.filter { $0.deed == "publish" }.map(\.id) == [2])
    #expect(log.acts.filter { $0.deed == "omit" }.map(\.id) == [1])
  }

  @Test(.enabled(if: sandboxIsUp)) func `an order whose transaction was rolled back leaks, and one that was committed comes once`() throws {
    let log = try faultyRun(["--leak=1/1"]) {
      _ = try Servers.query("BEGIN; INSERT INTO orders (customer_id, amount, version) VALUES (7, 12.05, 3); ROLLBACK")
      try Servers.placeNumberedOrders(1)
    } until: {
      $0.count("publish", "leak") == 1 && $0.count("write", nil) == 2
    }
    let leaked = log.acts.first { $0.fault == "leak" }
    #expect(leaked?.key == 7 && leaked?.version == 3 && leaked?.amount == "12.05")
    #expect(log.acts.filter { $0.deed == "publish" }.count == 2)
    #expect(try Servers.query("SELECT count(*) FROM pg_class WHERE relname LIKE 'order_leak%'") == "0", "its sequences are gone")
  }

  @Test(arguments: [
    ["--lose-relay", "eleven"], ["--lose-relay=12/10"], ["--lose-relay"], ["--stale=1%"], ["--nothing=1%"], ["--delay-relay=50"],
    ["--lose-relay=60%", "--lose-writer=60%"], ["--crash-relay=1%", "--skip-late"],
  ]) func `a wrong option is refused with exit code 2 before anything is connected to`(_ options: [String]) throws {
    let program = try Program(Program.folder + "/OrderPipeline", ["all"] + options, environment: [:])
    defer { program.kill() }
    do {
      try program.finished(within: 8)
      Issue.record("it ran")
    } catch let failure as Program.Failed {
      #expect(failure.code == 2, "\(failure)")
      #expect(failure.errors.hasPrefix("OrderPipeline: "))
    }
  }
}

/// What the pipeline wrote down, read as any other program would.
struct PipelineActs {
  struct Act {
    let deed: String
    let from, to, taken: UInt64
    let id: Int64
    let key, version: Int64?
    let amount, fault: String?
  }

  let acts: [Act]

  init(_ text: String) throws {
    // The last line may be under way.
    acts = try text.split(separator: "\n").compactMap { line in
      guard line.hasSuffix("}") else { return nil }
      let value = try JSONDocument(parsing: String(line)).root
      guard let deed = value["do"]?.string, let id = value["id"]?.integer(as: Int64.self) else { return nil }
      func time(_ name: String) -> UInt64 { value[name]?.integer(as: UInt64.self) ?? 0 }
      return Act(
        deed: deed, from: time("from_ns"), to: time("to_ns"), taken: time("taken_ns"), id: id, key: value["key"]?.integer(as: Int64.self),
        version: value["version"]?.integer(as: Int64.self), amount: value["amount"]?.numberText, fault: value["fault"]?.string)
    }
  }

  func count(_ deed: String, _ fault: String?, orAnyFault: Bool = false) -> Int {
    acts.reduce(0) { $0 + ($1.deed == deed && (orAnyFault || $1.fault == fault) ? 1 : 0) }
  }
}

extension OrderPipelineTests {
  /// Runs both roles with these options over freshly emptied servers until the log says enough, and a little longer.
  func faultyRun(_ options: [String], _ meanwhile: () throws -> Void, until isEnough: (PipelineActs) -> Bool) throws -> PipelineActs {
    try Program.pipeline("init").finished(within: 30)
    try Program.pipeline("reset").finished(within: 30)
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    defer { try? FileManager.default.removeItem(atPath: file) }
    let pipeline = try Program.pipeline("all", options + ["--log", file])
    defer { pipeline.kill() }
    try #require(Servers.until(10) { pipeline.said("relay: ready") && pipeline.said("cache: ready") ? true : nil } == true)
    try meanwhile()
    func read() throws -> PipelineActs { try PipelineActs((try? String(contentsOfFile: file, encoding: .utf8)) ?? "") }
    #expect(Servers.until(15) { (try? read()).map(isEnough) == true ? true : nil } == true, "the pipeline did not do what was waited for")
    usleep(300_000)
    pipeline.terminate()
    try pipeline.finished(within: 8)
    return try read()
  }
}
