import ChainProgram
import Metrics

/// Claims about lost events: what an observer could not see may be lost as well, so blindness is no proof that nothing was.
extension ThresholdEvaluation {
  /// Surely lost, and with those that nobody could see.
  static func losses(at event: EventRecord, _ hop: Int?, isRate: Bool) -> Observation {
    let hops = hop.map { [event.hops[$0]] } ?? event.hops
    let lost = hops.reduce(0) { $0 + $1.counts.lost }
    let unobserved = hops.reduce(0) { $0 + $1.counts.unobserved }
    let committed = event.counts?.committed ?? 0
    if isRate, committed == 0 { return .notEstimable("nothing to take a rate of") }
    let (low, high) = (Double(lost), Double(lost + unobserved))
    let share = isRate ? " of \(committed)" : ""
    let text =
      unobserved == 0 ? (isRate ? Figure.percentage(low / Double(committed)) : "\(lost)") : "\(lost)\(share), and \(unobserved) unobserved"
    let undecided = "\(unobserved) event\(unobserved == 1 ? " was" : "s were") unobserved, and may be lost"
    return isRate
      ? .bounds(low / Double(committed), min(1, high / Double(committed)), text: text, undecided: undecided)
      : .bounds(low, high, text: text, undecided: undecided)
  }

  /// Whether a record decides nothing about a claim because an observer could not see, and not because there is too little of it.
  static func isBlind(_ threshold: Threshold, _ record: RunRecord) -> Bool {
    switch threshold.metric {
    case .count(.outcome(let event, let hop, "lost")), .rate(.outcome(let event, let hop, "lost")):
      let hops = record.events[event.index].hops
      return (hop.map { [hops[$0]] } ?? hops).contains { $0.counts.unobserved > 0 }
    case .quantile, .mean, .minimum, .maximum, .count, .rate: return false
    }
  }
}
