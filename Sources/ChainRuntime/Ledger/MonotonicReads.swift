import Metrics

/// Readings of an older version after a newer one, at one hop that holds a state for each key: each stands until the newest version that had
/// been seen, or a newer one, is shown again.
///
/// Takes memory for what is violated at the moment only.
struct MonotonicReads {
  /// A step back that is not made good yet.
  private struct Standing {
    let id: EventID?
    let version: Int64
    let newer: Int64
    /// Nanoseconds: the older value came after the one and was first seen at the other.
    let beganLow: UInt64
    let beganHigh: UInt64
    /// Nanoseconds: when the newer version's commit was acknowledged; nil if that is not known any more.
    let acknowledged: UInt64?
  }

  private(set) var tally = GuaranteeTally()
  private var standing: [Int: [Standing]] = [:]
  private var standingCount = 0
  /// Further ones are counted, and nobody knows how long they stand.
  static let standingMax = 1 << 16

  var counts: GuaranteeCounts { tally.counts }
  mutating func takeAges() -> ViolationAges { tally.takeAges() }

  /// The key showed a version that was not older than the one before.
  mutating func held() { tally.counts.held += 1 }

  /// The key showed an older version than before.
  mutating func regressed(
    key: Int, id: EventID?, version: Int64, newer: Int64, beganLow: UInt64, beganHigh: UInt64, acknowledged: UInt64?
  ) {
    tally.counts.violated += 1
    let back = Standing(id: id, version: version, newer: newer, beganLow: beganLow, beganHigh: beganHigh, acknowledged: acknowledged)
    guard standingCount < MonotonicReads.standingMax else { return close(back, key: nil, low: 0, high: nil) }
    standing[key, default: []].append(back)
    standingCount += 1
  }

  var hasStanding: Bool { standingCount > 0 }
  /// Nanoseconds: since when the oldest violation of the key stands; nil if there is none.
  func standsSince(key: Int) -> UInt64? { standing[key]?.first?.beganHigh }

  /// The newest version of the key, or a newer one, was shown again: after `low` and by `high` (nanoseconds).
  mutating func madeGood(key: Int, _ name: EventID, low: UInt64, high: UInt64) {
    guard let ended = standing.removeValue(forKey: key) else { return }
    standingCount -= ended.count
    for back in ended {
      close(back, key: name, low: low > back.beganHigh ? low - back.beganHigh : 0, high: high > back.beganLow ? high - back.beganLow : 0)
    }
  }

  /// The run is over.
  ///
  /// - Parameter seenUntil: Nanoseconds: until when the hop was watched without a gap, for what stands since the time given.
  mutating func end(_ name: (Int) -> EventID, seenUntil: (UInt64) -> UInt64) {
    for (key, ended) in standing {
      for back in ended {
        let until = seenUntil(back.beganHigh)
        close(back, key: name(key), low: until > back.beganHigh ? until - back.beganHigh : 0, high: nil)
      }
    }
    standing.removeAll()
    standingCount = 0
  }

  private mutating func close(_ back: Standing, key: EventID?, low: UInt64, high: UInt64?) {
    tally.time(low: low, high: high) { low, high in
      GuaranteeTally.Violation(
        id: back.id, key: key, version: back.version, newer: back.newer, ageLow: low, ageHigh: high,
        sinceAck: back.acknowledged.map { (Int64(bitPattern: back.beganLow &- $0), Int64(bitPattern: back.beganHigh &- $0)) })
    }
  }
}
