/// What is left of events once their rows are written: two bits each, so that what comes late can still be told apart.
///
/// Whole numbers stand 64 to a page of 24 bytes: dense ids take less than a byte each and are exact. Ids that lie far apart, and hashes of
/// other ids, take a page each. Two generations of `pagesMax` pages are kept (100 MB each at most, only as many bytes as are used): with ids
/// that are not dense, what comes after two million later events is no longer known and counts as `unexpected`.
struct DecidedEvents: ~Copyable {
  enum Trace: UInt64 {
    case none
    /// Committed, and seen wherever a second sighting would be a second delivery.
    case settled
    /// Rolled back, and seen nowhere.
    case rolledBack
    /// Anything else: the rest stands in a table of exceptions.
    case exception
  }

  private var current = Pages()
  private var older: Pages?
  static let pagesMax = 1 << 21

  /// - Parameter id: `EventID.compact`.
  func trace(of id: Int64) -> Trace {
    let bits = current.bits(of: id)
    if bits != 0 { return Trace(rawValue: bits) ?? .none }
    return Trace(rawValue: older?.bits(of: id) ?? 0) ?? .none
  }

  /// - Returns: whether the older half was just forgotten, with whatever else is known of it.
  @discardableResult
  mutating func note(_ trace: Trace, of id: Int64) -> Bool {
    guard current.count >= DecidedEvents.pagesMax else {
      current.set(trace.rawValue, of: id)
      return false
    }
    older = current
    current = Pages()
    current.set(trace.rawValue, of: id)
    return true
  }
}

/// An open-addressing table of pages. A page without a bit set is a free place.
private final class Pages {
  private struct Page {
    /// The id without its last six bits.
    var number: Int64 = 0
    /// The two bits of id `number << 6 | n` are bit n of each word.
    var low: UInt64 = 0
    var high: UInt64 = 0
  }

  private var pages: UnsafeMutablePointer<Page>
  private var capacity = 256
  private(set) var count = 0

  init() {
    pages = .allocate(capacity: capacity)
    pages.initialize(repeating: Page(), count: capacity)
  }

  deinit { pages.deallocate() }

  func bits(of id: Int64) -> UInt64 {
    let page = pages[place(of: id >> 6)]
    let shift = UInt64(bitPattern: id) & 63
    return (page.low >> shift) & 1 | ((page.high >> shift) & 1) << 1
  }

  func set(_ bits: UInt64, of id: Int64) {
    let number = id >> 6
    var place = place(of: number)
    if pages[place].low | pages[place].high == 0 {
      if (count + 1) * 4 > capacity * 3 {
        grow()
        place = self.place(of: number)
      }
      pages[place].number = number
      count += 1
    }
    let shift = UInt64(bitPattern: id) & 63
    pages[place].low = pages[place].low & ~(1 << shift) | (bits & 1) << shift
    pages[place].high = pages[place].high & ~(1 << shift) | (bits >> 1) << shift
  }

  /// The page's place, or the free one where it would stand.
  private func place(of number: Int64) -> Int {
    // Fibonacci hashing, as in `EventIDTable`.
    var place = Int(truncatingIfNeeded: (UInt64(bitPattern: number) &* 0x9E37_79B9_7F4A_7C15) >> UInt64(64 - capacity.trailingZeroBitCount))
    while pages[place].low | pages[place].high != 0, pages[place].number != number { place = (place + 1) & (capacity - 1) }
    return place
  }

  private func grow() {
    let (old, oldCapacity) = (pages, capacity)
    capacity *= 2
    pages = .allocate(capacity: capacity)
    pages.initialize(repeating: Page(), count: capacity)
    for index in 0..<oldCapacity where old[index].low | old[index].high != 0 { pages[place(of: old[index].number)] = old[index] }
    old.deallocate()
  }
}
