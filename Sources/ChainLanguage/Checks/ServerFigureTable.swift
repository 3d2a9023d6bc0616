internal import ChainProgram
internal import Diagnostics

/// The figures that the chain's servers tell about themselves, and how selectors name them.
extension ChainResolver {
  /// Needs the typed steps and events: the objects that they name have figures of their own.
  func declareServerFigures() {
    for node in graph.connections {
      guard let schema = node.schema,
        let index = builder.program.connections.firstIndex(where: { $0.name == node.name.text && $0.kind == schema.kind })
      else { continue }
      let connection = ConnectionIndex(index)
      let objects = schema.serverView.objects.map { objectNames($0, of: connection) } ?? []
      builder.program.serverFigures += ServerFigureDeclaration.all(of: connection, schema.serverView, objects: objects)
    }
  }

  private func objectNames(_ objects: ServerObjects, of connection: ConnectionIndex) -> [String] {
    var names: [String] = []
    var known: Set<String> = []
    func note(_ verb: String, _ operands: [(name: String, value: OperandTemplate)]) {
      for name in objects.names(verb, operands) where known.insert(name).inserted { names.append(name) }
    }
    func visit(_ steps: [TypedStep]) {
      for step in steps {
        switch step.kind {
        case .operation(let operation) where operation.connection == connection: note(operation.verb, operation.operands)
        case .awaitProbe(let probe) where probe.operation.connection == connection: note(probe.operation.verb, probe.operation.operands)
        case .operation, .awaitProbe, .transaction, .set, .choice, .loop, .think, .awaitHop, .log, .fail, .switchOn, .weighted, .forEach,
          .whileLoop, .group, .parallel, .call, .measure, .stop, .rollback, .invalid:
          break
        }
        for list in step.kind.nestedLists { visit(list) }
      }
    }
    note("", builder.program.connections[connection.index].options)
    for steps in [typed.setup, typed.userSetup] + typed.scenarios.map(\.steps) + [typed.userTeardown, typed.teardown] { visit(steps) }
    for event in typed.events { for hop in event.hops where hop.connection == connection { note(hop.observer, hop.operands) } }
    return names
  }

  /// The place of `<connection>.<figure>` in the program's table.
  func serverFigure(_ path: ArraySlice<(name: String, range: SourceRange)>, _ range: SourceRange) -> Int? {
    guard let first = path.first, path.count >= 2 else {
      findings.add(.thresholdSelector, at: range, "this selects no server's figure", help: "write server.<connection>.<figure>")
      return nil
    }
    let table = builder.program.serverFigures
    guard let node = graph.connections.first(where: { $0.name.text == first.name }), let schema = node.schema else {
      reportServer(first, "there is no connection", among: graph.connections.map(\.name.text))
      return nil
    }
    let own = table.indices.filter { builder.program.connections[table[$0].connection.index].name == first.name }
    guard !own.isEmpty else {
      findings.add(.thresholdSelector, at: first.range, "a \(schema.title) server tells nothing about itself", help: "docs/server-view.md has what others tell")
      return nil
    }
    let rest = path.dropFirst()
    let wanted = rest.map(\.name).joined(separator: ".")
    let place = rest.dropFirst().reduce(rest.first!.range) { $0.union($1.range) }
    if let found = own.first(where: { table[$0].name == wanted }) { return found }
    // The object's own name, whose dots read like those of a path.
    if let found = own.first(where: { index in
      guard !table[index].object.isEmpty, let noun = schema.serverView.objects?.noun else { return false }
      return "\(noun).\(table[index].object).\(table[index].figure.name)" == wanted
    }) { return found }
    if let objects = schema.serverView.objects, rest.first?.name == objects.noun, rest.count >= 3 {
      guard !objects.figures.contains(where: { $0.name == rest.last!.name }) else {
        let names = own.map { table[$0].object }.filter { !$0.isEmpty }
        findings.add(
          .thresholdSelector, at: place, "the chain names no \(objects.noun) of '\(first.name)' like this",
          help: "list it under '\(objects.noun)s' of the connection" + (names.isEmpty ? "" : "; it names \(listPhrase(unique(names)))"))
        return nil
      }
      reportServer(rest.last!, "a \(objects.noun) has no figure", among: objects.figures.map(\.name))
      return nil
    }
    reportServer((wanted, place), "a \(schema.title) server has no figure", among: schema.serverView.figures.map(\.name))
    return nil
  }

  private func unique(_ names: [String]) -> [String] {
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
  }

  private func reportServer(_ name: (name: String, range: SourceRange), _ message: String, among names: [String]) {
    findings.add(
      .thresholdSelector, at: name.range, "\(message) '\(shown(name.name))'",
      help: nearestName(to: name.name, among: names).map { "did you mean '\($0)'?" } ?? (names.isEmpty ? nil : "there is \(listPhrase(names))"))
  }

  /// What a limit on one of these figures looks like.
  ///
  /// - Parameter isTotal: Of a counter's gain over the run, and not of its second's rate.
  func serverLimit(_ figure: ServerFigure, isTotal: Bool) -> Expectation {
    let isRate = figure.form == .counter && !isTotal
    switch figure.unit {
    case .count where isTotal: return Expectation(.type(.int), "a count is compared with a whole number")
    case .count:
      return isRate
        ? Expectation(.oneOf([.rate, .int, .decimal, .float]), "'\(figure.name)' is a rate: it is compared with a number a second, such as 100/s")
        : Expectation(.oneOf([.int, .decimal, .float]), "'\(figure.name)' is compared with a number")
    case .bytes:
      return Expectation(.oneOf([.size, .int]), "'\(figure.name)' is compared with a size\(isRate ? ", so many bytes a second" : "")")
    case .nanoseconds: return Expectation(.type(.duration), "'\(figure.name)' is compared with a duration")
    case .share: return Expectation(.oneOf([.percentage, .decimal, .int, .float]), "'\(figure.name)' is a share, and is compared with a percentage")
    }
  }
}
