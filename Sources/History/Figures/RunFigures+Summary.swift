internal import Glibc
package import LosslessJSON

extension RunFigures {
  /// The counts of a hop that mean that data is wrong. `late` and `superseded` are not among them: late data is right, and a cache may
  /// skip versions.
  static let consistencyKinds = [
    "lost", "unexpected", "aborted", "duplicate", "reordered", "mismatch", "regressed", "stale_final", "missing", "extra",
  ]
  private static let quantiles = ["p50", "p95", "p99"]

  /// - Parameter summary: The root of a `summary.json`.
  /// - Returns: nil for another kind of document.
  package init?(summary: JSONValue, folder: String) {
    guard let runID = summary["run"]?.string, let chain = summary["chain"]?.string, let started = summary["started_at"]?.string else {
      return nil
    }
    self.init()
    self.runID = runID
    self.folder = folder
    startedAt = Self.seconds(ofInstant: started) ?? 0
    durationSeconds = summary["duration_s"]?.double ?? 0
    exitCode = summary["exit_code"]?.integer()
    // What was reported of a run that was not over yet is no more to be compared than what a crash left.
    isCrashed = summary["crashed"]?.bool == true || summary["running"]?.bool == true
    validity = summary["validity"]?["verdict"]?.string ?? ""
    conditions.chain = chain
    conditions.chainHash = summary["chain_hash"]?.string ?? ""
    conditions.profile = summary["profile"]?.string ?? ""
    conditions.profileText = summary["profile_text"]?.string ?? ""
    conditions.model = summary["model"]?.string ?? ""
    let configuration = summary["configuration"]
    conditions.variables = Self.members(configuration?["variables"]).map { "\($0.key)=\($0.value.string ?? "")" }
    conditions.traceContext = configuration?["traceparent"]?.string ?? ""
    conditions.host = summary["host"]?["name"]?.string ?? ""

    let isOpen = conditions.model == "open"
    add("response", summary["response"])
    add("iteration", summary["service"])
    readCounts(summary["iterations"], isOpen: isOpen)
    for (id, step) in Self.members(summary["steps"]) {
      add("step.\(id)", step["service"])
      addErrors("step.\(id)", step)
    }
    for (name, values) in Self.members(summary["measures"]) { add("measure.\(name)", values) }
    for (event, value) in Self.members(summary["events"]) {
      for (hop, figures) in Self.members(value["hops"]) {
        // The upper bound: what a user may count on.
        add("event.\(event).\(hop)", figures["lag"]?["hi"])
        conditions.observation.append("\(event).\(hop) \(figures["how"]?.string ?? "?")")
        for kind in Self.consistencyKinds {
          guard let count: UInt64 = figures[kind]?.integer() else { continue }
          consistency.append(ConsistencyCount("\(event).\(hop).\(kind)", count))
        }
        // What is only measured is no promise that could be broken.
        for (name, guarantee) in Self.members(figures["guarantees"]) where guarantee["required"]?.bool == true {
          guard let violated: UInt64 = guarantee["violated"]?.integer() else { continue }
          consistency.append(ConsistencyCount("\(event).\(hop).\(name)", violated))
        }
      }
    }
  }

  private mutating func add(_ name: String, _ values: JSONValue?) {
    guard let values else { return }
    for quantile in Self.quantiles {
      guard let value = values[quantile]?.double, value > 0 else { continue }
      metrics.append(Metric("\(name).\(quantile)", .seconds, value))
    }
  }

  /// The share of a step's attempts that failed or have an unknown outcome: an iteration may go on after them, or try again.
  private mutating func addErrors(_ name: String, _ step: JSONValue) {
    guard let count = step["count"]?.double, count > 0 else { return }
    metrics.append(Metric("\(name).errors", .share, ((step["failed"]?.double ?? 0) + (step["unknown"]?.double ?? 0)) / count))
  }

  private mutating func readCounts(_ iterations: JSONValue?, isOpen: Bool) {
    guard let iterations, let arrivals = iterations["arrivals"]?.double, arrivals > 0 else { return }
    let completed = iterations["completed"]?.double ?? 0
    // In the open model the rate is what was asked, not what the system can do.
    if !isOpen, durationSeconds > 0 { metrics.append(Metric("iterations.rate", .perSecond, completed / durationSeconds)) }
    let interrupted = iterations["interrupted"]?.double ?? 0
    // As `rate(errors)` counts them: what was dropped is no error of the system's.
    let errors = (iterations["failed"]?.double ?? 0) + (iterations["unknown"]?.double ?? 0)
    metrics.append(Metric("iterations.errors", .share, errors / arrivals))
    metrics.append(Metric("iterations.not_completed", .share, max(0, arrivals - interrupted - completed) / arrivals))
  }

  private static func members(_ value: JSONValue?) -> [(key: String, value: JSONValue)] {
    guard let value, value.kind == .object else { return [] }
    return Array(value.members)
  }

  /// Seconds since 1970 of `2026-11-20T10:33:43.123Z`.
  static func seconds(ofInstant text: String) -> Double? {
    let numbers = text.split { !$0.isNumber && $0 != "." }.compactMap { Double($0) }
    guard numbers.count == 6, text.hasSuffix("Z") else { return nil }
    var parts = tm()
    parts.tm_year = Int32(clamping: Int(numbers[0])) - 1900
    parts.tm_mon = Int32(numbers[1]) - 1
    parts.tm_mday = Int32(numbers[2])
    parts.tm_hour = Int32(numbers[3])
    parts.tm_min = Int32(numbers[4])
    return Double(timegm(&parts)) + numbers[5]
  }
}
