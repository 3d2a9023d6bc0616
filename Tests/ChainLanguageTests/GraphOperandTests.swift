import ChainProgram
import Diagnostics
import Testing

@testable import ChainLanguage

struct GraphOperandTests {
  private func operands(_ step: String) throws -> [(name: String, value: OperandTemplate)] {
    let compiled = CompiledText(
      """
      version: 1
      chain: test
      connections:
        db: { postgres: $env.DB, access: write }
        mq: { amqp: $env.MQ, access: publish }
        cache: { redis: $env.CACHE, access: write }
        api: { http: $env.API, access: write }
      vars: { n: 5, who: Ann, price: 12.10 }
      steps:
        - set: { m: n + 1, name: who }
        - log: "${m} ${name}"

      """ + step)
    let program = try #require(compiled.program, "\(compiled.rendered)")
    return program.operations[0].operands
  }

  private func shown(_ template: TextTemplate) -> String {
    template.pieces.map { piece in
      switch piece {
      case .literal(let bytes): String(decoding: bytes, as: UTF8.self)
      case .argument(let number, let encoding): "{\(number) \(encoding)}"
      }
    }.joined()
  }

  @Test func `SQL binds each interpolation and leaves quoted text alone`() throws {
    let operands = try operands("  - sql: SELECT '$$1', \"a'b\", 'it''s' FROM t WHERE a = ${m} AND b = ${name} -- done\n")
    guard case .sql(let text, let parameters) = operands[0].value else { throw Unexpected() }
    #expect(text == "SELECT '$1', \"a'b\", 'it''s' FROM t WHERE a = $1 AND b = $2 -- done")
    #expect(parameters == [0, 1])
  }

  @Test func `a Redis value is one word or a part of one, whatever it holds`() throws {
    let operands = try operands("  - redis: SET 'order 1':${m} \"two words\" x${name}y ''\n")
    guard case .words(let words) = operands[0].value else { throw Unexpected() }
    #expect(words.map(shown) == ["SET", "order 1:{0 text}", "two words", "x{1 text}y", ""])
  }

  @Test func `JSON keeps numbers as they are written and quotes the rest`() throws {
    let operands = try operands(
      """
        - publish: orders
          json: { a: $m, b: "x${name}\\"", c: 1.50, d: 0x1F, e: [true, null, "5"], "f\\n": .5 }
      """)
    guard case .json(let template) = operands[1].value else { throw Unexpected() }
    #expect(shown(template) == "{\"a\":{0 json},\"b\":\"x{1 jsonText}\\\"\",\"c\":1.50,\"d\":31,\"e\":[true,null,\"5\"],\"f\\n\":0.5}")
  }

  @Test func `a path segment is percent-encoded`() throws {
    let operands = try operands("  - http: GET /orders/${m}?q=${name}\n")
    guard case .text(let template) = operands[0].value else { throw Unexpected() }
    #expect(shown(template) == "GET /orders/{0 percent}?q={1 percent}")
  }

  @Test(arguments: [
    ("SELECT '", true), ("SELECT ''", false), ("SELECT E'\\'", true), ("SELECT '\\'", false), ("SELECT $$ x", true),
    ("SELECT $$ x $$", false), ("SELECT $a$ $$ $b$", true), ("SELECT a$b$ ", false), ("-- '\nSELECT ", false), ("/* ' /* */ ", true),
    ("/* /* */ ' */ ", false), ("SELECT \"'", true), ("SELECT \"'\" ", false), ("SELECT 1 -- x", true), ("SELECT 1 - -2", false),
  ]) func `quotes, dollar quotes and comments decide whether a parameter can stand here`(_ sql: String, isProblem: Bool) {
    var scanner = SQLScanner()
    _ = scanner.scan(sql)
    #expect((scanner.interpolationProblem != nil) == isProblem)
  }

  private struct Unexpected: Error {}
}

struct SHA256Tests {
  @Test func `the published test vectors come out`() {
    #expect(SHA256.hexadecimal(of: Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(SHA256.hexadecimal(of: []) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    let long = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
    #expect(SHA256.hexadecimal(of: Array(long.utf8)) == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
  }
}
