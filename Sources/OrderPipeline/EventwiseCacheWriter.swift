/// Moves messages to Redis one by one, so that each may be delayed, lost, written again or written wrong.
///
/// A message is acknowledged after its write, each on its own. Which entries are kept is the conduct's `entries`.
final class EventwiseCacheWriter: Worker {
  private struct Message {
    let tag: UInt64
    let body: String
    let facts: OrderFacts
    let taken: UInt64
    let isRedelivered: Bool
  }

  private enum Work {
    case write(Message)
    /// The same once more, unless something newer stands there by then.
    case repeatWrite(Message)
    /// An older version over a newer one.
    case stale(Message)
    /// The end of a stale time.
    case heal(key: Int64)
  }

  /// Nanoseconds between a write and the wrong one that follows it: enough for someone who looks at each change to see both.
  private static let pause: UInt64 = 100_000_000

  private let broker: Broker
  private let cache: Cache
  private let faults: Faults
  private let entries: CacheEntries
  private let log: ActivityLog?
  private let memory: FaultMemory

  private var waiting = Waiting<Work>()
  /// By customer: what was written last in its turn.
  private var newest: [Int64: Message] = [:]
  /// By customer: written, and to be written again after the next version.
  private var staleSources: [Int64: Message] = [:]
  private var staleKeys: Set<Int64> = []
  /// Appended to the connection, not sent yet.
  private var unsent: [(message: Message, facts: OrderFacts, entry: String, fault: FaultKind?)] = []
  /// Delivery tags to acknowledge once all of that is written.
  private var done: [UInt64] = []

  init(addresses: Addresses, conduct: Conduct) throws {
    faults = conduct.faults
    entries = conduct.entries
    log = conduct.log
    memory = conduct.memory
    cache = try Cache(addresses.cache)
    broker = try Broker(addresses.broker, name: "OrderPipeline cache")
    try broker.declareExchange(Topology.exchange)
    try broker.declareQueue(Topology.cacheQueue, boundTo: Topology.exchange, by: Topology.binding)
    try broker.consume(Topology.cacheQueue, prefetch: 1024)
  }

  func run(until stop: StopFlag) throws {
    while !stop.isRaised {
      let now = monotonicNow()
      let due = waiting.nextDue ?? .max
      // A microsecond more than the rest, so that it is due afterwards.
      let rest = due <= now ? 0 : min(100_000, Int((due - now) / 1_000) + 1)
      if try broker.nextDelivery(waitMicroseconds: rest, take) {
        var more = 255
        while more > 0, try broker.nextDelivery(waitMicroseconds: 0, take) { more -= 1 }
      }
      let start = monotonicNow()
      while let work = waiting.take(dueBy: start) { try perform(work) }
      try finish()
    }
  }

  /// Ends a turn: what was due is written, and then acknowledged.
  private func finish() throws {
    if !unsent.isEmpty {
      let start = monotonicNow()
      try cache.flush()
      let end = monotonicNow()
      for write in unsent {
        log?.record(
          .write, from: start, to: end, taken: write.message.taken, write.facts, entry: write.entry,
          isRedelivered: write.message.isRedelivered, fault: write.fault?.rawValue)
      }
      unsent.removeAll(keepingCapacity: true)
    }
    for tag in done { try broker.acknowledge(tag) }
    done.removeAll(keepingCapacity: true)
  }

  /// A message without an order is logged and acknowledged: it would come back for ever.
  private func take(_ delivery: Broker.Delivery) throws {
    let now = monotonicNow()
    guard let facts = OrderEvent.facts(of: delivery.body) else {
      OrderPipeline.log("cache", "a message of \(delivery.body.count) bytes names no order; dropped")
      return try broker.acknowledge(delivery.tag)
    }
    let delay = faults.writerDelay?.nanoseconds(for: facts.id, seed: faults.seed, stream: 2) ?? 0
    let message = Message(
      tag: delivery.tag, body: String(decoding: delivery.body, as: UTF8.self), facts: facts, taken: now,
      isRedelivered: delivery.isRedelivered)
    waiting.add(.write(message), due: now + delay)
  }

  private func perform(_ work: Work) throws {
    switch work {
    case .write(let message): try meetFate(message)
    case .repeatWrite(let message):
      guard let key = message.facts.key, let newest = newest[key], newest.facts.id != message.facts.id, entries != .order else {
        return write(message, .duplicateWriter)
      }
    case .stale(let message):
      guard let key = message.facts.key else { return }
      write(message, .stale)
      staleKeys.insert(key)
      if let staleFor = faults.staleFor { waiting.add(.heal(key: key), due: monotonicNow() + staleFor) }
    case .heal(let key):
      if staleKeys.remove(key) != nil, let message = newest[key] { write(message) }
    }
  }

  private func meetFate(_ message: Message) throws {
    let fate = faults.plan.fate(of: message.facts.id)
    switch fate {
    case .loseWriter:
      let now = monotonicNow()
      log?.record(.omit, from: now, to: now, taken: message.taken, message.facts, fault: FaultKind.loseWriter.rawValue)
    case .duplicateWriter:
      goOn(message)
      waiting.add(.repeatWrite(message), due: monotonicNow() + EventwiseCacheWriter.pause)
    case .stale:
      goOn(message)
      if let key = message.facts.key { staleSources[key] = message }
    case .crashWriter:
      guard memory.breaksOff(for: message.facts.id) else {
        goOn(message)
        break
      }
      // Alone in its turn, with every earlier acknowledgement on record: only this message comes again.
      try finish()
      try broker.awaitAcknowledgements()
      goOn(message)
      try finish()
      let now = monotonicNow()
      log?.record(.crash, from: now, to: now, taken: message.taken, message.facts, fault: FaultKind.crashWriter.rawValue)
      throw PipelineError("breaking off before the message of order \(message.facts.id) is acknowledged, as asked")
    case .phantomWriter:
      goOn(message)
      let phantom = message.facts.phantom
      write(Message(tag: 0, body: phantom.body, facts: phantom, taken: message.taken, isRedelivered: false), .phantomWriter)
    case .wrongBodyWriter, .expire: goOn(message, fate)
    case .loseRelay, .duplicateRelay, .reorderKey, .reorderAcross, .wrongBodyRelay, .crashRelay, .phantomRelay, .leak, nil:
      goOn(message)
    }
    done.append(message.tag)
  }

  /// A write in its turn, and the stale one that hangs on it.
  private func goOn(_ message: Message, _ fault: FaultKind? = nil) {
    write(message, fault)
    guard let key = message.facts.key else { return }
    newest[key] = message
    staleKeys.remove(key)
    if let source = staleSources.removeValue(forKey: key) {
      waiting.add(.stale(source), due: monotonicNow() + EventwiseCacheWriter.pause)
    }
  }

  private func write(_ message: Message, _ fault: FaultKind? = nil) {
    let body = fault == .wrongBodyWriter ? OrderEvent.withWrongAmount(message.body) : message.body
    let facts = fault == .wrongBodyWriter ? OrderEvent.facts(of: body) ?? message.facts : message.facts
    let names = entries.names(facts)
    let lifetime = fault == .expire ? ["PX", String(max(1, faults.expireAfter / 1_000_000))] : ["EX", "3600"]
    for name in names {
      cache.append(["SET", name, body] + lifetime)
      unsent.append((message, facts, name, fault))
    }
  }
}
