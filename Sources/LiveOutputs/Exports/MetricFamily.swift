/// One metric with all its label sets, as both OpenMetrics and OTLP see it.
package struct MetricFamily: Sendable {
  package enum Kind: String, Sendable {
    case counter, gauge, histogram, info
  }

  package enum Value: Sendable {
    case whole(UInt64)
    case real(Double)
    case times(TimeBuckets)
  }

  package struct Point: Sendable {
    package let labels: [(name: String, value: String)]
    package let value: Value
  }

  /// Without the suffixes that OpenMetrics adds (`_total`, `_bucket`, `_info`), with the unit at its end.
  package let name: String
  package let kind: Kind
  /// `seconds` or nothing.
  package let unit: String
  package let help: String
  package private(set) var points: [Point] = []

  package init(_ name: String, _ kind: Kind, unit: String = "", _ help: String) {
    self.name = name
    self.kind = kind
    self.unit = unit
    self.help = help
  }

  package mutating func add(_ value: Value, _ labels: [(String, String)] = []) {
    points.append(Point(labels: labels.map { (name: $0.0, value: $0.1) }, value: value))
  }
}
