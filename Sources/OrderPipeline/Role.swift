import Foundation
import Synchronization

/// One of the two halves of the pipeline, kept alive: after an error it connects again, waiting 50 ms at first and 2 s at most.
enum Role: String, Sendable {
  case relay
  case cache

  func run(at addresses: Addresses, faults: Faults, until stop: StopFlag) {
    var pause: Duration = .milliseconds(50)
    while !stop.isRaised {
      do {
        switch self {
        case .relay:
          let relay = try OutboxRelay(addresses: addresses, faults: faults)
          log(rawValue, "ready")
          pause = .milliseconds(50)
          try relay.run(until: stop)
        case .cache:
          let writer = try CacheWriter(addresses: addresses, faults: faults)
          log(rawValue, "ready")
          pause = .milliseconds(50)
          try writer.run(until: stop)
        }
      } catch {
        log(rawValue, "\(error); connecting again in \(pause)")
        stop.wait(atMost: pause)
        pause = min(pause * 2, .seconds(2))
      }
    }
  }
}

/// What a role does wrong on purpose; both roles receive one.
struct Faults: Sendable {
  static let none = Faults()
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
