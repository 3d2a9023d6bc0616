import Synchronization

/// What the pipeline does wrong on purpose. Both roles receive the same.
struct Faults: Sendable {
  var shares: [FaultKind: Share] = [:]
  var plan = FaultPlan.empty
  var seed: UInt64 = 1
  var relayDelay: Delay?
  var writerDelay: Delay?
  /// The relay reads rows by `id > last`: what commits after a higher id is never seen.
  var skipsLateRows = false
  /// Nanoseconds: the longest that an event is held for `reorder-key` and `reorder-across`.
  var hold: UInt64 = 4_000_000_000
  /// Nanoseconds; nil is for good.
  var staleFor: UInt64?
  /// Nanoseconds.
  var expireAfter: UInt64 = 100_000_000

  static let none = Faults()

  var concernRelay: Bool { relayDelay != nil || skipsLateRows || shares.keys.contains(where: \.isRelays) }
  var concernWriter: Bool { writerDelay != nil || shares.keys.contains { !$0.isRelays } }
  var leaksRolledBackOrders: Bool { shares[.leak] != nil }
}

/// What must outlive a role that breaks off on purpose and comes back.
final class FaultMemory: Sendable {
  private struct State {
    var crashed: Set<Int64> = []
    var lastRow: Int64 = 0
  }

  private let state = Mutex(State())

  /// - Returns: false when the role has broken off for this order before.
  func breaksOff(for id: Int64) -> Bool { state.withLock { $0.crashed.insert(id).inserted } }

  /// The highest outbox id that a relay with `skip-late` has read.
  var lastRow: Int64 {
    get { state.withLock { $0.lastRow } }
    set { state.withLock { $0.lastRow = newValue } }
  }
}
