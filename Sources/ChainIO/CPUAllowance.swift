internal import CLinux
import Glibc

/// How many processors this process may use: its affinity, and the cgroup's quota where that is less.
package enum CPUAllowance {
  package static var cpus: Double {
    let count = Double(max(1, clinux_affinity_count()))
    return quota.map { min(count, $0) } ?? count
  }

  /// cgroup v2's cpu.max ("max 100000" or "50000 100000"), or v1's pair of files; nil without a limit.
  private static var quota: Double? {
    let unified = firstLine(of: "/sys/fs/cgroup/cpu.max").split(separator: " ")
    if unified.count == 2, let quota = Double(unified[0]), let period = Double(unified[1]), period > 0 { return quota / period }
    if let quota = Double(firstLine(of: "/sys/fs/cgroup/cpu/cpu.cfs_quota_us")),
      let period = Double(firstLine(of: "/sys/fs/cgroup/cpu/cpu.cfs_period_us")), quota > 0, period > 0
    {
      return quota / period
    }
    return nil
  }

  package static func firstLine(of path: String) -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    return withUnsafeTemporaryAllocation(byteCount: 512, alignment: 1) { buffer in
      let count = read(descriptor, buffer.baseAddress, buffer.count)
      guard count > 0 else { return "" }
      return String(decoding: buffer[0..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
  }
}
