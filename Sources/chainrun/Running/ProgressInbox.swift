import Metrics
import Synchronization

/// Where the reactor leaves its reports and the main thread finds them. Neither waits for the other.
final class ProgressInbox: Sendable {
  private struct State {
    var reports: [RunProgress] = []
  }

  private let state = Mutex(State())
  /// Reports that wait while the main thread stands still in a write to a stopped terminal: ten minutes of them.
  private static let capacity = 600

  /// The reactor's. Keeps what cannot be had again, intervals and failures; of everything else the latest.
  func put(_ report: RunProgress) {
    state.withLock { state in
      if let last = state.reports.last, last.interval == nil, last.failures.isEmpty { state.reports.removeLast() }
      if state.reports.count == Self.capacity {
        state.reports.removeFirst()
      }
      state.reports.append(report)
    }
  }

  /// The main thread's.
  func takeAll() -> [RunProgress] {
    state.withLock { state in
      defer { state.reports = [] }
      return state.reports
    }
  }
}
