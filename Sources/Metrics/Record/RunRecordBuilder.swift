internal import LosslessJSON

/// Adds journal records up to a run record, one after the other.
struct RunRecordBuilder {
  var record = RunRecord()
  /// Off where only totals are wanted: a timeline keeps every interval.
  var keepsTimeline = true
  private var hasStart = false
  private var response = Histogram()
  private var startDelay = Histogram()
  private var startDelayWaited = Histogram()
  private var service = Histogram()
  private var lateness = Histogram()
  private var stepService: [Histogram] = []
  private var stepPoolWait: [Histogram] = []
  private var measures: [Histogram] = []
  private var hops: [[HopHistograms]] = []
  private var rowCounts: [[HopCounts]] = []
  private var hasLedger: Set<Int> = []
  private var intervals: [JournalInterval] = []
  private var failures = ErrorTable()
  private var failureSeconds: [(place: Int, atNanoseconds: UInt64, count: UInt64)] = []
  /// By fingerprint: rows of `details`, in the order of their first sight.
  private var failurePlaces: [ErrorFingerprint: Int] = [:]
  private var details: [FailureDetail] = []

  private struct HopHistograms {
    let low = Histogram()
    let high = Histogram()
    let width = Histogram()
    let stableLow = Histogram()
    let stableHigh = Histogram()
    /// Of the guarantees that it is asked for; nobody else pays for them.
    let ages: [SessionGuarantee: (low: Histogram, high: Histogram)]

    init(_ info: HopInfo) {
      ages = Dictionary(uniqueKeysWithValues: Set(info.guarantees.map(\.guarantee)).map { ($0, (Histogram(), Histogram())) })
    }
  }

  /// What the reader's caller may want to see of each record, beside what the record of the run keeps of it.
  enum Passed {
    case row(JournalEventRow)
    case interval(JournalInterval)
    case nothing
  }

  mutating func add(_ json: JSONValue) -> Passed {
    guard let name = json["r"]?.string else {
      record.damagedLines &+= 1
      return .nothing
    }
    guard let kind = JournalKind(rawValue: name) else { return .nothing }  // from a newer version
    switch kind {
    case .start: begin(JournalStart(json))
    case .phase: record.phases.append(JournalPhase(json))
    case .interval:
      let interval = JournalInterval(json)
      add(interval)
      return .interval(interval)
    case .failure:
      let failure = JournalFailure(json)
      failures.add(failure)
      let place = failurePlaces[failure.fingerprint] ?? details.count
      if place == details.count {
        failurePlaces[failure.fingerprint] = place
        details.append(FailureDetail())
      }
      details[place].attributes.add(failure.attributes, limit: 4_096)
      failureSeconds.append((place, failure.lastNanoseconds, failure.count))
    case .event:
      let row = JournalEventRow(json)
      add(row)
      return .row(row)
    case .observer: add(JournalObserver(json))
    case .gap: record.gaps.append(JournalGap(json))
    case .ledger: add(JournalLedger(json))
    case .sweep: add(JournalSweep(json))
    case .offenders: add(JournalOffenders(json))
    case .guarantee: add(JournalGuarantee(json))
    case .output:
      let output = JournalOutput(json)
      if let index = record.outputs.firstIndex(where: { $0.name == output.name }) { record.outputs[index] = output } else { record.outputs.append(output) }
    case .validity: record.validity.append(JournalValidity(json))
    case .threshold: record.thresholds.append(JournalThreshold(json))
    case .server: add(JournalServer(json))
    case .serverFacts: add(JournalServerFacts(json))
    case .end: record.end = JournalEnd(json)
    case .alert:
      let alert = JournalAlert(json)
      if record.alerts.indices.contains(alert.alert) { record.alerts[alert.alert].add(alert) }
    case .alertAction:
      let action = JournalAlertAction(json)
      if record.alerts.indices.contains(action.alert) { record.alerts[action.alert].add(action) }
    case .alertTally:
      let tally = JournalAlertTally(json)
      if record.alerts.indices.contains(tally.alert) { record.alerts[tally.alert].tally = tally }
    }
    return .nothing
  }

  mutating func begin(_ start: JournalStart) {
    guard !hasStart else { return }
    hasStart = true
    record.start = start
    record.steps = start.steps.map { StepRecord(info: $0) }
    record.measures = start.measures.map { MeasureRecord(name: $0) }
    record.pools = start.connections.map { PoolRecord(info: $0) }
    record.events = start.events.map { EventRecord(info: $0) }
    record.checks = start.checks.map { CheckRecord(info: $0) }
    for (row, figure) in start.serverFigures.enumerated() where start.connections.indices.contains(figure.connection) {
      if let last = record.servers.indices.last, record.servers[last].connection == figure.connection {
        record.servers[last].figures = record.servers[last].figures.lowerBound..<row + 1
      } else {
        record.servers.append(ServerRecord(connection: figure.connection, info: start.connections[figure.connection], figures: row..<row + 1))
      }
    }
    record.alerts = start.alerts.map { AlertRecord(info: $0) }
    stepService = start.steps.map { _ in Histogram() }
    stepPoolWait = start.steps.map { _ in Histogram() }
    measures = start.measures.map { _ in Histogram() }
    hops = start.events.map { $0.hops.map { HopHistograms($0) } }
    rowCounts = start.events.map { $0.hops.map { _ in HopCounts() } }
  }

  mutating func add(_ interval: JournalInterval) {
    addGenerator(interval)
    if keepsTimeline { intervals.append(interval.forTimeline) }  // the timeline is made at the end, when the load's start is known
    if interval.isWarmUp {
      record.warmUpIterations += interval.iterations
      return
    }
    record.iterations += interval.iterations
    record.warmUpIterations += interval.early
    record.pauses += interval.pauses
    if let asked = interval.askedArrivals { record.askedArrivals = (record.askedArrivals ?? 0) + asked }
    record.probes.operations &+= interval.probes.operations
    record.probes.targetOperations &+= interval.probes.targetOperations
    record.probes.fences &+= interval.probes.fences
    response.add(interval.response)
    startDelay.add(interval.startDelay)
    service.add(interval.service)
    for step in interval.steps where record.steps.indices.contains(step.step) {
      record.steps[step.step].count &+= step.count
      record.steps[step.step].failed &+= step.failed
      record.steps[step.step].unknown &+= step.unknown
      record.steps[step.step].skipped &+= step.skipped
      record.steps[step.step].responseBytes &+= step.responseBytes
      stepService[step.step].add(step.service)
      stepPoolWait[step.step].add(step.poolWait)
    }
    for pool in interval.pools where record.pools.indices.contains(pool.connection) {
      record.pools[pool.connection].add(pool, nanoseconds: interval.endNanoseconds - min(interval.startNanoseconds, interval.endNanoseconds))
    }
    for measure in interval.measures where measures.indices.contains(measure.measure) {
      measures[measure.measure].add(measure.values)
    }
    for hop in interval.hops where hops.indices.contains(hop.event) && hops[hop.event].indices.contains(hop.hop) {
      hops[hop.event][hop.hop].low.add(hop.lagLow)
      hops[hop.event][hop.hop].high.add(hop.lagHigh)
      hops[hop.event][hop.hop].width.add(hop.width)
      hops[hop.event][hop.hop].stableLow.add(hop.stableLow)
      hops[hop.event][hop.hop].stableHigh.add(hop.stableHigh)
      for (guarantee, ages) in hop.ages {
        hops[hop.event][hop.hop].ages[guarantee]?.low.add(ages.low)
        hops[hop.event][hop.hop].ages[guarantee]?.high.add(ages.high)
      }
      record.events[hop.event].hops[hop.hop].visibleBeforeAck &+= hop.visibleBeforeAck
    }
    for retry in interval.retries where (0..<65_536).contains(retry.retry) && retry.attempts.count <= 1_000 {
      while record.retries.count <= retry.retry { record.retries.append([]) }
      while record.retries[retry.retry].count < retry.attempts.count { record.retries[retry.retry].append(0) }
      for (number, count) in retry.attempts.enumerated() { record.retries[retry.retry][number] &+= count }
    }
    for check in interval.checks where record.checks.indices.contains(check.check) {
      record.checks[check.check].passed &+= check.passed
      record.checks[check.check].failed &+= check.failed
    }
  }

  private mutating func addGenerator(_ interval: JournalInterval) {
    guard !interval.isWarmUp else { return }
    lateness.add(interval.generator.loopLateness)
    record.generator.addFigures(of: interval.generator)
    startDelayWaited.add(interval.startDelayWaited)
  }

  mutating func add(_ sample: JournalServer) {
    guard let server = record.servers.firstIndex(where: { $0.connection == sample.connection }) else { return }
    record.servers[server].samples.append(sample)
  }

  /// The last one has everything.
  private mutating func add(_ facts: JournalServerFacts) {
    guard let server = record.servers.firstIndex(where: { $0.connection == facts.connection }) else { return }
    record.servers[server].facts = facts
  }

  mutating func add(_ row: PlainEventRow) {
    guard case .ok = row.outcome, !row.hasAnomalies else { return add(row.decoded) }
    guard rowCounts.indices.contains(row.event), rowCounts[row.event].indices.contains(row.hop) else { return }
    rowCounts[row.event][row.hop].ok += 1
  }

  mutating func add(_ row: JournalEventRow) {
    guard rowCounts.indices.contains(row.event), rowCounts[row.event].indices.contains(row.hop) else { return }
    rowCounts[row.event][row.hop].count(row.outcome)
    for anomaly in row.anomalies {
      rowCounts[row.event][row.hop].count(anomaly)
      list(row, under: anomaly.rawValue)
    }
    switch row.outcome {
    case .ok: break
    case .late, .lost, .unobserved, .superseded, .blocked, .recovered, .absent, .unexpected, .aborted:
      list(row, under: row.outcome.rawValue)
    }
  }

  private mutating func list(_ row: JournalEventRow, under kind: String) {
    var lists = record.events[row.event].hops[row.hop].offenders
    let position = lists.firstIndex { $0.kind == kind } ?? lists.count
    if position == lists.count { lists.append(OffenderList(kind: kind)) }
    lists[position].count &+= 1
    if lists[position].ids.count < OffenderList.idsMax { lists[position].ids.append(row.id) }
    record.events[row.event].hops[row.hop].offenders = lists
  }

  private mutating func add(_ sweep: JournalSweep) {
    guard record.events.indices.contains(sweep.event), record.events[sweep.event].hops.indices.contains(sweep.hop) else { return }
    record.events[sweep.event].hops[sweep.hop].sweep = sweep
  }

  private mutating func add(_ offenders: JournalOffenders) {
    guard record.events.indices.contains(offenders.event), record.events[offenders.event].hops.indices.contains(offenders.hop) else { return }
    var lists = record.events[offenders.event].hops[offenders.hop].offenders
    let position = lists.firstIndex { $0.kind == offenders.anomaly } ?? lists.count
    if position == lists.count { lists.append(OffenderList(kind: offenders.anomaly)) }
    lists[position].count &+= offenders.count
    lists[position].ids += offenders.ids.prefix(max(0, OffenderList.idsMax - lists[position].ids.count))
    record.events[offenders.event].hops[offenders.hop].offenders = lists
  }

  private mutating func add(_ violations: JournalGuarantee) {
    guard record.events.indices.contains(violations.event), record.events[violations.event].hops.indices.contains(violations.hop),
      let guarantee = SessionGuarantee(rawValue: violations.guarantee)
    else { return }
    record.events[violations.event].hops[violations.hop].longestViolations[guarantee] = violations.longest
  }

  mutating func add(_ ledger: JournalLedger) {
    guard record.events.indices.contains(ledger.event) else { return }
    hasLedger.insert(ledger.event)
    record.events[ledger.event].counts = ledger.counts
    record.events[ledger.event].isFinal = ledger.soFarNanoseconds == nil
    for (hop, counts) in ledger.hops.enumerated() where record.events[ledger.event].hops.indices.contains(hop) {
      record.events[ledger.event].hops[hop].counts = counts
      guard ledger.soFarNanoseconds != nil else { continue }
      // Known at the end only.
      record.events[ledger.event].hops[hop].counts.staleFinal = nil
      record.events[ledger.event].hops[hop].counts.missing = nil
      record.events[ledger.event].hops[hop].counts.extra = nil
    }
  }

  /// The last record of a hop has the final counts.
  private mutating func add(_ observer: JournalObserver) {
    guard record.events.indices.contains(observer.event), record.events[observer.event].hops.indices.contains(observer.hop) else { return }
    record.events[observer.event].hops[observer.hop].info.how = observer.how
    record.events[observer.event].hops[observer.hop].observation = observer
  }

  mutating func finish() throws(JournalReadError) -> RunRecord {
    guard hasStart else { throw .noStart }
    guard record.start.format == JournalStart.currentFormat else { throw .unsupportedFormat(record.start.format) }
    record.response = response.snapshot()
    record.startDelay = startDelay.snapshot()
    record.startDelayWaited = startDelayWaited.snapshot()
    record.service = service.snapshot()
    record.generator.loopLateness = lateness.snapshot()
    for index in record.steps.indices {
      record.steps[index].service = stepService[index].snapshot()
      record.steps[index].poolWait = stepPoolWait[index].snapshot()
    }
    for index in record.pools.indices {
      let waits = record.steps.filter { $0.info.connection == record.pools[index].info.name }.map(\.poolWait)
      record.pools[index].wait = HistogramSnapshot(merging: waits, scratch: Histogram())
    }
    for index in record.measures.indices { record.measures[index].values = measures[index].snapshot() }
    for event in record.events.indices {
      for hop in record.events[event].hops.indices {
        record.events[event].hops[hop].lagLow = hops[event][hop].low.snapshot()
        record.events[event].hops[hop].lagHigh = hops[event][hop].high.snapshot()
        record.events[event].hops[hop].width = hops[event][hop].width.snapshot()
        record.events[event].hops[hop].stableLow = hops[event][hop].stableLow.snapshot()
        record.events[event].hops[hop].stableHigh = hops[event][hop].stableHigh.snapshot()
        for (guarantee, ages) in hops[event][hop].ages {
          record.events[event].hops[hop].ages[guarantee, default: ViolationAges()].low = ages.low.snapshot()
          record.events[event].hops[hop].ages[guarantee, default: ViolationAges()].high = ages.high.snapshot()
        }
        if !hasLedger.contains(event) { record.events[event].hops[hop].counts = rowCounts[event][hop] }
      }
    }
    record.failures = failures.failures.enumerated()
      .sorted { ($1.element.count, $0.offset) < ($0.element.count, $1.offset) }.map(\.element)
    findSpan()
    buildTimeline()
    findPatterns()
    return record
  }

  /// The load begins with its phase, or with the first interval that counts; it ends with `settle`, or with the last one.
  private mutating func findSpan() {
    let counting = intervals.filter { !$0.isWarmUp }
    record.loadStartNanoseconds =
      record.phases.first { $0.name == .load }?.atNanoseconds ?? counting.map(\.startNanoseconds).min()
      ?? record.start.monotonicNanoseconds
    let after = record.phases.first { [.settle, .sweep, .teardown].contains($0.name) }?.atNanoseconds
    let end = after ?? counting.map(\.endNanoseconds).max() ?? record.end?.atNanoseconds ?? record.loadStartNanoseconds
    record.loadEndNanoseconds = max(end, record.loadStartNanoseconds)
  }

  private mutating func findPatterns() {
    var counts = details.map { _ in [Int: UInt64]() }
    for failure in failureSeconds {
      counts[failure.place][Int(record.seconds(at: failure.atNanoseconds).rounded(.down)), default: 0] &+= failure.count
    }
    record.failureDetails = record.failures.map { failure in
      guard let place = failurePlaces[failure.fingerprint] else { return FailureDetail() }
      var detail = details[place]
      detail.seconds = counts[place].sorted { $0.key < $1.key }.map { .init(second: $0.key, count: $0.value) }
      return detail
    }
    record.patterns = ErrorPatterns.find(in: record)
  }

  private mutating func buildTimeline() {
    let keys = intervals.map { interval in
      let middle = interval.startNanoseconds / 2 + interval.endNanoseconds / 2
      return SecondKey(second: Int(record.seconds(at: middle).rounded(.down)), isWarmUp: interval.isWarmUp)
    }
    // One second at a time: a long run's histograms would not fit into memory all at once.
    let order = keys.indices.sorted { (keys[$0], $0) < (keys[$1], $1) }
    var positions: [SecondKey: Int] = [:]
    let scratch = Histogram()
    var next = order.startIndex
    while next < order.endIndex {
      let key = keys[order[next]]
      let end = order[next...].firstIndex { keys[$0] != key } ?? order.endIndex
      positions[key] = record.seconds.count
      record.seconds.append(
        SecondRecord(
          key, of: order[next..<end].map { intervals[$0] }, stepCount: record.steps.count, hopCounts: record.events.map(\.hops.count), scratch: scratch))
      next = end
    }
    for failure in failureSeconds {
      let second = Int(record.seconds(at: failure.atNanoseconds).rounded(.down))
      let position = positions[SecondKey(second: second, isWarmUp: false)] ?? positions[SecondKey(second: second, isWarmUp: true)]
      if let position { record.seconds[position].failures &+= failure.count }
    }
  }
}

extension JournalInterval {
  /// What the timeline needs of it: an hour has 3 600 of them, and each histogram has a thousand buckets.
  fileprivate var forTimeline: JournalInterval {
    var kept = self
    kept.measures = []
    for index in kept.hops.indices {
      kept.hops[index].width = HistogramSnapshot()
      kept.hops[index].stableLow = HistogramSnapshot()
      kept.hops[index].stableHigh = HistogramSnapshot()
    }
    kept.checks = []
    for index in kept.steps.indices { kept.steps[index].poolWait = HistogramSnapshot() }
    return kept
  }
}

private struct SecondKey: Hashable, Comparable {
  var second: Int
  var isWarmUp: Bool

  static func < (left: Self, right: Self) -> Bool {
    (left.second, left.isWarmUp ? 0 : 1) < (right.second, right.isWarmUp ? 0 : 1)
  }
}

extension SecondRecord {
  /// The sum of one second's intervals, from all reactors.
  fileprivate init(_ key: SecondKey, of intervals: [JournalInterval], stepCount: Int, hopCounts: [Int], scratch: Histogram) {
    self.init(second: key.second, isWarmUp: key.isWarmUp, stepCount: stepCount)
    var users: [Int: (busy: UInt64, total: UInt64)] = [:]
    // Each reactor's own users, weighed by how long they were asked for.
    var userSeconds: [Int: (asked: Double, nanoseconds: Double)] = [:]
    var stepServices: [[HistogramSnapshot]] = Array(repeating: [], count: stepCount)
    for interval in intervals {
      iterations += interval.iterations
      users[interval.reactor] = (interval.usersBusy, interval.usersTotal)
      if let asked = interval.askedArrivals { askedArrivals = (askedArrivals ?? 0) + asked }
      if let asked = interval.askedUsers {
        let length = max(1, Double(interval.endNanoseconds &- min(interval.startNanoseconds, interval.endNanoseconds)))
        let before = userSeconds[interval.reactor] ?? (0, 0)
        userSeconds[interval.reactor] = (before.asked + asked * length, before.nanoseconds + length)
      }
      for step in interval.steps where steps.indices.contains(step.step) {
        steps[step.step].count &+= step.count
        steps[step.step].failed &+= step.failed + step.unknown
        steps[step.step].responseBytes &+= step.responseBytes
        stepServices[step.step].append(step.service)
      }
    }
    for interval in intervals { generator.addFigures(of: interval.generator) }
    generator.loopLateness = HistogramSnapshot(merging: intervals.map(\.generator.loopLateness), scratch: Histogram(digits: 2))
    startDelay = HistogramSnapshot(merging: intervals.map(\.startDelay), scratch: scratch)
    startDelayWaited = HistogramSnapshot(merging: intervals.map(\.startDelayWaited), scratch: scratch)
    response = HistogramSnapshot(merging: intervals.map(\.response), scratch: scratch)
    service = HistogramSnapshot(merging: intervals.map(\.service), scratch: scratch)
    for step in steps.indices { steps[step].service = HistogramSnapshot(merging: stepServices[step], scratch: scratch) }
    let seen = intervals.flatMap(\.hops).filter { !$0.lagHigh.isEmpty && hopCounts.indices.contains($0.event) && (0..<hopCounts[$0.event]).contains($0.hop) }
    if !seen.isEmpty {
      hops = hopCounts.enumerated().flatMap { event, count in
        (0..<count).map { hop in
          var second = HopSecond()
          let those = seen.filter { $0.event == event && $0.hop == hop }
          second.low = HistogramSnapshot(merging: those.map(\.lagLow), scratch: scratch)
          second.high = HistogramSnapshot(merging: those.map(\.lagHigh), scratch: scratch)
          return second
        }
      }
    }
    if !userSeconds.isEmpty { askedUsers = userSeconds.values.reduce(0) { $0 + $1.asked / $1.nanoseconds } }
    usersBusy = users.values.reduce(0) { $0 + $1.busy }
    usersTotal = users.values.reduce(0) { $0 + $1.total }
  }
}
