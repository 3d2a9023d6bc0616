import ChainIO
import Glibc
import Metrics

/// What this process used, against what it may use: the figures behind the validity verdict.
struct ProcessHealth {
  private var cpuNanoseconds: UInt64 = 0
  private var stealTicks: UInt64 = 0
  private let cpusAllowed = CPUAllowance.cpus

  mutating func begin() {
    cpuNanoseconds = ProcessHealth.cpuUsed()
    stealTicks = ProcessHealth.stealSoFar()
  }

  /// Writes what was used since the last call.
  mutating func fill(_ health: inout GeneratorHealth, intervalNanoseconds: UInt64) {
    let (cpu, steal) = (ProcessHealth.cpuUsed(), ProcessHealth.stealSoFar())
    health.cpuNanoseconds = cpu &- cpuNanoseconds
    health.cpuAllowedNanoseconds = UInt64(cpusAllowed * Double(intervalNanoseconds))
    // /proc/stat counts in ticks of 1/100 s.
    health.stealNanoseconds = (steal &- stealTicks) &* 10_000_000
    cpuNanoseconds = cpu
    stealTicks = steal
  }

  private static func cpuUsed() -> UInt64 {
    var usage = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &usage)
    return UInt64(usage.tv_sec) * 1_000_000_000 + UInt64(usage.tv_nsec)
  }

  /// The eighth figure of /proc/stat's first line (proc(5)): time that the hypervisor gave to others.
  private static func stealSoFar() -> UInt64 {
    let fields = CPUAllowance.firstLine(of: "/proc/stat").split(separator: " ")
    return fields.count > 8 ? UInt64(fields[8]) ?? 0 : 0
  }
}
