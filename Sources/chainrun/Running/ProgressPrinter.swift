import ChainIO
import ChainRuntime
import Glibc
import LiveOutputs
import Metrics

/// Progress on standard error: a screen or one living line on a terminal, plain lines otherwise. The main thread's.
final class ProgressPrinter {
  private let style: ProgressStyle
  private let inbox: ProgressInbox
  private let alerts: AlertDesk?
  private let figures: LiveFigures
  private var validity: ValidityWatch
  private var terminal: ScreenTerminal?
  private var lastPhase: RunProgress.Phase?
  private var lastLineSecond: UInt64 = 0
  private var hasLivingLine = false
  private var hasNews = false
  private var interruptionsTold = 0
  private var drawnNanoseconds: UInt64 = 0
  /// At most four times a second.
  private static let drawNanoseconds: UInt64 = 250_000_000

  init(style: ProgressStyle, inbox: ProgressInbox, plan: LivePlan, alerts: AlertDesk? = nil) {
    self.style = style
    self.inbox = inbox
    self.alerts = alerts
    figures = LiveFigures(plan: plan)
    validity = ValidityWatch(start: plan.start)
    if style == .screen { terminal = ScreenTerminal(descriptor: STDERR_FILENO) }
  }

  /// Where keys can be read while the screen is up; -1 otherwise.
  var keyDescriptor: Int32 { terminal?.keyDescriptor ?? -1 }

  /// How long the main thread may wait until it should call `show` again.
  var millisecondsToNext: Int32 {
    let now = MonotonicClock.now
    let due = drawnNanoseconds &+ Self.drawNanoseconds
    return now >= due ? 0 : Int32((due - now) / 1_000_000) + 1
  }

  /// Shows what is new.
  ///
  /// - Parameter isUrgent: Does not wait for the next quarter of a second: the terminal has another size.
  func show(isUrgent: Bool = false) {
    let now = MonotonicClock.now
    guard isUrgent || now >= drawnNanoseconds &+ Self.drawNanoseconds else { return }
    drawnNanoseconds = now
    tellAlerts()
    let reports = inbox.takeAll()
    for report in reports {
      figures.take(report)
      if style == .screen, let interval = report.interval { validity.take(interval) }
    }
    hasNews = hasNews || !reports.isEmpty
    guard hasNews, let latest = reports.last ?? lastReport else { return }
    lastReport = latest
    switch style {
    case .none: tellInterruption(latest)
    case .screen:
      let style = Screen.Style(text: Terminal.hasColour(STDERR_FILENO) ? .ansi : .plain, isUnicode: Terminal.isUnicode)
      var snapshot = figures.snapshot
      snapshot.doubts = latest.elapsedNanoseconds > 0 ? validity.doubts : nil
      terminal?.draw { Screen.render(snapshot, size: $0, style: style) }
    case .living:
      tellInterruption(latest)
      let columns = max(10, Terminal.size(STDERR_FILENO).columns - 1)
      Terminal.talk("\r\u{1B}[2K" + ProgressLine.text(figures.snapshot, columns: columns, isUnicode: Terminal.isUnicode))
      hasLivingLine = true
    case .lines:
      tellInterruption(latest)
      let second = latest.elapsedNanoseconds / 1_000_000_000
      guard lastPhase != latest.phase || second >= lastLineSecond + 5 else { return }
      lastPhase = latest.phase
      lastLineSecond = second
      Terminal.talk(ProgressLine.text(figures.snapshot) + "\n")
    }
    hasNews = false
  }

  private var lastReport: RunProgress?

  /// How many iterations there were by the last word of the run; nil before the first.
  var iterations: IterationCounts? { lastReport?.iterations }

  /// A message that stays, above the screen or the living line.
  func say(_ message: String) {
    terminal?.clear()
    if hasLivingLine { Terminal.talk("\r\u{1B}[2K") }
    hasLivingLine = false
    Terminal.talk("chainrun: \(message)\n")
  }

  /// One line for each alert that fires, is resolved, or could not be told; none without progress.
  func tellAlerts() {
    for message in alerts?.takeMessages() ?? [] where style != .none { say(message) }
  }

  /// Says once for each interruption what is still waited for, on a line that stays.
  private func tellInterruption(_ latest: RunProgress) {
    guard latest.interruptions > interruptionsTold else { return }
    interruptionsTold = latest.interruptions
    say(ProgressLine.interruption(figures.snapshot))
  }

  /// The process is to be stopped (^Z): gives the terminal back.
  func pause() { terminal?.leave() }

  /// Takes away what was drawn, so that what follows begins at the left of a free line.
  func finish() {
    show(isUrgent: true)
    terminal?.leave()
    terminal = nil
    if hasLivingLine { Terminal.talk("\r\u{1B}[2K") }
    hasLivingLine = false
  }
}
