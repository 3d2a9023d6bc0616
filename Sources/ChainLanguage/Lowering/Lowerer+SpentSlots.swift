internal import ChainProgram

/// Which values an iteration leaves behind that nobody reads any more.
extension Lowerer {
  /// - Parameter iterations: The code of all scenarios, lanes included.
  func spentSlots(of iterations: Range<Int>) -> [SlotIndex] {
    let program = builder.program
    var spent: Set<SlotIndex> = []
    var kept = Set(program.userSlots)
    for (pc, instruction) in program.instructions.enumerated() {
      if iterations.contains(pc) {
        if instruction.mayAllocate, let slot = instruction.destination, program.slots[slot.index].mayHoldMemory { spent.insert(slot) }
      } else {
        kept.formUnion(instruction.sources(in: program))
        if let slot = instruction.destination { kept.insert(slot) }
      }
    }
    return spent.subtracting(kept).sorted()
  }
}

extension SlotDescription {
  /// A temporary is used for values of several types, whatever the first one was.
  fileprivate var mayHoldMemory: Bool { name.hasPrefix(".") || type.mayHoldMemory }
}

extension ValueType {
  fileprivate var mayHoldMemory: Bool {
    switch self {
    case .string, .bytes, .json, .list, .map, .row, .rows, .untyped, .messages: true
    case .int, .decimal, .float, .bool, .duration, .instant, .uuid, .rate, .size, .percentage, .null, .invalid: false
    case .optional(let wrapped), .secret(let wrapped): wrapped.mayHoldMemory
    }
  }
}
