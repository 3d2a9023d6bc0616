package import LosslessJSON

extension JournalInterval {
  package func writeMembers(to json: inout JSONWriter) {
    json.member("from_ns", startNanoseconds)
    json.member("to_ns", endNanoseconds)
    if reactor != 0 { json.member("reactor", reactor) }
    if isWarmUp { json.member("warm_up", true) }
    json.key("iterations")
    iterations.write(to: &json)
    if early != IterationCounts() {
      json.key("early")
      early.write(to: &json)
    }
    json.optional("asked", askedArrivals)
    json.optional("asked_users", askedUsers)
    pauses.write(to: &json)
    json.member("busy", usersBusy)
    json.member("users", usersTotal)
    json.nonEmpty("response", response)
    json.nonEmpty("start_delay", startDelay)
    json.nonEmpty("service", service)
    json.objects("steps", steps) { step, json in
      json.member("step", step.step)
      json.member("count", step.count)
      json.nonZero("failed", step.failed)
      json.nonZero("unknown", step.unknown)
      json.nonZero("skipped", step.skipped)
      json.nonZero("bytes", step.responseBytes)
      json.nonEmpty("service", step.service)
      json.nonEmpty("pool_wait", step.poolWait)
    }
    json.objects("measures", measures) { measure, json in
      json.member("measure", measure.measure)
      json.nonEmpty("values", measure.values)
    }
    json.objects("hops", hops) { hop, json in
      json.member("event", hop.event)
      json.member("hop", hop.hop)
      json.nonEmpty("lo", hop.lagLow)
      json.nonEmpty("hi", hop.lagHigh)
      json.nonEmpty("width", hop.width)
      json.nonEmpty("stable_lo", hop.stableLow)
      json.nonEmpty("stable_hi", hop.stableHigh)
      json.nonZero("before_ack", hop.visibleBeforeAck)
    }
    json.objects("checks", checks) { check, json in
      json.member("check", check.check)
      json.nonZero("passed", check.passed)
      json.nonZero("failed", check.failed)
    }
    if generator != GeneratorHealth() {
      json.key("generator")
      json.beginObject()
      json.nonEmpty("lateness", generator.loopLateness)
      json.nonZero("gap_ns", generator.longestGapNanoseconds)
      json.nonZero("turn_ns", generator.longestTurnNanoseconds)
      json.nonZero("cpu_ns", generator.cpuNanoseconds)
      json.nonZero("cpu_allowed_ns", generator.cpuAllowedNanoseconds)
      json.nonZero("steal_ns", generator.stealNanoseconds)
      json.nonZero("late_user_free", generator.lateUserFree)
      json.nonZero("late_no_user_free", generator.lateNoUserFree)
      json.nonZero("foreign_enqueues", generator.foreignEnqueues)
      json.endObject()
    }
    if probes != ProbeCounts() {
      json.key("probes")
      json.beginObject()
      json.member("operations", probes.operations)
      json.member("target", probes.targetOperations)
      json.nonZero("fences", probes.fences)
      json.endObject()
    }
  }

  package init(_ json: JSONValue) {
    self.init()
    startNanoseconds = json.unsigned("from_ns")
    endNanoseconds = json.unsigned("to_ns")
    reactor = json.int("reactor")
    isWarmUp = json.bool("warm_up")
    if let counts = json["iterations"] { iterations = IterationCounts(counts) }
    askedArrivals = json.optionalDouble("asked")
    askedUsers = json.optionalDouble("asked_users")
    pauses = PauseCounts(json)
    if let counts = json["early"] { early = IterationCounts(counts) }
    usersBusy = json.unsigned("busy")
    usersTotal = json.unsigned("users")
    response = HistogramSnapshot(json["response"])
    startDelay = HistogramSnapshot(json["start_delay"])
    service = HistogramSnapshot(json["service"])
    steps = json.list("steps") {
      var step = StepInterval(step: $0.int("step"))
      step.count = $0.unsigned("count")
      step.failed = $0.unsigned("failed")
      step.unknown = $0.unsigned("unknown")
      step.skipped = $0.unsigned("skipped")
      step.responseBytes = $0.unsigned("bytes")
      step.service = HistogramSnapshot($0["service"])
      step.poolWait = HistogramSnapshot($0["pool_wait"])
      return step
    }
    measures = json.list("measures") { MeasureInterval(measure: $0.int("measure"), values: HistogramSnapshot($0["values"])) }
    hops = json.list("hops") {
      var hop = HopInterval(event: $0.int("event"), hop: $0.int("hop"))
      hop.lagLow = HistogramSnapshot($0["lo"])
      hop.lagHigh = HistogramSnapshot($0["hi"])
      hop.width = HistogramSnapshot($0["width"])
      hop.stableLow = HistogramSnapshot($0["stable_lo"])
      hop.stableHigh = HistogramSnapshot($0["stable_hi"])
      hop.visibleBeforeAck = $0.unsigned("before_ack")
      return hop
    }
    checks = json.list("checks") {
      CheckInterval(check: $0.int("check"), passed: $0.unsigned("passed"), failed: $0.unsigned("failed"))
    }
    if let health = json["generator"] {
      generator.loopLateness = HistogramSnapshot(health["lateness"])
      generator.longestGapNanoseconds = health.unsigned("gap_ns")
      generator.longestTurnNanoseconds = health.unsigned("turn_ns")
      generator.cpuNanoseconds = health.unsigned("cpu_ns")
      generator.cpuAllowedNanoseconds = health.unsigned("cpu_allowed_ns")
      generator.stealNanoseconds = health.unsigned("steal_ns")
      generator.lateUserFree = health.unsigned("late_user_free")
      generator.lateNoUserFree = health.unsigned("late_no_user_free")
      generator.foreignEnqueues = health.unsigned("foreign_enqueues")
    }
    if let counts = json["probes"] {
      probes = ProbeCounts(operations: counts.unsigned("operations"), targetOperations: counts.unsigned("target"), fences: counts.unsigned("fences"))
    }
  }
}
