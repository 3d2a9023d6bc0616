internal import Metrics

/// P(visible by t after the acknowledgement), between its two bounds, one band for each hop.
struct VisibilityChart {
  let event: EventRecord
  let width: Double

  /// The share of committed events that were surely (`low`) and possibly (`high`) visible after so many nanoseconds.
  ///
  /// The bounds of a lag bound the share; what a gap of the observer may hide could have been visible at once.
  static func bounds(of hop: HopRecord, after nanoseconds: UInt64) -> (low: Double, high: Double) {
    let committed = Double(max(1, max(hop.lagHigh.count, hop.counts.accountedFor)))
    let seen = Double(hop.lagHigh.count)
    let low = (hop.lagHigh.share(upTo: nanoseconds) ?? 0) * seen / committed
    let high = ((hop.lagLow.share(upTo: nanoseconds) ?? 0) * seen + Double(hop.counts.unobserved)) / committed
    return (low, max(low, min(1, high)))
  }

  func picture() -> Picture? {
    let hops = event.hops.enumerated().filter { $0.element.lagHigh.count >= 5 }
    guard !hops.isEmpty else { return nil }
    let low = hops.compactMap { $0.element.lagLow.quantile(0.01) }.filter { $0 > 0 }.min() ?? 10_000
    let high = hops.compactMap(\.element.lagHigh.maxNanoseconds).max() ?? 1_000_000
    let (left, top, height) = (48.0, 24.0, 220.0)
    var picture = Picture(width: width, height: top + height + 40)
    let from = Scale.step(below: Double(max(low, 1_000)) * 0.8)
    let times = Scale(.logarithmic, from, max(Scale.step(above: Double(high)), from * 10), pixels: left, width - 10)
    let shares = Scale(.linear, 0, 1, pixels: top + height, top)

    for tick in [0, 0.25, 0.5, 0.75, 1] {
      picture.line(left, shares(tick), width - 10, shares(tick), "grid")
      picture.text(left - 6, shares(tick) + 4, Quantities.percentage(tick), .end)
    }
    for tick in times.ticks(width < 500 ? 5 : 10) {
      picture.line(times(tick), top, times(tick), top + height, "grid")
      picture.tick(times(tick), top + height + 16, Quantities.tick(tick))
    }
    picture.text((left + width) / 2, top + height + 34, "time after the acknowledgement", .middle)
    picture.line(left, top + height, width - 10, top + height, "axis")
    if let deadline = event.info.deadlineNanoseconds, Double(deadline) < times.high, Double(deadline) > times.low {
      picture.line(times(Double(deadline)), top, times(Double(deadline)), top + height, "s deadline")
      picture.text(times(Double(deadline)) - 4, top + 12, "deadline", .end)
    }
    var legend = left
    for (index, hop) in hops {
      let steps = width < 500 ? 100 : 200
      let bounds = (0...steps).map { step -> (x: Double, low: Double, high: Double) in
        let time = times.value(at: Double(step) / Double(steps))
        let bound = Self.bounds(of: hop, after: UInt64(time))
        return (times(time), shares(bound.low), shares(bound.high))
      }
      picture.band(bounds.map { ($0.x, $0.high) }, bounds.map { ($0.x, $0.low) }, "b b\(index % 6)")
      picture.polyline(bounds.map { ($0.x, $0.high) }, "s thin s\(index % 6)")
      picture.polyline(bounds.map { ($0.x, $0.low) }, "s s\(index % 6)")
      picture.line(legend, 10, legend + 16, 10, "s s\(index % 6)")
      picture.text(legend + 21, 14, hop.info.name)
      legend += 34 + Double(hop.info.name.count) * 7
    }
    return picture
  }
}
