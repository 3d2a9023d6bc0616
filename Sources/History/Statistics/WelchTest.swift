internal import Glibc

/// Welch's comparison of two means whose variances may differ (Welch 1947; degrees of freedom after Satterthwaite).
package struct WelchTest: Hashable, Sendable {
  /// Mean of the second sample minus mean of the first.
  package let difference: Double
  package let standardError: Double
  package let freedom: Double
  /// Two-sided, of no difference.
  package let pValue: Double

  /// - Returns: nil with fewer than two values on either side.
  package init?(_ first: [Double], _ second: [Double]) {
    guard first.count >= 2, second.count >= 2 else { return nil }
    let (a, b) = (Moments(first), Moments(second))
    let (va, vb) = (a.variance / Double(a.count), b.variance / Double(b.count))
    difference = b.mean - a.mean
    standardError = (va + vb).squareRoot()
    guard standardError > 0 else {
      // No scatter at all: equal means are equal, others differ without doubt.
      freedom = Double(a.count + b.count - 2)
      pValue = difference == 0 ? 1 : 0
      return
    }
    freedom = (va + vb) * (va + vb) / (va * va / Double(a.count - 1) + vb * vb / Double(b.count - 1))
    pValue = StudentT.twoSided(difference / standardError, freedom: freedom)
  }

  /// The interval that holds the true difference with probability 1 - alpha.
  package func interval(alpha: Double) -> ClosedRange<Double> {
    guard standardError > 0 else { return difference...difference }
    let half = StudentT.criticalValue(alpha: alpha, freedom: freedom) * standardError
    return (difference - half)...(difference + half)
  }
}

/// Mean and unbiased variance.
struct Moments {
  let count: Int
  let mean: Double
  let variance: Double

  init(_ values: [Double]) {
    count = values.count
    let mean = values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
    self.mean = mean
    variance = values.count < 2 ? 0 : values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)
  }
}

package enum Median {
  /// Nil for nothing; the mean of the two middle values for an even count.
  package static func of(_ values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
  }

  /// Hodges and Lehmann's estimate of the shift: the median of all differences between the second sample and the first.
  package static func shift(from first: [Double], to second: [Double]) -> Double? {
    of(second.flatMap { after in first.map { after - $0 } })
  }
}

/// SplitMix64: the same seed gives the same permutations on every machine.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
