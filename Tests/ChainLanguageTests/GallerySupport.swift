import ChainProgram
import Diagnostics
import Foundation
import HTTPConnector
import PostgresConnector
import RabbitMQConnector
import RedisConnector

@testable import ChainLanguage

/// Chains compiled with the connectors that the program has.
enum Gallery {
  static let connectors = [PostgresConnector().schema, RabbitMQConnector().schema, RedisConnector().schema, HTTPConnector().schema]

  static var folder: URL { GraphChainsTests.root.appendingPathComponent("Tests/Golden/gallery") }

  static func compile(_ text: String, files: [String: String] = [:], path: String = "example.chain.yaml") -> Compilation {
    compile(Array(text.utf8), files: files, path: path)
  }

  static func compile(_ bytes: [UInt8], files: [String: String] = [:], path: String = "example.chain.yaml") -> Compilation {
    var options = CompileOptions()
    // A path is there if its file is; the PATH has everything.
    let commands = Set(files.keys)
    options.commandProblem = { path in !path.contains("/") || commands.contains(path) ? nil : "no such file" }
    return compileChain(path: path, bytes: bytes, connectors: connectors, options: options) { path in
      files[path].map { .success(Array($0.utf8)) } ?? .failure(ReadFailure("no such file"))
    }
  }

  static func names(_ compilation: Compilation) -> Set<FindingName> { Set(compilation.findings.sorted.map(\.name)) }

  static func render(_ compilation: Compilation) -> String {
    PlainTextRenderer(width: 140).render(compilation.findings, in: compilation.files)
  }

  /// Whether the text is the one that is kept; with CHAINRUN_RECORD set it is kept first.
  static func isKept(_ text: String, as name: String) throws -> Bool {
    let kept = folder.appendingPathComponent(name)
    if ProcessInfo.processInfo.environment["CHAINRUN_RECORD"] != nil { try Data(text.utf8).write(to: kept) }
    return text == (try? String(contentsOf: kept, encoding: .utf8))
  }
}
