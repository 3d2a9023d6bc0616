import ChainProgram
import Diagnostics
import Foundation
import Testing

@testable import ChainLanguage

/// PyPI's `check-jsonschema`, a stranger to this project, reads our schema and our chains.
@Suite(.enabled(if: GrammarValidator.program != nil, "check-jsonschema is not on PATH"))
struct GrammarValidatorTests {
  @Test func `the schema is valid draft-07`() throws {
    let result = try GrammarValidator.run(["--check-metaschema", GrammarSchemaTests.schemaFile.path])
    #expect(result.status == 0, "\(result.output)")
  }

  @Test func `every chain of the project is valid`() throws {
    let files = try ["chains", "Tests/Golden/chains"].flatMap { name in
      let folder = GraphChainsTests.root.appendingPathComponent(name)
      return try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)).compactMap { $0 as? URL }
        .filter { $0.path.hasSuffix(".chain.yaml") }
    }
    #expect(files.count >= GraphChainsTests.names.count)
    let result = try GrammarValidator.check(files.map(\.path))
    #expect(result.status == 0, "\(result.output)")
  }

  @Test func `every good example of 'chainrun explain' that the linter accepts is valid`() throws {
    let good = Explanation.all.filter { explanation in
      // Some show what this version does not check yet; the gallery lists them.
      !Gallery.compile(explanation.good.chain, files: explanation.good.files).findings.sorted.contains { $0.severity == .error }
    }
    #expect(good.count > Explanation.all.count * 3 / 4, "\(good.count) of \(Explanation.all.count)")
    let result = try GrammarValidator.check(texts: good.map { ($0.name.rawValue, $0.good.chain) })
    #expect(result.status == 0, "\(result.output)")
  }

  @Test func `every sample of the reference is valid`() throws {
    let samples = try GrammarReference.samples()
    let result = try GrammarValidator.check(texts: samples.enumerated().map { ("sample-\($0.offset)", $0.element.chain) })
    #expect(result.status == 0, "\(result.output)")
  }

  /// What a schema can refuse: each is one change of a valid chain.
  static let invalid: [(name: String, part: String)] = [
    ("unknown-key-of-the-file", "step: []\nsteps: [ { log: x } ]"),
    ("unknown-key-of-a-step", "steps: [ { sql: SELECT 1, conn: ro, chek: [ affected == 1 ] } ]"),
    ("unknown-key-of-a-profile", "steps: [ { log: x } ]\nload: { a: { closed: { vus: 1, iterations: 1, weight: 3 } } }"),
    ("missing-steps", "description: nothing"),
    ("missing-key-of-a-branch", "steps: [ { branch: [ { steps: [] } ] } ]"),
    ("missing-key-of-a-loop", "steps: [ { repeat: 3 } ]"),
    ("missing-max-of-a-while", "steps: [ { while: true, steps: [] } ]"),
    ("missing-until-of-a-probe", "steps: [ { await: { redis: GET a }, within: 1s } ]"),
    ("bad-duration", "steps: [ { think: 5 sec } ]"),
    ("duration-without-unit", "steps: [ { sql: SELECT 1, conn: ro, timeout: 10 } ]"),
    ("bad-rate", "steps: [ { log: x } ]\nload: { a: { open: { rate: 200, for: 10s } } }"),
    ("two-verbs", "steps: [ { sql: SELECT 1, redis: GET a } ]"),
    ("no-verb", "steps: [ { conn: db } ]"),
    ("steps-as-a-mapping", "steps: { log: x }"),
    ("step-as-a-text", "steps: [ log ]"),
    ("capture-as-a-list", "steps: [ { redis: GET a, capture: [ a ] } ]"),
    ("bad-choice", "steps: [ { transaction: serialisable, conn: db, steps: [ { sql: SELECT 1 } ] } ]"),
    ("bad-choice-of-access", "connections: { db: { postgres: $env.DB, access: publish } }\nsteps: [ { log: x } ]"),
    ("bad-stop", "steps: [ { stop: everything } ]"),
    ("two-systems", "connections: { db: { postgres: $env.DB, redis: $env.CACHE } }\nsteps: [ { log: x } ]"),
    ("inline-secret", "secrets: { token: abc }\nsteps: [ { log: x } ]"),
    ("feed-without-columns", "feeds: { a: { csv: a.csv } }\nsteps: [ { log: x } ]"),
    ("bad-type", "vars: { a: { type: integer, default: 1 } }\nsteps: [ { log: x } ]"),
    ("closed-and-open", "steps: [ { log: x } ]\nload: { a: { closed: { vus: 1, for: 1s }, open: { rate: 1/s, for: 1s } } }"),
    ("event-without-hops", "steps: [ { id: a, log: x } ]\nevents: { e: { origin: a, id: 1, hops: {} } }"),
    ("bad-name", "vars: { a-b: 1 }\nsteps: [ { log: x } ]"),
    ("request-without-method", "steps: [ { http: /orders, conn: api } ]"),
    ("version-2", "version: 2\nsteps: [ { log: x } ]"),
  ]

  @Test func `every sample of what a schema can refuse is refused`() throws {
    let texts = Self.invalid.map { (name: $0.name, text: GrammarReference.framed($0.part)) }
    let result = try GrammarValidator.check(texts: texts, format: "json")
    #expect(result.status == 1, "\(result.output)")
    let report = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    let errors = try #require(report["errors"] as? [[String: Any]])
    let refused = Set(errors.compactMap { ($0["filename"] as? String).map { URL(fileURLWithPath: $0).lastPathComponent } })
    for text in texts { #expect(refused.contains("\(text.name).chain.yaml"), "\(text.name) is accepted") }
  }

  @Test(arguments: invalid.map(\.name)) func `what the schema refuses, the linter refuses`(name: String) throws {
    let part = try #require(Self.invalid.first { $0.name == name }).part
    let compilation = Gallery.compile(GrammarReference.framed(part))
    #expect(compilation.findings.sorted.contains { $0.severity == .error }, "\(name)")
  }
}

enum GrammarValidator {
  /// From CHECK_JSONSCHEMA, else from PATH.
  static let program: String? = {
    let environment = ProcessInfo.processInfo.environment
    if let given = environment["CHECK_JSONSCHEMA"], FileManager.default.isExecutableFile(atPath: given) { return given }
    for folder in (environment["PATH"] ?? "").split(separator: ":") {
      let path = "\(folder)/check-jsonschema"
      if FileManager.default.isExecutableFile(atPath: path) { return path }
    }
    return nil
  }()

  static func check(_ paths: [String], format: String = "text") throws -> (status: Int32, output: String) {
    try run(["--output-format", format, "--schemafile", GrammarSchemaTests.schemaFile.path] + paths)
  }

  static func check(texts: [(name: String, text: String)], format: String = "text") throws -> (status: Int32, output: String) {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("chainrun-schema-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var paths: [String] = []
    for text in texts {
      let file = folder.appendingPathComponent("\(text.name).chain.yaml")
      try Data(text.text.utf8).write(to: file)
      paths.append(file.path)
    }
    return try check(paths, format: format)
  }

  /// Bounded by `timeout`, so that no test waits for ever.
  static func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
    process.arguments = ["120", try #require(program)] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }
}
