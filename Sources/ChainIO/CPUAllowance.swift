internal import CLinux

/// How many processors this process may use: its affinity, and the tightest quota of its control groups where that is less.
package struct CPUAllowance: Sendable {
  /// By number: whether this process may run there.
  private let affinity: [UInt64]
  private let groups: ControlGroups

  package init(groups: ControlGroups = ControlGroups()) {
    var words = [UInt64](repeating: 0, count: 128)
    let count = words.withUnsafeMutableBufferPointer { clinux_affinity($0.baseAddress, Int32($0.count)) }
    affinity = Array(words[0..<max(0, Int(count))])
    self.groups = groups
  }

  /// Processors, quota included: 1.5 where a quota gives one and a half of them.
  package var cpus: Double {
    let count = Double(max(1, affinity.reduce(0) { $0 + $1.nonzeroBitCount }))
    return groups.quota.map { min(count, $0) } ?? count
  }

  /// Nanoseconds for which a quota has stopped this process's groups so far.
  package var throttledNanoseconds: UInt64 { groups.throttledNanoseconds }

  /// Nanoseconds that the hypervisor has taken so far from the processors that this process may use, the mean over these.
  package var stealNanoseconds: UInt64 {
    CPUAllowance.stealNanoseconds(SystemFile.text(of: "/proc/stat")) { processor in
      processor / 64 >= affinity.count || affinity[processor / 64] >> UInt64(processor % 64) & 1 == 1
    }
  }

  /// The eighth figure of a `cpu<n>` line of /proc/stat (proc(5)), in ticks of 1/100 s.
  package static func stealNanoseconds(_ text: String, isAllowed: (Int) -> Bool) -> UInt64 {
    var ticks: UInt64 = 0
    var processors: UInt64 = 0
    for line in text.split(separator: "\n") {
      guard line.hasPrefix("cpu") else { break }
      let words = line.split(separator: " ")
      guard let number = Int(words[0].dropFirst(3)), words.count > 8, isAllowed(number) else { continue }
      ticks &+= UInt64(words[8]) ?? 0
      processors += 1
    }
    return processors == 0 ? 0 : ticks &* 10_000_000 / processors
  }

  /// Nanoseconds for which this thread has stood in line for a processor so far: the second figure of its schedstat
  /// (Documentation/scheduler/sched-stats.rst of the kernel); 0 where the kernel does not count it.
  package static var threadWaitNanoseconds: UInt64 {
    let words = SystemFile.text(of: "/proc/thread-self/schedstat").split(separator: " ")
    return words.count > 1 ? UInt64(words[1]) ?? 0 : 0
  }
}
