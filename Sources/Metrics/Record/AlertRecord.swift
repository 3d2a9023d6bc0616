/// What one alert did in the whole run.
package struct AlertRecord: Hashable, Sendable {
  package var info: AlertInfo
  /// From each time that it fired until it was resolved; the first ``spansMax``.
  package var spans: [Span] = []
  /// All of them, listed or not.
  package var firings: UInt64 = 0
  package var tally: JournalAlertTally?
  /// Actions by their outcome, and what did not succeed: the first ``lossesMax``.
  package var succeeded: UInt64 = 0
  package var failed: UInt64 = 0
  package var lost: UInt64 = 0
  package var losses: [JournalAlertAction] = []

  package static let spansMax = 1_000
  package static let lossesMax = 20

  package struct Span: Hashable, Sendable {
    package var fired: JournalAlert
    /// Nil where it was still firing when the load ended, or the run crashed.
    package var resolved: JournalAlert?
    /// Times that it was told again.
    package var repetitions = 0
  }

  package init(info: AlertInfo) {
    self.info = info
  }

  package var isFiring: Bool { spans.last.map { $0.resolved == nil } ?? false }

  /// It was judged, and never could be decided; or there was nothing to judge.
  package var wasBlind: Bool { tally.map { $0.decided == 0 } ?? false }

  mutating func add(_ alert: JournalAlert) {
    switch alert.state {
    case .firing where alert.repetition == 0:
      firings &+= 1
      if spans.count < Self.spansMax { spans.append(Span(fired: alert)) }
    case .firing: if UInt64(spans.count) == firings, !spans.isEmpty { spans[spans.count - 1].repetitions = alert.repetition }
    case .resolved: if UInt64(spans.count) == firings, !spans.isEmpty { spans[spans.count - 1].resolved = alert }
    case .ended: break
    }
  }

  mutating func add(_ action: JournalAlertAction) {
    switch action.outcome {
    case .ok: succeeded &+= 1
    case .failed: failed &+= 1
    case .lost: lost &+= 1
    }
    if action.outcome != .ok, losses.count < Self.lossesMax { losses.append(action) }
  }
}
