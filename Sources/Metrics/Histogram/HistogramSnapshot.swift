/// A histogram's contents as a plain value: what crosses threads, stands in the journal and in the run record.
package struct HistogramSnapshot: Hashable, Sendable {
  package let digits: Int
  package var count: UInt64 = 0
  /// Nanoseconds, exact.
  package var sum: UInt64 = 0
  /// Nanoseconds, exact; meaningful if `count` > 0.
  package var min: UInt64 = 0
  package var max: UInt64 = 0
  /// Values above the histogram's range, which lie in its last bucket.
  package var clampedCount: UInt64 = 0
  /// Used buckets of ``HistogramLayout``, ascending, and how many values each holds.
  package var indices: [UInt32] = []
  package var counts: [UInt64] = []

  package init(digits: Int = 3) {
    self.digits = digits
  }

  /// The sum of several. `scratch` must be empty, and is again afterwards.
  package init(merging snapshots: [HistogramSnapshot], scratch: Histogram) {
    let filled = snapshots.filter { !$0.isEmpty }
    if filled.count <= 1 {
      self = filled.first ?? HistogramSnapshot(digits: scratch.layout.digits)
      return
    }
    for snapshot in filled { scratch.add(snapshot) }
    self = scratch.takeSnapshot()
  }

  package var isEmpty: Bool { count == 0 }
  package var minNanoseconds: UInt64? { isEmpty ? nil : min }
  package var maxNanoseconds: UInt64? { isEmpty ? nil : max }
  package var meanNanoseconds: Double? { isEmpty ? nil : Double(sum) / Double(count) }

  /// As ``Histogram/quantile(_:)``.
  package func quantile(_ q: Double) -> UInt64? {
    guard count > 0 else { return nil }
    if q >= 1 { return max }
    let layout = HistogramLayout(digits: digits)
    let rank = Quantile.rank(q, of: count)
    var seen: UInt64 = 0
    for (index, times) in zip(indices, counts) {
      seen &+= times
      if seen >= rank { return Swift.min(layout.highestValue(at: Int(index)), max) }
    }
    return max
  }

  package func estimableQuantile(_ q: Double) -> UInt64? {
    Quantile.isEstimable(q, from: count) ? quantile(q) : nil
  }

  /// How many values lie above `nanoseconds`, to the bucket's width.
  package func count(above nanoseconds: UInt64) -> UInt64 {
    let last = HistogramLayout(digits: digits).position(of: nanoseconds).index
    var above: UInt64 = 0
    for (index, times) in zip(indices, counts).reversed() {
      guard Int(index) > last else { break }
      above &+= times
    }
    return above
  }

  /// The share of values at or below `nanoseconds`, to the bucket's width.
  package func share(upTo nanoseconds: UInt64) -> Double? {
    guard count > 0 else { return nil }
    let last = HistogramLayout(digits: digits).position(of: nanoseconds).index
    var seen: UInt64 = 0
    for (index, times) in zip(indices, counts) {
      if Int(index) > last { break }
      seen &+= times
    }
    return Double(seen) / Double(count)
  }
}
