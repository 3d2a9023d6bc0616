package import ChainProgram
package import Diagnostics

/// Builds a program's instructions and tables: slots, interned constants, labels.
///
/// Call order for an expression: `let mark = builder.mark()`, `lower`, use the slot, `builder.release(to: mark)`.
package struct ProgramBuilder {
  /// A place in the program that jumps may name before it is known.
  package struct Label: Sendable, Hashable {
    fileprivate let number: Int
  }

  /// How many temporaries were in use.
  package struct Mark: Sendable {
    fileprivate let count: Int
  }

  /// Tables other than instructions, sources, handlers, constants, templates, result paths and slots are the caller's to fill.
  package var program: Program

  /// For each slot, whether it is a temporary.
  private var isTemporarySlot: [Bool] = []
  /// Temporaries that are not in use, in ascending order.
  private var freeTemporaries: [Int] = []
  /// Temporaries in use, in the order in which they were taken.
  private var takenTemporaries: [Int] = []
  private var constants: [ConstantKey: ConstantIndex] = [:]
  private var templates: [TextTemplate: TemplateIndex] = [:]
  private var resultPaths: [ResultPath: ResultPathIndex] = [:]
  /// For each label, its pc once it was placed.
  private var labels: [Int?] = []
  private var pendingJumps: [(pc: Int, label: Label)] = []
  private var pendingHandlers: [(range: Range<Int>, label: Label, forgets: Bool)] = []

  package init(program: Program) { self.program = program }

  /// The pc of the next instruction.
  package var pc: Int { program.instructions.count }
}

// Slots
extension ProgramBuilder {
  /// A slot of its own for a variable.
  package mutating func declare(_ name: String, _ type: ValueType) -> SlotIndex {
    declareRun([(name, type)])
  }

  /// Slots next to each other, for rows and operation arguments that live on; the first one.
  package mutating func declareRun(_ members: [(name: String, type: ValueType)]) -> SlotIndex {
    let first = SlotIndex(program.slots.count)
    for member in members {
      program.slots.append(SlotDescription(name: member.name, type: member.type))
      isTemporarySlot.append(false)
    }
    return first
  }

  package func mark() -> Mark { Mark(count: takenTemporaries.count) }

  /// Gives back all temporaries taken since the mark.
  package mutating func release(to mark: Mark) {
    precondition(mark.count <= takenTemporaries.count, "a mark that was released before")
    guard mark.count < takenTemporaries.count else { return }
    freeTemporaries.append(contentsOf: takenTemporaries[mark.count...])
    freeTemporaries.sort()
    takenTemporaries.removeSubrange(mark.count...)
  }

  package mutating func temporary(_ type: ValueType) -> SlotIndex { temporaries([type]) }

  /// Temporaries next to each other; at least one slot even for no types.
  package mutating func temporaries(_ types: [ValueType]) -> SlotIndex {
    let count = max(1, types.count)
    if let position = firstRun(of: count) {
      let run = freeTemporaries[position..<position + count]
      let first = freeTemporaries[position]
      takenTemporaries.append(contentsOf: run)
      freeTemporaries.removeSubrange(position..<position + count)
      return SlotIndex(first)
    }
    let first = program.slots.count
    for index in 0..<count {
      program.slots.append(SlotDescription(name: ".\(first + index)", type: index < types.count ? types[index] : .null))
      isTemporarySlot.append(true)
      takenTemporaries.append(first + index)
    }
    return SlotIndex(first)
  }

  /// Temporaries that are free now are never used again: what comes next may run at the same time as what used them.
  package mutating func retireFreeTemporaries() { freeTemporaries = [] }

  /// The position in `freeTemporaries` of so many neighbouring slots.
  private func firstRun(of count: Int) -> Int? {
    guard freeTemporaries.count >= count else { return nil }
    for position in 0...freeTemporaries.count - count
    where freeTemporaries[position + count - 1] == freeTemporaries[position] + count - 1 {
      return position
    }
    return nil
  }

  /// Whether the slot is a temporary, which nobody sees half-written.
  func isTemporary(_ slot: SlotIndex) -> Bool { isTemporarySlot[slot.index] }
}

// Tables
extension ProgramBuilder {
  package mutating func constant(_ value: Value) -> ConstantIndex {
    guard let key = ConstantKey(value) else { return appendConstant(value) }
    if let index = constants[key] { return index }
    let index = appendConstant(value)
    constants[key] = index
    return index
  }

  private mutating func appendConstant(_ value: Value) -> ConstantIndex {
    program.constants.append(value)
    return ConstantIndex(program.constants.count - 1)
  }

  package mutating func template(_ template: TextTemplate) -> TemplateIndex {
    if let index = templates[template] { return index }
    let index = TemplateIndex(program.templates.count)
    program.templates.append(template)
    templates[template] = index
    return index
  }

  package mutating func resultPath(_ path: ResultPath) -> ResultPathIndex {
    if let index = resultPaths[path] { return index }
    let index = ResultPathIndex(program.resultPaths.count)
    program.resultPaths.append(path)
    resultPaths[path] = index
    return index
  }
}

// Code
extension ProgramBuilder {
  package mutating func emit(_ instruction: Instruction, at range: SourceRange) {
    program.instructions.append(instruction)
    program.sources.append(range)
  }

  package mutating func makeLabel() -> Label {
    labels.append(nil)
    return Label(number: labels.count - 1)
  }

  /// The label names the next instruction.
  package mutating func place(_ label: Label) {
    precondition(labels[label.number] == nil, "a label is placed once")
    labels[label.number] = pc
  }

  package mutating func jump(to label: Label, at range: SourceRange) {
    emitJump(.jump(target: 0), to: label, at: range)
  }

  package mutating func jumpIfFalse(_ a: SlotIndex, to label: Label, at range: SourceRange) {
    emitJump(.jumpIfFalse(a: a, target: 0), to: label, at: range)
  }

  package mutating func jumpIfTrue(_ a: SlotIndex, to label: Label, at range: SourceRange) {
    emitJump(.jumpIfTrue(a: a, target: 0), to: label, at: range)
  }

  package mutating func jumpIfNull(_ a: SlotIndex, to label: Label, at range: SourceRange) {
    emitJump(.jumpIfNull(a: a, target: 0), to: label, at: range)
  }

  package mutating func probeAgain(within: SlotIndex, to label: Label, at range: SourceRange) {
    emitJump(.probeAgain(within: within, target: 0), to: label, at: range)
  }

  package mutating func retryAgain(_ retry: RetryIndex, attempts: SlotIndex, to label: Label, at range: SourceRange) {
    emitJump(.retryAgain(retry, attempts: attempts, target: 0), to: label, at: range)
  }

  private mutating func emitJump(_ instruction: Instruction, to label: Label, at range: SourceRange) {
    pendingJumps.append((pc, label))
    emit(instruction, at: range)
  }

  /// A handler for `range`, going on at the label. Add inner handlers before outer ones.
  package mutating func handle(_ range: Range<Int>, at label: Label, forgets: Bool) {
    pendingHandlers.append((range, label, forgets))
  }

  /// The program with all jumps patched. The builder may go on and finish again.
  package mutating func finish() -> Program {
    for (pc, label) in pendingJumps { program.instructions[pc] = program.instructions[pc].jumping(to: target(of: label)) }
    pendingJumps = []
    for (range, label, forgets) in pendingHandlers {
      program.handlers.append(Handler(range: range, target: target(of: label), forgets: forgets))
    }
    pendingHandlers = []
    return program
  }

  private func target(of label: Label) -> Int {
    guard let target = labels[label.number] else { preconditionFailure("a jump to a label that was never placed") }
    return target
  }
}

extension Instruction {
  fileprivate func jumping(to pc: Int) -> Instruction {
    let target = UInt32(pc)
    return switch self {
    case .jump: .jump(target: target)
    case .jumpIfFalse(let a, _): .jumpIfFalse(a: a, target: target)
    case .jumpIfTrue(let a, _): .jumpIfTrue(a: a, target: target)
    case .jumpIfNull(let a, _): .jumpIfNull(a: a, target: target)
    case .probeAgain(let within, _): .probeAgain(within: within, target: target)
    case .retryAgain(let retry, let attempts, _): .retryAgain(retry, attempts: attempts, target: target)
    default: preconditionFailure("only jumps have a target: \(self)")
    }
  }
}

extension TableIndex {
  /// The neighbour so many places on.
  package func advanced(by count: Int) -> TableIndex { TableIndex(index + count) }
}

/// Equal for constants that may share a place: `1.5` and `1.50` may not, since each keeps its digits.
private enum ConstantKey: Hashable {
  case null
  case bool(Bool)
  case int(Int64)
  case decimal(String)
  case float(UInt64)
  case duration(Int64)
  case instant(Int64)
  case string([UInt8])
  case uuid(UUIDBits)
  case rate(UInt64)
  case size(Int64)
  case percentage(UInt64)

  /// nil for a constant that is not shared.
  init?(_ value: Value) {
    switch value {
    case .null: self = .null
    case .bool(let value): self = .bool(value)
    case .int(let value): self = .int(value)
    case .decimal(let value): self = .decimal(value.description)
    case .float(let value): self = .float(value.bitPattern)
    case .duration(let value): self = .duration(value)
    case .instant(let value): self = .instant(value)
    case .string(let value): self = .string(Array(value.utf8))
    case .uuid(let value): self = .uuid(value)
    case .rate(let value): self = .rate(value.bitPattern)
    case .size(let value): self = .size(value)
    case .percentage(let value): self = .percentage(value.bitPattern)
    case .bytes, .json, .list: return nil
    }
  }
}
