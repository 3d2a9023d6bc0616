import LosslessJSON
import Testing

@Suite struct JSONWriterTests {
  private func written(indentation: Int = 0, _ body: (inout JSONWriter) -> Void) -> String {
    var writer = JSONWriter(indentation: indentation)
    body(&writer)
    return writer.text
  }

  private func sample(_ json: inout JSONWriter) {
    json.beginObject()
    json.member("id", UInt64.max)
    json.member("low", Int64.min)
    json.key("amount")
    json.rawNumber("12.10")
    json.key("list")
    json.beginArray()
    json.integer(0)
    json.bool(true)
    json.null()
    json.beginObject()
    json.endObject()
    json.beginArray()
    json.endArray()
    json.endArray()
    json.member("absent", nil as String?)
    json.endObject()
  }

  @Test func `commas and colons stand where they belong`() {
    #expect(
      written(sample)
        == #"{"id":18446744073709551615,"low":-9223372036854775808,"amount":12.10,"list":[0,true,null,{},[]],"absent":null}"#)
  }

  @Test func `indented text says the same`() throws {
    let indented = written(indentation: 2, sample)
    #expect(try JSONDocument(parsing: indented).root == JSONDocument(parsing: written(sample)).root)
    #expect(indented.hasPrefix("{\n  \"id\": 18446744073709551615,\n"))
    #expect(indented.contains("    {},\n    []\n  ],\n"))
  }

  @Test func `every character survives`() throws {
    let text = String(String.UnicodeScalarView((0..<0x180).compactMap(Unicode.Scalar.init))) + "😀\u{2028}"
    let json = written { $0.string(text) }
    #expect(try JSONDocument(parsing: json).root.string == text)
    #expect(json.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F })
  }

  @Test(arguments: [
    (0.1, "0.1"), (5, "5"), (-0.25, "-0.25"), (1e300, "1e+300"), (.leastNonzeroMagnitude, "5e-324"), (1e15, "1000000000000000"),
    (.nan, "null"),
    (.infinity, "null"),
  ])
  func `a double is its shortest text`(_ value: Double, _ text: String) throws {
    #expect(written { $0.double(value) } == text)
    if value.isFinite { #expect(try JSONDocument(parsing: text).root.double == value) }
  }

  @Test func `lines stand alone`() {
    let lines = written {
      $0.bool(true)
      $0.endLine()
      $0.beginArray()
      $0.endArray()
      $0.endLine()
    }
    #expect(lines == "true\n[]\n")
  }
}
