import ChainProgram
import Diagnostics
import Testing

@testable import ChainLanguage

@Suite struct ExpressionScalarTests {
  /// The pieces, literals in quotes and expressions as trees, then the findings by their marks.
  private func pieces(_ text: String) -> (pieces: [String], template: ScalarTemplate, marked: MarkedText, places: [String]) {
    let marked = MarkedText(text)
    var findings = Findings()
    let template = ScalarTemplate.parse(ExpressionText(marked.text, in: marked.file().file, at: 0), into: &findings)
    let shown = template.pieces.map { piece in
      switch piece {
      case .literal(let literal, _, _): "'\(literal)'"
      case .expression(let expression, _, _): outline(expression)
      }
    }
    return (shown, template, marked, findings.sorted.map { "\($0.name.rawValue) at \(marked.mark(at: $0.range.offsets))" })
  }

  @Test(
    arguments: [
      ("plain text", ["'plain text'"]), ("", []), ("$order_id", ["order_id"]), ("$customer.id", ["customer.id"]),
      ("$json.a[0].b", ["json.a[0:int].b"]), ("$headers[\"x\"]", ["headers[\"x\"]"]),
      ("${order_id}", ["order_id"]), ("${ a + 1 }", ["(a + 1:int)"]), ("a ${b} c", ["'a '", "b", "' c'"]), ("${a}${b}", ["a", "b"]),
      ("order:${id}:line:${i}", ["'order:'", "id", "':line:'", "i"]),
      ("$$", ["'$'"]), ("$${a}", ["'${a}'"]), ("cost: $5", ["'cost: $5'"]), ("$", ["'$'"]), ("a$", ["'a$'"]), ("$a b", ["'$a b'"]),
      ("$a/b", ["'$a/b'"]), ("$a+b", ["'$a+b'"]), ("$1", ["'$1'"]), ("$a.", ["'$a.'"]),
      ("$$a", ["'$a'"]), ("$$$a", ["'$$a'"]), ("$$${a}", ["'$'", "a"]), ("a } b", ["'a } b'"]), ("${'}'}", ["\"}\""]),
      ("${\"${\"}", ["\"${\""]), ("ä${a}ö", ["'ä'", "a", "'ö'"]),
    ] as [(String, [String])])
  func `a scalar's pieces`(text: String, expected: [String]) {
    let found = pieces(text)
    #expect(found.pieces == expected)
    #expect(found.places == [])
    let isText = expected.isEmpty || (expected.count == 1 && expected[0].hasPrefix("'"))
    #expect((found.template.literal != nil) == isText)
    #expect((found.template.whole != nil) == (expected.count == 1 && !isText))
  }

  @Test(
    arguments: [
      ("a «1»${«/1»b", ["bad-expression at 1"]), ("«1»${}«/1»", ["bad-expression at 1"]), ("${ «1»'«/1»a }", ["bad-expression at 1"]),
      ("${a «1»&&«/1» b} ${«2»@«/2»}", ["bad-expression at 1", "bad-expression at 2"]),
      ("${a «1»b«/1»} ${c}", ["bad-expression at 1"]), ("${«1»$a«/1»}", ["bad-expression at 1"]),
      ("x ${1 +«1»«/1»}", ["bad-expression at 1"]),
    ] as [(String, [String])])
  func `what is wrong inside a scalar is found at its place`(text: String, places: [String]) {
    #expect(pieces(text).places == places)
  }

  @Test func `pieces know their places in the file, through YAML's quotes`() {
    let composed = ComposedText(#"a: "«1»\u0041 «/1»«2»${«3»order_id«/3»}«/2»«4» \"x\"«/4»""#)
    guard let scalar = composed.root?["a"]?.scalar else {
      Issue.record("no scalar")
      return
    }
    var findings = Findings()
    let template = ScalarTemplate.parse(ExpressionText(scalar), into: &findings)
    let marks = template.pieces.flatMap { piece in
      switch piece {
      case .literal(_, _, let range): [composed.marked.mark(at: range.offsets)]
      case .expression(let expression, _, let range):
        [composed.marked.mark(at: range.offsets), composed.marked.mark(at: expression.range.offsets)]
      }
    }
    #expect(marks == ["1", "2", "3", "4"])
  }

  private func read<T>(_ text: String, _ reader: (ExpressionText, inout Findings) -> T?) -> (value: T?, messages: [String]) {
    let file = MarkedText(text).file().file
    var findings = Findings()
    let value = reader(ExpressionText(text, in: file, at: 0), &findings)
    return (value, findings.sorted.map { "\($0.name.rawValue): \($0.message); \($0.help ?? "")" })
  }

  @Test(
    arguments: [
      ("5s", 5_000_000_000, ""), ("1.5s", 1_500_000_000, ""), ("0s", 0, ""),
      ("5 sec", nil, "bad-literal: '5 sec' is not a duration; write '5s'"), ("5 minutes", nil, "write '5m'"),
      ("5", nil, "say the unit: '5ms' or '5s'"),
      ("0", nil, "write '0s'"), ("-5s", nil, "such as '500ms'"), ("soon", nil, "'ns' 'us' 'ms' 's' 'm' 'h'"), ("1d", nil, "write '24h'"),
      ("", nil, "is not a duration"), ("5s ", nil, "write '5s'"),
      ("99999999999999h", nil, "is not a duration"), ("200/s", nil, "is not a duration"),
    ] as [(String, Int64?, String)])
  func `durations`(text: String, nanoseconds: Int64?, phrase: String) {
    let found = read(text, LiteralReader.duration)
    #expect(found.value == nanoseconds)
    #expect(found.messages.count == (nanoseconds == nil ? 1 : 0))
    #expect(phrase.isEmpty || found.messages.contains { $0.contains(phrase) }, "\(found.messages)")
  }

  @Test(
    arguments: [
      ("200/s", 200, ""), ("12/min", 0.2, ""), ("0.5/s", 0.5, ""), ("200", nil, "say per what: '200/s'"), ("200 / s", nil, "write '200/s'"),
      ("200 per second", nil, "write '200/s'"), ("200rps", nil, "write '200/s'"), ("fast", nil, "such as '200/s'"),
    ] as [(String, Double?, String)])
  func `rates`(text: String, perSecond: Double?, phrase: String) {
    let found = read(text, LiteralReader.rate)
    #expect(found.value == perSecond)
    #expect(phrase.isEmpty || found.messages.contains { $0.contains(phrase) }, "\(found.messages)")
  }

  @Test func `sizes, percentages and whole numbers`() {
    #expect(read("16KiB", LiteralReader.size).value == 16_384)
    #expect(read("16 KB", LiteralReader.size).messages == ["bad-literal: '16 KB' is not a size; write '16KiB'"])
    #expect(read("0.1%", LiteralReader.percentage).value == 0.001)
    #expect(read("5 percent", LiteralReader.percentage).messages == ["bad-literal: '5 percent' is not a percentage; write '5%'"])
    func integer(_ text: String, _ range: ClosedRange<Int64>) -> (value: Int64?, messages: [String]) {
      read(text) { LiteralReader.integer($0, in: range, into: &$1) }
    }
    #expect(integer("12", 1...100).value == 12)
    #expect(integer("-9223372036854775808", Int64.min...Int64.max).value == Int64.min)
    #expect(integer("0", 1...100).messages == ["bad-literal: 0 is out of range: the number is from 1 to 100; "])
    #expect(integer("0", 1...Int64.max).messages == ["bad-literal: 0 is out of range: the number is 1 or more; "])
    #expect(integer("1.5", 1...100).messages.count == 1)
    #expect(integer("ten", 1...100).messages == ["bad-literal: 'ten' is not a whole number; write digits only, such as '10'"])
  }

  @Test(arguments: [
    ("12", "12", "int"), ("-3", "-3", "int"), ("0.1", "0.1", "decimal"), ("-0.50", "-0.50", "decimal"), ("true", "true", "bool"),
    ("null", "null", "null"), ("2s", "2s", "duration"), ("0.1%", "0.001", "percentage"), ("200/s", "200.0", "rate"),
    ("eu", "\"eu\"", "string"), ("010", "\"010\"", "string"), ("12:30", "\"12:30\"", "string"), ("no", "\"no\"", "string"),
    ("1e5", "100000.0", "float"), ("99999999999999999999", "\"99999999999999999999\"", "string"),
  ])
  func `a literal gives a variable its type`(text: String, value: String, type: String) {
    let found = LiteralReader.value(text)
    #expect(found.value.description == value)
    #expect(found.type.description == type)
  }
}
