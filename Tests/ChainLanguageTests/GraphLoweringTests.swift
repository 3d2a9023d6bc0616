import ChainProgram
import Diagnostics
import Testing

@testable import ChainLanguage

/// What chains become, as listings of their instructions without places.
struct GraphLoweringTests {
  private func code(_ body: String) throws -> [String] {
    let compiled = CompiledText(
      """
      version: 1
      chain: test
      connections:
        db: { postgres: $env.DB, access: write }
        cache: { redis: $env.CACHE }
      vars: { wait: 2s }

      """ + body)
    #expect(compiled.rendered == "")
    let program = try #require(compiled.program)
    return program.listing(in: compiled.compilation.files).split(separator: "\n").prefix { $0 != "slots:" && $0 != "handlers:" }
      .compactMap { line in
        guard let comment = line.lastIndex(of: ";") else { return line.hasSuffix(":") ? String(line) : nil }
        return line[..<comment].split(separator: " ").joined(separator: " ")
      }
  }

  @Test func `a loop counts in a slot of its own and an optional variable starts as null`() throws {
    let lines = try code(
      """
      steps:
        - repeat: 3
          as: i
          steps:
            - redis: GET key:${i}
              capture: { last: reply as int }
        - log: "${last ?? 0}"
      """)
    #expect(
      lines.prefix(13) == [
        "iteration:", "0 constant last = null", "1 enterStep repeat_1", "2 constant .3 = 3", "3 constant i = 0", "4 constant .5 = 1",
        "5 compare .4 = i < .3 as int", "6 jumpIfFalse .4 -> 13", "7 enterStep redis_1", "8 move .6 = i", "9 submit #0 redis_1",
        "10 loadResultInt last = reply", "11 addInt i = i, .5",
      ], "\(lines)")
  }

  @Test func `a probe looks until its condition holds and its captures read the last look`() throws {
    let lines = try code(
      """
      steps:
        - id: seen
          await: { redis: GET a }
          every: 5ms
          until: reply != null
          within: $wait
          capture: { a: reply as int }
        - log: "${a}"
      """)
    #expect(lines.contains { $0.contains("probeBegin seen") })
    #expect(lines.contains { $0.contains("probeAgain") })
    let end = try #require(lines.firstIndex { $0.contains("probeEnd") })
    #expect(lines[end + 1].contains("loadResultInt a = reply"))
  }

  @Test func `an autocommitted origin is identified, acknowledged and then checked`() throws {
    let lines = try code(
      """
      events:
        made: { origin: insert, id: $id, hops: { cached: { watch: "o:*", id: key.after("o:") as int } } }
      steps:
        - id: insert
          sql: INSERT INTO t DEFAULT VALUES RETURNING id
          capture: { id: row.id as int }
          check: [ affected == 1 ]
          on_error: continue
      """)
    let order = ["submit", "loadResultInt", "originIdentify", "originAcknowledge", "check"].map { word in
      lines.firstIndex { $0.contains(" \(word) ") } ?? -1
    }
    #expect(order == order.sorted() && !order.contains(-1), "\(lines)")
  }

  @Test func `an origin inside an if is acknowledged after the commit only if it was reached`() throws {
    let lines = try code(
      """
      vars: {}
      events:
        made: { origin: insert, id: $id, hops: { cached: { watch: "o:*", id: key.after("o:") as int } } }
      steps:
        - set: { n: "random.int(0, 1)" }
        - transaction: read committed
          steps:
            - if: n == 1
              then:
                - id: insert
                  sql: INSERT INTO t DEFAULT VALUES RETURNING id
                  capture: { id: row.id as int }
      """.replacingOccurrences(of: "vars: {}\n", with: ""))
    let flag = ".origin.made"
    #expect(lines.contains { $0.contains("constant \(flag) = false") })
    #expect(lines.contains { $0.contains("constant \(flag) = true") })
    let skip = try #require(lines.firstIndex { $0.contains("jumpIfFalse \(flag)") })
    #expect(lines[skip + 1].contains("originAcknowledge made"))
    #expect(lines.contains { $0.contains("originAbort made") })
  }

  @Test func `setup and teardown are blocks of their own`() throws {
    let lines = try code(
      """
      setup:
        - sql: DELETE FROM t
      steps:
        - redis: GET a
      teardown:
        - sql: DELETE FROM t WHERE run = ${run.id}
      """)
    #expect(lines.filter { $0.hasSuffix(":") } == ["setup:", "iteration:", "teardown:"])
    #expect(lines.filter { $0.hasSuffix(" end") }.count == 3)
  }

  @Test func `a chain without a load profile runs once`() throws {
    let compiled = CompiledText("version: 1\nchain: a\nsteps: [ { log: hello } ]\n")
    #expect(compiled.program?.profiles.map(\.name) == ["once"])
  }
}
