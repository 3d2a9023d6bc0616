import ChainProgram
import Diagnostics
import Foundation
import Testing

@testable import ChainLanguage

struct GraphDamageTests {
  #if DEBUG
    private static let rounds = 1_000
  #else
    private static let rounds = 20_000
  #endif

  /// `CHAINRUN_MUTATIONS=100000` for the whole of it.
  private static var wantedRounds: Int {
    ProcessInfo.processInfo.environment["CHAINRUN_MUTATIONS"].flatMap { Int($0) } ?? rounds
  }

  /// The chains that are damaged in turn.
  private static func originals() throws -> [[UInt8]] {
    let folder = GraphChainsTests.root.appendingPathComponent("Tests/Golden/chains")
    let others = try ["everything", "rollback", "broad"].map {
      Array(try Data(contentsOf: folder.appendingPathComponent("\($0).chain.yaml")))
    }
    return [try original()] + others
  }

  /// The order chain with a little of everything else.
  private static func original() throws -> [UInt8] {
    let path = GraphChainsTests.root.appendingPathComponent("chains/order-flow.chain.yaml")
    let more = """

      setup:
        - sql: DELETE FROM orders WHERE run_id = ${run.id}
          timeout: 2s
      teardown:
        - log: "done ${run.id}"
      """
    var text = String(decoding: try Data(contentsOf: path), as: UTF8.self)
    text = text.replacingOccurrences(
      of: "\nload: ",
      with: """

          - repeat: 3
            as: i
            on_error: continue
            steps:
              - redis: EXISTS order:${order_id}:${i}
                conn: cache
              - think: { uniform: [1ms, 2ms] }
          - id: seen
            await:
              sql: SELECT amount FROM orders WHERE id = ${order_id}
              conn: db
            every: { start: 5ms, factor: 2, max: 200ms }
            until: rows.size == 1 and (row.amount as decimal) == amount
            within: 5s

        load:
        """)
    return Array((text + more).utf8)
  }

  @Test func `a damaged chain gives findings or a program, and never a trap`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    let originals = try Self.originals()
    let inserted = Array("{}[]:#'\"\\|>-&*!%@`,?\n\t $().=+<>0159azé".utf8)
    let words = [
      "any", "{ x: [] }", "[ { stop: run } ]", "./b.chain.yaml", "place", "secrets.token", "outputs.x", "null", "99999999999999999999", "${", "$run", "$order_id", "[]", "{}", "*a", "&a", "1s", "-1", "true", "${1 / 0}", "row", "json",
    ]
    var programs = 0
    for round in 0..<Self.wantedRounds {
      let original = originals[round / 4 % originals.count]
      let lines = original.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
      var bytes: [UInt8]
      switch round % 4 {
      case 0:
        bytes = original
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          bytes[Int.random(in: 0..<bytes.count, using: &random)] = inserted.randomElement(using: &random) ?? 32
        }
      case 1:
        var kept = lines
        for _ in 0..<Int.random(in: 1...5, using: &random) { kept.remove(at: Int.random(in: 0..<kept.count, using: &random)) }
        bytes = Array(kept.joined(separator: [UInt8(ascii: "\n")]))
      case 2:
        var kept = lines
        for _ in 0..<Int.random(in: 1...3, using: &random) {
          kept.swapAt(Int.random(in: 0..<kept.count, using: &random), Int.random(in: 0..<kept.count, using: &random))
        }
        bytes = Array(kept.joined(separator: [UInt8(ascii: "\n")]))
      default:
        // A value replaced by another: what survives the YAML reader and reaches the checks.
        var kept = lines
        let place = Int.random(in: 0..<kept.count, using: &random)
        if let colon = kept[place].lastIndex(of: UInt8(ascii: ":")) {
          kept[place] = Array(kept[place][...colon]) + Array(" \(words.randomElement(using: &random) ?? "")".utf8)
        }
        bytes = Array(kept.joined(separator: [UInt8(ascii: "\n")]))
      }
      let compilation = compileChain(path: "chains/a.chain.yaml", bytes: bytes, connectors: GraphSchemas.all) { path in
        path.hasSuffix(".yaml") ? .success(originals[3]) : .success(Array("id,tier\n1,gold\n2,silver\n".utf8))
      }
      #expect((compilation.program == nil) == compilation.findings.hasErrors, "seed \(seed), round \(round)")
      for finding in compilation.findings.sorted where finding.range.end > compilation.files[finding.range.file].bytes.count {
        Issue.record("a place outside its file: seed \(seed), round \(round), \(finding.message)")
      }
      if let program = compilation.program {
        programs += 1
        #expect(program.instructions.count == program.sources.count)
      }
    }
    #expect(programs > 0)
  }

  @Test func `a thousand lines are compiled within 50 ms`() {
    var text = """
      version: 1
      chain: long
      connections:
        db: { postgres: $env.DB, access: write }
        cache: { redis: $env.CACHE }
      steps:
        - set: { order_id: "random.int(1, 1000)", amount: "random.decimal(1, 500)" }

      """
    var number = 0
    while text.utf8.reduce(0, { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }) < 1_000 {
      number += 1
      text += """
          - id: read_\(number)
            sql: SELECT amount, customer_id FROM orders WHERE id = ${order_id} AND amount > ${amount}
            conn: db
            capture:
              total_\(number): row.amount as decimal
            check:
              - rows.size == 1 and total_\(number) > amount
          - if: total_\(number) > 100
            then:
              - redis: GET order:${order_id}:line:\(number)
              - log: "order ${order_id} has ${total_\(number)}"

        """
    }
    #if !DEBUG
      let limit = 50.0
    #else
      let limit = 2_000.0
    #endif
    let clock = ContinuousClock()
    var best = Duration.seconds(100)
    for _ in 0..<5 {
      best = min(
        best,
        clock.measure {
          let compiled = CompiledText(text)
          #expect(compiled.rendered == "")
          #expect(compiled.program != nil)
        })
    }
    let milliseconds = Double(best.components.attoseconds) / 1e15 + Double(best.components.seconds) * 1e3
    print("a chain of 1000 lines: \(milliseconds) ms")
    #expect(milliseconds < limit)
  }
}
