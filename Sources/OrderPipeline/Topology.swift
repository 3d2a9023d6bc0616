/// The tables, the exchange and the queues that the pipeline works on.
enum Topology {
  static let exchange: StaticString = "orders"
  static let cacheQueue: StaticString = "orders.cache"
  static let binding: StaticString = "order.*"
  /// Filled by whoever announces a return, and emptied by a person: no part of the pipeline consumes it.
  static let returnsQueue: StaticString = "orders.returns"
  static let returnsBinding: StaticString = "return.*"

  /// Can be applied again and again.
  ///
  /// A service writes its order and its outbox row in one transaction; the relay hears of it by the trigger's notification.
  static let schema = """
    CREATE TABLE IF NOT EXISTS orders (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      customer_id int NOT NULL,
      amount numeric(12,2) NOT NULL,
      run_id text,
      version int,
      created_at timestamptz NOT NULL DEFAULT now()
    );

    CREATE TABLE IF NOT EXISTS outbox (
      id bigserial PRIMARY KEY,
      order_id bigint NOT NULL,
      event text NOT NULL DEFAULT 'order.created',
      payload jsonb NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now()
    );

    -- The number of a customer's last order that has one. Whoever raises it holds the row until the commit, so a customer's versions are
    -- dense, and committed in their order.
    CREATE TABLE IF NOT EXISTS customer_versions (
      customer_id int PRIMARY KEY,
      version int NOT NULL
    );

    CREATE TABLE IF NOT EXISTS stock (
      sku text PRIMARY KEY,
      quantity int NOT NULL CHECK (quantity >= 0)
    );

    CREATE OR REPLACE FUNCTION outbox_filled() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM pg_notify('outbox', ''); RETURN NULL; END $$;

    CREATE OR REPLACE TRIGGER outbox_filled AFTER INSERT ON outbox
      FOR EACH STATEMENT EXECUTE FUNCTION outbox_filled();
    """

  static func create(_ addresses: Addresses) throws {
    let database = try Database(addresses.database)
    try database.run(schema)
    try database.run(RolledBackLeak.removal)
    let broker = try Broker(addresses.broker, name: "OrderPipeline init")
    try broker.declareExchange(exchange)
    try broker.declareQueue(cacheQueue, boundTo: exchange, by: binding)
    try broker.declareQueue(returnsQueue, boundTo: exchange, by: returnsBinding)
    // The cache has nothing to create, but an address that is wrong should be known now.
    _ = try Cache(addresses.cache)
  }

  /// As after `create` on new servers, but for the ids, which go on, and the table 'stock'.
  static func reset(_ addresses: Addresses) throws {
    let database = try Database(addresses.database)
    try database.run(RolledBackLeak.removal)
    try database.run("TRUNCATE orders, outbox, customer_versions")
    try Broker(addresses.broker, name: "OrderPipeline reset").purge(cacheQueue)
    let cache = try Cache(addresses.cache)
    let script = "for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', key) end return 0"
    for pattern in ["order:*", "customer:*"] { cache.append(["EVAL", script, "0", pattern]) }
    try cache.flush()
  }
}
