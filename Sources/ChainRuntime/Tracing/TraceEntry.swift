package import ChainIO
package import ChainProgram
package import Diagnostics

/// One thing that happened in a traced run, in the order in which it happened. Times are nanoseconds of CLOCK_MONOTONIC.
package struct TraceEntry: Sendable {
  package enum Block: Sendable, Hashable {
    case setup, teardown
    /// `setup_vu` and `teardown_vu`.
    case userSetup, userTeardown
    case iteration(number: UInt64, scenario: String)
  }

  package enum Happening: Sendable {
    case blockBegan(Block)
    case laneBegan
    /// The program's step.
    case stepEntered(StepIndex)
    case rowDrawn(feed: String, columns: [TracedVariable])
    /// The operation was handed to its connection.
    case operationSent(OperationIndex, [TracedOperand])
    /// Its end: what came back, or the error that follows as `raised`.
    case operationEnded(OperationIndex, result: String, poolWaitNanoseconds: UInt64, serviceNanoseconds: UInt64, OperationCall.Ending)
    /// A capture, an entry of `set` or a loop's counter.
    case assigned(TracedVariable)
    /// A condition of a control step, as it stands in the chain, and what it read.
    case decided(SourceRange, Bool, reads: [TracedRead])
    case branchChosen(name: String, number: Int, count: Int)
    case lanesBegan([String])
    /// `reads` only when it did not hold.
    case checked(CheckIndex, passed: Bool, reads: [TracedRead])
    case thinking(shortestNanoseconds: UInt64, longestNanoseconds: UInt64)
    case probing(withinNanoseconds: UInt64)
    /// The probe held after so many looks.
    case probeHeld(looks: Int, nanoseconds: UInt64)
    case awaiting(EventIndex, hop: Int, id: String, withinNanoseconds: UInt64)
    case awaited(EventIndex, hop: Int, nanoseconds: UInt64)
    case retrying(attempt: Int, of: Int)
    case measured(String, nanoseconds: Int64)
    case logged(String)
    case stopping(endsRun: Bool)
    /// A step error at a place of the chain; a check that did not hold is `checked` instead.
    case raised(OperationError, OperationCall.Ending, SourceRange)
    /// `on_error: continue`.
    case forgiven
    case originSettled(EventIndex, id: String, OriginFate, sentNanoseconds: UInt64)
    /// The event was somewhere in (`notBefore`, `seen`]; `notBefore` is 0 where nothing proves any.
    case hopSeen(EventIndex, hop: Int, id: String, body: [TracedVariable], notBeforeNanoseconds: UInt64, seenNanoseconds: UInt64)
    case blockEnded(BlockEnd)
    case laneEnded(BlockEnd)
  }

  package enum OriginFate: Sendable { case committed, rolledBack, unknown }
  package enum BlockEnd: Sendable { case completed, failed, unknown, interrupted, withdrawn }

  package let at: UInt64
  /// The lane of a `parallel:` step it happened in; nil outside of lanes.
  package let lane: String?
  package let happening: Happening
}

/// A name with its value as text.
package struct TracedVariable: Sendable, Hashable {
  package let name: String
  package let type: String
  package let value: String

  package init(name: String, type: String, value: String) {
    self.name = name
    self.type = type
    self.value = value
  }
}

/// A part of an expression with the value it had.
package struct TracedRead: Sendable, Hashable {
  package enum Part: Sendable, Hashable {
    case variable(String)
    /// As it stands in the chain.
    case expression(SourceRange)
  }
  package let part: Part
  package let value: String
}

/// An operand or key of an operation with its arguments put in.
package struct TracedOperand: Sendable, Hashable {
  package let name: String
  package let text: String
  /// Bound parameters, in order; only SQL has them beside its text.
  package let parameters: [String]
}
