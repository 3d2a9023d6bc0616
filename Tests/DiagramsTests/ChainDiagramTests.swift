import ChainLanguage
import ChainProgram
import Diagnostics
import Diagrams
import Foundation
import FoundationXML
import HTTPConnector
import PostgresConnector
import RabbitMQConnector
import RedisConnector
import Testing

@Suite struct ChainDiagramTests {
  private func diagram(_ chain: String, files: [String: String] = [:]) throws -> ChainDiagram {
    let compilation = compileChain(
      path: "t.chain.yaml", bytes: Array(chain.utf8),
      connectors: [PostgresConnector().schema, RabbitMQConnector().schema, RedisConnector().schema, HTTPConnector().schema],
      readFile: { path in files[path].map { .success(Array($0.utf8)) } ?? .failure(ReadFailure("not there")) })
    let program = try #require(compilation.program, "\(PlainTextRenderer().render(compilation.findings, in: compilation.files))")
    return ChainDiagram(program, in: compilation.files)
  }

  private static let chain = """
    version: 1
    chain: shop
    description: Orders <become> "events" & entries.
    connections:
      db: { postgres: 'postgresql://app:opensesame@localhost/app', access: write }
      cache: { redis: redis://localhost, access: write }
    feeds:
      customer: { csv: c.csv, columns: { id: int, tier: string }, pick: random }
    events:
      made: { origin: insert, id: $order, deadline: 1s, settle: 2s, hops: { cached: { watch: 'order:*', conn: cache, id: key.after("order:") as int } } }
    steps:
      - set:
          amount: random.decimal(1, 500)
      - id: place
        transaction: read committed
        steps:
          - id: insert
            sql: |
              INSERT INTO orders (customer, amount)
              VALUES (${customer.id}, ${amount}) RETURNING id
            capture: { order: row.id as int }
            check: [ affected == 1 ]
      - id: wait
        await: made.cached
        within: 2s
      - id: tier
        if: customer.tier == "gold" and amount > 100
        then:
          - { id: gold, redis: "SET gold:${order} 1", conn: cache }
        elif:
          - if: amount > 400
            then: [ { id: big, redis: "SET big:${order} 1", conn: cache } ]
        else:
          - { id: plain, log: nothing to do }
      - id: thrice
        repeat: 3
        as: i
        steps:
          - { id: touch, redis: "EXISTS order:${order}:${i}", conn: cache }
    """
  private static let feed = ["c.csv": "id,tier\n1,gold\n2,silver\n"]

  @Test func `the tree shows nesting, alternatives, data and events`() throws {
    let text = try diagram(Self.chain, files: Self.feed).text()
    #expect(
      text == """
        shop: Orders <become> "events" & entries.

        connections
          db     postgres, write, 16 connections
          cache  redis, write, 1 connection

        feeds
          customer  2 rows, random: id: int, tier: string  → insert, tier

        steps
        ├─ set_1  set  (t.chain.yaml:12)
        │       amount: decimal  → insert, tier
        ├─ place  transaction on db  read committed  (t.chain.yaml:15)
        │  └─ insert  sql on db  INSERT INTO orders (customer, amount)  (t.chain.yaml:18)
        │          order: int  → wait, gold, big, touch
        │          ✓ affected == 1
        │          ◇ starts made
        ├─ wait  await  made.cached  (t.chain.yaml:24)
        ├─ tier  if  customer.tier == "gold" and amount > 100  (t.chain.yaml:27)
        │  ├─ [then]
        │  │  └─ gold  redis on cache  SET gold:${order} 1  (t.chain.yaml:29)
        │  ├─ [elif amount > 400]
        │  │  └─ big  redis on cache  SET big:${order} 1  (t.chain.yaml:32)
        │  └─ [else]
        │     └─ plain  log  nothing to do  (t.chain.yaml:34)
        └─ thrice  repeat  3  (t.chain.yaml:36)
           │    i: int  → touch
           └─ touch  redis on cache  EXISTS order:${order}:${i}  (t.chain.yaml:39)

        events
        ◇ made  from insert, late after 1s, lost after 2s
        └─ cached  watch order:* on cache  → wait

        """)
  }

  @Test func `the picture is well-formed XML with the chain's text escaped, and no address in it`() throws {
    let svg = try diagram(Self.chain, files: Self.feed).svg()
    let parser = XMLCheck(svg)
    #expect(parser.error == nil)
    #expect(parser.count(of: "rect") >= 12)
    #expect(svg.contains("Orders &lt;become&gt; &quot;events&quot; &amp; entries."))
    #expect(svg.contains("prefers-color-scheme:dark"))
    #expect(!svg.contains("opensesame"))
    #expect(!svg.contains("href") && !svg.contains("<script"))
  }

  @Test func `no step's box lies on another that is not around it, and all lie within the picture`() throws {
    let svg = try diagram(Self.chain, files: Self.feed).svg()
    let boxes = XMLCheck(svg).boxes
    #expect(boxes.count == 10)
    let size = XMLCheck(svg).size
    for (index, box) in boxes.enumerated() {
      #expect(box.x >= 0 && box.y >= 0 && box.right <= size.width && box.bottom <= size.height)
      for other in boxes[(index + 1)...] {
        let isApart = box.right <= other.x || other.right <= box.x || box.bottom <= other.y || other.bottom <= box.y
        #expect(isApart || box.holds(other) || other.holds(box), "\(box) and \(other)")
      }
    }
  }

  @Test func `Graphviz reads the DOT form`() throws {
    let dot = try diagram(Self.chain, files: Self.feed).dot()
    #expect(dot.hasPrefix("digraph \"shop\" {"))
    #expect(dot.contains("label=\"elif amount > 400\""))
    #expect(!dot.contains("opensesame"))
    guard FileManager.default.isExecutableFile(atPath: "/usr/bin/dot") else { return }
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("chainrun-\(UUID().uuidString).dot").path
    try dot.write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/dot")
    process.arguments = ["-Tsvg", "-o", "/dev/null", path]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
  }

  @Test func `text that would break out of a label stays inside it`() throws {
    let chain = "version: 1\nchain: odd\nsteps:\n  - log: 'a \"quote\" \\ </text><script> ]]> &amp;'\n"
    let diagram = try diagram(chain)
    #expect(diagram.dot().contains("a \\\"quote\\\" \\\\ </text>"))
    #expect(XMLCheck(diagram.svg()).error == nil)
    #expect(!diagram.svg().contains("<script>"))
  }
}

/// Reads a picture back: whether it is XML, and where its steps are.
private final class XMLCheck: NSObject, XMLParserDelegate {
  struct Box {
    let x, y, width, height: Double
    var right: Double { x + width }
    var bottom: Double { y + height }
    func holds(_ other: Box) -> Bool { x <= other.x && y <= other.y && other.right <= right && other.bottom <= bottom }
  }
  private(set) var boxes: [Box] = []
  private(set) var size = (width: 0.0, height: 0.0)
  private(set) var error: String?
  private var counts: [String: Int] = [:]

  init(_ text: String) {
    super.init()
    let parser = XMLParser(data: Data(text.utf8))
    parser.delegate = self
    if !parser.parse() { error = "\(parser.parserError.map { "\($0)" } ?? "not XML") at line \(parser.lineNumber)" }
  }

  func count(of element: String) -> Int { counts[element] ?? 0 }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?, attributes: [String: String]
  ) {
    counts[name, default: 0] += 1
    func number(_ key: String) -> Double { Double(attributes[key] ?? "") ?? 0 }
    if name == "svg" { size = (number("width"), number("height")) }
    if name == "rect", ["step", "control", "around"].contains(attributes["class"] ?? "") {
      boxes.append(Box(x: number("x"), y: number("y"), width: number("width"), height: number("height")))
    }
  }
}
