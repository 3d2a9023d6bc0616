package import ChainProgram
internal import Diagnostics

/// Compiles one chain file: YAML, graph, typed chain, findings, flat program.
///
/// Pure: reads nothing but `bytes` and what `readFile` gives. Collects every finding that it can and never stops at the first.
/// - Parameters:
///   - path: As the user wrote it; shown in findings, and its folder is where the chain's own paths start.
///   - connectors: The kinds of connections that there are, with their verbs.
///   - readFile: Called for each feed with a path relative to the working folder.
package func compileChain(
  path: String, bytes: [UInt8], connectors: [ConnectorSchema], options: CompileOptions = CompileOptions(), readFile: FileReader
) -> Compilation {
  var files = SourceFiles()
  var findings = Findings()
  let file = files.add(path: path, bytes: bytes)
  guard let root = composeYAML(file, limits: options.limits, into: &findings) else {
    return Compilation(program: nil, findings: findings, files: files)
  }
  var reader = GraphReader(file: file, connectors: connectors, findings: findings)
  let graph = reader.read(root)
  var sources = ChainSources(path: path, bytes: bytes)
  func readSource(_ path: String) -> Result<[UInt8], ReadFailure> {
    let read = readFile(path)
    if case .success(let content) = read { sources.add(path: path, bytes: content) }
    return read
  }
  let program = Program(chain: graph.name, chainDescription: graph.description, chainHash: "")
  var loader = ImportLoader(files: files, findings: reader.findings, connectors: connectors, limits: options.limits)
  let main = loader.load(graph, along: [normalPath(path)], readFile: readSource)
  let chainFiles = [main] + loader.loaded.compactMap(\.file)
  let resolver = ChainResolver(
    main: main, chainFiles: chainFiles, connectors: connectors, options: options, files: loader.files, findings: loader.findings,
    program: program)
  resolver.resolve(readFile: readSource)
  runLints(resolver)
  findings = resolver.findings
  for file in chainFiles { findings = findings.applyingAllowances(in: file.graph.file) }
  guard !findings.hasErrors else { return Compilation(program: nil, findings: findings, files: resolver.files) }
  if let slot = resolver.runIdSlot, resolver.slotsRead.contains(slot) { resolver.builder.program.runIdSlot = slot }
  resolver.builder.program.chainHash = sources.hash
  var lowerer = Lowerer(builder: resolver.builder, chain: resolver.typed)
  let lowered = lowerer.lower(iterationRange: graph.stepsRange ?? file.range(0, 0))
  if let table = lowered.oversizedTable {
    findings.add(
      .limitExceeded, at: graph.stepsRange ?? file.range(0, 0), "a chain has at most \(Program.tableCountMax) \(table)",
      help: "split it into several chains")
    return Compilation(program: nil, findings: findings, files: resolver.files)
  }
  return Compilation(program: lowered, findings: findings, files: resolver.files, operandPlaces: resolver.operandPlaces)
}

private func runLints(_ resolver: ChainResolver) {
  var inside = InsideTransactionLint(findings: resolver.findings)
  let graph = resolver.graph
  for list in [graph.setup, graph.userSetup, graph.steps, graph.userTeardown, graph.teardown] { inside.visit(list) }
  for scenario in graph.scenarios ?? [] { inside.visit(scenario.steps) }
  for file in resolver.chainFiles { for flow in file.graph.flows { inside.visit(flow.steps) } }
  resolver.findings = inside.findings
  lintPools(resolver.graph, resolver.builder.program, resolver.typed.scenarios.flatMap(\.steps), into: &resolver.findings)
  for scenario in resolver.typed.scenarios { resolver.lintTransactionDeadlines(scenario.steps) }
  resolver.lintRates()
  lintFeeds(resolver.graph, resolver.builder.program, resolver.typed, into: &resolver.findings)
}
