internal import Glibc

/// Fisher's exact test, one-sided: how likely so many failures among so many attempts are, if the circumstance changes nothing.
package enum ExactTest {
  /// P(X >= `hits`) for X hypergeometric: of `population` attempts `marked` failed, and `sample` of them had the circumstance.
  ///
  /// - Returns: 1 where there are no more hits than expected: only an excess is of interest.
  /// - Complexity: grows with the width of the tail, at most `marked` steps.
  package static func upperTail(hits: Double, sample: Double, marked: Double, population: Double) -> Double {
    let population = max(population, sample, marked)
    let most = min(sample, marked)
    guard hits > 0, hits <= most, hits > sample * marked / population else { return hits > most ? 0 : 1 }
    var term = exp(
      choose(marked, hits) + choose(population - marked, sample - hits) - choose(population, sample))
    guard term > 0 else { return 0 }
    var sum = term
    var count = hits
    while count < most {
      let next = term * (marked - count) * (sample - count) / ((count + 1) * (population - marked - sample + count + 1))
      count += 1
      guard next > 0 else { break }
      term = next
      sum += term
      if term < sum * 1e-12 { break }
    }
    return min(1, sum)
  }

  /// Logarithm of the binomial coefficient, also between whole numbers; -infinity where it is 0.
  private static func choose(_ n: Double, _ k: Double) -> Double {
    guard k >= 0, k <= n else { return -.infinity }
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
  }

  /// Holm's step-down correction over `family` tests, of which those not given had nothing to show (p = 1).
  package static func holm(_ values: [Double], family: Int) -> [Double] {
    let total = max(family, values.count)
    var adjusted = values
    var highest = 0.0
    for (rank, index) in values.indices.sorted(by: { (values[$0], $0) < (values[$1], $1) }).enumerated() {
      highest = max(highest, min(1, values[index] * Double(total - rank)))
      adjusted[index] = highest
    }
    return adjusted
  }
}
