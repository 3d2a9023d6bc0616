import ChainProgram
import Diagnostics
import Testing

@testable import ChainLanguage

/// `guarantees:` of a hop and what may be claimed about them.
struct GraphGuaranteeTests {
  private func chain(_ hop: String, event: String = "key: $customer\n    version: $number", thresholds: [String] = []) -> String {
    """
    version: 1
    chain: test
    connections:
      db: { postgres: $env.DB, access: write }
      mq: { amqp: $env.MQ }
      cache: { redis: $env.CACHE }
    events:
      made:
        origin: insert
        id: $order_id
        \(event)
        hops:
          seen: { \(hop) }
    steps:
      - id: insert
        sql: INSERT INTO t VALUES (1) RETURNING id, customer, number
        capture: { order_id: row.id as int, customer: row.customer as int, number: row.number as int }
      - log: ${customer} ${number}
    \(thresholds.isEmpty ? "" : "thresholds:\n" + thresholds.map { "  - \($0)\n" }.joined())
    """
  }

  private func compile(_ hop: String, event: String = "key: $customer\n    version: $number", thresholds: [String] = []) -> Compilation {
    Gallery.compile(Array(chain(hop, event: event, thresholds: thresholds).utf8), path: "test.chain.yaml")
  }

  private static let watched = #"watch: "c:*", conn: cache, id: json.id as int"#
  private static let tapped = "tap: orders, conn: mq, id: json.id as int"
  private static let asked = #"query: "SELECT id FROM t WHERE id = ANY(${ids})", conn: db, id: row.id as int"#

  @Test func `a list requires, a mapping says whether it only measures`() throws {
    let list = try #require(compile(Self.watched + ", guarantees: [read_your_writes, monotonic_reads]").program).events[0].hops[0].guarantees
    #expect(list.kinds == [.readYourWrites, .monotonicReads] && list[.readYourWrites] == .required && list[.monotonicReads] == .required)
    let mapping = try #require(compile(Self.watched + ", guarantees: { read_your_writes: measured, monotonic_reads: required }").program)
    #expect(mapping.events[0].hops[0].guarantees[.readYourWrites] == .measured && mapping.events[0].hops[0].guarantees[.monotonicReads] == .required)
    #expect(try #require(compile(Self.watched).program).events[0].hops[0].guarantees.isEmpty)
    #expect(try #require(compile(Self.asked + ", guarantees: [read_your_writes]").program).events[0].hops[0].guarantees.kinds == [.readYourWrites])
  }

  @Test(arguments: [
    (watched + ", guarantees: [read_your_write]", FindingName.badValue, "did you mean 'read_your_writes'?"),
    (watched + ", guarantees: [fast]", .badValue, "there is 'read_your_writes' and 'monotonic_reads'"),
    (watched + ", guarantees: [read_your_writes, read_your_writes]", .duplicateName, "twice"),
    (watched + ", guarantees: { read_your_writes: wanted }", .badValue, "'required' or 'measured'"),
    (watched + ", guarantees: read_your_writes", .wrongNodeKind, "a list or a mapping"),
    (watched + ", guarantees: [[read_your_writes]]", .wrongNodeKind, "a guarantee is a word"),
    (tapped + ", guarantees: [read_your_writes]", .guaranteeNotCheckable, "'tap' sees messages"),
    (tapped + ", guarantees: [monotonic_reads]", .guaranteeNotCheckable, "'tap' sees messages"),
    (asked + ", guarantees: [monotonic_reads]", .guaranteeNotCheckable, "looks for each event until it has seen it"),
    (watched + ", at: \"c:${key}\", how: poll, guarantees: [monotonic_reads]", .guaranteeNotCheckable, "looks for each event until it has seen it"),
    (watched + ", at: \"c:${key}\", every: 10ms, guarantees: [monotonic_reads]", .guaranteeNotCheckable, "looks for each event until it has seen it"),
  ]) func `what no hop can promise is refused with the reason`(hop: String, name: FindingName, text: String) {
    let compilation = compile(hop)
    #expect(Gallery.names(compilation) == [name] && Gallery.render(compilation).contains(text), "\(Gallery.render(compilation))")
  }

  @Test(arguments: [
    ("deadline: 1s", "", "give the event a 'key' and a 'version'"), ("version: $number", "", "give the event a 'key'"),
    ("key: $customer", "", "give the event a 'version'"), ("key: $customer", ", version: json.version as int", nil),
  ] as [(String, String, String?)]) func `monotonic_reads says what is to be mapped`(event: String, hop: String, help: String?) {
    let compilation = compile(Self.watched + hop + ", guarantees: [monotonic_reads]", event: event)
    #expect(Gallery.names(compilation) == (help == nil ? [] : [.guaranteeNotCheckable]), "\(Gallery.render(compilation))")
    if let help { #expect(Gallery.render(compilation).contains(help), "\(Gallery.render(compilation))") }
  }

  @Test func `thresholds count violations and take quantiles of their age`() throws {
    let claims = [
      "count(event.made.seen.read_your_writes) == 0", "count(event.made.read_your_writes) == 0", "rate(event.made.seen.read_your_writes) < 1%",
      "p99(event.made.seen.read_your_writes) < 50ms", "max(event.made.seen.read_your_writes) < 1s",
    ]
    let program = try #require(compile(Self.watched + ", guarantees: [read_your_writes]", thresholds: claims).program)
    let event = EventIndex(0)
    #expect(
      program.thresholds.map(\.metric) == [
        .count(.violations(event, hop: 0, .readYourWrites)), .count(.violations(event, hop: nil, .readYourWrites)),
        .rate(.violations(event, hop: 0, .readYourWrites)), .quantile(0.99, .violation(event, hop: 0, .readYourWrites)),
        .maximum(.violation(event, hop: 0, .readYourWrites)),
      ])
  }

  @Test(arguments: [
    "count(event.made.seen.monotonic_reads) == 0", "count(event.made.monotonic_reads) == 0", "p99(event.made.seen.monotonic_reads) < 50ms",
  ]) func `what nobody asks for is not counted, and cannot be claimed`(claim: String) {
    let compilation = compile(Self.watched + ", guarantees: [read_your_writes]", thresholds: [claim])
    #expect(Gallery.names(compilation) == [.thresholdSelector], "\(Gallery.render(compilation))")
    #expect(Gallery.render(compilation).contains("asked for 'monotonic_reads'"), "\(Gallery.render(compilation))")
  }
}
