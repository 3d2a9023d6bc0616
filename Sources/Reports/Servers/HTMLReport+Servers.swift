internal import Metrics

extension HTMLReport {
  /// Lines of the section on the servers: where steps were slow, in words.
  static func slowSpans(of run: RunRecord) -> String {
    let spans = SlowSpan.all(of: run)
    guard !spans.isEmpty else { return "" }
    return "<ul class=\"patterns\">" + spans.map { "<li>\(Markup.escape($0.phrase))</li>" }.joined() + "</ul>\n"
      + "<p class=\"note\">The same seconds, and no proof of a cause: slow is more than three times the step's usual second, and a figure stands out at twice its mean of the other seconds.</p>\n"
  }

  /// Figures of one server, those that pressed or worked at all.
  static func table(of server: ServerRecord, _ run: RunRecord) -> String {
    var table = HTMLTable(
      "What \(server.info.name) told of itself",
      [("figure", .left), ("min", .right), ("mean", .right), ("max", .right), ("last", .right), ("in all", .right)])
    for row in server.figures {
      let figure = run.start.serverFigures[row]
      guard let spread = ServerSpread(server.loadValues(of: row)), spread.max > 0 else { continue }
      table.row([
        HTMLCell(figure.name), HTMLCell(figure.text(spread.min)), HTMLCell(figure.text(spread.mean)), HTMLCell(figure.text(spread.max)),
        HTMLCell(figure.text(spread.last)), HTMLCell(figure.isCounter && figure.unit != .share ? server.total(of: row).map { figure.text($0.rounded(), isTotal: true) } ?? "" : "", .faint),
      ])
    }
    return table.markup
  }

  static func parts(of server: ServerRecord) -> String {
    let parts = server.loadParts
    guard !parts.isEmpty else { return "" }
    var table = HTMLTable("Behind the figures of \(server.info.name)", [("", .left), ("mean", .right), ("max", .right)])
    for part in parts {
      table.row([HTMLCell(part.name), HTMLCell(Quantities.trimmed(part.mean, decimals: 2)), HTMLCell(Quantities.trimmed(part.max, decimals: 0))])
    }
    return table.markup
  }

  static func statements(of server: ServerRecord) -> String {
    guard !server.facts.statements.isEmpty else { return "" }
    var table = HTMLTable(
      "Statements of \(server.info.name) by what they cost in the load",
      [("statement", .left), ("calls", .right), ("mean", .right), ("in all", .right), ("rows", .right)])
    for statement in server.facts.statements {
      let text = statement.text.isEmpty ? "id \(statement.id)" : statement.text
      table.row([
        HTMLCell(markup: "<code>\(Markup.escape(text))</code>", "text"), HTMLCell(Quantities.count(statement.calls)),
        HTMLCell(Quantities.duration(UInt64(whole: statement.meanNanoseconds))), HTMLCell(Quantities.duration(UInt64(whole: statement.totalNanoseconds))),
        HTMLCell(Quantities.count(statement.rows)),
      ])
    }
    return table.markup
  }

  /// How it was looked at, and what could not be seen.
  static func remarks(on server: ServerRecord, _ run: RunRecord) -> String {
    var text = "\(Quantities.count(UInt64(server.samples.count - server.gapCount), "answer")), \(Quantities.count(server.requests, "request")) of our own"
    if run.durationSeconds > 0 { text += " (\(Quantities.rate(Double(server.requests) / run.durationSeconds)))" }
    if server.gapCount > 0, let reason = server.samples.last(where: { $0.gap != nil })?.gap {
      text += "; \(Quantities.count(UInt64(server.gapCount), "time")) it did not answer: \(reason)"
    }
    var lines = ["<p class=\"note\">\(Markup.escape(text))</p>"]
    for limit in server.facts.limits {
      lines.append("<p class=\"note\">Not or only partly visible: \(Markup.escape(ServerLimitPhrase.text(limit)))</p>")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

enum ServerLimitPhrase {
  /// `waiting_lock, waiting_io and 8 more: only sessions of 'orders' itself`.
  static func text(_ limit: JournalServerFacts.Limit) -> String {
    let names = limit.figures.prefix(2).joined(separator: ", ")
    let more = limit.figures.count > 2 ? " and \(limit.figures.count - 2) more" : ""
    return "\(names)\(more): \(limit.reason)"
  }
}
