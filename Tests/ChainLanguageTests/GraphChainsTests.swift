import ChainProgram
import Diagnostics
import Foundation
import HTTPConnector
import PostgresConnector
import RabbitMQConnector
import RedisConnector
import Testing

@testable import ChainLanguage

struct GraphChainsTests {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static let names = [
    "order-flow", "redis-get", "checkout", "browse-and-buy", "read-your-writes", "cache-warmup", "queue-inspection", "fan-out", "announce",
    "api-smoke", "stock-contention", "order-alerts", "bench/order", "bench/order-poll", "bench/redis-get", "bench/pg-read", "bench/publish", "bench/http-get",
  ]

  /// The connectors' own: these chains are what users run.
  static let schemas = [PostgresConnector().schema, RabbitMQConnector().schema, RedisConnector().schema, HTTPConnector().schema]

  static func compile(_ name: String) throws -> Compilation {
    let path = "chains/\(name).chain.yaml"
    let bytes = try Data(contentsOf: root.appendingPathComponent(path))
    return compileChain(path: path, bytes: Array(bytes), connectors: schemas) { path in
      (try? Data(contentsOf: root.appendingPathComponent(path))).map { .success(Array($0)) } ?? .failure(ReadFailure("no such file"))
    }
  }

  @Test(arguments: names) func `a chain of ours gives no findings and the listing that is kept`(_ name: String) throws {
    let compilation = try Self.compile(name)
    #expect(PlainTextRenderer().render(compilation.findings, in: compilation.files) == "")
    let program = try #require(compilation.program)
    let listing = program.listing(in: compilation.files)
    let kept = Self.root.appendingPathComponent("Tests/Golden/listings/\(name.replacingOccurrences(of: "/", with: "-")).txt")
    if ProcessInfo.processInfo.environment["CHAINRUN_RECORD"] != nil {
      try FileManager.default.createDirectory(at: kept.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(listing.utf8).write(to: kept)
    }
    let expected = String(decoding: (try? Data(contentsOf: kept)) ?? Data(), as: UTF8.self)
    #expect(listing == expected, "record anew with CHAINRUN_RECORD=1 swift test --filter GraphChainsTests, and read the difference")
  }

  @Test func `a threshold may be set on a measure`() throws {
    let program = try #require(Self.compile("read-your-writes").program)
    #expect(program.measures.map(\.name) == ["commit_to_replica"])
    #expect(program.thresholds.first?.metric == .quantile(0.95, .measure(0)))
  }

  @Test func `the text of a GraphQL document may stand in a file beside the chain`() throws {
    func compile(_ files: [String: [UInt8]]) -> Compilation {
      let text = """
        version: 1
        chain: t
        connections: { api: { http: $env.API } }
        steps: [ { graphql: queries/order.graphql }, { graphql: queries/order.graphql } ]
        """
      return compileChain(path: "a/b/t.chain.yaml", bytes: Array(text.utf8), connectors: Self.schemas) { path in
        files[path].map { .success($0) } ?? .failure(ReadFailure("no such file"))
      }
    }
    let document = "query Order($id: ID!) { order(id: $id, note: \"costs ${x}\") { amount } }"
    let program = try #require(compile(["a/b/queries/order.graphql": Array(document.utf8)]).program)
    for operation in program.operations {
      guard case .text(let template)? = operation.operands.first?.value else { throw ReadFailure("no text") }
      // A file is literal: GraphQL has a '$' of its own.
      #expect(template.literal == document)
    }
    #expect(compile([:]).findings.sorted.map(\.name) == [.fileUnreadable, .fileUnreadable])
    #expect(Set(compile(["a/b/queries/order.graphql": [0xff, 0x7b]]).findings.sorted.map(\.name)).contains(.invalidEncoding))
    #expect(compile(["a/b/queries/order.graphql": [UInt8](repeating: 0x20, count: 1 << 20 + 1)]).findings.hasErrors)
    // What a file writes, a connection for reading refuses, as for a text in the chain.
    let mutation = compile(["a/b/queries/order.graphql": Array("mutation { pay }".utf8)])
    #expect(mutation.findings.sorted.map(\.name) == [.writeOnReadConnection, .writeOnReadConnection])
  }
}
