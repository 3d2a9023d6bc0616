/// The control groups that this process is in, v1 or v2, from its own up to the root: each may have a processor quota.
package struct ControlGroups: Sendable {
  /// Folders that exist, the innermost first.
  private let unified: [String]
  private let cpu: [String]

  /// - Parameters:
  ///   - root: Where the hierarchies are mounted.
  ///   - membership: The text of /proc/self/cgroup (cgroups(7)): `0::/a/b` for v2, `4:cpu,cpuacct:/a/b` for v1.
  package init(root: String = "/sys/fs/cgroup", membership: String = SystemFile.text(of: "/proc/self/cgroup")) {
    var (unified, cpu): ([String], [String]) = ([], [])
    for line in membership.split(separator: "\n") {
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      if fields[0] == "0", fields[1].isEmpty {
        // Beside v1, v2 is mounted under a name of its own.
        unified = ControlGroups.levels(fields[2], under: [root, root + "/unified"], with: "cpu.max")
      } else if fields[1].split(separator: ",").contains("cpu") {
        cpu = ControlGroups.levels(fields[2], under: ["\(root)/\(fields[1])", "\(root)/cpu"], with: "cpu.cfs_quota_us")
      }
    }
    (self.unified, self.cpu) = (unified, cpu)
  }

  /// The group's folder and those around it that have the file. In a container the path may be that of the host, of which only the root is there.
  private static func levels(_ path: Substring, under mounts: [String], with file: String) -> [String] {
    for mount in mounts {
      var parts = path.split(separator: "/")
      var found: [String] = []
      while true {
        let folder = ([mount] + parts.map(String.init)).joined(separator: "/")
        if !SystemFile.text(of: "\(folder)/\(file)").isEmpty { found.append(folder) }
        if parts.isEmpty { break }
        parts.removeLast()
      }
      if !found.isEmpty { return found }
    }
    return []
  }

  /// Processors that the tightest quota gives; nil without one.
  package var quota: Double? {
    var least: Double?
    for folder in unified {
      // "max 100000" or "50000 100000".
      let words = SystemFile.text(of: folder + "/cpu.max").split { $0 == " " || $0 == "\n" }
      if words.count == 2, let quota = Double(words[0]), let period = Double(words[1]), period > 0 { least = min(least ?? .infinity, quota / period) }
    }
    for folder in cpu {
      func number(_ file: String) -> Double? { Double(SystemFile.text(of: "\(folder)/\(file)").prefix { $0 != "\n" }) }
      if let quota = number("cpu.cfs_quota_us"), let period = number("cpu.cfs_period_us"), quota > 0, period > 0 {
        least = min(least ?? .infinity, quota / period)
      }
    }
    return least
  }

  /// Nanoseconds for which quotas have stopped processes of these groups so far.
  package var throttledNanoseconds: UInt64 {
    var total: UInt64 = 0
    for folder in unified {
      total &+= (SystemFile.number("throttled_usec", in: SystemFile.text(of: folder + "/cpu.stat")) ?? 0) &* 1000
    }
    for folder in cpu { total &+= SystemFile.number("throttled_time", in: SystemFile.text(of: folder + "/cpu.stat")) ?? 0 }
    return total
  }
}
