import Metrics

/// What the hypervisor took from the processors that this program may use (`steal` of /proc/stat).
///
/// It counts whenever any of these processors had something to do, whoever's it was, in ticks of 10 ms: it says that the machine was smaller for
/// a moment, not that anything which was measured came late. Where it hit this program, the lateness itself is seen (heartbeats, starts, reads),
/// and the steal is its cause. Where it hit a target on the same machine, that target was slower by about the share: from 5 % on, the smallest
/// change of a median that a comparison calls one, it spoils the figures by itself. Below, it is a note. See docs/decisions/steal.md.
enum StealRule {
  /// Reasons whose seconds are those in which this program was late.
  private static let lateness: Set<String> = ["loop-late", "loop-gap", "start-delay", "observer-lag"]

  /// - Parameter reasons: What the other rules have found.
  static func reasons(_ record: RunRecord, _ seconds: [SecondRecord], besides reasons: [JournalValidity]) -> [JournalValidity] {
    let spans = reasons.filter { lateness.contains($0.name) }.compactMap { reason in
      reason.fromNanoseconds.flatMap { from in reason.toNanoseconds.map { (from, $0) } }
    }
    let isLate = seconds.map { second in
      let (from, to) = record.span(of: second)
      return spans.contains { $0.0 < to && from < $0.1 }
    }
    let noted = rule(limit: 0.01, "the hypervisor took # of the processors' time, and this program was not late by it (limit 5 %)")
    let hits = rule(limit: 0.01, "the hypervisor took # of the processors' time while this program was late (limit 1 % then)")
    let heavy = rule(limit: 0.05, "the hypervisor took # of the processors' time (limit 5 %)")
    let (isAbove, isHeavy) = (noted.blamed(seconds), heavy.blamed(seconds))
    func these(_ isOne: (Int) -> Bool) -> [Bool] { seconds.indices.map { isAbove[$0] && isOne($0) } }
    return heavy.reasons(record, seconds, blamed: these { isHeavy[$0] })
      + hits.reasons(record, seconds, blamed: these { !isHeavy[$0] && isLate[$0] })
      + noted.reasons(record, seconds, blamed: these { !isHeavy[$0] && !isLate[$0] }, verdict: .valid)
  }

  /// Two ticks of one processor prove nothing.
  private static func rule(limit: Double, _ phrase: String) -> ValidityRule {
    ValidityRule(
      name: "steal", limit: limit, partMin: 20_000_000,
      share: { (Double($0.generator.stealNanoseconds), Double($0.generator.watchedNanoseconds)) }, phrase: phrase)
  }
}
