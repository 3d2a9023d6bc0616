import ChainIO
import ChainProgram
import LosslessJSON
import Testing

@testable import ChainRuntime

/// The expression language from text to value.
@Suite struct ExpressionLanguageTests {
  private static var bench: ExpressionBench {
    var bench = ExpressionBench()
    bench.variable("i", .int, .int(1))
    bench.variable("big", .int, .int(.max))
    bench.variable("price", .decimal, .decimal(Decimal("12.10")!))
    bench.variable("ratio", .float, .float(0.5))
    bench.variable("name", .string, .string("b"))
    bench.variable("tags", .list(.string), .list([.string("a"), .string("b")]))
    bench.variable("doc", .json, .json(try! JSONDocument(parsing: #"{"tags": ["a", "b"], "n": [1, 2.50], "m": {"x": 1, "y": 2}, "size": 9, "z": null}"#).root))
    bench.variable("at", .instant, .instant(1_000_000_000))
    bench.variable("wait", .duration, .duration(1_500_000_000))
    bench.variable("none", .optional(.int), .null)
    bench.variable("token", .secret(.string), .string("s3cret"))
    bench.member("rows", .rows, .rows)
    bench.member("row", .row, .row)
    bench.member("reply", .untyped, .reply)
    return bench
  }

  /// Two rows of (id, name).
  private var withRows: ExpressionBench {
    let bench = Self.bench
    let result = bench.result
    result.clear()
    result.columnNames = ["id", "name"]
    result.columnCount = 2
    result.rowCount = 2
    for cell in ["10", "a", "20", "b"] { append(cell, result) }
    return bench
  }

  private func append(_ text: String, _ result: OperationResult) {
    var text = text
    text.withUTF8 { result.appendText(UnsafeRawBufferPointer($0)) }
  }

  @Test(arguments: [
    // in
    ("name in ['a', 'b']", "true"), ("name not in ['a', 'b']", "false"), ("name in tags", "true"), ("'z' in tags", "false"),
    ("i in [1, 2]", "true"), ("i in [1.0, 2.5]", "true"), ("price in [12, 12.1]", "true"), ("price in [1, 2]", "false"), ("i in []", "false"),
    ("none in [1]", "false"), ("none in [1, null]", "true"), ("name in doc.tags", "true"), ("'1' in doc.n", "false"), ("i in doc.n", "true"),
    ("2.5 in doc.n", "true"), ("1 in doc.m", "!not-list"), ("not (name in tags) or i > 0", "true"), ("i + 1 in [2]", "true"),
    ("name in ['a'] == false", "bad-expression: comparisons do not follow each other; write 'a < b and b < c'"),
    ("none in [3] and none + 1 > 0", "false"),
    // Lists
    ("[1, i, 2.5]", "[1, 1, 2.5]"), ("[1, 2][1] ?? 0", "2"), ("[i, 2].size", "2"), ("tags[i] ?? '-'", "\"b\""), ("tags[9] ?? '-'", "\"-\""),
    ("[[1], [2, 3]][1] ?? []", "[2, 3]"), ("[name, null]", "[\"b\", null]"), ("tags.size", "2"), ("[i, none].size", "2"),
    // JSON
    ("doc.tags[i]", "\"b\""), ("doc.tags[i] as string", "\"b\""), ("doc[name] as int?", "null"), ("doc['n'][1] as decimal", "2.50"),
    ("doc.size as int", "9"), ("size(doc)", "5"), ("doc.tags.size()", "2"), ("doc.z.size()", "!null"), ("keys(doc.m)", "[\"x\", \"y\"]"),
    ("(doc.tags as list<string>)[0] ?? ''", "\"a\""), ("doc.n as list<int>", "!not-int"), ("sum(doc.n as list<decimal>)", "3.50"),
    ("doc.m as list<int>", "!not-list"), ("(doc.m as map<int>).y ?? 0", "2"), ("(doc.m as map<int>)['q'] ?? 0", "0"),
    ("(doc.m as map<int>)[name] ?? 5", "5"), ("doc as map<int>", "!not-int"), ("doc.z as list<int>? ?? [7]", "[7]"),
    ("'[1,2]' as list<int>", "[1, 2]"), ("[1, 2] as list<string>", "[\"1\", \"2\"]"), ("join(doc.tags, '+')", "\"a+b\""),
    // Numbers
    ("1e3", "1000.0"), ("1.5e-3 * 2", "0.003"), ("2E+2 > 199.0", "true"), ("price * 3", "36.30"), ("0.1 + 0.2 == 0.3", "true"),
    ("big + 1", "!overflow"), ("-big - 2", "!overflow"), ("big * 2", "!overflow"), ("abs(-big - 1)", "!overflow"), ("i / 0", "!division-by-zero"),
    ("1 / 3.0", "0.33333333333333333"), ("9999999999999999999999999999999999999.0 * price * price", "!overflow"), ("min(i, price)", "1"),
    ("max(ratio, 1)", "1.0"), ("round(-2.5)", "-3"), ("round(2.4999)", "2"), ("floor(ratio)", "0"), ("ceil(-0.5)", "0"), ("round(1e300)", "!overflow"),
    ("round(price, 1)", "12.1"), ("round(0.00000000000000000000000000000000000005, 37)", "0.0000000000000000000000000000000000001"),
    // Time
    ("at + wait", "1970-01-01T00:00:02.5Z"), ("wait + at - at", "1500ms"), ("at - 1h < at", "true"), ("at - at", "0s"),
    ("wait / 500ms", "3"), ("wait / 0s", "!division-by-zero"), ("at.format('%Y-%j %H:%M:%S.%L')", "\"1970-001 00:00:01.000\""),
    ("instant_at(-0.5).format('%S %L %s')", "\"59 500 -1\""), ("parse_instant('1.1.70', '%d.%m.%Y')", "!not-instant"),
    ("parse_instant('31.02.2026', '%d.%m.%Y')", "!not-instant"), ("parse_instant('1700000000', '%s') - instant_at(1700000000)", "0s"),
    ("at.format('%q')", "!bad-pattern"), ("instant_at(-0.5).truncate(1s)", "1969-12-31T23:59:59Z"),
    // Text
    ("'a' + name", "\"ab\""), ("'aXbXc'.split('X').join('-')", "\"a-b-c\""), ("'abc'.substring(1, 9)", "\"bc\""), ("'abc'.substring(5, 1)", "\"\""),
    ("'abc'.substring(-1, 1)", "!negative"), ("'x'.repeat(16777217)", "!too-long"), ("'x'.pad_left(3, '')", "!not-one-character"),
    ("'aaa'.replace('a', '')", "\"\""), ("'a'.replace('', 'b')", "!empty-text"), ("'order-7'.matches('^order-[0-9]+$')", "true"),
    ("'7'.extract('x')", "null"), ("'a=1;b=2'.extract('b=([0-9])') ?? ''", "\"2\""), ("'äö'.matches('^..$')", "true"),
    // Bytes
    ("base64.decode('YQ') as string", "\"a\""), ("base64.decode('Y')", "!not-base64"), ("base64.decode('_-8=').size()", "2"), ("hex.decode('0g')", "!not-hex"),
    ("url.decode('%zz')", "!not-url-encoded"), ("base64.encode('')", "\"\""), ("sha256('')", "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\""),
    ("base64.encode(base64.decode('AAEC/w=='))", "\"AAEC/w==\""), ("to_json(doc.m)", "\"{\"x\": 1, \"y\": 2}\""), ("parse_json('{')", "!not-json"),
    // Lists, errors
    ("first(tags) ?? ''", "\"a\""), ("first([]) ?? ''", "\"\""), ("sum([])", "0"), ("sum([1s, 2s])", "3s"), ("max(tags)", nil), ("range(1, 9000000)", "!too-long"),
    ("range(3, 1)", "[]"), ("tags.contains(name)", "true"), ("[1.0, 1, 2].unique()", "[1.0, 2]"), ("max([price, 3]) ?? 0", "12.10"),
    // Random
    ("random.choice([])", "!empty-list"), ("random.weighted(['a', 'b'], [0, 1])", "\"b\""), ("random.weighted(['a'], [0])", "!bad-weights"),
    ("random.zipf(0, 1)", "!empty-range"), ("random.bool(2)", "!bad-chance"), ("random.string(3, '')", "!empty-text"), ("random.digits(-1)", "!negative"),
    ("random.zipf(1, 3)", "1"), ("random.choice([i])", "1"), ("random.sentence(0)", "!bad-count"),
  ] as [(String, String?)])
  func `an expression gives its value or its step error`(text: String, expected: String?) {
    let found = Self.bench(text)
    if let expected { #expect(found == expected) } else { #expect(found.contains("type-mismatch")) }
  }

  @Test(arguments: [
    ("rows[i].name as string", "\"b\""), ("rows[i - 1].id as int", "10"), ("rows[i + 1].id", "!no-row"), ("rows[i - 2].id", "!no-element"), ("rows.size", "2"),
    ("row.name in ['a']", "true"), ("[row.id, row.name]", "[\"10\", \"a\"]"), ("rows[i].id as int + 1", "21"), ("[row.id, 3]", "[10, 3]"),
  ])
  func `a row is chosen by a number that is computed`(text: String, expected: String) {
    #expect(withRows(text) == expected)
  }

  @Test func `a reply is counted, searched and made a list`() {
    let bench = Self.bench
    bench.result.clear()
    bench.result.appendArray(count: 3)
    append("7", bench.result)
    bench.result.appendInteger(8)
    append("x", bench.result)
    #expect(bench("reply.size") == "3" && bench("'x' in reply") == "true" && bench("reply[i] as int") == "8" && bench("reply[i + 1] as string") == "\"x\"")
    #expect(bench("reply as list<string>") == "[\"7\", \"8\", \"x\"]" && bench("reply as list<int>") == "!not-int" && bench("7 in reply") == "!not-int")
    #expect(bench("reply.first() ?? ''") == "\"7\"")
  }

  @Test func `messages are read by key, text, JSON and headers`() {
    var bench = Self.bench
    bench.member("messages", .messages, .messages)
    let result = bench.result
    result.clear()
    result.appendArray(count: 2)
    for (key, text, header) in [("k1", #"{"x": 5}"#, "h1"), ("k2", "plain", "h2")] {
      result.appendArray(count: 3)
      append(key, result)
      append(text, result)
      result.appendArray(count: 2)
      for (name, value) in [("a", "-"), ("x-n", header)] {
        result.appendArray(count: 2)
        append(name, result)
        append(value, result)
      }
    }
    #expect(bench("messages.size") == "2" && bench("messages[0].json.x as int") == "5" && bench("messages[i].text") == "\"plain\"")
    #expect(bench("messages[i].headers['x-n'] as string") == "\"h2\"" && bench("messages[0].headers.nope") == "null" && bench("messages[1].key") == "\"k2\"")
    #expect(bench("messages[1].json.x") == "!not-json" && bench("messages[2].key") == "!no-message" && bench("messages[i - 1].json.x as int + 1") == "6")
    #expect(bench("messages[0].headers[name]") == "null" && bench("messages[0].nope").contains("unknown-name"))
    result.clear()
    result.appendArray(count: 0)
    #expect(bench("messages.size") == "0" && bench("messages[0].key") == "!no-message")
  }

  @Test func `a pattern that cannot end in time is a step error, and a bad one is a finding`() {
    var bench = Self.bench
    bench.variable("long", .string, .string(String(repeating: "a", count: 40) + "!"))
    #expect(bench("long.matches('^(a+)+$')") == "!match-limit")
    #expect(bench("name.matches('(')").contains("bad-literal: this is no regular expression: missing closing parenthesis"))
    #expect(bench("name.matches(name)").contains("a pattern is a literal text"))
    #expect(bench("'a.c'.matches('^a\\\\.c$')") == "true" && bench("''.matches('')") == "true")
  }

  @Test func `a secret stays one in lists and through functions`() {
    #expect(kind("[token, 'x']") == "secret<list<string>>" && kind("token.split(',')") == "secret<list<string>>")
    #expect(kind("sha256(token)") == "secret<string>" && kind("token in ['a']") == "bool")
    #expect(kind("first([token])") == "secret<string>?")
  }

  @Test func `no condition survives a list whose elements may be null`() {
    #expect(Self.bench("none in [1, null] and none > 0").contains("nullable-use"))
    #expect(kind("none in [1, 2] and none > 0") == "bool")
  }

  @Test(arguments: [
    ("[1, 'a']", "the elements before it are int"), ("[null]", "a list of nulls has no type"), ("[rows]", "cannot be an element"), ("1 in 'abc'", "contains(text, part)"),
    ("'a' in [1]", "the list's elements are int"), ("abs('x')", "'abs' does not take (string)"), ("min(1, 2, 3)", "2 or 1 arguments"), ("i.x", "no member"),
    ("length(1)", "'length' takes a string"), ("join([1], ',')", "'join' takes a list<string>"), ("at + at", "does not take instant and instant"),
    ("random.choice(1)", "does not take (int)"), ("sum(['a'])", "does not take (list<string>)"), ("tags.sise", "write 'tags.size'"), ("i as list<int>", "cannot become a list<int>"),
    ("ratio in [price]", "the list's elements are decimal"), ("[" + String(repeating: "1, ", count: 1000) + "1]", "at most 1000 elements"),
  ])
  func `what does not fit is a finding`(text: String, phrase: String) {
    #expect(Self.bench(text).contains(phrase), "\(Self.bench(text))")
  }

  private func kind(_ text: String) -> String {
    switch Self.bench.evaluate(text) {
    case .value(_, let type): "\(type)"
    case .failed(let error): "!" + error.code
    case .refused(let messages): messages.joined()
    }
  }
}
