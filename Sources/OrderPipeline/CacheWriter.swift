/// Moves messages to Redis: `order:<id>` holds the message's body for an hour. A message is acknowledged after its write.
///
/// What has arrived by the time of a write goes with it, so a batch forms only under load and a single message never waits.
final class CacheWriter: Worker {
  private let broker: Broker
  private let cache: Cache
  private let log: ActivityLog?
  /// The writes of the batch under way, for the log.
  private var writes: [(facts: OrderFacts, taken: UInt64, isRedelivered: Bool)] = []
  private let batchLimit = 256

  init(addresses: Addresses, log: ActivityLog?) throws {
    self.log = log
    cache = try Cache(addresses.cache)
    broker = try Broker(addresses.broker, name: "OrderPipeline cache")
    try broker.declareExchange(Topology.exchange)
    try broker.declareQueue(Topology.cacheQueue, boundTo: Topology.exchange, by: Topology.binding)
    try broker.consume(Topology.cacheQueue, prefetch: 1024)
  }

  func run(until stop: StopFlag) throws {
    while !stop.isRaised {
      var lastTag: UInt64 = 0
      var taken = 0
      while taken < batchLimit, try broker.nextDelivery(waitMicroseconds: taken == 0 ? 100_000 : 0, { lastTag = write($0) }) {
        taken += 1
      }
      guard taken > 0 else { continue }
      let start = log == nil ? 0 : monotonicNow()
      try cache.flush()
      if let log {
        let end = monotonicNow()
        for write in writes {
          log.record(
            .write, from: start, to: end, taken: write.taken, write.facts, entry: "order:\(write.facts.id)",
            isRedelivered: write.isRedelivered)
        }
        writes.removeAll(keepingCapacity: true)
      }
      try broker.acknowledge(upTo: lastTag)
    }
  }

  /// A message without an order is logged and acknowledged: it would come back for ever.
  private func write(_ delivery: Broker.Delivery) -> UInt64 {
    let body = delivery.body
    if let id = OrderEvent.orderID(in: body) {
      cache.appendOrder(id: id, body: body)
      if log != nil, let facts = OrderEvent.facts(of: body) { writes.append((facts, monotonicNow(), delivery.isRedelivered)) }
    } else {
      OrderPipeline.log("cache", "a message of \(body.count) bytes names no order; dropped")
    }
    return delivery.tag
  }
}
