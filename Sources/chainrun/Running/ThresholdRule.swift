import ChainProgram
import ChainRuntime
import Diagnostics
import Metrics

/// A threshold as the journal keeps it: enough to decide it again from the journal alone, also after a crash.
///
/// `< 20000000 quantile 0.99 step 3`: the comparison, the limit in the metric's unit, the metric, and rows of the start record's tables.
/// A limit that hangs on a baseline is written as what it comes to. Windows follow: ` over 5000000000 for 2 abort`, with `-` for one that grows.
enum ThresholdRule {
  /// Claims that nothing after the run can decide: the rule's text, and why.
  private static let undecidable = [
    "baseline": "there was no baseline for it when the run began",
    // As journals before 20 November 2026 have it.
    "windows": "it was checked over windows while the load ran, and this journal does not say which",
  ]

  static func text(_ threshold: Threshold, in program: Program, baseline: [String: Double]) -> String {
    guard let fixed = ThresholdEvaluation.fixed(threshold, program, baseline: baseline) else { return "baseline" }
    return "\(sign(fixed.comparison)) \(fixed.limit) \(text(fixed.metric))" + (fixed.window.map(text) ?? "")
  }

  /// Why a rule cannot be read.
  static func reason(_ rule: String?) -> String {
    rule.flatMap { undecidable[$0] } ?? "the journal was written by another version of chainrun"
  }

  /// - Returns: nil for a rule that cannot be decided any more, or that this program does not know, or whose rows the journal does not have.
  static func read(_ rule: String, text: String, of start: JournalStart) -> Threshold? {
    var words = Words(rest: rule.split(separator: " ")[...], start: start)
    guard let comparison = words.comparison(), let limit = words.number(), let metric = words.metric() else { return nil }
    let window = words.window()
    guard words.rest.isEmpty else { return nil }
    return Threshold(
      text: text, metric: metric, comparison: comparison, limit: limit, window: window, range: SourceRange(file: FileIndex(0), start: 0, end: 0))
  }

  private static func text(_ window: Threshold.Window) -> String {
    " over \(window.overNanoseconds.map { String($0) } ?? "-") for \(window.failures)" + (window.aborts ? " abort" : "")
  }

  private static func text(_ metric: Threshold.Metric) -> String {
    switch metric {
    case .quantile(let q, let series): "quantile \(q) \(text(series))"
    case .mean(let series): "mean \(text(series))"
    case .minimum(let series): "min \(text(series))"
    case .maximum(let series): "max \(text(series))"
    case .count(let count): "count \(text(count))"
    case .rate(let count): "rate \(text(count))"
    }
  }

  private static func text(_ series: Threshold.Series) -> String {
    switch series {
    case .step(let step): "step \(step.index)"
    case .lag(let event, let hop): "lag \(event.index) \(hop)"
    case .stable(let event, let hop): "stable \(event.index) \(hop)"
    case .violation(let event, let hop, let kind): "violation \(event.index) \(hop) \(kind.rawValue)"
    case .response: "response"
    case .service: "service"
    case .startDelay: "start_delay"
    case .measure(let measure): "measure \(measure)"
    case .server(let figure): "server \(figure)"
    }
  }

  private static func text(_ count: Threshold.Count) -> String {
    switch count {
    case .errors: "errors"
    case .iterations: "iterations"
    case .dropped: "dropped"
    case .failedChecks: "failed_checks"
    case .stepErrors(let step): "step_errors \(step.index)"
    case .server(let figure): "server \(figure)"
    case .outcome(let event, let hop, let name): "outcome \(event.index) \(hop.map { String($0) } ?? "-") \(name)"
    case .violations(let event, let hop, let kind): "violations \(event.index) \(hop.map { String($0) } ?? "-") \(kind.rawValue)"
    }
  }

  private static func sign(_ comparison: Comparison) -> String {
    switch comparison {
    case .equal: "=="
    case .notEqual: "!="
    case .less: "<"
    case .lessOrEqual: "<="
    case .greater: ">"
    case .greaterOrEqual: ">="
    }
  }

  private struct Words {
    var rest: ArraySlice<Substring>
    let start: JournalStart

    mutating func word() -> String? { rest.popFirst().map(String.init) }
    mutating func number() -> Double? { word().flatMap { Double($0) } }
    mutating func row(of count: Int) -> Int? { word().flatMap { Int($0) }.flatMap { (0..<count).contains($0) ? $0 : nil } }

    mutating func comparison() -> Comparison? {
      switch word() {
      case "==": .equal
      case "!=": .notEqual
      case "<": .less
      case "<=": .lessOrEqual
      case ">": .greater
      case ">=": .greaterOrEqual
      case .some, .none: nil
      }
    }

    mutating func metric() -> Threshold.Metric? {
      switch word() {
      case "quantile":
        guard let q = number(), (0...1).contains(q) else { return nil }
        return series().map { .quantile(q, $0) }
      case "mean": return series().map { .mean($0) }
      case "min": return series().map { .minimum($0) }
      case "max": return series().map { .maximum($0) }
      case "count": return count().map { .count($0) }
      case "rate": return count().map { .rate($0) }
      case .some, .none: return nil
      }
    }

    /// Consumes what it understands: a word that is left makes the rule unreadable.
    mutating func window() -> Threshold.Window? {
      guard rest.first == "over" else { return nil }
      _ = word()
      guard let over = word(), over == "-" || (UInt64(over) ?? 0) > 0, word() == "for", let failures = word().flatMap({ Int($0) }), failures > 0 else {
        rest = ["unreadable"]
        return nil
      }
      let aborts = rest.first == "abort"
      if aborts { _ = word() }
      return Threshold.Window(overNanoseconds: UInt64(over), failures: failures, aborts: aborts)
    }

    private mutating func series() -> Threshold.Series? {
      switch word() {
      case "step": return row(of: start.steps.count).map { .step(StepIndex($0)) }
      case "lag":
        guard let event = row(of: start.events.count), let hop = row(of: start.events[event].hops.count) else { return nil }
        return .lag(EventIndex(event), hop: hop)
      case "stable":
        guard let event = row(of: start.events.count), let hop = row(of: start.events[event].hops.count) else { return nil }
        return .stable(EventIndex(event), hop: hop)
      case "violation":
        guard let event = row(of: start.events.count), let hop = row(of: start.events[event].hops.count) else { return nil }
        return word().flatMap(HopGuarantees.Kind.init).map { .violation(EventIndex(event), hop: hop, $0) }
      case "response": return .response
      case "service": return .service
      case "start_delay": return .startDelay
      case "measure": return row(of: start.measures.count).map { .measure($0) }
      case "server": return row(of: start.serverFigures.count).map { .server($0) }
      case .some, .none: return nil
      }
    }

    private mutating func count() -> Threshold.Count? {
      switch word() {
      case "errors": return .errors
      case "iterations": return .iterations
      case "dropped": return .dropped
      case "failed_checks": return .failedChecks
      case "step_errors": return row(of: start.steps.count).map { .stepErrors(StepIndex($0)) }
      case "server": return row(of: start.serverFigures.count).map { .server($0) }
      case "outcome": return eventAndHop().flatMap { place in word().map { .outcome(place.event, hop: place.hop, name: $0) } }
      case "violations":
        return eventAndHop().flatMap { place in word().flatMap(HopGuarantees.Kind.init).map { .violations(place.event, hop: place.hop, $0) } }
      case .some, .none: return nil
      }
    }

    /// A row of the events and one of its hops, or '-' for all of them.
    private mutating func eventAndHop() -> (event: EventIndex, hop: Int?)? {
      guard let event = row(of: start.events.count) else { return nil }
      if rest.first == "-" {
        _ = word()
        return (EventIndex(event), nil)
      }
      return row(of: start.events[event].hops.count).map { (EventIndex(event), $0) }
    }
  }
}
