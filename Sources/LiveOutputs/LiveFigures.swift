package import Metrics

/// Adds up what a reactor hands over, and says where the run stands. Owned by one thread, which is never a reactor's.
package final class LiveFigures {
  package let plan: LivePlan
  private var latest = RunProgress(phase: .connecting)
  /// The last interval that is long enough to speak of a rate.
  private var interval: JournalInterval?
  private let response = Histogram()
  private let service = Histogram()
  private let loopLateness = Histogram(digits: 2)
  private var longestGapNanoseconds: UInt64 = 0
  private var cpu: (used: UInt64, allowed: UInt64, stolen: UInt64) = (0, 0, 0)
  private var steps: [StepTotals]
  private var lags: [[LagTotals]]
  private var errors: [ErrorFingerprint: UInt64] = [:]
  private var errorsTotal: UInt64 = 0
  private var history = ScreenSnapshot.History()
  /// Errors since the last full interval.
  private var errorsOfInterval: UInt64 = 0

  private final class StepTotals {
    var count: UInt64 = 0
    var failed: UInt64 = 0
    let service = Histogram()
  }

  private final class LagTotals {
    let low = Histogram()
    let high = Histogram()
  }

  package init(plan: LivePlan) {
    self.plan = plan
    steps = plan.start.steps.map { _ in StepTotals() }
    lags = plan.start.events.map { $0.hops.map { _ in LagTotals() } }
  }

  /// Takes the next report; in their order, none left out.
  package func take(_ progress: RunProgress) {
    for failure in progress.failures {
      errors[failure.fingerprint, default: 0] += failure.count
      errorsTotal += failure.count
      errorsOfInterval += failure.count
    }
    if let interval = progress.interval { take(interval) }
    latest = progress
    latest.interval = nil
    latest.failures = []
  }

  private func take(_ next: JournalInterval) {
    if !next.isWarmUp {
      response.add(next.response)
      service.add(next.service)
      for step in next.steps where step.step < steps.count {
        steps[step.step].count += step.count
        steps[step.step].failed += step.failed + step.unknown
        steps[step.step].service.add(step.service)
      }
      for hop in next.hops where hop.event < lags.count && hop.hop < lags[hop.event].count {
        lags[hop.event][hop.hop].low.add(hop.lagLow)
        lags[hop.event][hop.hop].high.add(hop.lagHigh)
      }
    }
    loopLateness.add(next.generator.loopLateness)
    longestGapNanoseconds = max(longestGapNanoseconds, next.generator.longestGapNanoseconds)
    cpu.used += next.generator.cpuNanoseconds
    cpu.allowed += next.generator.cpuAllowedNanoseconds
    cpu.stolen += next.generator.stealNanoseconds
    let seconds = next.seconds
    guard seconds > 0.2 else { return }
    interval = next
    let times = plan.start.model == .open ? next.response : next.service
    history.append(
      done: Double(next.iterations.completed) / seconds, p95: Double(times.quantile(0.95) ?? 0), busy: Double(next.usersBusy),
      errors: Double(errorsOfInterval) / seconds)
    errorsOfInterval = 0
  }

  package var snapshot: ScreenSnapshot {
    var snapshot = ScreenSnapshot(plan: plan, progress: latest)
    snapshot.history = history
    let isOpen = plan.start.model == .open
    snapshot.soFar = .init(isOpen ? response : service)
    if let interval {
      snapshot.lastSecond = .init(isOpen ? interval.response : interval.service)
      let middle = interval.elapsedMiddle(now: latest)
      snapshot.rates = .init(
        asked: isOpen ? plan.asked(at: middle) : nil, arrived: Double(interval.iterations.arrivals) / interval.seconds,
        done: Double(interval.iterations.completed) / interval.seconds)
    }
    snapshot.steps = steps.enumerated().compactMap { index, totals in
      guard totals.count > 0 else { return nil }
      let last = interval?.steps.first { $0.step == index }
      return .init(
        name: plan.start.steps[index].id, perSecond: Double(last?.count ?? 0) / (interval?.seconds ?? 1), failed: totals.failed,
        lastSecond: last.map { .init($0.service) } ?? .init(), soFar: .init(totals.service))
    }
    snapshot.events = zip(plan.start.events, lags).enumerated().map { index, pair in
      let (info, totals) = pair
      let progress = index < latest.events.count ? latest.events[index] : nil
      return .init(
        name: info.name, counts: progress?.counts ?? EventCounts(),
        hops: zip(info.hops, totals).enumerated().map { hop, pair in
          let last = interval?.hops.first { $0.event == index && $0.hop == hop }
          return .init(
            name: pair.0.name, progress: progress.flatMap { hop < $0.hops.count ? $0.hops[hop] : nil },
            lastSecond: last.map { .init(low: .init($0.lagLow), high: .init($0.lagHigh)) } ?? .init(),
            soFar: .init(low: .init(pair.1.low), high: .init(pair.1.high)))
        })
    }
    snapshot.errors = errors.sorted { ($0.value, $1.key.message) > ($1.value, $0.key.message) }.map { fingerprint, count in
      .init(
        count: count, step: fingerprint.step.flatMap { $0 < plan.start.steps.count ? plan.start.steps[$0].id : nil },
        errorClass: fingerprint.errorClass, code: fingerprint.code, message: fingerprint.message)
    }
    snapshot.errorsTotal = errorsTotal
    snapshot.generator = generator
    snapshot.pools = latest.pools.map { pool in
      let wait = Histogram(digits: 2)
      for step in interval?.steps ?? [] where plan.start.steps[step.step].connection == pool.name { wait.add(step.poolWait) }
      return .init(progress: pool, waitHigh: wait.estimableQuantile(0.99) ?? wait.maxNanoseconds)
    }
    return snapshot
  }

  private var generator: ScreenSnapshot.Generator {
    func share(_ part: UInt64, _ whole: UInt64) -> Double { whole == 0 ? 0 : Double(part) / Double(whole) }
    let last = interval?.generator ?? GeneratorHealth()
    return .init(
      cpuShare: share(last.cpuNanoseconds, last.cpuAllowedNanoseconds), cpuShareSoFar: share(cpu.used, cpu.allowed),
      cpus: plan.start.host.cpusAllowed, latenessHigh: loopLateness.estimableQuantile(0.99), longestGapNanoseconds: longestGapNanoseconds,
      stealShare: share(cpu.stolen, cpu.allowed))
  }
}

extension JournalInterval {
  var seconds: Double { Double(endNanoseconds &- startNanoseconds) / 1e9 }

  /// The interval's middle on the clock of the load.
  fileprivate func elapsedMiddle(now latest: RunProgress) -> UInt64 {
    let loadStart = latest.atNanoseconds &- latest.elapsedNanoseconds
    let middle = startNanoseconds &+ (endNanoseconds &- startNanoseconds) / 2
    return middle > loadStart ? middle - loadStart : 0
  }
}
