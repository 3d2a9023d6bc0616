import ChainProgram
import Diagnostics
import Testing

@testable import ChainLanguage

@Suite struct ExpressionParserTests {
  @Test(arguments: [
    ("1 + 2 * 3", "(1:int + (2:int * 3:int))"),
    ("1 - 2 - 3", "((1:int - 2:int) - 3:int)"),
    ("8 / 4 mod 3", "((8:int / 4:int) mod 3:int)"),
    ("a % b", "(a mod b)"),
    ("-a * b", "((- a) * b)"),
    ("- - a", "(- (- a))"),
    ("-x as int", "(- (x as int))"),
    ("a + row.x as int", "(a + (row.x as int))"),
    ("row.x as int * 2", "((row.x as int) * 2:int)"),
    ("x as int as string", "((x as int) as string)"),
    ("x as int? ?? 1", "((x as int?) ?? 1:int)"),
    ("a ?? b ?? c", "(a ?? (b ?? c))"),
    ("total ?? 0 > 5", "((total ?? 0:int) > 5:int)"),
    ("a ?? b + 1", "(a ?? (b + 1:int))"),
    ("a == b and c or d", "(((a == b) and c) or d)"),
    ("a or b and c", "(a or (b and c))"),
    ("not a == b", "(not (a == b))"),
    ("not a and b", "((not a) and b)"),
    ("not not a", "(not (not a))"),
    ("a and not b", "(a and (not b))"),
    ("if a then b else c or d", "(if a then b else (c or d))"),
    ("if a then 1 else if b then 2 else 3", "(if a then 1:int else (if b then 2:int else 3:int))"),
    ("1 + (if a then 1 else 2)", "(1:int + (if a then 1:int else 2:int))"),
    ("(a or b) and c", "((a or b) and c)"),
    ("json.a.b[0].c", "json.a.b[0:int].c"),
    ("headers[\"x-a\"]", "headers[\"x-a\"]"),
    ("random.decimal(1, 500)", "random.decimal(1:int, 500:int)"),
    ("key.after(\"order:\") as int", "(key.after(\"order:\") as int)"),
    ("now()", "now()"),
    ("json.if.then.as", "json.if.then.as"),
    ("rate(errors) < 0.1%", "(rate(errors) < 0.001:percentage)"),
    ("p99(step.insert_order) < 20ms", "(p99(step.insert_order) < 20ms:duration)"),
    ("a<b", "(a < b)"), ("a-1", "(a - 1:int)"), ("a\n  + b", "(a + b)"),
    ("row.a!=null", "(row.a != null)"),
  ])
  func `operators bind as the grammar says`(text: String, tree: String) {
    let checked = CheckedExpression(text)
    #expect(outline(checked.expression) == tree)
  }

  @Test(arguments: [
    ("0", "0:int"), ("9223372036854775807", "9223372036854775807:int"), ("-9223372036854775808", "-9223372036854775808:int"),
    ("1.5", "1.5:decimal"), ("12.10", "12.10:decimal"), ("0.000000000000000000000000000001", "0.000000000000000000000000000001:decimal"),
    ("'a'", "\"a\""), ("\"it's\"", "\"it's\""), ("'it\\'s'", "\"it's\""), ("'\\n\\t\\\\\\u{1F600}'", "\"\n\t\\😀\""), ("''", "\"\""),
    ("true", "true"), ("false", "false"), ("null", "null"),
    ("500ms", "500ms:duration"), ("2s", "2s:duration"), ("5m", "5m:duration"), ("1h", "1h:duration"), ("1.5s", "1500ms:duration"),
    ("10us", "10us:duration"), ("3ns", "3ns:duration"), ("90s", "90s:duration"), ("0s", "0s:duration"),
    ("200/s", "200.0:rate"), ("12/min", "0.2:rate"), ("1.5/s", "1.5:rate"), ("3600/h", "1.0:rate"),
    ("16KiB", "16384:size"), ("1B", "1:size"), ("2MiB", "2097152:size"), ("0.5KiB", "512:size"),
    ("0.1%", "0.001:percentage"), ("100%", "1.0:percentage"),
  ])
  func `every literal form has its type and value`(text: String, tree: String) {
    let checked = CheckedExpression(text)
    #expect(checked.places == [])
    #expect(outline(checked.expression) == tree)
  }

  @Test(arguments: [
    ("flag «1»&&«/1» flag", "write 'a and b'"), ("flag «1»||«/1» flag", "write 'a or b'"), ("«1»!«/1»flag", "write 'not x'"),
    ("order_id «1»=«/1» 1", "'==' here"), ("order_id «1»===«/1» 1", "'==' here"), ("order_id «1»<>«/1» 1", "'!=' here"),
    ("flag «1»?«/1» 1 : 2", "if c then a else b"), ("«1»$order_id«/1» == 1", "names stand without '$' here"),
    ("«1»${«/1»order_id} == 1", "without '${…}'"),
    ("1 < order_id «1»<«/1» 3", "'a < b and b < c'"), ("flag «1»AND«/1» flag", "in lower case"),
    ("(1 + 2«1»«/1»", "')' is missing before the end"),
    ("1 +«1»«/1»", "a value is missing here"), ("«1»«/1»", "a value is missing here"), ("1 «1»2«/1»", "does not go on"),
    ("«1»'«/1»abc", "this text is never closed"), ("'a«1»\\d«/1»'", "is not an escape"), ("«1»@«/1»", "means nothing"),
    ("“«x»a”«/x»", "straight quotes"),
    ("row.a as «1»integer«/1»", "write 'int'"), ("row.a as «1»foo«/1»", "types are"), ("row.a as list«1»«/1»", "list<string>"),
    ("row.a as«1»«/1»", "a type is missing"), ("if flag then 1«1»«/1»", "'else' is missing"),
    ("if flag «1»else«/1» 1", "'then' is missing"),
    ("1 + «1»if«/1» flag then 1 else 2", "parentheses"), ("flag == «1»not«/1» flag", "parentheses"), ("json.«1»1«/1»", "a name is missing"),
    ("5%«1»2«/1»", "'mod'"), ("«1».«/1»5", "'0.5'"), ("[1«1»«/1»", "']' is missing"), ("[1, «1»]«/1»", "a value is missing"),
    ("status in [1] «1»in«/1» [true]", "do not follow each other"), ("row.a as list<«1»list«/1»<int>>", "type of the elements"),
    ("order_id«1»;«/1»", "one expression"), ("1«1»(«/1»2)", "no function's name"), ("«1»ü«/1»", "the letters a to z"),
  ])
  func `what other languages write is found with our spelling`(text: String, phrase: String) {
    let checked = CheckedExpression(text)
    let first = checked.findings.sorted.first
    #expect(first != nil)
    let marks = checked.marked.ranges.keys.contains("1")
    if marks, let first { #expect(checked.marked.mark(at: first.range.offsets) == "1") }
    #expect(checked.messages.contains { $0.contains(phrase) }, "\(checked.messages)")
  }

  @Test(arguments: [
    ("«1»5sec«/1»", "write '5s'"), ("«1»1_000«/1»", "write '1000'"), ("«1»1e999«/1»", "1.8e308"), ("«1»1e«/1»", "an exponent has digits"), ("«1»007«/1»", "write '7'"),
    ("«1»9223372036854775808«/1»", "ends at 9223372036854775807"), ("«1»99999999999999999999«/1»", "ends at"),
    ("«1»16KB«/1»", "write '16KiB'"), ("«1»2d«/1»", "write '48h'"),
    ("«1»0x1F«/1»", "not a unit"), ("«1»1.5ns«/1»", "whole number of nanoseconds"), ("«1»9999999999999h«/1»", "292 years"),
    ("«1»0.1234567890123456789012345678901234567890«/1»", "38 digits"),
  ])
  func `a number that is none says what to write`(text: String, phrase: String) {
    let checked = CheckedExpression(text)
    #expect(checked.places == ["bad-literal at 1"])
    #expect(checked.messages.contains { $0.contains(phrase) }, "\(checked.messages)")
  }

  @Test func `depth and length are limited and everything below the limit is read`() {
    func outcome(_ text: String) -> [String] { CheckedExpression(text).findings.sorted.map(\.name.rawValue) }
    #expect(outcome(String(repeating: "(", count: 60) + "1" + String(repeating: ")", count: 60)) == [])
    for opened in ["(", "-", "not ", "json[", "lower(", "1 + (", "if flag then 1 else ", "a ?? "] {
      #expect(outcome(String(repeating: opened, count: 5_000).prefix(16_000) + "1").contains("limit-exceeded"), "\(opened)")
    }
    #expect(outcome(Array(repeating: "1", count: 60).joined(separator: " + ")) == [])
    #expect(outcome(Array(repeating: "1", count: 3_000).joined(separator: "+")) == ["limit-exceeded"])
    #expect(outcome(String(repeating: "json.a", count: 1) + String(repeating: ".a", count: 3_000)) == ["limit-exceeded"])
    #expect(outcome(String(repeating: " ", count: 17_000) + "1") == ["limit-exceeded"])
    #expect(outcome("'" + String(repeating: "x", count: 17_000) + "'").count == 1)
  }

  @Test func `every node lies in the file where it was written, through quotes and escapes`() {
    let composed = ComposedText(#"a: "«1»«2»order_id«/2» == '«3»\u00e4«/3»'«/1»""#)
    guard let scalar = composed.root?["a"]?.scalar else {
      Issue.record("no scalar")
      return
    }
    var findings = Findings()
    let expression = Expression.parse(ExpressionText(scalar), into: &findings)
    #expect(findings.isEmpty)
    #expect(composed.marked.mark(at: expression.range.offsets) == "1")
    guard case .binary(_, let left, _, _) = expression.kind else {
      Issue.record("not a comparison")
      return
    }
    #expect(composed.marked.mark(at: left.range.offsets) == "2")
  }

  @Test func `mutated expressions never trap or hang, and a tree without findings always gets a type`() {
    let seeds = [
      "rows.size == 1 and row.amount == amount", "key.after(\"order:\") as int", "if customer.tier == \"gold\" then amount * 2 else 0.5",
      "random.decimal(1, 500)", "limit ?? 3 > 5 or not flag", "headers[\"content-type\"] == 'a' and status < 300",
      "-(order_id mod 7) * 2s / 3",
      "json.items[order_id].price as decimal? ?? 1.50", "limit != null and limit > 2", "'a' + region + \"\\u{41}\"",
      "0.1% 200/s 16KiB 12/min", "$a ${b} && ||",
    ]
    let pieces = [
      "(", ")", "[", "]", ".", ",", "'", "\"", "\\", "$", "${", "}", "%", "?", "??", "as", " as int?", "null", "not ", "-", "==", "<",
      "if ", " then ", " else ",
      "9", "0", "1.5", "ms", "\u{E9}", "\u{1F600}", "\n", "and", "\u{0}", "//", "json", "row", "rows[", "limit",
    ]
    var random = SeededGenerator(seed: 20_261_120)
    var read = 0
    for _ in 0..<10_000 {
      var scalars = Array(seeds[Int.random(in: 0..<seeds.count, using: &random)].unicodeScalars)
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0...scalars.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: if place < scalars.count { scalars.remove(at: place) }
        case 1: scalars.insert(contentsOf: pieces[Int.random(in: 0..<pieces.count, using: &random)].unicodeScalars, at: place)
        case 2: scalars.removeSubrange(place..<min(scalars.count, place + Int.random(in: 0...6, using: &random)))
        default:
          let part = scalars[place..<min(scalars.count, place + Int.random(in: 0...9, using: &random))]
          scalars.insert(contentsOf: Array(part), at: Int.random(in: 0...scalars.count, using: &random))
        }
      }
      var text = ""
      text.unicodeScalars.append(contentsOf: scalars)
      let checked = CheckedExpression(text)
      if checked.findings.isEmpty {
        read += 1
        #expect(!checked.typed.isInvalid, "\(text)")
        _ = checked.listing()
      } else {
        #expect(checked.typed.isInvalid || checked.findings.hasErrors, "\(text)")
      }
      var findings = Findings()
      _ = ScalarTemplate.parse(ExpressionText(text, in: checked.files[FileIndex(0)], at: 0), into: &findings)
    }
    #expect(read > 500)
  }
}
