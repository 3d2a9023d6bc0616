import Foundation
import LosslessJSON
import Metrics
import Testing

@testable import Reports

/// What a run was made with stands in its reports: a figure without it says nothing.
@Suite struct ConfigurationTests {
  private func run() throws -> RunRecord {
    var run = SyntheticRun(steps: 1)
    run.start.variables = [NamedText("patience", "2s"), NamedText("token", "(not shown)")]
    run.start.traceContext = "http,sql"
    run.start.viewsServers = false
    run.start.baseline = BaselineInfo(file: "results/<baselines>.json", runs: 5, setAt: 1_795_170_823, observation: [])
    run.start.connections = [
      ConnectionInfo(
        name: "db", kind: "postgres", poolSize: 16, acquireTimeoutNanoseconds: 5_000_000_000, connectTimeoutNanoseconds: 250_000_000),
      ConnectionInfo(name: "cache", kind: "redis", poolSize: 0), ConnectionInfo(name: "old", kind: "amqp"),
    ]
    run.add(SyntheticRun.interval(0, steps: 1, count: 50))
    var failure = SyntheticRun.failure(step: 0, "no", at: 0.25, count: 40)
    failure.exampleNanoseconds = [0.25, 0.5, 0.7512].map(SyntheticRun.instant)
    run.add(failure)
    run.add(SyntheticRun.failure(step: 0, "once", at: 0.4))
    return try run.record(exitCode: 0, lasting: 1)
  }

  @Test func `the page lists pools, time limits and what the command line changed`() throws {
    let page = HTMLReport.text(of: try run())
    for part in [
      "<dt>variables</dt><dd>patience=2s, token=(not shown)</dd>", "<dt>trace told to</dt><dd>http, sql</dd>",
      "<dt>server view</dt><dd>off</dd>",
      "<dd>results/&lt;baselines&gt;.json: 5 runs, set at 2026-11-20T10:33:43Z</dd>",
      "<dt>connection db</dt><dd>postgres, 16 connections, a step waits 5.00 s for one, connecting takes at most 250 ms</dd>",
      "<dt>connection cache</dt><dd>redis, a connection for each user</dd>",
    ] { #expect(page.contains(part), "\(part)") }
    #expect(!page.contains("connection old"))
  }

  @Test func `the page gives the first instants of an error that came more than once`() throws {
    let page = HTMLReport.text(of: try run())
    #expect(
      page.components(separatedBy: "for example at").count == 2 && page.contains("for example at 0.250, 0.500, 0.751 s"),
      "\(page.components(separatedBy: "for example at").last?.prefix(40) ?? "")")
  }

  @Test func `the text begins with what was changed, and a run without changes has no such line`() throws {
    let text = TerminalSummary.text(of: try run(), style: .plain)
    for part in ["variables      patience=2s", "trace told to  http, sql", "server view    off"] { #expect(text.contains(part), "\(text)") }
    let bare = try SyntheticRun(steps: 1).record(exitCode: 0, lasting: 1)
    #expect(!TerminalSummary.text(of: bare, style: .plain).contains("server view"))
  }

  @Test func `the summary for programs has all of it`() throws {
    let summary = try JSONDocument(parsing: SummaryJSON.text(of: run())).root
    let configuration = try #require(summary["configuration"])
    #expect(configuration["variables"]?["patience"]?.string == "2s" && configuration["traceparent"]?.string == "http,sql")
    #expect(configuration["server_view"]?.bool == false && configuration["baseline"]?["runs"]?.integer(as: Int.self) == 5)
    let connections = try #require(configuration["connections"])
    #expect(connections[0]?["pool"]?.integer(as: Int.self) == 16 && connections[0]?["connect_timeout_s"]?.double == 0.25)
    #expect(
      connections[1]?["per_user"]?.bool == true && connections[1]?["pool"]?.isNull == true && connections[2]?["per_user"]?.isNull == true)
    #expect(summary["errors"]?[0]?["examples_s"]?.count == 3)
  }
}
