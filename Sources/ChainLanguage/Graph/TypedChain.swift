internal import ChainProgram
internal import Diagnostics

/// A chain with every name resolved and every expression typed: what the lints read and the lowering turns into a program.
struct TypedChain {
  var setup: [TypedStep] = []
  var steps: [TypedStep] = []
  var teardown: [TypedStep] = []
  var events: [TypedEvent] = []
  /// First slot of each feed's row, for the feeds that the iteration reads.
  var feedSlots: [(feed: FeedIndex, base: SlotIndex)] = []
  /// Variables that some path leaves without a value: set to null where their block starts.
  var optionalSlots: Set<SlotIndex> = []
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
  /// It has a finding and cannot be lowered; the chain does not run.
  case invalid
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
  let body: [TypedExpression?]
}
