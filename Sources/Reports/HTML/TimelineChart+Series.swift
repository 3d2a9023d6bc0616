internal import Metrics

/// The panels of the timeline that say where the time went: service times of steps, and the lag of each hop between its bounds.
extension TimelineChart {
  static let seriesMax = 4
  private static let p95Samples = Quantile.samplesNeeded(for: 0.95)
  private static let p50Samples = Quantile.samplesNeeded(for: 0.5)

  /// A line over time: `values[0]` is drawn, `values[1]` is its lower bound where there is one.
  struct Series {
    let name: String
    let medians: [Stretch]
    let tails: [Stretch]
  }

  struct Panel {
    let title: String
    let series: [Series]
  }

  /// Those with something to draw: one of the steps that took most of the time, and one for each event.
  static func panels(of run: RunRecord, limit: Int) -> [Panel] {
    func series(_ name: String, _ read: (SecondRecord) -> [HistogramSnapshot]?) -> Series {
      Series(
        name: name, medians: Stretch.all(of: run, samples: p50Samples, limit: limit, read),
        tails: Stretch.all(of: run, samples: p95Samples, limit: limit, read))
    }
    let longest = run.steps.indices.filter { run.steps[$0].info.countsAsOperation && !run.steps[$0].service.isEmpty }
      .sorted { (run.steps[$1].service.sum, $0) < (run.steps[$0].service.sum, $1) }.prefix(seriesMax).sorted()
    var panels: [Panel] = []
    let steps = longest.map { step in
      series(run.steps[step].info.id) { $0.steps.indices.contains(step) ? [$0.steps[step].service] : nil }
    }
    panels.append(Panel(title: "service of steps", series: steps))
    var row = 0
    for event in run.events {
      let hops = event.hops.indices.prefix(seriesMax).map { hop in
        series(event.hops[hop].info.name) { [row] second in
          second.hops.indices.contains(row + hop) ? [second.hops[row + hop].high, second.hops[row + hop].low] : nil
        }
      }
      row += event.hops.count
      panels.append(Panel(title: "lag of \(event.info.name)", series: hops))
    }
    return panels.map { Panel(title: $0.title, series: $0.series.filter { !$0.medians.isEmpty }) }.filter { !$0.series.isEmpty }
  }

  func draw(_ panel: Panel, _ picture: inout Picture, _ top: Double, _ height: Double) {
    let middles = panel.series.flatMap { $0.medians.flatMap { stretch in stretch.values.compactMap { $0.quantile(0.5) } } }
    let tails = panel.series.flatMap { $0.tails.compactMap { $0.values[0].quantile(0.95) } }
    // A lower bound of nothing would stretch a logarithmic axis without end: three decades below the highest are enough.
    let high = max(1_000, (middles + tails).max() ?? 0)
    let low = max((middles + tails).filter { $0 > 0 }.min() ?? 1_000, high / 1_000)
    let scale = Scale(.logarithmic, Scale.step(below: Double(max(low, 100))), Scale.step(above: Double(max(high, low * 3))), pixels: top + height, top)
    let styles = ["s s0", "s s2", "s s4", "s s1"]
    let legend = panel.series.enumerated().map { (isNarrow ? String($0.element.name.prefix(10)) : $0.element.name, styles[$0.offset]) }
    frame(&picture, top, height, title: isNarrow ? panel.title : panel.title + ", p50 and p95 (dotted)", legend: legend, scale, isNarrow ? 3 : 4) {
      Quantities.tick($0)
    }
    for (index, series) in panel.series.enumerated() {
      let style = styles[index]
      if series.medians[0].values.count > 1 {
        let upper = Stretch.points(series.medians, x: seconds, y: scale) { $0[0].quantile(0.5) }
        let lower = Stretch.points(series.medians, x: seconds, y: scale) { $0[1].quantile(0.5) ?? 0 }
        for (top, bottom) in zip(Self.parts(upper), Self.parts(lower)) { picture.band(top, bottom, "b b\(style.suffix(1))") }
      }
      picture.polyline(Stretch.points(series.tails, x: seconds, y: scale) { $0[0].quantile(0.95) }, style + " thin dash")
      picture.polyline(Stretch.points(series.medians, x: seconds, y: scale) { $0[0].quantile(0.5) }, style)
    }
  }

  /// A line's parts between its interruptions.
  private static func parts(_ points: [(x: Double, y: Double)?]) -> [[(x: Double, y: Double)]] {
    points.split { $0 == nil }.map { $0.compactMap(\.self) }
  }
}
