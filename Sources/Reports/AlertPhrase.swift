internal import Metrics

/// What became of an alert, for people.
struct AlertPhrase {
  let word: String
  let tone: Tone
  /// When it fired: `3.0–6.0 s`, `from 12.0 s to the end`; or why it never could.
  let detail: String
  /// What its actions came to; nil where there was nothing to do, or everything was done.
  let trouble: String?

  private static let spansMax = 6

  init(_ alert: AlertRecord, of run: RunRecord) {
    if alert.firings > 0 {
      word = alert.isFiring ? "FIRING" : "fired"
      tone = alert.isFiring ? .bad : .doubtful
      let spans = alert.spans.prefix(Self.spansMax).map { span in
        let from = Quantities.fixed(run.seconds(at: span.fired.atNanoseconds), decimals: 1)
        let observed = span.fired.observed.isEmpty ? "" : " (\(span.fired.observed))"
        guard let resolved = span.resolved else { return "from \(from) s to the end\(observed)" }
        return "\(from)–\(Quantities.fixed(run.seconds(at: resolved.atNanoseconds), decimals: 1)) s\(observed)"
      }
      let more = alert.firings > UInt64(spans.count) ? ", and \(Quantities.count(alert.firings - UInt64(spans.count))) more" : ""
      detail = spans.joined(separator: ", ") + more
    } else if alert.wasBlind {
      word = "UNDECIDED"
      tone = .doubtful
      detail = alert.tally?.reason.map { "no second could decide it: \($0)" } ?? "the load had no second to judge"
    } else {
      word = "quiet"
      tone = .good
      detail = alert.tally.flatMap { $0.undecided > 0 ? "\(Quantities.count($0.undecided, "second")) of \(Quantities.count($0.decided + $0.undecided)) undecided" : nil } ?? ""
    }
    let bad = alert.failed + alert.lost
    let missed = alert.tally.map { $0.missed } ?? 0
    var troubles: [String] = []
    if bad > 0 {
      let reason = alert.losses.first?.reason.map { ": \(alert.losses[0].action), \($0)" } ?? ""
      troubles.append("\(Quantities.count(bad)) of \(Quantities.count(bad + alert.succeeded, "action")) did not get out\(reason)")
    }
    if missed > 0 { troubles.append("\(Quantities.count(missed, "second")) not judged") }
    trouble = troubles.isEmpty ? nil : troubles.joined(separator: "; ")
  }
}
