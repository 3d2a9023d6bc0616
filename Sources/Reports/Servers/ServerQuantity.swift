internal import Metrics

extension ServerFigureInfo {
  /// A value for people: `12`, `1.5/s`, `3.2 MiB/s`, `240 ms`, `97.1 %`.
  ///
  /// - Parameter isTotal: Of a counter: what it gained in all, and not per second.
  func text(_ value: Double, isTotal: Bool = false) -> String {
    let suffix = isCounter && !isTotal ? "/s" : ""
    switch unit {
    case .count: return (abs(value) >= 10_000 ? Quantities.count(UInt64(whole: value)) : Quantities.trimmed(value, decimals: abs(value) < 10 ? 2 : 1)) + suffix
    case .bytes: return ServerFigureInfo.bytes(value) + suffix
    case .nanoseconds: return value <= 0 ? "0" : Quantities.duration(UInt64(whole: value)) + suffix
    case .share: return Quantities.percentage(value)
    }
  }

  private static func bytes(_ value: Double) -> String {
    let units: [(String, Double)] = [("TiB", 1_099_511_627_776), ("GiB", 1_073_741_824), ("MiB", 1_048_576), ("KiB", 1024)]
    let (name, size) = units.first { abs(value) >= $0.1 } ?? ("B", 1)
    return "\(Quantities.trimmed(value / size, decimals: 1)) \(name)"
  }

  /// What a value must come to before it is worth a word.
  var least: Double {
    switch unit {
    case .count: isCounter ? 0.5 : 1
    case .bytes: 1_048_576
    case .nanoseconds: 10_000_000
    case .share: 0.5
    }
  }

  /// `depth of orders.cache`, `waiting_lock`.
  var title: String {
    guard !object.isEmpty else { return name }
    let own = name.split(separator: ".").last.map(String.init) ?? name
    return "\(own) of \(object)"
  }
}

extension UInt64 {
  /// The whole part of a value that a journal gave: anything below is 0, anything above the largest. A damaged journal may hold any number.
  init(whole value: Double) {
    self = value >= 1.8e19 ? .max : value > 0 ? UInt64(value) : 0
  }
}
