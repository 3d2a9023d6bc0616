import ChainProgram
import Diagnostics
import Testing

@testable import ChainLanguage

/// Findings about chains that would run, and not as meant.
struct GraphLintTests {
  private static let head = """
    version: 1
    chain: test
    connections:
      db: { postgres: $env.DB, access: write }
      mq: { amqp: $env.MQ }
      cache: { redis: $env.CACHE, access: write }

    """

  private func expectMarks(_ body: String, files: [String: String] = [:]) {
    let text = Self.head + body
    let compiled = CompiledText(text, files: files)
    #expect(compiled.carets == CompiledText.expected(in: text), "\(compiled.rendered)")
  }

  @Test func `a key that is written carries the run or an id`() {
    expectMarks(
      """
      steps:
        - redis: SET order:1 1
      #          ^^^^^^^^^^^^^ key-without-run-scope
        - redis: SET order:${run.id} 1
        - redis: INCR counter  # lint: allow key-without-run-scope because it is meant to be shared
        - redis: GET order:1
      """)
  }

  @Test func `a rate that pauses cannot reach is a warning`() {
    expectMarks(
      """
      steps:
        - think: 1s
        - repeat: 2
          steps: [ { think: { uniform: [500ms, 2s] } } ]
        - if: random.int(0, 1) == 1
          then: [ { think: 1h } ]
      load:
        fine: { open: { rate: 5/s, for: 1m, max_vus: 10 } }
        never: { open: { rate: 6/s, for: 1m, max_vus: 10 } }
      # ^^^^^ rate-infeasible
      """)
  }

  @Test func `a wait ends before what it waits for is given up`() {
    expectMarks(
      """
      events:
        made: { origin: insert, id: $id, settle: 5s, hops: { queued: { tap: orders, id: json.id as int } } }
      steps:
        - id: insert
          sql: INSERT INTO t DEFAULT VALUES RETURNING id
          capture: { id: row.id as int }
        - await: made.queued
          within: 5s
        - await: made.queued
          within: 6s
      #           ^^ deadline-exceeds-timeout
        - transaction: read committed
          timeout: 1s
          steps:
            - await: { redis: GET a }  # lint: allow await-inside-transaction because it is shown
      #       ^^^^^ deadline-exceeds-timeout
              until: reply != null
              within: 2s
      """)
  }

  @Test func `messages are taken only where the connection may, and not looked at again and again`() {
    expectMarks(
      """
      steps:
        - consume: orders
      #            ^^^^^^ consume-not-allowed
        - peek: orders
        - repeat: 3
          steps:
            - peek: orders
      #       ^^^^ peek-delivery-limit
            - peek: orders
              accept_redelivery: true
        - await: { peek: orders }
      #            ^^^^ peek-delivery-limit
          until: messages.size == 1
          within: 1s
      """)
  }

  @Test func `a rollback stands directly in a transaction and a stop outside of it`() {
    expectMarks(
      """
      flows:
        undo: { steps: [ { rollback: now, conn: db } ] }
      #                    ^^^^^^^^ bad-value
      steps:
        - rollback: now
      #   ^^^^^^^^ bad-value
        - transaction: read committed
          steps:
            - sql: SELECT 1
            - call: undo
            - rollback: now
            - sql: SELECT 2
      #       ^^^ unreachable-step
            - stop: iteration
      #       ^^^^ bad-value
      """)
  }
}
