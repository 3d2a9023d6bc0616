import ChainProgram
import Diagnostics
import Testing

@testable import ChainLanguage

/// Operands of hops that name one event, by the connectors' own schemas.
struct GraphObserverTests {
  private struct Unexpected: Error {}

  private func hops(_ hops: String, key: String = "key: $customer") throws -> [HopDeclaration] {
    let chain = """
      version: 1
      chain: test
      connections:
        db: { postgres: $env.DB, access: write }
        cache: { redis: $env.CACHE }
      vars: { shop: north }
      events:
        made:
          origin: insert
          id: $order_id
          \(key)
          body: { amount: $amount, note: $note }
          hops:
      \(hops.split(separator: "\n").map { "      " + $0 }.joined(separator: "\n"))
      steps:
        - set: { amount: "random.decimal(1, 5)", note: "'x'", customer: 7 }
        - id: insert
          sql: INSERT INTO t VALUES (${amount}) RETURNING id
          capture: { order_id: row.id as int }
      """
    let compiled = Gallery.compile(Array(chain.utf8), path: "test.chain.yaml")
    return try #require(compiled.program, "\(Gallery.render(compiled))").events[0].hops
  }

  private func place(_ hop: HopDeclaration, _ values: [Value]) -> String {
    guard case .text(let template)? = hop.operand("at") else { return "-" }
    var bytes: [UInt8] = []
    values.withUnsafeBufferPointer { template.append(to: &bytes, arguments: $0.baseAddress!) }
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func `a hop's 'at' is made of the event's own fields, in the order in which the ledger keeps them`() throws {
    let values: [Value] = [.int(41), .int(7), .null, .decimal(Decimal("12.10")!), .string("x")]
    let keyed = try hops(#"cached: { watch: "o:*", at: "o:${shop}:${id}:${key}:${amount}:${note}", id: key.after("o:") as int }"#)
    #expect(place(keyed[0], values) == "o:north:41:7:12.10:x")
    let unkeyed = try hops(#"cached: { watch: "o:*", at: "o:${key}", id: key.after("o:") as int }"#, key: "deadline: 2s")
    #expect(place(unkeyed[0], values) == "o:41")
  }

  @Test func `a query binds the ids that are looked for, as often as it names them`() throws {
    let hops = try hops(#"replica: { query: "SELECT id FROM t WHERE id = ANY(${ids}) OR other = ANY(${ids})", id: row.id as int }"#)
    guard case .sql(let text, let parameters)? = hops[0].operand("query") else { throw Unexpected() }
    #expect(text == "SELECT id FROM t WHERE id = ANY($1) OR other = ANY($2)" && parameters == [0, 0])
    #expect(hops[0].readsContent && !hops[0].showsMessages)
  }
}
