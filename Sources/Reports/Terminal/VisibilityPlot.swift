internal import Glibc
internal import Metrics

/// P(visible by t after the acknowledgement), one line for each hop over a logarithmic time axis.
///
/// The height is the lower bound: the share of committed events that had been seen by t. Lost events keep it below the top.
struct VisibilityPlot {
  private let event: EventRecord
  private let from: Double
  private let to: Double
  private let columns: Int
  private static let levels = Array(" ▁▂▃▄▅▆▇█")

  /// Nil where there is too little to draw.
  init?(of event: EventRecord, width: Int) {
    let seen = event.hops.filter { $0.lagHigh.count >= 20 }
    guard !seen.isEmpty, width >= 72 else { return nil }
    let low = seen.compactMap { $0.lagHigh.quantile(0.01) }.min() ?? 1
    let high = seen.compactMap(\.lagHigh.maxNanoseconds).max() ?? 1
    self.event = event
    // Whole steps of 1-2-5 around the data.
    from = Self.step(below: Double(max(low, 100)))
    to = max(Self.step(above: Double(high)), from * 10)
    columns = min(60, width - 20)
  }

  func lines(style: TextStyle) -> [String] {
    let names = event.hops.map(\.info.name)
    let indent = max(10, names.map(\.count).max() ?? 0)
    var lines = [style.paint("  " + pad("visible by", indent) + "  " + axis, .faint)]
    for hop in event.hops where hop.lagHigh.count >= 20 {
      lines.append("  " + style.paint(pad(hop.info.name, indent), .heading) + "  " + curve(of: hop))
    }
    return lines
  }

  private func curve(of hop: HopRecord) -> String {
    // Committed events, seen or not: what never came is never visible.
    let committed = max(hop.lagHigh.count, hop.counts.accountedFor)
    return String(
      (0..<columns).map { column in
        let share = hop.lagHigh.share(upTo: UInt64(time(at: column + 1))) ?? 0
        let visible = share * Double(hop.lagHigh.count) / Double(max(1, committed))
        if visible >= 1 { return Self.levels[8] }
        return visible <= 0 ? "·" : Self.levels[max(1, min(7, Int(visible * 8)))]
      })
  }

  /// A label starts at the column that its time belongs to.
  private var axis: String {
    var text: [Character] = []
    var tick = from
    while tick <= to * 1.001 {
      let column = Int((position(of: tick) * Double(columns)).rounded())
      let label = Array(Quantities.trimmed(tick / Self.unit(tick).size, decimals: 1) + " " + Self.unit(tick).name)
      if (text.isEmpty || column > text.count) && column + label.count <= columns {
        text += Array(repeating: " ", count: max(0, column - text.count)) + label
      }
      tick = Self.step(above: tick * 1.01)
    }
    return String(text)
  }

  private func position(of time: Double) -> Double {
    log(time / from) / log(to / from)
  }

  private func time(at column: Int) -> Double {
    from * exp(log(to / from) * Double(column) / Double(columns))
  }

  private func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private static func unit(_ nanoseconds: Double) -> (name: String, size: Double) {
    nanoseconds < 999 ? ("ns", 1) : nanoseconds < 999e3 ? ("µs", 1e3) : nanoseconds < 999e6 ? ("ms", 1e6) : ("s", 1e9)
  }

  private static func step(above value: Double) -> Double {
    var decade = 1.0
    while true {
      for factor in [1.0, 2, 5] where decade * factor >= value { return decade * factor }
      decade *= 10
    }
  }

  private static func step(below value: Double) -> Double {
    var best = 1.0
    var decade = 1.0
    while decade <= value {
      for factor in [1.0, 2, 5] where decade * factor <= value { best = decade * factor }
      decade *= 10
    }
    return best
  }
}
