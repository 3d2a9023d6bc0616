internal import ChainProgram
internal import Diagnostics

/// Choices by value and by weight, loops over lists and conditions, and lanes.
extension Lowerer {
  mutating func lower(
    _ subject: TypedExpression, _ type: ComparedType, _ cases: [(value: Value, range: SourceRange, steps: [TypedStep])],
    _ otherwise: [TypedStep], at range: SourceRange
  ) {
    let value = builder.temporary(subject.type)
    builder.lower(subject, into: value)
    let end = builder.makeLabel()
    for branch in cases {
      let next = builder.makeLabel()
      choose(value, type, branch.value, else: next, at: branch.range)
      lower(branch.steps)
      builder.jump(to: end, at: range)
      builder.place(next)
    }
    lower(otherwise)
    builder.place(end)
  }

  /// Keeps which steps stand in which alternative, so that reports can tell where errors come from.
  mutating func noteArms(of step: TypedStep) {
    let names: [String]
    var branch: Int?
    switch step.kind {
    case .choice(let branches, let otherwise):
      names = branches.indices.map { $0 == 0 ? "then" : "then \($0 + 1)" } + (otherwise.isEmpty ? [] : ["else"])
    case .switchOn(_, _, let cases, let otherwise): names = cases.map { text(of: $0.value) } + (otherwise.isEmpty ? [] : ["else"])
    case .weighted(_, let given, _):
      names = given
      branch = builder.program.branches.count
    case .parallel(_, let given, _): names = given
    case .operation, .transaction, .set, .loop, .think, .awaitHop, .awaitProbe, .log, .fail, .forEach, .whileLoop, .group, .call, .measure, .stop,
      .rollback, .invalid:
      return
    }
    func inside(_ steps: [TypedStep]) -> [StepIndex] { steps.flatMap { [$0.index] + $0.kind.nestedLists.flatMap(inside) } }
    builder.program.arms.append(
      ArmsDescription(step: step.index, names: names, steps: step.kind.nestedLists.prefix(names.count).map(inside), branch: branch))
  }

  private func text(of value: Value) -> String {
    var bytes: [UInt8] = []
    _ = value.appendText(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Goes on if the slot holds the value, and at the label if not.
  private mutating func choose(
    _ slot: SlotIndex, _ type: ComparedType, _ value: Value, else next: ProgramBuilder.Label, at range: SourceRange
  ) {
    let mark = builder.mark()
    let constant = builder.temporary(builder.program.slots[slot.index].type)
    let isEqual = builder.temporary(.bool)
    builder.emit(.constant(d: constant, builder.constant(value)), at: range)
    builder.emit(.compare(.equal, type, d: isEqual, a: slot, b: constant), at: range)
    builder.jumpIfFalse(isEqual, to: next, at: range)
    builder.release(to: mark)
  }

  mutating func lower(
    _ weights: [Int], _ names: [String], _ branches: [[TypedStep]], of step: TypedStep, at range: SourceRange
  ) {
    let index = BranchIndex(builder.program.branches.count)
    builder.program.branches.append(BranchDescription(step: step.index, weights: weights, names: names))
    let chosen = builder.temporary(.int)
    builder.emit(.chooseBranch(index, d: chosen), at: range)
    let end = builder.makeLabel()
    for (number, steps) in branches.enumerated() {
      guard number < branches.count - 1 else {
        lower(steps)
        break
      }
      let next = builder.makeLabel()
      choose(chosen, .int, .int(Int64(number)), else: next, at: range)
      lower(steps)
      builder.jump(to: end, at: range)
      builder.place(next)
    }
    builder.place(end)
  }

  mutating func forEach(_ list: TypedExpression, _ item: SlotIndex, _ steps: [TypedStep], at range: SourceRange) {
    let elements = builder.temporary(list.type)
    builder.lower(list, into: elements)
    let times = builder.temporary(.int)
    builder.emit(.count(d: times, a: elements), at: range)
    rounds(of: times, at: range) { lowerer, index, _ in
      lowerer.builder.emit(.element(d: item, a: elements, b: index), at: range)
      lowerer.lower(steps)
    }
  }

  mutating func whileLoop(_ condition: TypedExpression, _ max: Int, _ steps: [TypedStep], at range: SourceRange) {
    let times = builder.temporary(.int)
    builder.emit(.constant(d: times, builder.constant(.int(Int64(max)))), at: range)
    rounds(of: times, at: range) { lowerer, _, end in
      let mark = lowerer.builder.mark()
      lowerer.builder.lowerCondition(condition, ifFalse: end)
      lowerer.builder.release(to: mark)
      lowerer.lower(steps)
    }
  }

  /// Counts from 0 up to what a slot holds.
  private mutating func rounds(
    of times: SlotIndex, at range: SourceRange, _ body: (inout Lowerer, _ index: SlotIndex, _ end: ProgramBuilder.Label) -> Void
  ) {
    let index = builder.temporary(.int)
    let isBelow = builder.temporary(.bool)
    let one = builder.temporary(.int)
    builder.emit(.constant(d: index, builder.constant(.int(0))), at: range)
    builder.emit(.constant(d: one, builder.constant(.int(1))), at: range)
    let again = builder.makeLabel()
    let end = builder.makeLabel()
    builder.place(again)
    builder.emit(.compare(.less, .int, d: isBelow, a: index, b: times), at: range)
    builder.jumpIfFalse(isBelow, to: end, at: range)
    body(&self, index, end)
    builder.emit(.binary(.addInt, d: index, a: index, b: one), at: range)
    builder.jump(to: again, at: range)
    builder.place(end)
  }

  /// Writes the lanes' blocks, also those of lanes in lanes. Lanes share a frame while they run at the same time, so each has
  /// temporaries of its own.
  mutating func writePendingLanes() {
    while !pendingLanes.isEmpty {
      let pending = pendingLanes.removeFirst()
      var entries: [Int] = []
      for steps in pending.lanes {
        builder.retireFreeTemporaries()
        entries.append(builder.pc)
        lower(steps)
        builder.emit(.end, at: pending.range)
      }
      builder.retireFreeTemporaries()
      builder.program.lanes[pending.index.index] = LanesDescription(
        step: pending.step, join: pending.join, names: pending.names, entries: entries)
    }
  }
}
