import Foundation
import Testing

extension OnServers {
  /// What the ledger claims (`swift test --filter OnServers/LedgerClaims`). CHAINRUN_ACCEPT=full makes the runs as long as the claims say.
  struct LedgerClaims {}
}

/// The ledger against a pipeline whose mistakes are known one by one.
extension OnServers.LedgerClaims {
  @Test func `without a fault the ledger finds nothing, and nothing is left behind`() throws {
    let sandbox = try OnServers.sandbox()
    try sandbox.resetPipeline()
    func state() throws -> [String] {
      [try sandbox.redis("config", "get", "*"), try sandbox.rabbitmqctl("list_queues", "name", "arguments", "messages")]
    }
    let (before, entriesBefore) = (try state(), Int(try sandbox.redis("dbsize")) ?? -1)
    let run = try LedgerRun(sandbox, [])

    #expect(run.truth.committed.count == LedgerRun.events)
    #expect(run.truth.cached.seen.count == LedgerRun.events, "the pipeline has no faults")
    run.expectAgreement()
    #expect(run.ended.code == 0, "\(run.ended)")
    // The target's own entries are the only ones.
    #expect(try Int(sandbox.redis("dbsize")) == entriesBefore + LedgerRun.events)
    #expect(try state() == before)
    let redelivered = run.log.writes.filter(\.isRedelivered)
    #expect(redelivered.isEmpty, "the pipeline's consumer saw a redelivery")
    #expect(run.truth.queued.reordered.isEmpty && run.truth.cached.reordered.isEmpty, "the pipeline's consumer saw a reordering")
  }

  /// One fault of the pipeline, and how often the pipeline must have committed it.
  struct Fault: CustomTestStringConvertible, Sendable {
    let name: String
    let deed: String
    var options: [String] = []
    var changes: [(String, String)] = []
    /// The exact number where the fault does not depend on what follows an event.
    var count: Int? = LedgerRun.victims
    /// How often at least.
    var atLeast = 1

    var testDescription: String { ([name] + options).joined(separator: " ") }
  }

  static let faults = [
    Fault(name: "lose-relay", deed: "omit"),
    Fault(name: "lose-writer", deed: "omit"),
    Fault(name: "duplicate-relay", deed: "publish"),
    Fault(name: "duplicate-writer", deed: "write"),
    Fault(name: "reorder-key", deed: "publish", count: nil, atLeast: LedgerRun.victims / 4),
    Fault(name: "reorder-across", deed: "publish", count: nil, atLeast: LedgerRun.victims / 4),
    Fault(name: "wrong-body-relay", deed: "publish"),
    Fault(name: "wrong-body-writer", deed: "write"),
    Fault(name: "crash-relay", deed: "crash", count: 5),
    Fault(name: "crash-writer", deed: "crash", count: 5),
    Fault(name: "phantom-relay", deed: "publish"),
    Fault(name: "phantom-writer", deed: "write"),
    Fault(name: "expire", deed: "write"),
    Fault(name: "skip-late", deed: "omit", changes: LedgerRun.lateCommits, count: nil),
    Fault(name: "leak", deed: "publish", changes: LedgerRun.rollbacks, count: nil),
    // One lost order makes the ledger wait to the end of `settle`, and so for the last stale write.
    Fault(name: "stale", deed: "write", options: ["--cache-key=customer", LedgerRun.fault("lose-relay", 1)], changes: LedgerRun.customerEntries, count: nil),
    Fault(
      name: "stale", deed: "write", options: ["--cache-key=customer", "--stale-for=200ms", LedgerRun.fault("lose-relay", 1)],
      changes: LedgerRun.customerEntries, count: nil),
    Fault(name: "lose-writer", deed: "omit", options: ["--cache-key=customer"], changes: LedgerRun.customerEntries),
  ]

  @Test(arguments: faults) func `a fault alone shows in the ledger as often as the pipeline did it`(_ fault: Fault) throws {
    let sandbox = try OnServers.sandbox()
    let option =
      switch fault.name {
      case "skip-late": "--skip-late"
      case "leak": "--leak=1/2"
      default: LedgerRun.fault(fault.name, fault.count ?? LedgerRun.victims)
      }
    let run = try LedgerRun(sandbox, [option] + fault.options, fault.changes)
    let committed = run.log.count(fault.deed, fault.name)
    #expect(committed >= fault.atLeast, "the pipeline did not do what was asked: \(run.ended)")
    if let count = fault.count { #expect(committed == count) }
    run.expectAgreement()
    print("acceptance: ledger, \(fault.testDescription): \(committed) of \(run.truth.committed.count) events")
  }

  @Test func `six faults together are told apart`() throws {
    let sandbox = try OnServers.sandbox()
    let names = ["lose-relay", "lose-writer", "duplicate-relay", "reorder-key", "wrong-body-writer", "phantom-relay"]
    let run = try LedgerRun(sandbox, names.map { LedgerRun.fault($0) })
    #expect(run.log.count("omit", "lose-relay") == LedgerRun.victims)
    #expect(run.log.count("omit", "lose-writer") == LedgerRun.victims)
    run.expectAgreement()
    #expect(run.count("queued", "lost") == LedgerRun.victims && run.count("cached", "blocked") == LedgerRun.victims)
    #expect(run.count("cached", "lost") == LedgerRun.victims, "a loss is counted at the hop where it happened")
    #expect(run.ended.code == 4, "\(run.ended)")
  }
}
