import Metrics

/// How often one session guarantee was kept at one hop, how long its violations lasted, and the longest of them.
///
/// Constant memory, whatever the number of events.
struct GuaranteeTally {
  /// A violation with what names it; texts are made at the end, for the few that are kept.
  struct Violation {
    var id: EventID?
    var key: EventID?
    var version: Int64?
    var newer: Int64?
    /// Nanoseconds; no upper bound while no end is known.
    var ageLow: UInt64
    var ageHigh: UInt64?
    var sinceAck: (low: Int64, high: Int64)?

    fileprivate var length: UInt64 { ageHigh ?? .max }
  }

  var counts = GuaranteeCounts()
  private let ageLow = Histogram()
  private let ageHigh = Histogram()
  /// Longest first.
  private var longest: [Violation] = []

  /// Nanoseconds, signed: it was violated for longer than `low` and at most as long as `high`, counted from the moment at which the promise began.
  ///
  /// - Returns: whether it was violated for certain.
  mutating func judge(low: Int64, high: Int64, _ violation: (_ low: UInt64, _ high: UInt64?) -> Violation) -> Bool {
    guard high > 0 else {
      counts.held += 1
      return false
    }
    let isCertain = low > 0
    if isCertain { counts.violated += 1 } else { counts.possible += 1 }
    time(low: UInt64(max(0, low)), high: UInt64(high), violation)
    return isCertain
  }

  /// A violation of which no end is known: it lasted for more than `low`.
  mutating func judgeUnended(low: UInt64, _ violation: (_ low: UInt64, _ high: UInt64?) -> Violation) {
    counts.violated += 1
    time(low: low, high: nil, violation)
  }

  /// The age of a violation that is counted elsewhere.
  mutating func time(low: UInt64, high: UInt64?, _ violation: (_ low: UInt64, _ high: UInt64?) -> Violation) {
    ageLow.record(low)
    if let high { ageHigh.record(high) }
    let length = high ?? .max
    guard longest.count < JournalGuarantee.violationsMax || length > longest[longest.count - 1].length else { return }
    if longest.count == JournalGuarantee.violationsMax { longest.removeLast() }
    let place = longest.firstIndex { $0.length < length } ?? longest.count
    longest.insert(violation(low, high), at: place)
  }

  var hasAges: Bool { !ageLow.isEmpty }

  mutating func takeAges() -> ViolationAges {
    var ages = ViolationAges()
    ages.low = ageLow.takeSnapshot()
    ages.high = ageHigh.takeSnapshot()
    return ages
  }

  func record(_ guarantee: SessionGuarantee, event: Int, hop: Int) -> JournalGuarantee? {
    guard !longest.isEmpty else { return nil }
    return JournalGuarantee(
      event: event, hop: hop, guarantee: guarantee.rawValue,
      longest: longest.map {
        var violation = JournalGuarantee.Violation(
          id: $0.id?.text ?? "", key: $0.key?.text, version: $0.version, newer: $0.newer, ageLow: $0.ageLow, ageHigh: $0.ageHigh)
        violation.sinceAckLowNanoseconds = $0.sinceAck?.low
        violation.sinceAckHighNanoseconds = $0.sinceAck?.high
        return violation
      })
  }
}
