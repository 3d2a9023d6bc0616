/// The origins of one event that were submitted and have not ended, by number: who may still claim what was seen.
///
/// Nothing is seen before it was sent. What was seen while the origins up to number n were submitted can be claimed by one of those only,
/// and by nobody any more once they have all ended.
struct OriginsUnderWay {
  /// Whether each from `oldest` on has ended; a ring whose size is a power of two.
  private var ended: ContiguousArray<Bool> = ContiguousArray(repeating: false, count: 64)
  /// The number of the first one that is under way; `next` if none is.
  private(set) var oldest: UInt64 = 0
  private(set) var next: UInt64 = 0

  /// - Returns: its number, for `end`.
  mutating func begin() -> UInt64 {
    if next - oldest == UInt64(ended.count) {
      var larger = ContiguousArray(repeating: false, count: ended.count * 2)
      for number in oldest..<next { larger[Int(number & UInt64(larger.count - 1))] = ended[Int(number & UInt64(ended.count - 1))] }
      ended = larger
    }
    ended[Int(next & UInt64(ended.count - 1))] = false
    next += 1
    return next - 1
  }

  mutating func end(_ number: UInt64) {
    assert(number >= oldest && number < next, "an origin ends once")
    ended[Int(number & UInt64(ended.count - 1))] = true
    while oldest < next, ended[Int(oldest & UInt64(ended.count - 1))] { oldest += 1 }
  }
}
