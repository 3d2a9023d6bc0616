import ChainProgram
import Metrics

/// Claims about session guarantees: how often they were violated, and for how long. Both are known within bounds.
extension ThresholdEvaluation {
  enum AgeStatistic {
    /// 1 is the longest.
    case quantile(Double)
    case mean
    case minimum
  }

  /// Certain violations, and with the possible ones.
  static func violations(_ kind: HopGuarantees.Kind, at event: EventRecord, _ hop: Int?, isRate: Bool) -> Observation {
    let hops = hop.map { [event.hops[$0]] } ?? event.hops
    let counts = hops.compactMap { hop in SessionGuarantee(rawValue: kind.rawValue).flatMap { hop.counts[$0] } }
    let (violated, possible) = (counts.reduce(0) { $0 + $1.violated }, counts.reduce(0) { $0 + $1.possible })
    let checked = counts.reduce(0) { $0 + $1.checked }
    guard checked > 0 else { return .notEstimable(nothingChecked) }
    let finest = hops.first.map(finer) ?? ""
    guard isRate else {
      let text = possible == 0 ? "\(violated)" : "\(violated)–\(violated + possible)"
      return .bounds(Double(violated), Double(violated + possible), text: text, undecided: finest)
    }
    let (low, high) = (Double(violated) / Double(checked), Double(violated + possible) / Double(checked))
    let text = possible == 0 ? Figure.percentage(low) : "\(Figure.percentage(low))–\(Figure.percentage(high))"
    return .bounds(low, high, text: text, undecided: finest)
  }

  /// How long violations lasted, possible ones too. Those without an end are longer than all others.
  static func ages(_ statistic: AgeStatistic, _ kind: HopGuarantees.Kind, at event: EventRecord, _ hop: Int) -> Observation {
    let hop = event.hops[hop]
    guard let guarantee = SessionGuarantee(rawValue: kind.rawValue), let counts = hop.counts[guarantee], counts.checked > 0 else {
      return .notEstimable(nothingChecked)
    }
    guard let ages = hop.ages[guarantee], !ages.isEmpty else { return .value(0, text: "no violation of \(counts.checked)") }
    func bounds(_ low: Double?, _ high: Double?, undecided: String) -> Observation {
      let high = high ?? .infinity
      let text = high.isFinite ? "\(Figure.time(low ?? 0))–\(Figure.time(high))" : "more than \(Figure.time(low ?? 0))"
      return .bounds(low ?? 0, high, text: text, undecided: high.isFinite ? undecided : "\(ages.unended) of \(ages.low.count) have no end")
    }
    func longest() -> Double? { ages.unended > 0 ? nil : ages.high.maxNanoseconds.map { Double($0) } }
    switch statistic {
    case .mean: return bounds(ages.low.meanNanoseconds, ages.unended > 0 ? nil : ages.high.meanNanoseconds, undecided: finer(hop))
    case .minimum:
      return bounds(ages.low.minNanoseconds.map { Double($0) }, ages.high.minNanoseconds.map { Double($0) }, undecided: finer(hop))
    case .quantile(let q):
      if q >= 1 { return bounds(ages.low.maxNanoseconds.map { Double($0) }, longest(), undecided: finer(hop)) }
      guard Quantile.isEstimable(q, from: ages.low.count) else {
        // Few violations are good news: every one of them may still decide it.
        return bounds(
          ages.low.minNanoseconds.map { Double($0) }, longest(),
          undecided: "\(ages.low.count) violations are too few for this quantile (\(Quantile.samplesNeeded(for: q)))")
      }
      let rank = q * Double(ages.low.count)
      let high = rank <= Double(ages.high.count) ? ages.high.quantile(rank / Double(ages.high.count)) : nil
      return bounds(ages.low.quantile(q).map { Double($0) }, high.map { Double($0) }, undecided: finer(hop))
    }
  }

  private static let nothingChecked = "not checkable as the hop was observed"
}
