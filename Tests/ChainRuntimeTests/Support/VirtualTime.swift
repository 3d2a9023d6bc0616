import CVirtualClock
import ChainIO
import ChainProgram
import Metrics
import Testing

@testable import ChainRuntime

internal import Glibc

/// Runs on the test's own thread in a time of its own: what takes no virtual time is instantaneous, waits take none of the machine's, and every
/// timer fires at its exact moment. Nothing else may share the reactor's thread.
enum VirtualTime {
  static func run<Result>(_ body: () throws -> Result) rethrows -> Result {
    cvirtualclock_begin(1_000 * seconds)
    defer { cvirtualclock_end() }
    return try body()
  }

  /// As work or a standstill of this process would.
  static func pass(_ nanoseconds: UInt64) { cvirtualclock_advance(nanoseconds) }
}

/// A whole run in virtual time: session, journal and record, without a second thread but the journal's.
struct VirtualRun {
  var program: Program
  let profile: LoadProfile
  let connector: any Connector
  var askedArrivals: UInt64?
  /// Called on the thread that runs, in virtual time.
  var onProgress: @Sendable (RunProgress) -> Void = { _ in }

  func perform() throws -> (result: RunResult, record: RunRecord) {
    var template = Array("/tmp/chainrun-test-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let path = folder + "/journal.ndjson"
    defer {
      unlink(path)
      rmdir(folder)
    }
    let journal = try JournalWriter(creating: path)
    let ended = try VirtualTime.run {
      let reactor = try Reactor()
      journal.append(start)
      var result: RunResult?
      let plan = RunPlan(
        program: program, profile: profile, seed: 7, runID: "run-1", connectors: program.connections.map { _ in connector },
        targets: program.connections.map { _ in ScriptedConnector.Target() }, journal: journal, onProgress: onProgress)
      let session = LoadSession(plan: plan, reactor: reactor) { result = $0 }
      session.begin()
      var turns = 0
      while result == nil, turns < 20_000_000 {
        reactor.turn(waitingAtMost: 100 * milliseconds)
        turns += 1
      }
      withExtendedLifetime(session) {}
      return try #require(result, "the run did not end")
    }
    try #require(journal.close())
    return (ended, try JournalReader.read(path: path))
  }

  private var start: JournalStart {
    var start = JournalStart()
    start.chain = program.chain
    start.profile = profile.name
    if case .open = profile.model { start.model = .open }
    start.askedArrivals = askedArrivals
    start.monotonicNanoseconds = MonotonicClock.now
    start.steps = program.steps.map { StepInfo(id: $0.id, verb: $0.verb, connection: $0.connection.map { program.connections[$0.index].name }) }
    return start
  }
}
