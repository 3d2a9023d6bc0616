import ChainProgram
import Diagnostics
import Foundation
import Testing

@testable import ChainLanguage

/// `grammar/reference/*.md`: their tables are the checker's, and their samples lint.
struct GrammarReferenceTests {
  @Test func `every table of the checker stands on exactly one page, and every table of a page is the checker's`() throws {
    let tables = LanguageReference.tables(connectors: GraphChainsTests.schemas)
    let known = Dictionary(uniqueKeysWithValues: tables.map { ($0.id, $0.text) })
    var places: [String: Int] = [:]
    for page in try GrammarReference.pages() {
      var text = page.text
      for marked in GrammarReference.tables(of: page.text) {
        places[marked.id, default: 0] += 1
        let table = try #require(known[marked.id], "\(page.name): '\(marked.id)' is no table of the checker")
        if ProcessInfo.processInfo.environment["CHAINRUN_RECORD"] != nil {
          let old = GrammarReference.block(marked.id, marked.text)
          text = text.replacingOccurrences(of: old, with: GrammarReference.block(marked.id, table))
          try Data(text.utf8).write(to: GrammarReference.folder.appendingPathComponent(page.name))
        } else {
          #expect(marked.text == table, "\(page.name): record anew with CHAINRUN_RECORD=1 swift test --filter Grammar")
        }
      }
    }
    #expect(tables.map(\.id).filter { places[$0] == nil } == [], "these stand on no page")
    #expect(places.filter { $0.value > 1 }.map(\.key) == [], "these stand twice")
  }

  @Test func `every sample of the reference lints clean, or is of a later version`() throws {
    let samples = try GrammarReference.samples()
    #expect(samples.count >= 30)
    for sample in samples {
      let compilation = Gallery.compile(sample.chain, files: GrammarReference.files)
      let names = Gallery.names(compilation)
      let isLater = sample.isLater && names.isSubset(of: [.notSupportedYet])
      #expect(names.isEmpty || isLater, "\(sample.page):\(sample.line)\n\(Gallery.render(compilation))")
    }
  }

  @Test func `every page has a sample and is in the index`() throws {
    let index = try String(contentsOf: GraphChainsTests.root.appendingPathComponent("grammar/README.md"), encoding: .utf8)
    let sampled = Set(try GrammarReference.samples().map(\.page))
    for page in try GrammarReference.pages() {
      #expect(index.contains("(reference/\(page.name))"), "\(page.name)")
      #expect(sampled.contains(page.name), "\(page.name)")
    }
  }
}

enum GrammarReference {
  static let folder = GraphChainsTests.root.appendingPathComponent("grammar/reference")

  struct Sample {
    let page: String
    let line: Int
    let chain: String
    /// Part of the language that this version need not have.
    let isLater: Bool
  }

  static func pages() throws -> [(name: String, text: String)] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".md") }.sorted().map {
      ($0, try String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8))
    }
  }

  static func block(_ id: String, _ text: String) -> String { "<!-- keys: \(id) -->\n\(text)<!-- end -->" }

  static func tables(of page: String) -> [(id: String, text: String)] {
    page.components(separatedBy: "<!-- keys: ").dropFirst().compactMap { part in
      guard let open = part.range(of: " -->\n"), let close = part.range(of: "<!-- end -->") else { return nil }
      return (String(part[..<open.lowerBound]), String(part[open.upperBound..<close.lowerBound]))
    }
  }

  /// Blocks that begin with ```yaml and the kind of fragment: `chain` is a whole file, `part` some of its keys, `steps` a list of steps;
  /// `later` behind it allows `not-supported-yet`.
  static func samples() throws -> [Sample] {
    var samples: [Sample] = []
    for page in try pages() {
      let lines = page.text.components(separatedBy: "\n")
      var start: Int?
      for (number, line) in lines.enumerated() {
        if line.hasPrefix("```yaml") {
          start = number
        } else if line == "```", let begin = start {
          start = nil
          let words = lines[begin].split(separator: " ").dropFirst().map(String.init)
          let body = lines[(begin + 1)..<number].joined(separator: "\n") + "\n"
          let chain: String
          switch words.first {
          case "chain": chain = body
          case "part": chain = framed(body)
          case "steps": chain = framed("steps:\n" + body)
          default:
            Issue.record("\(page.name):\(begin + 1): a sample is a 'chain', a 'part' or 'steps'")
            continue
          }
          samples.append(Sample(page: page.name, line: begin + 1, chain: chain, isLater: words.contains("later")))
        }
      }
    }
    return samples
  }

  /// The part with what every chain has, unless it says so itself.
  static func framed(_ part: String) -> String {
    func has(_ key: String) -> Bool { part.hasPrefix("\(key):") || part.contains("\n\(key):") }
    var text = ""
    if !has("version") { text += "version: 1\n" }
    if !has("chain") { text += "chain: sample\n" }
    if !has("connections") {
      text += """
        connections:
          db: { postgres: $env.ORDERS_DB, access: write }
          ro: { postgres: $env.REPLICA_DB }
          mq: { amqp: $env.ORDERS_MQ, access: consume }
          cache: { redis: $env.ORDERS_CACHE, access: write }
          api: { http: $env.ORDERS_API, access: write }

        """
    }
    return text + part
  }

  /// What the samples name.
  static let files = [
    "data/customers.csv": "id,tier\n1,gold\n2,plain\n", "data/items.json": #"[{"sku":"a","price":1.50},{"sku":"b","price":2}]"#,
    "data/events.ndjson": "{\"id\":1}\n{\"id\":2}\n", "scripts/page-me": "#!/bin/sh\n",
    "lib/auth.chain.yaml": """
    version: 1
    chain: auth
    connections:
      api: { http: $env.ORDERS_API, access: write }
    flows:
      login:
        inputs: { user: string }
        outputs: { session: string }
        steps:
          - http: POST /login
            conn: api
            json: { user: $user }
            capture: { session: json.session as string }

    """,
  ]
}
