package import ChainProgram
package import Metrics

/// Decides the claims over windows of a run that could not judge itself, from the seconds in its journal: the evaluator of the run
/// (``ThresholdWatch``), fed with the same records in the same order.
package struct ThresholdReplay {
  private let watch: ThresholdWatch
  private var ledgers: [JournalLedger] = []
  private var isLoad = false
  private var loadStart: UInt64 = 0
  /// The last second of the load that was looked at, counted from 1; 0 before the first.
  package private(set) var seconds = 0

  /// - Parameters:
  ///   - claims: By their place in the chain; their limits are known, and those without a window are passed over.
  ///   - start: The journal's start record.
  package init(claims: [Int: Threshold], start: JournalStart) {
    watch = ThresholdWatch(
      claims: claims.sorted { $0.key < $1.key }.map { (index: $0.key, threshold: $0.value, isDecidable: true) }, header: start)
  }

  package var isEmpty: Bool { watch.isEmpty }

  package mutating func take(_ moment: JournalMoment) {
    switch moment {
    case .phase(let phase):
      switch phase.name {
      case .load:
        isLoad = true
        loadStart = phase.atNanoseconds
        watch.begin(at: phase.atNanoseconds)
      case .stopping, .settle, .sweep, .teardown: isLoad = false
      case .setup, .arming, .warmUp: break
      }
    case .ledger(let ledger):
      ledgers.removeAll { $0.event == ledger.event }
      ledgers.append(ledger)
    case .interval(let interval):
      guard isLoad else { return }
      _ = watch.note(interval, ledgers: ledgers)
      guard !interval.isWarmUp, interval.endNanoseconds > loadStart else { return }
      seconds = Int((interval.endNanoseconds - loadStart + 500_000_000) / 1_000_000_000)
    }
  }

  /// As ``ThresholdWatch/verdicts()``.
  package var verdicts: [Int: JournalThreshold] { watch.verdicts() }
}
