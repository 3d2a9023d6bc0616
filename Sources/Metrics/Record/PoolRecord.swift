/// What one declared connection's pool went through in the whole load.
package struct PoolRecord: Hashable, Sendable {
  package var info: ConnectionInfo
  /// Connections; 0 where nothing was told.
  package var size = 0
  package var isShared = false
  package var watchedNanoseconds: UInt64 = 0
  package var busyNanoseconds: UInt64 = 0
  package var looks: UInt64 = 0
  package var inFlightSum: UInt64 = 0
  package var inFlightMax: UInt64 = 0
  package var waits: UInt64 = 0
  package var refused: UInt64 = 0
  package var exhaustedNanoseconds: UInt64 = 0
  /// Ascending, spans that touch or nearly so joined; the first ``spansMax``.
  package var exhaustions: [ClosedRange<UInt64>] = []
  package var reconnects: UInt64 = 0
  package var connectFailures: UInt64 = 0
  /// How long each operation on it waited for a connection; all of them, not only those that had to.
  package var wait = HistogramSnapshot()

  package static let spansMax = 100
  private static let pauseNanosecondsMax: UInt64 = 10_000_000

  package init(info: ConnectionInfo) {
    self.info = info
  }

  /// The share of its connection-seconds that were in use; nil for shared connections, which are never in use for others.
  package var utilisation: Double? {
    guard !isShared, size > 0, watchedNanoseconds > 0 else { return nil }
    return Double(busyNanoseconds) / Double(size) / Double(watchedNanoseconds)
  }

  /// Operations under way at a random moment; nil for connections that are not shared.
  package var inFlightMean: Double? { isShared && looks > 0 ? Double(inFlightSum) / Double(looks) : nil }

  mutating func add(_ interval: PoolInterval, nanoseconds: UInt64) {
    size = max(size, interval.size)
    isShared = interval.isShared
    watchedNanoseconds &+= nanoseconds
    busyNanoseconds &+= interval.busyNanoseconds
    looks &+= interval.looks
    inFlightSum &+= interval.inFlightSum
    inFlightMax = max(inFlightMax, interval.inFlightMax)
    waits &+= interval.waits
    refused &+= interval.refused
    exhaustedNanoseconds &+= interval.exhaustedNanoseconds
    for span in interval.exhaustions where span.upperBound > 0 {
      if let last = exhaustions.last, span.lowerBound >= last.lowerBound, span.lowerBound &- min(last.upperBound, span.lowerBound) < Self.pauseNanosecondsMax {
        exhaustions[exhaustions.count - 1] = last.lowerBound...max(last.upperBound, span.upperBound)
      } else if exhaustions.count < Self.spansMax {
        exhaustions.append(span)
      }
    }
    reconnects &+= interval.reconnects
    connectFailures &+= interval.connectFailures
  }
}
