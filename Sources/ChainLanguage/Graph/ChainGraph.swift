internal import ChainProgram
internal import Diagnostics

/// A chain as it was written: all names, steps and fields with their places, the shape checked, nothing resolved yet.
struct ChainGraph {
  let file: SourceFile
  var name = ""
  var description = ""
  var guardHosts: [String]?
  var guardWrites: YAMLEntry?
  /// Imports: a name and a path each.
  var uses: [YAMLEntry] = []
  var secrets: [SecretNode] = []
  var flows: [FlowNode] = []
  /// nil without `scenarios:`.
  var scenarios: [ScenarioNode]?
  var userSetup: [StepNode] = []
  var userTeardown: [StepNode] = []
  /// The file's own top-level keys, for files that may not have all of them.
  var keys: [YAMLScalar] = []
  var connections: [ConnectionNode] = []
  var variables: [VariableNode] = []
  var feeds: [FeedNode] = []
  var events: [EventNode] = []
  var setup: [StepNode] = []
  var teardown: [StepNode] = []
  var steps: [StepNode] = []
  /// Where `steps` stands; nil if the chain has none.
  var stepsRange: SourceRange?
  var profiles: [ProfileNode] = []
  var thresholds: [ThresholdNode] = []
  var alerts: [AlertNode] = []
}

/// An entry of `alerts:`.
struct AlertNode {
  var name: YAMLEntry?
  var when: YAMLEntry?
  var over: YAMLEntry?
  /// `for`
  var failures: YAMLEntry?
  var resolveAfter: YAMLEntry?
  var every: YAMLEntry?
  var timeout: YAMLEntry?
  /// `run`
  var command: YAMLEntry?
  var webhook: YAMLEntry?
  let range: SourceRange
}

/// A claim, in its short form (a text) or its long one.
struct ThresholdNode {
  let claim: YAMLScalar
  var over: YAMLEntry?
  var failures: YAMLEntry?
  var abort: YAMLEntry?
}

struct ConnectionNode {
  let name: YAMLScalar
  /// nil if there is a finding about its kind.
  let schema: ConnectorSchema?
  let address: YAMLNode?
  let access: YAMLEntry?
  let pool: YAMLEntry?
  let acquireTimeout: YAMLEntry?
  let connectTimeout: YAMLEntry?
  let options: [(key: KeySchema, entry: YAMLEntry)]
}

struct VariableNode {
  let name: YAMLScalar
  /// The `type` of the long form.
  let type: YAMLEntry?
  let value: YAMLNode?
}

struct SecretNode {
  let name: YAMLScalar
  let environment: YAMLScalar?
  let file: YAMLScalar?
}

struct FlowNode {
  let name: YAMLScalar
  let inputs: [YAMLEntry]
  let outputs: [YAMLEntry]
  let steps: [StepNode]
}

struct ScenarioNode {
  let name: YAMLScalar
  let weight: YAMLEntry?
  let steps: [StepNode]
}

struct FeedNode {
  enum Format { case csv, json, ndjson }
  let name: YAMLScalar
  let format: Format
  /// The path of its file.
  let path: YAMLNode?
  let columns: [YAMLEntry]
  let columnsRange: SourceRange
  let pick: YAMLEntry?
  let exhausted: YAMLEntry?
}

struct EventNode {
  let name: YAMLScalar
  let origin: YAMLScalar?
  let id: YAMLNode?
  let key: YAMLNode?
  let version: YAMLNode?
  let body: [YAMLEntry]
  let deadline: YAMLEntry?
  let settle: YAMLEntry?
  let hops: [HopNode]
}

struct HopNode {
  let name: YAMLScalar
  /// nil if there is a finding about it.
  let observer: (schema: ObserverSchema, kind: String, entry: YAMLEntry)?
  let conn: YAMLEntry?
  let options: [(key: KeySchema, entry: YAMLEntry)]
  let id: YAMLScalar?
  let key: YAMLScalar?
  let version: YAMLScalar?
  let run: YAMLScalar?
  let expires: YAMLEntry?
  let guarantees: YAMLEntry?
  let body: [YAMLEntry]
}

struct ProfileNode {
  let name: YAMLScalar
  let closed: MappingReader?
  let open: MappingReader?
  let warmUp: YAMLEntry?
  let gracefulStop: YAMLEntry?
  let backoff: YAMLEntry?
  let mix: [YAMLEntry]
  let mixRange: SourceRange?
  let range: SourceRange
}

/// A step, with its verb and the keys beside it.
final class StepNode {
  let range: SourceRange
  /// The verb as it stands in the file.
  let verb: YAMLScalar
  let kind: StepKind
  let id: YAMLScalar?
  let name: YAMLScalar?
  let conn: YAMLEntry?
  let timeout: YAMLEntry?
  let captures: [YAMLEntry]
  let checks: [YAMLScalar]
  let continuesOnError: Bool
  let when: YAMLScalar?
  let retry: RetryNode?

  init(
    range: SourceRange, verb: YAMLScalar, kind: StepKind, id: YAMLScalar?, name: YAMLScalar?, conn: YAMLEntry?, timeout: YAMLEntry?,
    captures: [YAMLEntry], checks: [YAMLScalar], continuesOnError: Bool, when: YAMLScalar?, retry: RetryNode?
  ) {
    self.when = when
    self.retry = retry
    self.range = range
    self.verb = verb
    self.kind = kind
    self.id = id
    self.name = name
    self.conn = conn
    self.timeout = timeout
    self.captures = captures
    self.checks = checks
    self.continuesOnError = continuesOnError
  }
}

enum StepKind {
  case operation(OperationNode)
  case set([YAMLEntry])
  case choice([(condition: YAMLScalar, steps: [StepNode])], otherwise: [StepNode])
  case loop(count: YAMLNode, counter: YAMLScalar?, steps: [StepNode])
  case think(shortest: YAMLNode, longest: YAMLNode?)
  case awaitHop(path: YAMLScalar, within: YAMLEntry?)
  case awaitProbe(ProbeNode)
  case log(YAMLNode)
  case fail(YAMLNode)
  case switchOn(subject: YAMLScalar, cases: [(value: YAMLScalar, steps: [StepNode])], otherwise: [StepNode])
  case weighted([WeightedNode])
  case forEach(list: YAMLScalar, item: YAMLScalar?, steps: [StepNode])
  case whileLoop(condition: YAMLScalar, max: YAMLEntry?, steps: [StepNode])
  case group(YAMLScalar, steps: [StepNode])
  case parallel(waitsForAll: Bool, lanes: [(name: YAMLScalar, steps: [StepNode])])
  case call(flow: YAMLScalar, inputs: [YAMLEntry])
  case measure([MeasureNode])
  case stop(endsRun: Bool)
}

struct RetryNode {
  let range: SourceRange
  let errors: [YAMLScalar]
  let max: YAMLEntry?
  /// A duration alone: the pause does not grow.
  let pause: YAMLEntry?
  let start: YAMLEntry?
  let factor: YAMLEntry?
  let pauseMax: YAMLEntry?
}

struct WeightedNode {
  let weight: YAMLEntry?
  let name: YAMLScalar?
  let range: SourceRange
  let steps: [StepNode]
}

struct MeasureNode {
  let name: YAMLScalar
  let from: YAMLScalar
  let to: YAMLScalar
}

/// An operation of a connector's verb.
struct OperationNode {
  let connector: ConnectorSchema
  let schema: VerbSchema
  let operand: YAMLNode
  let options: [(key: KeySchema, entry: YAMLEntry)]
  /// The steps inside it, for a verb whose operand is a block; nil for any other.
  let nested: [StepNode]?

  /// Whether it ends the transaction around it on purpose.
  var isRollback: Bool { schema.name == "rollback" }
}

struct ProbeNode {
  let probe: StepNode
  let until: YAMLScalar?
  let within: YAMLEntry?
  /// The pause's fields that were given; a duration alone gives the start and the max.
  let every: YAMLNode?
  let start: YAMLEntry?
  let factor: YAMLEntry?
  let max: YAMLEntry?
}
