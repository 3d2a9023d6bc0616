package import Metrics

/// Durations counted in few fixed buckets, as metric stores want them. The journal has the fine ones.
package struct TimeBuckets: Sendable, Hashable {
  /// Upper bounds, inclusive, in seconds and as they are written; one more bucket follows that has none.
  package static let bounds: [(nanoseconds: UInt64, text: String)] = [
    (100_000, "0.0001"), (250_000, "0.00025"), (500_000, "0.0005"), (1_000_000, "0.001"), (2_500_000, "0.0025"), (5_000_000, "0.005"),
    (10_000_000, "0.01"), (25_000_000, "0.025"), (50_000_000, "0.05"), (100_000_000, "0.1"), (250_000_000, "0.25"), (500_000_000, "0.5"),
    (1_000_000_000, "1.0"), (2_500_000_000, "2.5"), (5_000_000_000, "5.0"), (10_000_000_000, "10.0"), (30_000_000_000, "30.0"),
    (60_000_000_000, "60.0"),
  ]

  /// Not cumulative, one more than there are bounds.
  package private(set) var counts = [UInt64](repeating: 0, count: bounds.count + 1)
  package private(set) var count: UInt64 = 0
  package private(set) var sumNanoseconds: UInt64 = 0

  package init() {}

  /// Adds what a histogram holds. Count and sum stay exact; a value counts by the upper end of its fine bucket (0.1 %, or 1 % where the
  /// recorder keeps two digits).
  package mutating func add(_ snapshot: HistogramSnapshot) {
    guard snapshot.count > 0 else { return }
    let layout = HistogramLayout(digits: snapshot.digits)
    var bucket = 0
    for (index, times) in zip(snapshot.indices, snapshot.counts) {
      let value = min(layout.highestValue(at: Int(index)), snapshot.max)
      while bucket < Self.bounds.count, value > Self.bounds[bucket].nanoseconds { bucket += 1 }
      counts[bucket] &+= times
    }
    count &+= snapshot.count
    sumNanoseconds &+= snapshot.sum
  }
}
