import Foundation

/// A long run at a steady rate: what it grows by after its first minute.
enum Soak {
  /// The memory that a run may gain after its first minute (or its first third, where it is shorter than three minutes).
  static let growthMaxMB = 10.0

  /// Samples the memory each second and says it as it goes.
  ///
  /// - Returns: whether it grew by less than `growthMaxMB`.
  static func run(seconds: Int, profile: String, site: Site, say: (String) -> Void) throws -> Bool {
    try site.reset()
    let results = Client.results(at: site)
    try? FileManager.default.removeItem(at: results)
    let child = try ChildProcess(
      site.programs + "/chainrun",
      ["run", try site.chain("order", seconds: seconds), "--profile", profile, "--out", results.path, "--progress", "none"],
      output: site.scratch.appendingPathComponent("client"))
    let settled = min(60, seconds / 3)
    // By the clock: a sample takes longer than its second, and one too late would be of the reports.
    let begun = ContinuousClock.now
    var elapsed: Double { (ContinuousClock.now - begun) / .seconds(1) }
    var first: Double?
    var last: Double?
    var nextToSay = 10.0
    var end: ChildProcess.End?
    while end == nil, elapsed < Double(seconds + 120) {
      end = child.wait(seconds: 1, keepsRunning: true)
      guard end == nil else { break }
      let (time, memory) = (elapsed, child.residentMB)
      if time >= Double(settled), first == nil { first = memory }
      if time < Double(seconds) { last = memory }
      if time >= nextToSay {
        say(String(format: "soak: after %.0f s %.1f MB", time, memory))
        nextToSay += 10
      }
    }
    guard let end, end.exitCode == 0, let first, let last else {
      child.stop(within: 10)
      throw Site.Incomplete(description: "the long run failed: \(child.errors.suffix(400))")
    }
    let peak = Double(end.maximumResidentKiB) / 1024
    let growth = last - first
    say(
      String(
        format: "soak %@: %d s; after %d s %.1f MB, at the end of the load %.1f MB: %+.1f MB (%.0f bytes/s); peak with the reports %.1f MB; %.1f s CPU",
        profile, seconds, settled, first, last, growth, growth * 1_048_576 / Double(max(1, seconds - settled)), peak, end.cpuSeconds))
    return growth < growthMaxMB
  }
}
