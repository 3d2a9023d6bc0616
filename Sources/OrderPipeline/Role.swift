import Foundation
import Synchronization

/// One of the two halves of the pipeline, kept alive: after an error it connects again, waiting 50 ms at first and 2 s at most.
enum Role: String, Sendable {
  case relay
  case cache

  func run(at addresses: Addresses, conduct: Conduct, until stop: StopFlag) {
    conduct.log?.started(self)
    var pause: Duration = .milliseconds(50)
    while !stop.isRaised {
      do {
        let worker = try worker(at: addresses, conduct: conduct)
        log(rawValue, "ready")
        pause = .milliseconds(50)
        try worker.run(until: stop)
      } catch {
        log(rawValue, "\(error); connecting again in \(pause)")
        stop.wait(atMost: pause)
        pause = min(pause * 2, .seconds(2))
      }
    }
  }

  /// Who does the work: in batches, or event by event where each may meet a fault.
  private func worker(at addresses: Addresses, conduct: Conduct) throws -> any Worker {
    switch self {
    case .relay:
      if conduct.faults.concernRelay { return try EventwiseRelay(addresses: addresses, conduct: conduct) }
      return try OutboxRelay(addresses: addresses, log: conduct.log)
    case .cache:
      if conduct.faults.concernWriter || conduct.entries != .order {
        return try EventwiseCacheWriter(addresses: addresses, conduct: conduct)
      }
      return try CacheWriter(addresses: addresses, log: conduct.log)
    }
  }
}

/// One life of a role, from its connections to the error that ends it.
protocol Worker {
  func run(until stop: StopFlag) throws
}

/// How both roles behave in this process.
struct Conduct: Sendable {
  var faults = Faults.none
  var entries = CacheEntries.order
  var log: ActivityLog?
  let memory = FaultMemory()
}

/// Which entries the cache writer keeps.
enum CacheEntries: String, CaseIterable, Sendable {
  /// `order:<id>`, each order's own.
  case order
  /// `customer:<key>`, the customer's newest order.
  case customer
  case both

  func names(_ facts: OrderFacts) -> [String] {
    let order = "order:\(facts.id)"
    let customer = facts.key.map { "customer:\($0)" }
    switch self {
    case .order: return [order]
    case .customer: return customer.map { [$0] } ?? []
    case .both: return [order] + (customer.map { [$0] } ?? [])
    }
  }
}

/// Raised once, by the main thread; read by every role between two pieces of work.
final class StopFlag: Sendable {
  private let raised = Atomic(false)

  var isRaised: Bool { raised.load(ordering: .acquiring) }

  func raise() { raised.store(true, ordering: .releasing) }

  /// Sleeps in slices of 50 ms, so that a stop is not kept waiting.
  func wait(atMost limit: Duration) {
    let end = ContinuousClock.now + limit
    while !isRaised, ContinuousClock.now < end { usleep(50_000) }
  }
}

/// Something outside said no: what was asked and what was answered.
struct PipelineError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description.trimmingCharacters(in: .whitespacesAndNewlines).replacingOccurrences(of: "\n", with: "; ")
  }
}

/// Writes one line to stderr, in one piece.
func log(_ role: String, _ text: String) {
  FileHandle.standardError.write(Data("\(role): \(text)\n".utf8))
}
