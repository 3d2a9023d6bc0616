internal import Metrics
internal import Reports

/// The facts of the screen in words: for one living line on a small terminal, and for lines in a log.
package enum ProgressLine {
  /// Parts, the most important first; whoever has little room leaves out the last ones.
  package static func parts(_ snapshot: ScreenSnapshot) -> [String] {
    let progress = snapshot.progress
    switch progress.phase {
    case .connecting: return ["connecting"]
    case .setup: return ["running the setup"]
    case .arming: return ["arming the observers"]
    case .teardown: return ["running the teardown"]
    case .load, .stopping, .settling: break
    }
    var parts = [position(snapshot)]
    if let waiting = Waiting.text(progress) { parts.append(waiting) }
    parts.append("\(progress.iterations.completed) done")
    let isLoad = progress.phase == .load || progress.phase == .stopping
    if isLoad, let rates = snapshot.rates {
      parts.append(LiveText.rate(rates.done) + (rates.asked.map { " of \(Quantities.rate($0)) asked" } ?? ""))
    }
    if isLoad {
      // What the last second has too few values for, the whole run may have.
      for (name, last, soFar) in [
        ("p50", snapshot.lastSecond.p50, snapshot.soFar.p50), ("p95", snapshot.lastSecond.p95, snapshot.soFar.p95),
        ("p99", snapshot.lastSecond.p99, snapshot.soFar.p99),
      ] {
        if let last { parts.append("\(name) \(Quantities.duration(last))") } else if let soFar { parts.append("\(name) \(Quantities.duration(soFar)) so far") }
      }
    }
    parts += troubles(snapshot)
    if isLoad {
      parts.append("\(progress.busyUsers) busy")
      if progress.queuedArrivals > 0 { parts.append("\(progress.queuedArrivals) waiting for a user") }
    }
    for event in snapshot.events where event.counts.committed > 0 {
      let seen = event.hops.last?.progress?.seen ?? 0
      let name = snapshot.events.count > 1 ? event.name + " " : "events "
      parts.append("\(name)\(event.counts.committed) in, \(seen) through")
    }
    for event in snapshot.events {
      for hop in event.hops {
        guard let high = hop.soFar.high.p99 else { continue }
        parts.append("\(hop.name) p99 \(Quantities.interval(min(hop.soFar.low.p99 ?? 0, high), high))")
      }
    }
    if isLoad, snapshot.rates != nil { parts.append("CPU \(LiveText.percent(snapshot.generator.cpuShare))") }
    return parts
  }

  /// All of it, for a log.
  package static func text(_ snapshot: ScreenSnapshot) -> String { parts(snapshot).joined(separator: " · ") }

  /// As many parts as fit.
  package static func text(_ snapshot: ScreenSnapshot, columns: Int, isUnicode: Bool) -> String {
    let parts = self.parts(snapshot)
    var text = String((parts.first ?? "").prefix(columns))
    for part in parts.dropFirst() where text.count + 3 + part.count <= columns { text += " · " + part }
    return isUnicode ? text : ASCIIText.of(text)
  }

  /// What somebody is told who has asked for the end.
  package static func interruption(_ snapshot: ScreenSnapshot) -> String {
    guard snapshot.progress.interruptions == 1 else { return "stopping at once" }
    let waiting = Waiting.text(snapshot.progress).map { ", " + $0 } ?? ""
    return "stopping\(waiting); ^C once more stops at once"
  }

  private static func position(_ snapshot: ScreenSnapshot) -> String {
    let progress = snapshot.progress
    let elapsed = seconds(progress.elapsedNanoseconds)
    guard progress.phase == .load, let whole = snapshot.plan.loadNanoseconds else { return elapsed }
    let stages = snapshot.plan.stages.count
    let stage = snapshot.plan.hasNamedStages ? snapshot.plan.stage(at: progress.elapsedNanoseconds).map { ", stage \($0 + 1) of \(stages)" } ?? "" : ""
    return "\(elapsed) of \(seconds(whole))\(stage)"
  }

  private static func troubles(_ snapshot: ScreenSnapshot) -> [String] {
    let counts = snapshot.progress.iterations
    var parts: [String] = []
    let bad = counts.failed + counts.unknown
    if bad > 0 { parts.append("\(bad) failed") }
    if counts.dropped > 0 { parts.append("\(counts.dropped) dropped") }
    if snapshot.errorsTotal > 0 {
      let classes = snapshot.errorClasses.prefix(3).map { "\($0.count) \($0.name)" }.joined(separator: ", ")
      parts.append("errors \(classes)")
    }
    let hops = snapshot.events.flatMap { $0.hops.compactMap(\.progress?.counts) }
    let kinds: [(String, (HopCounts) -> UInt64?)] = [
      ("lost", \.lost), ("late", \.late), ("unobserved", \.unobserved), ("unexpected", \.unexpected), ("aborted", \.aborted),
      ("duplicate", \.duplicate), ("reordered", \.reordered), ("mismatch", \.mismatch), ("regressed", \.regressed),
    ]
    for (name, count) in kinds {
      let sum = hops.reduce(0) { $0 + (count($1) ?? 0) }
      if sum > 0 { parts.append("\(sum) \(name)") }
    }
    return parts
  }

  private static func seconds(_ nanoseconds: UInt64) -> String { "\((nanoseconds + 500_000_000) / 1_000_000_000) s" }
}
