import Diagnostics
import Testing

@testable import ChainLanguage

@Suite struct OperandPlaceTests {
  /// The text of the file behind the part of the compiled operand that is `needle`.
  private func written(_ operand: String, compiled: String, needle: String) throws -> String {
    let yaml = "version: 1\nchain: c\nconnections: { db: { postgres: $env.DB, access: write } }\nvars: { v: 1 }\nsteps:\n  - sql: \(operand)\n"
      + "load: { smoke: { closed: { vus: 1, iterations: 1 } } }\n"
    let compilation = compileChain(
      path: "c.yaml", bytes: Array(yaml.utf8), connectors: GraphSchemas.all, readFile: { _ in .failure(ReadFailure("no such file")) })
    let program = try #require(compilation.program, "\(compilation.findings.sorted)")
    guard case .sql(let text, _)? = program.operations[0].operand("sql") else { throw MissingOperand() }
    #expect(text.trimmingLineBreaks == compiled)
    let place = try #require(compilation.operandPlaces[program.steps[0].range])
    let start = try #require(text.utf8.firstOffset(of: needle.utf8))
    let range = place.range(ofCompiled: start..<start + needle.utf8.count)
    return String(decoding: compilation.files[range.file].bytes[range.offsets], as: UTF8.self)
  }

  private struct MissingOperand: Error {}

  @Test func `a word of the compiled SQL is found where its author wrote it`() throws {
    #expect(try written("SELECT totl", compiled: "SELECT totl", needle: "totl") == "totl")
    #expect(try written("|\n      SELECT ${v},\n        totl", compiled: "SELECT $1,\n  totl", needle: "totl") == "totl")
    #expect(try written(">\n      SELECT 'größe',\n      totl", compiled: "SELECT 'größe', totl", needle: "totl") == "totl")
    #expect(try written("\"SELECT to\\x74l\"", compiled: "SELECT totl", needle: "totl") == "to\\x74l")
    #expect(try written("SELECT ${v} + ${v}", compiled: "SELECT $1 + $2", needle: "$2") == "${v}")
  }
}

extension String {
  fileprivate var trimmingLineBreaks: String { String(reversed().drop { $0 == "\n" }.reversed()) }
}

extension String.UTF8View {
  fileprivate func firstOffset(of other: String.UTF8View) -> Int? {
    let bytes = Array(self)
    let wanted = Array(other)
    return (0...Swift.max(0, bytes.count - wanted.count)).first { bytes[$0...].starts(with: wanted) }
  }
}
