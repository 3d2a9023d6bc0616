internal import Glibc
internal import History

/// How the figures of several runs are written: one way for text, Markdown and HTML.
enum FigureText {
  static func value(_ value: Double, _ unit: Metric.Unit) -> String {
    switch unit {
    case .seconds: Quantities.duration(seconds: value)
    case .perSecond: Quantities.rate(value)
    case .share: Quantities.percentage(value)
    }
  }

  static func value(_ value: Double?, _ unit: Metric.Unit) -> String { value.map { self.value($0, unit) } ?? "–" }

  /// `+20 %`, `-3.1 %`, `+1.2 points` of a share.
  static func change(_ comparison: MetricComparison) -> String {
    if comparison.missing != nil { return "–" }
    if let ratio = comparison.ratio { return relative(ratio) }
    guard let before = comparison.medianBefore, let after = comparison.medianAfter else { return "–" }
    return signed((after - before) * 100, decimals: 2) + " points"
  }

  static func relative(_ ratio: Double) -> String {
    let percent = (ratio - 1) * 100
    return signed(percent, decimals: abs(percent) < 10 ? 1 : 0) + " %"
  }

  /// `+18 … +22 %`
  static func interval(_ comparison: MetricComparison) -> String {
    guard let interval = comparison.ratioInterval else { return "" }
    // A handful of scattered runs can have an interval that says nothing.
    guard interval.upperBound < 1_000, interval.lowerBound > 0.001 else { return "any" }
    return relative(interval.lowerBound).replacing(" %", with: "") + " … " + relative(interval.upperBound)
  }

  /// The verdict, and why there is none: `INCONCLUSIVE: 2 of 5 runs after have too few samples`.
  static func verdict(_ comparison: MetricComparison) -> String {
    comparison.verdict.rawValue + (comparison.missing.map { ": \($0)" } ?? "")
  }

  static func shift(_ comparison: MetricComparison) -> String {
    guard let shift = comparison.shift else { return "" }
    switch comparison.unit {
    case .seconds: return (shift < 0 ? "-" : "+") + Quantities.duration(seconds: abs(shift))
    case .perSecond: return (shift < 0 ? "-" : "+") + Quantities.rate(abs(shift))
    case .share: return ""
    }
  }

  private static func signed(_ value: Double, decimals: Int) -> String {
    let text = Quantities.trimmed(abs(value), decimals: decimals)
    return text == "0" ? "±0" : (value < 0 ? "-" : "+") + text
  }

  /// `2026-11-20 10:33`
  static func instant(_ seconds: Double) -> String {
    let text = Quantities.instant(realtimeNanoseconds: UInt64(max(0, seconds)) * 1_000_000_000)
    return text.prefix(10) + " " + text.dropFirst(11).prefix(5)
  }

  /// One character a value, from the lowest to the highest.
  static func sparkline(_ values: [Double], width: Int) -> String {
    let bars = Array("▁▂▃▄▅▆▇█")
    let shown = values.suffix(width)
    guard let low = shown.min(), let high = shown.max() else { return "" }
    guard high > low * 1.001 else { return String(repeating: "▄", count: shown.count) }
    return String(shown.map { bars[min(bars.count - 1, Int(($0 - low) / (high - low) * Double(bars.count)))] })
  }

  static func tone(_ verdict: ComparisonVerdict) -> Tone {
    switch verdict {
    case .regressed: .bad
    case .suspect: .doubtful
    case .inconclusive: .faint
    case .equivalent: .plain
    case .improved: .good
    }
  }
}
