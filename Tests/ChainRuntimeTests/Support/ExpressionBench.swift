import ChainIO
import ChainLanguage
import ChainProgram
import Diagnostics

@testable import ChainRuntime

/// Expressions from their text to their value, with variables and results of every kind around them.
struct ExpressionBench: ExpressionScope {
  private(set) var builder = ProgramBuilder(program: Program(chain: "bench", chainDescription: "", chainHash: ""))
  private var bindings: [String: NameBinding] = [:]
  private var start: [(SlotIndex, Value)] = []
  var result = OperationResult()
  var seed: UInt64 = 1

  mutating func variable(_ name: String, _ type: ValueType, _ value: Value) {
    let slot = builder.declare(name, type)
    start.append((slot, value))
    bindings[name] = .variable(.init(slot: slot, type: type, captured: nil))
  }

  mutating func member(_ name: String, _ type: ValueType, _ field: ResultField) {
    bindings[name] = .result(ResultMember(name, type, field, summary: ""))
  }

  func binding(of name: String) -> NameBinding? { bindings[name] }
  var names: [String] { bindings.keys.sorted() }

  enum Outcome {
    case value(Value, ValueType)
    case failed(OperationError)
    case refused([String])

    /// `4`, `!overflow`, or the findings.
    var text: String {
      switch self {
      case .value(let value, _): value.description
      case .failed(let error): "!" + error.code
      case .refused(let messages): messages.joined(separator: "; ")
      }
    }
  }

  func callAsFunction(_ text: String) -> String { evaluate(text).text }

  func evaluate(_ text: String) -> Outcome {
    var findings = Findings()
    var files = SourceFiles()
    let file = files.add(path: "expression", bytes: Array(text.utf8))
    let expression = Expression.parse(ExpressionText(text, in: file, at: 0), into: &findings)
    let typed = expression.check(in: self, expecting: Expectation(.anything, "", allowsSecret: true), into: &findings)
    guard findings.isEmpty, !typed.isInvalid else {
      return .refused(findings.sorted.map { "\($0.name.rawValue): \($0.message)" + ($0.help.map { "; \($0)" } ?? "") })
    }
    var builder = builder
    let answer = builder.lower(typed)
    builder.emit(.end, at: file.wholeRange)
    let program = builder.finish()
    let evaluator = Evaluator(program: program)
    let count = program.slots.count
    let frame = UnsafeMutablePointer<Value>.allocate(capacity: max(1, count))
    frame.initialize(repeating: .null, count: count)
    defer { frame.deinitialize(count: count).deallocate() }
    for (slot, value) in start { frame[slot.index] = value }
    var draws = Randomness(seed: seed, stream: 0, iteration: 0)
    do throws(OperationError) {
      try evaluator.runBlock(entry: 0, frame: frame, content: ResultReader(result), draws: &draws)
      return .value(frame[answer.index], typed.type)
    } catch {
      return .failed(error)
    }
  }
}
