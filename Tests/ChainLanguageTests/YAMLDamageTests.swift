import Diagnostics
import Testing

@testable import ChainLanguage

struct YAMLDamageTests {
  private static let chain = """
    version: 1                                   # the language's major version
    chain: order-flow
    description: An order row becomes an event, and the event becomes a cache entry. 日本 é
    connections:
      db:    { postgres: $env.ORDERS_DB, access: write, pool: 16 }
      cache: &c { redis: "$env.ORDERS_CACHE\\t\\u00e9" }
      other: *c
    steps:
      - transaction: repeatable read
        steps:
          - id: insert_order
            sql: |
              INSERT INTO orders (customer_id, amount)
              VALUES (${customer_id}, ${amount}) RETURNING id
            capture:
              order_id: row.id as int
            check:
              - affected == 1
      - if: customer.tier == "gold"
        then: [ { http: 'POST /orders/${order_id}/gift', headers: { a: !!str b } } ]
      - log: >-
          two
          lines

          more
    thresholds:
      - p99(step.insert_order) < 20ms

    """

  @Test func `the chain as it is has nothing wrong`() {
    let composed = ComposedText(Self.chain)
    #expect(composed.places == [])
    #expect(composed.root?.entries?.map(\.key.text) == ["version", "chain", "description", "connections", "steps", "thresholds"])
  }

  @Test func `a damaged file gives a tree or a finding, and all places lie in the file`() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    let original = Array(Self.chain.utf8)
    let inserted = Array("{}[]:#'\"\\|>-&*!%@`,?\n\t $\u{202E}é".utf8) + [0, 0xFF, 0x80]
    for _ in 0..<1_500 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes.remove(at: place)
        case 1: bytes.insert(inserted.randomElement(using: &random)!, at: place)
        case 2: bytes[place] = inserted.randomElement(using: &random)!
        default: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...40, using: &random)))
        }
        if bytes.isEmpty { bytes = original }
      }
      var files = SourceFiles()
      let file = files.add(path: "a.yaml", bytes: bytes)
      var findings = Findings()
      let root = composeYAML(file, into: &findings)
      let places = findings.sorted.flatMap { [$0.range] + $0.related.map(\.range) } + (root.map(ranges) ?? [])
      let isDrawn = !PlainTextRenderer(width: 80).render(findings, in: files).contains("\u{202E}")
      guard root != nil || findings.hasErrors, isDrawn, places.allSatisfy({ $0.end <= bytes.count }) else {
        Issue.record("\(String(decoding: bytes, as: UTF8.self).debugDescription), seed \(seed)")
        return
      }
    }
  }

  private func ranges(_ node: YAMLNode) -> [SourceRange] {
    switch node.content {
    case .scalar(let scalar): [node.range, scalar.contentRange]
    case .sequence(let items): [node.range] + items.flatMap(ranges)
    case .mapping(let entries): [node.range] + entries.flatMap { [$0.range, $0.key.contentRange] + ranges($0.value) }
    }
  }
}
