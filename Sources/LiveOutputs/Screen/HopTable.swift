internal import Metrics
internal import Reports

/// An event's hops, one a row: what became of its events there, and how long they took.
struct HopTable {
  let event: ScreenSnapshot.Event
  let columns: Int
  let labelWidth: Int

  private struct Column {
    let name: String
    let tone: Tone
    let value: (HopProgress) -> UInt64?
  }

  /// The first five always, the others where one of them has something to say.
  private var counted: [Column] {
    let counts = event.counts
    let always = [
      Column(name: "in", tone: .plain, value: { _ in counts.committed }), Column(name: "seen", tone: .plain, value: \.seen),
      Column(name: "awaited", tone: .plain, value: \.awaited), Column(name: "late", tone: .doubtful, value: \.counts.late),
      Column(name: "lost", tone: .bad, value: \.counts.lost),
    ]
    let others = [
      Column(name: "unobserved", tone: .doubtful, value: \.counts.unobserved), Column(name: "unexpected", tone: .bad, value: \.counts.unexpected),
      Column(name: "aborted", tone: .bad, value: \.counts.aborted), Column(name: "duplicate", tone: .bad, value: \.counts.duplicate),
      Column(name: "reordered", tone: .bad, value: \.counts.reordered), Column(name: "mismatch", tone: .bad, value: \.counts.mismatch),
      Column(name: "regressed", tone: .bad, value: \.counts.regressed), Column(name: "stale", tone: .bad, value: \.counts.staleFinal),
      Column(name: "missing", tone: .bad, value: \.counts.missing), Column(name: "extra", tone: .bad, value: \.counts.extra),
      Column(name: "own unseen", tone: .doubtful, value: \.counts.readYourWrites?.violated),
      Column(name: "rolled back", tone: .plain, value: { _ in counts.rolledBack }),
      Column(name: "unknown", tone: .doubtful, value: { _ in counts.unknown }),
      Column(name: "superseded", tone: .plain, value: \.counts.superseded), Column(name: "blocked", tone: .doubtful, value: \.counts.blocked),
    ]
    return always + others.filter { column in event.hops.contains { ($0.progress.flatMap(column.value) ?? 0) > 0 } }
  }

  private static let lagWidth = 13

  var rows: [ScreenRow] {
    let nameWidth = min(22, max(labelWidth, event.name.count + 1, (event.hops.map(\.name.count).max() ?? 0) + 3))
    let counted = self.counted
    let widths = counted.map { column in
      max(7, column.name.count + 2, 2 + (event.hops.compactMap { $0.progress.flatMap(column.value) }.map { Quantities.count($0).count }.max() ?? 0))
    }
    // What was decided matters more than how long it took; the lag so far more than that of the last second.
    var room = columns - nameWidth
    var shown = 0
    while shown < counted.count, widths[shown] <= room {
      room -= widths[shown]
      shown += 1
    }
    let lags = min(4, max(0, room / HopTable.lagWidth))
    var header = [Cell(LiveText.padded(event.name, nameWidth), .heading)]
    for (column, width) in zip(counted, widths).prefix(shown) { header.append(Cell(LiveText.column(column.name, width), .faint)) }
    let lagNames = ["lag p50", "lag p99", "last 1s p50", "p99"]
    for name in lagNames.prefix(lags) { header.append(Cell(LiveText.column(name, HopTable.lagWidth), .faint)) }
    return [ScreenRow(rank: 2, header)]
      + event.hops.map { hop in
        var cells = [Cell(LiveText.padded("  " + hop.name, nameWidth))]
        for (column, width) in zip(counted, widths).prefix(shown) {
          let value = hop.progress.flatMap(column.value)
          let tone = (value ?? 0) > 0 ? column.tone : .faint
          cells.append(Cell(LiveText.column(value.map { Quantities.count($0) } ?? "", width), tone))
        }
        let all = [
          bracket(hop.soFar, \.p50), bracket(hop.soFar, \.p99), bracket(hop.lastSecond, \.p50), bracket(hop.lastSecond, \.p99),
        ]
        return ScreenRow(rank: 2, cells + all.prefix(lags))
      }
  }

  private func bracket(_ lag: ScreenSnapshot.Lag, _ quantile: (ScreenSnapshot.Times) -> UInt64?) -> Cell {
    guard let high = quantile(lag.high) else { return Cell(LiveText.column(lag.high.count > 0 ? "–" : "", HopTable.lagWidth), .faint) }
    return Cell(LiveText.column(Quantities.interval(min(quantile(lag.low) ?? 0, high), high), HopTable.lagWidth))
  }
}
