import Foundation
import Testing

@testable import Diagnostics

/// The machine formats against their schemas, by `check-jsonschema` (PyPI) where it is installed.
struct OutputSchemaTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  static let validator = find("check-jsonschema", variable: "CHECK_JSONSCHEMA")
  /// OASIS's schema; it is not part of this repository.
  static let sarifSchema = ProcessInfo.processInfo.environment["SARIF_SCHEMA"]

  private static func find(_ name: String, variable: String) -> String? {
    if let path = ProcessInfo.processInfo.environment[variable] { return path }
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  private static func validate(_ text: String, against schema: String) throws -> (isValid: Bool, output: String) {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("chainrun-\(UUID().uuidString).json")
    try Data(text.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: try #require(validator))
    // OASIS's schema has a pattern that is none under the u flag.
    process.arguments = ["--regex-variant", "nonunicode", "--schemafile", schema, file.path]
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus == 0, String(decoding: output, as: UTF8.self))
  }

  private static var findingsSchema: URL { root.appendingPathComponent("grammar/findings.schema.json") }

  @Test(.enabled(if: validator != nil, "check-jsonschema is not installed"))
  func `the JSON form is what its schema says, and something else is not`() throws {
    let text = JSONRenderer().render(LintReportTests.sample())
    let whole = try Self.validate(text, against: Self.findingsSchema.path)
    #expect(whole.isValid, "\(whole.output)")
    for wrong in [text.replacing("\"version\":1", with: "\"version\":2"), text.replacing("\"fix\":null", with: "\"fixes\":null")] {
      #expect(try !Self.validate(wrong, against: Self.findingsSchema.path).isValid)
    }
  }

  @Test(.enabled(if: validator != nil && sarifSchema != nil, "set SARIF_SCHEMA to OASIS's sarif-schema-2.1.0.json"))
  func `SARIF is what OASIS's schema says`() throws {
    for report in [LintReportTests.sample(), LintReport()] {
      let result = try Self.validate(SARIFRenderer(toolVersion: "0.1.0").render(report), against: try #require(Self.sarifSchema))
      #expect(result.isValid, "\(result.output)")
    }
  }

  @Test func `each field of the JSON form is in the schema, and each required one is written`() throws {
    let schema = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: Self.findingsSchema)) as? [String: Any])
    let definitions = try #require(schema["definitions"] as? [String: [String: Any]])
    let document = try #require(
      JSONSerialization.jsonObject(with: Data(JSONRenderer().render(LintReportTests.sample()).utf8)) as? [String: Any])
    func expectKeys(_ object: Any?, _ definition: [String: Any]?) throws {
      let object = try #require(object as? [String: Any])
      let definition = try #require(definition)
      #expect(Set(object.keys) == Set(try #require(definition["required"] as? [String])))
      #expect(Set(object.keys) == Set(try #require(definition["properties"] as? [String: Any]).keys))
    }
    try expectKeys(document, schema)
    let findings = try #require(document["findings"] as? [[String: Any]])
    for finding in findings {
      try expectKeys(finding, definitions["finding"])
      try expectKeys(finding["start"], definitions["point"])
    }
    try expectKeys((findings[0]["related"] as? [Any])?.first, definitions["related"])
    try expectKeys(findings[0]["fix"], definitions["fix"])
    try expectKeys(((findings[0]["fix"] as? [String: Any])?["edits"] as? [Any])?.first, definitions["edit"])
  }
}
