import ChainProgram
import Diagnostics
import Foundation
import Testing

@testable import ChainLanguage

/// `grammar/chain.schema.json` is what the checker's tables say.
struct GrammarSchemaTests {
  static let schemaFile = GraphChainsTests.root.appendingPathComponent("grammar/chain.schema.json")

  @Test func `the schema of chain files is the one that the tables make`() throws {
    let text = JSONSchema.text(connectors: GraphChainsTests.schemas)
    if ProcessInfo.processInfo.environment["CHAINRUN_RECORD"] != nil { try Data(text.utf8).write(to: Self.schemaFile) }
    let kept = String(decoding: (try? Data(contentsOf: Self.schemaFile)) ?? Data(), as: UTF8.self)
    #expect(text == kept, "record anew with CHAINRUN_RECORD=1 swift test --filter Grammar")
  }

  @Test func `each key of the tables has a form in the schema, and each form a key`() {
    #expect(JSONSchema.keysWithoutForm == [])
    #expect(JSONSchema.formsWithoutKey == [])
  }

  @Test func `the schema is JSON whose references lead to definitions, and each key has hover text`() throws {
    let text = JSONSchema.text(connectors: GraphChainsTests.schemas)
    let root = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let definitions = try #require(root["definitions"] as? [String: Any])
    var reached: Set<String> = []
    func visit(_ node: Any, _ path: String) {
      if let list = node as? [Any] { for item in list { visit(item, path) } }
      guard let object = node as? [String: Any] else { return }
      if let reference = object["$ref"] as? String {
        let name = String(reference.dropFirst("#/definitions/".count))
        #expect(definitions[name] != nil, "\(reference)")
        reached.insert(name)
      }
      for (name, value) in object {
        if name == "properties", object["additionalProperties"] != nil, let properties = value as? [String: [String: Any]] {
          for (key, property) in properties { #expect((property["description"] as? String)?.isEmpty == false, "\(path)/\(key)") }
        }
        visit(value, path + "/" + name)
      }
    }
    visit(root, "")
    #expect(reached == Set(definitions.keys))
  }

  @Test func `every verb and observer is a definition with its keys`() throws {
    let text = JSONSchema.text(connectors: GraphChainsTests.schemas)
    let root = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let definitions = try #require(root["definitions"] as? [String: [String: Any]])
    for connector in GraphChainsTests.schemas {
      for verb in connector.verbs {
        let properties = try #require(definitions["step_\(verb.name)"]?["properties"] as? [String: Any])
        #expect(Set(verb.keys.map(\.name) + [verb.name]).isSubset(of: properties.keys))
      }
      for observer in connector.observers {
        let properties = try #require(definitions["observer_\(observer.name)"]?["properties"] as? [String: Any])
        #expect(Set(observer.keys.map(\.name) + [observer.name]).isSubset(of: properties.keys))
      }
    }
  }
}
