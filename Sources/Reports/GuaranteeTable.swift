internal import Metrics

/// The session guarantees of an event's hops as rows, for every report that has tables.
struct GuaranteeTable {
  static let header = ["guarantee", "violated", "possible", "held", "unchecked", "lasted p50", "p95", "longest"]

  /// Text cells with their tones, as many as the header has; none where nothing is asked for.
  static func rows(of event: EventRecord) -> [[(text: String, tone: Tone)]] {
    event.hops.flatMap { hop in
      event.guarantees(of: hop).map { found in
        let name = "\(found.guarantee.rawValue) at \(hop.info.name)" + (found.isRequired ? "" : " (measured)")
        guard let counts = found.counts, counts.checked > 0 || found.committed == 0 else {
          return [(name, .heading), ("not checkable", found.isRequired ? .bad : .faint)] + header.dropFirst(2).map { _ in ("", .faint) }
        }
        func count(_ value: UInt64, _ tone: Tone) -> (String, Tone) { (Quantities.count(value), value == 0 ? .faint : tone) }
        return [
          (name, .heading), count(counts.violated, found.isRequired ? .bad : .doubtful), count(counts.possible, .doubtful), count(counts.held, .plain),
          count(counts.unchecked, .doubtful), age(found.ages, 0.5), age(found.ages, 0.95), age(found.ages, 1),
        ]
      }
    }
  }

  /// Within bounds; what has no end is longer than everything else.
  private static func age(_ ages: ViolationAges, _ q: Double) -> (String, Tone) {
    guard !ages.isEmpty else { return ("", .faint) }
    guard q >= 1 || Quantile.isEstimable(q, from: ages.low.count) else { return ("–", .faint) }
    let low = ages.low.quantile(q) ?? 0
    let rank = q * Double(ages.low.count)
    guard rank <= Double(ages.high.count), let high = ages.high.quantile(rank / Double(ages.high.count)) else {
      return ("> " + Quantities.duration(low), .bad)
    }
    return (Quantities.interval(min(low, high), high), .plain)
  }

  /// The longest violations, as phrases: which event, and for how long.
  static func longest(of found: GuaranteeRecord, max count: Int) -> [String] {
    found.longest.prefix(count).map { violation in
      var text = violation.id.isEmpty ? "?" : violation.id
      if let newer = violation.newer {
        text += " (version \(violation.version.map(String.init) ?? "?") after \(newer)\(violation.key.map { " of \($0)" } ?? ""))"
      }
      guard let high = violation.ageHighNanoseconds else { return text + " more than \(Quantities.duration(violation.ageLowNanoseconds))" }
      return text + " \(Quantities.interval(min(violation.ageLowNanoseconds, high), high))"
    }
  }
}
