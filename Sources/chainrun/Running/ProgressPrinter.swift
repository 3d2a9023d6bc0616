import ChainRuntime
import Glibc
import Metrics
import Synchronization

/// Progress on standard error: one living line on a terminal, a plain line every five seconds otherwise.
///
/// Called from the reactor's thread, so it only notes the latest state; the main thread prints.
final class ProgressPrinter: Sendable {
  enum Style: Sendable { case living, lines, none }

  private struct State {
    var latest: RunProgress?
    var isNew = false
    var lastPhase: RunProgress.Phase?
    var lastLineSecond: UInt64 = 0
    var hasLivingLine = false
  }

  private let style: Style
  private let durationNanoseconds: UInt64?
  private let state = Mutex(State())

  /// - Parameter durationNanoseconds: How long the load lasts, if the profile says.
  init(style: Style, durationNanoseconds: UInt64?) {
    self.style = style
    self.durationNanoseconds = durationNanoseconds
  }

  /// How many iterations there were by the last word of the run; nil before the first.
  var iterations: IterationCounts? { state.withLock { $0.latest?.iterations } }

  func note(_ progress: RunProgress) {
    state.withLock { state in
      state.latest = progress
      state.isNew = true
    }
  }

  /// The main thread's: prints what is new.
  func printNews() {
    guard style != .none else { return }
    let text: String? = state.withLock { state in
      guard state.isNew, let progress = state.latest else { return nil }
      state.isNew = false
      let phaseChanged = state.lastPhase != progress.phase
      state.lastPhase = progress.phase
      if style == .living {
        state.hasLivingLine = true
        return "\r\u{1B}[2K" + line(progress)
      }
      let second = progress.elapsedNanoseconds / 1_000_000_000
      guard phaseChanged || second >= state.lastLineSecond + 5 else { return nil }
      state.lastLineSecond = second
      return line(progress) + "\n"
    }
    if let text { Terminal.talk(text) }
  }

  /// Removes the living line, so that what follows begins at the left.
  func finish() {
    printNews()
    let clear = state.withLock { state in
      defer { state.hasLivingLine = false }
      return state.hasLivingLine
    }
    if clear { Terminal.talk("\r\u{1B}[2K") }
  }

  private func line(_ progress: RunProgress) -> String {
    switch progress.phase {
    case .connecting: return "connecting"
    case .setup: return "running the setup"
    case .arming: return "arming the observers"
    case .teardown: return "running the teardown"
    case .load, .stopping, .settling: break
    }
    var parts: [String] = []
    let elapsed = seconds(progress.elapsedNanoseconds)
    switch progress.phase {
    case .load: parts.append(durationNanoseconds.map { "\(elapsed) of \(seconds($0))" } ?? elapsed)
    case .stopping: parts.append("\(elapsed), waiting for \(progress.busyUsers) running iterations")
    case .settling:
      let ended = min(progress.visibleEvents + progress.lostEvents, progress.committedEvents)
      let left = progress.committedEvents - ended
      parts.append(
        progress.committedEvents == 0
          ? "ending" : left == 1 ? "settling: 1 event still on its way" : "settling: \(left) events still on their way")
    case .connecting, .setup, .arming, .teardown: break
    }
    parts.append("\(progress.iterations.completed) done")
    if let interval = progress.interval {
      let length = Double(interval.endNanoseconds - interval.startNanoseconds) / 1e9
      if length > 0.2 { parts.append("\(Int((Double(interval.iterations.completed) / length).rounded()))/s") }
      let times = interval.response.isEmpty ? interval.service : interval.response
      if let median = times.quantile(0.5) { parts.append("p50 \(milliseconds(median))") }
      if let high = times.estimableQuantile(0.95) { parts.append("p95 \(milliseconds(high))") }
    }
    parts.append("\(progress.busyUsers) busy")
    if progress.queuedArrivals > 0 { parts.append("\(progress.queuedArrivals) waiting") }
    let bad = progress.iterations.failed + progress.iterations.unknown
    if bad > 0 { parts.append("\(bad) failed") }
    if progress.iterations.dropped > 0 { parts.append("\(progress.iterations.dropped) dropped") }
    if progress.committedEvents > 0 { parts.append("events \(progress.committedEvents) in, \(progress.visibleEvents) through") }
    if progress.lostEvents > 0 { parts.append("\(progress.lostEvents) lost") }
    return parts.joined(separator: " · ")
  }

  private func seconds(_ nanoseconds: UInt64) -> String { "\((nanoseconds + 500_000_000) / 1_000_000_000) s" }

  private func milliseconds(_ nanoseconds: UInt64) -> String {
    let tenths = (nanoseconds + 50_000) / 100_000
    return "\(tenths / 10).\(tenths % 10) ms"
  }
}
