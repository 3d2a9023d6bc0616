import History
import LosslessJSON
import Testing

@testable import Reports

@Suite struct ComparisonReportTests {
  private func run(_ index: Int, p50: Double, p99: Double, lost: UInt64 = 0, profile: String = "steady") -> RunFigures {
    var run = RunFigures()
    run.runID = "r\(index)"
    run.folder = "results/run-\(index)"
    run.startedAt = 1_795_170_823 + Double(index) * 3_600
    run.exitCode = lost > 0 ? 4 : 0
    run.validity = "valid"
    run.conditions.chain = "<script>alert(1)</script>"
    run.conditions.profile = profile
    run.conditions.profileText = "open, 200/s"
    run.conditions.model = "open"
    run.metrics = [
      Metric("response.p50", .seconds, p50), Metric("response.p99", .seconds, p99), Metric("iterations.not_completed", .share, 0),
    ]
    run.consistency = [ConsistencyCount("order_created.cached.lost", lost)]
    return run
  }

  private func comparison() throws -> RunComparison {
    let before = (0..<5).map { run($0, p50: 0.020 + Double($0) * 0.0001, p99: 0.050) }
    let after = (5..<10).map { run($0, p50: 0.024 + Double($0) * 0.0001, p99: 0.050, lost: $0 == 7 ? 3 : 0) }
    guard case .compared(let comparison) = RunComparison.compare(before: before, after: after) else { throw Refused() }
    return comparison
  }
  private struct Refused: Error {}

  @Test func `a comparison says what regressed, by how much and with which certainty`() throws {
    let text = ComparisonReport.text(try comparison(), width: 120, style: .plain)
    #expect(text.contains("REGRESSED: order_created.cached.lost 0 -> 3, response.p50 +22 %"))
    let row = try #require(text.split(separator: "\n").first { $0.contains("response.p50 ") })
    for part in ["20.2 ms", "24.7 ms", "+22 %", "+4.50 ms", "REGRESSED"] { #expect(row.contains(part), "\(part) in \(row)") }
    let steady = try #require(text.split(separator: "\n").first { $0.contains("response.p99 ") })
    #expect(steady.contains("±0 %") && steady.contains("EQUIVALENT"))
  }

  @Test func `Markdown, JSON and JUnit say the same`() throws {
    let comparison = try comparison()
    let markdown = ComparisonReport.markdown(comparison)
    #expect(markdown.hasPrefix("## REGRESSED: &lt;script&gt;"))
    #expect(markdown.contains("| `response.p50` | 20.2 ms | 24.7 ms | +22 % |"))
    let json = try JSONDocument(parsing: ComparisonReport.json(comparison)).root
    #expect(json["verdict"]?.string == "REGRESSED" && json["metrics"]?[0]?["verdict"]?.string == "REGRESSED")
    let junit = ComparisonReport.junit(comparison)
    #expect(junit.contains("tests=\"4\" failures=\"2\"") && junit.contains("&lt;script&gt;") && !junit.contains("<script"))
  }

  @Test func `a figure that some runs lack is told in every form`() throws {
    let before = (0..<5).map { run($0, p50: 0.020, p99: 0.050) }
    let after = (5..<10).map { index in
      var one = run(index, p50: 0.020, p99: 0.050)
      if index < 7 { one.metrics.removeAll { $0.name == "response.p99" } }
      return one
    }
    guard case .compared(let comparison) = RunComparison.compare(before: before, after: after) else { throw Refused() }
    let words = "INCONCLUSIVE: 2 of 5 runs after have too few samples"
    let text = ComparisonReport.text(comparison, width: 140, style: .plain)
    #expect(text.hasSuffix("INCONCLUSIVE: not all runs have response.p99 (2 of 5 runs after have too few samples)\n"))
    for form in [text, ComparisonReport.markdown(comparison), ComparisonReport.junit(comparison), ComparisonReport.html(comparison)] {
      #expect(form.contains(words))
    }
    let json = try JSONDocument(parsing: ComparisonReport.json(comparison)).root
    #expect(json["metrics"]?[1]?["missing"]?.string == "2 of 5 runs after have too few samples")
  }

  @Test func `a page shows text of the system as text, and refers to nothing outside`() throws {
    let trend = RunTrend((0..<12).map { run($0, p50: $0 < 6 ? 0.020 : 0.030, p99: 0.050) })
    for page in [ComparisonReport.html(try comparison()), TrendReport.html(trend)] {
      #expect(page.contains("&lt;script&gt;alert(1)") && !page.contains("<script"))
      #expect(!page.contains("http") && !page.contains("url(") && !page.contains("@import"))
    }
  }

  @Test func `a trend names the place of a change`() {
    let trend = RunTrend((0..<12).map { run($0, p50: $0 < 6 ? 0.020 : 0.030, p99: 0.050) })
    let text = TrendReport.text(trend, width: 120, style: .plain)
    #expect(text.contains("▁▁▁▁▁▁██████"))
    #expect(text.contains("+50 % at 2026-11-20 16:33"))
    #expect(text.hasSuffix("REGRESSED at the last change: response.p50\n"))
    #expect(TrendReport.markdown(trend).contains("| `response.p50` | ▁▁▁▁▁▁██████ | 30.0 ms | 30.0 ms | +50 % at 2026-11-20 16:33 |"))
    #expect(TrendReport.junit(trend).contains("failures=\"1\""))
    #expect(TrendReport.text(RunTrend([]), width: 80, style: .plain) == "no runs to look at\n")
  }

  @Test func `the history lists the newest run first, with its exit code and what was wrong`() {
    let text = HistoryReport.text([run(0, p50: 0.02, p99: 0.05), run(1, p50: 0.02, p99: 0.05, lost: 3)], width: 140, style: .plain)
    let lines = text.split(separator: "\n")
    #expect(lines.count == 3 && lines[1].contains("run-1") && lines[2].contains("run-0"))
    #expect(lines[1].contains("2026-11-20 11:33") && lines[1].contains(" 4 "))
    #expect(HistoryReport.text([], width: 80, style: .plain) == "no runs\n")
  }
}
