internal import ChainProgram
internal import Diagnostics

/// Turns the graph into a typed chain: resolves names, types expressions, hands out slots, and finds what is wrong on the way.
///
/// One walk in the order of execution; `+Topic` files hold its parts. Rules that need no flow stand in `Checks` and `Lints`.
final class ChainResolver {
  let graph: ChainGraph
  let connectors: [ConnectorSchema]
  let options: CompileOptions
  var files: SourceFiles
  var findings: Findings
  var builder: ProgramBuilder
  var typed = TypedChain()

  /// `vars` and `run`: what every expression may read.
  var constants: [String: NameBinding] = [:]
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
  var idRanges: [String: SourceRange] = [:]
  /// Nodes of typed expressions so far; a limit on them keeps every table of the program within its index.
  var expressionWeight = 0
  static let expressionWeightMax = 30_000

  /// What belongs to one of `setup`, `steps` and `teardown`.
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
  }

  init(
    graph: ChainGraph, connectors: [ConnectorSchema], options: CompileOptions, files: SourceFiles, findings: Findings, program: Program
  ) {
    self.graph = graph
    self.connectors = connectors
    self.options = options
    self.files = files
    self.findings = findings
    builder = ProgramBuilder(program: program)
  }

  /// Everything in its order; afterwards `typed`, `builder.program`'s tables, `files` and `findings` are complete.
  func resolve(readFile: FileReader) {
    builder.program.guardHosts = graph.guardHosts
    resolveConnections()
    resolveVariables()
    resolveFeeds(readFile: readFile)
    declareRun()
    reserveIds()
    prepareOrigins()
    typed.setup = resolveBlock(graph.setup, readsFeeds: false)
    typed.steps = resolveBlock(graph.steps, readsFeeds: true)
    typed.teardown = resolveBlock(graph.teardown, readsFeeds: false)
    finishEvents()
    finishFeeds()
    resolveProfiles()
    resolveThresholds()
    if expressionWeight > Self.expressionWeightMax {
      findings.add(
        .limitExceeded, at: graph.file.range(0, 0),
        "the expressions have \(expressionWeight) parts in all, and \(Self.expressionWeightMax) is the limit")
    }
  }

  private func declareRun() {
    let slot = builder.declare("run.id", .string)
    runIdSlot = slot
    constants["run"] = .namespace(
      NameBinding.Namespace(
        title: "'run'", noun: "member",
        members: [("id", .variable(NameBinding.Variable(slot: slot, type: .string, captured: nil)))]))
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
    expressionWeight += expression.weight
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
    case .type(let wanted): fits = wanted == type
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
    guard let entry else { return nil }
    let scope = StepScope(flow: [:], fixed: constants, anywhere: [:])
    guard let value = value(entry.value, key: key, scope, .duration(key)), case .expression(let typed) = value else { return nil }
    guard case .duration(let nanoseconds)? = typed.constant else {
      findings.add(
        .badValue, at: entry.value.placeRange, "'\(key)' must be known before the run", help: "write a duration or a variable of 'vars'")
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
