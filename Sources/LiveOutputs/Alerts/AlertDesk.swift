internal import Glibc
package import Metrics
internal import Synchronization

/// Judges what a reactor hands over. Made on the desk's thread and never leaves it.
package protocol AlertJudge: AnyObject {
  func note(_ progress: RunProgress) -> [JournalAlert]
  func end(at now: UInt64) -> [JournalAlert]
  func tallies(missed: UInt64) -> [JournalAlertTally]
}

/// The alerts of a run that is under way. Reports come in from the reactor and wait in a bounded inbox; a thread has them judged, writes what
/// changes into the journal, and hands it to the runner and to the terminal. Nothing here can hold up the reactor.
package final class AlertDesk: Sendable {
  private struct State {
    var inbox: [RunProgress] = []
    var lastPhase: RunProgress.Phase?
    /// Seconds that found the inbox full.
    var missed: UInt64 = 0
    /// Lines for the terminal that nobody has taken yet.
    var messages: [String] = []
    /// Actions that were told on the terminal as failing: once for each alert and kind.
    var told: Set<String> = []
    var isOver = false
  }

  private let state = Mutex(State())
  private let thread: OutputThread
  private let runner: AlertRunner?
  private let journal: JournalWriter
  private let start: JournalStart
  private let makeJudge: @Sendable () -> any AlertJudge
  /// Two minutes of seconds.
  private static let inboxMax = 120
  private static let messagesMax = 1_000

  /// - Parameters:
  ///   - start: The run's first record, with its alerts.
  ///   - targets: By the alerts' rows; empty where nothing is to be run and nothing posted.
  ///   - folder: Where commands run.
  ///   - logPath: Where their output is kept.
  /// - Returns: nil if the process is out of threads or descriptors.
  package init?(
    start: JournalStart, targets: [AlertRunner.Target], folder: String, logPath: String?, journal: JournalWriter,
    makeJudge: @escaping @Sendable () -> any AlertJudge
  ) {
    self.start = start
    self.journal = journal
    self.makeJudge = makeJudge
    guard let thread = OutputThread() else { return nil }
    self.thread = thread
    let results = Results()
    if targets.isEmpty {
      runner = nil
    } else {
      guard let runner = AlertRunner(targets: targets, folder: folder, logPath: logPath, told: { results.desk?.took($0) }) else { return nil }
      self.runner = runner
    }
    results.desk = self
    guard thread.start({ [weak self] thread in self?.run(thread) }) else { return nil }
  }

  /// The way back from the runner. Set once, before the first action can end, and read-only from then on.
  private final class Results: Sendable {
    private let place = Mutex<Weak>(Weak())
    private struct Weak { weak var desk: AlertDesk? }
    var desk: AlertDesk? {
      get { place.withLock { $0.desk } }
      set { place.withLock { $0.desk = newValue } }
    }
  }

  /// The reactor's: takes a lock for a moment, and wakes the desk's thread once a second.
  package func put(_ report: RunProgress) {
    let isWanted = state.withLock { state in
      guard report.interval != nil || report.phase != state.lastPhase else { return false }
      state.lastPhase = report.phase
      guard state.inbox.count < Self.inboxMax else {
        if report.interval != nil { state.missed += 1 }
        return false
      }
      state.inbox.append(report)
      return true
    }
    if isWanted { thread.wake() }
  }

  /// Lines for the terminal since the last call.
  package func takeMessages() -> [String] {
    state.withLock { state in
      defer { state.messages = [] }
      return state.messages
    }
  }

  /// Judges what is left, and lets actions come to their end as far as the time allows. The journal must still be open.
  package func end(withinNanoseconds limit: UInt64) {
    thread.end()
    if !thread.hasEnded(withinNanoseconds: 1_000_000_000) { say("alerts: the last seconds were not judged in time") }
    runner?.end(withinNanoseconds: limit)
    state.withLock { $0.isOver = true }
  }

  // The desk's thread.

  private func run(_ thread: OutputThread) {
    let judge = makeJudge()
    var loadStart: UInt64 = 0
    var fired: [Int: UInt64] = [:]
    while true {
      let isEnding = thread.isEnding
      let reports = state.withLock { state in
        defer { state.inbox = [] }
        return state.inbox
      }
      for report in reports {
        if report.elapsedNanoseconds > 0 { loadStart = report.atNanoseconds &- report.elapsedNanoseconds }
        for change in judge.note(report) { tell(change, loadStart: loadStart, &fired) }
      }
      if isEnding {
        for change in judge.end(at: Self.now) { tell(change, loadStart: loadStart, &fired) }
        journal.append(judge.tallies(missed: state.withLock { $0.missed }))
        return
      }
      thread.wait(milliseconds: 1_000)
    }
  }

  private func tell(_ change: JournalAlert, loadStart: UInt64, _ fired: inout [Int: UInt64]) {
    if change.state == .firing, change.repetition == 0 { fired[change.alert] = change.atNanoseconds }
    journal.append(change)
    let notice = AlertNotice(change, of: start, loadStart: loadStart, fired: fired[change.alert] ?? change.atNanoseconds)
    say(notice.sentence)
    runner?.enqueue(notice)
  }

  /// A worker's: what came of an action.
  private func took(_ result: JournalAlertAction) {
    let name = start.alerts[result.alert].name
    let isFirst = state.withLock { state in
      guard !state.isOver else { return false }
      journal.append(result)
      return result.outcome != .ok && state.told.insert("\(result.alert) \(result.action)").inserted
    }
    guard isFirst, let reason = result.reason else { return }
    say("alert '\(name)': the \(result.action) \(result.outcome == .lost ? "was not begun" : "failed"): \(reason)")
  }

  private func say(_ message: String) {
    state.withLock { state in
      guard !state.isOver, state.messages.count < Self.messagesMax else { return }
      state.messages.append(message)
    }
  }

  private static var now: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
