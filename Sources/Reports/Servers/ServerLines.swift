internal import Metrics

/// The servers in the terminal's summary: a line each, and the spans in which steps were slow.
struct ServerLines {
  let run: RunRecord
  let style: TextStyle

  /// Pressure that was there at all, the most telling first; work where there was none.
  private static let figuresMax = 4

  func rows() -> [[Cell]] {
    run.servers.filter { $0.isSeen || !$0.facts.limits.isEmpty }.map { server in
      var parts: [String] = []
      for row in server.figures {
        let figure = run.start.serverFigures[row]
        guard figure.role == .pressure, let spread = ServerSpread(server.loadValues(of: row)), spread.max >= figure.least else { continue }
        // Ages and sums of what is told anyway.
        if figure.name == "waiting" || figure.name == "connections_used" && spread.max < 0.8 { continue }
        parts.append("\(figure.title) up to \(figure.text(spread.max))")
      }
      let shown = parts.prefix(Self.figuresMax).joined(separator: " · ")
      let more = parts.count > Self.figuresMax ? " · \(parts.count - Self.figuresMax) more" : ""
      var text = parts.isEmpty ? (server.samples.contains { $0.gap == nil } ? "nothing waited" : "not visible") : shown + more
      if server.gapCount > 0, let reason = server.samples.last(where: { $0.gap != nil })?.gap {
        text += " · no answer \(Quantities.count(UInt64(server.gapCount), "time")): \(reason)"
      }
      return [Cell(server.info.name, .heading), Cell(server.facts.server.isEmpty ? server.info.kind : server.facts.server, .faint), Cell(text)]
    }
  }

  func spans() -> [String] {
    SlowSpan.all(of: run).filter { !$0.signs.isEmpty }.prefix(3).map { "  " + $0.phrase(signsMax: 1) }
  }

  /// What could not be seen; details stand in report.html.
  func limits() -> [String] {
    run.servers.flatMap { server in server.facts.limits.prefix(2).map { "  \(server.info.name): \(ServerLimitPhrase.text($0))" } }
  }
}
