import Metrics

/// A rule of the form "this share of something may be at most so large", judged over every five seconds.
struct ValidityRule {
  let name: String
  let limit: Double
  /// A part that is smaller than this proves nothing.
  let partMin: Double
  /// What a second contributes.
  let share: (SecondRecord) -> (part: Double, whole: Double)
  /// What the share is of, with `#` for the share.
  let phrase: String
  /// The same for the seconds of one span, with the counts that the share comes from; nil where the phrase says it all.
  var detail: ((_ seconds: [SecondRecord], _ part: Double, _ whole: Double) -> String)?

  static let windowSeconds = 5
  /// So many spans of one reason are named; beyond that, one span from the first to the last stands for all.
  static let spansMax = 200

  /// - Returns: one reason for each span of adjacent seconds that are to blame.
  func reasons(_ record: RunRecord, _ seconds: [SecondRecord]) -> [JournalValidity] {
    reasons(record, seconds, blamed: blamed(seconds))
  }

  /// - Parameter blamed: For each second, whether it is to blame.
  func reasons(_ record: RunRecord, _ seconds: [SecondRecord], blamed: [Bool], verdict: ValidityVerdict = .degraded) -> [JournalValidity] {
    var spans = spans(of: blamed, seconds)
    let blamedCount = spans.reduce(0) { $0 + $1.count }
    if spans.count > ValidityRule.spansMax, let first = spans.first, let last = spans.last {
      spans = [seconds[first.lowerBound..<last.upperBound].indices]
    }
    return spans.map { span in
      // The figures of many scattered seconds are those of the seconds, not of the quiet ones between them.
      let members = spans.count == 1 && blamedCount < span.count ? span.filter { blamed[$0] }.map { seconds[$0] } : Array(seconds[span])
      let total = sum(members[...])
      let text = detail?(members, total.part, total.whole) ?? phrase.replacing("#", with: Figure.percentage(total.part / total.whole))
      return JournalValidity(
        verdict: verdict, name: name, fromNanoseconds: record.span(of: seconds[span.lowerBound]).0,
        toNanoseconds: record.span(of: seconds[span.upperBound - 1]).1,
        detail: members.count < span.count ? "\(text), in \(members.count) of these \(span.count) seconds" : text,
        measured: .init(phrase, total.part / total.whole, .share))
    }
  }

  /// For each second, whether it is above the limit by itself and lies in five seconds which are above it.
  func blamed(_ seconds: [SecondRecord]) -> [Bool] {
    var isBlamed = [Bool](repeating: false, count: seconds.count)
    for first in seconds.indices {
      var end = first
      while end < seconds.count, seconds[end].second < seconds[first].second + ValidityRule.windowSeconds { end += 1 }
      let window = sum(seconds[first..<end])
      guard isAbove(window), window.part >= partMin else { continue }
      for index in first..<end where isAbove(share(seconds[index])) { isBlamed[index] = true }
    }
    return isBlamed
  }

  private func spans(of isBlamed: [Bool], _ seconds: [SecondRecord]) -> [Range<Int>] {
    var spans: [Range<Int>] = []
    for index in seconds.indices where isBlamed[index] {
      if let last = spans.last, last.upperBound == index, seconds[index].second == seconds[index - 1].second + 1 {
        spans[spans.count - 1] = last.lowerBound..<index + 1
      } else {
        spans.append(index..<index + 1)
      }
    }
    return spans
  }

  private func isAbove(_ share: (part: Double, whole: Double)) -> Bool { share.whole > 0 && share.part > limit * share.whole }

  private func sum(_ seconds: ArraySlice<SecondRecord>) -> (part: Double, whole: Double) {
    seconds.reduce((0, 0)) { total, second in
      let one = share(second)
      return (total.part + one.part, total.whole + one.whole)
    }
  }
}

extension ValidityRule {
  /// The rules that each stand for themselves; what the hypervisor takes is judged with their help (``StealRule``).
  static func all(for record: RunRecord) -> [ValidityRule] {
    var rules = [loopLate, cpu, throttled, observerLag]
    if record.start.model == .open { rules += [startDelay(record), dropped] }
    return rules
  }

  /// More than 1 % of the heartbeats later than 2 ms is a p99 above 2 ms.
  private static var loopLate: ValidityRule {
    ValidityRule(
      name: "loop-late", limit: 0.01, partMin: 3,
      share: { second in
        let lateness = second.generator.loopLateness
        return (Double(lateness.count(above: 2_000_000)), Double(lateness.count))
      }, phrase: "# of the event loop's heartbeats, one every 10 ms, were more than 2 ms late (limit 1 %)"
    ) { _, part, whole in
      "\(Int(part)) of \(Int(whole)) heartbeats of the event loop, one every 10 ms, were more than 2 ms late (limit 1 %)"
    }
  }

  /// What is a hundredth of the target's own time disturbs nobody; below a millisecond, nothing is.
  private static func startDelay(_ record: RunRecord) -> ValidityRule {
    let limit = max(1_000_000, (record.response.quantile(0.5) ?? 0) / 100)
    let what = "began more than \(Figure.time(Double(limit))) late although a user was free (limit 1 %)"
    return ValidityRule(
      name: "start-delay", limit: 0.01, partMin: 3,
      share: { second in
        // Those that waited for a user are late because of the target.
        let late = second.startDelay.count(above: limit) - min(second.startDelay.count(above: limit), second.startDelayWaited.count(above: limit))
        return (Double(late), Double(second.startDelay.count - min(second.startDelay.count, second.startDelayWaited.count)))
      }, phrase: "# of the arrivals \(what)"
    ) { _, part, whole in
      "\(Int(part)) of \(Int(whole)) arrivals \(what)"
    }
  }

  private static var cpu: ValidityRule {
    ValidityRule(
      name: "cpu", limit: 0.7, partMin: 0,
      share: { (Double($0.generator.cpuNanoseconds), Double($0.generator.cpuAllowedNanoseconds)) },
      phrase: "chainrun used # of the processor time that it may use (limit 70 %)")
  }

  private static var throttled: ValidityRule {
    ValidityRule(
      name: "throttled", limit: 0.01, partMin: 0,
      share: { (Double($0.generator.throttledNanoseconds), Double($0.generator.watchedNanoseconds)) },
      phrase: "a control group's quota stopped this process for # of the time (limit 1 %)"
    ) { _, part, whole in
      "a control group's quota stopped this process for \(Figure.time(part)), \(Figure.percentage(part / whole)) of the time (limit 1 %)"
    }
  }

  private static var observerLag: ValidityRule {
    let meaning = "what they saw was visible earlier than the upper bounds say"
    return ValidityRule(
      name: "observer-lag", limit: 0.01, partMin: 3,
      share: { (Double($0.generator.observerLateReads), Double($0.generator.observerReads)) },
      phrase: "# of the observers' reads came more than 2 ms after the bytes (limit 1 %): \(meaning)"
    ) { seconds, part, whole in
      let longest = seconds.map(\.generator.observerLagNanosecondsMax).max() ?? 0
      return "\(Int(part)) of \(Int(whole)) reads of the observers came more than 2 ms after the bytes (limit 1 %; the longest \(Figure.time(Double(longest)))): \(meaning)"
    }
  }

  /// The target's doing, or a profile with too few users; but what was asked was not offered, and the latencies know nothing of it.
  private static var dropped: ValidityRule {
    ValidityRule(
      name: "dropped", limit: 0.01, partMin: 1,
      share: { (Double($0.iterations.dropped), Double($0.iterations.arrivals)) },
      phrase: "# of the arrivals found no free user and were dropped (limit 1 %): the times leave out the slowest"
    ) { _, part, whole in
      "\(Int(part)) of \(Int(whole)) arrivals found no free user and were dropped (limit 1 %): the times leave out the slowest"
    }
  }
}
