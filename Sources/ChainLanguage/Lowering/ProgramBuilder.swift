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

  /// Tables other than instructions, sources, constants, templates, result paths and slots are the caller's to fill.
  package var program: Program

  package init(program: Program) { self.program = program }

  /// The pc of the next instruction.
  package var pc: Int { program.instructions.count }

  // Slots
  /// A slot of its own for a variable.
  package mutating func declare(_ name: String, _ type: ValueType) -> SlotIndex { fatalError("to be written") }
  /// Slots next to each other, for rows and operation arguments that live on; `names` and types in order.
  package mutating func declareRun(_ members: [(name: String, type: ValueType)]) -> SlotIndex { fatalError("to be written") }
  package mutating func mark() -> Mark { fatalError("to be written") }
  /// Gives back all temporaries taken since the mark.
  package mutating func release(to mark: Mark) { fatalError("to be written") }
  package mutating func temporary(_ type: ValueType) -> SlotIndex { fatalError("to be written") }
  /// Temporaries next to each other; at least one slot even for no types.
  package mutating func temporaries(_ types: [ValueType]) -> SlotIndex { fatalError("to be written") }

  // Tables
  package mutating func constant(_ value: Value) -> ConstantIndex { fatalError("to be written") }
  package mutating func template(_ template: TextTemplate) -> TemplateIndex { fatalError("to be written") }
  package mutating func resultPath(_ path: ResultPath) -> ResultPathIndex { fatalError("to be written") }

  // Code
  package mutating func emit(_ instruction: Instruction, at range: SourceRange) { fatalError("to be written") }
  package mutating func makeLabel() -> Label { fatalError("to be written") }
  /// The label names the next instruction.
  package mutating func place(_ label: Label) { fatalError("to be written") }
  package mutating func jump(to label: Label, at range: SourceRange) { fatalError("to be written") }
  package mutating func jumpIfFalse(_ a: SlotIndex, to label: Label, at range: SourceRange) { fatalError("to be written") }
  package mutating func jumpIfTrue(_ a: SlotIndex, to label: Label, at range: SourceRange) { fatalError("to be written") }
  package mutating func jumpIfNull(_ a: SlotIndex, to label: Label, at range: SourceRange) { fatalError("to be written") }
  package mutating func probeAgain(within: SlotIndex, to label: Label, at range: SourceRange) { fatalError("to be written") }
  /// A handler for `range`, going on at the label. Add inner handlers before outer ones.
  package mutating func handle(_ range: Range<Int>, at label: Label, forgets: Bool) { fatalError("to be written") }
  /// The program with all jumps patched.
  package mutating func finish() -> Program { fatalError("to be written") }

  // Expressions (ProgramBuilder+Expressions.swift)
  /// Computes the expression into a slot.
  package mutating func lower(_ expression: TypedExpression, into d: SlotIndex) { fatalError("to be written") }
  /// Computes the expression; a variable stays in its own slot, anything else goes into a temporary.
  package mutating func lower(_ expression: TypedExpression) -> SlotIndex { fatalError("to be written") }
  /// Goes on at the label if the condition is false, else with the next instruction.
  package mutating func lowerCondition(_ condition: TypedExpression, ifFalse label: Label) { fatalError("to be written") }
}
