import LosslessJSON
import Testing

@Suite struct JSONDocumentTests {
  private func parse(_ text: String) throws -> JSONValue {
    try JSONDocument(parsing: text).root
  }

  private func reason(_ bytes: [UInt8], maximumBytes: Int = 1 << 20) -> JSONParseError.Reason? {
    do {
      _ = try JSONDocument(parsing: bytes, maximumBytes: maximumBytes)
      return nil
    } catch {
      return error.reason
    }
  }

  private func reason(_ text: String) -> JSONParseError.Reason? { reason(Array(text.utf8)) }

  @Test(arguments: [
    "9007199254740993", "12.10", "-0", "0.1000000000000000055511151231257827", "1e400", "-1.50E+02", "123456789012345678901234567890", "0",
  ])
  func `a number keeps its text`(_ number: String) throws {
    #expect(try parse(number).numberText == number)
    #expect(try parse("{\"n\": \(number) }")["n"]?.numberText == number)
    #expect(try parse("[\(number)]")[0]?.serialized == number)
  }

  @Test func `an integer is exact or nothing`() throws {
    #expect(try parse("9007199254740993").integer() == Int64(9_007_199_254_740_993))
    #expect(try parse("9223372036854775807").integer() == Int64.max)
    #expect(try parse("-9223372036854775808").integer() == Int64.min)
    #expect(try parse("18446744073709551615").integer() == UInt64.max)
    #expect(try parse("18446744073709551616").integer(as: UInt64.self) == nil)
    #expect(try parse("9223372036854775808").integer(as: Int64.self) == nil)
    #expect(try parse("-1").integer(as: UInt64.self) == nil)
    #expect(try parse("1.0").integer(as: Int64.self) == nil)
    #expect(try parse("1e3").integer(as: Int64.self) == nil)
    #expect(try parse("\"1\"").integer(as: Int64.self) == nil)
    #expect(try parse("12.10").double == 12.1)
  }

  @Test func `members and elements are found and iterated in order`() throws {
    let root = try parse(#"{"order_id": 7, "lines": [1, [2, 3], {"x": null}], "ok": true, "no": false, "text": "a"}"#)
    #expect(root.kind == .object && root.count == 5)
    #expect(root["order_id"]?.numberText == "7")
    #expect(root["lines"]?.count == 3)
    #expect(root["lines"]?[1]?[1]?.numberText == "3")
    #expect(root["lines"]?[2]?["x"]?.isNull == true)
    #expect(root["lines"]?[3] == nil && root["lines"]?[-1] == nil)
    #expect(root["ok"]?.bool == true && root["no"]?.bool == false)
    #expect(root["absent"] == nil && root["text"]?["x"] == nil && root["order"] == nil)
    #expect(root.members.map(\.key) == ["order_id", "lines", "ok", "no", "text"])
    #expect(root["lines"]?.elements.map(\.kind) == [.number, .array, .object])
    #expect(root["lines"]?.serialized == #"[1, [2, 3], {"x": null}]"#)
  }

  @Test func `the last of a repeated key counts`() throws {
    #expect(try parse(#"{"a": 1, "a": 2}"#)["a"]?.numberText == "2")
  }

  @Test(arguments: [
    (#""""#, ""), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"), (#""\u00e9\u20AC""#, "é€"), (#""a\ud83d\ude00b""#, "a😀b"),
    (#""\u0000""#, "\u{0}"), (#""😀 direct""#, "😀 direct"), (#""\\u0041""#, "\\u0041"),
  ])
  func `escapes and surrogate pairs become their characters`(_ json: String, _ text: String) throws {
    #expect(try parse(json).string == text)
    #expect(try parse("{\(json): \(json)}").members.map(\.key) == [text])
    #expect(try parse(parse(json).serialized).string == text)
    #expect(try parse(json).withUTF8 { Array($0) } == Array(text.utf8))
  }

  @Test(arguments: [
    "", " \n", "{", "[", "}", "]", "[1,]", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{1:2}", "{\"a\" 1}",
    "{\"a\":1 \"b\":2}",
    "[1}", "{\"a\":1]", "tru", "truex", "nul", "True", "NaN", "Infinity", "01", "-", "+1", ".5", "5.", "1e", "1e+", "0x1", "1_0", "-01",
    "\"", "\"a", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\ud800\\ud800\"",
    "\"a\nb\"", "\"a\u{1}\"", "1 2", "{} {}", "[] ,", "12\"a\"", "\"a\"12", "true\"a\"", "[1]]", ":", ",", "[:]", "{\"a\"::1}", "[\"a\":1]",
    "'a'", "// c\n1", "\u{feff}1",
  ])
  func `what is not JSON is refused`(_ text: String) {
    #expect(reason(text) != nil, "'\(text)' was accepted")
  }

  @Test func `an error tells its kind and its place, and quotes nothing`() throws {
    #expect(reason("") == .empty)
    #expect(reason("[1") == .unexpected)
    #expect(reason("[1] 2") == .trailingContent)
    #expect(reason("[tru]") == .badLiteral)
    #expect(reason("[01]") == .badNumber)
    #expect(reason(#"["\x"]"#) == .badString)
    #expect(reason(#"["abc]"#) == .unclosedString)
    #expect(reason(Array("[1234]".utf8), maximumBytes: 5) == .tooLarge)
    #expect(reason(Array("[1234]".utf8), maximumBytes: 6) == nil)
    let error = #expect(throws: JSONParseError.self) { try JSONDocument(parsing: #"{"password": hunter2}"#) }
    #expect(error?.byteOffset == 13)
    #expect(error?.description.contains("hunter2") == false)
  }

  @Test(arguments: [[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]] as [[UInt8]])
  func `broken UTF-8 is refused`(_ broken: [UInt8]) {
    #expect(reason([0x22] + broken + [0x22]) == .brokenUTF8)
    #expect(reason(Array("{\"a\": \"".utf8) + broken + Array("\"}".utf8)) == .brokenUTF8)
  }

  @Test func `64 open containers are allowed and a deeper text costs nothing`() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
      let fits = String(repeating: open, count: 64) + "1" + String(repeating: close, count: 64)
      #expect(reason(fits) == nil)
      #expect(reason(String(repeating: open, count: 65) + "1" + String(repeating: close, count: 65)) == .tooDeep)
      #expect(reason(String(repeating: open, count: 100_000)) == .tooDeep)
    }
  }

  private static let sample =
    #"{"id": 9007199254740993, "amount": 12.10, "name": "Zoë \ud83d\ude00 \"x\" \\", "tags": ["a", true, null, -1.5e3], "o": {"k": {}, "e": []}}"#

  @Test func `a text cut at any byte is refused`() {
    let bytes = Array(Self.sample.utf8)
    #expect(reason(bytes) == nil)
    for end in 0..<bytes.count {
      #expect(reason(Array(bytes[..<end])) != nil, "cut at \(end)")
    }
  }

  @Test func `mutated bytes are refused, or read back as what they were written from`() throws {
    let seed: UInt64 = 20_260_730
    var random = SplitMix(state: seed)
    let original = Array(Self.sample.utf8)
    var accepted = 0
    for round in 0..<20_000 {
      var bytes = original
      for _ in 0...Int(random.next() % 3) {
        let at = Int(random.next() % UInt64(bytes.count))
        switch random.next() % 4 {
        case 0: bytes[at] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes.remove(at: at)
        case 2: bytes.insert(Array(#"{}[]",:\u0e-1 "#.utf8)[Int(random.next() % 14)], at: at)
        default: bytes.swapAt(at, Int(random.next() % UInt64(bytes.count)))
        }
      }
      guard let document = try? JSONDocument(parsing: bytes) else { continue }
      accepted += 1
      var writer = JSONWriter()
      writer.value(document.root)
      let again = try JSONDocument(parsing: writer.bytes)
      #expect(again.root == document.root, "seed \(seed), round \(round)")
      #expect(try JSONDocument(parsing: document.root.serialized).root == document.root, "seed \(seed), round \(round)")
    }
    #expect(accepted > 1_000, "the mutations are too wild to test anything")
  }

  @Test func `values are equal by content, whatever the order of members`() throws {
    #expect(try parse(#"{"a": 1, "b": [1, "x"]}"#) == parse(#"{"b":[1,"x"],"a":1}"#))
    #expect(try parse(#"{"a": 1, "b": [1, "x"]}"#).hashValue == parse(#"{"b":[1,"x"],"a":1}"#).hashValue)
    #expect(try parse(#"{"a": 1}"#) != parse(#"{"a": 2}"#))
    #expect(try parse(#"{"a": 1, "a": 1}"#) != parse(#"{"a": 1, "b": 2}"#))
    #expect(try parse("1") != parse("1.0"))
    #expect(try parse("\"a\"") == parse(#""\u0061""#))
  }

  @Test func `a large text is parsed like a small one`() throws {
    var writer = JSONWriter()
    writer.beginArray()
    for index in 0..<200_000 { writer.integer(index) }
    writer.endArray()
    let root = try JSONDocument(parsing: writer.bytes).root
    #expect(root.count == 200_000)
    #expect(root[199_999]?.integer() == 199_999)
    #expect(try parse("[1]")[0]?.integer() == 1)
  }

  @Test func `several threads parse at once`() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for worker in 0..<8 {
        group.addTask {
          for round in 0..<500 {
            let root = try JSONDocument(parsing: #"{"worker": \#(worker), "round": \#(round), "t": "\n\#(worker)"}"#).root
            #expect(root["worker"]?.integer() == worker && root["round"]?.integer() == round && root["t"]?.string == "\n\(worker)")
          }
        }
      }
      try await group.waitForAll()
    }
  }
}

/// A small generator with a seed that a failing test can print.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

@Suite struct JSONUnsignedTests {
  @Test(arguments: [
    ("[]", []), ("[0,1,18446744073709551,9223372036854775807]", [0, 1, 18_446_744_073_709_551, 9_223_372_036_854_775_807]),
    ("[ 5 , 6 ]", [5, 6]), ("[1,-2,3]", [1]), ("[1,2.5]", [1]), ("[1,2e3]", [1]), ("[1,\"2\"]", [1]), ("[1,[2],3]", [1]), ("{\"a\":1}", []), ("7", []),
    ("[1,99999999999999999999]", [1]),
  ]) func `whole numbers of an array are told one by one, up to what is none`(text: String, expected: [UInt64]) throws {
    var text = text
    let document = try text.withUTF8 { try JSONDocument(parsing: UnsafeRawBufferPointer($0)) }
    var found: [UInt64] = []
    document.root.forEachUnsigned {
      found.append($0)
      return true
    }
    #expect(found == expected)
  }
}

@Suite struct JSONScanTests {
  private func scan(_ name: String, _ text: String) -> String? {
    var (name, text) = (name, text)
    return name.withUTF8 { name in
      text.withUTF8 { bytes in
        JSONScan.plainMember(name, in: UnsafeRawBufferPointer(bytes)).map { String(decoding: $0, as: UTF8.self) }
      }
    }
  }

  @Test func `a number or string of a plain object is found without a parse`() {
    #expect(scan("amount", "{\"id\": 7, \"amount\": 12.10}") == "12.10")
    #expect(scan("amount", " {\"amount\":\"12.10\" , \"deep\": [{\"amount\": 1}, [], {}, true, false, null, -1.5E+3]} ") == "12.10")
    #expect(scan("a", "{\"a\": 1, \"a\": 2}") == "2")
    #expect(scan("a", "{\"a\": \"\"}") == "")
  }

  @Test(arguments: [
    "{\"a\": {}}", "{\"a\": [1]}", "{\"a\": true}", "{\"a\": null}", "{\"b\": 1}", "{\"b\": {\"a\": 1}}", "[{\"a\": 1}]", "", " ", "{", "{\"a\"", "{\"a\": 1", "{\"a\": 1}x",
    "{\"a\": 1,}", "{\"a\": 01}", "{\"a\": 1.}", "{\"a\": 1e}", "{\"a\": -}", "{\"a\": tru}", "{a: 1}", "{\"a\": 1 \"b\": 2}", "{\"a\": 1}}", "{\"a\": \"\u{e9}\"}", "{\"a\": \"\\n\"}",
    "{\"a\": 1, \"b\": \"\\u0061\"}", "{\"a\": \"\t\"}", "{\"a\":: 1}", "{\"a\": 1, \"a\": []}",
  ])
  func `what it cannot tell is left to the parser`(_ text: String) { #expect(scan("a", text) == nil) }

  @Test func `what it reads of mutated texts is what the parser reads`() throws {
    let seeds = [
      "{\"a\": 12.10, \"b\": [1, {\"a\": \"x\"}, \"]\"], \"c\": {\"a\": -3}}", "{\"x\":\"a\",\"a\":\"b\",\"a\":1e5}", " { \"b\" : { } , \"a\" : \"t 1\" } ",
      "{\"a\":[{\"a\":1}],\"b\":true,\"a\":0}",
    ]
    var random = SystemRandomNumberGenerator()
    var found = 0
    for _ in 0..<40_000 {
      var bytes = Array(seeds[Int.random(in: 0..<seeds.count, using: &random)].utf8)
      for _ in 0..<Int.random(in: 0...3, using: &random) {
        let at = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[at] = Array("{}[],:\"\\ 0189.eE+-tfna\u{e9}".utf8).randomElement(using: &random)!
        case 1: bytes.insert(bytes.randomElement(using: &random)!, at: at)
        default: bytes.remove(at: at)
        }
      }
      let member = bytes.withUnsafeBytes { text in
        [UInt8(ascii: "a")].withUnsafeBufferPointer { JSONScan.plainMember($0, in: text).map { Array($0) } }
      }
      guard let member else { continue }
      found += 1
      let value = try #require(try JSONDocument(parsing: bytes).root["a"])
      #expect(value.withUTF8 { Array($0) } == member)
    }
    #expect(found > 10_000)
  }

  @Test func `a text that is long or too deep is left to the parser`() {
    #expect(scan("a", "{\"a\": 1, \"b\": \"" + String(repeating: "x", count: 600) + "\"}") == nil)
    #expect(scan("a", "{\"a\": 1, \"b\": " + String(repeating: "[", count: 63) + String(repeating: "]", count: 63) + "}") == "1")
    #expect(scan("a", "{\"a\": 1, \"b\": " + String(repeating: "[", count: 64) + String(repeating: "]", count: 64) + "}") == nil)
  }
}
