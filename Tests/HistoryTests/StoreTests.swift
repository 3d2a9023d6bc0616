import Foundation
import LosslessJSON
import Testing

@testable import History

@Suite final class StoreTests {
  private let root: String

  init() throws {
    root = NSTemporaryDirectory() + "history-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: root)
  }

  private func summary(_ id: String, p99: String = "0.004", started: String = "2026-11-20T10:33:43Z") throws {
    let folder = root + "/" + id
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let text = """
      {"format":1,"run":"\(id)","chain":"order-flow","chain_hash":"abc","profile":"steady","profile_text":"open, 200/s","model":"open",
       "started_at":"\(started)","duration_s":30.0,"crashed":false,"exit_code":0,"host":{"name":"here"},
       "configuration":{"variables":{"patience":"2s","rows":"10"},"traceparent":"http"},
       "validity":{"verdict":"valid","reasons":[]},
       "iterations":{"arrivals":6000,"completed":5990,"failed":3,"unknown":3,"interrupted":0,"dropped":4},
       "response":{"count":6000,"p50":0.001,"p95":0.002,"p99":\(p99)},"service":{"count":6000,"p50":0.001,"p95":0.002,"p99":0.003},
       "steps":{"insert":{"count":6000,"failed":20,"unknown":10,"service":{"count":6000,"p50":0.0002,"p95":null,"p99":null}}},
       "measures":{},
       "events":{"order_created":{"hops":{"cached":{"how":"tracking","lost":2,"reordered":null,"lag":{"hi":{"p50":0.002}}}}}}}
      """
    try text.write(toFile: folder + "/summary.json", atomically: true, encoding: .utf8)
  }

  @Test func `a summary gives one number for each figure that could be estimated`() throws {
    try summary("r1")
    guard case .run(let run) = ResultFolders.read(root + "/r1") else { throw Unreadable() }
    #expect(run.startedAt == 1_795_170_823)
    #expect(run.conditions.observation == ["order_created.cached tracking"])
    #expect(run.conditions.variables == ["patience=2s", "rows=10"] && run.conditions.traceContext == "http")
    #expect(
      run.metrics.map(\.name) == [
        "response.p50", "response.p95", "response.p99", "iteration.p50", "iteration.p95", "iteration.p99", "iterations.errors", "iterations.not_completed",
        "step.insert.p50", "step.insert.errors",
        "event.order_created.cached.p50",
      ])
    #expect(run.value(of: "step.insert.errors") == 0.005 && run.value(of: "iterations.errors") == 0.001)
    #expect(abs((run.value(of: "iterations.not_completed") ?? 0) - 10.0 / 6000) < 1e-12)
    // What was not checkable is no count of zero.
    #expect(run.consistency == [ConsistencyCount("order_created.cached.lost", 2)])
    #expect(RunFigures(jsonText: run.jsonText) == run)
  }
  private struct Unreadable: Error {}

  @Test func `the history follows the folders: new, changed and removed runs`() throws {
    try summary("r1")
    try summary("r2", started: "2026-11-20T09:00:00Z")
    try FileManager.default.createSymbolicLink(atPath: root + "/latest", withDestinationPath: "r2")
    let store = try SQLiteStore(path: root + "/history.sqlite")
    #expect(try ResultFolders.bring(store, upToDateWith: root, keepsOthers: false).isEmpty)
    #expect(try store.runs().map(\.runID) == ["r2", "r1"])
    try summary("r1", p99: "0.008")
    try FileManager.default.removeItem(atPath: root + "/r2")
    try FileManager.default.createDirectory(atPath: root + "/r3", withIntermediateDirectories: true)
    try "not json".write(toFile: root + "/r3/summary.json", atomically: true, encoding: .utf8)
    let unreadable = try ResultFolders.bring(store, upToDateWith: root, keepsOthers: false)
    #expect(unreadable == ["'\(root)/r3/summary.json' is not the summary of a run"])
    let runs = try store.runs()
    #expect(runs.map(\.runID) == ["r1"] && runs[0].value(of: "response.p99") == 0.008)
  }

  @Test func `a damaged history is made anew`() throws {
    try "this is no database, it is a sentence that goes on for a while".write(
      toFile: root + "/history.sqlite", atomically: true, encoding: .utf8)
    try summary("r1")
    let store = try SQLiteStore(path: root + "/history.sqlite")
    _ = try ResultFolders.bring(store, upToDateWith: root, keepsOthers: false)
    #expect(try SQLiteStore(path: root + "/history.sqlite").runs().map(\.runID) == ["r1"])
  }

  @Test func `a history that cannot be opened says which`() {
    #expect(throws: RunStoreError("cannot open the history '/nowhere/at/all/history.sqlite': unable to open database file")) {
      try SQLiteStore(path: "/nowhere/at/all/history.sqlite")
    }
  }

  @Test func `baselines outlive the folders of their runs`() throws {
    let path = root + "/" + Baselines.fileName
    var baselines = try Baselines(path: path)
    #expect(baselines.entries.isEmpty)
    baselines.set((0..<3).map { SyntheticSystem().run($0, seed: UInt64($0), requests: 400) }, at: 1_760_000_000)
    baselines.set([SyntheticSystem(milliseconds: 30).run(9, seed: 9, requests: 400)], at: 1_760_000_100)
    try baselines.write(to: path)
    let read = try Baselines(path: path)
    #expect(read.entries == baselines.entries && read.entries.count == 1)
    let entry = try #require(read.entry(chain: "order-flow", profile: "steady"))
    #expect(entry.value(of: "step.insert.p50") == entry.runs[0].value(of: "step.insert.p50"))
    #expect(entry.value(of: "step.other.p50") == nil && read.entry(chain: "order-flow", profile: "soak") == nil)
    try "{}".write(toFile: path, atomically: true, encoding: .utf8)
    #expect(throws: RunStoreError.self) { try Baselines(path: path) }
  }

  @Test(.enabled(if: ProcessInfo.processInfo.environment["ORDERS_DB"] != nil))
  func `a team's history in PostgreSQL keeps the runs of other machines`() throws {
    let address = ProcessInfo.processInfo.environment["ORDERS_DB"] ?? ""
    let store = try PostgresStore(address: address)
    for id in try store.stamps().keys { try store.forget(runID: id) }
    try store.save(.synthetic(77, [Metric("step.insert.p50", .seconds, 0.02)]), stamp: 5)
    try summary("r1")
    _ = try ResultFolders.bring(store, upToDateWith: root, keepsOthers: true)
    #expect(try PostgresStore(address: address).runs().map(\.runID) == ["run-77", "r1"])
    for id in try store.stamps().keys { try store.forget(runID: id) }
  }

  @Test func `a database that is not there is told without its password`() {
    do {
      _ = try PostgresStore(address: "postgresql://someone:hunter2@127.0.0.1:1/none")
      Issue.record("connected")
    } catch {
      #expect(error.description.hasPrefix("cannot reach the history's database:") && !error.description.contains("hunter2"))
    }
  }
}
