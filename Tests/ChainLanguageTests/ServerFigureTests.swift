import ChainProgram
import Diagnostics
import Foundation
import HTTPConnector
import PostgresConnector
import RabbitMQConnector
import RedisConnector
import Testing

@testable import ChainLanguage

/// Selectors of what servers tell about themselves, by the connectors' own catalogues.
struct ServerFigureTests {
  private func compiled(_ thresholds: String, queues: String = "") -> Compilation {
    let chain = """
      version: 1
      chain: test
      connections:
        db: { postgres: $env.DB }
        mq: { amqp: $env.MQ\(queues) }
        cache: { redis: $env.CACHE }
        api: { http: "http://localhost" }
      steps:
        - queue: orders.cache
          conn: mq
      thresholds:
      \(thresholds.split(separator: "\n").map { "  - " + $0 }.joined(separator: "\n"))
      """
    return Gallery.compile(Array(chain.utf8), path: "test.chain.yaml")
  }

  private func program(_ thresholds: String, queues: String = "") throws -> Program {
    let compiled = compiled(thresholds, queues: queues)
    return try #require(compiled.program, "\(Gallery.render(compiled))")
  }

  @Test func `a server's figure is selected by connection and name, with a limit of its own kind`() throws {
    let program = try program(
      """
      max(server.db.waiting_lock) < 5
      max(server.db.longest_transaction) < 2s
      mean(server.db.commits) > 100/s
      mean(server.db.cache_hit) > 99%
      count(server.db.deadlocks) == 0
      max(server.cache.used_memory) < 512MiB
      p95(server.cache.cpu) < 80%
      max(server.mq.queue.orders_cache.depth) < 1000
      max(server.mq.queue.orders.cache.depth) < 1000
      """)
    let figures = program.serverFigures
    let selected = program.thresholds.map { threshold -> String in
      switch threshold.metric {
      case .maximum(.server(let index)), .mean(.server(let index)), .quantile(_, .server(let index)), .count(.server(let index)):
        "\(program.connections[figures[index].connection.index].name) \(figures[index].name) \(threshold.limit)"
      default: "?"
      }
    }
    #expect(
      selected == [
        "db waiting_lock 5.0", "db longest_transaction 2000000000.0", "db commits 100.0", "db cache_hit 0.99", "db deadlocks 0.0",
        "cache used_memory 536870912.0", "cache cpu 0.8", "mq queue.orders_cache.depth 1000.0", "mq queue.orders_cache.depth 1000.0",
      ])
  }

  @Test func `what no server tells, or not like this, is a finding that says what there is`() {
    let cases = [
      ("max(server.db.waiting_lok) < 5", "did you mean 'waiting_lock'?"), ("max(server.dbb.active) < 5", "did you mean 'db'?"),
      ("max(server.api.active) < 5", "a HTTP server tells nothing about itself"),
      ("max(server.mq.queue.returns.depth) < 5", "list it under 'queues' of the connection; it names 'orders.cache'"),
      ("max(server.mq.queue.orders_cache.deph) < 5", "did you mean 'depth'?"),
      ("max(server.db.waiting_lock) < 5ms", "'waiting_lock' is compared with a number"),
      ("max(server.cache.used_memory) < 5s", "'used_memory' is compared with a size"),
      ("count(server.db.active) < 5", "'active' is a level and adds up to nothing"),
      ("rate(server.db.commits) < 5%", "a server's figure has no share in anything"), ("max(server.db) < 5", "write server.<connection>.<figure>"),
      ("max(server.db.active) < 1.1 * baseline", "a baseline does not keep this figure"),
    ]
    for (threshold, message) in cases {
      let compiled = compiled(threshold)
      #expect(compiled.program == nil && Gallery.render(compiled).contains(message), "\(threshold): \(Gallery.render(compiled))")
    }
  }

  @Test func `alerts select them too, by what a second has one of`() throws {
    func compile(_ condition: String) -> Compilation {
      let chain = "version: 1\nchain: test\nconnections:\n  db: { postgres: $env.DB }\nsteps:\n  - sql: SELECT 1\nalerts:\n  - { name: a, when: '\(condition)', webhook: 'http://x/y' }\n"
      return Gallery.compile(Array(chain.utf8), path: "test.chain.yaml")
    }
    let held = compile("last(server.db.waiting_lock) > 5")
    let program = try #require(held.program, "\(Gallery.render(held))")
    #expect(program.alerts[0].condition.limit == 5)
    guard case .figure(.last, .server(let row, isCounted: false, .number)) = program.alerts[0].condition.metric else {
      Issue.record("\(program.alerts[0].condition.metric)")
      return
    }
    #expect(program.serverFigures[row].name == "waiting_lock")
    #expect(compile("mean(server.db.longest_transaction) > 2s").program?.alerts[0].condition.limit == 2e9)
    #expect(compile("count(server.db.deadlocks) > 0").program?.alerts[0].condition.limit == 0)
    for wrong in ["count(server.db.active) > 5", "max(server.db.waiting_lok) > 5", "max(server.db.waiting_lock) > 5s"] { #expect(compile(wrong).program == nil) }
  }

  @Test func `queues are those that the connection lists and those that steps name, as identifiers`() throws {
    let program = try program("max(server.mq.queue.a_b_2.depth) < 5", queues: #", queues: [a.b, a-b, "a.b"]"#)
    let depths = program.serverFigures.filter { $0.figure.name == "depth" }
    #expect(depths.map(\.object) == ["a.b", "a-b", "orders.cache"])
    #expect(depths.map(\.name) == ["queue.a_b.depth", "queue.a_b_2.depth", "queue.orders_cache.depth"])
    #expect(program.serverFigures(of: ConnectionIndex(3)).isEmpty)
    let cache = program.serverFigures(of: ConnectionIndex(2))
    #expect(program.serverFigures[cache].allSatisfy { $0.connection == ConnectionIndex(2) } && cache.count == RedisConnector().schema.serverView.figures.count)
  }

  @Test func `the page on the servers' view has every figure that there is, and its quotients are of counters`() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
    let page = try String(contentsOfFile: root + "/docs/server-view.md", encoding: .utf8)
    for schema in [PostgresConnector().schema, RedisConnector().schema, RabbitMQConnector().schema] {
      let figures = schema.serverView.figures
      for figure in figures { #expect(page.contains("| `\(figure.name)` |") && page.contains(figure.summary), "\(schema.kind): \(figure.name)") }
      for figure in schema.serverView.objects?.figures ?? [] {
        #expect(page.contains("| `queue.<name>.\(figure.name)` |") && page.contains(figure.summary), "\(figure.name)")
      }
      #expect(Set(figures.map(\.name)).count == figures.count)
      for figure in figures {
        guard case .quotient(let part, let rest) = figure.form else { continue }
        #expect([part, rest].allSatisfy { name in figures.contains { $0.name == name && $0.form == .counter } })
      }
    }
  }
}
