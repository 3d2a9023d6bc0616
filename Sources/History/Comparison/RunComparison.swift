/// Two sets of runs of one chain under one load, figure by figure.
///
/// The run is the unit: the samples of one run hang together, and a test between the samples of two runs finds "differences" in more than
/// half of all pairs of equal runs. So each run gives one number for each figure, and the numbers of one side are compared with the
/// other's: Welch's interval on their logarithms, held together by Holm's correction.
package struct RunComparison: Sendable {
  /// With fewer runs than this on a side nothing can be worse than suspect.
  package static let runsMin = 5
  package static let alpha = 0.01

  package let before: [RunFigures]
  package let after: [RunFigures]
  package let metrics: [MetricComparison]
  package let consistency: [ConsistencyComparison]
  /// What was overruled by `force`.
  package let warnings: [ComparisonRefusal]

  package var hasEnoughRuns: Bool { min(before.count, after.count) >= Self.runsMin }

  package enum Outcome: Sendable {
    case compared(RunComparison)
    case refused([ComparisonRefusal])
  }

  /// - Parameters:
  ///   - before: At least one run.
  ///   - after: At least one run.
  ///   - force: Compares runs that do not trust themselves. Runs of different things are refused all the same.
  package static func compare(before: [RunFigures], after: [RunFigures], force: Bool = false) -> Outcome {
    let refusals = Comparability.refusals(before + after)
    if refusals.contains(where: { $0.reason == .different }) || (!force && !refusals.isEmpty) { return .refused(refusals) }
    return .compared(RunComparison(before: before, after: after, warnings: refusals))
  }

  private init(before: [RunFigures], after: [RunFigures], warnings: [ComparisonRefusal]) {
    self.before = before
    self.after = after
    self.warnings = warnings
    metrics = MetricComparison.all(before: before, after: after)
    consistency = ConsistencyComparison.all(before: before, after: after)
  }

  /// The worst verdict of all.
  package var verdict: ComparisonVerdict {
    (metrics.map(\.verdict) + consistency.map(\.verdict)).max { $0.severity < $1.severity } ?? .inconclusive
  }
}

package enum ComparisonVerdict: String, Hashable, Sendable {
  case regressed = "REGRESSED"
  /// Too few runs, yet a change far above the least that matters.
  case suspect = "SUSPECT"
  case inconclusive = "INCONCLUSIVE"
  case equivalent = "EQUIVALENT"
  case improved = "IMPROVED"

  package var severity: Int {
    switch self {
    case .improved: 0
    case .equivalent: 1
    case .inconclusive: 2
    case .suspect: 3
    case .regressed: 4
    }
  }
}

/// A count of wrong data on both sides.
package struct ConsistencyComparison: Hashable, Sendable {
  package let name: String
  /// Sums over the runs.
  package let before: UInt64
  package let after: UInt64
  package let verdict: ComparisonVerdict

  static func all(before: [RunFigures], after: [RunFigures]) -> [ConsistencyComparison] {
    var names: [String] = []
    for run in before + after {
      for count in run.consistency where !names.contains(count.name) { names.append(count.name) }
    }
    func sum(_ runs: [RunFigures], _ name: String) -> UInt64 {
      runs.reduce(0) { $0 &+ ($1.consistency.first { $0.name == name }?.count ?? 0) }
    }
    return names.compactMap { name in
      let (b, a) = (sum(before, name), sum(after, name))
      guard b > 0 || a > 0 else { return nil }
      let perRunBefore = Double(b) / Double(before.count)
      let perRunAfter = Double(a) / Double(after.count)
      // What rises from nothing is a defect, however rare. Where both sides have it, twice as many is worth a word.
      let verdict: ComparisonVerdict =
        b == 0 ? .regressed : a == 0 ? .improved : perRunAfter >= 2 * perRunBefore ? .suspect : .inconclusive
      return ConsistencyComparison(name: name, before: b, after: a, verdict: verdict)
    }
  }
}
