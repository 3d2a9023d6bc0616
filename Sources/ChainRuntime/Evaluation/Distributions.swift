internal import Glibc

extension Randomness {
  /// Exponentially distributed with mean 1; at most 37.
  mutating func nextExponential() -> Double { -log1p(-nextUnit()) }

  /// Normally distributed with mean 0 and deviation 1: G. Box, M. Muller, 1958. One of the pair is thrown away, so that every draw takes
  /// the same number of steps of the stream.
  mutating func nextNormal() -> Double {
    let radius = (2 * nextExponential()).squareRoot()
    return radius * cos(2 * Double.pi * nextUnit())
  }

  /// A rank from 1 to `count` that is as likely as rank^-exponent, by rejection-inversion: W. Hörmann, G. Derflinger, "Rejection-inversion
  /// to generate variates from monotone discrete distributions", 1996. Needs no table, and 1.1 rounds on average.
  mutating func nextZipf(_ count: Int64, exponent s: Double) -> Int64 {
    let n = Double(count)
    // The integral of x^-s, up to a constant, and its inverse; both without a hole at s = 1.
    func integral(_ x: Double) -> Double {
      let logarithm = log(x)
      return relativeExpm1((1 - s) * logarithm) * logarithm
    }
    func inverse(_ y: Double) -> Double {
      let t = max(y * (1 - s), -1)
      return exp(relativeLog1p(t) * y)
    }
    func weight(_ x: Double) -> Double { exp(-s * log(x)) }
    let low = integral(1.5) - 1
    let high = integral(n + 0.5)
    let threshold = 2 - inverse(integral(2.5) - weight(2))
    // Each round accepts with a probability of more than a half; the bound is for parameters that floats cannot follow.
    for _ in 0..<200 {
      let u = high + nextUnit() * (low - high)
      let x = inverse(u)
      guard x.isFinite else { continue }
      let rank = min(max(x.rounded(), 1), n)
      if rank - x <= threshold || u >= integral(rank + 0.5) - weight(rank) { return Int64(rank) }
    }
    return 1
  }

  /// (e^x - 1) / x
  private func relativeExpm1(_ x: Double) -> Double { abs(x) > 1e-8 ? expm1(x) / x : 1 + x / 2 * (1 + x / 3) }
  /// log(1 + x) / x
  private func relativeLog1p(_ x: Double) -> Double { abs(x) > 1e-8 ? log1p(x) / x : 1 - x * (0.5 - x * (1.0 / 3 - x / 4)) }
}
