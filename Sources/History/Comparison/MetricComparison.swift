internal import Glibc
internal import Metrics

/// One figure on both sides.
package struct MetricComparison: Hashable, Sendable {
  package let name: String
  package let unit: Metric.Unit
  /// One value for each run that has the figure.
  package let before: [Double]
  package let after: [Double]
  /// Why nothing can be concluded: `2 of 5 runs after have too few samples`; nil where every run of both sides has the figure.
  package let missing: String?
  /// Medians of the runs; nil where no run of the side has the figure.
  package let medianBefore: Double?
  package let medianAfter: Double?
  /// After over before, of the geometric means; nil where a value is zero.
  package let ratio: Double?
  /// Hodges and Lehmann's, in the figure's unit; nil where a side has no value.
  package let shift: Double?
  /// 99 %, of the ratio; nil with fewer than two runs a side.
  package let ratioInterval: ClosedRange<Double>?
  /// Corrected for the number of figures.
  package let pValue: Double?
  package let verdict: ComparisonVerdict

  /// All figures that any run of either side has, in the order in which the runs name them. One that some runs lack decides nothing, and is
  /// there all the same: a step that mostly fails has no quantiles, and that is no reason to pass it over.
  static func all(before: [RunFigures], after: [RunFigures]) -> [MetricComparison] {
    struct Candidate {
      let metric: Metric
      let before: [Double]
      let after: [Double]
      let missing: String?
      let test: WelchTest?
    }
    let candidates: [Candidate] = figures(of: before + after).map { metric in
      let b = before.compactMap { $0.value(of: metric.name) }
      let a = after.compactMap { $0.value(of: metric.name) }
      let missing = [lack(metric, b.count, of: before.count, "before"), lack(metric, a.count, of: after.count, "after")].compactMap(\.self)
      return Candidate(
        metric: metric, before: b, after: a, missing: missing.isEmpty ? nil : missing.joined(separator: ", "),
        test: missing.isEmpty ? WelchTest(b.map { scaled($0, metric.unit) }, a.map { scaled($0, metric.unit) }) : nil)
    }
    let complete = candidates.filter { $0.missing == nil }
    let adjusted = ExactTest.holm(complete.map { $0.test?.pValue ?? 1 }, family: complete.count)
    let pValues = Dictionary(zip(complete.map(\.metric.name), adjusted)) { first, _ in first }
    return candidates.map { candidate in
      if let missing = candidate.missing {
        return MetricComparison(candidate.metric, before: candidate.before, after: candidate.after, missing: missing)
      }
      return MetricComparison(
        candidate.metric, before: candidate.before, after: candidate.after, test: candidate.test,
        pValue: pValues[candidate.metric.name] ?? 1)
    }
  }

  /// A figure that only some runs have stands behind the one that it follows there.
  private static func figures(of runs: [RunFigures]) -> [Metric] {
    var figures: [Metric] = []
    var known: Set<String> = []
    for run in runs {
      var place = 0
      for metric in run.metrics {
        if known.insert(metric.name).inserted {
          figures.insert(metric, at: place)
          place += 1
        } else if let found = figures.firstIndex(where: { $0.name == metric.name }) {
          place = found + 1
        }
      }
    }
    return figures
  }

  private static func lack(_ metric: Metric, _ count: Int, of runs: Int, _ side: String) -> String? {
    guard count < runs else { return nil }
    let isOne = runs - count == 1
    let reason =
      metric.isQuantile ? (isOne ? "has too few samples" : "have too few samples") : (isOne ? "does not have it" : "do not have it")
    return "\(runs - count) of \(runs) runs \(side) \(reason)"
  }

  /// Shares may be zero and are compared as they are; all else by its logarithm.
  private static func scaled(_ value: Double, _ unit: Metric.Unit) -> Double {
    switch unit {
    case .share: value
    case .seconds, .perSecond: log(max(value, 1e-12))
    }
  }

  private init(_ metric: Metric, before: [Double], after: [Double], missing: String) {
    name = metric.name
    unit = metric.unit
    self.before = before
    self.after = after
    self.missing = missing
    medianBefore = Median.of(before)
    medianAfter = Median.of(after)
    (ratio, shift, ratioInterval, pValue) = (nil, nil, nil, nil)
    verdict = .inconclusive
  }

  private init(_ metric: Metric, before: [Double], after: [Double], test: WelchTest?, pValue: Double) {
    name = metric.name
    unit = metric.unit
    self.before = before
    self.after = after
    missing = nil
    medianBefore = Median.of(before)
    medianAfter = Median.of(after)
    shift = Median.shift(from: before, to: after)
    let isLogarithmic = unit != .share
    let difference =
      (after.map { Self.scaled($0, metric.unit) }.reduce(0, +) / Double(after.count))
      - (before.map { Self.scaled($0, metric.unit) }.reduce(0, +) / Double(before.count))
    ratio = isLogarithmic ? exp(difference) : nil
    let interval = test?.interval(alpha: RunComparison.alpha)
    ratioInterval = isLogarithmic ? interval.map { exp($0.lowerBound)...exp($0.upperBound) } : nil
    self.pValue = test == nil ? nil : pValue
    // One percentage point of failed iterations is the least that matters.
    let effectMin = isLogarithmic ? log(1 + Metric.effectMin(of: metric.name)) : 0.01
    // Worse is positive.
    let worsening = unit == .perSecond ? -difference : difference
    let hasEnoughRuns = min(before.count, after.count) >= RunComparison.runsMin
    let rise = isLogarithmic ? nil : Self.riseFromNothing(before, after)
    if !hasEnoughRuns {
      // Nothing is known about how runs scatter: only what stands far outside is worth a word.
      verdict = rise != nil || worsening >= 2 * effectMin ? .suspect : .inconclusive
    } else if pValue < RunComparison.alpha, abs(worsening) >= effectMin {
      verdict = worsening > 0 ? .regressed : .improved
    } else if let rise {
      verdict = rise < RunComparison.alpha ? .regressed : .suspect
    } else if let interval, interval.lowerBound > -effectMin, interval.upperBound < effectMin {
      verdict = .equivalent
    } else {
      verdict = .inconclusive
    }
  }

  /// Where no run before had any and some after have: how likely it is that those are all on one side by chance (Fisher, the run being the
  /// unit; five of five against none of five are 0.4 %). Such a share matters however small it is, as a count of wrong data does, but unlike
  /// lost data a lone failure may be anybody's: one run that has some is suspect, and no more.
  private static func riseFromNothing(_ before: [Double], _ after: [Double]) -> Double? {
    let risen = after.count { $0 > 0 }
    guard risen > 0, before.allSatisfy({ $0 == 0 }) else { return nil }
    return ExactTest.upperTail(
      hits: Double(risen), sample: Double(after.count), marked: Double(risen), population: Double(before.count + after.count))
  }
}
