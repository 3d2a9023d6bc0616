import ChainIO
import Glibc
import Metrics

/// What this process used, against what it may use: the figures behind the validity verdict. Read on the reactor's thread, once a second.
struct ProcessHealth {
  private var since: UInt64 = 0
  private var cpuNanoseconds: UInt64 = 0
  private var stealNanoseconds: UInt64 = 0
  private var waitNanoseconds: UInt64 = 0
  private var throttledNanoseconds: UInt64 = 0
  private let allowance = CPUAllowance()
  private let cpusAllowed: Double

  init() { cpusAllowed = allowance.cpus }

  mutating func begin(now: UInt64) {
    since = now
    cpuNanoseconds = ProcessHealth.cpuUsed()
    stealNanoseconds = allowance.stealNanoseconds
    waitNanoseconds = CPUAllowance.threadWaitNanoseconds
    throttledNanoseconds = allowance.throttledNanoseconds
  }

  /// Writes what was used since the last call. `now` is the time of the call itself, not that of the interval's end: a timer that fires late
  /// has more to tell.
  mutating func fill(_ health: inout GeneratorHealth, now: UInt64) {
    let before = self
    begin(now: now)
    health.watchedNanoseconds = since &- before.since
    health.cpuNanoseconds = cpuNanoseconds &- before.cpuNanoseconds
    health.cpuAllowedNanoseconds = UInt64(cpusAllowed * Double(health.watchedNanoseconds))
    // The kernel's own counts may be read while they change: never less than before.
    health.stealNanoseconds = stealNanoseconds - min(before.stealNanoseconds, stealNanoseconds)
    health.cpuWaitNanoseconds = waitNanoseconds - min(before.waitNanoseconds, waitNanoseconds)
    health.throttledNanoseconds = throttledNanoseconds - min(before.throttledNanoseconds, throttledNanoseconds)
  }

  /// Nanoseconds, user and system time of all threads since the process began.
  static func cpuUsed() -> UInt64 {
    var usage = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &usage)
    return UInt64(usage.tv_sec) * 1_000_000_000 + UInt64(usage.tv_nsec)
  }
}
