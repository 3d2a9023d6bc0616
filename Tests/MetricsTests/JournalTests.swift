import Glibc
import LosslessJSON
import Metrics
import Testing

@Suite struct JournalTests {
  private func start() -> JournalStart {
    var start = JournalStart()
    start.runID = "r1"
    start.versions = [NamedText("chainrun", "0.1")]
    start.host.name = "box"
    start.host.cpusAllowed = 2
    start.chain = "order-flow"
    start.chainHash = "abc"
    start.profile = "steady"
    start.profileText = "open, 200/s constant, 2 s"
    start.model = .open
    start.seed = 18_446_744_073_709_551_615
    start.askedArrivalsPerSecond = 200
    start.warmUpNanoseconds = 1_000_000_000
    start.monotonicNanoseconds = 5_000_000_000
    start.realtimeNanoseconds = 1_785_400_000_000_000_000
    start.steps = [
      StepInfo(id: "insert_order", verb: "sql", method: "INSERT", connection: "db", line: 12),
      StepInfo(id: "wait", verb: "await", countsAsOperation: false),
    ]
    start.measures = ["insert_to_replica"]
    start.events = [
      EventInfo(
        name: "order_created", originStep: 0, deadlineNanoseconds: 2_000_000_000,
        hops: [HopInfo(name: "queued", connection: "mq", how: "tap", target: "orders"), HopInfo(name: "cached", how: "tracking")])
    ]
    start.checks = [CheckInfo(step: 0, text: "affected == 1", line: 14)]
    start.thresholds = ["p99(step.insert_order) < 20ms"]
    return start
  }

  private func histogram(_ values: [UInt64]) -> HistogramSnapshot {
    let histogram = Histogram()
    for value in values { histogram.record(value) }
    return histogram.snapshot()
  }

  private func interval(second: UInt64, reactor: Int = 0, isWarmUp: Bool = false, arrivals: UInt64 = 10) -> JournalInterval {
    var interval = JournalInterval()
    interval.startNanoseconds = 10_000_000_000 + second * 1_000_000_000
    interval.endNanoseconds = interval.startNanoseconds + 1_000_000_000
    interval.reactor = reactor
    interval.isWarmUp = isWarmUp
    interval.iterations.arrivals = arrivals
    interval.iterations.started = arrivals
    interval.iterations.completed = arrivals - 1
    interval.iterations.failed = 1
    interval.usersBusy = 3
    interval.usersTotal = 8
    interval.response = histogram([2_000, 3_000 + second])
    interval.startDelay = histogram([10])
    interval.service = histogram([1_000])
    var step = StepInterval(step: 0)
    step.count = arrivals
    step.failed = 1
    step.unknown = 2
    step.skipped = 3
    step.responseBytes = 77
    step.service = histogram([500, 600, 70_000])
    step.poolWait = histogram([5])
    interval.steps = [step]
    interval.measures = [MeasureInterval(measure: 0, values: histogram([9]))]
    var hop = HopInterval(event: 0, hop: 1)
    hop.lagLow = histogram([100])
    hop.lagHigh = histogram([200])
    hop.width = histogram([100])
    hop.visibleBeforeAck = 1
    interval.hops = [hop]
    interval.checks = [CheckInterval(check: 0, passed: arrivals - 1, failed: 1)]
    interval.generator.loopLateness = histogram([50])
    interval.generator.longestGapNanoseconds = 70 + second
    interval.generator.cpuNanoseconds = 5
    interval.generator.cpuAllowedNanoseconds = 20
    interval.generator.stealNanoseconds = 1
    interval.generator.lateUserFree = 2
    interval.generator.lateNoUserFree = 4
    interval.generator.foreignEnqueues = 6
    interval.probes = ProbeCounts(operations: 1, targetOperations: 99)
    return interval
  }

  private func ledger() -> JournalLedger {
    var queued = HopCounts()
    queued.ok = 2
    queued.duplicate = 0
    var cached = HopCounts()
    cached.ok = 1
    cached.lost = 1
    return JournalLedger(event: 0, counts: EventCounts(attempted: 3, committed: 2, rolledBack: 1), hops: [queued, cached])
  }

  private func rows() -> [JournalEventRow] {
    [
      JournalEventRow(
        event: 0, hop: 0, id: "1", key: "k", version: "2", sentNanoseconds: 10_000_000_100, ackedNanoseconds: 10_000_000_200,
        lowNanoseconds: 10_000_000_150, highNanoseconds: 10_000_000_300, outcome: .ok, anomalies: [.duplicate, .staleFinal]),
      JournalEventRow(event: 0, hop: 1, id: "1", outcome: .ok),
      JournalEventRow(event: 0, hop: 0, id: "2", outcome: .ok),
      JournalEventRow(event: 0, hop: 1, id: "2", outcome: .lost),
      JournalEventRow(event: 0, hop: 1, id: "9007199254740993", outcome: .absent),
    ]
  }

  private let gap = JournalGap(event: 0, hop: 1, connection: "cache", fromNanoseconds: 1, toNanoseconds: 2, reason: "connection lost")
  private let validity = JournalValidity(verdict: .degraded, name: "cpu", fromNanoseconds: 10_500_000_000, detail: "71 %")
  private let threshold = JournalThreshold(text: "p99(step.insert_order) < 20ms", verdict: .pass, observed: "70 µs", detail: "x")
  private let failure = JournalFailure(
    fingerprint: ErrorFingerprint(step: 0, target: "postgres", errorClass: "constraint", code: "23505", maskedMessage: "duplicate"),
    count: 2, firstNanoseconds: 10_100_000_000, lastNanoseconds: 11_200_000_000, exampleNanoseconds: [10_100_000_000])

  private func whole() -> [UInt8] {
    var json = JSONWriter()
    start().write(to: &json)
    JournalPhase(name: .setup, atNanoseconds: 6_000_000_000).write(to: &json)
    JournalPhase(name: .warmUp, atNanoseconds: 9_000_000_000).write(to: &json)
    var warmUp = interval(second: 0, isWarmUp: true)
    warmUp.startNanoseconds = 9_000_000_000
    warmUp.endNanoseconds = 10_000_000_000
    warmUp.write(to: &json)
    JournalPhase(name: .load, atNanoseconds: 10_000_000_000).write(to: &json)
    interval(second: 0).write(to: &json)
    interval(second: 0, reactor: 1).write(to: &json)
    interval(second: 1).write(to: &json)
    failure.write(to: &json)
    for row in rows() { row.write(to: &json) }
    gap.write(to: &json)
    JournalPhase(name: .settle, atNanoseconds: 12_000_000_000).write(to: &json)
    ledger().write(to: &json)
    validity.write(to: &json)
    threshold.write(to: &json)
    JournalEnd(atNanoseconds: 13_000_000_000, exitCode: 4, interruptedBy: "SIGINT").write(to: &json)
    return json.bytes
  }

  private func roundTrip<Record: JournalRecord & Equatable>(_ record: Record) throws {
    let line = record.line()
    #expect(line.last == UInt8(ascii: "\n") && !line.dropLast().contains(UInt8(ascii: "\n")))
    let json = try JSONDocument(parsing: line).root
    #expect(json["r"]?.string == Record.kind.rawValue)
    #expect(Record(json) == record)
  }

  /// Folders of their own, so that tests do not meet.
  private func withJournal(_ body: (String) throws -> Void) throws {
    var template = Array("/tmp/chainrun-journal-XXXXXX".utf8CString)
    let folder = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
    defer {
      unlink(folder + "/journal.ndjson")
      rmdir(folder)
    }
    try body(folder + "/journal.ndjson")
  }

  @Test func `a lock on a journal says that its writer is there, and goes with it`() throws {
    try withJournal { path in
      #expect(!JournalLock.isHeld(journal: path) && JournalLock(journal: path) == nil, "no journal")
      let writer = try JournalWriter(creating: path)
      #expect(!JournalLock.isHeld(journal: path))
      let lock = try #require(JournalLock(journal: path))
      #expect(JournalLock.isHeld(journal: path) && JournalLock.isHeld(journal: path))
      #expect(JournalLock(journal: path) == nil, "one writer only")
      // The writer's own descriptor is another one: its end is not the run's.
      #expect(writer.close() && JournalLock.isHeld(journal: path))
      lock.release()
      #expect(!JournalLock.isHeld(journal: path))
    }
  }

  @Test func `a journal is gone through in its order, up to a line that a crash has torn`() throws {
    func told(_ bytes: [UInt8]) throws -> [String] {
      var told: [String] = []
      try withJournal { path in
        let file = try #require(fopen(path, "w"))
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
        try JournalReader.replay(path: path) { moment in
          switch moment {
          case .phase(let phase): told.append(phase.name.rawValue)
          case .ledger(let ledger): told.append("ledger \(ledger.counts.committed)")
          case .server: break
          case .interval(let interval): told.append("\(interval.startNanoseconds / 1_000_000_000)-\(interval.iterations.arrivals)")
          }
        }
      }
      return told
    }
    let all = ["setup", "warm_up", "9-10", "load", "10-10", "10-10", "11-10", "settle", "ledger 2"]
    let bytes = whole()
    #expect(try told(bytes) == all)
    let ledger = Array(#"{"r":"ledger""#.utf8)
    let place = try #require(bytes.indices.first { bytes[$0...].starts(with: ledger) })
    #expect(try told(Array(bytes[..<(place + 40)])) == Array(all.dropLast()), "torn in the middle of the ledger")
  }

  @Test func `counts of a ledger that are not final leave out what only the end can tell`() throws {
    var counts = ledger()
    counts.hops[0].staleFinal = 0
    counts.hops[0].missing = 0
    counts.counts.committed = 5
    counts.counts.attempted = 6
    let soFar = counts.soFar(at: 11_000_000_000)
    var record = try JournalReader.read(bytes: start().line() + soFar.line())
    #expect(record.events[0].counts?.committed == 5 && !record.events[0].isFinal)
    #expect(record.events[0].hops[0].counts.ok == 2 && record.events[0].hops[0].counts.missing == nil && record.events[0].hops[0].counts.staleFinal == nil)
    record = try JournalReader.read(bytes: start().line() + soFar.line() + ledger().line())
    #expect(record.events[0].counts?.committed == 2 && record.events[0].isFinal)
  }

  @Test func `of an output the last word counts`() throws {
    let lines = [
      JournalOutput(.otlp, delivered: 3), JournalOutput(.port, delivered: 7), JournalOutput(.otlp, delivered: 5, lost: 2, reason: "status 503"),
    ].map { $0.line() }
    let record = try JournalReader.read(bytes: start().line() + Array(lines.joined()))
    #expect(record.outputs == [JournalOutput(.otlp, delivered: 5, lost: 2, reason: "status 503"), JournalOutput(.port, delivered: 7)])
    #expect(record.outputs.map(\.loss) == ["2 of 7 reports did not arrive (status 503)", nil])
  }

  @Test func `every record reads back as it was written`() throws {
    try roundTrip(start())
    try roundTrip(JournalOutput(.file, delivered: 9, lost: 1, reason: "no space left on device"))
    try roundTrip(ledger().soFar(at: 12))
    try roundTrip(
      JournalValidity(verdict: .valid, name: "steal", fromNanoseconds: 1, toNanoseconds: 2, detail: "3 %", measured: .init("# of it", 0.03, .share)))
    try roundTrip(JournalValidity(verdict: .degraded, name: "loop-gap", detail: "1 s", measured: .init("for #", 1e9, .nanoseconds)))
    try roundTrip(JournalStart())
    try roundTrip(JournalPhase(name: .warmUp, atNanoseconds: 1))
    try roundTrip(JournalPhase(name: .settle, atNanoseconds: 2, cpuNanoseconds: 3))
    try roundTrip(interval(second: 3, reactor: 2, isWarmUp: true))
    try roundTrip(JournalInterval())
    try roundTrip(failure)
    for row in rows() { try roundTrip(row) }
    try roundTrip(GuaranteeJournal.start())
    try roundTrip(GuaranteeJournal.interval(0))
    try roundTrip(GuaranteeJournal.ledger())
    try roundTrip(GuaranteeJournal.longest())
    try roundTrip(gap)
    try roundTrip(ledger())
    try roundTrip(validity)
    try roundTrip(threshold)
    try roundTrip(JournalEnd(atNanoseconds: 1, exitCode: 0))
  }

  @Test func `the load's processor time is what was used from its beginning, warm-up included, until it settled, and unknown if it did not`() {
    let setup = JournalPhase(name: .setup, atNanoseconds: 1, cpuNanoseconds: 10)
    let warmUp = JournalPhase(name: .warmUp, atNanoseconds: 2, cpuNanoseconds: 40)
    // Written ahead, when the warm-up begins.
    let ahead = JournalPhase(name: .load, atNanoseconds: 3)
    let load = JournalPhase(name: .load, atNanoseconds: 3, cpuNanoseconds: 50)
    let settle = JournalPhase(name: .settle, atNanoseconds: 4, cpuNanoseconds: 900)
    let sweep = JournalPhase(name: .sweep, atNanoseconds: 5)
    func used(_ phases: JournalPhase...) -> UInt64? {
      var record = RunRecord()
      record.phases = phases
      return record.loadCPUNanoseconds
    }
    #expect(used(setup, warmUp, ahead, settle, sweep) == 860)
    #expect(used(setup, load, settle, sweep) == 850)
    #expect(used(setup, load) == nil)
    // A journal from before it was kept.
    #expect(used(JournalPhase(name: .load, atNanoseconds: 3), JournalPhase(name: .settle, atNanoseconds: 4)) == nil)
  }

  @Test func `a journal reads back as the sum of its records`() throws {
    var seen: [JournalEventRow] = []
    let record = try JournalReader.read(bytes: whole()) { (row) throws(JournalReadError) in seen.append(row.decoded) }
    #expect(seen == rows())
    #expect(record.start == start())
    #expect(!record.isCrashed && record.end?.exitCode == 4 && record.damagedLines == 0)
    #expect(record.loadStartNanoseconds == 10_000_000_000 && record.durationSeconds == 2)
    #expect(record.iterations.arrivals == 30 && record.iterations.failed == 3 && record.iterations.areConserved)
    #expect(record.warmUpIterations.arrivals == 10)
    #expect(record.response.count == 6 && record.response.max == 3_001)
    #expect(record.steps[0].count == 30 && record.steps[0].service.count == 9 && record.steps[0].responseBytes == 231)
    #expect(record.steps[1].count == 0)
    #expect(record.measures[0].values.count == 3)
    #expect(record.events[0].counts == ledger().counts)
    #expect(record.events[0].hops.map(\.counts) == ledger().hops)
    #expect(record.events[0].hops[1].visibleBeforeAck == 3 && record.events[0].hops[1].width.quantile(0.5) == 100)
    #expect(record.events[0].hops[1].offenders.map(\.kind) == ["lost", "info:absent"])
    #expect(record.events[0].hops[1].offenders[1].ids == ["9007199254740993"])
    #expect(record.checks[0].failed == 3)
    #expect(record.failures == [failure] && record.failureCount == 2)
    #expect(record.validityVerdict == .degraded && record.thresholds == [threshold] && record.gaps == [gap])
    #expect(record.generator.longestGapNanoseconds == 71 && record.generator.cpuNanoseconds == 15)
    #expect(abs(record.probes.share - 0.01) < 1e-12)
    #expect(record.seconds(at: 9_500_000_000) == -0.5)
    #expect(record.realtimeNanoseconds(at: 6_000_000_000) == 1_785_400_001_000_000_000)

    #expect(record.seconds.map(\.second) == [-1, 0, 1])
    #expect(record.seconds.map(\.isWarmUp) == [true, false, false])
    #expect(record.seconds[1].iterations.arrivals == 20 && record.seconds[1].usersTotal == 16)
    #expect(record.seconds[1].steps[0].service.count == 6)
    #expect(record.seconds[2].failures == 2)
  }

  @Test func `a run that crashed is told from its journal, cut at any byte`() throws {
    let bytes = whole()
    let firstLine = try #require(bytes.firstIndex(of: UInt8(ascii: "\n")))
    for end in stride(from: firstLine, to: bytes.count - 2, by: 7) {
      let record = try JournalReader.read(bytes: Array(bytes[..<end]))
      #expect(record.isCrashed && record.damagedLines == 0, "cut at \(end)")
    }
    #expect(throws: JournalReadError.noStart) { try JournalReader.read(bytes: Array(bytes[..<20])) }
    #expect(throws: JournalReadError.noStart) { try JournalReader.read(bytes: []) }
    let withoutLastNewline = try JournalReader.read(bytes: Array(bytes.dropLast()))
    #expect(!withoutLastNewline.isCrashed)
  }

  @Test func `without a ledger the rows are counted`() throws {
    let lines = whole().split(separator: UInt8(ascii: "\n")).filter { !String(decoding: $0, as: UTF8.self).contains(#""r":"ledger""#) }
    let record = try JournalReader.read(bytes: Array(lines.joined(separator: [UInt8(ascii: "\n")])))
    let hop = record.events[0].hops[1].counts
    #expect(record.events[0].counts == nil)
    #expect(hop.ok == 1 && hop.lost == 1 && hop.absent == 1 && hop.isViolated)
    #expect(record.events[0].hops[0].counts.duplicate == 1 && record.events[0].hops[0].counts.staleFinal == 1)
  }

  @Test func `damaged lines are counted, records of a newer version are passed over`() throws {
    var bytes = whole()
    bytes.append(contentsOf: Array("{\"r\":\"from the future\"}\n{\"broken\n{\"a\":1}\n".utf8))
    let record = try JournalReader.read(bytes: bytes)
    #expect(record.damagedLines == 2)
    var newer = start()
    newer.format = 2
    #expect(throws: JournalReadError.unsupportedFormat(2)) { try JournalReader.read(bytes: newer.line()) }
  }

  // The writer.

  private func withTemporaryDirectory(_ body: (String) throws -> Void) rethrows {
    var template = Array("/tmp/chainrun-journal-XXXXXX".utf8CString)
    let path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
    defer {
      unlink(path + "/journal.ndjson")
      rmdir(path)
    }
    try body(path)
  }

  @Test func `what is appended from several threads reaches the file, each record whole`() async throws {
    var template = Array("/tmp/chainrun-journal-XXXXXX".utf8CString)
    let directory = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
    let path = directory + "/journal.ndjson"
    defer {
      unlink(path)
      rmdir(directory)
    }
    let writer = try JournalWriter(creating: path)
    writer.append(start())
    await withTaskGroup(of: Void.self) { group in
      for reactor in 0..<4 {
        group.addTask {
          for second in 0..<50 { writer.append(interval(second: UInt64(second), reactor: reactor)) }
          writer.append(rows())
        }
      }
    }
    writer.append(JournalEnd(atNanoseconds: 1, exitCode: 0))
    #expect(writer.close())
    #expect(writer.close(), "a second close has nothing to do")
    writer.append(JournalEnd(atNanoseconds: 2, exitCode: 1))
    let record = try JournalReader.read(path: path)
    #expect(record.iterations.arrivals == 2_000 && record.seconds.count == 50 && record.end?.exitCode == 0)
    #expect(record.events[0].hops[0].counts.ok == 8)
    var info = stat()
    #expect(stat(path, &info) == 0 && info.st_mode & 0o777 == 0o600)
  }

  @Test func `a journal is never written over, and a missing folder is an error`() throws {
    try withTemporaryDirectory { directory in
      let writer = try JournalWriter(creating: directory + "/journal.ndjson")
      #expect(throws: JournalFailureState(operation: .create, code: EEXIST)) {
        try JournalWriter(creating: directory + "/journal.ndjson")
      }
      #expect(throws: JournalFailureState.self) { try JournalWriter(creating: directory + "/none/journal.ndjson") }
      #expect(writer.close())
    }
  }

  @Test func `a full disk is reported once, and never traps or blocks`() throws {
    // /dev/full takes no bytes; it exists already, hence the writer's other door.
    let writer = try JournalWriter(appendingTo: "/dev/full")
    writer.append(start())
    var failure: JournalFailureState?
    for _ in 0..<500 where failure == nil {
      usleep(10_000)
      failure = writer.takeFailure()
    }
    #expect(failure == JournalFailureState(operation: .write, code: ENOSPC))
    #expect(writer.takeFailure() == nil)
    writer.append(rows())
    #expect(!writer.close())
    #expect(writer.failure?.lostRecords == 5)
  }
}
