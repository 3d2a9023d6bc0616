import Foundation

/// What chainrun reports for a step, beside what the floor sees for the same step at the same rate: how much the tool adds to its figures.
///
/// The demand: p50 at most a tenth and 20 us above the floor's, p99 at most one and a half times it.
struct LatencyTable {
  static let markdownHeader = """
    | rate/s | step | floor p50, us | chainrun p50, us | at most | floor p99, us | chainrun p99, us | at most | |
    |---|---|---|---|---|---|---|---|---|
    """
  static let rates = [200, 1000]
  /// The floor's name for it, and chainrun's; nil for the whole iteration, whose response time counts from the intended start.
  private static let steps: [(floor: String, ours: String?)] = [
    ("insert", "insert_order"), ("publish", "announce"), ("iteration", nil),
  ]

  let rate: Int
  /// By step: the floor's quantiles and ours, a pair for each round; microseconds.
  private var samples: [[(floor: [Double], ours: [Double])]] = Array(repeating: [], count: steps.count)
  private var failures: [String] = []

  init(rate: Int) { self.rate = rate }

  mutating func addRound(seconds: Int, oursFirst: Bool, site: Site) throws {
    let floor = Client(
      name: Client.floor, path: site.programs + "/CFloor",
      arguments: ["order", "--users", "64", "--seconds", "\(seconds)", "--rate", "\(rate)"], iterations: Client.floorIterations)
    let ours = Client(
      name: Client.ours, path: site.programs + "/chainrun",
      arguments: [
        "run", try site.chain("order", seconds: seconds), "--profile", "rate\(rate)", "--out", Client.results(at: site).path, "--progress",
        "none",
      ], iterations: Client.summaryIterations)
    var reports: [String: [String: Any]] = [:]
    for client in oursFirst ? [ours, floor] : [floor, ours] {
      try site.reset()
      switch client.run(at: site, seconds: seconds) {
      case .failed(let reason): return failures.append("\(client.name): \(reason)")
      case .measured(let measurement): reports[client.name] = measurement.report
      }
    }
    for (index, step) in LatencyTable.steps.enumerated() {
      let seen = (reports[Client.floor]?["steps"] as? [String: Any])?[step.floor] as? [String: Any]
      let told =
        step.ours.map { ((reports[Client.ours]?["steps"] as? [String: Any])?[$0] as? [String: Any])?["service"] as? [String: Any] }
        ?? reports[Client.ours]?["response"] as? [String: Any]
      guard let p50 = seen?["p50_us"] as? Double, let p99 = seen?["p99_us"] as? Double, let ours50 = told?["p50"] as? Double,
        let ours99 = told?["p99"] as? Double
      else { return failures.append("no quantiles of '\(step.floor)'") }
      samples[index].append(([p50, p99], [ours50 * 1e6, ours99 * 1e6]))
    }
  }

  /// Rows under `markdownHeader`: medians of the rounds.
  var markdown: String {
    var lines = failures.map { "| \(rate) | failed: \($0) | | | | | | | |" }
    for (step, rounds) in zip(LatencyTable.steps, samples) where !rounds.isEmpty {
      func median(_ quantile: Int) -> (floor: Double, ours: Double) {
        (Median.of(rounds.map { $0.floor[quantile] }), Median.of(rounds.map { $0.ours[quantile] }))
      }
      let (p50, p99) = (median(0), median(1))
      let (limit50, limit99) = (p50.floor * 1.1 + 20, p99.floor * 1.5)
      let isMet = p50.ours <= limit50 && p99.ours <= limit99
      let cells = [p50.floor, p50.ours, limit50, p99.floor, p99.ours, limit99].map { String(format: "%.0f", $0) }
      lines.append("| \(rate) | \(step.floor) | \(cells.joined(separator: " | ")) | \(isMet ? "ok" : "**not met**") |")
    }
    return lines.joined(separator: "\n")
  }
}
