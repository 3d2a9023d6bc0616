internal import Metrics

extension ErrorPattern {
  /// `in branch 'slow' of 'kind'`
  var place: String {
    switch circumstance {
    case .step(let name): "at step '\(name)'"
    case .branch(let name, let step): "in branch '\(name)' of '\(step)'"
    case .target(let name): "on connection '\(name)'"
    case .row(let row, let feed): "with row \(row + 1) of feed '\(feed)'"
    case .attempt(let number): "at attempt \(number)"
    case .burst(let from, let to): "from second \(from) to \(to)"
    }
  }

  /// `58 of 60 from second 12 to 17, with 8 % of the attempts; 130 times the rate elsewhere`
  var phrase: String {
    let share = hits == total ? "all \(Quantities.count(total))" : "\(Quantities.count(hits)) of \(Quantities.count(total))"
    let elsewhere = ratio.map { "\(Quantities.trimmed($0, decimals: $0 < 10 ? 1 : 0)) times the rate elsewhere" } ?? "none elsewhere"
    return "\(share) \(place), with \(Quantities.percentage(attemptShare)) of the attempts; \(elsewhere)"
  }

  /// For programs: the circumstance's kind, what it belongs to, and its value.
  var parts: (kind: String, of: String?, value: String) {
    switch circumstance {
    case .step(let name): ("step", nil, name)
    case .branch(let name, let step): ("branch", step, name)
    case .target(let name): ("target", nil, name)
    case .row(let row, let feed): ("row", feed, String(row + 1))
    case .attempt(let number): ("attempt", nil, String(number))
    case .burst(let from, let to): ("burst", nil, "\(from)-\(to)")
    }
  }
}

extension RunRecord {
  /// What was found out about a kind of failure, by its position in ``failures``.
  func patterns(of failure: Int) -> [ErrorPattern] { patterns.filter { $0.failures.contains(failure) } }
}
