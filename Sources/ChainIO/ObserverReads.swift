/// How long the bytes of the observers' connections lay in the kernel before we read them.
///
/// A sighting is stamped when its bytes are read. What lay unread was visible earlier than its upper bound says, through nobody's fault but ours,
/// so this decides whether the sightings of a span can be trusted. The kernel stamps the last bytes of each read on their arrival: what came
/// before these has waited longer, and for a burst this is therefore the least that its first bytes can have waited.
package struct ObserverReads: Sendable, Hashable {
  package var count: UInt64 = 0
  /// Of bytes that had waited for more than ``lateNanoseconds``.
  package var late: UInt64 = 0
  /// Nanoseconds.
  package var longestNanoseconds: UInt64 = 0

  /// As late as a heartbeat of the loop may be.
  package static let lateNanoseconds: UInt64 = 2_000_000

  package init() {}

  /// - Parameters: nanoseconds of CLOCK_REALTIME, the clock of the kernel's stamps. A clock that was set back in between counts as no wait.
  package mutating func read(arrived: Int64, now: Int64) {
    let lag = UInt64(max(0, now &- arrived))
    count &+= 1
    if lag > ObserverReads.lateNanoseconds { late &+= 1 }
    if lag > longestNanoseconds { longestNanoseconds = lag }
  }
}
