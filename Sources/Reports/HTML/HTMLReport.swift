package import Metrics

/// `report.html`: the whole run on one page that needs nothing else, neither a network nor a script.
///
/// Every picture is drawn twice, for a desk and for a phone, and the style sheet shows one; what a picture shows stands in a table too.
package struct HTMLReport {
  private let run: RunRecord

  package static func text(of run: RunRecord) -> String { HTMLReport(run: run).page }

  static let wide = 928.0
  static let narrow = 358.0

  private var page: String {
    let verdict = RunVerdict(of: run)
    let sections = [
      head(verdict), tiles, thresholds, alerts, visibility, latency, timeline, steps, servers, ledger, errors, checks, validity, environment,
    ]
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <title>\(Markup.escape("\(verdict.word): \(run.start.chain)"))</title>
      <style>
      \(Stylesheet.text)
      </style>
      </head>
      <body>
      <main>
      \(sections.filter { !$0.isEmpty }.joined(separator: "\n"))
      <footer>\(Markup.escape(footer))</footer>
      </main>
      </body>
      </html>

      """
  }

  private var footer: String {
    let version = run.start.versions.first { $0.name == "chainrun" }?.value ?? ""
    return "chainrun \(version), run \(run.start.runID). Made from journal.ndjson alone; a time that is not estimable from so few samples is –."
  }

  // The top

  private func head(_ verdict: RunVerdict) -> String {
    let started = Quantities.instant(realtimeNanoseconds: run.start.realtimeNanoseconds)
    return """
      <header class="verdict \(HTMLCell.style(of: verdict.tone))">
      <h1><span class="word">\(Markup.escape(verdict.word))</span> · \(Markup.escape(run.start.chain))</h1>
      <p>\(Markup.escape(verdict.sentence))</p>
      </header>
      <p class="meta">\(Markup.escape(run.start.profileText)) · started \(started)</p>
      """
  }

  private var tiles: String {
    var tiles: [(String, String, String)] = []
    let rate = run.durationSeconds > 0 ? Double(run.iterations.completed) / run.durationSeconds : 0
    tiles.append(("completed", Quantities.rate(rate), run.start.askedArrivalsPerSecond.map { "asked \(Quantities.rate($0))" } ?? ""))
    tiles.append(("iterations", Quantities.count(run.iterations.arrivals), equation))
    let times = run.start.model == .open ? run.response : run.service
    let name = run.start.model == .open ? "response" : "service"
    for (label, q) in [("p50", 0.5), ("p99", 0.99)] {
      tiles.append(("\(name) \(label)", times.estimableQuantile(q).map(Quantities.duration) ?? "–", ""))
    }
    let failed = run.iterations.failed + run.iterations.unknown
    tiles.append(("failed iterations", Quantities.count(failed), failed > 0 ? Quantities.percentage(Double(failed) / Double(max(1, run.iterations.arrivals))) : ""))
    let wrong = ConsistencyCount.all(of: run).reduce(0) { $0 + ($1.count ?? 0) }
    if !run.events.isEmpty {
      let committed = run.events.reduce(0) { $0 + ($1.counts?.committed ?? 0) }
      tiles.append(("events committed", Quantities.count(committed), wrong == 0 ? "none wrong" : "\(Quantities.count(wrong)) wrong"))
    }
    let items = tiles.map { "<div><dt>\(Markup.escape($0.0))</dt><dd>\(Markup.escape($0.1))\($0.2.isEmpty ? "" : "<small>\(Markup.escape($0.2))</small>")</dd></div>" }
    return "<dl class=\"tiles\">\(items.joined(separator: "\n"))</dl>"
  }

  private var equation: String {
    let counts = run.iterations
    let parts = [
      (counts.completed, "completed"), (counts.failed, "failed"), (counts.unknown, "unknown"), (counts.interrupted, "interrupted"),
      (counts.dropped, "dropped"), (run.end == nil ? counts.openEnded : 0, run.isCrashed ? "under way at the crash" : "under way"),
    ].filter { $0.0 > 0 }.map { "\(Quantities.count($0.0)) \($0.1)" }
    return parts.joined(separator: " + ") + (counts.areConserved || run.end == nil ? "" : " — the counts do not add up")
  }

  // The sections

  private var thresholds: String {
    guard !run.thresholds.isEmpty else { return "" }
    var table = HTMLTable("Thresholds", [("verdict", .left), ("threshold", .left), ("observed", .left), ("", .left)])
    for threshold in run.thresholds {
      let word: HTMLCell
      switch threshold.verdict {
      case .pass: word = HTMLCell("pass", .good)
      case .fail: word = HTMLCell("FAIL", .bad)
      case .inconclusive: word = HTMLCell("undecided", .doubtful)
      }
      table.row([word, code(threshold.text), HTMLCell(threshold.observed), HTMLCell(threshold.detail ?? "", .faint)])
    }
    return section("thresholds", "Thresholds", table.markup)
  }

  private var alerts: String {
    var table = HTMLTable(
      "Alerts", [("", .left), ("alert", .left), ("when", .left), ("over", .right), ("fired", .left), ("told", .right), ("", .left)])
    for alert in run.alerts {
      let phrase = AlertPhrase(alert, of: run)
      table.row([
        HTMLCell(phrase.word, phrase.tone), HTMLCell(alert.info.name), code(alert.info.condition),
        HTMLCell(Quantities.duration(alert.info.overNanoseconds), .faint), HTMLCell(phrase.detail), HTMLCell(Quantities.count(alert.succeeded), .faint),
        HTMLCell(phrase.trouble ?? (alert.info.actions.isEmpty ? "nothing was run or posted" : ""), phrase.trouble == nil ? .faint : .bad),
      ])
    }
    return table.count == 0 ? "" : section("alerts", "Alerts", table.markup)
  }

  private var visibility: String {
    var body = ""
    for (index, event) in run.events.enumerated() {
      let picture = figure(
        "visible-\(index)", "How soon \(event.info.name) is visible",
        "The share of committed events that were visible so long after the acknowledgement, between its bounds, for each hop.",
        caption: "The curve lies inside the band: its lower edge is what was surely seen, its upper edge what may have been. What was lost keeps it below 100 %."
      ) { VisibilityChart(event: event, width: $0).picture() }
      let table = lags(of: event)
      if !picture.isEmpty || !table.isEmpty { body += "<h3>\(Markup.escape(event.info.name))</h3>\n\(picture)\(table)" }
    }
    return body.isEmpty ? "" : section("visibility", "When it became visible", body)
  }

  private func lags(of event: EventRecord) -> String {
    var table = HTMLTable(
      "Lag of \(event.info.name) by hop",
      [("hop", .left), ("observed by", .left), ("p50", .right), ("p90", .right), ("p95", .right), ("p99", .right), ("max", .right), ("resolution", .right), ("before ack", .right)])
    for hop in event.hops where !hop.lagHigh.isEmpty {
      func quantile(_ q: Double) -> HTMLCell {
        guard let high = hop.lagHigh.estimableQuantile(q) else { return HTMLCell("–", .faint) }
        let isLimited = (hop.resolutionNanoseconds ?? 0) * 10 > high
        return HTMLCell((isLimited ? "~" : "") + Quantities.interval(min(hop.lagLow.quantile(q) ?? 0, high), high))
      }
      table.row([
        HTMLCell(hop.info.name), HTMLCell("\(hop.info.how) \(hop.info.target)", .faint), quantile(0.5), quantile(0.9), quantile(0.95), quantile(0.99),
        HTMLCell(hop.lagHigh.maxNanoseconds.map(Quantities.duration) ?? "–"),
        HTMLCell(hop.resolutionNanoseconds.map(Quantities.duration) ?? "–", .faint), HTMLCell(Quantities.count(hop.visibleBeforeAck), .faint),
      ])
    }
    guard table.count > 0 else { return "" }
    return table.markup + "<p class=\"note\">~ limited by the resolution, which is more than a tenth of the value.</p>\n"
  }

  private var latency: String {
    var series: [(name: String, values: HistogramSnapshot)] = []
    if run.start.model == .open, !run.response.isEmpty { series.append(("response", run.response)) }
    if !run.service.isEmpty { series.append(("service", run.service)) }
    let picture = figure(
      "percentiles", "Time by percentile", "Response and service time of whole iterations by percentile, on a logarithmic axis of rarity.",
      caption: run.start.model == .open
        ? "Response counts from the intended start, service from the actual one: what lies between is waiting. Dotted where too few samples bound the percentile."
        : "With a fixed number of users there is no intended start, so there is no response time. Dotted where too few samples bound the percentile."
    ) { PercentileChart(series: series, width: $0).picture() }
    if run.start.model == .open, !run.startDelay.isEmpty { series.append(("start delay", run.startDelay)) }
    let rows = series + run.measures.filter { !$0.values.isEmpty }.map { ($0.name, $0.values) }
    var table = HTMLTable(
      "Times of whole iterations and measures",
      [("", .left), ("count", .right), ("min", .right), ("mean", .right), ("p50", .right), ("p90", .right), ("p95", .right), ("p99", .right), ("p99.9", .right), ("max", .right)])
    for (name, values) in rows {
      table.row(
        [
          HTMLCell(name), HTMLCell(Quantities.count(values.count)), time(values.minNanoseconds), time(values.meanNanoseconds.map { UInt64($0) }),
        ] + [0.5, 0.9, 0.95, 0.99, 0.999].map { time(values.estimableQuantile($0)) } + [time(values.maxNanoseconds)])
    }
    return table.count == 0 ? "" : section("latency", "How long it took", picture + table.markup)
  }

  private var timeline: String {
    let marks = TimelineChart.marks(of: run)
    var body = figure(
      "timeline", "The run over time", "Rates, times, failures and busy users over the seconds of the load; service times of steps and the lag of each hop.",
      caption: "Seconds since the start of the load. Each quantile is one of as many seconds as have the samples that bound it. A hop's band lies between the bounds of its median."
    ) { TimelineChart(of: run, width: $0).picture() }
    guard !body.isEmpty else { return "" }
    if !marks.isEmpty {
      let all: [(String, TimelineChart.Mark.Kind)] = [
        ("warm", .warmUp), ("doubt", .doubtful), ("gap", .gap), ("stall", .stall), ("pool", .exhausted), ("alert", .alert),
      ]
      let kinds = all.filter { kind in marks.contains { $0.kind == kind.1 } }
      body += "<p class=\"note\">Marked:" + kinds.map { "<span class=\"key k-\($0.0)\"></span>\($0.1.rawValue)" }.joined() + "</p>\n"
      var table = HTMLTable("Marked spans", [("what", .left), ("from", .right), ("to", .right), ("", .left)])
      // Doubtful spans stand with their reasons in a section of their own.
      let listed = marks.filter { $0.kind != .doubtful }
      for mark in listed.prefix(50) {
        table.row([
          HTMLCell(mark.kind.rawValue), HTMLCell(second(mark.from)), HTMLCell(second(mark.to)), HTMLCell(markup: Markup.escape(mark.text), "text"),
        ])
      }
      if table.count > 0 { body += table.markup }
      if listed.count > 50 { body += "<p class=\"note\">and \(listed.count - 50) more</p>\n" }
    }
    var table = HTMLTable(
      "The run over time",
      [("second", .right), ("arrived", .right), ("completed", .right), ("failures", .right), ("p50", .right), ("p95", .right), ("p99", .right), ("max", .right), ("busy", .right)])
    for point in TimelinePoint.points(of: run, limit: 60) {
      table.row([
        HTMLCell(point.to - point.from > 1 ? "\(point.from)–\(point.to)" : "\(point.from)"), HTMLCell(Quantities.count(point.arrivals)),
        HTMLCell(Quantities.count(point.completed)), HTMLCell(Quantities.count(point.failures), point.failures > 0 ? .bad : .faint),
        time(point.times.estimableQuantile(0.5)), time(point.times.estimableQuantile(0.95)), time(point.times.estimableQuantile(0.99)),
        time(point.times.maxNanoseconds), HTMLCell(Quantities.count(point.usersBusy)),
      ])
    }
    return section("timeline", "Over time", body + details("The same as a table", table.markup + series))
  }

  /// Steps and hops over time, as tables: p50 and p95 of each stretch.
  private var series: String {
    TimelineChart.panels(of: run, limit: 30).map { panel in
      var table = HTMLTable("\(panel.title) over time", [("", .left), ("seconds", .right), ("count", .right), ("p50", .right), ("p95", .right)])
      for series in panel.series {
        for stretch in series.medians {
          let (high, low) = (stretch.values[0], stretch.values.count > 1 ? stretch.values[1] : stretch.values[0])
          func quantile(_ q: Double) -> HTMLCell {
            guard let upper = high.estimableQuantile(q) else { return HTMLCell("–", .faint) }
            return HTMLCell(Quantities.interval(min(low.quantile(q) ?? 0, upper), upper))
          }
          table.row([
            HTMLCell(series.name), HTMLCell("\(Int(stretch.from))–\(Int(stretch.to))"), HTMLCell(Quantities.count(high.count)), quantile(0.5), quantile(0.95),
          ])
        }
      }
      return table.markup
    }.joined()
  }

  private var steps: String {
    let picture = figure(
      "waterfall", "Where the time went", "Mean time of each step per iteration, one after the other, with the wait for a connection apart.",
      caption: ""
    ) { StepWaterfall(run: run, width: $0).picture() }
    var table = HTMLTable(
      "Steps",
      [("step", .left), ("", .left), ("count", .right), ("failed", .right), ("unknown", .right), ("skipped", .right), ("pool wait p95", .right), ("p50", .right), ("p95", .right), ("p99", .right), ("max", .right), ("share", .right)])
    let whole = (run.service.meanNanoseconds ?? 0) * Double(run.iterations.completed + run.iterations.failed + run.iterations.unknown)
    for step in run.steps where step.count > 0 || step.skipped > 0 {
      let share = whole > 0 ? Quantities.percentage(min(1, Double(step.service.sum + step.poolWait.sum) / whole)) : "–"
      table.row([
        HTMLCell(step.info.id), HTMLCell([step.info.method.lowercased(), step.info.connection ?? ""].joined(separator: " "), .faint),
        HTMLCell(Quantities.count(step.count)), HTMLCell(Quantities.count(step.failed), step.failed > 0 ? .bad : .faint),
        HTMLCell(Quantities.count(step.unknown), step.unknown > 0 ? .doubtful : .faint),
        HTMLCell(Quantities.count(step.skipped), step.skipped > 0 ? .doubtful : .faint), time(step.poolWait.estimableQuantile(0.95)),
        time(step.service.estimableQuantile(0.5)), time(step.service.estimableQuantile(0.95)), time(step.service.estimableQuantile(0.99)),
        time(step.service.maxNanoseconds), HTMLCell(step.service.isEmpty ? "" : share, .faint),
      ])
    }
    guard table.count > 0 else { return "" }
    let rest = StepWaterfall.remainder(of: run)
    let key =
      "<p class=\"note\"><span class=\"key k-service\"></span>service<span class=\"key k-wait\"></span>wait for a connection"
      + (run.events.isEmpty ? "" : "<span class=\"key k-hop\"></span>hop") + "</p>\n"
    let note = rest > 0 ? "<p class=\"note\">Mean per iteration; \(Quantities.duration(UInt64(rest))) of an iteration were in no step.</p>\n" : ""
    return section("steps", "Where the time went", picture + (picture.isEmpty ? "" : key + note) + table.markup)
  }

  /// What the servers told of themselves, on the time axis of the run.
  private var servers: String {
    let seen = run.servers.filter { $0.isSeen || !$0.facts.limits.isEmpty }
    guard !seen.isEmpty else { return "" }
    var body = Self.slowSpans(of: run)
    body += figure(
      "servers-over-time", "The servers over time", "What each server told of itself, once a second, over the seconds of the load.",
      caption: "Once a second, over connections of their own. Panels that were 0 all the time are left out; red: no answer."
    ) { ServerChart(of: run, width: $0).picture() }
    for server in seen {
      let name = server.facts.server.isEmpty ? server.info.kind : server.facts.server
      body += "<h3>\(Markup.escape("\(server.info.name): \(name)"))</h3>\n" + Self.remarks(on: server, run)
      body += Self.parts(of: server) + Self.statements(of: server)
      body += details("Its figures in the load", Self.table(of: server, run))
    }
    return section("servers", "What the servers said meanwhile", body)
  }

  private var ledger: String {
    var body = ""
    for (index, event) in run.events.enumerated() {
      let picture = figure(
        "ledger-\(index)", "What became of \(event.info.name)", "Attempted events, what of them was committed, and their outcome at each hop.",
        caption: ""
      ) { LedgerFlow(event: event, width: $0).picture() }
      body += "<h3>\(Markup.escape(event.info.name))</h3>\n"
      if let counts = event.counts {
        let text = "\(Quantities.count(counts.attempted)) attempted = \(Quantities.count(counts.committed)) committed + \(Quantities.count(counts.rolledBack)) rolled back + \(Quantities.count(counts.unknown)) unknown"
        body += "<p>\(Markup.escape(text))\(counts.areConserved ? "" : " <strong>— the counts do not add up</strong>")</p>\n"
      } else {
        body += "<p class=\"note\">The ledger's final record is missing; these are counts of its rows.</p>\n"
      }
      body += picture + outcomes(of: event) + guarantees(of: event) + offenders(of: event)
    }
    return body.isEmpty ? "" : section("ledger", "What became of every event", body)
  }

  private func outcomes(of event: EventRecord) -> String {
    let columns: [(String, Tone, (HopCounts) -> UInt64?)] = [
      ("ok", .plain, \.ok), ("late", .doubtful, \.late), ("lost", .bad, \.lost), ("unobserved", .doubtful, \.unobserved),
      ("superseded", .plain, \.superseded), ("blocked", .doubtful, \.blocked), ("recovered", .plain, \.recovered), ("absent", .plain, \.absent),
      ("unexpected", .bad, \.unexpected), ("aborted", .bad, \.aborted), ("duplicate", .bad, \.duplicate), ("reordered", .bad, \.reordered),
      ("mismatch", .bad, \.mismatch), ("regressed", .bad, \.regressed), ("stale at end", .bad, \.staleFinal), ("missing", .bad, \.missing),
      ("extra", .bad, \.extra),
    ]
    let always: Set<String> = ["ok", "late", "lost", "unobserved"]
    let shown = columns.filter { column in always.contains(column.0) || event.hops.contains { (column.2($0.counts) ?? 0) > 0 } }
    var table = HTMLTable("Outcomes of \(event.info.name) at each hop", [("hop", .left)] + shown.map { ($0.0, .right) } + [("not checkable", .left)])
    for hop in event.hops {
      table.row(
        [HTMLCell(hop.info.name)]
          + shown.map { column in
            guard let count = column.2(hop.counts) else { return HTMLCell("–", .faint) }
            return HTMLCell(Quantities.count(count), count == 0 ? .faint : column.1)
          } + [HTMLCell(columns.filter { $0.2(hop.counts) == nil }.map(\.0).joined(separator: ", "), .faint)])
    }
    return table.markup
  }

  private func guarantees(of event: EventRecord) -> String {
    let rows = GuaranteeTable.rows(of: event)
    guard !rows.isEmpty else { return "" }
    var table = HTMLTable(
      "Session guarantees of \(event.info.name)", GuaranteeTable.header.enumerated().map { ($1, $0 == 0 ? .left : .right) })
    for row in rows { table.row(row.map { HTMLCell($0.text, $0.tone) }) }
    var body = table.markup
    for hop in event.hops {
      for found in event.guarantees(of: hop) where !found.longest.isEmpty {
        let items = GuaranteeTable.longest(of: found, max: found.longest.count).map { "<li>\(Markup.escape($0))</li>" }.joined()
        body += details(
          "The longest violations of \(found.guarantee.rawValue) at \(hop.info.name)", "<ul class=\"ids\">\(items)</ul>\n")
      }
    }
    return body
  }

  private func offenders(of event: EventRecord) -> String {
    let quiet: Set<String> = [
      EventOutcome.blocked.rawValue, EventOutcome.superseded.rawValue, EventOutcome.recovered.rawValue, EventOutcome.absent.rawValue,
    ]
    var body = ""
    for hop in event.hops {
      for list in hop.offenders where !quiet.contains(list.kind) {
        let more = list.count - UInt64(list.ids.count)
        let ids = list.ids.map { Markup.escape($0) }.joined(separator: " ")
        body += details(
          "\(Quantities.count(list.count)) \(list.kind) at \(hop.info.name)", isOpen: true,
          "<p class=\"ids\">\(ids)\(more > 0 ? " … and \(Quantities.count(more)) more" : "")</p>\n")
      }
    }
    return body
  }

  private var errors: String {
    guard !run.failures.isEmpty else { return "" }
    var table = HTMLTable(
      "Errors by kind", [("count", .right), ("step", .left), ("over time", .left), ("first", .right), ("last", .right), ("error", .left)])
    let shown = 100
    for (index, failure) in run.failures.prefix(shown).enumerated() {
      let target = failure.fingerprint.target
      table.row([
        HTMLCell(Quantities.count(failure.count), .bad), HTMLCell(run.stepName(failure.fingerprint.step) ?? "–"),
        HTMLCell(markup: Sparkline.markup(run.failureDetails[index], of: run)),
        HTMLCell(second(run.seconds(at: failure.firstNanoseconds))), HTMLCell(second(run.seconds(at: failure.lastNanoseconds))),
        HTMLCell(
          markup: Markup.escape((target.isEmpty ? "" : target + " ") + failure.fingerprint.phrase) + examples(of: failure)
            + patterns(of: index), "text"),
      ])
    }
    let more = run.failures.count > shown ? "<p class=\"note\">and \(run.failures.count - shown) more kinds, in summary.json</p>\n" : ""
    let total = "<p>\(Quantities.count(run.failureCount, "failure")) of \(Quantities.count(UInt64(run.failures.count), "kind")). Values in messages are masked.</p>\n"
    return section("errors", "Errors", total + table.markup + more)
  }

  /// Where to look in the logs of others: the first three of many, to the millisecond.
  private func examples(of failure: JournalFailure) -> String {
    guard failure.count > 1, !failure.exampleNanoseconds.isEmpty else { return "" }
    let instants = failure.exampleNanoseconds.map { Quantities.fixed(run.seconds(at: $0), decimals: 3) }.joined(separator: ", ")
    return "<div class=\"faint\">for example at \(instants) s</div>"
  }

  private func patterns(of failure: Int) -> String {
    let patterns = run.patterns(of: failure)
    guard !patterns.isEmpty else { return "" }
    return "<ul class=\"patterns\">" + patterns.map { "<li>\(Markup.escape($0.phrase))</li>" }.joined() + "</ul>"
  }

  private var checks: String {
    guard run.checks.contains(where: { $0.passed + $0.failed > 0 }) else { return "" }
    var table = HTMLTable("Checks", [("", .left), ("step", .left), ("check", .left), ("passed", .right), ("failed", .right)])
    for check in run.checks {
      let total = check.passed + check.failed
      let word = total == 0 ? HTMLCell("never reached", .faint) : check.failed == 0 ? HTMLCell("pass", .good) : HTMLCell("FAIL", .bad)
      table.row([
        word, HTMLCell(run.stepName(check.info.step) ?? ""), code(check.info.text), HTMLCell(Quantities.count(check.passed)),
        HTMLCell(Quantities.count(check.failed), check.failed > 0 ? .bad : .faint),
      ])
    }
    return section("checks", "Checks", table.markup)
  }

  private var validity: String {
    let word = run.validityVerdict.rawValue
    var body = "<p><strong>\(word)</strong>: \(run.validityVerdict == .valid ? "the generator kept up, and the figures are those of the system under test." : "these figures say something about this machine as well.")</p>\n"
    var table = HTMLTable("Reasons for doubt, and notes", [("reason", .left), ("verdict", .left), ("when", .left), ("", .left)])
    for reason in FoldedValidity.all(of: run) {
      let verdict: HTMLCell =
        switch reason.verdict {
        case .valid: HTMLCell("note", .faint)
        case .degraded: HTMLCell("degraded", .doubtful)
        case .invalid: HTMLCell("invalid", .bad)
        }
      table.row([HTMLCell(reason.name), verdict, HTMLCell(markup: Markup.escape(reason.when), "text"), HTMLCell(markup: Markup.escape(reason.detail), "text")])
    }
    body += table.markup
    let health = run.generator
    var facts: [(String, String)] = []
    if let late = health.loopLateness.estimableQuantile(0.99) { facts.append(("loop lateness p99", Quantities.duration(late))) }
    facts.append(("longest gap of the loop", Quantities.duration(health.longestGapNanoseconds)))
    if health.cpuAllowedNanoseconds > 0 {
      facts.append(("own processor time", Quantities.percentage(Double(health.cpuNanoseconds) / Double(health.cpuAllowedNanoseconds)) + " of what it may use"))
    }
    if health.watchedNanoseconds > 0 {
      let watched = Double(health.watchedNanoseconds)
      facts.append(("taken by the hypervisor", Quantities.percentage(Double(health.stealNanoseconds) / watched) + " of the processors' time"))
      facts.append(("stood in line for a processor", Quantities.percentage(Double(health.cpuWaitNanoseconds) / watched) + " of the time"))
    }
    if run.start.model == .open {
      facts.append(("late, a user was free", Quantities.count(health.lateUserFree) + " (our doing)"))
      facts.append(("late, no user was free", Quantities.count(health.lateNoUserFree) + " (the target's doing)"))
    }
    facts.append(("observing operations", "\(Quantities.count(run.probes.operations)), \(Quantities.percentage(run.probes.share)) of all that were sent"))
    if run.damagedLines > 0 { facts.append(("damaged lines in the journal", Quantities.count(UInt64(run.damagedLines)))) }
    return section("validity", "Can the figures be trusted?", body + list(facts))
  }

  private var environment: String {
    let start = run.start
    var facts: [(String, String)] = [
      ("chain", "\(start.chain) (\(start.chainFile))"), ("chain hash", start.chainHash), ("load", start.profileText),
      ("model", start.model.rawValue), ("seed", String(start.seed)),
      ("started", Quantities.instant(realtimeNanoseconds: start.realtimeNanoseconds)),
      ("load lasted", Quantities.duration(seconds: run.durationSeconds)),
    ]
    if run.warmUpIterations.arrivals > 0 {
      facts.append(("warm-up", "\(Quantities.count(run.warmUpIterations.arrivals, "iteration")), left out of all figures"))
    }
    let configuration = Configuration(of: run)
    facts += configuration.changes + configuration.connections
    if let end = run.end { facts.append(("exit code", String(end.exitCode) + (end.interruptedBy.map { ", interrupted by \($0)" } ?? ""))) }
    for output in run.outputs { facts.append(("live output \(output.name.rawValue)", output.loss ?? "\(Quantities.count(output.delivered)) delivered, none lost")) }
    facts += start.versions.map { ($0.name, $0.value) }
    facts += [("host", start.host.name), ("kernel", start.host.kernel)]
    if !start.host.processor.isEmpty { facts.append(("processor", start.host.processor)) }
    facts.append(("processors allowed", Quantities.trimmed(start.host.cpusAllowed, decimals: 2) + ", \(start.host.reactors) event loop\(start.host.reactors == 1 ? "" : "s")"))
    return section("environment", "Environment and configuration", list(facts))
  }

  // Parts

  private func section(_ name: String, _ title: String, _ body: String) -> String {
    "<section aria-labelledby=\"\(name)\">\n<h2 id=\"\(name)\">\(Markup.escape(title))</h2>\n\(body)</section>"
  }

  private func list(_ facts: [(String, String)]) -> String {
    "<dl class=\"facts\">" + facts.filter { !$0.1.isEmpty }.map { "<dt>\(Markup.escape($0.0))</dt><dd>\(Markup.escape($0.1))</dd>" }.joined(separator: "\n") + "</dl>\n"
  }

  private func details(_ summary: String, isOpen: Bool = false, _ body: String) -> String {
    body.isEmpty ? "" : "<details\(isOpen ? " open" : "")><summary>\(Markup.escape(summary))</summary>\n\(body)</details>\n"
  }

  private func figure(_ name: String, _ title: String, _ description: String, caption: String, _ draw: (Double) -> Picture?) -> String {
    guard let wide = draw(Self.wide), let narrow = draw(Self.narrow) else { return "" }
    return "<figure>\n" + wide.svg(name: name, style: "wide", title: title, description: description) + "\n"
      + narrow.svg(name: name + "-n", style: "narrow", title: title, description: description)
      + (caption.isEmpty ? "" : "\n<figcaption>\(Markup.escape(caption))</figcaption>") + "\n</figure>\n"
  }

  private func code(_ text: String) -> HTMLCell { HTMLCell(markup: "<code>\(Markup.escape(text))</code>", "text") }

  private func time(_ nanoseconds: UInt64?) -> HTMLCell { nanoseconds.map { HTMLCell(Quantities.duration($0)) } ?? HTMLCell("–", .faint) }

  private func second(_ seconds: Double) -> String { Quantities.fixed(seconds, decimals: 1) + " s" }
}
