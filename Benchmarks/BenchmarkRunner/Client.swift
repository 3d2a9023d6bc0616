import Foundation

/// A program that does a workload, and how to learn from its output how many iterations it did.
struct Client {
  enum Outcome {
    case measured(Measurement)
    /// It failed; a word on how.
    case failed(String)
  }

  static let floor = "C floor"
  static let ours = "chainrun"

  let name: String
  let path: String
  let arguments: [String]
  let iterations: (_ output: String, _ site: Site) -> Int?

  func run(at site: Site, seconds: Int) -> Outcome {
    try? FileManager.default.removeItem(at: Self.results(at: site))
    do {
      let child = try ChildProcess(path, arguments, output: site.scratch.appendingPathComponent("client"))
      guard let end = child.wait(seconds: Double(seconds) + 60) else { return .failed("took more than \(seconds + 60) s") }
      let lastLine = child.errors.split(separator: "\n").last.map(String.init) ?? "no message"
      guard end.exitCode == 0 else { return .failed("exit code \(end.exitCode): \(lastLine)") }
      guard let count = iterations(child.text, site), count > 0 else { return .failed("no iterations") }
      let isFloor = path.hasSuffix("/CFloor")
      let seconds = isFloor ? Self.floorSeconds(child.text) : Self.summarySeconds(at: site)
      let report = isFloor ? Self.object(Data(child.text.utf8)) : name == Self.ours ? Self.summary(at: site) : [:]
      return .measured(
        Measurement(
          iterations: count, seconds: seconds ?? end.wallSeconds, cpuSeconds: end.cpuSeconds, loadCPUSeconds: Self.loadCPUSeconds(report),
          maximumResidentKiB: end.maximumResidentKiB, report: report))
    } catch {
      return .failed("\(error)")
    }
  }

  // Where each says it.

  static func results(at site: Site) -> URL { site.scratch.appendingPathComponent("results") }

  static func floorIterations(_ output: String, _ site: Site) -> Int? { object(Data(output.utf8))["iterations"] as? Int }

  static func summaryIterations(_ output: String, _ site: Site) -> Int? {
    (summary(at: site)["iterations"] as? [String: Any])?["completed"] as? Int
  }

  /// The floor's own figure, and ours; the known tools have none.
  private static func loadCPUSeconds(_ report: [String: Any]) -> Double? {
    report["cpu_seconds"] as? Double ?? (report["generator"] as? [String: Any])?["cpu_load_s"] as? Double
  }

  private static func floorSeconds(_ output: String) -> Double? { object(Data(output.utf8))["seconds"] as? Double }
  private static func summarySeconds(at site: Site) -> Double? { summary(at: site)["duration_s"] as? Double }

  private static func summary(at site: Site) -> [String: Any] {
    object((try? Data(contentsOf: results(at: site).appendingPathComponent("summary.json"))) ?? Data())
  }

  private static func object(_ data: Data) -> [String: Any] {
    (try? JSONSerialization.jsonObject(with: data)) as? [String: Any] ?? [:]
  }

  static func number(after mark: String, in text: String) -> Int? {
    text.range(of: mark).flatMap { Int(text[$0.upperBound...].prefix { $0.isNumber }) }
  }

  static func number(before mark: String, in text: String) -> Int? {
    text.range(of: mark).flatMap { range in
      Int(String(text[..<range.lowerBound].reversed().prefix { $0.isNumber }.reversed()))
    }
  }
}

/// What one run of one client did and used.
struct Measurement {
  let iterations: Int
  let seconds: Double
  /// From its start to its end.
  let cpuSeconds: Double
  /// From its first iteration to the end of its last: connecting before it is left out, and everything after it. Nil where it does not say.
  let loadCPUSeconds: Double?
  let maximumResidentKiB: Int
  /// What the client printed of its own figures: the floor's JSON, chainrun's summary.
  let report: [String: Any]

  var iterationsPerSecond: Double { Double(iterations) / seconds }
  var cpuMicroseconds: Double { cpuSeconds * 1e6 / Double(iterations) }
  var loadCPUMicroseconds: Double? { loadCPUSeconds.map { $0 * 1e6 / Double(iterations) } }
}
