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
    "order-flow", "redis-get", "bench/order", "bench/redis-get", "bench/pg-read", "bench/publish", "bench/http-get",
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
}
