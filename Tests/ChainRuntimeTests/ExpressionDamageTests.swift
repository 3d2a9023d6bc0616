import ChainIO
import ChainProgram
import LosslessJSON
import Testing

@testable import ChainRuntime

/// Whatever stands in an expression, it has a value, a step error or findings; nothing traps and nothing hangs.
@Suite struct ExpressionDamageTests {
  private static var bench: ExpressionBench {
    var bench = ExpressionBench()
    bench.variable("i", .int, .int(1))
    bench.variable("big", .int, .int(.max))
    bench.variable("least", .int, .int(.min))
    bench.variable("d", .decimal, .decimal(Decimal("99999999999999999999999999999999999999")!))
    bench.variable("f", .float, .float(1e308))
    bench.variable("s", .string, .string("äb\u{0}c"))
    bench.variable("tags", .list(.string), .list([.string("a"), .string("b")]))
    bench.variable("doc", .json, .json(try! JSONDocument(parsing: #"{"tags": ["a", 1], "n": 1e400, "m": {"x": 1}, "z": null}"#).root))
    bench.variable("at", .instant, .instant(.min))
    bench.variable("late", .instant, .instant(.max))
    bench.variable("w", .duration, .duration(.min))
    bench.variable("n", .optional(.int), .null)
    bench.variable("b", .bool, .bool(true))
    bench.variable("secret", .secret(.string), .string("x"))
    for (name, type, field) in [("rows", .rows, .rows), ("row", .row, .row), ("reply", .untyped, .reply), ("messages", .messages, .messages),
      ("headers", .map(.untyped), .headers), ("json", .json, .json), ("text", .string, .text)] as [(String, ValueType, ResultField)]
    { bench.member(name, type, field) }
    return bench
  }

  private static let leaves = [
    "i", "big", "least", "d", "f", "s", "tags", "doc", "at", "late", "w", "n", "b", "secret", "rows", "row.x", "rows[0].x", "reply", "messages", "json",
    "headers.a", "text", "0", "1", "-1", "9223372036854775807", "-9223372036854775808", "1.5", "0.00000000000000000000000000000000000001", "1e308", "''", "'a'",
    "'(a+)+$'", "'%Y'", "null", "true", "false", "500ms", "200/s", "16KiB", "0.1%", "[]", "[1, 2]", "['a']", "[1.5]", "[null, 1]", "doc.tags", "doc.m",
  ]
  private static let signs = ["+", "-", "*", "/", "mod", "==", "!=", "<", ">=", "and", "or", "??", "in", "not in", "%"]
  private static let types = ["int", "string", "decimal", "float", "bool", "duration", "instant", "uuid", "bytes", "json", "list<int>", "map<string>", "list<json>", "int?"]

  /// An expression that the grammar allows.
  private static func expression(_ random: inout SplitMix, depth: Int) -> String {
    guard depth > 0 else { return leaves.randomElement(using: &random)! }
    // So many as the largest form takes, drawn before the form.
    let parts = (0..<3).map { _ in expression(&random, depth: depth - 1) }
    let (a, b, c) = (parts[0], parts[1], parts[2])
    switch Int.random(in: 0..<12, using: &random) {
    case 0, 1: return leaves.randomElement(using: &random)!
    case 2, 3: return "(\(a) \(signs.randomElement(using: &random)!) \(b))"
    case 4: return "(if \(a) then \(b) else \(c))"
    case 5: return "(\(a) as \(types.randomElement(using: &random)!))"
    case 6: return "\(a)[\(b)]"
    case 7: return "[\(a), \(b)]"
    case 8: return "(not \(a))"
    default:
      let signature = FunctionSignature.all.randomElement(using: &random)!
      return signature.name + "(" + parts.prefix(signature.parameters.count).joined(separator: ", ") + ")"
    }
  }

  /// A call whose arguments have the right types, so that nearly all of them run.
  private static func typedCall(_ random: inout SplitMix) -> String {
    let signature = FunctionSignature.all.randomElement(using: &random)!
    func value(_ type: ValueType) -> String {
      let choices: [String] =
        switch type {
        case .string, .invalid: ["s", "''", "'a'", "'%s %j'", "text", "'2026'", "'a,b'", "tags[i] ?? ''"]
        case .int: ["i", "big", "least", "0", "-1", "3", "row.x as int", "100000"]
        case .decimal: ["d", "-d", "0.0", "1.5", "i", "big", "0.00000000000000000000000000000000000001"]
        case .float: ["f", "-f", "f * 10", "f * 10 - f * 10", "0", "1", "0.5", "1e-300"]
        case .duration: ["w", "0s", "1ns", "2562047h", "late - (at + 2562047h)"]
        case .instant: ["at", "late", "now()", "instant_at(0)"]
        case .bytes: ["s as bytes", "base64.decode('YQ')", "'' as bytes"]
        case .json: ["doc", "doc.tags", "doc.n", "json", "parse_json('[1]')"]
        case .list(.int): ["[1, 2]", "[]", "[big, big]", "range(1, 3)", "[0]", "[i, least]"]
        case .list(.decimal): ["[1.5]", "[d, d]", "[]"]
        case .list(.float): ["[f, f]", "[1e0]"]
        case .list(.duration): ["[w, w]", "[1s]"]
        case .list(.instant): ["[at, late]"]
        case .list: ["tags", "[]", "['a']", "doc.tags as list<string>", "reply as list<string>"]
        default: ["i"]
        }
      return choices.randomElement(using: &random)!
    }
    // A pattern is a literal.
    let isPattern = signature.function == .matches || signature.function == .extract
    return signature.name + "("
      + signature.parameters.enumerated().map { isPattern && $0.offset == 1 ? ["'(a|b)+$'", "'(q)|.'", "''", "'^(a+)+$'", "'\\\\K'", "'(?=b)'"].randomElement(using: &random)! : value($0.element.type) }
      .joined(separator: ", ") + ")"
  }

  private static func fill(_ bench: ExpressionBench, _ random: inout SplitMix) {
    let result = bench.result
    result.clear()
    func text(_ value: String) {
      var value = value
      value.withUTF8 { result.appendText(UnsafeRawBufferPointer($0)) }
    }
    switch Int.random(in: 0..<4, using: &random) {
    case 0: break
    case 1:
      result.columnNames = ["x"]
      (result.columnCount, result.rowCount) = (1, 1)
      text("12")
    case 2:
      result.appendArray(count: 2)
      text("a")
      result.appendNull()
    default:
      result.appendArray(count: 1)
      result.appendArray(count: 3)
      text("k")
      text("[1, {\"a\": null}]")
      result.appendArray(count: 0)
    }
    var body = "{\"a\": [1, 2.5, \"x\"]}"
    if Bool.random(using: &random) { body.withUTF8 { result.setBody(UnsafeRawBufferPointer($0)) } }
  }

  @Test func `30 000 random and damaged expressions have a value, a step error or findings`() {
    let bench = Self.bench
    var random = SplitMix(state: 20_261_120)
    var (values, errors, refused) = (0, 0, 0)
    let started = MonotonicClock.now
    for round in 0..<30_000 {
      var text =
        switch round % 3 {
        case 0: Self.typedCall(&random)
        case 1: Self.expression(&random, depth: 3)
        default: Self.expression(&random, depth: 2)
        }
      if round % 3 == 2 {
        var bytes = Array(text.utf8)
        for _ in 0..<Int.random(in: 1...3, using: &random) {
          let at = Int.random(in: 0...bytes.count, using: &random)
          switch Int.random(in: 0..<3, using: &random) {
          case 0 where at < bytes.count: bytes.remove(at: at)
          case 1 where at < bytes.count: bytes[at] = UInt8.random(in: 0...255, using: &random)
          default: bytes.insert(contentsOf: Self.signs.randomElement(using: &random)!.utf8, at: at)
          }
        }
        text = String(decoding: bytes, as: UTF8.self)
      }
      if round % 100 == 0 { Self.fill(bench, &random) }
      switch bench.evaluate(text) {
      case .value: values += 1
      case .failed(let error):
        errors += 1
        #expect(error.class == .value && !error.code.isEmpty, "\(text): \(error)")
      case .refused(let messages):
        refused += 1
        #expect(!messages.isEmpty, "\(text)")
      }
    }
    let milliseconds = (MonotonicClock.now - started) / 1_000_000
    print("30 000 expressions: \(values) values, \(errors) step errors, \(refused) with findings, \(milliseconds) ms")
    // All three must happen often, or the test shows nothing.
    #expect(values > 4000 && errors > 2000 && refused > 8000)
  }
}
