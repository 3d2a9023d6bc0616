internal import CCurl
internal import Glibc
package import Metrics
internal import Synchronization

/// Runs the actions of alerts on threads of its own: at most ``workersMax`` at once, those of one alert one after the other, so that nobody
/// hears of an end before its beginning. What waits is bounded; what is dropped, fails or takes too long is told, and holds up nobody.
package final class AlertRunner: Sendable {
  /// What is done for one alert.
  package struct Target: Sendable {
    package var command: [String]?
    package var webhook: String?
    package var timeoutNanoseconds: UInt64

    package init(command: [String]? = nil, webhook: String? = nil, timeoutNanoseconds: UInt64 = 10_000_000_000) {
      self.command = command
      self.webhook = webhook
      self.timeoutNanoseconds = timeoutNanoseconds
    }
  }

  private enum Action: String {
    case command, webhook
  }

  private struct Job {
    let notice: AlertNotice
    let action: Action
    var lane: Lane { Lane(alert: notice.alert.alert, action: action) }
  }

  private struct Lane: Hashable {
    let alert: Int
    let action: Action
  }

  private struct State {
    var queue: [Job] = []
    var busy: Set<Lane> = []
    var isEnding = false
    /// Nothing is begun any more, and what runs is cut short.
    var isCancelled = false
    /// Nobody listens any more.
    var isClosed = false
  }

  private let targets: [Target]
  private let folder: String
  private let log: AlertLog?
  private let told: @Sendable (JournalAlertAction) -> Void
  private let threads: [OutputThread]
  private let state = Mutex(State())

  package static let workersMax = 4
  /// Actions that wait for a worker or for the one before them.
  package static let waitingMax = 32

  /// - Parameters:
  ///   - targets: By the alerts' rows.
  ///   - folder: Where commands run.
  ///   - logPath: Where their output is kept; nil for nowhere.
  ///   - told: Called on a worker's thread, or the caller's, with what came of each action; must not block.
  /// - Returns: nil if the process is out of threads or descriptors.
  package init?(targets: [Target], folder: String, logPath: String?, told: @escaping @Sendable (JournalAlertAction) -> Void) {
    self.targets = targets
    self.folder = folder
    log = logPath.map { AlertLog(path: $0) }
    self.told = told
    let actions = targets.reduce(0) { $0 + ($1.command == nil ? 0 : 1) + ($1.webhook == nil ? 0 : 1) }
    var threads: [OutputThread] = []
    for _ in 0..<min(Self.workersMax, actions) {
      guard let thread = OutputThread() else { return nil }
      threads.append(thread)
    }
    self.threads = threads
    // Before the threads: libcurl's global part is not made for several of them at once (curl_global_init(3)).
    if targets.contains(where: { $0.webhook != nil }) { curl_global_init(Int(CURL_GLOBAL_DEFAULT)) }
    for thread in threads {
      guard thread.start({ [weak self] thread in self?.work(thread) }) else {
        for thread in threads { thread.end() }
        return nil
      }
    }
  }

  /// Takes what is to be told. Never waits.
  package func enqueue(_ notice: AlertNotice) {
    guard targets.indices.contains(notice.alert.alert) else { return }
    let target = targets[notice.alert.alert]
    var dropped: [Job] = []
    state.withLock { state in
      for (action, isWanted) in [(Action.command, target.command != nil), (.webhook, target.webhook != nil)] where isWanted {
        // The oldest goes first: the newest says how things are.
        if state.queue.count >= Self.waitingMax { dropped.append(state.queue.removeFirst()) }
        state.queue.append(Job(notice: notice, action: action))
      }
    }
    for job in dropped { lose(job, "too many actions were waiting") }
    for thread in threads { thread.wake() }
  }

  /// Lets what waits and runs come to its end, as far as the time allows; what is left is cut short and told as lost.
  package func end(withinNanoseconds limit: UInt64) {
    state.withLock { $0.isEnding = true }
    for thread in threads { thread.end() }
    let deadline = Self.now &+ limit
    for thread in threads where !thread.hasEnded(withinNanoseconds: deadline &- min(Self.now, deadline)) {
      state.withLock { $0.isCancelled = true }
    }
    // A command is ended within a twentieth of a second; a request ends by its own deadline, and nobody waits for it.
    for thread in threads { _ = thread.hasEnded(withinNanoseconds: 500_000_000) }
    let left = state.withLock { state in
      defer {
        state.queue = []
        state.isClosed = true
      }
      return (state.queue, state.busy)
    }
    for job in left.0 { lose(job, "the run was over", always: true) }
    for lane in left.1 {
      told(
        JournalAlertAction(
          alert: lane.alert, action: lane.action.rawValue, state: .ended, outcome: .failed, atNanoseconds: Self.now, tookNanoseconds: 0,
          reason: "no end before the run's"))
    }
  }

  private func lose(_ job: Job, _ reason: String, always: Bool = false) {
    guard always || !state.withLock({ $0.isClosed }) else { return }
    told(
      JournalAlertAction(
        alert: job.notice.alert.alert, action: job.action.rawValue, state: job.notice.alert.state, outcome: .lost, atNanoseconds: Self.now,
        tookNanoseconds: 0, reason: reason))
  }

  // The workers' threads.

  private func work(_ thread: OutputThread) {
    var webhook: WebhookAction?
    while true {
      let (job, isOver) = state.withLock { state -> (Job?, Bool) in
        if state.isCancelled { return (nil, true) }
        guard let index = state.queue.firstIndex(where: { !state.busy.contains($0.lane) }) else {
          return (nil, state.isEnding && state.queue.isEmpty)
        }
        let job = state.queue.remove(at: index)
        state.busy.insert(job.lane)
        return (job, false)
      }
      if let job {
        let begin = Self.now
        let reason = perform(job, &webhook)
        let isClosed = state.withLock { state in
          state.busy.remove(job.lane)
          return state.isClosed
        }
        guard !isClosed else { return }
        told(
          JournalAlertAction(
            alert: job.notice.alert.alert, action: job.action.rawValue, state: job.notice.alert.state, outcome: reason == nil ? .ok : .failed,
            atNanoseconds: Self.now, tookNanoseconds: Self.now &- begin, reason: reason))
        for other in threads { other.wake() }
      } else if isOver {
        return
      } else {
        thread.wait(milliseconds: 1_000)
      }
    }
  }

  /// - Returns: why it did not succeed; nil if it did.
  private func perform(_ job: Job, _ webhook: inout WebhookAction?) -> String? {
    let target = targets[job.notice.alert.alert]
    let limit = Self.words(target.timeoutNanoseconds)
    switch job.action {
    case .command:
      let action = CommandAction(words: target.command ?? [], environment: job.notice.environment, folder: folder)
      let ending = action.run(deadline: Self.now &+ target.timeoutNanoseconds, limit: limit) { state.withLock { $0.isCancelled } }
      log?.append(
        ending.output, of: ending.outputBytes,
        title: "alert '\(job.notice.info.name)', \(job.notice.alert.state.rawValue) at \(job.notice.elapsedNanoseconds / 1_000_000_000) s: \(ending.reason ?? "ok")")
      return ending.reason
    case .webhook:
      if webhook == nil { webhook = WebhookAction() }
      guard let webhook else { return "out of memory" }
      return webhook.post(job.notice.json, to: target.webhook ?? "", milliseconds: Int(target.timeoutNanoseconds / 1_000_000), limit: limit)
    }
  }

  private static func words(_ nanoseconds: UInt64) -> String {
    nanoseconds % 1_000_000_000 == 0 ? "\(nanoseconds / 1_000_000_000) s" : "\(nanoseconds / 1_000_000) ms"
  }

  private static var now: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
