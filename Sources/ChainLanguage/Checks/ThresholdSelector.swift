internal import ChainProgram
internal import Diagnostics

/// `threshold-selector`: reads each claim as `metric(selector) op limit`.
extension ChainResolver {
  static let thresholdExample = "for example: p99(step.insert_order) < 20ms, or rate(errors) < 0.1%"

  /// `metric(selector) op limit`, not yet looked up.
  struct MetricClaim {
    let function: String
    let functionRange: SourceRange
    let path: SelectorPath
    let pathRange: SourceRange
    let comparison: Comparison
    let limit: Expression
    /// Where the metric and its selector stand.
    let range: SourceRange
  }

  typealias SelectorPath = [(name: String, range: SourceRange)]

  func resolveThresholds() {
    for node in graph.thresholds.prefix(10_000) {
      guard let claim = metricClaim(node.claim, of: "a threshold", example: Self.thresholdExample), let measured = measured(claim) else {
        continue
      }
      builder.program.thresholds.append(
        Threshold(
          text: node.claim.text, metric: measured.metric, comparison: claim.comparison, limit: measured.limit,
          isOfBaseline: measured.isOfBaseline, window: window(of: node), range: node.claim.contentRange))
    }
  }

  /// - Parameter phrase: Who claims it, as a message begins: `a threshold`.
  /// - Returns: nil with a finding for what has another form.
  func metricClaim(_ claim: YAMLScalar, of phrase: String, example: String) -> MetricClaim? {
    let expression = Expression.parse(expressionText(claim), into: &findings)
    guard !expression.isInvalid else { return nil }
    guard case .binary(let op, let left, let right, _) = expression.kind, let comparison = op.comparison,
      case .call(let callee, let arguments) = left.kind, case .name(let function) = callee.kind
    else {
      findings.add(.thresholdSelector, at: claim.contentRange, "\(phrase) compares a metric with a limit", help: example)
      return nil
    }
    guard arguments.count == 1, let path = arguments[0].path else {
      findings.add(.thresholdSelector, at: left.range, "'\(shown(function))' takes one selector", help: example)
      return nil
    }
    return MetricClaim(
      function: function, functionRange: callee.range, path: path, pathRange: arguments[0].range, comparison: comparison, limit: right,
      range: left.range)
  }

  /// The metric that a claim names, and the limit in its unit, or its factor of a baseline; nil with a finding.
  func measured(_ claim: MetricClaim) -> (metric: Threshold.Metric, limit: Double, isOfBaseline: Bool)? {
    guard let metric = metric(claim.function, claim.functionRange, claim.path, claim.pathRange) else { return nil }
    guard let factor = baselineFactor(claim.limit) else { return limit(claim.limit, for: metric).map { (metric, $0, false) } }
    if isKeptInBaselines(metric) { return (metric, factor, true) }
    findings.add(
      .thresholdSelector, at: claim.range, "a baseline does not keep this figure",
      help: "it keeps p50, p95 and p99 of response, service, steps, measures and hops, and rate(errors)")
    return nil
  }

  /// `baseline`, `1.1 * baseline`, `baseline * 1.1`: the factor; nil for anything else.
  private func baselineFactor(_ expression: Expression) -> Double? {
    func isBaseline(_ expression: Expression) -> Bool {
      if case .name("baseline") = expression.kind { true } else { false }
    }
    if isBaseline(expression) { return 1 }
    guard case .binary(.multiply, let left, let right, _) = expression.kind, isBaseline(left) != isBaseline(right) else { return nil }
    switch (isBaseline(left) ? right : left).kind {
    case .literal(.int(let number), _): return Double(number)
    case .literal(.decimal(let number), _): return number.doubleValue
    case .literal(.percentage(let share), _), .literal(.float(let share), _): return share
    default: return nil
    }
  }

  private func isKeptInBaselines(_ metric: Threshold.Metric) -> Bool {
    switch metric {
    case .quantile(let q, let series):
      switch series {
      case .step, .lag, .response, .service, .measure: [0.5, 0.95, 0.99].contains(q)
      case .startDelay, .stable, .violation: false
      }
    case .rate(.errors): true
    case .mean, .minimum, .maximum, .count, .rate: false
    }
  }

  /// Nil where the run's end decides.
  private func window(of node: ThresholdNode) -> Threshold.Window? {
    let over = constantDuration(node.over, "over")
    if let entry = node.over, let over, over < 1_000_000_000 {
      findings.add(.badValue, at: entry.value.placeRange, "a window is at least a second long", help: "figures are taken once a second")
    }
    let failures = constantInteger(node.failures, "for", in: 1...1_000_000)
    if let entry = node.failures, node.over == nil {
      findings.add(.missingKey, at: entry.key.range, "'for' counts windows, and there is no 'over'", help: "add the windows' length, such as 'over: 30s'")
    }
    var aborts = false
    if let entry = node.abort, let scalar = scalar(entry, into: &findings) {
      switch scalar.text {
      case "true": aborts = true
      case "false": break
      default: findings.add(.badValue, at: scalar.range, "'abort' is true or false")
      }
    }
    return over != nil || aborts ? Threshold.Window(overNanoseconds: over, failures: failures ?? 1, aborts: aborts) : nil
  }

  private func metric(_ function: String, _ range: SourceRange, _ path: SelectorPath, _ selector: SourceRange) -> Threshold.Metric? {
    switch function {
    case "count": return count(path, selector).map { .count($0) }
    case "rate": return count(path, selector).map { .rate($0) }
    case "mean": return series(path, selector).map { .mean($0) }
    case "min": return series(path, selector).map { .minimum($0) }
    case "max": return series(path, selector).map { .maximum($0) }
    case "median": return series(path, selector).map { .quantile(0.5, $0) }
    default:
      guard let quantile = quantile(function) else {
        let names = ["p50", "p90", "p95", "p99", "mean", "median", "min", "max", "count", "rate"]
        findings.add(
          .thresholdSelector, at: range, "'\(shown(function))' is no metric",
          help: nearestName(to: function, among: names).map { "did you mean '\($0)'?" } ?? "the metrics: \(listPhrase(names))")
        return nil
      }
      return series(path, selector).map { .quantile(quantile, $0) }
    }
  }

  /// `p99` is 0.99, `p999` and `p99_9` are 0.999.
  private func quantile(_ name: String) -> Double? {
    guard name.hasPrefix("p") else { return nil }
    let digits = name.dropFirst().filter { $0 != "_" }
    guard (2...6).contains(digits.utf8.count) || digits == "0",
      digits.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }),
      let number = Double(digits)
    else { return name == "p100" ? 1 : nil }
    if digits == "100" { return 1 }
    var divisor = 1.0
    for _ in 0..<digits.utf8.count { divisor *= 10 }
    return number / divisor
  }

  private func series(_ path: SelectorPath, _ range: SourceRange) -> Threshold.Series? {
    switch (path[0].name, path.count) {
    case ("response", 1): return .response
    case ("service", 1): return .service
    case ("start_delay", 1): return .startDelay
    case ("step", 2...): return step(joined(path[1...])).map { .step($0) }
    case ("measure", 2): return measure(path[1]).map { .measure($0) }
    case ("event", 3):
      guard let event = event(path[1]) else { return nil }
      return hop(path[2], of: event).map { .lag(event.index, hop: $0) }
    case ("event", 4) where path[3].name == "stable":
      guard let event = event(path[1]), let hop = hop(path[2], of: event) else { return nil }
      if event.node.hops[hop].observer?.schema.showsMessages == true {
        findings.add(
          .thresholdSelector, at: path[3].range, "messages are seen once, and 'stable' is for what an entry shows",
          help: "write event.\(event.node.name.text).\(path[2].name)")
        return nil
      }
      return .stable(event.index, hop: hop)
    case ("event", 4) where HopGuarantees.Kind(rawValue: path[3].name) != nil:
      guard let event = event(path[1]), let hop = hop(path[2], of: event) else { return nil }
      return guarantee(path[3], of: event.node, at: [event.node.hops[hop]]).map { .violation(event.index, hop: hop, $0) }
    default:
      findings.add(
        .thresholdSelector, at: range, "this selects no times",
        help: "times are response, service, start_delay, step.<id>, measure.<name>, event.<name>.<hop>, event.<name>.<hop>.stable and event.<name>.<hop>.<guarantee>")
      return nil
    }
  }

  private func count(_ path: SelectorPath, _ range: SourceRange) -> Threshold.Count? {
    switch (path[0].name, path.count) {
    case ("errors", 1): return .errors
    case ("iterations", 1): return .iterations
    case ("dropped", 1): return .dropped
    case ("failed_checks", 1): return .failedChecks
    case ("step", 3...) where path[path.count - 1].name == "errors": return step(joined(path[1..<path.count - 1])).map { .stepErrors($0) }
    case ("event", 3):
      guard let event = event(path[1]) else { return nil }
      if HopGuarantees.Kind(rawValue: path[2].name) != nil {
        return guarantee(path[2], of: event.node, at: event.node.hops).map { .violations(event.index, hop: nil, $0) }
      }
      return outcome(path[2], also: event.node.hops.map(\.name.text), of: event.node, at: event.node.hops).map {
        .outcome(event.index, hop: nil, name: $0)
      }
    case ("event", 4):
      guard let event = event(path[1]), let hop = hop(path[2], of: event) else { return nil }
      if HopGuarantees.Kind(rawValue: path[3].name) != nil {
        return guarantee(path[3], of: event.node, at: [event.node.hops[hop]]).map { .violations(event.index, hop: hop, $0) }
      }
      return outcome(path[3], also: [], of: event.node, at: [event.node.hops[hop]]).map { .outcome(event.index, hop: hop, name: $0) }
    default:
      findings.add(
        .thresholdSelector, at: range, "this selects nothing that is counted",
        help: "counted are errors, iterations, dropped, failed_checks, step.<id>.errors and event.<name>[.<hop>].<outcome>")
      return nil
    }
  }

  private func step(_ name: (name: String, range: SourceRange)) -> StepIndex? {
    step(named: name.name, at: name.range, finding: .thresholdSelector)
  }

  /// `place.insert_order`: a step inside a call.
  private func joined(_ path: SelectorPath.SubSequence) -> (name: String, range: SourceRange) {
    let range = path.dropFirst().reduce(path.first?.range ?? graph.file.range(0, 0)) { $0.union($1.range) }
    return (path.map(\.name).joined(separator: "."), range)
  }

  private func event(_ name: (name: String, range: SourceRange)) -> OriginState? {
    if let found = origins.first(where: { $0.node.name.text == name.name }) { return found }
    report(name, "there is no event", among: origins.map(\.node.name.text))
    return nil
  }

  private func measure(_ name: (name: String, range: SourceRange)) -> Int? {
    let names = builder.program.measures.map(\.name)
    if let found = names.firstIndex(of: name.name) { return found }
    report(name, "there is no measure", among: names)
    return nil
  }

  private func hop(_ name: (name: String, range: SourceRange), of event: OriginState) -> Int? {
    let hops = event.node.hops.map(\.name.text)
    if let found = hops.firstIndex(of: name.name) { return found }
    report(name, "event '\(event.node.name.text)' has no hop", among: hops)
    return nil
  }

  /// One that is asked for at one of the hops: what nobody asks for is not counted.
  private func guarantee(_ name: (name: String, range: SourceRange), of event: EventNode, at hops: [HopNode]) -> HopGuarantees.Kind? {
    var silent = Findings()
    guard let kind = HopGuarantees.Kind(rawValue: name.name) else { return nil }
    if hops.contains(where: { Self.promises(of: $0, into: &silent).contains { $0.kind == kind } }) { return kind }
    findings.add(
      .thresholdSelector, at: name.range,
      hops.count == 1 ? "hop '\(hops[0].name.text)' is not asked for '\(name.name)'" : "no hop of '\(event.name.text)' is asked for '\(name.name)'",
      help: "add 'guarantees: [\(name.name)]' to the hop, or 'guarantees: { \(name.name): measured }'")
    return nil
  }

  private func outcome(
    _ name: (name: String, range: SourceRange), also: [String], of event: EventNode, at hops: [HopNode]
  ) -> String? {
    guard Threshold.outcomeNames.contains(name.name) else {
      report(name, "there is no outcome", among: Threshold.outcomeNames + HopGuarantees.Kind.allCases.map(\.rawValue) + also)
      return nil
    }
    guard let missing = whatIsMissing(for: name.name, of: event, at: hops) else { return name.name }
    findings.add(
      .thresholdSelector, at: name.range, "'\(name.name)' cannot be checked here, and would never be decided", help: missing)
    return nil
  }

  /// What the chain would have to map for the outcome to be counted at one of the hops; nil if it does.
  private func whatIsMissing(for outcome: String, of event: EventNode, at hops: [HopNode]) -> String? {
    func isAny(_ holds: (HopNode) -> Bool) -> Bool { hops.contains { $0.observer == nil || holds($0) } }
    let (showsMessages, showsState) = (isAny { $0.observer?.schema.showsMessages == true }, isAny { $0.observer?.schema.showsMessages == false })
    switch outcome {
    case "duplicate": return showsMessages ? nil : "messages are delivered again, entries are only written again"
    case "reordered": return event.version != nil || isAny { $0.version != nil } ? nil : "give the event a 'version'"
    case "regressed":
      if !showsState { return "an entry can go back to an older version, a message cannot" }
      return event.version != nil || isAny { $0.version != nil } ? nil : "give the event a 'version'"
    case "stale_final":
      if !showsState { return "only what holds a state is looked at when the run ends" }
      return event.version != nil ? nil : "give the event a 'version'"
    case "missing", "extra": return showsState ? nil : "only what holds a state is looked at when the run ends"
    case "mismatch":
      return isAny { !$0.body.isEmpty || (event.version != nil && $0.version != nil) } ? nil : "give the event and the hop a 'body'"
    case "foreign": return isAny { $0.run != nil } ? nil : "give the hop a 'run'"
    default: return nil
    }
  }

  private func report(_ name: (name: String, range: SourceRange), _ message: String, among names: [String]) {
    findings.add(
      .thresholdSelector, at: name.range, "\(message) '\(shown(name.name))'",
      help: nearestName(to: name.name, among: names).map { "did you mean '\($0)'?" }
        ?? (names.isEmpty ? nil : "there is \(listPhrase(names))"))
  }

  private func limit(_ expression: Expression, for metric: Threshold.Metric) -> Double? {
    switch metric {
    case .quantile, .mean, .minimum, .maximum: limit(expression, in: .nanoseconds)
    case .count: limit(expression, in: .number, isCount: true)
    case .rate: limit(expression, in: .share)
    }
  }

  /// A limit in the unit of what it limits; nil with a finding.
  func limit(_ expression: Expression, in unit: AlertFigure.Unit, isCount: Bool = false) -> Double? {
    let scope = StepScope(flow: [:], fixed: constants, anywhere: [:])
    let wanted: Expectation
    switch unit {
    case .nanoseconds: wanted = Expectation(.type(.duration), "a time is compared with a duration")
    case .number where isCount: wanted = Expectation(.type(.int), "a count is compared with a whole number")
    case .number: wanted = Expectation(.oneOf([.int, .decimal, .float]), "it is compared with a number")
    case .share: wanted = Expectation(.oneOf([.percentage, .decimal, .int, .float]), "a share is compared with a percentage")
    }
    let typed = check(expression, scope, wanted)
    guard !typed.isInvalid else { return nil }
    switch typed.constant {
    case .duration(let nanoseconds): return Double(nanoseconds)
    case .int(let number): return Double(number)
    case .decimal(let number): return number.doubleValue
    case .percentage(let share), .float(let share): return share
    case nil, .null, .bool, .instant, .string, .uuid, .bytes, .json, .list, .rate, .size:
      findings.add(.thresholdSelector, at: expression.range, "a limit is known before the run")
      return nil
    }
  }
}
