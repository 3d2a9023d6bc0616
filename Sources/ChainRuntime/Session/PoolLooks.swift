import ChainIO
import Metrics

/// Looks at how much is under way on a connection: one each heartbeat, so that the mean is that over time.
struct PoolLooks {
  private(set) var count: UInt64 = 0
  private(set) var sum: UInt64 = 0
  private(set) var largest: UInt64 = 0

  mutating func look(_ inFlight: Int) {
    count &+= 1
    sum &+= UInt64(max(0, inFlight))
    largest = max(largest, UInt64(max(0, inFlight)))
  }
}

extension PoolInterval {
  init(connection: Int, _ reading: PoolReading, _ looks: PoolLooks) {
    self.init(connection: connection, size: reading.size)
    isShared = reading.isShared
    if isShared {
      self.looks = looks.count
      inFlightSum = looks.sum
      inFlightMax = looks.largest
    } else {
      busyNanoseconds = reading.busyNanoseconds
    }
    waits = reading.waits
    refused = reading.refused
    exhaustedNanoseconds = reading.exhaustedNanoseconds
    exhaustions = reading.exhaustions
    reconnects = reading.reconnects
    connectFailures = reading.connectFailures
  }
}
