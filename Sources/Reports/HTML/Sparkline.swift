internal import Metrics

/// When a kind of failure happened, in the height of a line of text.
enum Sparkline {
  private static let bars = 60

  static func markup(_ detail: FailureDetail, of run: RunRecord) -> String {
    guard let first = run.seconds.first?.second, let last = run.seconds.last?.second, last > first, !detail.seconds.isEmpty else { return "" }
    let width = max(1, (last - first + bars) / bars)
    var counts = [UInt64](repeating: 0, count: (last - first) / width + 1)
    for entry in detail.seconds where (first...last).contains(entry.second) { counts[(entry.second - first) / width] += entry.count }
    guard let highest = counts.max(), highest > 0 else { return "" }
    let step = 120 / Double(counts.count)
    var data = ""
    for (index, count) in counts.enumerated() where count > 0 {
      let height = max(2, 20 * Double(count) / Double(highest))
      let x = Quantities.trimmed(Double(index) * step, decimals: 1)
      let w = Quantities.trimmed(max(1, step - 0.5), decimals: 1)
      data += "M\(x) 21v-\(Quantities.trimmed(height, decimals: 1))h\(w)V21z"
    }
    return "<svg class=\"spark\" viewBox=\"0 0 120 22\" role=\"img\" aria-label=\"failures over time, from second \(detail.seconds[0].second) to \(detail.seconds[detail.seconds.count - 1].second)\">"
      + "<path d=\"M0 21.5h120\" class=\"axis\"/><path d=\"\(data)\" class=\"f-bad\"/></svg>"
  }
}
