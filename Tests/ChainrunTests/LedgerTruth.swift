import Foundation

/// What the ledger must say, worked out from the database and the pipeline's own log alone.
///
/// Ids are those of orders. The hops are `queued` (what was published) and `cached` (what was written).
struct LedgerTruth {
  /// A committed order.
  struct Order {
    let key, version: Int64
    let amount: Double
  }

  /// Of one hop.
  struct Hop {
    var seen: Set<Int64> = []
    var lost: Set<Int64> = []
    var blocked: Set<Int64> = []
    /// Never seen, and a newer version of the key was; only where the cache keeps each customer's newest order.
    var superseded: Set<Int64> = []
    var unexpected: Set<Int64> = []
    var aborted: Set<Int64> = []
    var duplicated: Set<Int64> = []
    var extraDeliveries = 0
    var reordered: Set<Int64> = []
    /// Those of them of which Redis can have told: what is written in one turn of its loop comes in no order.
    var visiblyReordered: Set<Int64> = []
    var mismatched: Set<Int64> = []
    /// Times that an older version followed a newer one.
    var regressions = 0
    // After the run, counted in entries of the cache.
    var missing = 0
    var extra = 0
    var staleFinal = 0
  }

  let committed: [Int64: Order]
  let rolledBack: Set<Int64>
  /// Whether the cache keeps each customer's newest order, and not each order.
  let isPerCustomer: Bool
  var queued = Hop()
  var cached = Hop()

  /// - Parameters:
  ///   - orders: Lines of `id|customer|version|amount`, all that were committed.
  ///   - usedIDs: What the identity gave out meanwhile: those without an order were rolled back.
  ///   - log: Entries written with the fault `expire` are taken for gone in the end.
  ///   - end: Nanoseconds of CLOCK_MONOTONIC: when the ledger began to compare the entries. What the pipeline did later is not its concern.
  init(orders: String, usedIDs: ClosedRange<Int64>, log: PipelineLog, end: UInt64) {
    committed = orders.split(separator: "\n").reduce(into: [:]) { orders, line in
      let fields = line.split(separator: "|", omittingEmptySubsequences: false)
      if let id = Int64(fields[0]), let key = Int64(fields[1]), let version = Int64(fields[2]), let amount = Double(fields[3]) {
        orders[id] = Order(key: key, version: version, amount: amount)
      }
    }
    rolledBack = Set(usedIDs).subtracting(committed.keys)
    let (publishes, writes) = (log.publishes.filter { $0.to <= end }, log.writes.filter { $0.to <= end })
    isPerCustomer = writes.contains { $0.entry?.hasPrefix("customer:") == true }
    queued = hop(publishes)
    cached = hop(writes)
    let everyone = Set(committed.keys)
    queued.lost = everyone.subtracting(queued.seen)
    cached.blocked = queued.lost
    cached.lost = everyone.subtracting(cached.seen).subtracting(cached.blocked)
    if isPerCustomer {
      var highest: [Int64: Int64] = [:]
      for act in writes { if let key = act.key, let version = act.version { highest[key] = max(highest[key] ?? 0, version) } }
      cached.superseded = cached.lost.filter { id in committed[id].map { highest[$0.key] ?? 0 > $0.version } ?? false }
      cached.lost.subtract(cached.superseded)
    }
    compareInTheEnd(writes)
  }

  private func hop(_ acts: [PipelineLog.Act]) -> Hop {
    var hop = Hop()
    var highest: [Int64: Int64] = [:]
    var latest: [Int64: Int64] = [:]
    /// By key, the versions that were there before and when their replies had come.
    var earlier: [Int64: [(version: Int64, to: UInt64)]] = [:]
    for act in acts {
      if let order = committed[act.id] {
        if !hop.seen.insert(act.id).inserted {
          hop.duplicated.insert(act.id)
          hop.extraDeliveries += 1
        }
        if act.amount != order.amount { hop.mismatched.insert(act.id) }
      } else if rolledBack.contains(act.id) {
        hop.aborted.insert(act.id)
      } else {
        hop.unexpected.insert(act.id)
      }
      guard let key = act.key, let version = act.version else { continue }
      // RFC 4737: lower than the highest that came before.
      if version < highest[key] ?? 0 { hop.reordered.insert(act.id) }
      if earlier[key]?.contains(where: { $0.version > version && $0.to <= act.from }) == true { hop.visiblyReordered.insert(act.id) }
      earlier[key, default: []].append((version, act.to))
      if version < latest[key] ?? 0 { hop.regressions += 1 }
      highest[key] = max(highest[key] ?? 0, version)
      latest[key] = version
    }
    return hop
  }

  private mutating func compareInTheEnd(_ writes: [PipelineLog.Act]) {
    var entries: [String: PipelineLog.Act] = [:]
    for act in writes { if let entry = act.entry { entries[entry] = act.fault == "expire" ? nil : act } }
    var newest: [String: Int64] = [:]
    for (id, order) in committed {
      let entry = isPerCustomer ? "customer:\(order.key)" : "order:\(id)"
      if order.version > newest[entry].flatMap({ committed[$0]?.version }) ?? 0 { newest[entry] = id }
    }
    for (entry, id) in newest {
      guard let act = entries[entry] else {
        cached.missing += 1
        continue
      }
      if act.id != id || act.version != committed[id]?.version { cached.staleFinal += 1 }
    }
    cached.extra = entries.keys.reduce(0) { $0 + (newest[$1] == nil ? 1 : 0) }
  }
}
