import Foundation
import LosslessJSON
import Metrics
import Testing

@testable import Reports

/// What servers told, in the reports of made-up runs whose truth is known.
@Suite struct ServerReportTests {
  /// Twenty seconds in which step 1 was slow from 12 to 14, when nine sessions waited for a lock; and one that was slow alone at 5.
  private static func run(hostile: String = "") throws -> RunRecord {
    var run = SyntheticRun(steps: 2)
    run.start.connections = [ConnectionInfo(name: "db" + hostile, kind: "postgres"), ConnectionInfo(name: "mq", kind: "amqp")]
    func figure(_ connection: Int, _ name: String, _ role: ServerFigureInfo.Role, _ plot: String, object: String = "") -> ServerFigureInfo {
      var info = ServerFigureInfo(connection: connection, name: name, object: object)
      info.role = role
      info.plot = plot
      return info
    }
    var commits = figure(0, "commits", .work, "transactions")
    commits.isCounter = true
    run.start.serverFigures = [
      figure(0, "waiting", .pressure, ""), figure(0, "waiting_lock", .pressure, "waits"), figure(0, "waiting_io", .pressure, "waits"), commits,
      figure(1, "queue.a_b.depth", .pressure, "queue depth", object: "a.b" + hostile),
    ]
    for second in 0..<20 {
      var interval = SyntheticRun.interval(second, steps: 2, count: 100)
      if (12..<14).contains(second) { interval.steps[1].service = SyntheticRun.spread(160_000_000, 100, second) }
      if second == 5 { interval.steps[0].service = SyntheticRun.spread(20_000_000, 100, second) }
      run.add(interval)
      let waiting = (12..<14).contains(second) ? 9.0 : 0
      var sample = JournalServer(
        connection: 0, fromNanoseconds: SyntheticRun.instant(max(0, Double(second) - 0.5)), atNanoseconds: SyntheticRun.instant(Double(second) + 0.5))
      sample.isOfLoad = true
      sample.values = [waiting, waiting, 0, 150]
      sample.parts = waiting > 0 ? [JournalServer.Part("Lock: transactionid" + hostile, 9)] : []
      sample.requests = 3
      run.add(sample)
      var depth = JournalServer(connection: 1, fromNanoseconds: sample.fromNanoseconds, atNanoseconds: sample.atNanoseconds)
      depth.isOfLoad = true
      depth.values = [Double(second * 10)]
      depth.requests = 1
      if second == 7 {
        depth.values = []
        depth.gap = "no answer within 900 ms" + hostile
      }
      run.add(depth)
    }
    var facts = JournalServerFacts(connection: 0)
    facts.server = "PostgreSQL 15.6" + hostile
    facts.limits = [.init(figures: ["waiting_lock", "waiting_io", "waiting"], reason: "only sessions of 'me' itself" + hostile)]
    facts.statements = [
      .init(id: "77", text: "UPDATE stock SET quantity = quantity - $1" + hostile, calls: 2000, totalNanoseconds: 4e9, rows: 2000),
      .init(id: "-9", text: "", calls: 1, totalNanoseconds: 1e6, rows: 0),
    ]
    run.add(facts)
    return try run.record(lasting: 20)
  }

  @Test func `a slow span is told with what stood out in its seconds, and one in which nothing did as such`() throws {
    let spans = SlowSpan.all(of: try Self.run())
    #expect(spans.map { "\($0.step) \($0.from) \($0.to)" } == ["step_0 5 6", "step_1 12 14"])
    #expect(spans[0].signs.isEmpty && spans[0].phrase.contains("nothing that the servers told stood out"))
    let signs = spans[1].signs
    #expect(signs.map(\.figure.name) == ["waiting_lock"] && signs.first?.largest == 9 && signs.first?.otherwise == 0)
    let phrase = spans[1].phrase
    #expect(phrase.hasPrefix("12–14 s: p99 of step_1 was 2") && phrase.contains("usually 2."), "\(phrase)")
    #expect(phrase.hasSuffix("in these seconds db: waiting_lock up to 9 (otherwise 0), most of all Lock: transactionid"), "\(phrase)")
  }

  @Test func `what ended late ran before: the span begins when the slowest did`() throws {
    var run = SyntheticRun(steps: 1)
    run.start.connections = [ConnectionInfo(name: "db", kind: "postgres")]
    var figure = ServerFigureInfo(connection: 0, name: "waiting_lock")
    figure.role = .pressure
    run.start.serverFigures = [figure]
    for second in 0..<10 {
      // From 3 to 5 nothing ends; then what had waited does, after up to 2.4 s.
      var interval = SyntheticRun.interval(second, steps: 1, count: second == 3 || second == 4 ? 0 : 50)
      if second == 5 { interval.steps[0].service = SyntheticRun.spread(1_600_000_000, 50, 2) }
      run.add(interval)
      var sample = JournalServer(connection: 0, fromNanoseconds: 0, atNanoseconds: SyntheticRun.instant(Double(second) + 0.5))
      sample.isOfLoad = true
      sample.values = [second == 3 || second == 4 ? 8 : 0]
      run.add(sample)
    }
    let spans = SlowSpan.all(of: try run.record(lasting: 10))
    #expect(spans.count == 1 && spans[0].from <= 3 && spans[0].to == 6 && spans[0].signs.first?.largest == 8, "\(spans.map(\.phrase))")
  }

  @Test func `a run whose seconds are all alike has no slow span`() throws {
    var run = SyntheticRun(steps: 3)
    run.start.connections = [ConnectionInfo(name: "db", kind: "postgres")]
    run.start.serverFigures = [ServerFigureInfo(connection: 0, name: "waiting_lock")]
    for second in 0..<60 {
      run.add(SyntheticRun.interval(second, steps: 3, count: 100, center: 2_000_000 + UInt64(second % 5) * 300_000))
      run.add(JournalServer(connection: 0, fromNanoseconds: 0, atNanoseconds: SyntheticRun.instant(Double(second))))
    }
    #expect(SlowSpan.all(of: try run.record(lasting: 60)).isEmpty)
  }

  @Test func `the files have the servers' figures, gaps and limits, in the shape that is published`() throws {
    let run = try Self.run()
    let summary = try JSONDocument(parsing: SummaryJSON.text(of: run)).root
    let servers = Array(summary["servers"]!.elements)
    #expect(servers.count == 2 && servers[0]["requests"]?.integer(as: Int.self) == 60 && servers[0]["requests_per_s"]?.double == 3)
    #expect(servers[0]["figures"]?["commits"]?["total"]?.double == 2925 && servers[0]["figures"]?["waiting_lock"]?["max"]?.double == 9)
    #expect(servers[1]["gaps"]?.integer(as: Int.self) == 1 && servers[1]["gap_reason"]?.string == "no answer within 900 ms")
    #expect(servers[0]["statements"]?.elements.compactMap { $0["mean_s"]?.double } == [0.002, 0.001])
    #expect(summary["slow_spans"].map { Array($0.elements).count } == 2)
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path
    let schema = try JSONDocument(parsing: try String(contentsOfFile: folder + "/../../grammar/summary.schema.json", encoding: .utf8))
    #expect(SchemaCheck(schema: schema.root).problems(of: summary) == [])
    let text = TerminalSummary.text(of: run, style: .plain, width: 200)
    #expect(text.contains("waiting_lock up to 9") && text.contains("depth of a.b up to 190 · no answer 1 time: no answer within 900 ms"), "\(text)")
    #expect(text.contains("db: waiting_lock, waiting_io and 1 more: only sessions of 'me' itself") && text.contains("12–14 s: p99 of step_1"), "\(text)")
  }

  @Test func `the page draws each server on the run's axis, and shows what servers say as text`() throws {
    let page = HTMLReport.text(of: try Self.run(hostile: "<script>x</script>"))
    #expect(page.contains("db&lt;script&gt;x&lt;/script&gt;: waits") && page.contains("mq: queue depth") && !page.contains("<script"))
    #expect(page.contains("UPDATE stock SET quantity = quantity - $1") && page.contains("id -9"))
    #expect(!page.contains("waiting_io</text>"))
  }
}
