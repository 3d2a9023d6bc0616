import ChainIO
import ChainProgram
import ChainRuntime
import Metrics
import Synchronization
import Testing

internal import Glibc

/// A whole run against the scripted system: on a thread of its own, with a journal that is read back.
struct RunBench {
  var program: Program
  let profile: LoadProfile
  let script: Script
  var seed: UInt64 = 7
  var askedArrivals: UInt64?
  var secretValues: [(slot: SlotIndex, value: Value)] = []

  struct Outcome {
    let result: RunResult
    let record: RunRecord
    let rows: [JournalEventRow]
    let phases: [RunProgress.Phase]
    let reports: [RunProgress]
    let moments: [JournalMoment]
  }

  /// - Parameters:
  ///   - interrupt: Called once the run has started, and before it when `isInterruptedEarly`.
  func perform(isInterruptedEarly: Bool = false, interrupt: (Run) -> Void = { _ in }) throws -> Outcome {
    var template = Array("/tmp/chainrun-test-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let path = folder + "/journal.ndjson"
    defer {
      unlink(path)
      rmdir(folder)
    }
    let journal = try JournalWriter(creating: path)
    journal.append(start)
    let connector = ScriptedConnector(script: script)
    let progress = Progress()
    var plan = RunPlan(
      program: program, profile: profile, seed: seed, runID: "run-1",
      connectors: program.connections.map { _ in connector }, targets: program.connections.map { _ in ScriptedConnector.Target() },
      journal: journal, onProgress: { progress.saw($0) })
    plan.secretValues = secretValues
    let run = try Run(plan: plan)
    if isInterruptedEarly { interrupt(run) }
    try run.start()
    if !isInterruptedEarly { interrupt(run) }
    let result = try #require(run.wait(milliseconds: 20_000), "the run did not end")
    try #require(journal.close())
    var rows: [JournalEventRow] = []
    let record = try JournalReader.read(path: path) { (row) throws(JournalReadError) in rows.append(row.decoded) }
    var moments: [JournalMoment] = []
    try JournalReader.replay(path: path) { moments.append($0) }
    return Outcome(result: result, record: record, rows: rows, phases: progress.phases, reports: progress.reports, moments: moments)
  }

  private final class Progress: Sendable {
    private let seen = Mutex<[RunProgress]>([])
    var reports: [RunProgress] { seen.withLock { $0 } }
    /// In their order, each once.
    var phases: [RunProgress.Phase] { reports.map(\.phase).reduce(into: []) { if $0.last != $1 { $0.append($1) } } }
    func saw(_ report: RunProgress) { seen.withLock { $0.append(report) } }
  }

  private var start: JournalStart {
    var start = JournalStart()
    start.chain = program.chain
    start.profile = profile.name
    if case .open = profile.model { start.model = .open }
    start.askedArrivals = askedArrivals
    start.monotonicNanoseconds = MonotonicClock.now
    start.steps = program.steps.map { StepInfo(id: $0.id, verb: $0.verb) }
    start.checks = program.checks.map { CheckInfo(step: $0.step.index, text: $0.text) }
    start.measures = program.measures.map(\.name)
    start.events = program.events.map { EventInfo(name: $0.name, hops: $0.hops.map { HopInfo(name: $0.name) }) }
    return start
  }
}

func sleep(nanoseconds: UInt64) {
  var time = timespec(tv_sec: Int(nanoseconds / seconds), tv_nsec: Int(nanoseconds % seconds))
  nanosleep(&time, nil)
}
