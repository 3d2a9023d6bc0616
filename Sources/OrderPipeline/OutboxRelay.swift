/// Moves outbox rows to the exchange: a row goes only when the broker has confirmed its message.
///
/// Rows leave in batches. A batch is deleted, published, confirmed and then committed; whatever fails in between gives the rows
/// back, so a message may come twice but never not at all.
final class OutboxRelay: Worker {
  private let database: Database
  private let broker: Broker
  private let log: ActivityLog?

  init(addresses: Addresses, log: ActivityLog?) throws {
    self.log = log
    database = try Database(addresses.database)
    broker = try Broker(addresses.broker, name: "OrderPipeline relay")
    try broker.declareExchange(Topology.exchange)
    try broker.selectConfirms()
    try database.prepare(
      "take",
      """
      DELETE FROM outbox WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT 500 FOR UPDATE SKIP LOCKED)
      RETURNING id, event, payload
      """)
    try database.run("LISTEN outbox")
  }

  func run(until stop: StopFlag) throws {
    while !stop.isRaised {
      if try moveBatch() == 0 {
        try broker.keepAlive()
        // A row whose transaction was locked or rolled back by another relay raises no notification: hence the limit.
        try database.awaitNotification(nanoseconds: 20_000_000)
      }
    }
  }

  private func moveBatch() throws -> Int {
    try database.run("BEGIN")
    // DELETE returns its rows in no order.
    let rows = try database.rows("take").sorted { (Int64($0[0]) ?? 0) < (Int64($1[0]) ?? 0) }
    let taken = monotonicNow()
    var starts: [UInt64] = []
    for row in rows {
      if log != nil { starts.append(monotonicNow()) }
      try broker.publish(row[2], messageID: row[0], routingKey: row[1], to: Topology.exchange)
    }
    try broker.awaitConfirms(seconds: 10)
    if let log {
      let end = monotonicNow()
      for (row, start) in zip(rows, starts) {
        guard let facts = OrderEvent.facts(of: row[2]) else { continue }
        log.record(.publish, from: start, to: end, taken: taken, facts)
      }
    }
    try database.run("COMMIT")
    return rows.count
  }
}
