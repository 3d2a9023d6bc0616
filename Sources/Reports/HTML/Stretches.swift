internal import Metrics

/// A part of the run that is long enough to say a quantile of it: the seconds of a series joined until they have the samples that bound it.
struct Stretch {
  /// Seconds since the start of the load.
  let from: Double
  let to: Double
  /// One for each series that was asked for together.
  let values: [HistogramSnapshot]

  /// - Parameters:
  ///   - samples: So many of the first series are needed; seconds are joined until they are there. What is left at the end is no stretch.
  ///   - limit: About so many stretches at most.
  ///   - read: The series of a second; nil for a second that none of them is in.
  static func all(of run: RunRecord, samples: UInt64, limit: Int, _ read: (SecondRecord) -> [HistogramSnapshot]?) -> [Stretch] {
    guard let first = run.seconds.first, let last = run.seconds.last else { return [] }
    let width = (last.second - first.second) / max(1, limit) + 1
    var stretches: [Stretch] = []
    var joined: [HistogramSnapshot] = []
    var from = 0
    var isWarmUp = false
    for second in run.seconds {
      if second.isWarmUp != isWarmUp { joined = [] }
      isWarmUp = second.isWarmUp
      // Where nothing happened no stretch begins, and one that has begun is as long as it takes.
      guard let values = read(second), !(joined.isEmpty && values[0].isEmpty) else { continue }
      if joined.isEmpty { from = second.second }
      joined = joined.isEmpty ? values : zip(joined, values).map { $0.joined(with: $1) }
      guard joined[0].count >= samples, second.second + 1 - from >= width else { continue }
      stretches.append(Stretch(from: Double(from), to: Double(second.second + 1), values: joined))
      joined = []
    }
    return stretches
  }

  /// Points of a line: the middle of a stretch of one second, or of little width in the picture; else both ends, so that it shows how long it is.
  static func points(_ stretches: [Stretch], x: Scale, y: Scale, _ read: ([HistogramSnapshot]) -> UInt64?) -> [(x: Double, y: Double)?] {
    var points: [(x: Double, y: Double)?] = []
    var end: Double?
    for stretch in stretches {
      guard let value = read(stretch.values) else { continue }
      if let end, stretch.from - end > 1.5 * (stretch.to - stretch.from) { points.append(nil) }
      end = stretch.to
      let height = y(Double(value))
      if stretch.to - stretch.from < 1.5 || x(stretch.to) - x(stretch.from) < 6 {
        points.append((x((stretch.from + stretch.to) / 2), height))
      } else {
        points.append((x(stretch.from), height))
        points.append((x(stretch.to), height))
      }
    }
    return points
  }
}

extension HistogramSnapshot {
  /// The values of both. Costs as much as they have buckets.
  func joined(with other: HistogramSnapshot) -> HistogramSnapshot {
    guard !other.isEmpty else { return self }
    guard !isEmpty else { return other }
    guard digits == other.digits else { return HistogramSnapshot(merging: [self, other], scratch: Histogram()) }
    var sum = HistogramSnapshot(digits: digits)
    sum.count = count &+ other.count
    sum.sum = self.sum &+ other.sum
    sum.min = Swift.min(min, other.min)
    sum.max = Swift.max(max, other.max)
    sum.clampedCount = clampedCount &+ other.clampedCount
    sum.indices.reserveCapacity(indices.count + other.indices.count)
    sum.counts.reserveCapacity(indices.count + other.indices.count)
    var (mine, theirs) = (0, 0)
    while mine < indices.count || theirs < other.indices.count {
      let left = mine < indices.count ? indices[mine] : .max
      let right = theirs < other.indices.count ? other.indices[theirs] : .max
      sum.indices.append(Swift.min(left, right))
      sum.counts.append((left <= right ? counts[mine] : 0) &+ (right <= left ? other.counts[theirs] : 0))
      if left <= right { mine += 1 }
      if right <= left { theirs += 1 }
    }
    return sum
  }
}
