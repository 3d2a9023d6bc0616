internal import Metrics

/// All spans of one reason in one row, for people: `7 s of 30: 3–6, 9–10, 12–15 s` and one sentence. `summary.json` keeps every span.
struct FoldedValidity {
  let name: String
  let verdict: ValidityVerdict
  /// When; empty where the whole run is meant.
  let when: String
  let detail: String

  private static let spansShown = 6

  /// In the order in which the reasons come; notes (of the verdict `valid`) last.
  static func all(of run: RunRecord) -> [FoldedValidity] {
    var groups: [[JournalValidity]] = []
    var places: [Key: Int] = [:]
    for reason in run.doubts + run.notes {
      let key = Key(name: reason.name, verdict: reason.verdict, text: reason.measured?.phrase ?? reason.detail)
      if let place = places[key] {
        groups[place].append(reason)
      } else {
        places[key] = groups.count
        groups.append([reason])
      }
    }
    return groups.map { FoldedValidity($0, of: run) }
  }

  private struct Key: Hashable {
    let name: String
    let verdict: ValidityVerdict
    let text: String
  }

  private init(_ reasons: [JournalValidity], of run: RunRecord) {
    name = reasons[0].name
    verdict = reasons[0].verdict
    if reasons.count == 1 {
      when = Self.when(reasons[0], of: run)
      detail = reasons[0].detail
      return
    }
    let spans = reasons.compactMap { reason -> (Double, Double)? in
      guard let from = reason.fromNanoseconds, let to = reason.toNanoseconds else { return nil }
      return (run.seconds(at: from), run.seconds(at: to))
    }.sorted { $0 < $1 }
    let sum = spans.reduce(0) { $0 + $1.1 - $1.0 }
    let shown = spans.prefix(Self.spansShown).map { "\(Quantities.trimmed($0.0, decimals: 1))–\(Quantities.trimmed($0.1, decimals: 1))" }
    let more = spans.count > shown.count ? " s and \(spans.count - shown.count) more" : " s"
    when = "\(Quantities.trimmed(sum, decimals: 1)) s of \(Quantities.trimmed(run.durationSeconds, decimals: 0)): " + shown.joined(separator: ", ") + more
    let measured = reasons.compactMap(\.measured)
    guard let phrase = measured.first?.phrase else {
      detail = reasons[0].detail
      return
    }
    detail = phrase.replacing("#", with: Self.range(measured))
  }

  private static func when(_ reason: JournalValidity, of run: RunRecord) -> String {
    func second(_ nanoseconds: UInt64) -> String { Quantities.fixed(run.seconds(at: nanoseconds), decimals: 1) + " s" }
    switch (reason.fromNanoseconds, reason.toNanoseconds) {
    case (let from?, let to?): return "\(second(from).dropLast(2))–\(second(to))"
    case (let from?, nil): return "from \(second(from))"
    case (nil, let to?): return "until \(second(to))"
    case (nil, nil): return ""
    }
  }

  /// `2 to 4.5 %`, `310–880 ms`; one figure where they agree.
  private static func range(_ measured: [JournalValidity.Measured]) -> String {
    let values = measured.map(\.value)
    let (low, high) = (values.min() ?? 0, values.max() ?? 0)
    switch measured[0].unit {
    case .nanoseconds: return Quantities.interval(UInt64(max(0, low)), UInt64(max(0, high)))
    case .share:
      let (from, to) = (Quantities.percentage(low), Quantities.percentage(high))
      return from == to ? to : "\(from.dropLast(2)) to \(to)"
    }
  }
}
