import ChainProgram
import Diagnostics
import Testing

@testable import ChainLanguage

/// Chains with what is wrong in them marked by carets in the comments below: `#  ^^^ name`.
struct GraphFindingsTests {
  private static let head = """
    version: 1
    chain: test
    connections:
      db: { postgres: $env.DB, access: write }
      ro: { postgres: $env.DB }
      mq: { amqp: $env.MQ, access: publish }
      cache: { redis: $env.CACHE }

    """

  private func expectMarks(_ body: String, head: String = Self.head, files: [String: String] = [:]) {
    let text = head + body
    let compiled = CompiledText(text, files: files)
    #expect(compiled.carets == CompiledText.expected(in: text), "\(compiled.rendered)")
  }

  @Test func `an unknown key, a use before capture, a type error, a bad duration and a quoted parameter are found in one go`() {
    expectMarks(
      """
      steps:
        - id: first
          sql: UPDATE t SET a = 1 WHERE id = ${total}
      #                                        ^^^^^ use-before-capture
          conn: db
          captures: { x: row.id }
      #   ^^^^^^^^ unknown-key
        - sql: SELECT total FROM t WHERE name = '${run.id}'
      #                                          ^^^^^^^^^ sql-quoted-interpolation
          conn: ro
          capture: { total: row.total as int }
          check: [ total > "many" ]
      #            ^^^^^^^^^^^^^^ type-mismatch
        - think: 5sec
      #          ^^^^ bad-literal
      """)
  }

  @Test func `a chain's own keys are a closed set`() {
    expectMarks(
      """
      conections: {}
      #<-------- unknown-key
      x-mine: { anything: [ goes ] }
      flows: { place: {} }
      #        ^^^^^ missing-key
      guard: { hosts: [localhost], writes: 5, reads: 5 }
      #                                       ^^^^^ unknown-key
      steps: []
      """)
  }

  @Test func `a step has one verb that exists`() {
    expectMarks(
      """
      steps:
        - sqll: SELECT 1
      #   ^^^^ unknown-key
        - { id: a, name: b }
      #     ^^ no-verb
        - sql: SELECT 1
          conn: ro
          redis: GET a
      #   ^^^^^ two-verbs
        - parallel: all
      #   ^^^^^^^^ missing-key
        - retry: 3
      #          ^ wrong-node-kind
          redis: GET a
        - explain: SELECT 1
      #   ^^^^^^^ no-verb
        - just a text
      #   ^^^^^^^^^^^ wrong-node-kind
      """)
  }

  @Test func `connections are found, of the right kind, and may do what the step does`() {
    expectMarks(
      """
      steps:
        - sql: SELECT 1
      #   ^^^ ambiguous-connection
        - sql: SELECT 1
          conn: cachee
      #         ^^^^^^ unknown-name
        - sql: SELECT 1
          conn: cache
      #         ^^^^^ bad-value
        - sql: DELETE FROM t
      #        ^^^^^^^^^^^^^ write-on-read-connection
          conn: ro
        - redis: SET a 1
      #          ^^^^^^^ write-on-read-connection
        - redis: FLUSHALL
      #          ^^^^^^^^ redis-destructive
        - http: GET /
      #   ^^^^ missing-key
      """)
  }

  @Test func `ids are unique and captures are read`() {
    expectMarks(
      """
      steps:
        - id: a
          redis: GET a
          capture: { one: reply as int }
      #              ^^^ unused-capture
        - id: a
      #       ^ duplicate-name
          redis: GET b
          capture: { _two: reply as int }
        - { log: "${nobody}" }
      #             ^^^^^^ unknown-name
      """)
  }

  @Test func `what is captured on some paths only may be null`() {
    expectMarks(
      """
      steps:
        - redis: GET a
          capture: { a: reply as int }
        - if: a > 1
          then:
            - redis: GET b
              capture: { b: reply as int }
        - log: "${b}"
      #           ^ nullable-use
        - if: b != null
          then:
            - log: "${b}"
        - log: "${b ?? 0}"
        - if: a > 1
          then:
            - set: { c: "1" }
          elif:
            - if: a > 0
              then:
                - set: { c: "2" }
          else:
            - set: { c: "3" }
        - log: "${c}"
        - repeat: 3
          as: i
          steps:
            - set: { d: i + 1 }
            - log: "${d}"
        - log: "${d}"
      #           ^ nullable-use
        - log: "${i}"
      #           ^ unknown-name
        - set: { d: "'text'" }
      #          ^ type-mismatch
      """)
  }

  @Test func `every wait has a deadline, and a probe looks and does not write`() {
    expectMarks(
      """
      steps:
        - await: { redis: GET a }
      #   ^^^^^ await-without-deadline
          until: reply != null
        - await:
            redis: SET a 1
      #     ^^^^^ bad-value
      #            ^^^^^^^ write-on-read-connection
          until: reply != null
          within: 1s
        - await:
            redis: GET a
            check: [ reply != null ]
      #     ^^^^^ check-inside-probe
          within: 1s
          every: 1
      #          ^ bad-literal
          until: reply != null
        - await: nobody.hop
      #          ^^^^^^ unknown-name
          within: 1s
      """)
  }

  @Test func `waiting in a transaction and steps after a failure are warnings`() {
    expectMarks(
      """
      steps:
        - transaction: read committed
          conn: db
          steps:
            - sql: SELECT 1
            - think: 1s
      #       ^^^^^ think-inside-transaction
            - await: { redis: GET a }
      #       ^^^^^ await-inside-transaction
              until: reply != null
              within: 1s
        - fail: no further
        - log: never
      #   ^^^ unreachable-step
      """)
  }

  @Test func `an allowance suppresses one warning, and an unused one is a warning`() {
    expectMarks(
      """
      steps:
        - redis: GET a
          capture: { one: reply as int }  # lint: allow unused-capture because it is only here to be shown
        # lint: allow think-inside-transaction because there is none
      # ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unused-allowance
      """.replacingOccurrences(of: "      # ^^^", with: "#     ^^^"))
  }

  @Test func `an event is known before its clock starts, and its hops show what it has`() {
    expectMarks(
      """
      events:
        made:
          origin: insert
          id: $order_id
          body: { amount: $amount }
          hops:
            cached:
              watch: order:*
              id: key.after("order:") as int
              body: { amont: json.amount as decimal }
      #               ^^^^^ unknown-name
        early:
          origin: insert
          id: $late
      #        ^^^^ use-before-capture
          hops:
            queued: { tap: orders, conn: mq, id: json.id as int }
        lost:
          origin: insrt
      #           ^^^^^ unknown-name
          id: $order_id
          hops: { seen: { wach: a, id: key } }
      #           ^^^^ missing-key
      #                   ^^^^ unknown-key
      steps:
        - set: { amount: "random.decimal(1, 5)" }
        - id: insert
          sql: INSERT INTO t VALUES (${amount}) RETURNING id
          conn: db
          capture: { order_id: row.id as int }
        - set: { late: order_id + 1 }
        - await: made.cache
      #               ^^^^^ unknown-name
          within: 1s
      """)
  }

  @Test func `load and thresholds name what there is`() {
    expectMarks(
      """
      steps:
        - id: get
          redis: GET a
      load:
        a: { closed: { vus: 0, iterations: 1 } }
      #                     ^ bad-literal
        b: { closed: { vus: 1 } }
      # ^ missing-key
        c: { open: { rate: 200, for: 10s } }
      #                    ^^^ bad-literal
        d: { open: { rate: 200/s, for: 10, arrivals: poison } }
      #                                ^^ bad-literal
      #                                              ^^^^^^ bad-value
        e: { ramp: { stages: [] } }
      # ^ missing-key
      #      ^^^^ unknown-key
        f: { closed: { stages: [], vus: 1 } }
      #                        ^^ empty-load
      thresholds:
        - p99(step.gett) < 20ms
      #            ^^^^ threshold-selector
        - p99(step.get) < 20
      #                   ^^ type-mismatch
        - rate(errors) < 0.1%
        - count(dropped) == 0
        - p99(step.get) + 5
      #   ^^^^^^^^^^^^^^^^^ threshold-selector
        - p9x(response) < 1s
      #   ^^^ threshold-selector
        - p95(measure.lagg) < 1s
      #               ^^^^ threshold-selector
        - p99(step.get) <= 1.1 * baseline
        - rate(errors) <= baseline
        - p90(step.get) <= baseline
      #   ^^^^^^^^^^^^^ threshold-selector
        - { check: p99(step.get) < 20ms, over: 30s, for: 3, abort: true }
        - { check: p99(step.get) < 20ms, abort: true }
        - { check: p99(step.get) < 20ms, over: 300ms }
      #                                        ^^^^^ bad-value
        - { check: p99(step.get) < 20ms, for: 3 }
      #                                  ^^^ missing-key
        - { check: p99(step.get) < 20ms, abort: maybe }
      #                                         ^^^^^ bad-value
      """)
  }

  @Test func `a cell that is not of its type is a finding in the feed's own file`() {
    let compiled = CompiledText(
      Self.head + """
        feeds:
          item: { csv: items.csv, columns: { sku: string, price: decimal } }
          gone: { csv: gone.csv, columns: { a: int } }
          other: { csv: items.csv, columns: { pric: decimal } }
        steps:
          - log: "${item.sku} ${item.price}"
        """, files: ["items.csv": "sku,price\nA,1.50\n\"B, C\",much\n"])
    let texts = compiled.compilation.findings.sorted.map { finding in
      "\(compiled.compilation.files[finding.range.file].path):\(compiled.compilation.files.position(of: finding.range).line) \(finding.name.rawValue)"
    }
    #expect(texts == ["test.chain.yaml:10 feed-unreadable", "test.chain.yaml:11 unknown-name", "items.csv:3 bad-literal"])
  }

  @Test func `a unique feed has a row for each iteration that is planned`() {
    expectMarks(
      """
      feeds:
        few: { csv: few.csv, columns: { id: int }, pick: unique }
      # ^^^ feed-too-small-for-unique
        enough: { csv: few.csv, columns: { id: int }, pick: unique, exhausted: stop }
        twice: { csv: few.csv, columns: { id: int }, pick: unique, exhausted: again }
      #                                                                       ^^^^^ bad-value
      steps:
        - log: "${few.id} ${enough.id} ${twice.id}"
      load:
        a: { closed: { vus: 2, iterations_per_vu: 2 } }
      """, files: ["few.csv": "id\n1\n2\n3\n"])
  }

  @Test func `a variable given on the command line is checked against its type`() {
    let text = Self.head + "vars: { n: 1, d: 2s }\nsteps:\n  - log: \"${n}\"\n  - think: $d\n"
    #expect(CompiledText(text, variables: [("n", "5"), ("d", "10ms")]).places == [])
    let bad = CompiledText(text, variables: [("n", "five"), ("m", "1")])
    #expect(bad.compilation.findings.sorted.map(\.name) == [.badLiteral, .unknownName])
    #expect(bad.rendered.contains("n=five"))
  }

  @Test func `the password of an address is in no message`() {
    let compiled = CompiledText(
      "version: 1\nchain: a\nconnections: { db: { postgres: 'mysql://root:hunter2@localhost/x', acces: write } }\nsteps: []\n")
    #expect(compiled.compilation.findings.sorted.allSatisfy { !$0.message.contains("hunter2") && !($0.help ?? "").contains("hunter2") })
    #expect(compiled.places.contains { $0.hasSuffix("bad-value") })
  }
}
