internal import Glibc
package import Metrics
internal import Synchronization

/// The outputs of a run for other programs: a port, a file, an OTLP receiver. Reports come in from the reactor and wait in a bounded inbox;
/// a thread adds them up and hands the result on once a second. Nothing here can hold up the reactor.
package final class LiveExports: Sendable {
  package struct Options: Sendable {
    package var address: ListenAddress?
    package var file: String?
    /// As ``OTLPSender/endpoint(_:)`` gives it.
    package var otlp: String?
    package var version = ""

    package init() {}
    package var isEmpty: Bool { address == nil && file == nil && otlp == nil }
  }

  /// Why an output cannot be: a phrase.
  package struct CannotStart: Error {
    package let message: String
  }

  private struct State {
    var inbox: [RunProgress] = []
    var lostReports: UInt64 = 0
    var fileWrites: UInt64 = 0
    var fileFailures: UInt64 = 0
    var fileError: Int32 = 0
    var areLastFiguresLost = false
  }

  private let state = Mutex(State())
  private let thread: OutputThread
  private let plan: LivePlan
  private let options: Options
  private let server: MetricsServer?
  private let sender: OTLPSender?
  private let onLoss: @Sendable ([JournalOutput]) -> Void
  /// Losses are told while the run goes on, so that one which crashes has told them; not more often than this.
  private static let lossPauseNanoseconds = 5_000_000_000
  /// Reports with intervals: two minutes of them.
  private static let inboxMax = 120

  /// - Parameter onLoss: Called on a thread of the outputs when more was lost than before, with all counts so far.
  package init(plan: LivePlan, options: Options, onLoss: @escaping @Sendable ([JournalOutput]) -> Void = { _ in }) throws(CannotStart) {
    self.plan = plan
    self.onLoss = onLoss
    self.options = options
    do throws(MetricsServer.CannotListen) {
      if let address = options.address { server = try MetricsServer(address: address) } else { server = nil }
    } catch {
      throw CannotStart(message: error.message)
    }
    if let path = options.file {
      let error = MetricsFile(path: path).replace(with: Array("# EOF\n".utf8))
      guard error == 0 else {
        server?.end()
        throw CannotStart(message: "cannot write metrics to '\(path)': \(String(cString: strerror(error)).lowercased())")
      }
    }
    sender = options.otlp.flatMap { OTLPSender(url: $0) }
    guard options.otlp == nil || sender != nil, let thread = OutputThread() else {
      server?.end()
      throw CannotStart(message: "cannot start the outputs: \(String(cString: strerror(errno)).lowercased())")
    }
    self.thread = thread
    guard thread.start({ [weak self] thread in self?.run(thread) }) else { throw CannotStart(message: "cannot start the outputs: no thread") }
  }

  /// The port that metrics are offered on; nil if they are not.
  package var port: UInt16? { server?.port }

  /// The reactor's: takes a lock for a moment and wakes nobody.
  package func put(_ report: RunProgress) {
    state.withLock { state in
      if let last = state.inbox.last, last.interval == nil, last.failures.isEmpty { state.inbox.removeLast() }
      guard state.inbox.count < Self.inboxMax else {
        state.lostReports += 1
        return
      }
      state.inbox.append(report)
    }
  }

  /// Hands on the last figures and ends the outputs, within about three seconds.
  ///
  /// - Returns: what each output delivered and lost.
  package func end() -> [JournalOutput] {
    thread.end()
    let isLate = !thread.hasEnded(withinNanoseconds: 1_000_000_000)
    state.withLock { $0.areLastFiguresLost = isLate }
    server?.end()
    _ = sender?.end(withinNanoseconds: 2_000_000_000)
    return outputs
  }

  /// What each output has delivered and lost so far.
  private var outputs: [JournalOutput] {
    let state = self.state.withLock { $0 }
    var outputs: [JournalOutput] = []
    if let counts = server?.counts { outputs.append(JournalOutput(.port, delivered: counts.answered, lost: counts.cut, reason: counts.cut > 0 ? "too slow a reader" : "")) }
    if options.file != nil {
      let reason = state.fileFailures > 0 ? String(cString: strerror(state.fileError)).lowercased() : ""
      outputs.append(JournalOutput(.file, delivered: state.fileWrites - state.fileFailures, lost: state.fileFailures, reason: reason))
    }
    if let losses = sender?.losses { outputs.append(JournalOutput(.otlp, delivered: losses.sent, lost: losses.lost, reason: losses.reason)) }
    let lostSeconds = state.lostReports + (state.areLastFiguresLost ? 1 : 0)
    if lostSeconds > 0 {
      let reason = state.areLastFiguresLost ? "the last figures did not get out in time" : "an output stood still"
      outputs.append(JournalOutput(.seconds, delivered: 0, lost: lostSeconds, reason: reason))
    }
    return outputs
  }

  // The thread that adds up.

  private func run(_ thread: OutputThread) {
    let totals = MetricTotals(plan: plan)
    var isNew = false
    var shown = 0
    var told = (lost: UInt64(0), at: 0)
    while true {
      let isEnding = thread.isEnding
      let reports = state.withLock { state in
        defer { state.inbox = [] }
        return state.inbox
      }
      for report in reports { totals.take(report) }
      isNew = isNew || !reports.isEmpty
      let now = Self.realtime
      if isNew && (isEnding || now / 1_000_000_000 != shown / 1_000_000_000) {
        hand(totals.families, now: UInt64(now))
        shown = now
        isNew = false
      }
      if isEnding { return }
      if now - told.at >= Self.lossPauseNanoseconds {
        let outputs = self.outputs
        let lost = outputs.reduce(0) { $0 + $1.lost }
        if lost > told.lost { onLoss(outputs) }
        told = (lost, now)
      }
      thread.wait(milliseconds: 250)
    }
  }

  private func hand(_ families: [MetricFamily], now: UInt64) {
    if server != nil || options.file != nil {
      let text = Array(OpenMetricsText.render(families).utf8)
      server?.show(text)
      if let path = options.file {
        let error = MetricsFile(path: path).replace(with: text)
        state.withLock { state in
          state.fileWrites += 1
          guard error != 0 else { return }
          state.fileFailures += 1
          state.fileError = error
        }
      }
    }
    if let sender {
      let attributes = [
        (name: "service.name", value: "chainrun"), (name: "service.version", value: options.version),
        (name: "service.instance.id", value: plan.start.runID), (name: "chainrun.chain", value: plan.start.chain),
        (name: "chainrun.profile", value: plan.start.profile), (name: "host.name", value: plan.start.host.name),
      ]
      sender.enqueue(
        OTLPMetrics.body(families, attributes: attributes, version: options.version, start: plan.start.realtimeNanoseconds, now: now))
    }
  }

  /// CLOCK_REALTIME, nanoseconds.
  private static var realtime: Int {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return now.tv_sec * 1_000_000_000 + now.tv_nsec
  }
}
