package import ChainProgram

/// What is known to be not null: a variable, or a part of a result.
enum NullFact: Hashable {
  case slot(SlotIndex)
  case result(ResultPath)
}

extension TypedExpression {
  /// Variables that are not null once this condition came out as `outcome`; what `then` and `else` blocks may rely on.
  package func slotsNotNull(when outcome: Bool) -> Set<SlotIndex> {
    Set(
      factsNotNull(when: outcome).compactMap { fact in
        if case .slot(let slot) = fact { slot } else { nil }
      })
  }

  /// All slots that it may read.
  package var slotsRead: Set<SlotIndex> {
    switch kind {
    case .constant, .result, .invalid: []
    case .slot(let slot): [slot]
    case .jsonMember(let base, _), .not(let base), .negate(let base), .isNull(let base), .cast(let base, _, _), .castAll(let base, _, _, _),
      .match(_, let base, _):
      base.slotsRead
    case .element(let left, let right), .binary(_, let left, let right), .compare(_, _, let left, let right), .and(let left, let right),
      .or(let left, let right), .coalesce(let left, let right):
      left.slotsRead.union(right.slotsRead)
    case .conditional(let condition, let first, let second): condition.slotsRead.union(first.slotsRead).union(second.slotsRead)
    case .call(_, let arguments), .list(let arguments), .resultAt(_, let arguments):
      arguments.reduce(into: []) { $0.formUnion($1.slotsRead) }
    }
  }

  func factsNotNull(when outcome: Bool) -> Set<NullFact> {
    switch kind {
    case .isNull(let value): outcome ? [] : value.fact
    case .not(let value): value.factsNotNull(when: !outcome)
    case .and(let left, let right):
      outcome
        ? left.factsNotNull(when: true).union(right.factsNotNull(when: true))
        : left.factsNotNull(when: false).intersection(right.factsNotNull(when: false))
    case .or(let left, let right):
      outcome
        ? left.factsNotNull(when: true).intersection(right.factsNotNull(when: true))
        : left.factsNotNull(when: false).union(right.factsNotNull(when: false))
    case .compare(.equal, _, let left, let right):
      // Null equals null only, so a true comparison with what is never null shows that the other side is not null either.
      outcome ? (right.isNeverNull ? left.fact : []).union(left.isNeverNull ? right.fact : []) : []
    case .call(.isIn, let operands):
      // A list without nulls does not hold null.
      if outcome, operands.count == 2, case .list(let element) = operands[1].type.plain, !element.isOptional { operands[0].fact } else { [] }
    case .compare, .constant, .slot, .result, .resultAt, .jsonMember, .element, .negate, .binary, .conditional, .coalesce, .cast, .castAll,
      .list, .call, .match, .invalid:
      []
    }
  }

  private var fact: Set<NullFact> {
    switch kind {
    case .slot(let slot): [.slot(slot)]
    case .result(let path): [.result(path)]
    case .cast(let base, _, _): base.fact
    case .constant, .resultAt, .jsonMember, .element, .not, .negate, .binary, .compare, .isNull, .and, .or, .conditional, .coalesce,
      .castAll, .list, .call, .match, .invalid:
      []
    }
  }

  private var isNeverNull: Bool { !type.isOptional && !type.isFlexible && type != .null }
}
