import Foundation
import LosslessJSON
import Metrics
import Reports
import Testing

/// PyPI's `hdrhistogram`, HdrHistogram's own Python port: HDRHISTOGRAM_PYTHON is an interpreter that has it, as scripts/test makes one.
private let python = ProcessInfo.processInfo.environment["HDRHISTOGRAM_PYTHON"]

@Suite struct HistogramLogTests {
  private func log(of name: String) throws -> (text: String, record: RunRecord) {
    var text = ""
    let record = try JournalReader.read(
      bytes: SampleRuns.journal(name),
      eachInterval: { (interval) throws(JournalReadError) in text += HistogramLog(start: SampleRuns.head(name)).lines(of: interval) })
    return (HistogramLog(start: record.start).header + text, record)
  }

  @Test func `every series has a line for each second that it has values in, without the warm-up`() throws {
    let (text, record) = try log(of: "clean-open")
    let lines = text.split(separator: "\n").filter { $0.hasPrefix("Tag=") }
    let tags = Dictionary(grouping: lines) { String($0.dropFirst(4).prefix { $0 != "," }) }
    #expect(tags.values.allSatisfy { $0.count == 4 }, "\(tags.mapValues(\.count))")
    #expect(
      Set(tags.keys)
        == [
          "response", "start_delay", "service", "step.insert_order", "step.insert_order.pool_wait", "step.announce", "step.cached", "step.read_back",
          "measure.order_to_cache", "event.order_created.queued.lo", "event.order_created.queued.hi", "event.order_created.cached.lo",
          "event.order_created.cached.hi",
        ])
    // The load begins two seconds after the journal; the longest of each series' seconds is in its lines, in milliseconds.
    #expect(tags["response"]?.map { $0.split(separator: ",")[1] } == ["2.000", "3.000", "4.000", "5.000"])
    #expect(tags["response"]?.allSatisfy { $0.split(separator: ",")[2] == "1.000" } == true)
    let longest = tags["response"]?.compactMap { Double($0.split(separator: ",")[3]) }.max() ?? 0
    #expect(abs(longest - Double(record.response.max) / 1e6) < 0.001)
    #expect(text.hasPrefix("#[Histogram log format version 1.3]\n"))
  }

  @Test(.enabled(if: python != nil, "HDRHISTOGRAM_PYTHON is not set"), arguments: ["clean-open", "broken-closed"])
  func `HdrHistogram's own library decodes the log to the same quantiles`(_ name: String) throws {
    let (text, record) = try log(of: name)
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("chainrun-\(UUID().uuidString).hlog").path
    try text.write(toFile: path, atomically: false, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let script = """
      import json, sys
      from hdrh.histogram import HdrHistogram
      from hdrh.log import HistogramLogReader
      reference = HdrHistogram(1, 3600000000000, 3)
      reader = HistogramLogReader(sys.argv[1], reference)
      totals = {}
      while True:
          h = reader.get_next_interval_histogram()
          if h is None:
              break
          total = totals.setdefault(h.get_tag(), HdrHistogram(1, 3600000000000, 3))
          total.add(h)
      print(json.dumps({t: {"count": h.get_total_count(), "q": [h.get_value_at_percentile(p) for p in (50, 95, 99, 99.9, 100)],
                            "mean": h.get_mean_value()} for t, h in totals.items()}))
      """
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(python))
    process.arguments = ["-c", script, path]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
    let decoded = try JSONDocument(parsing: Array(output)).root
    var series: [(String, HistogramSnapshot)] = [("service", record.service), ("measure.order_to_cache", record.measures[0].values)]
    if record.start.model == .open { series += [("response", record.response), ("start_delay", record.startDelay)] }
    for step in record.steps { series.append(("step.\(step.info.id)", step.service)) }
    for hop in record.events[0].hops {
      series += [("event.order_created.\(hop.info.name).lo", hop.lagLow), ("event.order_created.\(hop.info.name).hi", hop.lagHigh)]
    }
    for (tag, ours) in series {
      let theirs = try #require(decoded.members.first { $0.0 == tag }?.1, "no '\(tag)' in what was decoded")
      #expect(theirs["count"]?.integer(as: UInt64.self) == ours.count)
      let quantiles = theirs["q"]?.elements.compactMap { $0.double } ?? []
      for (theirs, q) in zip(quantiles, [0.5, 0.95, 0.99, 0.999, 1]) {
        // The port rounds a rank to the nearest, we and the Java original round up: of few values, the same rank is compared.
        let rank = Double(max(1, Int(q * Double(ours.count) + 0.5)))
        let value = Double(ours.quantile(rank / Double(ours.count)) ?? 0)
        #expect(abs(theirs - value) <= 0.001 * value + 1, "\(tag) at \(q): \(theirs) and \(value)")
      }
      let mean = try #require(theirs["mean"]?.double)
      #expect(abs(mean - (ours.meanNanoseconds ?? 0)) <= 0.002 * mean)
    }
  }
}
