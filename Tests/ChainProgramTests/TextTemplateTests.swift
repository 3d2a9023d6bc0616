import ChainProgram
import Testing

@Suite struct TextTemplateTests {
  private func encoded(_ text: String, _ encoding: ArgumentEncoding) -> String {
    var buffer = Array("<".utf8)
    let arguments: [Value] = [.string(text)]
    arguments.withUnsafeBufferPointer {
      TextTemplate([.argument(0, encoding), .literal(Array(">".utf8))]).append(to: &buffer, arguments: $0.baseAddress!)
    }
    return String(decoding: buffer, as: UTF8.self)
  }

  @Test(arguments: [
    ("plain-text_1.2~", "plain-text_1.2~"), ("a b/c?d", "a%20b%2Fc%3Fd"), ("ü", "%C3%BC"), ("", ""), ("%", "%25"), ("///", "%2F%2F%2F"),
  ])
  func `a value in a path is percent-encoded as one segment`(text: String, expected: String) {
    #expect(encoded(text, .percent) == "<\(expected)>")
  }

  @Test(arguments: [("a\"b\\c", "a\\\"b\\\\c"), ("line\nend", "line\\u000Aend"), ("ü", "ü"), ("", ""), ("\u{1}\"", "\\u0001\\\"")])
  func `a value inside a JSON string is escaped`(text: String, expected: String) {
    #expect(encoded(text, .jsonText) == "<\(expected)>")
  }

  @Test func `text is put in as it is`() { #expect(encoded("a b\"", .text) == "<a b\">") }
}
