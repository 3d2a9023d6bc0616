import ChainProgram
import Diagnostics
import Testing

@testable import ChainLanguage

/// `alerts:` as a chain says it, and what is refused.
@Suite struct AlertLanguageTests {
  private func chain(_ alerts: String, top: String = "") -> String {
    """
    version: 1
    chain: test
    connections:
      db: { postgres: $env.DB, access: write }
      mq: { amqp: $env.MQ }
      cache: { redis: $env.CACHE }
    \(top)
    vars:
      patience: 750ms
      team: orders
    events:
      order:
        origin: insert
        id: $id
        hops:
          cached: { watch: "order:*", conn: cache, id: key.after("order:") as int }
    steps:
      - id: insert
        sql: INSERT INTO orders DEFAULT VALUES RETURNING id
        conn: db
        capture: { id: row.id as int }
    load: { smoke: { closed: { vus: 1, iterations: 1 } } }
    alerts:
    \(alerts)
    """
  }

  private func program(_ alerts: String, top: String = "", _ location: SourceLocation = #_sourceLocation) throws -> Program {
    let compiled = CompiledText(chain(alerts, top: top))
    return try #require(compiled.program, "\(compiled.rendered)", sourceLocation: location)
  }

  /// `name: message` of the findings.
  private func findings(_ alerts: String, top: String = "") -> [String] {
    CompiledText(chain(alerts, top: top)).compilation.findings.sorted.map { "\($0.name.rawValue): \($0.message)" }
  }

  @Test func `an alert that says little has the defaults`() throws {
    let alert = try #require(try program("  - { name: errors, when: rate(errors) > 1%, run: [page] }").alerts.first)
    #expect(alert.name == "errors" && alert.overNanoseconds == 10_000_000_000 && alert.firesAfter == 1 && alert.resolvesAfter == 1)
    #expect(alert.everyNanoseconds == nil && alert.timeoutNanoseconds == 10_000_000_000 && alert.webhook == nil)
    #expect(alert.command == ["page"])
    #expect(alert.condition.metric == .measured(.rate(.errors)) && alert.condition.comparison == .greater && alert.condition.limit == 0.01)
    #expect(alert.condition.text == "rate(errors) > 1%")
  }

  @Test func `an alert that says everything is taken at its word`() throws {
    let alert = try #require(
      try program(
        """
          - name: cache lags
            when: p95(event.order.cached) > patience
            over: 30s
            for: 3
            resolve_after: 5
            every: 1m
            timeout: 500ms
            run: ["scripts/page-me", "to ${team}", 7]
            webhook: $secrets.alert_url
        """, top: "secrets: { alert_url: { env: ALERT_URL } }"
      ).alerts.first)
    #expect(alert.overNanoseconds == 30_000_000_000 && alert.firesAfter == 3 && alert.resolvesAfter == 5)
    #expect(alert.everyNanoseconds == 60_000_000_000 && alert.timeoutNanoseconds == 500_000_000)
    #expect(alert.command == ["scripts/page-me", "to orders", "7"])
    let isSecret = if case .secret? = alert.webhook { true } else { false }
    #expect(isSecret)
    #expect(alert.condition.metric == .measured(.quantile(0.95, .lag(EventIndex(0), hop: 0))) && alert.condition.limit == 750e6)
  }

  @Test func `'for' is the row for being resolved as well, unless it says otherwise`() throws {
    #expect(try program("  - { name: a, when: rate(errors) > 1%, for: 4, run: [page] }").alerts.first?.resolvesAfter == 4)
  }

  @Test(arguments: [
    ("max(generator.cpu) > 70%", AlertMetric.figure(.max, .generator(.cpu)), 0.7),
    ("last(generator.gap) >= 200ms", .figure(.last, .generator(.gap)), 200e6),
    ("count(generator.late_starts) > 5", .figure(.count, .generator(.lateStarts)), 5),
    ("mean(pool.db.utilisation) > 95%", .figure(.mean, .pool(ConnectionIndex(0), .utilisation)), 0.95),
    ("max(pool.cache.in_flight) > 2.5", .figure(.max, .pool(ConnectionIndex(2), .inFlight)), 2.5),
    ("count(pool.mq.reconnects) > 0", .figure(.count, .pool(ConnectionIndex(1), .reconnects)), 0),
    ("p99(step.insert) > 20ms", .measured(.quantile(0.99, .step(StepIndex(0)))), 20e6),
    ("count(event.order.lost) > 0", .measured(.count(.outcome(EventIndex(0), hop: nil, name: "lost"))), 0),
  ])
  func `a condition may be on what thresholds know and on figures of each second`(_ text: String, _ metric: AlertMetric, _ limit: Double) throws {
    let condition = try #require(try program("  - { name: a, when: \(text), run: [page] }").alerts.first?.condition)
    #expect(condition.metric == metric && abs(condition.limit - limit) < 1e-9 * max(1, limit))
  }

  @Test(arguments: [
    ("when: p99(step.insrt) > 20ms, run: [page]", "threshold-selector: there is no step 'insrt'"),
    ("when: max(generator.cpus) > 20%, run: [page]", "threshold-selector: the generator has no figure 'cpus'"),
    ("when: max(pool.bd.waits) > 2, run: [page]", "threshold-selector: there is no connection 'bd'"),
    ("when: max(pool.db.size) > 2, run: [page]", "threshold-selector: a pool has no figure 'size'"),
    ("when: p99(generator.cpu) > 20%, run: [page]", "threshold-selector: 'p99' is no metric of a figure that each second has one of"),
    ("when: count(pool.db.utilisation) > 20%, run: [page]", "threshold-selector: this figure is not counted, so its seconds do not add up"),
    ("when: max(pool.db) > 2, run: [page]", "threshold-selector: this selects no figure"),
    ("when: errors, run: [page]", "threshold-selector: an alert compares a metric with a limit"),
    ("when: rate(errors) > 1%", "alert-without-action: the alert has neither 'run' nor 'webhook', and would tell nobody"),
    ("when: rate(errors) > 1%, over: 500ms, run: [page]", "bad-value: a window is at least a second long"),
    ("when: rate(errors) > 1%, over: 2500ms, run: [page]", "bad-value: a window is a whole number of seconds, up to an hour"),
    ("when: rate(errors) > 1%, over: 2h, run: [page]", "bad-value: a window is a whole number of seconds, up to an hour"),
    ("when: rate(errors) > 1%, every: 10ms, run: [page]", "bad-value: an alert is told again after a second at the earliest"),
    ("when: rate(errors) > 1%, timeout: 1h, run: [page]", "bad-value: an action may take from 100ms to 5m"),
    ("when: rate(errors) > 1%, run: page me", "wrong-node-kind: 'run' is a list of the command and its arguments, and this is text"),
    ("when: rate(errors) > 1%, run: []", "wrong-node-kind: 'run' names no command"),
    ("when: rate(errors) > 1%, run: [page, $run.id]", "bad-value: the words of a command are known before the run"),
    ("when: rate(errors) > 1%, webhook: ftp://x/", "bad-value: a webhook's address starts with 'http://' or 'https://'"),
    ("when: rate(errors) > 1%, webhook: \"https://ops:hunter2@x/\"", "webhook-password: this address has a password in it, and a chain is no place for one"),
    ("when: rate(errors) > 1%, webhook: $secrets.url", "unknown-name: there is no secret 'url'"),
    ("when: rate(errors) > 1%, webhook: \"https://x/${patience}\"", "bad-value: a webhook is a secret, an environment variable or a literal address"),
  ])
  func `what cannot be meant is an error`(_ alert: String, _ finding: String) {
    #expect(findings("  - { name: a, \(alert) }") == [finding])
  }

  @Test func `a name is given once`() {
    let text = CompiledText(chain("  - { name: a, when: rate(errors) > 1%, run: [page] }\n  - { name: a, when: rate(errors) > 1%, webhook: $env.URL }")).rendered
    #expect(text.contains("duplicate-name") && text.contains("there is an alert 'a' already"), "\(text)")
  }

  @Test func `a password in an address is never shown, not even in the line that has it`() {
    let text = CompiledText(chain("  - { name: a, when: rate(errors) > 1%, webhook: \"https://ops:hunter2@alerts.example/a:b@c\" }")).rendered
    #expect(text.contains("webhook-password") && text.contains("https://ops:*******@alerts.example/a:b@c") && !text.contains("hunter2"), "\(text)")
  }

  @Test func `a secret in a command's words would be seen by everybody on the machine`() {
    let found = findings("  - { name: a, when: rate(errors) > 1%, run: [page, $secrets.token] }", top: "secrets: { token: { env: TOKEN } }")
    #expect(found.count == 1 && found[0].hasPrefix("secret-leak: "), "\(found)")
  }

  @Test func `a command of the chain's folder must be there, and one of the path gives a warning`() {
    var asked: [String] = []
    func compile(_ word: String) -> Compilation {
      var options = CompileOptions()
      options.commandProblem = { _ in "no such file" }
      return compileChain(
        path: "chains/test.chain.yaml", bytes: Array(chain("  - { name: a, when: rate(errors) > 1%, run: [\(word)] }").utf8),
        connectors: GraphSchemas.all, options: options
      ) { path in
        asked.append(path)
        return .failure(ReadFailure("no such file"))
      }
    }
    let missing = compile("scripts/page").findings.sorted
    #expect(missing.map(\.message) == ["the command 'chains/scripts/page' cannot be run: no such file"] && missing[0].severity == .error)
    let elsewhere = compile("page").findings.sorted
    #expect(elsewhere.map(\.name) == [.alertCommand] && elsewhere[0].severity == .warning)
    #expect(asked.isEmpty, "a command is never read")
  }
}
