import ChainProgram
import History
import Metrics

/// The figures that a run's thresholds and alerts are held against.
struct BaselineReading {
  /// By name; empty where no claim can be held against a baseline.
  var figures: [String: Double] = [:]
  /// For the journal; nil where ``figures`` is empty.
  var info: BaselineInfo?
  /// Why there are none, for the person who runs it; nil if there are, or nothing asks for them.
  var problem: String?

  /// Runs of another question are no limits: another chain text, rate, variable. Claims stay undecided then. How hops are observed is known only
  /// when the observers are in place, and is asked at the end (`RunRecord.baselineDifference`).
  ///
  /// - Parameter asked: The file of `--baseline`; nil for the one beside the results, which is only read if a claim needs it.
  static func read(_ program: Program, _ profile: LoadProfile, variables: [NamedText], asked: String?) throws(RunStoreError)
    -> BaselineReading
  {
    let needs = program.thresholds.contains(where: \.isOfBaseline) || program.alerts.contains(where: \.condition.isOfBaseline)
    guard asked != nil || needs else { return BaselineReading() }
    let path = asked ?? RunSelection.root + "/" + Baselines.fileName
    guard let entry = try Baselines(path: path).entry(chain: program.chain, profile: profile.name) else {
      return BaselineReading(
        problem: "'\(path)' has no baseline for chain '\(program.chain)' and profile '\(profile.name)'; \(consequence)")
    }
    let conditions = conditions(program, profile, variables)
    for run in entry.runs {
      guard let difference = Comparability.difference(of: conditions, from: run.conditions) else { continue }
      return BaselineReading(problem: "the baseline in '\(path)' is of another question: \(difference); \(consequence)")
    }
    var reading = BaselineReading()
    for metric in entry.runs[0].metrics { reading.figures[metric.name] = entry.value(of: metric.name) }
    reading.info = BaselineInfo(
      file: path, runs: entry.runs.count, setAt: entry.setAt, observation: entry.runs[0].conditions.observation)
    return reading
  }

  private static let consequence = "thresholds against it stay undecided"

  private static func conditions(_ program: Program, _ profile: LoadProfile, _ variables: [NamedText]) -> RunConditions {
    var conditions = RunConditions()
    conditions.chain = program.chain
    conditions.chainHash = program.chainHash
    conditions.profile = profile.name
    conditions.profileText = RunHeader.text(of: profile)
    conditions.variables = variables.map { "\($0.name)=\($0.value)" }
    conditions.traceContext = program.traceContext.words
    return conditions
  }
}
