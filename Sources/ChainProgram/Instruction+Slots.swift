extension Instruction {
  /// The slot that an expression instruction writes; nil for jumps and step instructions.
  package var destination: SlotIndex? {
    switch self {
    case .constant(let d, _), .move(let d, _), .binary(_, let d, _, _), .compare(_, _, let d, _, _), .not(let d, _), .negate(let d, _),
      .cast(let d, _, _), .call(_, let d, _, _), .jsonMember(let d, _, _), .element(let d, _, _), .buildText(let d, _, _),
      .loadResult(let d, _), .loadResultInt(let d, _), .loadResultDecimal(let d, _), .loadResultJSON(let d, _), .loadPresence(let d, _),
      .loadKeyInt(let d, _), .count(let d, _), .chooseBranch(_, let d),
      .stamp(let d, _), .makeList(let d, _, _), .castAll(_, let d, _, _), .match(_, let d, _, _), .loadResultAt(let d, _, _):
      return d
    case .jump, .jumpIfFalse, .jumpIfTrue, .jumpIfNull, .enterStep, .submit, .check, .think, .probeBegin, .probeAgain, .probeEnd, .awaitHop,
      .originIdentify, .originAcknowledge, .originAbort, .runLanes, .measure, .retryAgain, .endGroup, .stop, .drawRow, .log, .fail, .rethrow,
      .end:
      return nil
    }
  }

  /// Whether what it writes may have memory of its own, beyond the slot.
  package var mayAllocate: Bool {
    switch self {
    case .move, .cast, .call, .jsonMember, .element, .makeList, .castAll, .match, .buildText, .loadResult, .loadResultAt, .loadResultJSON:
      true
    case .binary(let operation, _, _, _): operation == .concatenateText
    case .constant, .compare, .not, .negate, .loadResultInt, .loadResultDecimal, .loadPresence, .loadKeyInt, .count, .chooseBranch, .stamp,
      .jump, .jumpIfFalse, .jumpIfTrue, .jumpIfNull, .enterStep, .submit, .check, .think, .probeBegin, .probeAgain, .probeEnd, .awaitHop,
      .originIdentify, .originAcknowledge, .originAbort, .runLanes, .measure, .retryAgain, .endGroup, .stop, .drawRow, .log, .fail, .rethrow,
      .end:
      false
    }
  }

  /// The slots that the instruction reads, but for those that a table names (operations' arguments, events' values): these are temporaries,
  /// filled by instructions before.
  package func sources(in program: Program) -> [SlotIndex] {
    switch self {
    case .constant, .loadResult, .loadResultInt, .loadResultDecimal, .loadResultJSON, .loadPresence, .loadKeyInt, .chooseBranch, .stamp:
      return []
    case .move(_, let a), .not(_, let a), .negate(_, let a), .cast(_, let a, _), .jsonMember(_, let a, _), .count(_, let a), .castAll(_, _, let a, _),
      .match(_, _, let a, _):
      return [a]
    case .binary(_, _, let a, let b), .compare(_, _, _, let a, let b), .element(_, let a, let b): return [a, b]
    case .makeList(_, let a, let count): return (0..<Int(count)).map { SlotIndex(a.index + $0) }
    case .loadResultAt(_, let a, let path):
      let count = program.resultPaths[path.index].segments.count { $0 == .argument }
      return (0..<count).map { SlotIndex(a.index + $0) }
    case .call(_, _, let a, let count): return (0..<Int(count)).map { SlotIndex(a.index + $0) }
    case .buildText(_, let a, let template):
      let count = program.templates[template.index].pieces.reduce(0) { most, piece in
        if case .argument(let number, _) = piece { return max(most, number + 1) }
        return most
      }
      return (0..<count).map { SlotIndex(a.index + $0) }
    case .jumpIfFalse(let a, _), .jumpIfTrue(let a, _), .jumpIfNull(let a, _), .check(_, let a, _), .log(_, let a), .fail(_, let a): return [a]
    case .think(let a, let b), .awaitHop(_, _, _, let a, let b): return [a, b]
    case .measure(_, let from, let to): return [from, to]
    case .endGroup(_, let from): return [from]
    case .jump, .enterStep, .submit, .probeBegin, .probeAgain, .probeEnd, .originIdentify, .originAcknowledge, .originAbort, .runLanes,
      .retryAgain, .stop, .drawRow, .rethrow, .end:
      return []
    }
  }
}
