internal import LosslessJSON
package import Metrics

/// `summary.json`: every aggregate of a run, in the shape that `grammar/summary.schema.json` publishes.
package enum SummaryJSON {
  package static let format = 1
  private static let quantiles: [(name: String, q: Double)] = [
    ("p50", 0.5), ("p75", 0.75), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p99_9", 0.999),
  ]

  package static func text(of run: RunRecord) -> String {
    var json = JSONWriter(indentation: 2)
    json.beginObject()
    writeHead(of: run, to: &json)
    writeValidity(of: run, to: &json)
    json.key("iterations")
    run.iterations.write(to: &json)
    writeLoad(of: run, to: &json)
    let isOpen = run.start.model == .open
    json.key("response")
    if isOpen { write(run.response, to: &json) } else { json.null() }
    json.key("start_delay")
    if isOpen { write(run.startDelay, to: &json) } else { json.null() }
    json.key("service")
    write(run.service, to: &json)
    writeSteps(of: run, to: &json)
    json.key("measures")
    json.beginObject()
    for measure in run.measures {
      json.key(measure.name)
      write(measure.values, to: &json)
    }
    json.endObject()
    writeEvents(of: run, to: &json)
    writeChecks(of: run, to: &json)
    writeErrors(of: run, to: &json)
    json.key("thresholds")
    json.beginArray()
    for threshold in run.thresholds {
      json.beginObject()
      json.member("text", threshold.text)
      json.member("verdict", threshold.verdict.rawValue)
      json.member("observed", threshold.observed)
      json.member("detail", threshold.detail)
      json.endObject()
    }
    json.endArray()
    SummaryAlerts.write(run, to: &json)
    json.key("probes")
    json.beginObject()
    json.member("operations", run.probes.operations)
    json.member("share", run.probes.share)
    json.member("fences", run.probes.fences)
    json.endObject()
    writePools(of: run, to: &json)
    writeServers(of: run, to: &json)
    json.key("outputs")
    json.beginObject()
    for output in run.outputs {
      json.key(output.name.rawValue)
      json.beginObject()
      json.member("delivered", output.delivered)
      json.member("lost", output.lost)
      json.member("reason", output.reason)
      json.endObject()
    }
    json.endObject()
    writeGenerator(of: run, to: &json)
    json.endObject()
    return json.text + "\n"
  }

  private static func writeHead(of run: RunRecord, to json: inout JSONWriter) {
    json.member("format", format)
    json.member("run", run.start.runID)
    json.member("chain", run.start.chain)
    json.member("chain_hash", run.start.chainHash)
    json.member("profile", run.start.profile)
    json.member("profile_text", run.start.profileText)
    json.member("model", run.start.model.rawValue)
    json.member("seed", run.start.seed)
    json.member("started_at", Quantities.instant(realtimeNanoseconds: run.start.realtimeNanoseconds))
    json.key("duration_s")
    json.rawNumber(Quantities.seconds(run.loadEndNanoseconds - min(run.loadStartNanoseconds, run.loadEndNanoseconds)))
    json.member("crashed", run.isCrashed)
    json.member("running", run.isRunning)
    json.member("interrupted_by", run.end?.interruptedBy)
    json.member("exit_code", run.end?.exitCode)
    json.key("versions")
    json.beginObject()
    for version in run.start.versions { json.member(version.name, version.value) }
    json.endObject()
    json.key("host")
    json.beginObject()
    json.member("name", run.start.host.name)
    json.member("kernel", run.start.host.kernel)
    json.member("processor", run.start.host.processor)
    json.member("cpus", run.start.host.cpusAllowed)
    json.member("reactors", run.start.host.reactors)
    json.endObject()
    Configuration(of: run).write(to: &json)
  }

  /// What was asked for after the warm-up, beside what arrived; and what pacing and backoff did to it.
  private static func writeLoad(of run: RunRecord, to json: inout JSONWriter) {
    json.key("load")
    json.beginObject()
    json.member("asked_arrivals", run.askedArrivals.map(rounded))
    json.member("paces_missed", run.pauses.pacesMissed)
    json.member("backoffs", run.pauses.backoffs)
    json.key("backoff_s")
    json.rawNumber(Quantities.seconds(run.pauses.backoffNanoseconds))
    json.endObject()
  }

  private static func writeValidity(of run: RunRecord, to json: inout JSONWriter) {
    json.key("validity")
    json.beginObject()
    json.member("verdict", run.validityVerdict.rawValue)
    for (name, reasons) in [("reasons", run.doubts), ("notes", run.notes)] {
      json.key(name)
      json.beginArray()
      for reason in reasons {
        json.beginObject()
        json.member("name", reason.name)
        json.member("from_s", reason.fromNanoseconds.map { rounded(run.seconds(at: $0)) })
        json.member("to_s", reason.toNanoseconds.map { rounded(run.seconds(at: $0)) })
        json.member("detail", reason.detail)
        json.endObject()
      }
      json.endArray()
    }
    json.endObject()
  }

  private static func writeSteps(of run: RunRecord, to json: inout JSONWriter) {
    json.key("steps")
    json.beginObject()
    for step in run.steps {
      json.key(step.info.id)
      json.beginObject()
      json.member("count", step.count)
      json.member("failed", step.failed)
      json.member("unknown", step.unknown)
      json.member("skipped", step.skipped)
      json.key("service")
      write(step.service, to: &json)
      json.key("pool_wait")
      if step.poolWait.isEmpty { json.null() } else { write(step.poolWait, to: &json) }
      json.endObject()
    }
    json.endObject()
  }

  private static func writeEvents(of run: RunRecord, to json: inout JSONWriter) {
    json.key("events")
    json.beginObject()
    for event in run.events {
      json.key(event.info.name)
      json.beginObject()
      json.member("attempted", event.counts?.attempted)
      json.member("committed", event.counts?.committed)
      json.member("rolled_back", event.counts?.rolledBack)
      json.member("unknown", event.counts?.unknown)
      json.key("hops")
      json.beginObject()
      for hop in event.hops {
        json.key(hop.info.name)
        write(hop, of: event, to: &json)
      }
      json.endObject()
      json.endObject()
    }
    json.endObject()
  }

  private static func write(_ hop: HopRecord, of event: EventRecord, to json: inout JSONWriter) {
    json.beginObject()
    json.member("how", hop.info.how)
    json.member("ok", hop.counts.ok)
    json.member("late", hop.counts.late)
    json.member("lost", hop.counts.lost)
    json.member("unobserved", hop.counts.unobserved)
    json.member("superseded", hop.counts.superseded)
    json.member("blocked", hop.counts.blocked)
    json.member("recovered", hop.counts.recovered)
    json.member("absent", hop.counts.absent)
    json.member("unexpected", hop.counts.unexpected)
    json.member("aborted", hop.counts.aborted)
    json.member("duplicate", hop.counts.duplicate)
    json.member("reordered", hop.counts.reordered)
    json.member("reordered_extent", hop.counts.reorderedExtentMax)
    json.member("mismatch", hop.counts.mismatch)
    json.member("regressed", hop.counts.regressed)
    json.member("stale_final", hop.counts.staleFinal)
    json.member("missing", hop.counts.missing)
    json.member("extra", hop.counts.extra)
    json.member("foreign", hop.counts.foreign)
    json.member("visible_before_ack", hop.visibleBeforeAck)
    json.key("observer")
    json.beginObject()
    json.member("how", hop.info.how)
    json.member("why", hop.observation?.reason ?? "")
    json.member("operations", (hop.observation?.operations ?? 0) - (hop.observation?.fences ?? 0))
    json.member("fences", hop.observation?.fences ?? 0)
    json.endObject()
    json.key("resolution_s")
    if let resolution = hop.resolutionNanoseconds { json.rawNumber(Quantities.seconds(resolution)) } else { json.null() }
    json.key("lag")
    json.beginObject()
    json.key("lo")
    write(hop.lagLow, to: &json)
    json.key("hi")
    write(hop.lagHigh, to: &json)
    json.endObject()
    json.key("stable")
    if hop.stableHigh.isEmpty {
      json.null()
    } else {
      json.beginObject()
      json.key("lo")
      write(hop.stableLow, to: &json)
      json.key("hi")
      write(hop.stableHigh, to: &json)
      json.endObject()
    }
    writeGuarantees(event.guarantees(of: hop), to: &json)
    json.key("curve")
    json.beginArray()
    for point in VisibilityCurve(of: hop, settle: event.info.settleNanoseconds ?? hop.lagHigh.maxNanoseconds ?? 0).points {
      json.beginArray()
      json.rawNumber(Quantities.seconds(point.at))
      json.double(share(point.low))
      json.double(share(point.high))
      json.endArray()
    }
    json.endArray()
    json.key("sweep")
    if let sweep = hop.sweep {
      json.beginObject()
      json.member("entries", sweep.entries)
      json.member("unread", sweep.unread)
      json.key("duration_s")
      json.rawNumber(Quantities.seconds(sweep.toNanoseconds - min(sweep.fromNanoseconds, sweep.toNanoseconds)))
      json.member("error", sweep.error)
      json.endObject()
    } else {
      json.null()
    }
    json.key("offenders")
    json.beginObject()
    for list in hop.offenders {
      json.key(list.kind)
      json.beginObject()
      json.member("count", list.count)
      json.key("ids")
      json.beginArray()
      for id in list.ids { json.string(id) }
      json.endArray()
      json.endObject()
    }
    json.endObject()
    json.endObject()
  }

  private static func writeGuarantees(_ guarantees: [GuaranteeRecord], to json: inout JSONWriter) {
    json.key("guarantees")
    json.beginObject()
    for found in guarantees {
      json.key(found.guarantee.rawValue)
      json.beginObject()
      json.member("required", found.isRequired)
      json.member("violated", found.counts?.violated)
      json.member("possible", found.counts?.possible)
      json.member("held", found.counts?.held)
      json.member("unchecked", found.counts?.unchecked)
      json.key("age")
      if found.ages.isEmpty {
        json.null()
      } else {
        json.beginObject()
        json.key("lo")
        write(found.ages.low, to: &json)
        json.key("hi")
        write(found.ages.high, to: &json)
        json.endObject()
      }
      json.member("unended", found.ages.unended)
      json.key("longest")
      json.beginArray()
      for violation in found.longest { write(violation, to: &json) }
      json.endArray()
      json.endObject()
    }
    json.endObject()
  }

  private static func write(_ violation: JournalGuarantee.Violation, to json: inout JSONWriter) {
    func seconds(_ name: String, _ nanoseconds: Int64?) {
      json.member(name, nanoseconds.map { Double($0) / 1e9 })
    }
    json.beginObject()
    json.member("id", violation.id)
    json.member("key", violation.key)
    json.member("version", violation.version.map { Int($0) })
    json.member("newer", violation.newer.map { Int($0) })
    seconds("age_lo_s", Int64(clamping: violation.ageLowNanoseconds))
    seconds("age_hi_s", violation.ageHighNanoseconds.map { Int64(clamping: $0) })
    seconds("since_ack_lo_s", violation.sinceAckLowNanoseconds)
    seconds("since_ack_hi_s", violation.sinceAckHighNanoseconds)
    json.endObject()
  }

  private static func share(_ value: Double) -> Double { (value * 1e6).rounded() / 1e6 }

  private static func writeChecks(of run: RunRecord, to json: inout JSONWriter) {
    json.key("checks")
    json.beginArray()
    for check in run.checks {
      json.beginObject()
      json.member("step", run.stepName(check.info.step))
      json.member("text", check.info.text)
      json.member("passed", check.passed)
      json.member("failed", check.failed)
      json.endObject()
    }
    json.endArray()
  }

  private static func writeErrors(of run: RunRecord, to json: inout JSONWriter) {
    json.key("errors")
    json.beginArray()
    for (index, failure) in run.failures.enumerated() {
      json.beginObject()
      json.member("fingerprint", failure.fingerprint.identity(stepName: run.stepName(failure.fingerprint.step)))
      json.member("step", run.stepName(failure.fingerprint.step))
      json.member("target", failure.fingerprint.target)
      json.member("class", failure.fingerprint.errorClass)
      json.member("code", failure.fingerprint.code)
      json.member("message", failure.fingerprint.message)
      json.member("count", failure.count)
      json.member("first_s", rounded(run.seconds(at: failure.firstNanoseconds)))
      json.member("last_s", rounded(run.seconds(at: failure.lastNanoseconds)))
      json.key("examples_s")
      json.beginArray()
      for instant in failure.exampleNanoseconds { json.double(rounded(run.seconds(at: instant))) }
      json.endArray()
      json.key("patterns")
      json.beginArray()
      for pattern in run.patterns(of: index) { write(pattern, to: &json) }
      json.endArray()
      json.endObject()
    }
    json.endArray()
  }

  private static func write(_ pattern: ErrorPattern, to json: inout JSONWriter) {
    let (kind, of, value) = pattern.parts
    json.beginObject()
    json.member("kind", kind)
    json.member("of", of)
    json.member("value", value)
    if case .burst(let from, let to) = pattern.circumstance {
      json.member("from_s", from)
      json.member("to_s", to)
    }
    json.member("failures", pattern.hits)
    json.member("of_failures", pattern.total)
    json.member("attempt_share", rounded(pattern.attemptShare))
    json.member("rate_ratio", pattern.ratio.map { rounded($0) })
    json.member("p_value", pattern.pValue < 1e-12 ? 0 : pattern.pValue)
    json.member("text", pattern.phrase)
    json.endObject()
  }

  private static func writePools(of run: RunRecord, to json: inout JSONWriter) {
    json.key("pools")
    json.beginObject()
    for pool in run.pools where pool.size > 0 {
      json.key(pool.info.name)
      json.beginObject()
      json.member("kind", pool.info.kind)
      json.member("size", pool.size)
      json.member("shared", pool.isShared)
      json.member("utilisation", pool.utilisation.map { ($0 * 1e6).rounded() / 1e6 })
      json.key("in_flight")
      if let mean = pool.inFlightMean {
        json.beginObject()
        json.member("mean", (mean * 1e3).rounded() / 1e3)
        json.member("max", pool.inFlightMax)
        json.endObject()
      } else {
        json.null()
      }
      json.member("waits", pool.waits)
      json.member("refused", pool.refused)
      json.key("wait")
      if pool.wait.isEmpty { json.null() } else { write(pool.wait, to: &json) }
      json.key("exhausted_s")
      json.rawNumber(Quantities.seconds(pool.exhaustedNanoseconds))
      json.key("exhausted")
      json.beginArray()
      for span in pool.exhaustions {
        json.beginObject()
        json.member("from_s", rounded(run.seconds(at: span.lowerBound)))
        json.member("to_s", rounded(run.seconds(at: span.upperBound)))
        json.endObject()
      }
      json.endArray()
      json.member("reconnects", pool.reconnects)
      json.member("connect_failures", pool.connectFailures)
      json.endObject()
    }
    json.endObject()
  }

  private static func writeGenerator(of run: RunRecord, to json: inout JSONWriter) {
    json.key("generator")
    json.beginObject()
    json.key("loop_lateness")
    write(run.generator.loopLateness, to: &json)
    json.key("longest_gap_s")
    json.rawNumber(Quantities.seconds(run.generator.longestGapNanoseconds))
    json.key("longest_turn_s")
    json.rawNumber(Quantities.seconds(run.generator.longestTurnNanoseconds))
    json.member("cpu_share", share(run.generator.cpuNanoseconds, of: run.generator.cpuAllowedNanoseconds))
    json.key("cpu_load_s")
    if let used = run.loadCPUNanoseconds { json.rawNumber(Quantities.seconds(used)) } else { json.null() }
    json.member("steal_share", share(run.generator.stealNanoseconds, of: run.generator.watchedNanoseconds))
    json.member("cpu_wait_share", share(run.generator.cpuWaitNanoseconds, of: run.generator.watchedNanoseconds))
    json.key("throttled_s")
    json.rawNumber(Quantities.seconds(run.generator.throttledNanoseconds))
    json.member("late_user_free", run.generator.lateUserFree)
    json.member("late_no_user_free", run.generator.lateNoUserFree)
    json.member("observer_reads", run.generator.observerReads)
    json.member("observer_late_reads", run.generator.observerLateReads)
    json.key("observer_lag_max_s")
    json.rawNumber(Quantities.seconds(run.generator.observerLagNanosecondsMax))
    json.member("foreign_enqueues", run.generator.foreignEnqueues)
    json.endObject()
  }

  /// Q of MEASUREMENT.md: seconds; what there is too little data for is null.
  private static func write(_ values: HistogramSnapshot, to json: inout JSONWriter) {
    func seconds(_ name: String, _ nanoseconds: UInt64?) {
      json.key(name)
      if let nanoseconds { json.rawNumber(Quantities.seconds(nanoseconds)) } else { json.null() }
    }
    json.beginObject()
    json.member("count", values.count)
    seconds("min", values.minNanoseconds)
    seconds("mean", values.meanNanoseconds.map { UInt64($0.rounded()) })
    for quantile in quantiles { seconds(quantile.name, values.estimableQuantile(quantile.q)) }
    seconds("max", values.maxNanoseconds)
    json.endObject()
  }

  private static func share(_ part: UInt64, of whole: UInt64) -> Double? {
    whole == 0 ? nil : (Double(part) / Double(whole) * 1e6).rounded() / 1e6
  }

  /// Microseconds are enough for where something happened.
  private static func rounded(_ seconds: Double) -> Double {
    (seconds * 1e6).rounded() / 1e6
  }
}

extension RunRecord {
  /// A step's id; nil outside of steps.
  func stepName(_ index: Int?) -> String? {
    guard let index, steps.indices.contains(index) else { return nil }
    return steps[index].info.id
  }
}

extension ErrorFingerprint {
  /// 16 hex digits that name this fingerprint in every run (64-bit FNV-1a; Swift's own hash is seeded anew each time).
  func identity(stepName: String?) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for part in [stepName ?? "", target, errorClass, code, message] {
      for byte in part.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
      hash = (hash ^ 0xff) &* 0x100_0000_01b3
    }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
