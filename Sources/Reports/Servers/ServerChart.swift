internal import Metrics

/// What the servers said over time: one small panel for each subject of each server, on the time axis of the run's own picture.
struct ServerChart {
  private struct Panel {
    let title: String
    let lines: [Line]
  }

  private struct Line {
    let name: String
    let figure: ServerFigureInfo
    /// Seconds since the start of the load, and the value; nil where nothing is known.
    let points: [(at: Double, value: Double)?]
  }

  private let width: Double
  private let isNarrow: Bool
  private let seconds: Scale
  private let panels: [Panel]
  private let gaps: [(from: Double, to: Double, text: String)]
  private static let left = 58.0
  private static let height = 56.0
  private static let linesMax = 5
  private static let panelsMax = 16

  init(of run: RunRecord, width: Double) {
    self.width = width
    isNarrow = width < 500
    let limit = isNarrow ? 200 : 450
    let start = Double(min(0, run.seconds.first?.second ?? 0))
    let end = max(Double((run.seconds.last?.second ?? 0) + 1), run.durationSeconds)
    seconds = Scale(.linear, start, end, pixels: Self.left, width - 8)
    panels = Array(run.servers.flatMap { Self.panels(of: $0, run, end: end, limit: limit) }.prefix(Self.panelsMax))
    gaps = run.servers.flatMap { server in
      server.samples.compactMap { sample in
        sample.gap.map { (run.seconds(at: sample.fromNanoseconds), run.seconds(at: sample.atNanoseconds), "\(server.info.name): \($0)") }
      }
    }
  }

  /// Panels whose values were 0 all the time are left out.
  private static func panels(of server: ServerRecord, _ run: RunRecord, end: Double, limit: Int) -> [Panel] {
    var titles: [String] = []
    for row in server.figures {
      let plot = run.start.serverFigures[row].plot
      if !plot.isEmpty, !titles.contains(plot) { titles.append(plot) }
    }
    return titles.compactMap { title in
      let rows = server.figures.filter { run.start.serverFigures[$0].plot == title }
      var lines: [(line: Line, largest: Double)] = rows.map { row in
        let figure = run.start.serverFigures[row]
        var points: [(at: Double, value: Double)?] = []
        var largest = 0.0
        for sample in server.samples {
          let at = run.seconds(at: figure.isCounter ? sample.fromNanoseconds / 2 + sample.atNanoseconds / 2 : sample.atNanoseconds)
          guard at <= end else { continue }
          guard let value = server.value(of: row, in: sample) else {
            if sample.gap != nil { points.append(nil) }
            continue
          }
          largest = max(largest, value)
          points.append((at, value))
        }
        let name = figure.object.isEmpty ? figure.name : figure.object
        return (Line(name: name, figure: figure, points: thinned(points, limit)), largest)
      }
      lines = lines.filter { $0.largest > 0 }
      guard !lines.isEmpty else { return nil }
      if lines.count > linesMax { lines = Array(lines.sorted { $0.largest > $1.largest }.prefix(linesMax)) }
      return Panel(title: "\(server.info.name): \(title)", lines: lines.map(\.line))
    }
  }

  /// The largest of neighbours, where there are more points than the picture is wide.
  private static func thinned(_ points: [(at: Double, value: Double)?], _ limit: Int) -> [(at: Double, value: Double)?] {
    guard points.count > limit else { return points }
    let width = (points.count + limit - 1) / limit
    return stride(from: 0, to: points.count, by: width).map { start in
      points[start..<min(start + width, points.count)].compactMap(\.self).max { $0.value < $1.value }
    }
  }

  func picture() -> Picture? {
    guard !panels.isEmpty else { return nil }
    let gap = 30.0
    var picture = Picture(width: width, height: 18 + Double(panels.count) * (Self.height + gap) - gap + 24)
    var top = 18.0
    for panel in panels {
      draw(panel, &picture, top)
      top += Self.height + gap
    }
    for tick in seconds.ticks(isNarrow ? 5 : 10) {
      picture.tick(seconds(tick), top - gap + 16, Quantities.trimmed(tick, decimals: 1) + " s")
    }
    return picture
  }

  private func draw(_ panel: Panel, _ picture: inout Picture, _ top: Double) {
    let bottom = top + Self.height
    let unit = panel.lines[0].figure
    let highest = panel.lines.flatMap { $0.points.compactMap { $0?.value } }.max() ?? 1
    let scale = Scale(.linear, 0, max(highest, unit.unit == .count ? 1 : highest) * 1.08, pixels: bottom, top)
    for gap in gaps {
      let from = seconds(gap.from)
      picture.rectangle(from, top, max(2, seconds(gap.to) - from), Self.height, "m-gap", hint: gap.text)
    }
    for tick in scale.ticks(2) where tick >= 0 {
      picture.line(Self.left, scale(tick), width - 8, scale(tick), "grid")
      picture.text(Self.left - 6, scale(tick) + 4, label(tick, unit), .end, "t")
    }
    picture.line(Self.left, bottom, width - 8, bottom, "axis")
    picture.text(Self.left, top - 6, panel.title, .start, "h")
    let styles = ["s s0", "s s3", "s s2", "s s1", "s s4"]
    var x = width - 8
    let room = Self.left + Double(panel.title.count) * 7.5 + 20
    for (index, line) in panel.lines.enumerated().reversed() {
      let needed = Double(line.name.count) * 7 + 24
      if x - needed > room {
        picture.text(x, top - 6, line.name, .end, "t")
        x -= Double(line.name.count) * 7 + 6
        picture.line(x - 14, top - 10, x, top - 10, styles[index])
        x -= 24
      }
      picture.polyline(line.points.map { point in point.map { (seconds($0.at), scale($0.value)) } }, styles[index])
    }
  }

  private func label(_ value: Double, _ figure: ServerFigureInfo) -> String {
    switch figure.unit {
    case .count: Quantities.trimmed(value, decimals: 1)
    case .bytes, .share: figure.text(value, isTotal: true)
    case .nanoseconds: value == 0 ? "0" : Quantities.tick(value)
    }
  }
}
