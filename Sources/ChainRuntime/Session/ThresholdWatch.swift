import ChainProgram
import Metrics

/// Checks claims that have a window, second by second: on the reactor's thread while the load runs, and again from the journal of a run that could
/// not judge itself (``ThresholdReplay``).
///
/// A window is judged by what was recorded inside of it: an event belongs to the window in which it was seen or given up. Windows that
/// cannot decide a claim (too few samples) neither break a row of failures nor lengthen it, and so does one that the end of the load cuts off.
/// One in which events were unobserved leaves a claim about lost ones undecided.
final class ThresholdWatch {
  private struct Claim {
    /// The threshold's place in the chain.
    let index: Int
    /// Its limit is known; nil for one whose baseline is missing, which no window can decide.
    let threshold: Threshold
    let isDecidable: Bool
    let window: Threshold.Window
    var windows = 0
    var failed = 0
    var row = 0
    /// Windows in which an observer could not see what the claim is about.
    var blind = 0
    var firstBlind: (second: Double, observed: String)?
    var firstFailure: (second: Double, observed: String)?
    /// The end of the window that completed the row; nil as long as the claim stands.
    var brokenAt: Double?
  }

  /// Claims whose windows lie side by side share what is added up.
  private struct Group {
    let overNanoseconds: UInt64?
    var window: WindowRecord
    var claims: [Claim]
    var end: UInt64
  }

  private var groups: [Group] = []
  private var start: UInt64 = 0

  /// - Parameter baseline: Figures by name, seconds or shares.
  convenience init(program: Program, baseline: [String: Double]) {
    let claims = program.thresholds.enumerated().map { index, threshold in
      let fixed = ThresholdEvaluation.fixed(threshold, program, baseline: baseline)
      return (index: index, threshold: fixed ?? threshold, isDecidable: fixed != nil)
    }
    self.init(claims: claims, header: Self.header(program))
  }

  /// - Parameters:
  ///   - claims: Those without a window are passed over.
  ///   - header: Its tables are those that the claims' rows are of.
  init(claims: [(index: Int, threshold: Threshold, isDecidable: Bool)], header: JournalStart) {
    for (index, threshold, isDecidable) in claims {
      guard let window = threshold.window else { continue }
      let claim = Claim(index: index, threshold: threshold, isDecidable: isDecidable, window: window)
      if let group = groups.firstIndex(where: { $0.overNanoseconds == window.overNanoseconds }) {
        groups[group].claims.append(claim)
      } else {
        groups.append(
          Group(overNanoseconds: window.overNanoseconds, window: WindowRecord(start: header), claims: [claim], end: 0))
      }
    }
  }

  var isEmpty: Bool { groups.isEmpty }

  /// - Parameter start: CLOCK_MONOTONIC nanoseconds of the end of the warm-up.
  func begin(at start: UInt64) {
    self.start = start
    for index in groups.indices { groups[index].end = start &+ (groups[index].overNanoseconds ?? 0) }
  }

  /// Takes what a server told of a second of the load.
  func note(_ sample: JournalServer) {
    guard sample.isOfLoad else { return }
    for index in groups.indices { groups[index].window.add(sample) }
  }

  /// Takes a second of the load.
  ///
  /// - Parameter ledgers: What the ledger has counted up to the interval's end.
  /// - Returns: the text of a threshold that ends the load.
  func note(_ interval: JournalInterval, ledgers: [JournalLedger]) -> String? {
    guard !interval.isWarmUp else {
      for index in groups.indices { groups[index].window.reset(ledgers: ledgers) }
      return nil
    }
    var abort: String?
    for index in groups.indices {
      groups[index].window.add(interval)
      guard interval.endNanoseconds >= groups[index].end else { continue }
      let record = groups[index].window.record(ledgers: ledgers)
      let end = Double(interval.endNanoseconds - min(start, interval.endNanoseconds)) / 1e9
      for claim in groups[index].claims.indices {
        judge(&groups[index].claims[claim], record, endingAt: end)
        let judged = groups[index].claims[claim]
        if judged.window.aborts, judged.brokenAt == end { abort = abort ?? judged.threshold.text }
      }
      guard let over = groups[index].overNanoseconds else { continue }
      groups[index].window.reset(ledgers: ledgers)
      while groups[index].end <= interval.endNanoseconds { groups[index].end &+= over }
    }
    return abort
  }

  private func judge(_ claim: inout Claim, _ record: RunRecord, endingAt end: Double) {
    guard claim.isDecidable else { return }
    let judged = ThresholdEvaluation.evaluate([claim.threshold], record)[0]
    let from = claim.window.overNanoseconds.map { max(0, end - Double($0) / 1e9) } ?? 0
    switch judged.verdict {
    case .inconclusive:
      guard ThresholdEvaluation.isBlind(claim.threshold, record) else { return }
      claim.blind += 1
      if claim.firstBlind == nil { claim.firstBlind = (from, judged.observed) }
    case .pass:
      claim.windows += 1
      claim.row = 0
    case .fail:
      claim.windows += 1
      claim.failed += 1
      claim.row += 1
      if claim.firstFailure == nil { claim.firstFailure = (from, judged.observed) }
      if claim.row >= claim.window.failures, claim.brokenAt == nil { claim.brokenAt = end }
    }
  }

  /// Verdicts by the threshold's place. A claim whose window grows with the run is here only if it ended the load: otherwise the whole run
  /// decides it like any other.
  func verdicts() -> [Int: JournalThreshold] {
    var verdicts: [Int: JournalThreshold] = [:]
    for group in groups {
      for claim in group.claims {
        guard let over = claim.window.overNanoseconds else {
          if let brokenAt = claim.brokenAt, claim.window.aborts {
            verdicts[claim.index] = JournalThreshold(
              text: claim.threshold.text, verdict: .fail, observed: claim.firstFailure?.observed ?? "",
              detail: "ended the load at \(Figure.time(brokenAt * 1e9))")
          }
          continue
        }
        verdicts[claim.index] = verdict(of: claim, over: over)
      }
    }
    return verdicts
  }

  private func verdict(of claim: Claim, over: UInt64) -> JournalThreshold {
    let length = Figure.time(Double(over))
    let text = claim.threshold.text + " over \(length)" + (claim.window.failures > 1 ? ", \(claim.window.failures) in a row" : "")
    let windows = "\(claim.windows) window\(claim.windows == 1 ? "" : "s")"
    // A window that nobody could look into may be the one that breaks the claim.
    if let blind = claim.firstBlind, claim.brokenAt == nil {
      return JournalThreshold(
        text: text, verdict: .inconclusive, observed: "\(claim.blind) of \(claim.windows + claim.blind) windows could not be seen into",
        detail: "the first from \(Figure.time(blind.second * 1e9)): \(blind.observed)")
    }
    if claim.windows == 0 {
      return JournalThreshold(text: text, verdict: .inconclusive, observed: "no window of \(length) could decide it")
    }
    let first = claim.firstFailure.map { "\(claim.failed) of \(windows) failed, the first from \(Figure.time($0.second * 1e9)): \($0.observed)" }
    guard let brokenAt = claim.brokenAt else {
      return JournalThreshold(text: text, verdict: .pass, observed: first ?? "held in \(windows)")
    }
    return JournalThreshold(
      text: text, verdict: .fail, observed: first ?? windows,
      detail: claim.window.aborts ? "ended the load at \(Figure.time(brokenAt * 1e9))" : nil)
  }

  /// The tables that a window's record needs, and nothing else.
  static func header(_ program: Program) -> JournalStart {
    var start = JournalStart()
    start.steps = program.steps.map { StepInfo(id: $0.name, verb: "") }
    start.measures = program.measures.map(\.name)
    start.events = program.events.map { event in EventInfo(name: event.name, hops: event.hops.map { HopInfo(name: $0.name, guarantees: $0.guarantees.promised) }) }
    start.connections = program.connections.map { ConnectionInfo(name: $0.name, kind: $0.kind) }
    start.serverFigures = program.serverFigures.map { ServerFigureInfo($0) }
    start.checks = program.checks.map { _ in CheckInfo(step: 0, text: "") }
    return start
  }
}
