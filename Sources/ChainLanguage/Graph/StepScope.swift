internal import ChainProgram
internal import Diagnostics

/// A variable at one point of the flow.
struct Bound {
  let slot: SlotIndex
  var type: ValueType
  let captured: SourceRange
  /// Why it may be null here: `captured inside 'then'`.
  var optionalBecause: String?

  var isOptional: Bool {
    if case .optional = type { true } else { false }
  }

  func optional(because reason: String) -> Bound {
    guard !isOptional else { return self }
    return Bound(slot: slot, type: .optional(type), captured: captured, optionalBecause: reason)
  }
}

/// The variables that have a value, or may have one, at one point of the flow.
typealias FlowState = [String: Bound]

/// What names mean in one place of a step list or a mapping.
struct StepScope: ExpressionScope {
  let flow: FlowState
  /// Vars, feeds, `run`: what does not depend on the flow.
  let fixed: [String: NameBinding]
  /// Captured or set somewhere in this block, with the first place.
  let anywhere: [String: SourceRange]
  /// What the step's operation gave.
  var results: [ResultMember] = []

  func binding(of name: String) -> NameBinding? {
    if let member = results.first(where: { $0.name == name }) { return .result(member) }
    if let bound = flow[name] {
      if bound.type == .invalid { return .invalid }
      return .variable(
        NameBinding.Variable(slot: bound.slot, type: bound.type, captured: bound.captured, optionalBecause: bound.optionalBecause))
    }
    if let binding = fixed[name] { return binding }
    return anywhere[name].map { .later($0) }
  }

  /// For suggestions, in a stable order; without the variables where sorting hundreds of them for each message would take its time.
  var names: [String] {
    guard flow.count + fixed.count <= 300 else { return results.map(\.name) }
    return results.map(\.name) + flow.keys.sorted() + fixed.keys.sorted()
  }
}

extension Expression {
  /// Visits the name at the root of each path in it, with its place.
  func forEachRootName(_ body: (String, SourceRange) -> Void) {
    switch kind {
    case .literal, .invalid: break
    case .name(let name): body(name, range)
    case .member(let base, _, _): base.forEachRootName(body)
    case .index(let base, let index):
      base.forEachRootName(body)
      index.forEachRootName(body)
    case .call(let callee, let arguments):
      // `after(…)` names a function; `key.after(…)` reads `key`.
      if case .member(let base, _, _) = callee.kind { base.forEachRootName(body) }
      for argument in arguments { argument.forEachRootName(body) }
    case .unary(_, let operand, _): operand.forEachRootName(body)
    case .binary(_, let left, let right, _):
      left.forEachRootName(body)
      right.forEachRootName(body)
    case .conditional(let condition, let first, let second):
      condition.forEachRootName(body)
      first.forEachRootName(body)
      second.forEachRootName(body)
    case .cast(let operand, _, _): operand.forEachRootName(body)
    case .list(let elements): for element in elements { element.forEachRootName(body) }
    }
  }

  /// Nodes in it.
  var weight: Int {
    switch kind {
    case .literal, .name, .invalid: 1
    case .member(let base, _, _): 1 + base.weight
    case .index(let base, let index): 1 + base.weight + index.weight
    case .call(let callee, let arguments): arguments.reduce(1 + callee.weight) { $0 + $1.weight }
    case .unary(_, let operand, _): 1 + operand.weight
    case .binary(_, let left, let right, _): 1 + left.weight + right.weight
    case .conditional(let condition, let first, let second): 1 + condition.weight + first.weight + second.weight
    case .cast(let operand, _, _): 1 + operand.weight
    case .list(let elements): elements.reduce(1) { $0 + $1.weight }
    }
  }
}
