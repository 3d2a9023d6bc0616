import ChainProgram
import Diagnostics
import Testing

@testable import ChainLanguage

@Suite struct ExpressionListTests {
  @Test(arguments: [
    ("a in b", "(a in b)"), ("a not in b", "(not (a in b))"), ("not a in b", "(not (a in b))"), ("a in b and c", "((a in b) and c)"), ("a + 1 in b ?? c", "((a:+ in b))"),
    ("[1, [2]]", "[1:int, [2:int]]"), ("[]", "[]"), ("[if a then b else c, not d]", "[(if a then b else c), (not d)]"), ("[a][0]", "[a][0:int]"), ("f([a, b])", "f([a, b])"),
    ("a as list<int>", "(a as list<int>)"), ("a as map<string>?", "(a as map<string>?)"), ("1e3", "1000.0:float"), ("1.5E-3", "0.0015:float"), ("x.in", "x.in"),
  ])
  func `lists, 'in' and floats are read`(text: String, tree: String) {
    var findings = Findings()
    var files = SourceFiles()
    let file = files.add(path: "x", bytes: Array(text.utf8))
    let found = outline(Expression.parse(ExpressionText(text, in: file, at: 0), into: &findings))
    #expect(findings.isEmpty)
    if tree.contains(":+") { #expect(found == "((a + 1:int) in (b ?? c))") } else { #expect(found == tree) }
  }

  @Test(arguments: [
    ("region in ['eu', 'us']", ["constant .21 = [\"eu\", \"us\"]", "move .20 = region", "call .19 = isIn(.20, .21)"]),
    ("rows[order_id].x as int", ["move .21 = order_id", "loadResultAt .20 = rows[•].x from .21", "cast .19 = .20 as int"]),
    ("[order_id, 2]", ["move .20 = order_id", "constant .21 = 2", "makeList .19 = [.20, .21]"]),
    ("json.tags as list<string>", ["loadResult .20 = json.tags", "castAll .19 = .20 as list<string>"]),
    ("region.matches('^e')", ["matches .19 = region, \"^e\""]),
    ("tags.size", ["call .19 = size(tags)"]),
    ("at - at + 5s", ["betweenInstants .20 = at, at", "constant .21 = 5s", "addDuration .19 = .20, .21"]),
  ] as [(String, [String])])
  func `lists and patterns become these instructions`(text: String, listing: [String]) {
    #expect(CheckedExpression(text).listing().sorted() == listing.sorted())
  }

  @Test func `a float in 'vars' is one`() {
    #expect(LiteralReader.value("1e3").type == .float && LiteralReader.value("-2.5e-3").value.description == "-0.0025")
    #expect(LiteralReader.value("1e").type == .string)
  }

  @Test func `a table that is too large is known, and filling it does not trap`() {
    var builder = ProgramBuilder(program: Program(chain: "t", chainDescription: "", chainHash: ""))
    for number in 0..<65_535 as Range<Int64> { _ = builder.constant(.int(number)) }
    #expect(builder.finish().oversizedTable == nil)
    for number in 0..<10 as Range<Int64> { #expect(builder.constant(.int(-number - 1)).index == 65_535) }
    #expect(builder.finish().oversizedTable == "constants")
    for _ in 0..<65_600 { _ = builder.temporary(.int) }
    #expect(builder.finish().oversizedTable == "variables and intermediate values")
  }

  @Test func `a chain that is too large for a program has a finding`() {
    var text = "version: 1\nchain: large\nvars: { a: 1 }\nsteps:\n  - set:\n      x0: a + 0\n"
    for step in 0..<70 {
      let elements = (0..<999).map { String(step * 1000 + $0) }.joined(separator: ",")
      text += "  - set:\n      x\(step + 1): sum([x0,\(elements)])\n"
    }
    let compiled = compileChain(path: "large.chain.yaml", bytes: Array(text.utf8), connectors: [], readFile: { _ in .failure(.init("none")) })
    #expect(compiled.program == nil)
    #expect(compiled.findings.sorted.filter { $0.severity == .error }.map(\.name.rawValue) == ["limit-exceeded"])
  }
}
