import ChainProgram
import Metrics

/// The last seconds of a run, as far as one alert's condition needs them.
struct AlertWindow {
  private struct Second {
    /// Without what the condition does not read.
    var interval: JournalInterval
    /// What the ledger had counted at its end.
    var ledgers: [JournalLedger]
  }

  private let metric: AlertMetric
  private let overNanoseconds: UInt64
  private var seconds: [Second] = []
  /// What the ledger had counted when the first of them began.
  private var ledgersBefore: [JournalLedger] = []

  init(metric: AlertMetric, overNanoseconds: UInt64) {
    self.metric = metric
    self.overNanoseconds = overNanoseconds
  }

  /// Begins anew: what was before is the warm-up's.
  mutating func reset(ledgers: [JournalLedger]) {
    seconds = []
    ledgersBefore = ledgers
  }

  mutating func add(_ interval: JournalInterval, ledgers: [JournalLedger]) {
    seconds.append(Second(interval: interval.kept(for: metric), ledgers: ledgers))
    let end = interval.endNanoseconds
    let oldest = end > overNanoseconds ? end - overNanoseconds : 0
    while let first = seconds.first, first.interval.startNanoseconds < oldest, seconds.count > 1 {
      ledgersBefore = first.ledgers
      seconds.removeFirst()
    }
  }

  /// Whether there are as many seconds as were asked for.
  var isFull: Bool {
    guard let first = seconds.first, let last = seconds.last else { return false }
    return last.interval.endNanoseconds >= first.interval.startNanoseconds &+ overNanoseconds
  }

  /// What the window's seconds add up to, for a condition on what thresholds know.
  ///
  /// - Parameters:
  ///   - empty: A record with the program's tables and nothing in them.
  ///   - scratch: Empty, and again afterwards.
  func record(_ empty: RunRecord, scratch: Histogram) -> RunRecord {
    var record = empty
    for second in seconds {
      record.iterations += second.interval.iterations
      for step in second.interval.steps {
        record.steps[step.step].count &+= step.count
        record.steps[step.step].failed &+= step.failed
        record.steps[step.step].unknown &+= step.unknown
      }
      for check in second.interval.checks {
        record.checks[check.check].passed &+= check.passed
        record.checks[check.check].failed &+= check.failed
      }
      for hop in second.interval.hops { record.events[hop.event].hops[hop.hop].visibleBeforeAck &+= hop.visibleBeforeAck }
    }
    func merged(_ part: (JournalInterval) -> HistogramSnapshot?) -> HistogramSnapshot {
      HistogramSnapshot(merging: seconds.compactMap { part($0.interval) }, scratch: scratch)
    }
    func takeAccount() {
      for ledger in seconds.last?.ledgers ?? [] where record.events.indices.contains(ledger.event) {
        let since = ledgersBefore.first { $0.event == ledger.event }.map { ledger.since($0) } ?? ledger
        record.events[ledger.event].counts = since.counts
        for (hop, counts) in since.hops.enumerated() where record.events[ledger.event].hops.indices.contains(hop) {
          record.events[ledger.event].hops[hop].counts = counts
        }
      }
    }
    switch metric {
    case .measured(.quantile(_, let series)), .measured(.mean(let series)), .measured(.minimum(let series)), .measured(.maximum(let series)):
      switch series {
      case .response: record.response = merged(\.response)
      case .service: record.service = merged(\.service)
      case .startDelay: record.startDelay = merged(\.startDelay)
      case .step(let step): record.steps[step.index].service = merged { $0.steps.first?.service }
      case .measure(let measure): record.measures[measure].values = merged { $0.measures.first?.values }
      case .lag(let event, let hop):
        record.events[event.index].hops[hop].lagLow = merged { $0.hops.first?.lagLow }
        record.events[event.index].hops[hop].lagHigh = merged { $0.hops.first?.lagHigh }
        record.events[event.index].hops[hop].width = merged { $0.hops.first?.width }
      case .stable(let event, let hop):
        record.events[event.index].hops[hop].stableLow = merged { $0.hops.first?.stableLow }
        record.events[event.index].hops[hop].stableHigh = merged { $0.hops.first?.stableHigh }
        record.events[event.index].hops[hop].width = merged { $0.hops.first?.width }
      case .violation(let event, let hop, let kind):
        takeAccount()
        record.events[event.index].hops[hop].width = merged { $0.hops.first?.width }
        guard let guarantee = SessionGuarantee(rawValue: kind.rawValue) else { break }
        var ages = ViolationAges()
        ages.low = merged { $0.hops.first?.ages[guarantee]?.low }
        ages.high = merged { $0.hops.first?.ages[guarantee]?.high }
        record.events[event.index].hops[hop].ages[guarantee] = ages
      }
    case .measured(.count), .measured(.rate): takeAccount()
    case .figure: break
    }
    return record
  }

  /// A figure's value in each of the window's seconds that has one; in nanoseconds, shares or numbers.
  func values(of figure: AlertFigure) -> [Double] {
    seconds.compactMap { second in
      let interval = second.interval
      func share(_ part: UInt64, _ whole: UInt64) -> Double? { whole == 0 ? nil : Double(part) / Double(whole) }
      switch figure {
      case .generator(.cpu): return share(interval.generator.cpuNanoseconds, interval.generator.cpuAllowedNanoseconds)
      case .generator(.steal): return share(interval.generator.stealNanoseconds, interval.generator.watchedNanoseconds)
      case .generator(.gap): return Double(interval.generator.longestGapNanoseconds)
      case .generator(.lateStarts): return Double(interval.generator.lateUserFree)
      case .pool(_, let kind):
        guard let pool = interval.pools.first else { return nil }
        let length = interval.endNanoseconds &- min(interval.startNanoseconds, interval.endNanoseconds)
        switch kind {
        case .utilisation: return pool.isShared ? nil : share(pool.busyNanoseconds, length &* UInt64(pool.size))
        case .inFlight: return pool.isShared ? share(pool.inFlightSum, pool.looks) : nil
        case .exhausted: return share(pool.exhaustedNanoseconds, length)
        case .waits: return Double(pool.waits)
        case .refused: return Double(pool.refused)
        case .reconnects: return Double(pool.reconnects)
        case .connectFailures: return Double(pool.connectFailures)
        }
      }
    }
  }
}

extension JournalInterval {
  /// What a condition on the metric reads of it: a minute of seconds is held for each alert.
  fileprivate func kept(for metric: AlertMetric) -> JournalInterval {
    var kept = JournalInterval()
    kept.startNanoseconds = startNanoseconds
    kept.endNanoseconds = endNanoseconds
    kept.iterations = iterations
    func keep(_ step: StepIndex) { kept.steps = steps.filter { $0.step == step.index } }
    func keep(_ event: EventIndex, _ hop: Int?) { kept.hops = hops.filter { $0.event == event.index && (hop ?? $0.hop) == $0.hop } }
    switch metric {
    case .measured(.quantile(_, let series)), .measured(.mean(let series)), .measured(.minimum(let series)), .measured(.maximum(let series)):
      switch series {
      case .response: kept.response = response
      case .service: kept.service = service
      case .startDelay: kept.startDelay = startDelay
      case .step(let step): keep(step)
      case .measure(let measure): kept.measures = measures.filter { $0.measure == measure }
      case .lag(let event, let hop), .stable(let event, let hop), .violation(let event, let hop, _): keep(event, hop)
      }
    case .measured(.count(let count)), .measured(.rate(let count)):
      switch count {
      case .errors, .iterations, .dropped, .violations: break
      case .failedChecks: kept.checks = checks
      case .stepErrors(let step):
        keep(step)
        for index in kept.steps.indices {
          kept.steps[index].service = HistogramSnapshot()
          kept.steps[index].poolWait = HistogramSnapshot()
        }
      case .outcome(let event, let hop, _):
        keep(event, hop)
        kept.hops = kept.hops.map { hop in
          var bare = HopInterval(event: hop.event, hop: hop.hop)
          bare.visibleBeforeAck = hop.visibleBeforeAck
          return bare
        }
      }
    case .figure(_, .generator):
      kept.generator = generator
      kept.generator.loopLateness = HistogramSnapshot()
    case .figure(_, .pool(let connection, _)): kept.pools = pools.filter { $0.connection == connection.index }
    }
    return kept
  }
}
