/// Metrics in the text format of OpenMetrics 1.0 (prometheus/OpenMetrics, specification/OpenMetrics.md).
package enum OpenMetricsText {
  package static let contentType = "application/openmetrics-text; version=1.0.0; charset=utf-8"

  package static func render(_ families: [MetricFamily]) -> String {
    var text = ""
    for family in families where !family.points.isEmpty {
      text += "# TYPE \(family.name) \(family.kind.rawValue)\n"
      if !family.unit.isEmpty { text += "# UNIT \(family.name) \(family.unit)\n" }
      text += "# HELP \(family.name) \(escaped(family.help))\n"
      for point in family.points { append(point, of: family, to: &text) }
    }
    return text + "# EOF\n"
  }

  private static func append(_ point: MetricFamily.Point, of family: MetricFamily, to text: inout String) {
    let suffix =
      switch family.kind {
      case .counter: "_total"
      case .info: "_info"
      case .gauge, .histogram: ""
      }
    switch point.value {
    case .whole(let value): text += "\(family.name)\(suffix)\(labels(point.labels)) \(value)\n"
    case .real(let value): text += "\(family.name)\(suffix)\(labels(point.labels)) \(value)\n"
    case .times(let times):
      var sum: UInt64 = 0
      for (index, count) in times.counts.enumerated() {
        sum &+= count
        let bound = index < TimeBuckets.bounds.count ? TimeBuckets.bounds[index].text : "+Inf"
        text += "\(family.name)_bucket\(labels(point.labels + [(name: "le", value: bound)])) \(sum)\n"
      }
      text += "\(family.name)_count\(labels(point.labels)) \(times.count)\n"
      text += "\(family.name)_sum\(labels(point.labels)) \(Double(times.sumNanoseconds) / 1e9)\n"
    }
  }

  private static func labels(_ labels: [(name: String, value: String)]) -> String {
    labels.isEmpty ? "" : "{" + labels.map { "\($0.name)=\"\(escaped($0.value))\"" }.joined(separator: ",") + "}"
  }

  /// Backslash, quote and newline, as the specification asks for label values and help texts.
  private static func escaped(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 == 0x5C || $0 == 0x22 || $0 == 0x0A }) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\"": result += "\\\""
      case "\n": result += "\\n"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
