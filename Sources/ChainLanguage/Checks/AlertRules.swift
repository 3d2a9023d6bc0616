internal import ChainProgram
internal import Diagnostics

/// `alerts:`: conditions on the selectors that thresholds have and on figures of each second, with what is done about them.
extension ChainResolver {
  static let alertExample = "for example: p95(step.insert_order) > 50ms, or rate(errors) > 1%"
  static let alertsMax = 100

  func resolveAlerts() {
    var names: [String: SourceRange] = [:]
    if let extra = graph.alerts.dropFirst(Self.alertsMax).first {
      findings.add(.limitExceeded, at: extra.range, "a chain has at most \(Self.alertsMax) alerts")
    }
    for node in graph.alerts.prefix(Self.alertsMax) {
      let name = alertName(node, &names)
      let condition = condition(of: node)
      let over = window(of: node)
      let firesAfter = constantInteger(node.failures, "for", in: 1...3_600)
      let resolvesAfter = constantInteger(node.resolveAfter, "resolve_after", in: 1...3_600)
      let every = constantDuration(node.every, "every")
      if let entry = node.every, let every, every < 1_000_000_000 {
        findings.add(.badValue, at: entry.value.placeRange, "an alert is told again after a second at the earliest", help: "figures are taken once a second")
      }
      let timeout = constantDuration(node.timeout, "timeout")
      if let entry = node.timeout, let timeout, !(100_000_000...300_000_000_000).contains(timeout) {
        findings.add(.badValue, at: entry.value.placeRange, "an action may take from 100ms to 5m")
      }
      let command = node.command.flatMap { self.command($0) }
      let webhook = node.webhook.flatMap { self.webhook($0) }
      if node.command == nil, node.webhook == nil {
        findings.add(
          .alertWithoutAction, at: node.name?.key.range ?? node.range, "the alert has neither 'run' nor 'webhook', and would tell nobody",
          help: "for example: run: [\"scripts/page-me\"], or webhook: $secrets.alert_url")
      }
      guard let name, let condition, let over else { continue }
      builder.program.alerts.append(
        AlertDeclaration(
          name: name, condition: condition, overNanoseconds: over, firesAfter: firesAfter ?? 1, resolvesAfter: resolvesAfter ?? firesAfter ?? 1,
          everyNanoseconds: every, timeoutNanoseconds: timeout ?? 10_000_000_000, command: command, webhook: webhook, range: node.range))
    }
  }

  private func alertName(_ node: AlertNode, _ names: inout [String: SourceRange]) -> String? {
    guard let entry = node.name, let scalar = scalar(entry, into: &findings) else { return nil }
    let text = scalar.text
    guard (1...100).contains(text.unicodeScalars.count), !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
      findings.add(.badValue, at: scalar.range, "an alert's name is a line of 1 to 100 characters")
      return nil
    }
    if let first = names[text] {
      findings.add(
        .duplicateName, at: scalar.range, "there is an alert '\(shown(text))' already", help: "choose another name",
        related: [Related(first, "the first one")])
    }
    names[text] = names[text] ?? scalar.range
    return text
  }

  private func window(of node: AlertNode) -> UInt64? {
    guard let entry = node.over else { return 10_000_000_000 }
    guard let over = constantDuration(entry, "over") else { return nil }
    let second: UInt64 = 1_000_000_000
    if over < second {
      findings.add(.badValue, at: entry.value.placeRange, "a window is at least a second long", help: "figures are taken once a second")
    } else if over % second != 0 || over > 3_600 * second {
      findings.add(.badValue, at: entry.value.placeRange, "a window is a whole number of seconds, up to an hour", help: "figures are taken once a second")
    }
    return over
  }

  // The condition

  private func condition(of node: AlertNode) -> AlertCondition? {
    guard let entry = node.when, let scalar = scalar(entry, into: &findings),
      let claim = metricClaim(scalar, of: "an alert", example: Self.alertExample)
    else { return nil }
    if let kind = claim.path.first?.name, ["generator", "pool"].contains(kind) {
      guard let (statistic, figure) = figure(claim), let limit = limit(claim.limit, in: figure.unit, isCount: statistic == .count) else {
        return nil
      }
      return AlertCondition(text: scalar.text, metric: .figure(statistic, figure), comparison: claim.comparison, limit: limit)
    }
    guard let measured = measured(claim) else { return nil }
    return AlertCondition(
      text: scalar.text, metric: .measured(measured.metric), comparison: claim.comparison, limit: measured.limit,
      isOfBaseline: measured.isOfBaseline)
  }

  private func figure(_ claim: MetricClaim) -> (AlertMetric.Statistic, AlertFigure)? {
    guard let figure = figure(claim.path, claim.pathRange) else { return nil }
    guard let statistic = AlertMetric.Statistic(rawValue: claim.function) else {
      let names = AlertMetric.Statistic.allCases.map(\.rawValue)
      findings.add(
        .thresholdSelector, at: claim.functionRange, "'\(shown(claim.function))' is no metric of a figure that each second has one of",
        help: nearestName(to: claim.function, among: names).map { "did you mean '\($0)'?" } ?? "its metrics: \(listPhrase(names))")
      return nil
    }
    if statistic == .count, !figure.isCounted {
      findings.add(
        .thresholdSelector, at: claim.functionRange, "this figure is not counted, so its seconds do not add up", help: "write mean, min, max or last")
      return nil
    }
    return (statistic, figure)
  }

  private func figure(_ path: SelectorPath, _ range: SourceRange) -> AlertFigure? {
    switch (path[0].name, path.count) {
    case ("generator", 2):
      let names = AlertFigure.GeneratorFigure.allCases.map(\.rawValue)
      return AlertFigure.GeneratorFigure(rawValue: path[1].name).map { .generator($0) } ?? unknownFigure(path[1], "the generator has no figure", names)
    case ("pool", 3):
      guard let connection = connection(path[1]) else { return nil }
      let names = AlertFigure.PoolFigure.allCases.map(\.rawValue)
      return AlertFigure.PoolFigure(rawValue: path[2].name).map { .pool(connection, $0) } ?? unknownFigure(path[2], "a pool has no figure", names)
    default:
      findings.add(
        .thresholdSelector, at: range, "this selects no figure", help: "figures are generator.<figure> and pool.<connection>.<figure>")
      return nil
    }
  }

  private func unknownFigure(_ name: SelectorPath.Element, _ message: String, _ names: [String]) -> AlertFigure? {
    findings.add(
      .thresholdSelector, at: name.range, "\(message) '\(shown(name.name))'",
      help: nearestName(to: name.name, among: names).map { "did you mean '\($0)'?" } ?? "there is \(listPhrase(names))")
    return nil
  }

  private func connection(_ name: SelectorPath.Element) -> ConnectionIndex? {
    let names = builder.program.connections.map(\.name)
    if let found = names.firstIndex(of: name.name) { return ConnectionIndex(found) }
    findings.add(
      .thresholdSelector, at: name.range, "there is no connection '\(shown(name.name))'",
      help: nearestName(to: name.name, among: names).map { "did you mean '\($0)'?" } ?? (names.isEmpty ? nil : "there is \(listPhrase(names))"))
    return nil
  }

  // The actions

  /// The words of a command, with `vars` put in; nil with a finding.
  private func command(_ entry: YAMLEntry) -> [String]? {
    guard let items = entry.value.items, !items.isEmpty else {
      findings.add(
        .wrongNodeKind, at: entry.value.placeRange,
        entry.value.items == nil ? "'run' is a list of the command and its arguments, and this is \(entry.value.kindPhrase)" : "'run' names no command",
        help: "for example: run: [\"scripts/page-me\", \"cache\"]; no shell reads it")
      return nil
    }
    let scope = StepScope(flow: [:], fixed: constants, anywhere: [:])
    var words: [String] = []
    for item in items.prefix(1_000) {
      var arguments: [TypedExpression] = []
      guard let template = operand(item, .text, key: "run", scope, arguments: &arguments) else { return nil }
      guard arguments.allSatisfy({ $0.constant != nil }), case .text(let text) = literalized(template, arguments), let word = text.literal else {
        findings.add(
          .badValue, at: item.placeRange, "the words of a command are known before the run",
          help: "the alert, the run and the value are in its environment: CHAINRUN_ALERT, CHAINRUN_RUN, CHAINRUN_VALUE")
        return nil
      }
      guard !word.utf8.contains(0) else {
        findings.add(.badValue, at: item.placeRange, "a word of a command has no zero byte in it")
        return nil
      }
      words.append(word)
    }
    checkCommand(words[0], at: items[0].placeRange)
    return words
  }

  /// A path is the chain's own, and is there or not; a bare name may be on the `PATH` of another machine.
  private func checkCommand(_ word: String, at range: SourceRange) {
    guard !word.isEmpty else { return findings.add(.badValue, at: range, "'run' names no command") }
    let isPath = word.utf8.contains(UInt8(ascii: "/"))
    let path = isPath ? normalPath(besidePath(graph.file.path, word)) : word
    guard let problem = options.commandProblem?(path) else { return }
    findings.append(
      Finding(
        .alertCommand, at: range, isPath ? "the command '\(shown(path))' cannot be run: \(problem)" : "the command '\(shown(word))' is not found here: \(problem)",
        help: isPath ? "its path starts at the chain's folder" : "a command without a '/' is looked for on the PATH of the machine that runs the chain",
        severity: isPath ? .error : .warning))
  }

  /// The address is never shown: whoever knows it may post there.
  private func webhook(_ entry: YAMLEntry) -> AlertDeclaration.Webhook? {
    guard let scalar = entry.value.scalar, !scalar.isNull else {
      findings.add(
        .wrongNodeKind, at: entry.value.placeRange, "'webhook' is an address, and this is \(entry.value.kindPhrase)", help: "write $secrets.NAME")
      return nil
    }
    let template = ScalarTemplate.parse(expressionText(scalar), into: &findings)
    if let literal = template.literal { return webhook(literal: literal, at: scalar) }
    let rule = "a webhook is a secret, an environment variable or a literal address"
    guard let whole = template.whole, !whole.isInvalid else {
      if !template.expressions.contains(where: \.isInvalid) { findings.add(.badValue, at: scalar.range, rule, help: "write $secrets.NAME") }
      return nil
    }
    guard let path = whole.path, path.count == 2, ["secrets", "env"].contains(path[0].name) else {
      findings.add(.badValue, at: whole.range, rule, help: "write $secrets.NAME or $env.NAME")
      return nil
    }
    if path[0].name == "env" { return .environment(path[1].name) }
    guard let secret = builder.program.secrets.first(where: { $0.name == path[1].name }) else {
      let names = builder.program.secrets.map(\.name)
      findings.add(
        .unknownName, at: path[1].range, "there is no secret '\(shown(path[1].name))'",
        help: nearestName(to: path[1].name, among: names).map { "did you mean '\($0)'?" }
          ?? (names.isEmpty ? "declare it: secrets: { \(shown(path[1].name)): { env: NAME } }" : "declared are \(listPhrase(names))"))
      return nil
    }
    return .secret(secret.slot)
  }

  private func webhook(literal: String, at scalar: YAMLScalar) -> AlertDeclaration.Webhook? {
    guard let scheme = ["http://", "https://"].first(where: { literal.hasPrefix($0) }), literal.utf8.count > scheme.utf8.count else {
      findings.add(.badValue, at: scalar.range, "a webhook's address starts with 'http://' or 'https://'")
      return nil
    }
    let authority = literal.utf8.dropFirst(scheme.utf8.count).prefix { ![UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#")].contains($0) }
    let user = authority.lastIndex(of: UInt8(ascii: "@")).map { authority[..<$0] }
    if let user, user.contains(UInt8(ascii: ":")) {
      findings.add(
        .webhookPassword, at: scalar.range, "this address has a password in it, and a chain is no place for one",
        help: "keep the address outside: secrets: { alert_url: { env: ALERT_URL } } and webhook: $secrets.alert_url")
      return nil
    }
    return .literal(literal)
  }
}
