package import Metrics

/// What a person reads when a run has ended: the verdict in one sentence, then the figures behind it. What has nothing to
/// say is left out.
package struct TerminalSummary {
  private let run: RunRecord
  private let style: TextStyle
  private let width: Int

  /// - Parameter width: Columns of the terminal; lines are cut to it where they can be, from 60 up.
  package static func text(of run: RunRecord, style: TextStyle, width: Int = 100, resultsPath: String? = nil) -> String {
    let summary = TerminalSummary(run: run, style: style, width: max(60, width))
    var figures = [summary.steps] + run.events.map(summary.event)
    let bare = TerminalSummary(run: run, style: .plain, width: summary.width)
    let hasDash = ([bare.steps] + run.events.map(bare.event)).joined().contains { $0.contains(" –") }
    if hasDash, let last = figures.lastIndex(where: { !$0.isEmpty }) {
      figures[last].append(summary.note("– too few samples to bound it (p50 needs 6, p95 72, p99 368), or not checkable"))
    }
    var sections = [summary.head] + figures + [summary.pools, summary.servers, summary.outputs]
    sections += [summary.checks, summary.errors, summary.thresholds, summary.alerts, summary.validity, summary.places(resultsPath)]
    return sections.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n"
  }

  // The verdict and the load.

  private var head: [String] {
    let verdict = RunVerdict(of: run)
    var lines = [style.paint(verdict.word, verdict.tone) + "  " + style.paint("\(run.start.chain): ", .heading) + verdict.sentence]
    var table = TextTable([.left, .left])
    if !run.start.profileText.isEmpty { table.row([Cell("load", .faint), Cell(run.start.profileText)]) }
    for (name, value) in Configuration(of: run).changes { table.row([Cell(name, .faint), Cell(value)]) }
    table.row([Cell("rate", .faint), Cell(rateText)])
    table.row([Cell("iterations", .faint), Cell(iterationsText)])
    if run.startDelayWaited.count > 0 {
      let count = Quantities.count(run.startDelayWaited.count)
      let longest = Quantities.duration(run.startDelayWaited.max)
      table.row([Cell("waited", .faint), Cell("\(count) of these for a free user, up to \(longest): the target was slow, or the users too few")])
    }
    if run.warmUpIterations.arrivals > 0 {
      table.row([Cell("warm-up", .faint), Cell("\(Quantities.count(run.warmUpIterations.arrivals, "iteration")), left out of all figures")])
    }
    let pauses = run.pauses
    if pauses.pacesMissed > 0 {
      table.row([
        Cell("pace", .faint), Cell("\(Quantities.count(pauses.pacesMissed, "iteration")) began late: the one before took longer than the pace", .doubtful),
      ])
    }
    if pauses.backoffs > 0 {
      let mean = Quantities.duration(pauses.backoffNanoseconds / pauses.backoffs)
      table.row([Cell("backoff", .faint), Cell("users rested \(Quantities.count(pauses.backoffs, "time")) after errors, \(mean) on average", .doubtful)])
    }
    lines += table.lines(width: width, style: style)
    return lines
  }

  private var rateText: String {
    var parts: [String] = []
    let arrived = run.durationSeconds > 0 ? Double(run.iterations.arrivals) / run.durationSeconds : 0
    let completed = run.durationSeconds > 0 ? Double(run.iterations.completed) / run.durationSeconds : 0
    if let asked = run.start.askedArrivalsPerSecond {
      parts.append("asked \(Quantities.rate(asked)), arrived \(Quantities.rate(arrived)), completed \(Quantities.rate(completed))")
    } else {
      parts.append("completed \(Quantities.rate(completed))")
    }
    return parts.joined(separator: " · ")
  }

  private var iterationsText: String {
    let counts = run.iterations
    var parts = ["\(Quantities.count(counts.arrivals)) arrived = \(Quantities.count(counts.completed)) completed"]
    for (count, name) in [
      (counts.failed, "failed"), (counts.unknown, "unknown"), (counts.interrupted, "interrupted"), (counts.dropped, "dropped"),
    ] where count > 0 {
      parts.append("\(Quantities.count(count)) \(name)")
    }
    if run.end == nil, counts.openEnded > 0 { parts.append("\(Quantities.count(counts.openEnded)) under way\(run.isCrashed ? " at the crash" : "")") }
    let equation = parts.joined(separator: " + ")
    return counts.areConserved || run.end == nil ? equation : equation + imbalance
  }

  // The steps.

  private var steps: [String] {
    var table = TextTable([.left, .left, .right, .right, .right, .right, .right, .right, .right, .right], optionalColumn: 1)
    let hasUnknown = run.steps.contains { $0.unknown > 0 }
    let hasSkipped = run.steps.contains { $0.skipped > 0 }
    table.header(["", "", "count", "failed", hasUnknown ? "unknown" : "", hasSkipped ? "skipped" : "", "p50", "p95", "p99", "max"])
    func quantile(_ values: HistogramSnapshot, _ q: Double) -> Cell {
      guard !values.isEmpty else { return "" }
      return values.estimableQuantile(q).map { Cell(Quantities.duration($0)) } ?? Cell("–", .faint)
    }
    func row(_ name: Cell, _ kind: String, _ counts: [Cell], _ values: HistogramSnapshot) {
      table.row(
        [name, Cell(kind, .faint)] + counts
          + [
            quantile(values, 0.5), quantile(values, 0.95), quantile(values, 0.99),
            Cell(values.maxNanoseconds.map(Quantities.duration) ?? ""),
          ])
    }
    func count(_ value: UInt64, isShown: Bool = true, _ tone: Tone) -> Cell {
      isShown ? Cell(Quantities.count(value), value > 0 ? tone : .faint) : ""
    }
    if run.start.model == .open && !run.response.isEmpty {
      row("response", "iteration", [Cell(Quantities.count(run.response.count)), "", "", ""], run.response)
      row("start delay", "", ["", "", "", ""], run.startDelay)
      row("service", "", ["", "", "", ""], run.service)
    } else if !run.service.isEmpty {
      row("service", "iteration", [Cell(Quantities.count(run.service.count)), "", "", ""], run.service)
    }
    for step in run.steps where step.count > 0 || step.skipped > 0 {
      row(
        Cell(step.info.id, .heading), step.info.method.isEmpty ? step.info.verb : step.info.method.lowercased(),
        [
          Cell(Quantities.count(step.count)), count(step.failed, .bad), count(step.unknown, isShown: hasUnknown, .doubtful),
          count(step.skipped, isShown: hasSkipped, .doubtful),
        ], step.service)
      // A wait that nobody notices is no news: shown from 5 % of the step's own time on, and from 50 us: less is the rest of a turn of the loop.
      if let wait = step.poolWait.quantile(0.95), let own = step.service.quantile(0.5), wait * 20 > own, wait >= 50_000 {
        row(Cell("  pool wait", .faint), "", ["", "", "", ""], step.poolWait)
      }
    }
    for measure in run.measures where !measure.values.isEmpty {
      row(Cell(measure.name, .heading), "measure", [Cell(Quantities.count(measure.values.count)), "", "", ""], measure.values)
    }
    guard run.service.count > 0 || run.steps.contains(where: { $0.count > 0 }) else { return [] }
    return [heading("Time")] + table.lines(width: width, style: style)
  }

  // The servers.

  private var servers: [String] {
    let servers = ServerLines(run: run, style: style)
    let rows = servers.rows()
    guard !rows.isEmpty else { return [] }
    var table = TextTable([.left, .left, .left])
    for row in rows { table.row(row) }
    return [heading("Servers")] + table.lines(width: width, style: style) + servers.spans() + servers.limits().map { note($0) }
  }

  // The events.

  private func event(_ event: EventRecord) -> [String] {
    guard event.counts?.attempted != 0 || event.hops.contains(where: { !$0.lagHigh.isEmpty || $0.counts.unexpected > 0 }) else { return [] }
    var lines = [heading("Event \(event.info.name)") + equation(of: event)]
    lines += ledger(of: event)
    lines += lags(of: event)
    lines += guarantees(of: event)
    lines += VisibilityPlot(of: event, width: width)?.lines(style: style) ?? []
    lines += offenders(of: event)
    lines += gaps(of: event)
    lines += observers(of: event)
    return lines
  }

  private func equation(of event: EventRecord) -> String {
    guard let counts = event.counts else { return style.paint("  (the ledger is missing: counted from its rows)", .doubtful) }
    var text = "  \(Quantities.count(counts.attempted)) attempted = \(Quantities.count(counts.committed)) committed"
    if counts.rolledBack > 0 { text += " + \(Quantities.count(counts.rolledBack)) rolled back" }
    if counts.unknown > 0 { text += " + \(Quantities.count(counts.unknown)) unknown" }
    guard event.isFinal else { return text }
    return counts.areConserved && event.hops.allSatisfy { $0.counts.accountedFor == counts.committed } ? text : text + imbalance
  }

  private func ledger(of event: EventRecord) -> [String] {
    struct Column {
      let name: String
      let tone: Tone
      let isAlwaysShown: Bool
      let value: (HopCounts) -> UInt64?
    }
    func column(_ name: String, _ tone: Tone, always: Bool = false, _ value: @escaping (HopCounts) -> UInt64?) -> Column {
      Column(name: name, tone: tone, isAlwaysShown: always, value: value)
    }
    let columns = [
      column("ok", .good, always: true, \.ok), column("late", .doubtful, always: true, \.late), column("lost", .bad, always: true, \.lost),
      column("unobserved", .doubtful, always: true, \.unobserved), column("superseded", .plain, \.superseded),
      column("blocked", .doubtful, \.blocked), column("recovered", .plain, \.recovered), column("absent", .plain, \.absent),
      column("unexpected", .bad, \.unexpected), column("aborted", .bad, \.aborted), column("duplicate", .bad, \.duplicate),
      column("reordered", .bad, \.reordered), column("mismatch", .bad, \.mismatch), column("regressed", .bad, \.regressed),
      column("stale at end", .bad, \.staleFinal), column("missing", .bad, \.missing), column("extra", .bad, \.extra),
      column("foreign", .plain, \.foreign),
    ].filter { column in column.isAlwaysShown || event.hops.contains { (column.value($0.counts) ?? 0) > 0 } }
    var table = TextTable([.left, .left] + columns.map { _ in .right })
    table.header(["", ""] + columns.map(\.name))
    for hop in event.hops {
      table.row(
        [Cell(hop.info.name, .heading), Cell(hop.info.how, .faint)]
          + columns.map { column in
            guard let value = column.value(hop.counts) else { return Cell("–", .faint) }
            return Cell(Quantities.count(value), value == 0 ? .faint : column.tone)
          })
    }
    var lines = table.lines(width: width, style: style)
    if let counts = event.counts {
      let parts: [(String, (HopCounts) -> UInt64)] = [
        ("ok", \.ok), ("late", \.late), ("lost", \.lost), ("unobserved", \.unobserved), ("superseded", \.superseded), ("blocked", \.blocked),
      ]
      for hop in event.hops {
        var terms = parts.filter { $0.1(hop.counts) > 0 }.map { "\(Quantities.count($0.1(hop.counts))) \($0.0)" }
        let undecided = event.undecided(at: hop)
        if undecided > 0 { terms.append("\(Quantities.count(undecided)) not decided yet (\(Quantities.count(hop.lagHigh.count)) were seen so far)") }
        let sum = terms.joined(separator: " + ")
        let equation = "\(hop.info.name): \(Quantities.count(counts.committed)) committed = \(sum.isEmpty ? "0" : sum)"
        if event.isFinal, hop.counts.accountedFor != counts.committed {
          lines.append(note(equation) + imbalance)
        } else if hop.counts.ok != counts.committed {
          lines.append(note(equation))
        }
      }
    }
    return lines + notChecked(of: event)
  }

  /// What could not be checked with what the chain maps, and the entries that were read once more.
  private func notChecked(of event: EventRecord) -> [String] {
    guard event.counts != nil else { return [] }
    var lines: [String] = []
    for hop in event.hops {
      if let extent = hop.counts.reorderedExtentMax {
        lines.append(note("\(hop.info.name): reordered ones came up to \(Quantities.count(extent, "event")) of their key too late"))
      }
      if let sweep = hop.sweep {
        let entries = Quantities.count(sweep.entries, "entry", "entries")
        if let error = sweep.error {
          lines.append(note("\(hop.info.name): not compared at the end, after \(entries): \(error)"))
        } else {
          let rest = sweep.unread > 0 ? ", and \(Quantities.count(sweep.unread)) more were not" : ""
          lines.append(note("\(hop.info.name): \(entries) read again at the end\(rest)"))
        }
      }
    }
    let unordered = event.hops.filter { $0.counts.reordered == nil && $0.counts.regressed == nil && $0.counts.staleFinal == nil }
    if !unordered.isEmpty { lines.append(note("order and staleness at \(names(unordered)): not checkable (no version)")) }
    let unread = event.hops.filter { $0.counts.mismatch == nil }
    if !unread.isEmpty { lines.append(note("content at \(names(unread)): not checkable (no body)")) }
    return lines
  }

  private func names(_ hops: [HopRecord]) -> String { hops.map(\.info.name).joined(separator: ", ") }

  private func lags(of event: EventRecord) -> [String] {
    let seen = event.hops.filter { !$0.lagHigh.isEmpty }
    guard !seen.isEmpty else { return [] }
    var table = TextTable([.left, .right, .right, .right, .right, .right])
    table.header(["lag", "p50", "p95", "p99", "resolution", seen.contains { $0.visibleBeforeAck > 0 } ? "before ack" : ""])
    var isLimited = false
    for hop in seen {
      func quantile(_ q: Double) -> Cell {
        guard let high = hop.lagHigh.estimableQuantile(q) else { return Cell("–", .faint) }
        let low = hop.lagLow.quantile(q) ?? 0
        // MEASUREMENT: a resolution above 10 % of a quantile limits that quantile.
        let limited = (hop.resolutionNanoseconds ?? 0) * 10 > high
        if limited { isLimited = true }
        return Cell((limited ? "~" : "") + Quantities.interval(min(low, high), high))
      }
      table.row([
        Cell(hop.info.name, .heading), quantile(0.5), quantile(0.95), quantile(0.99),
        Cell(hop.resolutionNanoseconds.map(Quantities.duration) ?? "", .faint),
        Cell(hop.visibleBeforeAck > 0 ? Quantities.count(hop.visibleBeforeAck) : "", .faint),
      ])
    }
    // What was visible at first and is so to the end needs no line of its own.
    for hop in event.hops where !hop.stableHigh.isEmpty && hop.stableHigh.sum != hop.lagHigh.sum {
      func quantile(_ q: Double) -> Cell {
        guard let high = hop.stableHigh.estimableQuantile(q) else { return Cell("–", .faint) }
        return Cell(Quantities.interval(min(hop.stableLow.quantile(q) ?? 0, high), high))
      }
      table.row([Cell("\(hop.info.name), for good", .faint), quantile(0.5), quantile(0.95), quantile(0.99), "", ""])
    }
    var lines = table.lines(width: width, style: style)
    if isLimited { lines.append(note("~ limited by the resolution: more than a tenth of the value")) }
    return lines
  }

  private func guarantees(of event: EventRecord) -> [String] {
    let rows = GuaranteeTable.rows(of: event)
    guard !rows.isEmpty else { return [] }
    var table = TextTable([.left] + GuaranteeTable.header.dropFirst().map { _ in .right })
    // What is nowhere above 0 need not be shown.
    let shown = GuaranteeTable.header.indices.filter { column in
      !["possible", "unchecked"].contains(GuaranteeTable.header[column]) || rows.contains { !["", "0"].contains($0[column].text) }
    }
    table.header(GuaranteeTable.header.indices.map { shown.contains($0) ? GuaranteeTable.header[$0] : "" })
    for row in rows { table.row(row.indices.map { shown.contains($0) ? Cell(row[$0].text, row[$0].tone) : "" }) }
    var lines = table.lines(width: width, style: style)
    for found in event.guarantees where !found.longest.isEmpty {
      lines.append(note("\(found.guarantee.rawValue), the longest: " + GuaranteeTable.longest(of: found, max: 3).joined(separator: ", ")))
    }
    return lines
  }

  private func offenders(of event: EventRecord) -> [String] {
    // What an observer missed, or a newer version replaced, is no offence; what follows from an earlier loss is listed there.
    let quiet: Set<String> = [
      EventOutcome.blocked.rawValue, EventOutcome.superseded.rawValue, EventOutcome.recovered.rawValue, EventOutcome.absent.rawValue,
    ]
    var table = TextTable([.left, .left])
    var isEmpty = true
    for hop in event.hops {
      for list in hop.offenders where !quiet.contains(list.kind) {
        isEmpty = false
        let shown = list.ids.prefix(8)
        let more = list.count > UInt64(shown.count) ? " … \(Quantities.count(list.count - UInt64(shown.count))) more" : ""
        table.row([Cell("\(list.kind) at \(hop.info.name)", .faint), Cell(shown.joined(separator: " ") + more)])
      }
    }
    return isEmpty ? [] : table.lines(width: width, style: style)
  }

  /// Why a hop was observed as it was, where there was a choice; and what that cost the system.
  private func observers(of event: EventRecord) -> [String] {
    event.hops.compactMap { hop in
      guard let seen = hop.observation, !seen.reason.isEmpty || seen.operations > 0 else { return nil }
      var text = "\(hop.info.name) by \(hop.info.how)" + (seen.reason.isEmpty ? "" : " (\(seen.reason))")
      if seen.operations > 0 { text += ": \(Quantities.count(seen.operations - seen.fences)) requests and \(Quantities.count(seen.fences)) fences" }
      return note(text)
    }
  }

  private func gaps(of event: EventRecord) -> [String] {
    let index = run.events.firstIndex { $0.info.name == event.info.name }
    let gaps = run.gaps.filter { $0.event == nil || $0.event == index }
    return gaps.prefix(3).map { gap in
      note(
        "could not see for \(Quantities.duration(gap.toNanoseconds - min(gap.fromNanoseconds, gap.toNanoseconds))) at \(second(gap.fromNanoseconds)): \(gap.reason)"
      )
    } + (gaps.count > 3 ? [note("and \(gaps.count - 3) more gaps")] : [])
  }

  // The pools.

  /// Those that somebody had to wait for, or that lost connections: the others are no news.
  private var pools: [String] {
    let shown = run.pools.filter { $0.waits + $0.refused + $0.reconnects + $0.connectFailures > 0 }
    guard !shown.isEmpty else { return [] }
    var table = TextTable([.left, .right, .right, .right, .right, .right, .right, .right])
    table.header(["", "size", "in use", "waits", "wait p95", "refused", "exhausted", "reconnects"])
    for pool in shown {
      let use: Cell =
        pool.utilisation.map { Cell(Quantities.percentage($0)) } ?? pool.inFlightMean.map { Cell("\(Quantities.trimmed($0, decimals: 1)) at once") } ?? ""
      table.row([
        Cell(pool.info.name, .heading), Cell(Quantities.count(UInt64(pool.size))), use, Cell(Quantities.count(pool.waits), pool.waits > 0 ? .doubtful : .faint),
        pool.wait.estimableQuantile(0.95).map { Cell(Quantities.duration($0)) } ?? Cell("–", .faint),
        Cell(Quantities.count(pool.refused), pool.refused > 0 ? .bad : .faint),
        pool.exhaustedNanoseconds > 0 ? Cell(Quantities.duration(pool.exhaustedNanoseconds), .doubtful) : Cell("", .faint),
        Cell(Quantities.count(pool.reconnects), pool.reconnects > 0 ? .doubtful : .faint),
      ])
    }
    return [heading("Pools")] + table.lines(width: width, style: style)
  }

  // The outputs for other programs.

  private var outputs: [String] {
    let lossy = run.outputs.filter { $0.lost > 0 }
    guard !lossy.isEmpty else { return [] }
    var table = TextTable([.left, .left])
    for output in lossy { table.row([Cell(output.name.rawValue, .heading), Cell(output.loss ?? "", .doubtful)]) }
    return [heading("Live outputs") + "  lost something; the figures here did not"] + table.lines(width: width, style: style)
  }

  // The verdicts.

  private var checks: [String] {
    guard !run.checks.isEmpty, run.checks.contains(where: { $0.passed + $0.failed > 0 }) else { return [] }
    let failing = run.checks.filter { $0.failed > 0 }
    let passed = run.checks.reduce(0) { $0 + $1.passed }
    let failed = run.checks.reduce(0) { $0 + $1.failed }
    if failing.isEmpty { return [heading("Checks") + "  all \(Quantities.count(passed)) passed"] }
    var table = TextTable([.right, .right, .left, .left])
    table.header(["failed", "passed", "step", "check"])
    for check in failing {
      let place =
        check.info.line > 0 ? "\(run.stepName(check.info.step) ?? "") line \(check.info.line)" : run.stepName(check.info.step) ?? ""
      table.row([Cell(Quantities.count(check.failed), .bad), Cell(Quantities.count(check.passed)), Cell(place), Cell(check.info.text)])
    }
    return [heading("Checks") + "  \(Quantities.count(failed)) of \(Quantities.count(passed + failed)) failed"]
      + table.lines(width: width, style: style)
  }

  private var errors: [String] {
    guard !run.failures.isEmpty else { return [] }
    let shownMax = 10
    var table = TextTable([.right, .left, .left, .left])
    table.header(["count", "step", "when", "error"])
    for failure in run.failures.prefix(shownMax) {
      let (from, to) = (second(failure.firstNanoseconds), second(failure.lastNanoseconds))
      let target = failure.fingerprint.target
      table.row([
        Cell(Quantities.count(failure.count), .bad), Cell(run.stepName(failure.fingerprint.step) ?? "–"),
        Cell(from == to ? from : "\(from.dropLast(2))–\(to)", .faint),
        Cell((target.isEmpty ? "" : target + " ") + failure.fingerprint.phrase),
      ])
    }
    var lines = [heading("Errors") + "  \(Quantities.count(run.failureCount)) of \(Quantities.count(UInt64(run.failures.count), "kind"))"]
    lines += table.lines(width: width, style: style)
    var found = TextTable([.left, .left])
    for (index, failure) in run.failures.prefix(shownMax).enumerated() {
      let name = [failure.fingerprint.code.isEmpty ? failure.fingerprint.errorClass : failure.fingerprint.code, run.stepName(failure.fingerprint.step)]
      for pattern in run.patterns(of: index) where pattern.failures.first == index {
        found.row([Cell(name.compactMap(\.self).joined(separator: " "), .faint), Cell(pattern.phrase, .doubtful)])
      }
    }
    lines += found.lines(width: width, style: style)
    if run.failures.count > shownMax { lines.append(note("and \(run.failures.count - shownMax) more kinds, in summary.json")) }
    return lines
  }

  private var thresholds: [String] {
    guard !run.thresholds.isEmpty else { return [] }
    var table = TextTable([.left, .left, .left, .left])
    for threshold in run.thresholds {
      let word: Cell
      switch threshold.verdict {
      case .pass: word = Cell("pass", .good)
      case .fail: word = Cell("FAIL", .bad)
      case .inconclusive: word = Cell("UNDECIDED", .doubtful)
      }
      table.row([word, Cell(threshold.text), Cell(threshold.observed), Cell(threshold.detail ?? "", .faint)])
    }
    return [heading("Thresholds")] + table.lines(width: width, style: style)
  }

  private var alerts: [String] {
    guard !run.alerts.isEmpty else { return [] }
    var table = TextTable([.left, .left, .left, .left])
    for alert in run.alerts {
      let phrase = AlertPhrase(alert, of: run)
      table.row([Cell(phrase.word, phrase.tone), Cell(alert.info.name, .heading), Cell(alert.info.condition), Cell(phrase.detail, .faint)])
    }
    let quiet = run.alerts.allSatisfy(\.info.actions.isEmpty) ? "  nothing was run or posted (--no-alerts)" : ""
    return [heading("Alerts") + quiet] + table.lines(width: width, style: style)
      + run.alerts.compactMap { alert in
        AlertPhrase(alert, of: run).trouble.map { note("'\(alert.info.name)': \($0)") }
      }
  }

  private var validity: [String] {
    var lines: [String] = []
    let folded = FoldedValidity.all(of: run)
    let doubts = folded.filter { $0.verdict != .valid }
    if !doubts.isEmpty {
      // The sentence is the last column, and cut to the terminal: a long list of spans must leave it room.
      var table = TextTable([.left, .left, .left])
      for reason in doubts {
        table.row([Cell(reason.name, reason.verdict == .invalid ? .bad : .doubtful), Cell(reason.when, .faint).cut(to: max(14, width / 3)), Cell(reason.detail)])
      }
      lines = [heading("Validity") + "  \(run.validityVerdict.rawValue): these figures say something about this machine as well"]
      lines += table.lines(width: width, style: style)
    }
    for reason in folded where reason.verdict == .valid { lines.append(note("\(reason.detail); \(reason.when)")) }
    if run.probes.share > 0.05 {
      lines.append(
        note("observing (value reads, looks, probes) was \(Quantities.percentage(run.probes.share)) of all operations sent; the rest was the load"))
    }
    if run.damagedLines > 0 { lines.append(note("\(run.damagedLines) damaged lines in the journal were passed over")) }
    return lines
  }

  private func places(_ path: String?) -> [String] {
    guard let path else { return [] }
    return [style.paint("Results", .heading) + "  \(path)"]
  }

  private var imbalance: String { style.paint(" — the counts do not add up", .bad) }

  private func heading(_ text: String) -> String { style.paint(text, .heading) }

  private func note(_ text: String) -> String {
    let cell = Cell(text, .faint).cut(to: width - 2)
    return "  " + style.paint(cell.text, cell.tone)
  }

  /// `12.3 s` since the start of the load.
  private func second(_ nanoseconds: UInt64) -> String {
    Quantities.fixed(run.seconds(at: nanoseconds), decimals: 1) + " s"
  }
}
