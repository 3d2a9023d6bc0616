/// Moves messages to Redis: `order:<id>` holds the message's body for an hour. A message is acknowledged after its write.
///
/// What has arrived by the time of a write goes with it, so a batch forms only under load and a single message never waits.
final class CacheWriter {
  private let broker: Broker
  private let cache: Cache
  private let faults: Faults
  private let batchLimit = 256

  init(addresses: Addresses, faults: Faults) throws {
    self.faults = faults
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
      while taken < batchLimit, try broker.nextDelivery(waitMilliseconds: taken == 0 ? 100 : 0, { lastTag = write($0, $1) }) {
        taken += 1
      }
      guard taken > 0 else { continue }
      try cache.flush()
      try broker.acknowledge(upTo: lastTag)
    }
  }

  /// A message without an order is logged and acknowledged: it would come back for ever.
  private func write(_ tag: UInt64, _ body: UnsafeRawBufferPointer) -> UInt64 {
    if let id = OrderEvent.orderID(in: body) {
      cache.appendOrder(id: id, body: body)
    } else {
      log("cache", "a message of \(body.count) bytes names no order; dropped")
    }
    return tag
  }
}
