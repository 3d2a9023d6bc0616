package import ChainProgram
package import Metrics

/// Decides a chain's thresholds from the record of a run.
package enum ThresholdEvaluation {
  /// - Returns: one verdict for each threshold, in order.
  ///
  /// - Parameters:
  ///   - windows: What was decided while the load ran, by the threshold's place.
  ///   - baseline: Figures of the baseline by name, seconds or shares.
  package static func evaluate(
    _ program: Program, _ record: RunRecord, windows: [Int: JournalThreshold] = [:], baseline: [String: Double] = [:]
  ) -> [JournalThreshold] {
    let difference = record.baselineDifference
    return program.thresholds.enumerated().map { index, threshold in
      if threshold.isOfBaseline, !baseline.isEmpty, let difference { return undecided(threshold.text, because: difference) }
      return windows[index] ?? evaluate(threshold, program, record, baseline: baseline)
    }
  }

  /// A claim that cannot be held against its baseline.
  package static func undecided(_ text: String, because difference: String) -> JournalThreshold {
    JournalThreshold(text: text, verdict: .inconclusive, observed: "not comparable with the baseline", detail: difference)
  }

  /// Claims whose limits are known, without a program.
  package static func evaluate(_ thresholds: [Threshold], _ record: RunRecord) -> [JournalThreshold] {
    thresholds.map { evaluate($0, record) }
  }

  /// The claim with the limit that the baseline gives it; nil where the baseline does not have its figure.
  package static func fixed(_ threshold: Threshold, _ program: Program, baseline: [String: Double]) -> Threshold? {
    guard threshold.isOfBaseline else { return threshold }
    guard let name = threshold.baselineFigure(in: program), let value = baseline[name] else { return nil }
    return Threshold(
      text: threshold.text, metric: threshold.metric, comparison: threshold.comparison, limit: threshold.limit(ofBaseline: value),
      window: threshold.window, range: threshold.range)
  }

  /// A claim whose limit hangs on a baseline is decided against the limit that it comes to.
  static func evaluate(_ threshold: Threshold, _ program: Program, _ record: RunRecord, baseline: [String: Double]) -> JournalThreshold {
    guard threshold.isOfBaseline else { return evaluate(threshold, record) }
    guard let name = threshold.baselineFigure(in: program), let value = baseline[name] else {
      return JournalThreshold(
        text: threshold.text, verdict: .inconclusive, observed: "no baseline",
        detail: "'chainrun baseline set' with runs of this chain and profile makes one")
    }
    let limit = threshold.limit(ofBaseline: value)
    let fixed = Threshold(text: threshold.text, metric: threshold.metric, comparison: threshold.comparison, limit: limit, range: threshold.range)
    var judged = evaluate(fixed, record)
    let meaning = isLatency(threshold.metric) ? "the limit is \(Figure.time(limit))" : "the limit is \(Figure.percentage(limit))"
    judged.detail = [judged.detail, meaning].compactMap(\.self).joined(separator: "; ")
    return judged
  }

  /// What was measured: one number, or bounds on it.
  enum Observation {
    case value(Double, text: String)
    case bounds(Double, Double, text: String, undecided: String)
    case notEstimable(String)
    /// Above any limit: so many iterations never got their answer that the quantile lies among them.
    case beyond(String)
  }

  private static func evaluate(_ threshold: Threshold, _ record: RunRecord) -> JournalThreshold {
    switch observe(threshold.metric, record) {
    case .value(let value, let text):
      let verdict: ThresholdVerdict = holds(threshold.comparison, value, threshold.limit) ? .pass : .fail
      // Dropped arrivals are censored: they would have been the slowest.
      if verdict == .pass, isLatency(threshold.metric), record.iterations.dropped > 0 {
        return JournalThreshold(
          text: threshold.text, verdict: .fail, observed: text,
          detail: "\(record.iterations.dropped) arrivals were dropped, and count as slower than any limit")
      }
      return JournalThreshold(text: threshold.text, verdict: verdict, observed: text)
    case .bounds(let low, let high, let text, let undecided):
      if let holds = decide(threshold.comparison, low, high, threshold.limit) {
        return JournalThreshold(text: threshold.text, verdict: holds ? .pass : .fail, observed: text)
      }
      return JournalThreshold(text: threshold.text, verdict: .inconclusive, observed: text, detail: "the limit lies between the bounds; " + undecided)
    case .notEstimable(let reason):
      return JournalThreshold(text: threshold.text, verdict: .inconclusive, observed: reason)
    case .beyond(let reason):
      return JournalThreshold(
        text: threshold.text, verdict: holds(threshold.comparison, .infinity, threshold.limit) ? .pass : .fail, observed: "beyond any limit", detail: reason)
    }
  }

  /// Whether what lies between two bounds compares so with the limit; nil where the bounds do not tell.
  static func decide(_ comparison: Comparison, _ low: Double, _ high: Double, _ limit: Double) -> Bool? {
    let (atLow, atHigh) = (holds(comparison, low, limit), holds(comparison, high, limit))
    // The bounds may lie on both sides of what is to be equalled, or not.
    let isBetween = low < limit && limit < high
    if atLow && atHigh && !(comparison == .notEqual && isBetween) { return true }
    return !atLow && !atHigh && !isBetween ? false : nil
  }

  private static func isLatency(_ metric: Threshold.Metric) -> Bool {
    switch metric {
    case .quantile(_, let series), .mean(let series), .maximum(let series), .minimum(let series):
      switch series {
      case .violation, .server: false
      case .step, .lag, .stable, .response, .service, .startDelay, .measure: true
      }
    case .count, .rate: false
    }
  }

  static func observe(_ metric: Threshold.Metric, _ record: RunRecord) -> Observation {
    switch metric {
    case .quantile(let q, .violation(let event, let hop, let kind)): return ages(.quantile(q), kind, at: record.events[event.index], hop)
    case .mean(.violation(let event, let hop, let kind)): return ages(.mean, kind, at: record.events[event.index], hop)
    case .minimum(.violation(let event, let hop, let kind)): return ages(.minimum, kind, at: record.events[event.index], hop)
    case .maximum(.violation(let event, let hop, let kind)): return ages(.quantile(1), kind, at: record.events[event.index], hop)
    case .count(.violations(let event, let hop, let kind)): return violations(kind, at: record.events[event.index], hop, isRate: false)
    case .rate(.violations(let event, let hop, let kind)): return violations(kind, at: record.events[event.index], hop, isRate: true)
    case .quantile(let q, .response): return survivors(q, record.response, record)
    case .quantile(let q, .service): return survivors(q, record.service, record)
    case .quantile(_, .server(let figure)), .mean(.server(let figure)), .minimum(.server(let figure)), .maximum(.server(let figure)):
      return serverFigure(figure, metric, record)
    case .count(.server(let figure)): return serverFigure(figure, metric, record)
    case .quantile(let q, let series): return observe(series, record) { $0.estimableQuantile(q).map { Double($0) } } missing: { needs(q, $0) }
    case .mean(let series): return observe(series, record) { $0.meanNanoseconds } missing: { _ in "no samples" }
    case .minimum(let series): return observe(series, record) { $0.minNanoseconds.map { Double($0) } } missing: { _ in "no samples" }
    case .maximum(let series): return observe(series, record) { $0.maxNanoseconds.map { Double($0) } } missing: { _ in "no samples" }
    case .count(.outcome(let event, let hop, "lost")): return losses(at: record.events[event.index], hop, isRate: false)
    case .rate(.outcome(let event, let hop, "lost")): return losses(at: record.events[event.index], hop, isRate: true)
    case .count(let count):
      guard let value = observe(count, record) else { return .notEstimable("not checkable with what the chain maps") }
      return .value(Double(value), text: String(value))
    case .rate(let count):
      guard let value = observe(count, record) else { return .notEstimable("not checkable with what the chain maps") }
      let whole = denominator(count, record)
      guard whole > 0 else { return .notEstimable("nothing to take a rate of") }
      let share = Double(value) / Double(whole)
      return .value(share, text: Figure.percentage(share))
    }
  }

  private static func serverFigure(_ figure: Int, _ metric: Threshold.Metric, _ record: RunRecord) -> Observation {
    switch ServerFigureReading(figure, metric, record) {
    case .value(let value, let text): .value(value, text: text)
    case .missing(let reason): .notEstimable(reason)
    }
  }

  /// A quantile over all iterations that ended, of which the failed ones have no time: they count as slower than any that has one, so that a
  /// target cannot pass by failing quickly.
  private static func survivors(_ q: Double, _ histogram: HistogramSnapshot, _ record: RunRecord) -> Observation {
    let failed = record.iterations.failed + record.iterations.unknown
    let total = histogram.count + failed
    guard Quantile.isEstimable(q, from: total) else { return .notEstimable("not estimable (\(total) of \(Quantile.samplesNeeded(for: q)) samples)") }
    let rank = q * Double(total)
    guard rank <= Double(histogram.count), let value = histogram.quantile(rank / Double(histogram.count)) else {
      return .beyond("\(failed) of \(total) iterations failed, and count as slower than any limit")
    }
    return .value(Double(value), text: Figure.time(Double(value)))
  }

  private static func needs(_ q: Double, _ histogram: HistogramSnapshot) -> String {
    "not estimable (\(histogram.count) of \(Quantile.samplesNeeded(for: q)) samples)"
  }

  private static func observe(
    _ series: Threshold.Series, _ record: RunRecord, _ read: (HistogramSnapshot) -> Double?, missing: (HistogramSnapshot) -> String
  ) -> Observation {
    func single(_ histogram: HistogramSnapshot) -> Observation {
      guard let value = read(histogram) else { return .notEstimable(missing(histogram)) }
      return .value(value, text: Figure.time(value))
    }
    func bounds(_ lows: HistogramSnapshot, _ highs: HistogramSnapshot, _ hop: HopRecord) -> Observation {
      guard let low = read(lows), let high = read(highs) else { return .notEstimable(missing(highs)) }
      return .bounds(low, high, text: "\(Figure.time(low))–\(Figure.time(high))", undecided: finer(hop))
    }
    switch series {
    case .server: return .notEstimable("a server's figure is no series of times")
    case .violation: preconditionFailure("violations have an account of their own")
    case .step(let step): return single(record.steps[step.index].service)
    case .response: return single(record.response)
    case .service: return single(record.service)
    case .startDelay: return single(record.startDelay)
    case .measure(let measure): return single(record.measures[measure].values)
    case .lag(let event, let hop):
      let hop = record.events[event.index].hops[hop]
      return bounds(hop.lagLow, hop.lagHigh, hop)
    case .stable(let event, let hop):
      let hop = record.events[event.index].hops[hop]
      return bounds(hop.stableLow, hop.stableHigh, hop)
    }
  }

  private static func observe(_ count: Threshold.Count, _ record: RunRecord) -> UInt64? {
    switch count {
    case .violations: preconditionFailure("violations have an account of their own")
    case .errors: return record.iterations.failed + record.iterations.unknown
    case .iterations: return record.iterations.completed
    case .dropped: return record.iterations.dropped
    case .failedChecks: return record.checks.reduce(0) { $0 + $1.failed }
    case .stepErrors(let step): return record.steps[step.index].failed + record.steps[step.index].unknown
    case .server: return nil
    case .outcome(let event, let hop, let name):
      let hops = record.events[event.index].hops
      if let hop { return hops[hop].count(named: name) }
      var sum: UInt64?
      for hop in hops { if let count = hop.count(named: name) { sum = (sum ?? 0) + count } }
      return sum
    }
  }

  private static func denominator(_ count: Threshold.Count, _ record: RunRecord) -> UInt64 {
    switch count {
    case .server: return 0
    case .errors, .iterations, .dropped: return record.iterations.arrivals
    case .failedChecks: return record.checks.reduce(0) { $0 + $1.failed + $1.passed }
    case .stepErrors(let step): return record.steps[step.index].count
    case .outcome(let event, _, _), .violations(let event, _, _): return record.events[event.index].counts?.committed ?? 0
    }
  }

  static func finer(_ hop: HopRecord) -> String {
    "a finer resolution than \(Figure.time(Double(hop.resolutionNanoseconds ?? 0))) would decide it"
  }

  private static func holds(_ comparison: Comparison, _ value: Double, _ limit: Double) -> Bool {
    switch comparison {
    case .equal: value == limit
    case .notEqual: value != limit
    case .less: value < limit
    case .lessOrEqual: value <= limit
    case .greater: value > limit
    case .greaterOrEqual: value >= limit
    }
  }
}

extension HopRecord {
  /// An outcome's or anomaly's count by its name in `summary.json`; nil if it is not checkable.
  fileprivate func count(named name: String) -> UInt64? {
    switch name {
    case "ok": counts.ok
    case "late": counts.late
    case "lost": counts.lost
    case "unobserved": counts.unobserved
    case "superseded": counts.superseded
    case "blocked": counts.blocked
    case "unexpected": counts.unexpected
    case "aborted": counts.aborted
    case "duplicate": counts.duplicate
    case "reordered": counts.reordered
    case "mismatch": counts.mismatch
    case "regressed": counts.regressed
    case "stale_final": counts.staleFinal
    case "missing": counts.missing
    case "extra": counts.extra
    case "foreign": counts.foreign
    case "recovered": counts.recovered
    case "absent": counts.absent
    case "visible_before_ack": visibleBeforeAck
    default: nil
    }
  }
}

/// Numbers for people, in a verdict's text.
enum Figure {
  /// Nanoseconds as `850 µs`, `12.4 ms`, `1.25 s`.
  static func time(_ nanoseconds: Double) -> String {
    let (value, unit): (Double, String) =
      nanoseconds < 1e6 ? (nanoseconds / 1e3, "µs") : nanoseconds < 1e9 ? (nanoseconds / 1e6, "ms") : (nanoseconds / 1e9, "s")
    return "\(threeDigits(value)) \(unit)"
  }

  static func percentage(_ share: Double) -> String { "\(threeDigits(share * 100)) %" }

  /// A whole number in full, any other one with three digits.
  static func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 9e15 ? String(Int(value)) : threeDigits(value)
  }

  private static func threeDigits(_ value: Double) -> String {
    let scale: Double = value >= 100 ? 1 : value >= 10 ? 10 : value >= 1 ? 100 : 1000
    let rounded = (value * scale).rounded() / scale
    return rounded == rounded.rounded() ? String(Int(rounded)) : String(rounded)
  }
}
