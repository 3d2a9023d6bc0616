package import ChainProgram

extension ProgramBuilder {
  /// Computes the expression; a variable stays in its own slot, anything else goes into a temporary.
  package mutating func lower(_ expression: TypedExpression) -> SlotIndex {
    if case .slot(let slot) = expression.kind { return slot }
    let d = temporary(expression.type)
    lower(expression, into: d)
    return d
  }

  /// Computes the expressions into temporaries next to each other; the first one.
  package mutating func lowerRun(_ expressions: [TypedExpression]) -> SlotIndex {
    let first = temporaries(expressions.map(\.type))
    for (index, expression) in expressions.enumerated() { lower(expression, into: first.advanced(by: index)) }
    return first
  }

  /// Computes the expression into a slot. A variable gets its value at the end, so an error on the way leaves it as it was.
  package mutating func lower(_ expression: TypedExpression, into d: SlotIndex) {
    let outer = mark()
    defer { release(to: outer) }
    let range = expression.range
    switch expression.kind {
    case .invalid: preconditionFailure("an expression with a finding is not lowered")
    case .constant(let value): emit(.constant(d: d, constant(value)), at: range)
    case .slot(let slot):
      if slot != d { emit(.move(d: d, a: slot), at: range) }
    case .result(let path): emit(.loadResult(d: d, resultPath(path)), at: range)
    case .resultAt(let path, let indices):
      let a = lowerRun(indices)
      emit(.loadResultAt(d: d, a: a, resultPath(path)), at: range)
    case .list(let elements):
      let a = lowerRun(elements)
      emit(.makeList(d: d, a: a, count: UInt16(clamping: elements.count)), at: range)
    case .castAll(let base, let container, let target, passesNull: false):
      let a = lower(base)
      emit(.castAll(container, d: d, a: a, target), at: range)
    case .match(let kind, let text, let pattern):
      let a = lower(text)
      emit(.match(kind, d: d, a: a, constant(.string(pattern))), at: range)
    case .jsonMember(let base, let name):
      let a = lower(base)
      emit(.jsonMember(d: d, a: a, constant(.string(name))), at: range)
    case .element(let base, let index):
      let a = lower(base)
      let b = lower(index)
      emit(.element(d: d, a: a, b: b), at: range)
    case .not(let operand):
      if case .isNull(let value) = operand.kind {
        lowerNullTest(value, isNull: false, into: d, expression)
      } else {
        let a = lower(operand)
        emit(.not(d: d, a: a), at: range)
      }
    case .negate(let operand):
      let a = lower(operand)
      emit(.negate(d: d, a: a), at: range)
    case .binary(let operation, let left, let right):
      let a = lower(left)
      let b = lower(right)
      emit(.binary(operation, d: d, a: a, b: b), at: range)
    case .compare(let comparison, let type, let left, let right):
      let a = lower(left)
      let b = lower(right)
      emit(.compare(comparison, type, d: d, a: a, b: b), at: range)
    case .isNull(let value): lowerNullTest(value, isNull: true, into: d, expression)
    case .call(let function, let arguments): lowerCall(function, arguments, into: d, expression)
    case .cast(let base, let target, passesNull: false): lowerCast(base, target, into: d, expression)
    case .conditional(let condition, let first, let second):
      let otherwise = makeLabel()
      let end = makeLabel()
      lowerCondition(condition, ifFalse: otherwise)
      lower(first, into: d)
      jump(to: end, at: range)
      place(otherwise)
      lower(second, into: d)
      place(end)
    case .cast(_, _, passesNull: true), .castAll(_, _, _, passesNull: true), .coalesce, .and, .or:
      guard isTemporary(d) else {
        let whole = temporary(expression.type)
        lowerInSteps(expression, into: whole)
        emit(.move(d: d, a: whole), at: range)
        return
      }
      lowerInSteps(expression, into: d)
    }
  }

  /// What writes its destination more than once.
  private mutating func lowerInSteps(_ expression: TypedExpression, into d: SlotIndex) {
    let end = makeLabel()
    switch expression.kind {
    case .cast(let base, let target, passesNull: true):
      lower(base, into: d)
      jumpIfNull(d, to: end, at: expression.range)
      emit(.cast(d: d, a: d, target), at: expression.range)
    case .castAll(let base, let container, let target, passesNull: true):
      lower(base, into: d)
      jumpIfNull(d, to: end, at: expression.range)
      emit(.castAll(container, d: d, a: d, target), at: expression.range)
    case .coalesce(let first, let second):
      let otherwise = makeLabel()
      lower(first, into: d)
      jumpIfNull(d, to: otherwise, at: expression.range)
      jump(to: end, at: expression.range)
      place(otherwise)
      lower(second, into: d)
    case .and(let left, let right):
      lower(left, into: d)
      jumpIfFalse(d, to: end, at: expression.range)
      lower(right, into: d)
    case .or(let left, let right):
      lower(left, into: d)
      jumpIfTrue(d, to: end, at: expression.range)
      lower(right, into: d)
    case .constant, .slot, .result, .resultAt, .jsonMember, .element, .not, .negate, .binary, .compare, .isNull, .conditional, .cast,
      .castAll, .list, .call, .match, .invalid:
      preconditionFailure("this is computed in one step")
    }
    place(end)
  }

  /// The value for a look at whether it is null: of a result, only that.
  private mutating func lowerPresence(_ value: TypedExpression) -> SlotIndex {
    guard case .result(let path) = value.kind else { return lower(value) }
    let d = temporary(.bool)
    emit(.loadPresence(d: d, resultPath(path)), at: value.range)
    return d
  }

  private mutating func lowerNullTest(_ value: TypedExpression, isNull: Bool, into d: SlotIndex, _ whole: TypedExpression) {
    let end = makeLabel()
    let a = lowerPresence(value)
    // The answer goes into the destination before the look, unless the look is at the destination.
    let answer = a == d ? temporary(.bool) : d
    emit(.constant(d: answer, constant(.bool(isNull))), at: whole.range)
    jumpIfNull(a, to: end, at: whole.range)
    emit(.constant(d: answer, constant(.bool(!isNull))), at: whole.range)
    place(end)
    if answer != d { emit(.move(d: d, a: answer), at: whole.range) }
  }

  private mutating func lowerCall(_ function: Function, _ arguments: [TypedExpression], into d: SlotIndex, _ whole: TypedExpression) {
    let first = arguments.count == 1 ? lower(arguments[0]) : arguments.isEmpty ? d : lowerRun(arguments)
    emit(.call(function, d: d, a: first, count: UInt8(arguments.count)), at: whole.range)
  }

  /// `row.id as int` and `key.after("order:") as int` read the bytes of the result without a string between.
  private mutating func lowerCast(_ base: TypedExpression, _ target: CastTarget, into d: SlotIndex, _ whole: TypedExpression) {
    if case .result(let path) = base.kind, base.type.plain.isFlexible {
      switch target {
      case .int:
        emit(.loadResultInt(d: d, resultPath(path)), at: whole.range)
        return
      case .decimal:
        emit(.loadResultDecimal(d: d, resultPath(path)), at: whole.range)
        return
      case .json:
        emit(.loadResultJSON(d: d, resultPath(path)), at: whole.range)
        return
      case .string, .float, .bool, .duration, .instant, .uuid, .bytes: break
      }
    }
    if target == .int, case .call(.after, let arguments) = base.kind, arguments.count == 2, case .result(let path) = arguments[0].kind,
      path.field == .key, path.segments.isEmpty, case .constant(let mark) = arguments[1].kind
    {
      emit(.loadKeyInt(d: d, after: constant(mark)), at: whole.range)
      return
    }
    let a = lower(base)
    emit(.cast(d: d, a: a, target), at: whole.range)
  }

  // Conditions

  /// Goes on at the label if the condition is false, else with the next instruction.
  package mutating func lowerCondition(_ condition: TypedExpression, ifFalse label: Label) {
    lowerBranch(condition, to: label, when: false)
  }

  /// Goes on at the label if the condition came out as `outcome`.
  private mutating func lowerBranch(_ condition: TypedExpression, to label: Label, when outcome: Bool) {
    let outer = mark()
    defer { release(to: outer) }
    let range = condition.range
    switch condition.kind {
    case .constant(.bool(let value)):
      if value == outcome { jump(to: label, at: range) }
    case .not(let operand): lowerBranch(operand, to: label, when: !outcome)
    case .and(let left, let right) where !outcome, .or(let left, let right) where outcome:
      lowerBranch(left, to: label, when: outcome)
      lowerBranch(right, to: label, when: outcome)
    case .and(let left, let right), .or(let left, let right):
      let skip = makeLabel()
      lowerBranch(left, to: skip, when: !outcome)
      lowerBranch(right, to: label, when: outcome)
      place(skip)
    case .isNull(let value):
      let a = lowerPresence(value)
      if outcome {
        jumpIfNull(a, to: label, at: range)
      } else {
        let skip = makeLabel()
        jumpIfNull(a, to: skip, at: range)
        jump(to: label, at: range)
        place(skip)
      }
    case .constant, .slot, .result, .resultAt, .jsonMember, .element, .negate, .binary, .compare, .conditional, .coalesce, .cast, .castAll,
      .list, .call, .match, .invalid:
      let a = lower(condition)
      if outcome { jumpIfTrue(a, to: label, at: range) } else { jumpIfFalse(a, to: label, at: range) }
    }
  }
}
