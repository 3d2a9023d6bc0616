package import ChainProgram
package import Metrics

/// Judges a chain's alerts once a second while the load runs. Owned by one thread, which is never a reactor's: it takes what a reactor hands
/// over anyway.
///
/// The warm-up is in no window, and the end of the load is the end of the watch: what settles afterwards is decided by thresholds.
package final class AlertWatch {
  private struct Watched {
    let declaration: AlertDeclaration
    let evaluation: AlertEvaluation
    var window: AlertWindow
    var state: AlertSwitch
    var tally: JournalAlertTally
    var lastSeen: AlertObservation?
  }

  private var watched: [Watched]
  private var hasBegun = false
  private var hasEnded = false
  private let scratch = Histogram()

  /// - Parameter baseline: Figures by name, seconds or shares.
  package init(program: Program, baseline: [String: Double]) {
    let empty = RunRecord(tablesOf: program)
    watched = program.alerts.enumerated().map { index, alert in
      Watched(
        declaration: alert, evaluation: AlertEvaluation(alert.condition, program: program, baseline: baseline, empty: empty),
        window: AlertWindow(metric: alert.condition.metric, overNanoseconds: alert.overNanoseconds),
        state: AlertSwitch(firesAfter: alert.firesAfter, resolvesAfter: alert.resolvesAfter, everyNanoseconds: alert.everyNanoseconds),
        tally: JournalAlertTally(alert: index))
    }
  }

  /// Takes the next report, in their order.
  ///
  /// - Returns: what is to be told, in the order of the chain's alerts.
  package func note(_ progress: RunProgress) -> [JournalAlert] {
    guard !hasEnded else { return [] }
    switch progress.phase {
    case .connecting, .setup, .arming: return []
    case .load:
      hasBegun = true
      guard let interval = progress.interval else { return [] }
      let ledgers = progress.events.enumerated().map { JournalLedger(event: $0.offset, counts: $0.element.counts, hops: $0.element.hops.map(\.counts)) }
      return judge(interval, ledgers)
    case .stopping, .settling, .teardown: return hasBegun ? end(at: progress.atNanoseconds) : []
    }
  }

  private func judge(_ interval: JournalInterval, _ ledgers: [JournalLedger]) -> [JournalAlert] {
    var changes: [JournalAlert] = []
    for index in watched.indices {
      guard !interval.isWarmUp else {
        watched[index].window.reset(ledgers: ledgers)
        continue
      }
      watched[index].window.add(interval, ledgers: ledgers)
      let seen = watched[index].evaluation.judge(watched[index].window, scratch: scratch)
      watched[index].lastSeen = seen
      switch seen.judgement {
      case .holds, .doesNot: watched[index].tally.decided &+= 1
      case .undecided:
        watched[index].tally.undecided &+= 1
        watched[index].tally.reason = seen.observed
      }
      guard let change = watched[index].state.judged(seen.judgement, at: interval.endNanoseconds) else { continue }
      switch change {
      case .fired: changes.append(alert(index, .firing, at: interval.endNanoseconds, 0))
      case .repeated(let number): changes.append(alert(index, .firing, at: interval.endNanoseconds, number))
      case .resolved: changes.append(alert(index, .resolved, at: interval.endNanoseconds, 0))
      }
    }
    return changes
  }

  /// The load is over, or the run is: alerts that are firing are told as such once more. Does nothing the second time.
  package func end(at now: UInt64) -> [JournalAlert] {
    guard !hasEnded else { return [] }
    hasEnded = true
    return watched.indices.filter { watched[$0].state.isFiring }.map { alert($0, .ended, at: now, 0) }
  }

  /// How often each alert was judged.
  ///
  /// - Parameter missed: Seconds that were never handed to `note`.
  package func tallies(missed: UInt64) -> [JournalAlertTally] {
    watched.map {
      var tally = $0.tally
      tally.missed = missed
      return tally
    }
  }

  private func alert(_ index: Int, _ state: AlertState, at now: UInt64, _ repetition: Int) -> JournalAlert {
    let seen = watched[index].lastSeen
    return JournalAlert(
      alert: index, state: state, atNanoseconds: now, repetition: repetition, value: seen?.value,
      limit: watched[index].evaluation.shownLimit, observed: seen?.observed ?? "")
  }
}

extension RunRecord {
  /// The program's tables, with nothing in them.
  fileprivate init(tablesOf program: Program) {
    self.init()
    steps = program.steps.map { StepRecord(info: StepInfo(id: $0.name, verb: "")) }
    measures = program.measures.map { MeasureRecord(name: $0.name) }
    events = program.events.map { event in EventRecord(info: EventInfo(name: event.name, hops: event.hops.map { HopInfo(name: $0.name) })) }
    checks = program.checks.map { _ in CheckRecord(info: CheckInfo(step: 0, text: "")) }
  }
}
