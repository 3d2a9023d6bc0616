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
    json.nonEmpty("start_delay_waited", startDelayWaited)
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
      for guarantee in SessionGuarantee.allCases {
        guard let ages = hop.ages[guarantee], !ages.isEmpty else { continue }
        json.nonEmpty(guarantee.rawValue + "_lo", ages.low)
        json.nonEmpty(guarantee.rawValue + "_hi", ages.high)
      }
      json.nonZero("before_ack", hop.visibleBeforeAck)
    }
    json.objects("checks", checks) { check, json in
      json.member("check", check.check)
      json.nonZero("passed", check.passed)
      json.nonZero("failed", check.failed)
    }
    json.objects("retries", retries) { retry, json in
      json.member("retry", retry.retry)
      json.list("attempts", retry.attempts) { $1.unsigned($0) }
    }
    json.objects("pools", pools) { pool, json in pool.writeMembers(to: &json) }
    if generator != GeneratorHealth() {
      json.key("generator")
      generator.write(to: &json)
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
    startDelayWaited = HistogramSnapshot(json["start_delay_waited"])
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
      hop.ages[.readYourWrites] = ViolationAges($0["read_your_writes_lo"], $0["read_your_writes_hi"])
      hop.ages[.monotonicReads] = ViolationAges($0["monotonic_reads_lo"], $0["monotonic_reads_hi"])
      hop.visibleBeforeAck = $0.unsigned("before_ack")
      return hop
    }
    checks = json.list("checks") {
      CheckInterval(check: $0.int("check"), passed: $0.unsigned("passed"), failed: $0.unsigned("failed"))
    }
    retries = json.list("retries") { RetryInterval(retry: $0.int("retry"), attempts: $0.list("attempts") { $0.integer() ?? 0 }) }
    pools = json.list("pools") { PoolInterval($0) }
    if let health = json["generator"] { generator = GeneratorHealth(health) }
    if let counts = json["probes"] {
      probes = ProbeCounts(operations: counts.unsigned("operations"), targetOperations: counts.unsigned("target"), fences: counts.unsigned("fences"))
    }
  }
}

extension ViolationAges {
  fileprivate init?(_ low: JSONValue?, _ high: JSONValue?) {
    guard let low else { return nil }
    self.init()
    self.low = HistogramSnapshot(low)
    self.high = HistogramSnapshot(high)
  }
}
