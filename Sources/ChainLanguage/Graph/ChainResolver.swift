internal import ChainProgram
internal import Diagnostics

/// Turns the graph into a typed chain: resolves names, types expressions, hands out slots, and finds what is wrong on the way.
///
/// One walk in the order of execution; `+Topic` files hold its parts. Rules that need no flow stand in `Checks` and `Lints`.
final class ChainResolver {
  /// The chain itself.
  let main: ChainFile
  var graph: ChainGraph { main.graph }
  /// The file whose steps are being resolved.
  var current: ChainFile
  /// The chain and all files that it imports.
  let chainFiles: [ChainFile]
  let connectors: [ConnectorSchema]
  let options: CompileOptions
  var files: SourceFiles
  var findings: Findings
  var builder: ProgramBuilder
  var typed = TypedChain()
  /// Texts of files that steps name, by their paths; a failure is kept, so that a file is read once.
  private var textFiles: [String: Result<[UInt8], ReadFailure>] = [:]
  /// Only while `resolve` runs.
  private var fileReader: FileReader?

  /// `vars` and `run` of the current file: what every expression may read.
  var constants: [String: NameBinding] {
    get { current.constants }
    set { current.constants = newValue }
  }
  /// Feeds, which only the iteration may read.
  var feedBindings: [String: NameBinding] = [:]
  var feedBases: [(feed: FeedIndex, base: SlotIndex, count: Int)] = []
  var runIdSlot: SlotIndex?
  var origins: [OriginState] = []
  var slotsRead: Set<SlotIndex> = []
  /// Variables by block and name: the same name in one block is one slot.
  var block = BlockState()
  var generatedIds: [String: Int] = [:]
  var stepsById: [String: StepIndex] = [:]
  /// The names by which steps inside flows may be meant besides their ids: without the calls around them, and by the flow's name.
  var stepsByAlias: [String: [StepIndex]] = [:]
  /// Calls around the step that is being resolved, outermost first.
  var frames: [CallFrame] = []
  var usedPrefixes: [String: Int] = [:]
  /// Flows that were resolved in at least one call, by the place of their name.
  var calledFlows: Set<SourceRange> = []
  /// A flow that nothing calls is resolved for its findings only.
  var isRehearsal = false
  var hasReportedSize = false
  /// What `setup_vu` captured.
  var userFlow: FlowState = [:]
  var userBlock = BlockState()
  var idRanges: [String: SourceRange] = [:]
  /// By the range of a step's verb or of a hop's name: where the main operand's text stands.
  var operandPlaces: [SourceRange: OperandPlace] = [:]
  /// Nodes of typed expressions so far; a limit on them keeps every table of the program within its index.
  var expressionWeight = 0
  static let expressionWeightMax = 30_000

  /// What belongs to one of `setup`, `steps` and `teardown`.
  struct CallFrame {
    /// The caller's variables at the call.
    let flow: FlowState
    let block: BlockState
    let file: ChainFile
    /// Before the ids of the steps inside.
    let prefix: String
    /// The same with the flow's name in place of the call's id.
    let aliasPrefix: String
    let flowRange: SourceRange
    let flowName: String
  }

  struct BlockState {
    var anywhere: [String: SourceRange] = [:]
    var slots: [String: (slot: SlotIndex, type: ValueType, range: SourceRange)] = [:]
    var readsFeeds = false
    /// Constants, and feeds where they can be read.
    var fixed: [String: NameBinding] = [:]
    /// First places of captures, for the lint about those that nothing reads.
    var captures: [(name: String, slot: SlotIndex, range: SourceRange)] = []
    /// Names that something with a finding would have read.
    var excused: Set<String> = []
    /// Moments of its steps that a measure may read, with the places of the steps.
    var steps: Set<StepIndex> = []
  }

  init(
    main: ChainFile, chainFiles: [ChainFile], connectors: [ConnectorSchema], options: CompileOptions, files: SourceFiles,
    findings: Findings, program: Program
  ) {
    self.main = main
    self.chainFiles = chainFiles
    current = main
    self.connectors = connectors
    self.options = options
    self.files = files
    self.findings = findings
    builder = ProgramBuilder(program: program)
  }

  /// Everything in its order; afterwards `typed`, `builder.program`'s tables, `files` and `findings` are complete.
  func resolve(readFile: FileReader) {
    withoutActuallyEscaping(readFile) { reader in
      fileReader = reader
      resolveAll(readFile: reader)
      fileReader = nil
    }
  }

  /// A file that a step names, beside the chain file that the step stands in.
  func textFile(_ path: String) -> Result<[UInt8], ReadFailure> {
    if let known = textFiles[path] { return known }
    guard let fileReader, textFiles.count < 1_000 else { return .failure(ReadFailure("too many files")) }
    let read = fileReader(path)
    textFiles[path] = read
    return read
  }

  private func resolveAll(readFile: FileReader) {
    builder.program.guardHosts = graph.guardHosts
    resolveVariables()
    builder.program.guardWrites = constantInteger(graph.guardWrites, "writes", in: 1...Int64.max)
    resolveConnections()
    resolveFeeds(readFile: readFile)
    declareRun()
    declareSecrets()
    reserveIds()
    prepareOrigins()
    typed.setup = resolveBlock(graph.setup, readsFeeds: false)
    resolveUserSetup()
    resolveScenarios()
    typed.userTeardown = resolveBlock(graph.userTeardown, readsFeeds: false, seesUserSetup: true)
    finishUserSetup()
    typed.teardown = resolveBlock(graph.teardown, readsFeeds: false)
    finishEvents()
    rehearseFlows()
    finishFeeds()
    resolveProfiles()
    resolveThresholds()
    resolveAlerts()
    if builder.program.steps.count > Self.stepsMax {
      findings.add(
        .limitExceeded, at: graph.file.range(0, 0), "the chain has \(builder.program.steps.count) steps, and \(Self.stepsMax) is the limit")
    }
    if expressionWeight > Self.expressionWeightMax {
      findings.add(
        .limitExceeded, at: graph.file.range(0, 0),
        "the expressions have \(expressionWeight) parts in all, and \(Self.expressionWeightMax) is the limit")
    }
  }

  private func declareRun() {
    let slot = builder.declare("run.id", .string)
    runIdSlot = slot
    let run = NameBinding.namespace(
      NameBinding.Namespace(
        title: "'run'", noun: "member",
        members: [("id", .variable(NameBinding.Variable(slot: slot, type: .string, captured: nil)))]))
    for file in chainFiles { file.constants["run"] = run }
  }

  // Reading expressions

  func expressionText(_ scalar: YAMLScalar) -> ExpressionText {
    ExpressionText(scalar.text) { scalar.rawRange(ofCookedUTF8: $0) }
  }

  /// Types an expression, and notes what it reads.
  func check(_ expression: Expression, _ scope: StepScope, _ expectation: Expectation) -> TypedExpression {
    let typed = expression.check(in: scope, expecting: expectation, into: &findings)
    noteReads(expression, typed, scope)
    return typed
  }

  private func noteReads(_ expression: Expression, _ typed: TypedExpression, _ scope: StepScope) {
    if !isRehearsal { expressionWeight += expression.weight }
    // By name and not by the typed tree, so that a read in an expression with a finding counts too.
    expression.forEachRootName { name, _ in
      if let bound = scope.flow[name], !scope.results.contains(where: { $0.name == name }) { slotsRead.insert(bound.slot) }
      if let binding = scope.fixed[name], case .namespace(let space) = binding {
        for member in space.members {
          if case .variable(let variable) = member.binding { slotsRead.insert(variable.slot) }
        }
      }
    }
    if !typed.isInvalid { slotsRead.formUnion(typed.slotsRead) }
  }

  /// A raw expression: `check`, `capture`, `if` …
  func expression(_ scalar: YAMLScalar, _ scope: StepScope, _ expectation: Expectation) -> TypedExpression {
    check(Expression.parse(expressionText(scalar), into: &findings), scope, expectation)
  }

  /// A scalar that may hold `$name` or `${…}`, as one value: `within`, `repeat`, an event's id …
  func value(_ node: YAMLNode, key: String, _ scope: StepScope, _ expectation: Expectation) -> TypedValue? {
    guard let scalar = node.scalar else {
      findings.add(.wrongNodeKind, at: node.placeRange, "'\(key)' is one value, and this is \(node.kindPhrase)")
      return nil
    }
    let template = ScalarTemplate.parse(expressionText(scalar), into: &findings)
    expressionWeight += 1
    if let whole = template.whole {
      let typed = check(whole, scope, expectation)
      return typed.isInvalid ? nil : .expression(typed)
    }
    if let literal = template.literal { return literalValue(literal, scalar, key: key, expectation).map(TypedValue.expression) }
    if case .type(let type) = expectation.wanted, type != .string {
      findings.add(
        .typeMismatch, at: scalar.range, "this is text, and \(expectation.phrase)", help: "an expression alone in the value keeps its type")
      return nil
    }
    return text(scalar, template, scope).map(TypedValue.text)
  }

  /// A literal scalar as the value that its place takes.
  private func literalValue(_ literal: String, _ scalar: YAMLScalar, key: String, _ expectation: Expectation) -> TypedExpression? {
    let range = scalar.contentRange
    if case .type(.duration) = expectation.wanted {
      return LiteralReader.duration(expressionText(scalar), into: &findings).map {
        TypedExpression(.constant(.duration($0)), .duration, range: range)
      }
    }
    let (value, type) = scalar.style == .plain ? LiteralReader.value(literal) : (.string(literal), .string)
    let fits: Bool
    switch expectation.wanted {
    case .type(let wanted):
      if wanted != type, type != .null, let widened = ConstantFolding.convert(value, to: wanted) {
        return TypedExpression(.constant(widened), wanted, range: range)
      }
      fits = wanted == type
    case .oneOf(let wanted): fits = wanted.contains(type)
    case .variable, .text, .json, .anything: fits = type != .null
    }
    guard fits else {
      findings.add(
        .typeMismatch, at: range, "this is \(type), and \(expectation.phrase)",
        help: type == .string ? "a variable is written '$\(shown(literal))'" : nil)
      return nil
    }
    if let hint = scalar.ambiguousHint { findings.add(.ambiguousScalar, at: scalar.range, hint, fix: quotePlain(scalar)) }
    return TypedExpression(.constant(value), type, range: range)
  }

  /// A value that must be known before the run: literal, or made of `vars`.
  func constantDuration(_ entry: YAMLEntry?, _ key: String) -> UInt64? {
    entry.flatMap { constantDuration($0.value, key) }
  }

  func constantDuration(_ node: YAMLNode, _ key: String) -> UInt64? {
    let scope = StepScope(flow: [:], fixed: constants, anywhere: [:])
    guard let value = value(node, key: key, scope, .duration(key)), case .expression(let typed) = value else { return nil }
    guard case .duration(let nanoseconds)? = typed.constant else {
      findings.add(
        .badValue, at: node.placeRange, "'\(key)' must be known before the run", help: "write a duration or a variable of 'vars'")
      return nil
    }
    return UInt64(clamping: nanoseconds)
  }

  /// A whole number that must be known before the run.
  func constantInteger(_ entry: YAMLEntry?, _ key: String, in bounds: ClosedRange<Int64>) -> Int? {
    guard let entry else { return nil }
    guard let scalar = scalar(entry, into: &findings) else { return nil }
    let template = ScalarTemplate.parse(expressionText(scalar), into: &findings)
    guard let whole = template.whole else {
      return LiteralReader.integer(expressionText(scalar), in: bounds, into: &findings).map { Int($0) }
    }
    let scope = StepScope(flow: [:], fixed: constants, anywhere: [:])
    let typed = check(whole, scope, Expectation(.type(.int), "'\(key)' takes a whole number"))
    guard !typed.isInvalid else { return nil }
    guard case .int(let number)? = typed.constant, bounds.contains(number) else {
      findings.add(
        .badValue, at: scalar.range, "'\(key)' is a whole number from \(bounds.lowerBound) to \(bounds.upperBound), known before the run")
      return nil
    }
    return Int(number)
  }

  /// One of the words listed.
  func choice(_ entry: YAMLEntry?, _ key: String, _ words: [String]) -> String? {
    guard let entry, let scalar = scalar(entry, into: &findings) else { return nil }
    if words.contains(scalar.text) { return scalar.text }
    let near = nearestName(to: scalar.text, among: words)
    findings.add(
      .badValue, at: scalar.range, "'\(key)' is one of \(listPhrase(words)), and not '\(shown(scalar.text))'",
      help: near.map { "did you mean '\($0)'?" })
    return nil
  }

  func reportUnknownName(_ scalar: YAMLScalar, what: String, among names: [String]) {
    let near = findings.isFull ? nil : nearestName(to: scalar.text, among: names)
    findings.add(
      .unknownName, at: scalar.range, "there is no \(what) '\(shown(scalar.text))'",
      help: near.map { "did you mean '\($0)'?" } ?? (names.isEmpty ? nil : "declared are \(listPhrase(names))"))
  }
}
