internal import Glibc
internal import Metrics

/// Times by percentile over the axis of HdrHistogram's plots: each step to the right is ten times rarer.
struct PercentileChart {
  let series: [(name: String, values: HistogramSnapshot)]
  let width: Double

  /// The share of the way from 0 to "1 of `rarest`" at which percentile `q` lies.
  static func position(_ q: Double, rarest: Double) -> Double {
    guard q < 1 else { return 1 }
    return min(1, log10(1 / (1 - q)) / log10(rarest))
  }

  /// The highest percentile that so many samples bound (``Quantile``): 0.025^(1/n).
  static func estimableLimit(_ count: UInt64) -> Double { count == 0 ? 0 : pow(0.025, 1 / Double(count)) }

  func picture() -> Picture? {
    let filled = series.filter { $0.values.count >= 6 }
    guard let most = filled.map(\.values.count).max() else { return nil }
    let rarest = max(100, pow(10, log10(Double(most)).rounded(.up)))
    let low = filled.compactMap { $0.values.minNanoseconds }.min() ?? 1_000
    let high = filled.compactMap(\.values.maxNanoseconds).max() ?? 1_000_000
    let (left, top, height) = (58.0, 24.0, 250.0)
    var picture = Picture(width: width, height: top + height + 40)
    let times = Scale(
      .logarithmic, Scale.step(below: Double(max(low, 100))), Scale.step(above: Double(max(high, low * 3))), pixels: top + height, top)
    let across = Scale(.linear, 0, 1, pixels: left, width - 10)

    for tick in times.ticks(width < 500 ? 5 : 8) {
      picture.line(left, times(tick), width - 10, times(tick), "grid")
      picture.text(left - 6, times(tick) + 4, Quantities.tick(tick), .end)
    }
    var nines: [(String, Double)] = [("50 %", 0.5), ("90 %", 0.9), ("99 %", 0.99)]
    var share = 0.001
    var digits = "99.9"
    while 1 / share <= rarest * 1.01, nines.count < 9 {
      nines.append(("\(digits) %", 1 - share))
      share /= 10
      digits += "9"
    }
    if nines.last.map({ Self.position($0.1, rarest: rarest) > 0.97 }) == true { nines.removeLast() }
    for (name, q) in nines {
      let x = across(Self.position(q, rarest: rarest))
      picture.line(x, top, x, top + height, "grid")
      picture.text(x, top + height + 16, name, .middle)
    }
    picture.text(width - 10, top + height + 16, "max", .end)
    picture.text((left + width) / 2, top + height + 34, "percentile", .middle)
    picture.line(left, top + height, width - 10, top + height, "axis")

    var legend = left
    for (index, line) in filled.enumerated() {
      let style = "s s\(index % 6)"
      let limit = Self.position(Self.estimableLimit(line.values.count), rarest: rarest)
      let end = Self.position(1 - 1 / Double(line.values.count), rarest: rarest)
      let steps = width < 500 ? 120 : 240
      var sure: [(x: Double, y: Double)?] = []
      var doubtful: [(x: Double, y: Double)?] = []
      for step in 0...steps {
        let at = end * Double(step) / Double(steps)
        let q = 1 - pow(rarest, -at)
        guard let value = line.values.quantile(q) else { continue }
        let point = (x: across(at), y: times(Double(value)))
        if at <= limit { sure.append(point) }
        if at >= limit - end / Double(steps) { doubtful.append(point) }
      }
      if let maximum = line.values.maxNanoseconds { doubtful.append((across(end), times(Double(maximum)))) }
      picture.polyline(doubtful, style + " dash")
      picture.polyline(sure, style)
      picture.line(legend, 10, legend + 16, 10, style)
      picture.text(legend + 21, 14, line.name)
      legend += 34 + Double(line.name.count) * 7
    }
    return picture
  }
}
