/// Moves outbox rows to the exchange one by one, so that each may be delayed, held back, lost or sent again.
///
/// A row is deleted once its message is confirmed. What is under way is remembered only here: after a breakdown the rows are read again.
final class EventwiseRelay: Worker {
  private struct Event {
    let row: Int64
    let routingKey: String
    let body: String
    let facts: OrderFacts
    let taken: UInt64
  }

  private enum Work {
    case publish(Event)
    /// An event that was held back goes now, if it has not gone yet: behind the one that it waited for (then the fault is named), or because
    /// none came.
    case release(Event, FaultKind?)
    /// By now the transaction of this order has ended, one way or the other.
    case leak(OrderFacts)
  }

  /// Nanoseconds from an event to the one that it has overtaken: what happens in one turn of Redis' loop has no order that can be seen.
  private static let pause: UInt64 = 20_000_000

  private let database: Database
  private let broker: Broker
  private let faults: Faults
  private let log: ActivityLog?
  private let memory: FaultMemory
  private let leak: RolledBackLeak?

  private var waiting = Waiting<Work>()
  /// Outbox ids that were read and are not deleted yet.
  private var underWay: Set<Int64> = []
  /// Events held back until a later one of their key has gone, by key.
  private var heldWithin: [Int64: [Event]] = [:]
  /// Events held back until one of another key has gone.
  private var heldAcross: [Event] = []
  /// Published and not confirmed yet.
  private var unconfirmed: [(event: OrderFacts, start: UInt64, taken: UInt64, fault: FaultKind?)] = []
  /// Rows to delete once all is confirmed.
  private var done: [Int64] = []
  private var skipped: Set<Int64> = []
  private var nextLook: UInt64 = 0

  init(addresses: Addresses, conduct: Conduct) throws {
    faults = conduct.faults
    log = conduct.log
    memory = conduct.memory
    database = try Database(addresses.database)
    broker = try Broker(addresses.broker, name: "OrderPipeline relay")
    try broker.declareExchange(Topology.exchange)
    try broker.selectConfirms()
    leak = faults.leaksRolledBackOrders ? try RolledBackLeak(database) : nil
    let columns = "SELECT id, event, payload FROM outbox"
    try database.prepare(
      "look",
      faults.skipsLateRows
        ? "\(columns) WHERE id > $1::bigint ORDER BY id LIMIT 500" : "\(columns) WHERE id <> ALL ($1::bigint[]) ORDER BY id LIMIT 500")
    try database.prepare("late", "\(columns) WHERE id <= $1::bigint AND id <> ALL ($2::bigint[]) ORDER BY id")
    try database.prepare("delete", "DELETE FROM outbox WHERE id = ANY ($1::bigint[])")
    try database.run("LISTEN outbox")
  }

  func run(until stop: StopFlag) throws {
    while !stop.isRaised {
      if monotonicNow() >= nextLook { try look() }
      try work()
      try finish()
      try broker.keepAlive()
      let now = monotonicNow()
      let wake = min(nextLook, waiting.nextDue ?? .max, leak == nil ? .max : now + 4_000_000)
      if wake > now, try database.awaitNotification(nanoseconds: wake - now) { nextLook = 0 }
    }
    if faults.skipsLateRows { try noteSkippedRows() }
    try leak?.remove()
  }

  /// Reads rows; the next time is after a notification or 20 ms.
  private func look() throws {
    let last = memory.lastRow
    let rows = try database.rows("look", [faults.skipsLateRows ? String(last) : array(underWay)])
    let now = monotonicNow()
    nextLook = rows.count == 500 ? now : now + 20_000_000
    for row in rows {
      guard let id = Int64(row[0]) else { continue }
      underWay.insert(id)
      if faults.skipsLateRows { memory.lastRow = max(memory.lastRow, id) }
      guard let facts = OrderEvent.facts(of: row[2]) else {
        OrderPipeline.log("relay", "outbox row \(id) names no order; dropped")
        done.append(id)
        continue
      }
      let delay = faults.relayDelay?.nanoseconds(for: facts.id, seed: faults.seed, stream: 1) ?? 0
      waiting.add(.publish(Event(row: id, routingKey: row[1], body: row[2], facts: facts, taken: now)), due: now + delay)
    }
    if faults.skipsLateRows, rows.isEmpty { try noteSkippedRows() }
  }

  /// What is still there below the last id that was read has been passed over for good.
  private func noteSkippedRows() throws {
    for row in try database.rows("late", [String(memory.lastRow), array(underWay)]) {
      guard let id = Int64(row[0]), skipped.insert(id).inserted, let facts = OrderEvent.facts(of: row[2]) else { continue }
      let now = monotonicNow()
      log?.record(.omit, from: now, to: now, taken: now, facts, fault: "skip-late")
    }
  }

  private func work() throws {
    let now = monotonicNow()
    for facts in try leak?.newOrders() ?? [] where faults.plan.fate(of: facts.id) == .leak {
      waiting.add(.leak(facts), due: now + RolledBackLeak.patience)
    }
    while let work = waiting.take(dueBy: now) {
      switch work {
      case .publish(let event): try meetFate(event)
      case .release(let event, let fault): if drop(event) { try send(event, fault: fault) }
      case .leak(let facts):
        if try leak?.isRolledBack(facts.id) == true {
          try publish(facts.body, messageID: "leak-\(facts.id)", routingKey: "order.created", facts, taken: monotonicNow(), .leak)
        }
      }
    }
  }

  private func meetFate(_ event: Event) throws {
    switch faults.plan.fate(of: event.facts.id) {
    case .loseRelay:
      let now = monotonicNow()
      log?.record(.omit, from: now, to: now, taken: event.taken, event.facts, fault: FaultKind.loseRelay.rawValue)
      done.append(event.row)
    case .duplicateRelay:
      try goOn(event)
      try publish(event.body, messageID: String(event.row), routingKey: event.routingKey, event.facts, taken: event.taken, .duplicateRelay)
    case .reorderKey:
      guard let key = event.facts.key else { return try goOn(event) }
      heldWithin[key, default: []].append(event)
      waiting.add(.release(event, nil), due: monotonicNow() + faults.hold)
    case .reorderAcross:
      heldAcross.append(event)
      waiting.add(.release(event, nil), due: monotonicNow() + faults.hold)
    case .wrongBodyRelay:
      try goOn(event, fault: .wrongBodyRelay)
    case .crashRelay:
      guard memory.breaksOff(for: event.facts.id) else { return try goOn(event) }
      // Alone in its turn: only this event comes again.
      try finish()
      try send(event)
      try confirm()
      let now = monotonicNow()
      log?.record(.crash, from: now, to: now, taken: event.taken, event.facts, fault: FaultKind.crashRelay.rawValue)
      throw PipelineError("breaking off before order \(event.facts.id) is marked as published, as asked")
    case .phantomRelay:
      try goOn(event)
      let phantom = event.facts.phantom
      try publish(
        phantom.body, messageID: "phantom-\(event.row)", routingKey: event.routingKey, phantom, taken: event.taken, .phantomRelay)
    case .leak, .loseWriter, .duplicateWriter, .stale, .wrongBodyWriter, .crashWriter, .expire, .phantomWriter, nil:
      try goOn(event)
    }
  }

  /// Publishes the event; those that were held back until then follow after a pause.
  private func goOn(_ event: Event, fault: FaultKind? = nil) throws {
    let sameKey = heldAcross.filter { $0.facts.key == event.facts.key }
    for held in sameKey where drop(held) { try send(held) }
    try send(event, fault: fault)
    let due = monotonicNow() + EventwiseRelay.pause
    for held in heldAcross { waiting.add(.release(held, .reorderAcross), due: due) }
    guard let key = event.facts.key else { return }
    for held in heldWithin[key] ?? [] { waiting.add(.release(held, .reorderKey), due: due) }
  }

  /// - Returns: whether the event was held back until now.
  private func drop(_ event: Event) -> Bool {
    if let place = heldAcross.firstIndex(where: { $0.row == event.row }) {
      heldAcross.remove(at: place)
      return true
    }
    guard let key = event.facts.key, let place = heldWithin[key]?.firstIndex(where: { $0.row == event.row }) else { return false }
    heldWithin[key]?.remove(at: place)
    if heldWithin[key]?.isEmpty == true { heldWithin[key] = nil }
    return true
  }

  private func send(_ event: Event, fault: FaultKind? = nil) throws {
    let body = fault == .wrongBodyRelay ? OrderEvent.withWrongAmount(event.body) : event.body
    let facts = fault == .wrongBodyRelay ? OrderEvent.facts(of: body) ?? event.facts : event.facts
    try publish(body, messageID: String(event.row), routingKey: event.routingKey, facts, taken: event.taken, fault)
    done.append(event.row)
  }

  private func publish(
    _ body: String, messageID: String, routingKey: String, _ facts: OrderFacts, taken: UInt64, _ fault: FaultKind?
  ) throws {
    unconfirmed.append((facts, monotonicNow(), taken, fault))
    try broker.publish(body, messageID: messageID, routingKey: routingKey, to: Topology.exchange)
  }

  private func confirm() throws {
    guard !unconfirmed.isEmpty else { return }
    try broker.awaitConfirms(seconds: 10)
    let end = monotonicNow()
    for entry in unconfirmed {
      log?.record(.publish, from: entry.start, to: end, taken: entry.taken, entry.event, fault: entry.fault?.rawValue)
    }
    unconfirmed.removeAll(keepingCapacity: true)
  }

  /// Ends a turn: what was published is confirmed, and its rows are deleted.
  private func finish() throws {
    try confirm()
    guard !done.isEmpty else { return }
    try database.rows("delete", [array(done)])
    underWay.subtract(done)
    done.removeAll(keepingCapacity: true)
  }

  private func array(_ ids: some Collection<Int64>) -> String { "{" + ids.map(String.init).joined(separator: ",") + "}" }
}
