import ChainProgram
import Diagnostics
import Testing

@testable import ChainLanguage

/// Control steps: what is wrong in them, marked by carets, and what is certain after them.
struct GraphControlTests {
  private static let head = """
    version: 1
    chain: test
    connections:
      db: { postgres: $env.DB, access: write }
      cache: { redis: $env.CACHE }

    """

  private func expectMarks(_ body: String, files: [String: String] = [:]) {
    let text = Self.head + body
    let compiled = CompiledText(text, files: files)
    #expect(compiled.carets == CompiledText.expected(in: text), "\(compiled.rendered)")
  }

  @Test func `retry names classes of errors and a number of attempts`() {
    expectMarks(
      """
      steps:
        - transaction: repeatable read
          conn: db
          retry: { errors: [serialization_failure, deadlock_detected, "40001"], max: 3, backoff: { start: 5ms, max: 1s } }
          steps:
            - sql: SELECT 1
        - redis: GET a
          retry: { errors: [dedlock_detected], max: 3, backoff: 5 }
      #                     ^^^^^^^^^^^^^^^^ bad-value
      #                                                         ^ bad-literal
        - redis: GET b
          retry: { max: 0 }
      #   ^^^^^ missing-key
      #                 ^ bad-literal
      """)
  }

  @Test func `a step moved into a branch makes its capture uncertain, and the finding names the path that lacks it`() {
    let certain = Self.head + """
      steps:
        - redis: GET a
          capture: { a: reply as int }
        - redis: GET b
          capture: { b: reply as int }
        - if: a > 1
          then:
            - log: more
        - log: "${b}"
      """
    #expect(CompiledText(certain).rendered == "")
    let moved = CompiledText(
      Self.head + """
        steps:
          - redis: GET a
            capture: { a: reply as int }
          - if: a > 1
            then:
              - redis: GET b
                capture: { b: reply as int }
              - log: more
          - log: "${b}"
        """)
    #expect(moved.places == ["14:13 nullable-use"])
    #expect(moved.rendered.contains("not captured when 'if' at 9:5 takes 'else'"), "\(moved.rendered)")
  }

  @Test(arguments: [
    ("- { if: a > 1, then: [ { log: x } ], else: [ { set: { b: '1' } } ] }", "'if' at 9:7 takes 'then'"),
    ("- { switch: a, cases: { 1: [ { set: { b: '1' } } ], 2: [] }, default: [ { set: { b: '2' } } ] }", "'switch' at 9:7 takes '2'"),
    ("- { switch: a, cases: { 1: [ { set: { b: '1' } } ] } }", "'switch' at 9:7 takes no case"),
    ("- { branch: [ { weight: 1, name: x, steps: [] }, { weight: 1, steps: [ { set: { b: '1' } } ] } ] }", "'branch' at 9:7 takes 'x'"),
    ("- { while: a > 1, max: 3, steps: [ { set: { b: '1' } } ] }", "'while' at 9:7 runs no round"),
    ("- { set: { b: '1' }, when: a > 1 }", "the 'when' at 9:7 does not hold"),
    ("- { redis: GET b, capture: { b: reply as int }, on_error: continue }", "'redis' at 9:7 fails and is passed over"),
    ("- { parallel: any, lanes: { x: [ { set: { b: '1' } } ], y: [] } }", "'parallel' at 9:7 goes on without lane 'x'"),
  ]) func `each construct says on which path a variable is not captured`(_ step: String, _ path: String) {
    let compiled = CompiledText(
      Self.head + "steps:\n  - redis: GET a\n    capture: { a: reply as int }\n  \(step)\n  - log: \"${a} ${b}\"\n")
    #expect(compiled.places == ["10:18 nullable-use"], "\(compiled.rendered)")
    #expect(compiled.rendered.contains("not captured when \(path)"), "\(compiled.rendered)")
  }

  @Test func `what every way captures is certain`() {
    expectMarks(
      """
      vars: { region: eu }
      steps:
        - switch: region
          cases:
            eu: [ { set: { a: "1" } } ]
            us: [ { set: { a: "2" } } ]
            xx: [ { fail: unsupported region } ]
          default: [ { set: { a: "3" } } ]
        - branch:
            - { weight: 80, name: one, steps: [ { set: { b: "1" } } ] }
            - { weight: 20, steps: [ { set: { b: "2" } } ] }
        - parallel: all
          lanes:
            x: [ { set: { c: "1" } } ]
            y: [ { redis: GET d, capture: { d: reply as int } } ]
        - group: everything
          steps: [ { set: { e: "1" } } ]
        - log: "${a} ${b} ${c} ${d} ${e}"
      """)
  }

  @Test func `switch compares with values of its own type, and weights are positive`() {
    expectMarks(
      """
      vars: { count: 5, list: 7 }
      steps:
        - switch: count
          cases:
            5: [ { log: five } ]
            six: [ { log: six } ]
      #     ^^^ bad-literal
        - switch: nobody
      #           ^^^^^^ unknown-name
          cases: {}
        - branch:
            - { weight: 0, name: never, steps: [] }
      #                 ^ branch-weight-zero
        - branch: 5
      #           ^ wrong-node-kind
      """)
  }

  @Test func `loops over lists and conditions are bounded and typed`() {
    expectMarks(
      """
      steps:
        - redis: GET list
          capture: { items: reply as json, n: reply as int }
        - for_each: items
          as: item
          steps:
            - log: "${item.name as string}"
        - for_each: [1, 2]
      #             ^^^^^^ wrong-node-kind
          as: x
          steps: [ { log: "${x}" } ]
        - for_each: n
      #             ^ type-mismatch
          as: other
          steps: []
        - for_each: items
          as: n
      #       ^ duplicate-name
          steps: []
        - log: "${item}"
      #           ^^^^ unknown-name
        - while: n < 10
      #   ^^^^^ while-without-max
          steps: [ { set: { n: n + 1 } } ]
        - while: n + 1
      #          ^^^^^ type-mismatch
          max: 0
      #        ^ bad-literal
          steps: []
      """)
  }

  @Test func `lanes write variables of their own, and hold no connection for each other`() {
    expectMarks(
      """
      steps:
        - parallel: all
          lanes:
            x: [ { set: { a: "1" } } ]
            y: [ { set: { a: "2" } }, { stop: iteration, when: a == 2 } ]
      #                   ^ duplicate-name
      #                                 ^^^^ bad-value
        - parallel: some
      #             ^^^^ bad-value
          lanes: {}
        - transaction: read committed
          conn: db
          steps:
            - parallel: all
              lanes:
                one: [ { sql: SELECT 1, conn: db } ]
      #                  ^^^ pool-self-deadlock
                two: [ { redis: GET a } ]
      """)
  }

  @Test func `a measure reads moments of steps that have been`() {
    expectMarks(
      """
      steps:
        - measure: { early: { from: get.end, to: get.end } }
      #                             ^^^ use-before-capture
      #                                          ^^^ use-before-capture
        - id: get
          redis: GET a
        - id: seen
          await: { redis: GET b }
          until: reply != null
          within: 1s
        - measure:
            wait: { from: get.end, to: seen.seen }
            bad: { from: get.seen, to: gett.end }
      #                      ^^^^ bad-value
      #                                ^^^^ unknown-name
            none: { from: get, to: get.finish }
      #                   ^^^ bad-value
      #                                ^^^^^^ bad-value
      """)
  }

  @Test func `steps behind a stop or after two failing branches are never reached`() {
    expectMarks(
      """
      steps:
        - redis: GET a
          capture: { a: reply as int }
        - if: a > 1
          then: [ { stop: iteration } ]
          else: [ { fail: no } ]
        - log: never
      #   ^^^ unreachable-step
      """)
  }

  @Test func `the same chain with 100 levels of loops and lanes is refused or compiled, and never traps`() {
    var text = "steps:\n"
    for level in 0..<12 { text += String(repeating: "  ", count: level * 2 + 1) + "- repeat: 2\n" + String(repeating: "  ", count: level * 2 + 2) + "steps:\n" }
    text += String(repeating: "  ", count: 25) + "- log: deep\n"
    #expect(CompiledText(Self.head + text).program != nil)
  }
}
