import ChainProgram
import Glibc
import Testing

@testable import ChainLanguage

@Suite struct ExpressionGrammarTests {
  @Test func `the grammar's terminals are the lexer's words and signs, both ways`() throws {
    let path = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined() + "/grammar/chain.ebnf"
    let terminals = try Self.terminals(of: #require(Self.read(path)))
    var known = Set(ExpressionLexicon.Keyword.allCases.map(\.rawValue))
    known.formUnion(ExpressionLexicon.Symbol.allCases.map(\.rawValue))
    known.formUnion(ExpressionLexicon.durationUnits.map(\.name))
    known.formUnion(ExpressionLexicon.rateUnits.map(\.name))
    known.formUnion(ExpressionLexicon.sizeUnits.map(\.name))
    known.formUnion(ExpressionLexicon.escapes.map { String($0.name) })
    known.formUnion(ExpressionLexicon.templateSigns)
    known.formUnion(ValueType.nameable.map(\.name))
    known.formUnion(["list", "map", "e", "E"])
    // Around strings and in `\u{…}`.
    known.formUnion(["'", "\"", "\\", "u", "{"])
    #expect(terminals.subtracting(known).sorted() == [])
    #expect(known.subtracting(terminals).sorted() == [])
  }

  @Test func `every operator of the tree is a word or sign of the lexer`() {
    let known = Set(ExpressionLexicon.Keyword.allCases.map(\.rawValue)).union(ExpressionLexicon.Symbol.allCases.map(\.rawValue))
    #expect(Set(BinaryOperator.allCases.map(\.rawValue)).union(UnaryOperator.allCases.map(\.rawValue)).subtracting(known) == [])
  }

  /// The quoted texts outside of comments and of `? … ?`.
  private static func terminals(of grammar: String) -> Set<String> {
    var found: Set<String> = []
    var rest = Array(grammar.utf8)[...]
    func skip(past end: String) {
      let end = Array(end.utf8)
      while !rest.isEmpty, !rest.starts(with: end) { rest = rest.dropFirst() }
      rest = rest.dropFirst(end.count)
    }
    while let byte = rest.first {
      if rest.starts(with: Array("(*".utf8)) {
        skip(past: "*)")
      } else if byte == UInt8(ascii: "?") {
        rest = rest.dropFirst()
        skip(past: "?")
      } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
        let content = rest.dropFirst().prefix { $0 != byte }
        found.insert(String(decoding: content, as: UTF8.self))
        rest = rest.dropFirst(content.count + 2)
      } else {
        rest = rest.dropFirst()
      }
    }
    return found
  }

  private static func read(_ path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = fread(&buffer, 1, buffer.count, file)
      if count == 0 { break }
      bytes += buffer[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
