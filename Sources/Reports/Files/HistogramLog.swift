package import Metrics

/// `metrics.hlog`: every series of every second in HdrHistogram's log format (version 1.3), for its viewers and libraries.
///
/// One line for each interval and series that has values: `Tag=<series>,<start>,<length>,<maximum>,<histogram>`, start and length in
/// seconds, the start counted from the base time in the header, the maximum in milliseconds, and the histogram in nanoseconds. Warm-up is left out, so that all lines of a tag
/// add up to what `summary.json` says.
package struct HistogramLog {
  private let start: JournalStart
  /// Of the journal's clock, CLOCK_MONOTONIC nanoseconds: the instant in the header.
  private let baseNanoseconds: UInt64

  package init(start: JournalStart) {
    self.start = start
    baseNanoseconds = start.monotonicNanoseconds
  }

  package var header: String {
    let since = Quantities.fixed(Double(start.realtimeNanoseconds) / 1e9, decimals: 3)
    let instant = Quantities.instant(realtimeNanoseconds: start.realtimeNanoseconds)
    return """
      #[Histogram log format version 1.3]
      #[chainrun: \(HistogramLog.oneLine(start.chain)), run \(HistogramLog.oneLine(start.runID)); times are nanoseconds]
      #[StartTime: \(since) (seconds since epoch), \(instant)]
      #[BaseTime: \(since) (seconds since epoch)]
      "StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"

      """
  }

  /// The lines of one interval; empty for one of the warm-up.
  package func lines(of interval: JournalInterval) -> String {
    guard !interval.isWarmUp else { return "" }
    var text = ""
    func line(_ tag: String, _ values: HistogramSnapshot) {
      guard !values.isEmpty else { return }
      let from = interval.startNanoseconds - min(baseNanoseconds, interval.startNanoseconds)
      let length = interval.endNanoseconds - min(interval.startNanoseconds, interval.endNanoseconds)
      text += "Tag=\(tag),\(seconds(from)),\(seconds(length)),\(seconds(values.max, per: 1e6)),\(base64(values.hdrCompressed))\n"
    }
    line("response", interval.response)
    line("start_delay", interval.startDelay)
    line("service", interval.service)
    for step in interval.steps where start.steps.indices.contains(step.step) {
      let name = HistogramLog.tag(start.steps[step.step].id)
      line("step.\(name)", step.service)
      line("step.\(name).pool_wait", step.poolWait)
    }
    for measure in interval.measures where start.measures.indices.contains(measure.measure) {
      line("measure.\(HistogramLog.tag(start.measures[measure.measure]))", measure.values)
    }
    for hop in interval.hops where start.events.indices.contains(hop.event) && start.events[hop.event].hops.indices.contains(hop.hop) {
      let event = start.events[hop.event]
      let name = "event.\(HistogramLog.tag(event.name)).\(HistogramLog.tag(event.hops[hop.hop].name))"
      line("\(name).lo", hop.lagLow)
      line("\(name).hi", hop.lagHigh)
    }
    return text
  }

  private func seconds(_ nanoseconds: UInt64, per unit: Double = 1e9) -> String {
    Quantities.fixed(Double(nanoseconds) / unit, decimals: 3)
  }

  /// A tag ends at a comma, and a line at its end.
  private static func tag(_ name: String) -> String {
    String(name.map { $0 == "," || $0.isWhitespace ? "_" : $0 })
  }

  private static func oneLine(_ text: String) -> String {
    String(text.map { $0.isNewline || $0 == "]" ? " " : $0 })
  }
}
