import Testing

@testable import ChainProgram

@Suite struct ValueTextTests {
  private func text(_ value: Value) -> String? {
    var buffer: [UInt8] = []
    return value.appendText(to: &buffer) ? String(decoding: buffer, as: UTF8.self) : nil
  }

  private func json(_ value: Value) -> String {
    var buffer: [UInt8] = []
    value.appendJSON(to: &buffer)
    return String(decoding: buffer, as: UTF8.self)
  }

  @Test(
    arguments: [
      (Value.int(0), "0"), (.int(.min), "-9223372036854775808"), (.int(.max), "9223372036854775807"), (.int(-7), "-7"),
      (.bool(true), "true"), (.string("ä"), "ä"), (.string(""), ""), (.float(1.5), "1.5"), (.float(0.1), "0.1"),
      (.decimal(Decimal("12.10")!), "12.10"), (.duration(0), "0s"), (.duration(1_500_000_000), "1500ms"), (.duration(2_000_000_000), "2s"),
      (.duration(3_600_000_000_000), "1h"), (.duration(90_000_000_000), "90s"), (.duration(250_000), "250us"), (.duration(7), "7ns"),
      (.duration(-5_000_000), "-5ms"),
      (.instant(0), "1970-01-01T00:00:00Z"), (.instant(1_763_623_980_250_000_000), "2025-11-20T07:33:00.25Z"),
      (.instant(-1), "1969-12-31T23:59:59.999999999Z"), (.instant(951_782_400_000_000_000), "2000-02-29T00:00:00Z"),
      (.instant(1), "1970-01-01T00:00:00.000000001Z"),
      (.instant(4_102_444_799_999_999_999), "2099-12-31T23:59:59.999999999Z"),
      (.instant(-2_208_988_800_000_000_000), "1900-01-01T00:00:00Z"),
      (.uuid(UUIDBits(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)), "01234567-89ab-cdef-fedc-ba9876543210"),
      (.bytes([65, 66]), "AB"), (.size(16_384), "16384"),
    ] as [(Value, String)])
  func `the text of a value`(value: Value, expected: String) {
    #expect(text(value) == expected)
  }

  @Test func `null and lists have no text`() {
    #expect(text(.null) == nil)
    #expect(text(.list([.int(1)])) == nil)
  }

  @Test(
    arguments: [
      (Value.null, "null"), (.int(-3), "-3"), (.decimal(Decimal("0.10")!), "0.10"), (.string("a\"\\\n"), "\"a\\\"\\\\\\n\""),
      (.float(.infinity), "null"), (.float(.nan), "null"), (.float(2), "2.0"), (.duration(5_000_000), "\"5ms\""),
      (.list([.int(1), .string("x"), .null, .list([])]), "[1,\"x\",null,[]]"), (.bool(false), "false"),
    ] as [(Value, String)])
  func `the JSON of a value`(value: Value, expected: String) {
    #expect(json(value) == expected)
  }

  @Test func `every uuid comes back from its text, and what is none is refused`() {
    var random = SplitMix(seed: 3)
    for _ in 0..<2_000 {
      let uuid = UUIDBits(high: random.next(), low: random.next())
      var written = text(.uuid(uuid)) ?? ""
      #expect(written.withUTF8 { UUIDBits(utf8: UnsafeRawBufferPointer($0)) } == uuid)
      var upper = written.uppercased()
      #expect(upper.withUTF8 { UUIDBits(utf8: UnsafeRawBufferPointer($0)) } == uuid)
    }
    for bad in [
      "", "0123456789abcdeffedcba9876543210", "01234567-89ab-cdef-fedc-ba987654321g", "01234567-89ab-cdef-fedc_ba9876543210",
      "01234567-89ab-cdef-fedc-ba98765432100",
    ] {
      var bad = bad
      #expect(bad.withUTF8 { UUIDBits(utf8: UnsafeRawBufferPointer($0)) } == nil)
    }
  }

  @Test func `every instant is written as the civil date of its day`() {
    // Days counted one by one from 1600-01-01, beside the formula.
    var year = 1600
    var month = 1
    var day = 1
    func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }
    func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let start: Int64 = -135_140
    for offset in stride(from: Int64(0), to: 240_000, by: 1) {
      let days = start + offset
      // An Int64 of nanoseconds spans 1677 to 2262.
      if days > -106_000, days < 106_000 {
        let wanted = "\(year)-\(padded(month))-\(padded(day))T00:00:00Z"
        let found = text(.instant(days * 86_400_000_000_000))
        if found != wanted {
          Issue.record("\(days): \(found ?? "nil") is not \(wanted)")
          return
        }
      }
      let lengths = [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
      day += 1
      if day > lengths[month - 1] {
        day = 1
        month += 1
      }
      if month > 12 {
        month = 1
        year += 1
      }
    }
    #expect(text(.instant(.min)) == "1677-09-21T00:12:43.145224192Z")
    #expect(text(.instant(.max)) == "2262-04-11T23:47:16.854775807Z")
  }

  @Test func `random whole numbers are written as Swift writes them`() {
    var random = SplitMix(seed: 5)
    for _ in 0..<10_000 {
      let number = Int64(bitPattern: random.next()) >> Int64.random(in: 0...63, using: &random)
      #expect(text(.int(number)) == String(number))
    }
  }

  @Test func `a template puts encoded arguments between its text`() {
    let template = TextTemplate([
      .literal(Array("a=".utf8)), .argument(0, .percent), .literal(Array("&b=".utf8)), .argument(1, .json), .literal(Array("&c=".utf8)),
      .argument(0, .jsonText), .argument(1, .text),
    ])
    var buffer: [UInt8] = []
    [Value.string("ä /\"~\n"), .int(5)].withUnsafeBufferPointer { template.append(to: &buffer, arguments: $0.baseAddress!) }
    #expect(String(decoding: buffer, as: UTF8.self) == "a=%C3%A4%20%2F%22~%0A&b=5&c=ä /\\\"~\\u000A5")
    #expect(template.literal == nil)
    #expect(TextTemplate("x").literal == "x")
  }
}
