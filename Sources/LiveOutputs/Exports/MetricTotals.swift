package import Metrics

/// Adds up what a reactor hands over into the metrics of a run: counters only rise, from the first second to the last, warm-up included.
/// Owned by one thread, which is never a reactor's.
package final class MetricTotals {
  private let plan: LivePlan
  private var latest = RunProgress(phase: .connecting)
  private var response = TimeBuckets()
  private var startDelay = TimeBuckets()
  private var service = TimeBuckets()
  private var steps: [StepTotals]
  private var measures: [TimeBuckets]
  private var checks: [(passed: UInt64, failed: UInt64)]
  private var lags: [[LagTotals]]
  private var errors: [ErrorKey: UInt64] = [:]
  private var generator = GeneratorTotals()

  private struct StepTotals {
    var count: UInt64 = 0
    var failed: UInt64 = 0
    var unknown: UInt64 = 0
    var skipped: UInt64 = 0
    var bytes: UInt64 = 0
    var service = TimeBuckets()
    var poolWait = TimeBuckets()
  }

  private struct LagTotals {
    var low = TimeBuckets()
    var high = TimeBuckets()
    var beforeAcknowledgement: UInt64 = 0
  }

  /// Without the text: a label's values must stay few.
  private struct ErrorKey: Hashable {
    let step: Int?
    let target: String
    let errorClass: String
    let code: String
  }

  private struct GeneratorTotals {
    var lateness = TimeBuckets()
    var longestGap: UInt64 = 0
    var cpu: UInt64 = 0
    var cpuAllowed: UInt64 = 0
    var steal: UInt64 = 0
    var lateUserFree: UInt64 = 0
    var lateNoUserFree: UInt64 = 0
    var probes: UInt64 = 0
  }

  package init(plan: LivePlan) {
    self.plan = plan
    steps = plan.start.steps.map { _ in StepTotals() }
    measures = plan.start.measures.map { _ in TimeBuckets() }
    checks = plan.start.checks.map { _ in (0, 0) }
    lags = plan.start.events.map { $0.hops.map { _ in LagTotals() } }
  }

  /// Takes the next report; in their order.
  package func take(_ progress: RunProgress) {
    for failure in progress.failures {
      let fingerprint = failure.fingerprint
      let key = ErrorKey(step: fingerprint.step, target: fingerprint.target, errorClass: fingerprint.errorClass, code: fingerprint.code)
      errors[key, default: 0] += failure.count
    }
    if let interval = progress.interval { take(interval) }
    latest = progress
    latest.interval = nil
    latest.failures = []
  }

  private func take(_ interval: JournalInterval) {
    response.add(interval.response)
    startDelay.add(interval.startDelay)
    service.add(interval.service)
    for step in interval.steps where step.step < steps.count {
      steps[step.step].count += step.count
      steps[step.step].failed += step.failed
      steps[step.step].unknown += step.unknown
      steps[step.step].skipped += step.skipped
      steps[step.step].bytes += step.responseBytes
      steps[step.step].service.add(step.service)
      steps[step.step].poolWait.add(step.poolWait)
    }
    for measure in interval.measures where measure.measure < measures.count { measures[measure.measure].add(measure.values) }
    for check in interval.checks where check.check < checks.count {
      checks[check.check].passed += check.passed
      checks[check.check].failed += check.failed
    }
    for hop in interval.hops where hop.event < lags.count && hop.hop < lags[hop.event].count {
      lags[hop.event][hop.hop].low.add(hop.lagLow)
      lags[hop.event][hop.hop].high.add(hop.lagHigh)
      lags[hop.event][hop.hop].beforeAcknowledgement += hop.visibleBeforeAck
    }
    let health = interval.generator
    generator.lateness.add(health.loopLateness)
    generator.longestGap = max(generator.longestGap, health.longestGapNanoseconds)
    generator.cpu += health.cpuNanoseconds
    generator.cpuAllowed += health.cpuAllowedNanoseconds
    generator.steal += health.stealNanoseconds
    generator.lateUserFree += health.lateUserFree
    generator.lateNoUserFree += health.lateNoUserFree
    generator.probes += interval.probes.operations
  }

  /// Everything as it stands, in the order in which it is written.
  package var families: [MetricFamily] { runFamilies + timeFamilies + stepFamilies + eventFamilies + conditionFamilies }

  private var isOpen: Bool { plan.start.model == .open }

  private var runFamilies: [MetricFamily] {
    var run = MetricFamily("chainrun_run", .info, "What is being run.")
    run.add(
      .whole(1),
      [
        ("run", plan.start.runID), ("chain", plan.start.chain), ("profile", plan.start.profile), ("model", plan.start.model.rawValue),
        ("seed", String(plan.start.seed)),
      ])
    var phase = MetricFamily("chainrun_phase", .gauge, "1 for the phase that the run is in.")
    for name in [RunProgress.Phase.connecting, .setup, .arming, .load, .stopping, .settling, .teardown] {
      phase.add(.whole(name == latest.phase ? 1 : 0), [("phase", name.rawValue)])
    }
    var elapsed = MetricFamily("chainrun_elapsed_seconds", .gauge, unit: "seconds", "Time since the load began.")
    elapsed.add(.real(seconds(latest.elapsedNanoseconds)))
    let counts = latest.iterations
    var arrivals = MetricFamily("chainrun_arrivals", .counter, "Iterations that became due.")
    arrivals.add(.whole(counts.arrivals))
    var iterations = MetricFamily("chainrun_iterations", .counter, "Iterations that ended, by how they ended.")
    for (name, count) in [
      ("completed", counts.completed), ("failed", counts.failed), ("unknown", counts.unknown), ("interrupted", counts.interrupted),
      ("dropped", counts.dropped),
    ] {
      iterations.add(.whole(count), [("result", name)])
    }
    var asked = MetricFamily("chainrun_asked", .gauge, "What the profile asks for now: arrivals per second of an open load, users of a closed one.")
    if latest.phase == .load, let value = plan.asked(at: latest.elapsedNanoseconds) {
      asked.add(.real(value), [("of", isOpen ? "arrivals_per_second" : "users")])
    }
    var users = MetricFamily("chainrun_users", .gauge, "Virtual users, inside an iteration or not.")
    users.add(.whole(UInt64(latest.busyUsers)), [("state", "busy")])
    users.add(.whole(UInt64(max(0, latest.totalUsers - latest.busyUsers))), [("state", "free")])
    var waiting = MetricFamily("chainrun_arrivals_waiting", .gauge, "Arrivals that wait for a free user.")
    waiting.add(.whole(UInt64(latest.queuedArrivals)))
    var errors = MetricFamily("chainrun_errors", .counter, "Failures by step, kind of target, class and code.")
    for (key, count) in self.errors.sorted(by: { order($0.key) < order($1.key) }) {
      errors.add(
        .whole(count),
        [("step", key.step.map(stepName) ?? ""), ("target", key.target), ("class", key.errorClass), ("code", key.code)])
    }
    return [run, phase, elapsed, arrivals, iterations, asked, users, waiting, errors]
  }

  private func order(_ key: ErrorKey) -> String { "\(key.step ?? -1) \(key.target) \(key.errorClass) \(key.code)" }
  private func stepName(_ step: Int) -> String { step < plan.start.steps.count ? plan.start.steps[step].id : "" }

  private var timeFamilies: [MetricFamily] {
    var families: [MetricFamily] = []
    func family(_ name: String, _ help: String, _ times: TimeBuckets) {
      var family = MetricFamily(name, .histogram, unit: "seconds", help)
      family.add(.times(times))
      families.append(family)
    }
    if isOpen {
      family("chainrun_response_duration_seconds", "From the intended start of an iteration to its end.", response)
      family("chainrun_start_delay_seconds", "From the intended start of an iteration to its actual one.", startDelay)
    }
    family("chainrun_service_duration_seconds", "From the actual start of an iteration to its end.", service)
    var measured = MetricFamily("chainrun_measure_seconds", .histogram, unit: "seconds", "Measures that the chain defines.")
    for (name, times) in zip(plan.start.measures, measures) { measured.add(.times(times), [("measure", name)]) }
    return families + [measured]
  }

  private var stepFamilies: [MetricFamily] {
    var durations = MetricFamily("chainrun_step_duration_seconds", .histogram, unit: "seconds", "Service time of the attempts that succeeded.")
    var waits = MetricFamily("chainrun_step_pool_wait_seconds", .histogram, unit: "seconds", "Waiting for a connection, before the service time.")
    var attempts = MetricFamily("chainrun_step_attempts", .counter, "Attempts that ended, by how they ended.")
    var checked = MetricFamily("chainrun_checks", .counter, "Checks, by how they ended.")
    for (info, step) in zip(plan.start.steps, steps) {
      durations.add(.times(step.service), [("step", info.id)])
      if info.countsAsOperation { waits.add(.times(step.poolWait), [("step", info.id)]) }
      attempts.add(.whole(step.count &- step.failed &- step.unknown), [("step", info.id), ("result", "ok")])
      attempts.add(.whole(step.failed), [("step", info.id), ("result", "failed")])
      attempts.add(.whole(step.unknown), [("step", info.id), ("result", "unknown")])
      attempts.add(.whole(step.skipped), [("step", info.id), ("result", "skipped")])
    }
    for (number, (info, counts)) in zip(plan.start.checks, checks).enumerated() {
      let labels = [("step", stepName(info.step)), ("check", info.text), ("number", String(number))]
      checked.add(.whole(counts.passed), labels + [("result", "passed")])
      checked.add(.whole(counts.failed), labels + [("result", "failed")])
    }
    return [durations, waits, attempts, checked]
  }

  private var eventFamilies: [MetricFamily] {
    var events = MetricFamily("chainrun_events", .counter, "Events by what became of their origin.")
    var seen = MetricFamily("chainrun_hop_seen", .counter, "Committed events that were seen at a hop.")
    var awaited = MetricFamily("chainrun_hop_awaited", .gauge, "Events under way that may still be seen at a hop.")
    var outcomes = MetricFamily("chainrun_hop_outcomes", .gauge, "Events that were decided at a hop, by outcome or anomaly. A gauge: a repair may take one back.")
    var lag = MetricFamily(
      "chainrun_hop_lag_seconds", .histogram, unit: "seconds", "Bounds of the time from the acknowledgement to the first sight of it.")
    for (index, info) in plan.start.events.enumerated() {
      let progress = index < latest.events.count ? latest.events[index] : nil
      let counts = progress?.counts ?? EventCounts()
      for (name, count) in [("committed", counts.committed), ("rolled_back", counts.rolledBack), ("unknown", counts.unknown)] {
        events.add(.whole(count), [("event", info.name), ("origin", name)])
      }
      for (number, hop) in info.hops.enumerated() {
        let labels = [("event", info.name), ("hop", hop.name)]
        lag.add(.times(lags[index][number].low), labels + [("bound", "low")])
        lag.add(.times(lags[index][number].high), labels + [("bound", "high")])
        guard let progress, number < progress.hops.count else { continue }
        let figures = progress.hops[number]
        seen.add(.whole(figures.seen), labels)
        awaited.add(.whole(figures.awaited), labels)
        for (name, count) in Self.outcomes(figures.counts) { outcomes.add(.whole(count), labels + [("outcome", name)]) }
      }
    }
    return [events, seen, awaited, outcomes, lag]
  }

  /// What is not checkable is not there, rather than 0.
  private static func outcomes(_ counts: HopCounts) -> [(String, UInt64)] {
    let decided = [
      ("ok", counts.ok), ("late", counts.late), ("lost", counts.lost), ("unobserved", counts.unobserved), ("superseded", counts.superseded),
      ("blocked", counts.blocked), ("unexpected", counts.unexpected), ("aborted", counts.aborted),
    ]
    let anomalies: [(String, UInt64?)] = [
      ("duplicate", counts.duplicate), ("reordered", counts.reordered), ("mismatch", counts.mismatch), ("regressed", counts.regressed),
      ("stale_final", counts.staleFinal), ("missing", counts.missing), ("extra", counts.extra),
      ("read_your_writes", counts.readYourWrites?.violated), ("monotonic_reads", counts.monotonicReads?.violated),
    ]
    return decided + anomalies.compactMap { name, count in count.map { (name, $0) } }
  }

  private var conditionFamilies: [MetricFamily] {
    var cpu = MetricFamily("chainrun_generator_cpu_seconds", .counter, unit: "seconds", "Processor time of chainrun itself.")
    cpu.add(.real(seconds(generator.cpu)))
    var allowed = MetricFamily(
      "chainrun_generator_cpu_allowed_seconds", .counter, unit: "seconds", "Processor time that affinity and cgroup would have allowed.")
    allowed.add(.real(seconds(generator.cpuAllowed)))
    var steal = MetricFamily("chainrun_generator_steal_seconds", .counter, unit: "seconds", "Processor time that the hypervisor took.")
    steal.add(.real(seconds(generator.steal)))
    var lateness = MetricFamily(
      "chainrun_generator_loop_lateness_seconds", .histogram, unit: "seconds", "How late the event loop's 10 ms heartbeat was.")
    lateness.add(.times(generator.lateness))
    var gap = MetricFamily("chainrun_generator_longest_gap_seconds", .gauge, unit: "seconds", "The longest standstill of the event loop so far.")
    gap.add(.real(seconds(generator.longestGap)))
    var late = MetricFamily("chainrun_generator_late_starts", .counter, "Arrivals that started more than 1 ms late: ours if a user was free.")
    late.add(.whole(generator.lateUserFree), [("user", "free")])
    late.add(.whole(generator.lateNoUserFree), [("user", "none_free")])
    var probes = MetricFamily("chainrun_probe_operations", .counter, "Operations that only observe.")
    probes.add(.whole(generator.probes))
    var connections = MetricFamily("chainrun_pool_connections", .gauge, "Open connections.")
    var waiting = MetricFamily("chainrun_pool_waiting", .gauge, "Calls that wait for a connection.")
    var reconnects = MetricFamily("chainrun_pool_reconnects", .counter, "Connections that were opened again.")
    for pool in latest.pools {
      let labels = [("connection", pool.name)]
      connections.add(.whole(UInt64(pool.busy)), labels + [("state", "busy")])
      connections.add(.whole(UInt64(max(0, pool.connections - pool.busy))), labels + [("state", "idle")])
      waiting.add(.whole(UInt64(pool.waiting)), labels)
      reconnects.add(.whole(UInt64(pool.reconnects)), labels)
    }
    return [cpu, allowed, steal, lateness, gap, late, probes, connections, waiting, reconnects]
  }

  private func seconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1e9 }
}
