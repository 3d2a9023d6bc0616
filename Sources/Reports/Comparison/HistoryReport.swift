package import History
internal import LosslessJSON

/// The runs that were found, newest first.
package enum HistoryReport {
  /// - Parameter runs: In any order.
  package static func text(_ runs: [RunFigures], width: Int, style: TextStyle) -> String {
    guard !runs.isEmpty else { return "no runs\n" }
    // The run's name has the chain in it: without the chain's own column it fits.
    var table = TextTable([.left, .left, .left, .left, .right, .right, .right, .right, .left], optionalColumn: 1)
    table.header(["started", "chain", "profile", "exit", "p50", "p99", "not ok", "wrong", "run"])
    for run in ordered(runs) {
      let base = run.conditions.model == "open" ? "response" : "iteration"
      func figure(_ name: String) -> Cell { Cell(run.value(of: "\(base).\(name)").map { FigureText.value($0, .seconds) } ?? "") }
      let wrong = run.consistency.reduce(0) { $0 &+ $1.count }
      table.row([
        Cell(FigureText.instant(run.startedAt)), Cell(run.conditions.chain), Cell(run.conditions.profile), exit(run), figure("p50"), figure("p99"),
        Cell(run.value(of: "iterations.not_completed").map { FigureText.value($0, .share) } ?? ""),
        Cell(run.consistency.isEmpty ? "" : Quantities.count(wrong), wrong == 0 ? .plain : .bad),
        Cell(run.folder.split(separator: "/").last.map(String.init) ?? run.runID, .faint),
      ])
    }
    return table.lines(width: width, style: style).joined(separator: "\n") + "\n"
  }

  package static func json(_ runs: [RunFigures]) -> String {
    var json = JSONWriter(indentation: 2)
    json.beginArray()
    for run in ordered(runs) { run.write(to: &json) }
    json.endArray()
    return json.text + "\n"
  }

  private static func ordered(_ runs: [RunFigures]) -> [RunFigures] {
    runs.sorted { ($0.startedAt, $0.runID) > ($1.startedAt, $1.runID) }
  }

  private static func exit(_ run: RunFigures) -> Cell {
    if run.isCrashed { return Cell("crashed", .bad) }
    let code = run.exitCode.map(String.init) ?? "?"
    let mark = run.validity == "valid" ? "" : " " + run.validity
    return Cell(code + mark, run.exitCode == 0 ? (mark.isEmpty ? .good : .doubtful) : .bad)
  }
}
