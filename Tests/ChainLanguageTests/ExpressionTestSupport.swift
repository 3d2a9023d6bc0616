import ChainProgram
import Diagnostics

@testable import ChainLanguage

/// Under this name, because Testing has an `Expectation` too.
typealias ExpressionPlace = Expectation

/// One name of each kind; the slots are those of `builder`.
struct TestScope: ExpressionScope {
  private(set) var builder = ProgramBuilder(program: Program(chain: "test", chainDescription: "", chainHash: ""))
  private var bindings: [String: NameBinding] = [:]

  init(file: SourceFile) {
    let variables: [(String, ValueType)] = [
      ("order_id", .int), ("amount", .decimal), ("region", .string), ("ratio", .float), ("wait", .duration), ("flag", .bool),
      ("doc", .json),
      ("at", .instant), ("ref", .uuid), ("limit", .optional(.int)), ("note", .optional(.string)), ("maybe", .optional(.bool)),
      ("token", .secret(.string)), ("tags", .list(.string)), ("speed", .rate),
    ]
    for (name, type) in variables { bindings[name] = variable(name, type) }
    bindings["customer"] = .namespace(
      .init(
        title: "feed 'customer'", noun: "column",
        members: [("id", variable("customer.id", .int)), ("tier", variable("customer.tier", .string))]))
    bindings["outputs"] = .namespace(.init(title: "'outputs'", noun: "output", members: [("order_id", variable("outputs.order_id", .int))]))
    bindings["run"] = .namespace(.init(title: "'run'", noun: "member", members: [("id", variable("run.id", .string))]))
    bindings["soon"] = .later(file.range(0, 0))
    bindings["broken"] = .invalid
    bindings["ten"] = .constant(.int(10), .int)
    let members: [(String, ValueType, ResultField)] = [
      ("rows", .rows, .rows), ("row", .row, .row), ("affected", .int, .affected), ("reply", .untyped, .reply), ("status", .int, .status),
      ("headers", .map(.untyped), .headers), ("json", .json, .json), ("body", .string, .text), ("key", .string, .key),
      ("messages", .messages, .messages),
    ]
    for (name, type, field) in members { bindings[name] = .result(ResultMember(name, type, field, summary: "")) }
  }

  private mutating func variable(_ name: String, _ type: ValueType) -> NameBinding {
    .variable(.init(slot: builder.declare(name, type), type: type, captured: nil))
  }

  func binding(of name: String) -> NameBinding? { bindings[name] }
  var names: [String] { bindings.keys.sorted() }
}

/// A raw expression through all stages. The text may have marks.
struct CheckedExpression {
  let marked: MarkedText
  let files: SourceFiles
  let scope: TestScope
  let expression: Expression
  let typed: TypedExpression
  let findings: Findings

  init(_ text: String, expecting: Expectation = Expectation(.anything, "", allowsSecret: true)) {
    marked = MarkedText(text)
    let (files, file) = marked.file()
    self.files = files
    scope = TestScope(file: file)
    var findings = Findings()
    expression = Expression.parse(ExpressionText(marked.text, in: file, at: 0), into: &findings)
    typed = expression.check(in: scope, expecting: expecting, into: &findings)
    self.findings = findings
  }

  /// "name at mark: message", in the order of the file.
  var places: [String] { findings.sorted.map { "\($0.name.rawValue) at \(marked.mark(at: $0.range.offsets))" } }
  var messages: [String] { findings.sorted.map { [$0.message, $0.help].compactMap { $0 }.joined(separator: "; ") } }

  /// The type, or what is wrong.
  var outcome: String { findings.isEmpty ? "\(typed.type)" : places.joined(separator: ", ") }

  /// The instructions without pc and line, spaces made single. The result goes to the temporary `.N` or the variable named.
  func listing(into variable: String? = nil) -> [String] {
    guard findings.isEmpty else { return messages }
    var builder = scope.builder
    if let variable, case .variable(let found)? = scope.binding(of: variable) {
      builder.lower(typed, into: found.slot)
    } else {
      _ = builder.lower(typed)
    }
    return Self.code(builder.finish().listing(in: files))
  }

  static func code(_ listing: String) -> [String] {
    listing.split(separator: "\n", omittingEmptySubsequences: false).dropFirst().prefix { !$0.isEmpty }.dropFirst().map { line in
      var words = line.split(separator: " ")
      if let comment = words.lastIndex(of: ";") { words.removeSubrange(comment...) }
      return words.dropFirst().joined(separator: " ")
    }
  }
}

/// The tree with all parentheses.
func outline(_ expression: Expression) -> String {
  switch expression.kind {
  case .literal(let value, let type): type == .string || type == .null || type == .bool ? "\(value)" : "\(value):\(type)"
  case .name(let name): name
  case .member(let base, let name, _): "\(outline(base)).\(name)"
  case .index(let base, let index): "\(outline(base))[\(outline(index))]"
  case .call(let callee, let arguments): "\(outline(callee))(\(arguments.map(outline).joined(separator: ", ")))"
  case .unary(let sign, let operand, _): "(\(sign.rawValue) \(outline(operand)))"
  case .binary(let sign, let left, let right, _): "(\(outline(left)) \(sign.rawValue) \(outline(right)))"
  case .conditional(let condition, let first, let second): "(if \(outline(condition)) then \(outline(first)) else \(outline(second)))"
  case .cast(let operand, let type, _): "(\(outline(operand)) as \(type))"
  case .list(let elements): "[\(elements.map(outline).joined(separator: ", "))]"
  case .invalid: "invalid"
  }
}
