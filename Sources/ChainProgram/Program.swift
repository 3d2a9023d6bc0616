package import Diagnostics

/// A chain, compiled: everything the runtime needs and nothing it must look up. Immutable, and shared by all reactors.
package struct Program: Sendable {
  package var chain: String
  package var chainDescription: String
  /// SHA-256 of the file's bytes, in hexadecimal.
  package var chainHash: String
  /// Connections in the order of their declaration.
  package var connections: [ConnectionDeclaration] = []
  package var instructions: [Instruction] = []
  /// For each instruction, the place in the chain that asked for it.
  package var sources: [SourceRange] = []
  /// Innermost first.
  package var handlers: [Handler] = []
  package var constants: [Value] = []
  package var templates: [TextTemplate] = []
  package var resultPaths: [ResultPath] = []
  package var operations: [Operation] = []
  package var steps: [StepDescription] = []
  /// Where each step's code stands, inner steps before the one around them. A step that is lowered at several places has several.
  package var extents: [StepExtent] = []
  package var checks: [CheckDescription] = []
  package var events: [EventDeclaration] = []
  package var feeds: [FeedDeclaration] = []
  package var profiles: [LoadProfile] = []
  package var thresholds: [Threshold] = []
  /// What servers tell about themselves; those of one connection stand together, in the order of the connections.
  package var serverFigures: [ServerFigureDeclaration] = []
  package var alerts: [AlertDeclaration] = []
  package var slots: [SlotDescription] = []
  package var branches: [BranchDescription] = []
  package var arms: [ArmsDescription] = []
  package var lanes: [LanesDescription] = []
  package var measures: [MeasureDescription] = []
  package var retries: [RetryDescription] = []
  package var secrets: [SecretDeclaration] = []
  /// At least one. Iterations are dealt to them by weight, so that the mix holds in every window.
  package var scenarios: [ScenarioDescription] = []
  /// Where one iteration starts: the first scenario's.
  package var iterationEntry = 0
  /// Once per run, before the observers are armed and after the load; nil if the chain has none. Their slots are the same frame.
  package var setupEntry: Int?
  package var teardownEntry: Int?
  /// Once per virtual user, before its first iteration and after its last; nil if the chain has none.
  package var userSetupEntry: Int?
  package var userTeardownEntry: Int?
  /// Slots that keep their value from one iteration of a user to the next: what `setup_vu` captured.
  package var userSlots: [SlotIndex] = []
  /// Slots whose values have memory of their own and are of no use once the iteration that wrote them has ended.
  package var spentSlots: [SlotIndex] = []
  /// Slot that holds `$run.id`, filled by the runtime at the start of a frame; nil if the chain does not read it.
  package var runIdSlot: SlotIndex?
  /// Slots filled once per frame and never written by the iteration: `vars`.
  package var initialValues: [(slot: SlotIndex, value: Value)] = []
  /// What `guard:` allows; nil if the chain has none.
  package var guardHosts: [String]?
  /// Operations that write which the whole run may send (`guard: writes`); nil without a limit.
  package var guardWrites: Int?
  /// Which systems are told the trace that a request belongs to. Of the run, not of the chain: nothing until the command line asks.
  package var traceContext: TraceContext = []

  package init(chain: String, chainDescription: String, chainHash: String) {
    self.chain = chain
    self.chainDescription = chainDescription
    self.chainHash = chainHash
  }
}

/// The instructions of one step, those of the steps inside it included. For people's eyes: the runtime does not read it.
package struct StepExtent: Sendable, Hashable {
  package let step: StepIndex
  package let code: Range<Int>

  package init(step: StepIndex, code: Range<Int>) {
    self.step = step
    self.code = code
  }
}

extension Program {
  /// Entries that a table of a program may have.
  package static let tableCountMax = Int(UInt16.max)

  /// The table with more entries than an index can say, in words; such a program must not run.
  package var oversizedTable: String? {
    let tables: [(String, Int)] = [
      ("variables and intermediate values", slots.count), ("constants", constants.count), ("texts", templates.count),
      ("parts of results", resultPaths.count), ("operations", operations.count), ("steps", steps.count), ("checks", checks.count),
      ("connections", connections.count), ("events", events.count), ("feeds", feeds.count), ("branches", branches.count),
      ("lanes", lanes.count), ("measures", measures.count), ("retries", retries.count),
    ]
    return tables.first { $0.1 > Program.tableCountMax }?.0
  }
}

package struct SlotDescription: Sendable {
  /// A variable's name, or `.n` for a temporary.
  package let name: String
  package let type: ValueType

  package init(name: String, type: ValueType) {
    self.name = name
    self.type = type
  }
}

/// An entry of `connections:`.
package struct ConnectionDeclaration: Sendable {
  package enum Address: Sendable {
    case literal(String)
    /// The name of an environment variable that holds it.
    case environment(String)
  }
  package enum Pool: Sendable, Hashable {
    case size(Int)
    case perUser
  }
  package let name: String
  /// The connector's `kind`.
  package let kind: String
  package let address: Address
  package let access: String
  package let pool: Pool
  /// Nanoseconds that a step may wait for a connection.
  package let acquireTimeoutNanoseconds: UInt64
  /// Nanoseconds for connecting, authentication included.
  package let connectTimeoutNanoseconds: UInt64
  /// The connector's own keys that were given.
  package let options: [(name: String, value: OperandTemplate)]
  package let range: SourceRange

  package init(
    name: String, kind: String, address: Address, access: String, pool: Pool, acquireTimeoutNanoseconds: UInt64,
    connectTimeoutNanoseconds: UInt64, options: [(name: String, value: OperandTemplate)], range: SourceRange
  ) {
    self.name = name
    self.kind = kind
    self.address = address
    self.access = access
    self.pool = pool
    self.acquireTimeoutNanoseconds = acquireTimeoutNanoseconds
    self.connectTimeoutNanoseconds = connectTimeoutNanoseconds
    self.options = options
    self.range = range
  }

  package func option(_ name: String) -> OperandTemplate? {
    for option in options where option.name == name { return option.value }
    return nil
  }
}

/// An entry of `feeds:`, with its rows read and typed.
package struct FeedDeclaration: Sendable {
  package enum Pick: String, Sendable, CaseIterable {
    case random
    case sequential
    case unique
  }
  package enum Exhaustion: String, Sendable, CaseIterable {
    /// The run ends.
    case stop
    /// Begins again at the first row.
    case again
  }
  package let name: String
  package let columns: [(name: String, type: ValueType)]
  package let pick: Pick
  package let onExhaustion: Exhaustion
  /// Row-major: row r's column c is `cells[r * columns.count + c]`.
  package let cells: [Value]
  package var rowCount: Int { columns.isEmpty ? 0 : cells.count / columns.count }

  package init(name: String, columns: [(name: String, type: ValueType)], pick: Pick, onExhaustion: Exhaustion, cells: [Value]) {
    self.name = name
    self.columns = columns
    self.pick = pick
    self.onExhaustion = onExhaustion
    self.cells = cells
  }
}
