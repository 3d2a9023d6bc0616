internal import Glibc

/// When a quantile may be printed, and which order statistic it is.
///
/// The upper end of a 95 % confidence interval for the quantile q of a continuous distribution is an order statistic. The
/// largest of n samples, X(n), lies below the true quantile only if all n samples do, which has probability q^n. A two-sided
/// 95 % interval leaves 2.5 % above, so it has a finite upper end only if
///
///     q^n <= 0.025,   that is   n >= ln 0.025 / ln q
///
/// which is 6 samples for p50, 13 for p75, 36 for p90, 72 for p95, 368 for p99 and 3 688 for p99.9. With fewer, "p99" would
/// be a number with no bound above it. (Conover, Practical Nonparametric Statistics, section 3.2.)
package enum Quantile {
  package static func samplesNeeded(for q: Double) -> UInt64 {
    guard q > 0 else { return 1 }
    guard q < 1 else { return .max }
    return UInt64((log(0.025) / log(q)).rounded(.up))
  }

  package static func isEstimable(_ q: Double, from count: UInt64) -> Bool {
    count >= samplesNeeded(for: q)
  }

  /// The rank (1 to count) of the value that is the quantile: the smallest one that a share `q` does not exceed.
  package static func rank(_ q: Double, of count: UInt64) -> UInt64 {
    // 0.95 * 100 is 95.000…01 in binary: the tolerance keeps exact products from being rounded up.
    let exact = Swift.max(0, Swift.min(1, q)) * Double(count)
    let rank = (exact - exact * 1e-12).rounded(.up)
    return Swift.max(1, Swift.min(count, UInt64(rank)))
  }
}
