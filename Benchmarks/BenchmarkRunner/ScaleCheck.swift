import Foundation

/// Many users that mostly think: what one costs in memory, and how long all of them take to start.
struct ScaleCheck {
  static let markdownHeader = """
    | users | connections | started within, s | RSS, MB | KB per user above 100 users' |
    |---|---|---|---|---|
    """
  private static let fewUsers = 100
  private static let manyUsers = [1000, 10_000]

  static func markdown(site: Site, say: (String) -> Void) throws -> String {
    var lines: [String] = []
    for (chain, connections) in [("think", "one for all"), ("think-per-user", "one each")] {
      say("scale: \(chain)")
      let base = try run(chain, users: fewUsers, site: site)
      for users in manyUsers {
        let result = try run(chain, users: users, site: site)
        let perUser = (result.residentKiB - base.residentKiB) / Double(users - fewUsers)
        lines.append(
          String(format: "| %d | %@ | %.2f | %.0f | %.2f |", users, connections, result.startSeconds, result.residentKiB / 1024, perUser))
      }
    }
    return lines.joined(separator: "\n")
  }

  /// - Returns: seconds from the program's start until the last user had the answer to its first read; and the peak of the memory.
  private static func run(_ chain: String, users: Int, site: Site) throws -> (startSeconds: Double, residentKiB: Double) {
    try site.reset()
    let results = Client.results(at: site)
    try? FileManager.default.removeItem(at: results)
    let started = MonotonicTime.seconds
    let child = try ChildProcess(
      site.programs + "/chainrun",
      [
        "run", "chains/bench/\(chain).chain.yaml", "--profile", "users\(users)", "--out", results.path, "--progress", "none",
      ], output: site.scratch.appendingPathComponent("client"))
    guard let end = child.wait(seconds: 60), end.exitCode == 0 else {
      throw Site.Incomplete(description: "\(chain) with \(users) users failed: \(child.errors.suffix(300))")
    }
    let journal = try String(contentsOf: results.appendingPathComponent("journal.ndjson"), encoding: .utf8)
    // {"r":"phase","name":"load","at_ns":…}
    let records = journal.split(separator: "\n").compactMap {
      try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
    }
    guard let load = records.first(where: { $0["r"] as? String == "phase" && $0["name"] as? String == "load" }),
      let loadBegan = load["at_ns"] as? Double,
      let steps = records.first(where: { $0["r"] as? String == "interval" })?["steps"] as? [[String: Any]],
      let reads = steps.first, reads["count"] as? Int == users, let slowest = (reads["service"] as? [String: Any])?["hi"] as? Double
    else { throw Site.Incomplete(description: "not all users of \(chain) had read their key within a second") }
    return ((loadBegan + slowest) / 1e9 - started, Double(end.maximumResidentKiB))
  }
}

enum MonotonicTime {
  static var seconds: Double {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
  }
}
