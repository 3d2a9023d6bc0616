internal import Glibc

/// How the figures of one chain under one load moved from run to run.
package struct RunTrend: Sendable {
  /// Ascending by time.
  package let runs: [RunFigures]
  package let series: [MetricTrend]
  /// Left out because they crashed, were not valid, or ran under other conditions than the newest.
  package let leftOut: Int

  /// - Parameters:
  ///   - runs: In any order. The newest one says which chain text, profile and observation count.
  ///   - includesUntrusted: Takes degraded runs along.
  ///   - anyChainText: Takes runs of other versions of the chain along: a long history outlives its file.
  package init(_ runs: [RunFigures], includesUntrusted: Bool = false, anyChainText: Bool = false) {
    let ordered = runs.sorted { ($0.startedAt, $0.runID) < ($1.startedAt, $1.runID) }
    let trusted = ordered.filter { includesUntrusted || (!$0.isCrashed && $0.validity == "valid") }
    let wanted = trusted.last?.conditions
    let kept = trusted.filter { run in
      guard let wanted else { return false }
      var conditions = run.conditions
      conditions.host = wanted.host
      if anyChainText { conditions.chainHash = wanted.chainHash }
      return conditions == wanted
    }
    self.runs = kept
    leftOut = runs.count - kept.count
    let names = kept.last?.metrics ?? []
    series = names.compactMap { MetricTrend($0, in: kept) }
  }

  package var hasRegression: Bool { series.contains { $0.newest == .regressed } }
}

/// One figure over the runs.
package struct MetricTrend: Hashable, Sendable {
  /// A stretch of runs at one level.
  package struct Level: Hashable, Sendable {
    package let range: Range<Int>
    package let median: Double
  }

  package let name: String
  package let unit: Metric.Unit
  /// Positions in the trend's runs, as long as ``values``.
  package let runIndices: [Int]
  package let values: [Double]
  package let changes: [ChangePoint]
  package let levels: [Level]

  init?(_ metric: Metric, in runs: [RunFigures]) {
    name = metric.name
    unit = metric.unit
    var indices: [Int] = []
    var values: [Double] = []
    for (index, run) in runs.enumerated() {
      guard let value = run.value(of: metric.name) else { continue }
      indices.append(index)
      values.append(value)
    }
    guard !values.isEmpty else { return nil }
    runIndices = indices
    self.values = values
    let isLogarithmic = metric.unit != .share
    let scaled = isLogarithmic ? values.map { log(max($0, 1e-12)) } : values
    let effectMin = isLogarithmic ? log(1 + Metric.effectMin(of: metric.name)) : 0.01
    changes = ChangePoints.find(in: scaled, effectMin: effectMin, seed: Self.seed(metric.name))
    let edges = [0] + changes.map(\.index) + [values.count]
    levels = zip(edges, edges.dropFirst()).map { from, to in
      Level(range: from..<to, median: Median.of(Array(values[from..<to])) ?? 0)
    }
  }

  /// What the last change of level was; equivalent without any.
  package var newest: ComparisonVerdict {
    guard levels.count >= 2 else { return .equivalent }
    return isWorse(levels[levels.count - 1].median, than: levels[levels.count - 2].median) ? .regressed : .improved
  }

  package func isWorse(_ value: Double, than other: Double) -> Bool {
    unit == .perSecond ? value < other : value > other
  }

  private static func seed(_ name: String) -> UInt64 {
    name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }
}
