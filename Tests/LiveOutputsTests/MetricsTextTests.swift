import Foundation
@testable import LiveOutputs
import LosslessJSON
import Metrics
import Testing

@Suite struct MetricsTextTests {
  private let families = ExportSamples.totals(20).families
  private var text: String { OpenMetricsText.render(families) }

  private func samples(_ name: String) -> [Substring] { text.split(separator: "\n").filter { $0.hasPrefix(name) } }

  @Test func `the same run has the same metrics each time`() throws {
    try Golden.compare(text, with: "screens/metrics.txt")
  }

  @Test func `every count of the reports stands in the metrics`() {
    let reports = ExportSamples.reports(20)
    let response = reports.compactMap(\.interval).reduce(0) { $0 + $1.response.count }
    #expect(samples("chainrun_response_duration_seconds_count") == ["chainrun_response_duration_seconds_count \(response)"])
    #expect(samples(#"chainrun_response_duration_seconds_bucket{le="+Inf"}"#) == [#"chainrun_response_duration_seconds_bucket{le="+Inf"} \#(response)"#])
    #expect(samples(#"chainrun_iterations_total{result="failed"}"#) == [#"chainrun_iterations_total{result="failed"} 80"#])
    #expect(samples(#"chainrun_errors_total{step="insert_order""#).map { $0.split(separator: " ").last } == ["18"])
    #expect(text.hasSuffix("\n# EOF\n"))
  }

  @Test func `buckets count what is at most their bound`() {
    let histogram = Histogram()
    for value: UInt64 in [50_000, 99_000, 400_000, 2_000_000_000, 120_000_000_000] { histogram.record(value) }
    var buckets = TimeBuckets()
    buckets.add(histogram.snapshot())
    buckets.add(histogram.snapshot())
    #expect(buckets.counts[0] == 4 && buckets.counts[2] == 2 && buckets.counts[13] == 2 && buckets.counts.last == 2)
    #expect(buckets.counts.reduce(0, +) == buckets.count && buckets.count == 10)
    #expect(buckets.sumNanoseconds == 2 * 122_000_549_000)
  }

  @Test func `an error's text is no label`() {
    #expect(!text.contains("connection refused"))
  }

  /// With `prometheus-client` of PyPI (see scripts/test).
  @Test(.enabled(if: ProcessInfo.processInfo.environment["PROMETHEUS_PYTHON"] != nil))
  func `the parser of the Prometheus client reads every family and sample`() throws {
    let script = """
      import sys
      from prometheus_client.openmetrics.parser import text_string_to_metric_families
      families = list(text_string_to_metric_families(sys.stdin.read()))
      print(len(families), sum(len(family.samples) for family in families))
      """
    let process = Process()
    process.executableURL = URL(fileURLWithPath: ProcessInfo.processInfo.environment["PROMETHEUS_PYTHON"] ?? "")
    process.arguments = ["-c", script]
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    process.standardError = output
    try process.run()
    // Smaller than a pipe's buffer would be a guess: the parser reads everything before it writes.
    input.fileHandleForWriting.write(Data(text.utf8))
    try input.fileHandleForWriting.close()
    let answer = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let shown = families.filter { !$0.points.isEmpty }
    let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
    #expect(answer == "\(shown.count) \(lines.count)\n")
  }

  @Test func `an OTLP body holds every family with cumulative counts`() throws {
    let bytes = OTLPMetrics.body(families, attributes: [(name: "service.name", value: "chainrun")], version: "1", start: 7, now: 9)
    let root = try JSONDocument(parsing: bytes).root
    let scope = try #require(root["resourceMetrics"]?.elements.map { $0 }.first?["scopeMetrics"]?.elements.map { $0 }.first)
    let metrics = try #require(scope["metrics"]?.elements.map { $0 })
    #expect(metrics.count == families.count { !$0.points.isEmpty && $0.kind != .info })
    let steps = try #require(metrics.first { $0["name"]?.string == "chainrun.step.duration" })
    #expect(steps["unit"]?.string == "s")
    let histogram = try #require(steps["histogram"])
    #expect(histogram["aggregationTemporality"]?.integer() == 2)
    let point = try #require(histogram["dataPoints"]?.elements.map { $0 }.first)
    let counts = try #require(point["bucketCounts"]?.elements.compactMap { $0.string.flatMap { UInt64($0) } })
    #expect(counts.reduce(0, +) == point["count"]?.string.flatMap { UInt64($0) } && counts.count == TimeBuckets.bounds.count + 1)
    #expect(point["explicitBounds"]?.count == TimeBuckets.bounds.count)
    #expect(point["startTimeUnixNano"]?.string == "7" && point["timeUnixNano"]?.string == "9")
    let iterations = try #require(metrics.first { $0["name"]?.string == "chainrun.iterations" }?["sum"])
    #expect(iterations["isMonotonic"]?.bool == true)
  }

  @Test func `addresses are loopback unless another one is written out`() {
    #expect(ListenAddress("9464")?.host == "127.0.0.1" && ListenAddress(":9464")?.port == 9464)
    #expect(ListenAddress("localhost:1")?.host == "127.0.0.1")
    #expect(ListenAddress("0.0.0.0:9464")?.host == "0.0.0.0")
    #expect(ListenAddress("[::1]:9464")?.host == "::1")
    for wrong in ["", "example.org:80", "127.0.0.1", "127.0.0.1:70000", "::1", "1.2.3:4"] { #expect(ListenAddress(wrong) == nil, "\(wrong)") }
    #expect(OTLPSender.endpoint("http://127.0.0.1:4318") == "http://127.0.0.1:4318/v1/metrics")
    #expect(OTLPSender.endpoint("http://127.0.0.1:4318/") == "http://127.0.0.1:4318/v1/metrics")
    #expect(OTLPSender.endpoint("https://x/otlp/v1/metrics") == "https://x/otlp/v1/metrics")
    #expect(OTLPSender.endpoint("127.0.0.1:4318") == nil && OTLPSender.endpoint("http://") == nil)
  }
}
