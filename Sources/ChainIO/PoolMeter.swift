/// What a pool of connections went through since it was last asked.
package struct PoolReading: Sendable, Hashable {
  /// Connections that it may open; 0 where nothing is known.
  package var size = 0
  /// Connections are shared by calls (pipelined, multiplexed): none is ever busy for anybody else.
  package var isShared = false
  /// Connection-nanoseconds in the hands of calls and transactions. Only of connections that serve one call at a time.
  package var busyNanoseconds: UInt64 = 0
  /// Calls that found no connection and had to wait for one.
  package var waits: UInt64 = 0
  /// Calls that ended while they still waited: at the acquire timeout or their own deadline.
  package var refused: UInt64 = 0
  /// For how long calls waited, of however many at once; and when, CLOCK_MONOTONIC, ascending. Spans of less than 10 ms are in the sum only.
  package var exhaustedNanoseconds: UInt64 = 0
  package var exhaustions: [ClosedRange<UInt64>] = []
  /// Connections opened again in place of lost ones, and attempts to open one that failed.
  package var reconnects: UInt64 = 0
  package var connectFailures: UInt64 = 0

  package init() {}
}

/// Keeps a driver's ``PoolReading``. Told of every change on the reactor's thread; constant time, and allocates only where calls wait for long.
package struct PoolMeter: Sendable {
  private var reading = PoolReading()
  private var busy = 0
  private var waiting = 0
  /// Nanoseconds: up to when `busyNanoseconds` counts.
  private var counted: UInt64 = 0
  /// Nanoseconds: since when calls wait, if any do.
  private var crowdedSince: UInt64 = 0

  /// Shorter spans are not listed, and shorter pauses between two spans are none.
  package static let spanNanosecondsMin: UInt64 = 10_000_000
  private static let spansMax = 50

  package init() {}

  /// - Parameters:
  ///   - busy: Connections that calls or transactions have now.
  ///   - waiting: Calls that wait for one now.
  ///   - now: Nanoseconds; a turn's own stamp will do.
  package mutating func changed(busy: Int, waiting: Int, now: UInt64) {
    let now = max(now, counted)
    reading.busyNanoseconds &+= UInt64(self.busy) &* (now &- counted)
    counted = now
    self.busy = busy
    guard waiting != self.waiting else { return }
    if waiting > self.waiting { reading.waits &+= UInt64(waiting - self.waiting) }
    if self.waiting == 0 { crowdedSince = now } else if waiting == 0 { endSpan(at: now) }
    self.waiting = waiting
  }

  private mutating func endSpan(at now: UInt64, isCut: Bool = false) {
    reading.exhaustedNanoseconds &+= now &- crowdedSince
    if let last = reading.exhaustions.last, crowdedSince &- last.upperBound < PoolMeter.spanNanosecondsMin {
      reading.exhaustions[reading.exhaustions.count - 1] = last.lowerBound...now
    } else if isCut || now &- crowdedSince >= PoolMeter.spanNanosecondsMin, reading.exhaustions.count < PoolMeter.spansMax {
      reading.exhaustions.append(crowdedSince...now)
    }
  }

  package mutating func refused() { reading.refused &+= 1 }
  package mutating func reconnected() { reading.reconnects &+= 1 }
  package mutating func connectFailed() { reading.connectFailures &+= 1 }

  /// What happened since the last time; everything starts again from zero, except what still goes on.
  package mutating func take(now: UInt64) -> PoolReading {
    changed(busy: busy, waiting: waiting, now: now)
    if waiting > 0 {
      endSpan(at: counted, isCut: true)
      crowdedSince = counted
    }
    defer { reading = PoolReading() }
    return reading
  }
}
