internal import Glibc

/// Student's t distribution, by the regularised incomplete beta function.
package enum StudentT {
  /// P(|T| >= |t|) with `freedom` degrees of freedom (any positive number, as Welch's test gives them).
  package static func twoSided(_ t: Double, freedom: Double) -> Double {
    guard freedom > 0, !t.isNaN else { return 1 }
    guard t.isFinite else { return 0 }
    return incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5)
  }

  /// The t that is exceeded in absolute value with probability `alpha`.
  package static func criticalValue(alpha: Double, freedom: Double) -> Double {
    guard alpha > 0, alpha < 1, freedom > 0 else { return .infinity }
    var low = 0.0
    var high = 1.0
    while twoSided(high, freedom: freedom) > alpha {
      high *= 2
      if high > 1e12 { return .infinity }
    }
    for _ in 0..<200 where high - low > 1e-12 * high {
      let middle = (low + high) / 2
      if twoSided(middle, freedom: freedom) > alpha { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  /// I_x(a, b) by its continued fraction (modified Lentz), which converges quickly below (a + 1) / (a + b + 2); above, by symmetry.
  /// Source: NIST Digital Library of Mathematical Functions, 8.17.22.
  static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    guard x > 0 else { return 0 }
    guard x < 1 else { return 1 }
    if x > (a + 1) / (a + b + 2) { return 1 - incompleteBeta(1 - x, b, a) }
    var sign: Int32 = 0
    let logBeta = lgamma_r(a, &sign) + lgamma_r(b, &sign) - lgamma_r(a + b, &sign)
    let front = exp(a * log(x) + b * log1p(-x) - logBeta) / a
    let tiny = 1e-300
    var f = 1.0
    var c = 1.0
    var d = 0.0
    for i in 0...500 {
      let m = Double(i / 2)
      let numerator: Double
      if i == 0 {
        numerator = 1
      } else if i.isMultiple(of: 2) {
        numerator = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      } else {
        numerator = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      }
      d = 1 + numerator * d
      if abs(d) < tiny { d = tiny }
      d = 1 / d
      c = 1 + numerator / c
      if abs(c) < tiny { c = tiny }
      f *= c * d
      if abs(1 - c * d) < 1e-15 { break }
    }
    return front * (f - 1)
  }
}
