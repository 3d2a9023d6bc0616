/// Which bucket a value falls into: HdrHistogram's log-linear layout with a unit of 1 ns.
///
/// Row 0 holds `2 h` buckets of width 1, row *r* > 0 holds `h` buckets of width 2^r, where `h` is half of the sub-bucket
/// count: a power of two that makes a bucket narrower than 10^-digits of its value. With three digits h = 1 024.
package struct HistogramLayout: Hashable, Sendable {
  package let digits: Int
  private let halfBits: Int

  /// One hour. What is longer is clamped to it.
  package static let rangeNanoseconds: UInt64 = 3_600_000_000_000

  package init(digits: Int) {
    precondition((1...4).contains(digits), "a histogram has one to four significant digits")
    self.digits = digits
    // The smallest power of two that is at least 10^digits: 16, 128, 1 024, 16 384.
    halfBits =
      switch digits {
      case 1: 4
      case 2: 7
      case 3: 10
      default: 14
      }
  }

  private var half: Int { 1 << halfBits }

  package var bucketCount: Int {
    position(of: Self.rangeNanoseconds).index + 1
  }

  /// The bucket of a value and the row that the bucket lies in; values above the range share the last bucket.
  @inline(__always)
  package func position(of nanoseconds: UInt64) -> (row: Int, index: Int) {
    let value = Swift.min(nanoseconds, Self.rangeNanoseconds)
    // Row: how often the value must be halved to be below 2 h. The OR makes everything below 2 h row 0.
    let mask = (UInt64(2) &<< UInt64(halfBits)) &- 1
    let row = 63 &- halfBits &- (value | mask).leadingZeroBitCount
    let sub = Int(truncatingIfNeeded: value &>> UInt64(row))  // in 0..<2h for row 0, h..<2h above
    return (row, row &<< halfBits &+ sub)
  }

  package func buckets(ofRow row: Int) -> Range<Int> {
    let start = row == 0 ? 0 : (row + 1) * half
    return start..<Swift.min((row + 2) * half, bucketCount)
  }

  package func lowestValue(at index: Int) -> UInt64 {
    let row = Swift.max(0, index >> halfBits - 1)
    return UInt64(index - row << halfBits) << UInt64(row)
  }

  package func highestValue(at index: Int) -> UInt64 {
    let row = Swift.max(0, index >> halfBits - 1)
    return lowestValue(at: index) + (1 << UInt64(row)) - 1
  }

  /// The value under which this layout's bucket is counted in another one.
  func valueStandingFor(_ index: Int, in other: HistogramLayout) -> UInt64 {
    digits < other.digits ? Swift.min(highestValue(at: index), Self.rangeNanoseconds) : lowestValue(at: index)
  }
}
