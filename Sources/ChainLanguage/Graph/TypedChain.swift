internal import ChainProgram
internal import Diagnostics

/// A chain with every name resolved and every expression typed: what the lints read and the lowering turns into a program.
struct TypedChain {
  var setup: [TypedStep] = []
  /// At least one.
  var scenarios: [TypedScenario] = []
  var teardown: [TypedStep] = []
  var userSetup: [TypedStep] = []
  var userTeardown: [TypedStep] = []
  var events: [TypedEvent] = []
  /// First slot of each feed's row, for the feeds that any iteration reads.
  var feedSlots: [(feed: FeedIndex, base: SlotIndex)] = []
  /// Moments of steps that a `measure` reads, each with the slot that keeps it.
  var moments: [(step: StepIndex, moment: StepMoment, slot: SlotIndex)] = []
  /// Variables that some path leaves without a value: set to null where their block starts.
  var optionalSlots: Set<SlotIndex> = []
}

struct TypedScenario {
  let name: String
  let weight: Int
  let range: SourceRange
  let steps: [TypedStep]
  /// The feeds that this one reads.
  var feedSlots: [(feed: FeedIndex, base: SlotIndex)] = []
}

enum StepMoment { case start, end }

/// A step's `retry`.
struct TypedRetry {
  let index: RetryIndex
  /// Variables that the step gives a value and that had one before: each attempt begins with that one.
  let kept: [(slot: SlotIndex, type: ValueType)]
  /// Variables that only the step gives a value: null when an attempt begins.
  let cleared: [SlotIndex]
}

/// A value that an instruction can put into a slot.
enum TypedValue {
  case expression(TypedExpression)
  case text(TypedText)

  var type: ValueType {
    switch self {
    case .expression(let expression): expression.type
    case .text: .string
    }
  }
}

/// Literal text with expressions in it.
struct TypedText {
  let template: TextTemplate
  let arguments: [TypedExpression]
  let range: SourceRange
}

final class TypedStep {
  let node: StepNode
  let index: StepIndex
  let kind: TypedStepKind
  var assignments: [TypedAssignment] = []
  var checks: [(condition: TypedExpression, text: String, range: SourceRange)] = []
  /// What becomes known about events once the step's captures are made.
  var origins: [OriginAction] = []
  var when: TypedExpression?
  var retry: TypedRetry?

  init(node: StepNode, index: StepIndex, kind: TypedStepKind) {
    self.node = node
    self.index = index
    self.kind = kind
  }
}

/// A capture or an entry of `set`.
struct TypedAssignment {
  let name: String
  let slot: SlotIndex
  let value: TypedExpression
  let range: SourceRange
}

enum OriginAction {
  /// `flag` is a bool that tells the commit whether this was reached; nil if it always is.
  case identify(TypedIdentity, flag: SlotIndex?)
  /// The step's own operation was the acknowledged one.
  case acknowledge(EventIndex)
}

/// An event's id, key, version and body where they are known.
struct TypedIdentity {
  let event: EventIndex
  let id: TypedValue
  let key: TypedValue?
  let version: TypedValue?
  let body: [TypedValue]
  let range: SourceRange
}

enum TypedStepKind {
  case operation(TypedOperation)
  case transaction(TypedTransaction)
  /// The assignments are the step's.
  case set
  case choice([(condition: TypedExpression, steps: [TypedStep])], otherwise: [TypedStep])
  case loop(count: TypedValue, counter: SlotIndex?, steps: [TypedStep])
  case think(shortest: TypedValue, longest: TypedValue?)
  case awaitHop(EventIndex, hop: UInt8, id: TypedValue, within: TypedValue)
  case awaitProbe(TypedProbe)
  case log(TypedText)
  case fail(TypedText)
  case switchOn(subject: TypedExpression, type: ComparedType, cases: [(value: Value, range: SourceRange, steps: [TypedStep])], otherwise: [TypedStep])
  case weighted(weights: [Int], names: [String], branches: [[TypedStep]])
  case forEach(list: TypedExpression, item: SlotIndex, steps: [TypedStep])
  case whileLoop(condition: TypedExpression, max: Int, steps: [TypedStep])
  case group([TypedStep])
  case parallel(join: LanesDescription.Join, names: [String], lanes: [[TypedStep]])
  /// A flow's steps where it is called; `cleared` are its variables that some path leaves without a value.
  case call(inputs: [(slot: SlotIndex, value: TypedValue)], steps: [TypedStep])
  case measure([(name: YAMLScalar, from: SlotIndex, to: SlotIndex)])
  case stop(endsRun: Bool)
  /// Ends the enclosing transaction on purpose.
  case rollback(TypedOperation)
  /// It has a finding and cannot be lowered; the chain does not run.
  case invalid
}

extension TypedStepKind {
  /// The step lists inside it.
  var nestedLists: [[TypedStep]] {
    switch self {
    case .transaction(let transaction): [transaction.steps]
    case .choice(let branches, let otherwise): branches.map(\.steps) + [otherwise]
    case .switchOn(_, _, let cases, let otherwise): cases.map(\.steps) + [otherwise]
    case .weighted(_, _, let branches): branches
    case .parallel(_, _, let lanes): lanes
    case .loop(_, _, let steps), .forEach(_, _, let steps), .whileLoop(_, _, let steps), .group(let steps), .call(_, let steps): [steps]
    case .operation, .set, .think, .awaitHop, .awaitProbe, .log, .fail, .measure, .stop, .rollback, .invalid: []
    }
  }
}

/// The slots that steps and what is inside them give a value.
func assignedSlots(_ steps: [TypedStep]) -> Set<SlotIndex> {
  var slots: Set<SlotIndex> = []
  func visit(_ steps: [TypedStep]) {
    for step in steps {
      for assignment in step.assignments { slots.insert(assignment.slot) }
      for list in step.kind.nestedLists { visit(list) }
    }
  }
  visit(steps)
  return slots
}

struct TypedOperation {
  /// The step that its samples belong to.
  let step: StepIndex
  let connection: ConnectionIndex
  let verb: String
  let role: OperationRole
  let writes: Bool
  let operands: [(name: String, value: OperandTemplate)]
  let arguments: [TypedExpression]
  let timeoutNanoseconds: UInt64
}

struct TypedTransaction {
  let begin: TypedOperation
  let commit: TypedOperation
  let rollback: TypedOperation
  let steps: [TypedStep]
  /// Events whose origin is inside; `flag` tells whether the origin was reached.
  let events: [(event: EventIndex, flag: SlotIndex?)]
}

struct TypedProbe {
  let operation: TypedOperation
  let until: TypedExpression
  let within: TypedValue
  let start: TypedValue
  let factor: TypedValue
  let max: TypedValue
}

struct TypedEvent {
  let declaration: EventNode
  let origin: StepIndex
  let idType: ValueType
  let hasKey: Bool
  let hasVersion: Bool
  let body: [(name: String, type: ValueType)]
  let deadlineNanoseconds: UInt64
  let settleNanoseconds: UInt64
  let hops: [TypedHop]
}

struct TypedHop {
  let name: YAMLScalar
  let connection: ConnectionIndex
  let observer: String
  let operands: [(name: String, value: OperandTemplate)]
  let id: TypedExpression
  let key: TypedExpression?
  let version: TypedExpression?
  let run: TypedExpression?
  let body: [TypedExpression?]
  let showsMessages: Bool
  /// Nanoseconds; nil where entries stay.
  let expiresNanoseconds: UInt64?
  let guarantees: HopGuarantees
}
