internal import Metrics
internal import Reports

/// Small texts of a screen.
enum LiveText {
  /// `12.4 s`, `3:20`, `1:02:03`.
  ///
  /// - Parameter isRunning: Keeps `12.0 s`, so that a running clock does not jump.
  static func clock(_ nanoseconds: UInt64, isRunning: Bool = false) -> String {
    guard nanoseconds >= 60_000_000_000 else {
      let tenths = nanoseconds / 100_000_000
      return tenths % 10 == 0 && tenths > 0 && !isRunning ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
    }
    let seconds = nanoseconds / 1_000_000_000
    func two(_ value: UInt64) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60)
    return hours > 0 ? "\(hours):\(two(minutes)):\(two(seconds % 60))" : "\(minutes):\(two(seconds % 60))"
  }

  /// A measured rate needs no decimals above ten.
  static func rate(_ perSecond: Double) -> String { "\(Quantities.trimmed(perSecond, decimals: perSecond < 10 ? 1 : 0))/s" }

  static func percent(_ share: Double) -> String { "\(Quantities.trimmed(share * 100, decimals: share < 0.1 ? 1 : 0)) %" }

  static func spaces(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }

  static func padded(_ text: String, _ width: Int) -> String { Cell(text).cut(to: width).text + spaces(width - text.count) }

  /// Right-aligned.
  static func column(_ text: String, _ width: Int) -> String { spaces(width - text.count) + text }
}

/// What a run that is to end still waits for.
enum Waiting {
  /// `waiting for 3 running iterations (at most 27 s), then for 12 events not yet seen (at most 10 s)`; nil while it is not to end.
  static func text(_ progress: RunProgress) -> String? {
    let parts = parts(progress)
    return parts.isEmpty ? nil : parts.joined(separator: ", then ")
  }

  /// One after the other; empty while the run is not to end.
  static func parts(_ progress: RunProgress) -> [String] {
    switch progress.phase {
    case .connecting, .setup, .arming, .load, .teardown: return []
    case .stopping, .settling: break
    }
    if progress.interruptions > 1 { return ["ending at once"] }
    var parts: [String] = []
    if progress.phase == .stopping, progress.busyUsers + progress.queuedArrivals > 0 {
      let running = "\(progress.busyUsers) running iteration\(progress.busyUsers == 1 ? "" : "s")"
      let queued = progress.queuedArrivals > 0 ? " and \(progress.queuedArrivals) that wait for a user" : ""
      parts.append("for \(running)\(queued)\(limit(progress.iterationsLeftNanoseconds))")
    }
    let awaited = progress.awaitedEvents
    if awaited > 0 {
      parts.append("for \(Quantities.count(awaited)) event\(awaited == 1 ? "" : "s") not yet seen\(limit(progress.eventsLeftNanoseconds))")
    }
    if parts.isEmpty { return [progress.events.isEmpty ? "ending" : "waiting a moment for second deliveries"] }
    parts[0] = "waiting " + parts[0]
    return parts
  }

  private static func limit(_ nanoseconds: UInt64?) -> String {
    guard let nanoseconds else { return "" }
    let seconds = (nanoseconds + 999_999_999) / 1_000_000_000
    return " (at most \(seconds) s)"
  }
}
