internal import LosslessJSON

/// Whether the generator itself kept up; what the validity verdict is made from.
package struct GeneratorHealth: Hashable, Sendable {
  /// Heartbeat minus its due time. A heartbeat that was slept through counts as well, so that a share of the heartbeats is a share of the time.
  package var loopLateness = HistogramSnapshot()
  /// The longest time without a heartbeat, and the instant of CLOCK_MONOTONIC at which it ended (0 where there was none).
  package var longestGapNanoseconds: UInt64 = 0
  package var longestGapEndNanoseconds: UInt64 = 0
  /// The longest turn of the loop, waiting excluded: how long anything that a connector or a chain does has held up everybody else.
  package var longestTurnNanoseconds: UInt64 = 0
  /// How long the four figures below were taken over, nanoseconds of CLOCK_MONOTONIC.
  package var watchedNanoseconds: UInt64 = 0
  /// CPU time of this process, and what affinity and cgroup would have allowed in the same span, nanoseconds.
  package var cpuNanoseconds: UInt64 = 0
  package var cpuAllowedNanoseconds: UInt64 = 0
  /// Time that the hypervisor took from the processors that this process may use, nanoseconds, the mean over these.
  package var stealNanoseconds: UInt64 = 0
  /// Time that the reactors' threads were ready to run and stood in line for a processor, nanoseconds.
  package var cpuWaitNanoseconds: UInt64 = 0
  /// Time for which a cgroup's quota stopped this process, nanoseconds.
  package var throttledNanoseconds: UInt64 = 0
  /// More than 1 ms late although a user was free: we are slow.
  package var lateUserFree: UInt64 = 0
  /// Late because no user was free: the target is slow.
  package var lateNoUserFree: UInt64 = 0
  /// Reads from the observers' connections; those of bytes that had lain in the kernel for more than 2 ms; and the longest that any had.
  package var observerReads: UInt64 = 0
  package var observerLateReads: UInt64 = 0
  package var observerLagNanosecondsMax: UInt64 = 0
  package var foreignEnqueues: UInt64 = 0

  package init() {}

  /// Adds another's figures; the histogram is its owner's business.
  package mutating func addFigures(of other: GeneratorHealth) {
    if other.longestGapNanoseconds > longestGapNanoseconds {
      longestGapNanoseconds = other.longestGapNanoseconds
      longestGapEndNanoseconds = other.longestGapEndNanoseconds
    }
    longestTurnNanoseconds = max(longestTurnNanoseconds, other.longestTurnNanoseconds)
    watchedNanoseconds &+= other.watchedNanoseconds
    cpuNanoseconds &+= other.cpuNanoseconds
    cpuAllowedNanoseconds &+= other.cpuAllowedNanoseconds
    stealNanoseconds &+= other.stealNanoseconds
    cpuWaitNanoseconds &+= other.cpuWaitNanoseconds
    throttledNanoseconds &+= other.throttledNanoseconds
    lateUserFree &+= other.lateUserFree
    lateNoUserFree &+= other.lateNoUserFree
    observerReads &+= other.observerReads
    observerLateReads &+= other.observerLateReads
    observerLagNanosecondsMax = max(observerLagNanosecondsMax, other.observerLagNanosecondsMax)
    foreignEnqueues &+= other.foreignEnqueues
  }

  func write(to json: inout JSONWriter) {
    json.beginObject()
    json.nonEmpty("lateness", loopLateness)
    json.nonZero("gap_ns", longestGapNanoseconds)
    json.nonZero("gap_end_ns", longestGapEndNanoseconds)
    json.nonZero("turn_ns", longestTurnNanoseconds)
    json.nonZero("watched_ns", watchedNanoseconds)
    json.nonZero("cpu_ns", cpuNanoseconds)
    json.nonZero("cpu_allowed_ns", cpuAllowedNanoseconds)
    json.nonZero("steal_ns", stealNanoseconds)
    json.nonZero("cpu_wait_ns", cpuWaitNanoseconds)
    json.nonZero("throttled_ns", throttledNanoseconds)
    json.nonZero("late_user_free", lateUserFree)
    json.nonZero("late_no_user_free", lateNoUserFree)
    json.nonZero("observer_reads", observerReads)
    json.nonZero("observer_late_reads", observerLateReads)
    json.nonZero("observer_lag_max_ns", observerLagNanosecondsMax)
    json.nonZero("foreign_enqueues", foreignEnqueues)
    json.endObject()
  }

  init(_ json: JSONValue) {
    loopLateness = HistogramSnapshot(json["lateness"])
    longestGapNanoseconds = json.unsigned("gap_ns")
    longestGapEndNanoseconds = json.unsigned("gap_end_ns")
    longestTurnNanoseconds = json.unsigned("turn_ns")
    watchedNanoseconds = json.unsigned("watched_ns")
    cpuNanoseconds = json.unsigned("cpu_ns")
    cpuAllowedNanoseconds = json.unsigned("cpu_allowed_ns")
    stealNanoseconds = json.unsigned("steal_ns")
    cpuWaitNanoseconds = json.unsigned("cpu_wait_ns")
    throttledNanoseconds = json.unsigned("throttled_ns")
    lateUserFree = json.unsigned("late_user_free")
    lateNoUserFree = json.unsigned("late_no_user_free")
    observerReads = json.unsigned("observer_reads")
    observerLateReads = json.unsigned("observer_late_reads")
    observerLagNanosecondsMax = json.unsigned("observer_lag_max_ns")
    foreignEnqueues = json.unsigned("foreign_enqueues")
  }
}
