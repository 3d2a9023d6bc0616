import Foundation

/// Chains of the tests. What is under test stands in the repository's own where it can.
enum Chains {
  static let orderFlow = Launched.root + "/chains/order-flow.chain.yaml"
  static let redisGet = Launched.root + "/chains/redis-get.chain.yaml"

  struct NotThere: Error {
    let text: String
  }

  /// A copy of a chain of the repository with texts replaced; each must be there.
  static func copy(of path: String, _ changes: [(String, String)], in scratch: ScratchFolder, as name: String = "copy.chain.yaml") throws
    -> String
  {
    var text = RunResults.text(path)
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    for (old, new) in changes {
      guard text.contains(old) else { throw NotThere(text: old) }
      text = text.replacingOccurrences(of: old, with: new)
    }
    text = text.replacingOccurrences(of: "csv: data/", with: "csv: \(folder)/data/")
    return try scratch.write(text, to: name)
  }

  /// Orders that nobody waits for: the load goes on whatever becomes of the events.
  static func orders(rate: Int, seconds: Int, settle: String = "5s", timeout: String = "10s", withRead: Bool = false) -> String {
    """
    version: 1
    chain: orders-only
    guard: { hosts: [127.0.0.1] }
    connections:
      db: { postgres: $env.ORDERS_DB, access: write, pool: 16 }
      mq: { amqp: $env.ORDERS_MQ }
      cache: { redis: $env.ORDERS_CACHE }
    events:
      order_created:
        origin: insert_order
        id: $order_id
        body: { amount: $amount }
        deadline: 1s
        settle: \(settle)
        hops:
          queued:
            tap: orders
            routing_key: order.created
            conn: mq
            id: json.order_id as int
            body: { amount: json.amount as decimal }
          cached:
            watch: order:*
            conn: cache
            id: key.after("order:") as int
            body: { amount: json.amount as decimal }
    steps:
      - set:
          amount: random.decimal(1, 500)
      - id: place
        transaction: read committed
        timeout: \(timeout)
        steps:
          - id: insert_order
            sql: INSERT INTO orders (customer_id, amount, run_id) VALUES (1, ${amount}, ${run.id}) RETURNING id
            timeout: \(timeout)
            capture:
              order_id: row.id as int
          - id: insert_outbox
            timeout: \(timeout)
            sql: |
              INSERT INTO outbox (order_id, payload)
              VALUES (${order_id}, jsonb_build_object('order_id', ${order_id}::bigint, 'amount', ${amount}::numeric))
    \(withRead ? readBack : "")
    load:
      steady: { open: { rate: \(rate)/s, for: \(seconds)s, max_vus: 1000 } }
      few: { closed: { vus: 1, iterations: 12 } }
    """
  }

  private static let readBack = """
      - id: read_order
        sql: SELECT amount FROM orders WHERE id = ${order_id}
        conn: db
        check:
          - (row.amount as decimal) == amount
    """

  /// The chain itself publishes, and the tap of the same exchange must see each message once.
  static func publish(rate: Int, seconds: Int) -> String {
    """
    version: 1
    chain: publish-only
    guard: { hosts: [127.0.0.1] }
    connections:
      mq: { amqp: $env.ORDERS_MQ, access: publish }
    events:
      message:
        origin: announce
        id: $id
        deadline: 1s
        settle: 5s
        hops:
          routed:
            tap: orders
            routing_key: test.message
            conn: mq
            id: json.id as uuid
    steps:
      - set:
          id: random.uuid()
      - id: announce
        publish: orders
        routing_key: test.message
        json: { id: $id }
    load:
      steady: { open: { rate: \(rate)/s, for: \(seconds)s, max_vus: 1000 } }
    """
  }

  /// One Redis read and then a pause of the length given.
  static func pausing(_ pause: String, load: String) -> String {
    """
    version: 1
    chain: pausing
    connections:
      cache: { redis: $env.ORDERS_CACHE }
    steps:
      - id: get
        redis: GET order:0
      - think: \(pause)
    load:
      asked: { \(load) }
    """
  }

  /// Five mistakes, one of each of the kinds that the first release must find.
  static let fiveMistakes = """
    version: 1
    chain: five-mistakes
    connections:
      db: { postgres: $env.ORDERS_DB, access: write }
      cache: { redis: $env.ORDERS_CACHE }
    steps:
      - id: write
        sql: INSERT INTO orders (customer_id, amount, run_id) VALUES (1, 1, '${run.id}')
        conn: db
        timeot: 2s
      - id: read
        redis: GET order:${order_id}
        conn: cache
        timeout: 5 parsecs
      - id: count
        sql: SELECT count(*) AS orders FROM orders
        conn: db
        capture:
          order_id: row.orders as int
        check:
          - order_id > "many"
    load:
      smoke: { closed: { vus: 1, iterations: 1 } }
    """

  /// One connection, one step.
  static func single(kind: String, address: String, step: String, connectTimeout: String = "2s") -> String {
    """
    version: 1
    chain: single
    connections:
      only: { \(kind): \(address), connect_timeout: \(connectTimeout) }
    steps:
      - id: step
        \(step)
    load:
      smoke: { closed: { vus: 1, iterations: 1 } }
    """
  }
}
