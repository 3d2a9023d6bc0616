import Testing

@testable import ChainLanguage

struct YAMLCoreTypeTests {
  @Test(
    arguments: [
      ("", .null), ("~", .null), ("null", .null), ("true", .bool(true)), ("False", .bool(false)), ("0", .int), ("12", .int), ("-7", .int),
      ("+7", .int), ("0x1F", .int), ("0o17", .int), ("1.5", .float), (".5", .float), ("1.", .float), ("1e3", .float), ("-1.5E-3", .float),
      (".inf", .float), (".nan", .float), ("0.1", .float), ("no", .string), ("on", .string), ("010", .string), ("12:30", .string),
      ("1_000", .string), ("0x", .string), ("0o9", .string), ("1e", .string), (".", .string), ("-", .string), ("+-1", .string),
      ("nUll", .string), ("2s", .string), ("2026-01-01", .string), ("200/s", .string), ("1.2.3", .string), ("00.5", .string),
      ("١", .string),
    ] as [(String, YAMLCoreType)])
  func `a plain scalar has the type of the core schema`(text: String, type: YAMLCoreType) {
    #expect(YAMLScalar.plainType(text) == type)
  }

  @Test func `only a plain scalar is anything but a string`() {
    let root = ComposedText("[true, 'true', \"true\", !!str true, !!int \"12\", !!float 1]").root
    #expect(root?.items?.compactMap(\.scalar?.coreType) == [.bool(true), .string, .string, .string, .int, .int])
  }

  @Test(arguments: [
    ("no", "write false"), ("Yes", "write true"), ("off", "write false"), ("010", "leading zeros"), ("-007.5", "leading zeros"),
    ("12:30", "duration"), ("1_000", "without '_'"), ("0b101", "decimal"),
  ])
  func `a text that other readers take for something else is hinted at`(text: String, says: String) {
    #expect(ComposedText("a: " + text).root?["a"]?.scalar?.ambiguousHint?.contains(says) == true)
    #expect(ComposedText("a: '\(text)'").root?["a"]?.scalar?.ambiguousHint == nil)
  }

  @Test(arguments: ["nobody", "12", "2s", "1.5", "true", "2026-01-01", "10.0.0.1", "0", "a:b", "0x1f", "000abc"])
  func `a text that nobody mistakes has no hint`(text: String) {
    #expect(ComposedText("a: " + text).root?["a"]?.scalar?.ambiguousHint == nil)
  }
}
