internal import Metrics

/// The run over time in panels that share one axis: rates, times, failures, users; with the spans marked in which something was wrong.
struct TimelineChart {
  let run: RunRecord
  private let points: [TimelinePoint]
  /// At most about so many of them.
  private let limit: Int
  private let width: Double
  let isNarrow: Bool
  let seconds: Scale
  private static let left = 58.0

  /// A span that is marked on every panel.
  struct Mark {
    enum Kind: String {
      case warmUp = "warm-up"
      case doubtful = "doubtful"
      case gap = "observer gap"
      /// A step was far slower than usual.
      case stall
      case exhausted = "pool exhausted"
      case alert
    }
    let kind: Kind
    let from: Double
    let to: Double
    let text: String
  }

  init(of run: RunRecord, width: Double) {
    self.run = run
    self.width = width
    isNarrow = width < 500
    limit = isNarrow ? 300 : 600
    points = TimelinePoint.points(of: run, limit: limit)
    let start = Double(min(0, points.first?.from ?? 0))
    let end = max(Double(points.last?.to ?? 1), run.durationSeconds)
    seconds = Scale(.linear, start, end, pixels: Self.left, width - 8)
  }

  /// Shorter spans would be a line each under a load that uses its pool up.
  private static let exhaustionNanosecondsMin: UInt64 = 200_000_000

  static func marks(of run: RunRecord) -> [Mark] {
    var marks: [Mark] = []
    let warm = run.seconds.filter(\.isWarmUp)
    if let first = warm.first {
      marks.append(Mark(kind: .warmUp, from: Double(first.second), to: 0, text: "warm-up, left out of all figures"))
    }
    for reason in run.doubts {
      guard let from = reason.fromNanoseconds, let to = reason.toNanoseconds else { continue }
      marks.append(Mark(kind: .doubtful, from: run.seconds(at: from), to: run.seconds(at: to), text: reason.name))
    }
    for gap in run.gaps {
      marks.append(
        Mark(
          kind: .gap, from: run.seconds(at: gap.fromNanoseconds), to: run.seconds(at: gap.toNanoseconds),
          text: "'\(gap.connection)' could not see: \(gap.reason)"))
    }
    for span in SlowSpan.stalls(of: run) {
      marks.append(
        Mark(
          kind: .stall, from: Double(span.from), to: Double(span.to),
          text: "'\(span.step)' took up to \(Quantities.duration(span.worst)), and \(Quantities.duration(span.usual)) usually"))
    }
    for pool in run.pools {
      for span in pool.exhaustions where span.upperBound - span.lowerBound >= Self.exhaustionNanosecondsMin {
        marks.append(
          Mark(
            kind: .exhausted, from: run.seconds(at: span.lowerBound), to: run.seconds(at: span.upperBound),
            text: "no connection of '\(pool.info.name)' was free"))
      }
    }
    for alert in run.alerts {
      for span in alert.spans {
        marks.append(
          Mark(
            kind: .alert, from: run.seconds(at: span.fired.atNanoseconds),
            to: span.resolved.map { run.seconds(at: $0.atNanoseconds) } ?? run.durationSeconds,
            text: "'\(alert.info.name)' fired: \(alert.info.condition), observed \(span.fired.observed)"))
      }
    }
    return marks
  }

  func picture() -> Picture? {
    guard points.count > 1 else { return nil }
    let hasFailures = run.failureCount > 0
    let panels = Self.panels(of: run, limit: limit)
    let heights = [110.0, 170, hasFailures ? 64 : 0, 64] + panels.map { _ in 120 }
    let gap = 30.0
    var picture = Picture(width: width, height: 18 + heights.reduce(0) { $0 + ($1 > 0 ? $1 + gap : 0) } - gap + 24)
    var top = 18.0
    rates(&picture, top, heights[0])
    top += heights[0] + gap
    times(&picture, top, heights[1])
    top += heights[1] + gap
    if hasFailures {
      failures(&picture, top, heights[2])
      top += heights[2] + gap
    }
    users(&picture, top, heights[3])
    top += heights[3]
    for panel in panels {
      top += gap
      draw(panel, &picture, top, 120)
      top += 120
    }
    for tick in seconds.ticks(isNarrow ? 5 : 10) {
      picture.tick(seconds(tick), top + 16, Quantities.trimmed(tick, decimals: 1) + " s")
    }
    return picture
  }

  /// The panel's frame: marks behind, grid lines, labels.
  func frame(
    _ picture: inout Picture, _ top: Double, _ height: Double, title: String, legend: [(String, String)], _ scale: Scale, _ ticks: Int,
    _ label: (Double) -> String
  ) {
    for mark in Self.marks(of: run) {
      let from = seconds(mark.from)
      let style: String
      switch mark.kind {
      case .warmUp: style = "m-warm"
      case .doubtful: style = "m-doubt"
      case .gap: style = "m-gap"
      case .stall: style = "m-stall"
      case .exhausted: style = "m-pool"
      case .alert: style = "m-alert"
      }
      picture.rectangle(from, top, max(2, seconds(mark.to) - from), height, style, hint: mark.text)
    }
    for tick in scale.ticks(ticks) {
      picture.line(Self.left, scale(tick), width - 8, scale(tick), "grid")
      picture.text(Self.left - 6, scale(tick) + 4, label(tick), .end, "t")
    }
    picture.line(Self.left, top + height, width - 8, top + height, "axis")
    picture.text(Self.left, top - 6, title, .start, "h")
    self.legend(&picture, top, titleEnd: Self.left + Double(title.count) * 6.6, legend)
  }

  /// Beside the title where there is room, otherwise in rows below it, over the panel's upper edge.
  private func legend(_ picture: inout Picture, _ top: Double, titleEnd: Double, _ entries: [(String, String)]) {
    func width(_ entry: (String, String)) -> Double { Double(entry.0.count) * 7 + 30 }
    let right = self.width - 8
    let isBeside = right - entries.reduce(-10) { $0 + width($1) } >= titleEnd
    var (x, y) = (right, isBeside ? top - 6 : top + 10)
    for entry in entries.reversed() {
      if !isBeside, x < right, x - width(entry) < Self.left { (x, y) = (right, y + 14) }
      picture.text(x, y, entry.0, .end, "t")
      x -= Double(entry.0.count) * 7 + 6
      picture.line(x - 14, y - 4, x, y - 4, entry.1)
      x -= 24
    }
  }

  private func rates(_ picture: inout Picture, _ top: Double, _ height: Double) {
    let asked = run.start.askedArrivalsPerSecond
    let changing = changingRate
    let highest = points.map { max(Double(max($0.arrivals, $0.completed)), changing.isEmpty ? 0 : $0.asked ?? 0) / $0.seconds }.max() ?? 1
    let scale = Scale(.linear, 0, max(highest, asked ?? 0, 1) * 1.08, pixels: top + height, top)
    var legend = [(isNarrow ? "done" : "completed", "s s1")]
    if run.start.model == .open { legend.insert(("arrived", "s s0"), at: 0) }
    if asked != nil { legend.insert(("asked", "s asked"), at: 0) }
    frame(&picture, top, height, title: "iterations/s", legend: legend, scale, 4) { Quantities.trimmed($0, decimals: 1) }
    if !changing.isEmpty {
      picture.polyline(changing.map { (seconds($0.at), scale($0.rate)) }, "s asked")
    } else if let asked {
      let from = run.start.warmUpNanoseconds > 0 ? seconds.low : 0
      let to = min(run.start.askedNanoseconds.map { Double($0) / 1e9 } ?? run.durationSeconds, seconds.high)
      picture.line(seconds(from), scale(asked), seconds(max(to, 1)), scale(asked), "s asked")
    }
    if run.start.model == .open { picture.polyline(points.map { (seconds($0.middle), scale(Double($0.arrivals) / $0.seconds)) }, "s s0") }
    picture.polyline(points.map { (seconds($0.middle), scale(Double($0.completed) / $0.seconds)) }, "s s1")
  }

  /// What was asked for over time, where that is not one rate; empty otherwise. The last point may cover a part of its second only.
  private var changingRate: [(at: Double, rate: Double)] {
    guard let asked = run.start.askedArrivalsPerSecond else { return [] }
    let rates = points.compactMap { point in point.asked.map { (at: point.middle, rate: $0 / point.seconds) } }
    return rates.dropLast().contains { abs($0.rate - asked) > 0.01 * asked } ? rates : []
  }

  private func times(_ picture: inout Picture, _ top: Double, _ height: Double) {
    let filled = points.filter { !$0.times.isEmpty }
    let low = filled.compactMap { $0.times.quantile(0.5) }.min() ?? 1_000
    let high = filled.compactMap(\.times.maxNanoseconds).max() ?? 1_000_000
    let scale = Scale(
      .logarithmic, Scale.step(below: Double(max(low, 100))), Scale.step(above: Double(max(high, low * 3))), pixels: top + height, top)
    let name = run.start.model == .open ? "response" : "service"
    frame(
      &picture, top, height, title: name, legend: [("p50", "s s0"), ("p95", "s s2"), ("p99", "s s3"), ("max", "s smax")], scale, isNarrow ? 4 : 6
    ) { Quantities.tick($0) }
    func line(_ style: String, _ read: (HistogramSnapshot) -> UInt64?) {
      picture.polyline(points.map { point in read(point.times).map { (seconds(point.middle), scale(Double($0))) } }, style)
    }
    line("s smax") { $0.maxNanoseconds }
    // One second rarely has the samples that bound a p99: each quantile is that of as many seconds as have them.
    let isOpen = run.start.model == .open
    for (q, style) in [(0.99, "s s3"), (0.95, "s s2"), (0.5, "s s0")] {
      let stretches = Stretch.all(of: run, samples: Quantile.samplesNeeded(for: q), limit: limit) { [isOpen ? $0.response : $0.service] }
      picture.polyline(Stretch.points(stretches, x: seconds, y: scale) { $0[0].quantile(q) }, style)
    }
  }

  private func failures(_ picture: inout Picture, _ top: Double, _ height: Double) {
    let highest = points.map { Double($0.failuresInWorstSecond) }.max() ?? 1
    let scale = Scale(.linear, 0, max(highest, 1) * 1.08, pixels: top + height, top)
    frame(&picture, top, height, title: "failures, in the worst second", legend: [], scale, 2) { Quantities.trimmed($0, decimals: 1) }
    for point in points where point.failures > 0 {
      let from = seconds(Double(point.from))
      let y = scale(Double(point.failuresInWorstSecond))
      picture.rectangle(
        from, min(y, top + height - 1.5), max(1.5, seconds(Double(point.to)) - from - 0.5), max(1.5, top + height - y), "f-bad",
        hint: "\(Quantities.count(point.failures, "failure")) from second \(point.from) to \(point.to)")
    }
  }

  private func users(_ picture: inout Picture, _ top: Double, _ height: Double) {
    let highest = points.map { Double($0.usersBusy) }.max() ?? 1
    let scale = Scale(.linear, 0, max(highest, 1) * 1.08, pixels: top + height, top)
    frame(&picture, top, height, title: "virtual users busy", legend: [], scale, 2) { Quantities.trimmed($0, decimals: 1) }
    picture.polyline(points.map { (seconds($0.middle), scale(Double($0.usersBusy))) }, "s s4")
  }
}

extension Quantities {
  /// A tick's time: `1 ms`, `500 µs`.
  static func tick(_ nanoseconds: Double) -> String {
    let (name, size): (String, Double) =
      nanoseconds < 999 ? ("ns", 1) : nanoseconds < 999e3 ? ("µs", 1e3) : nanoseconds < 999e6 ? ("ms", 1e6) : ("s", 1e9)
    return "\(trimmed(nanoseconds / size, decimals: 2)) \(name)"
  }
}
