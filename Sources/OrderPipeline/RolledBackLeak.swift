/// Finds orders whose transactions were rolled back, by what no rollback undoes: sequences.
///
/// While it is installed a trigger packs each new order into one of 64 sequences in turn. That is what a service does that tells of an order
/// outside of its transaction. Ids are kept modulo 2²⁴, customers modulo 4 096, versions modulo 1 024, amounts below 1 310.72.
final class RolledBackLeak {
  private static let slots = 64
  /// Nanoseconds from the sight of an order until its transaction is taken for ended.
  static let patience: UInt64 = 500_000_000

  private let database: Database
  private var known: [Int64]

  init(_ database: Database) throws {
    self.database = database
    try database.run(RolledBackLeak.removal)
    try database.run(
      """
      DO $$ BEGIN
        FOR slot IN 0..\(RolledBackLeak.slots - 1) LOOP EXECUTE 'CREATE SEQUENCE order_leak_' || slot; END LOOP;
      END $$;
      CREATE FUNCTION order_leaked() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM setval(('order_leak_' || NEW.id % \(RolledBackLeak.slots))::regclass,
          ((NEW.id % 16777216) << 39) | ((NEW.customer_id % 4096)::bigint << 27) | ((coalesce(NEW.version, 0) % 1024)::bigint << 17)
          | ((NEW.amount * 100)::bigint % 131072));
        RETURN NULL;
      END $$;
      CREATE TRIGGER order_leaked AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION order_leaked();
      """)
    let reading = (0..<RolledBackLeak.slots).map { "SELECT \($0) AS slot, last_value FROM order_leak_\($0)" }
    try database.prepare("leaked", reading.joined(separator: " UNION ALL ") + " ORDER BY slot")
    try database.prepare("committed", "SELECT 1 FROM orders WHERE id = $1::bigint")
    known = try database.rows("leaked").map { Int64($0[1]) ?? 0 }
  }

  /// The orders that were inserted since the last call, committed or not; of more than 64 some are missed.
  func newOrders() throws -> [OrderFacts] {
    var found: [OrderFacts] = []
    for (slot, row) in try database.rows("leaked").enumerated() {
      guard let packed = Int64(row[1]), packed != known[slot] else { continue }
      known[slot] = packed
      let (version, cents) = (packed >> 17 & 1_023, packed & 131_071)
      let fraction = String(cents % 100)
      found.append(
        OrderFacts(
          id: packed >> 39, key: packed >> 27 & 4_095, version: version == 0 ? nil : version,
          amount: "\(cents / 100).\(fraction.count == 1 ? "0" + fraction : fraction)"))
    }
    return found
  }

  func isRolledBack(_ id: Int64) throws -> Bool { try database.rows("committed", [String(id)]).isEmpty }

  func remove() throws { try database.run(RolledBackLeak.removal) }

  /// Harmless where nothing is installed.
  static let removal = """
    DROP TRIGGER IF EXISTS order_leaked ON orders;
    DROP FUNCTION IF EXISTS order_leaked();
    DO $$ BEGIN
      FOR slot IN 0..\(slots - 1) LOOP EXECUTE 'DROP SEQUENCE IF EXISTS order_leak_' || slot; END LOOP;
    END $$;
    """
}
