/// Moves outbox rows to the exchange: a row goes only when the broker has confirmed its message.
///
/// Rows leave in batches. A batch is deleted, published, confirmed and then committed; whatever fails in between gives the rows
/// back, so a message may come twice but never not at all.
final class OutboxRelay {
  private let database: Database
  private let broker: Broker
  private let faults: Faults

  init(addresses: Addresses, faults: Faults) throws {
    self.faults = faults
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
        try database.awaitNotification(milliseconds: 20)
      }
    }
  }

  private func moveBatch() throws -> Int {
    try database.run("BEGIN")
    // DELETE returns its rows in no order.
    let rows = try database.rows("take").sorted { (Int64($0[0]) ?? 0) < (Int64($1[0]) ?? 0) }
    for row in rows {
      try broker.publish(row[2], messageID: row[0], routingKey: row[1], to: Topology.exchange)
    }
    try broker.awaitConfirms(seconds: 10)
    try database.run("COMMIT")
    return rows.count
  }
}
