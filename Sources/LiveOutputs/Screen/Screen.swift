package import Reports
internal import Metrics

/// The screen of a run that is under way: lines of text, a function of a snapshot, a size and a style.
///
/// What does not fit is left out, the least important first. No line is longer than the screen is wide, and there are never more of them
/// than it is high.
package struct Screen {
  package struct Size: Sendable, Hashable {
    package var columns: Int
    package var rows: Int

    package init(columns: Int, rows: Int) {
      self.columns = columns
      self.rows = rows
    }

    /// Smaller ones get a single line unless somebody asks for the screen.
    package static let comfortable = Size(columns: 60, rows: 15)
  }

  package struct Style: Sendable {
    package var text: TextStyle
    /// False: nothing but ASCII.
    package var isUnicode: Bool

    package init(text: TextStyle, isUnicode: Bool) {
      self.text = text
      self.isUnicode = isUnicode
    }
  }

  package static func render(_ snapshot: ScreenSnapshot, size: Size, style: Style) -> [String] {
    let screen = Screen(snapshot: snapshot, columns: max(20, size.columns))
    let rows = fit(screen.rows, into: max(1, size.rows))
    return rows.map { $0.line(columns: max(20, size.columns), style: style) }
  }

  private let snapshot: ScreenSnapshot
  private let columns: Int
  private var progress: RunProgress { snapshot.progress }
  private var start: JournalStart { snapshot.plan.start }

  private static func fit(_ rows: [ScreenRow], into height: Int) -> [ScreenRow] {
    var rows = rows
    while rows.count > height {
      // The last of the least important.
      let least = rows.map(\.rank).max() ?? 0
      guard let index = rows.lastIndex(where: { $0.rank == least }) else { break }
      rows.remove(at: index)
    }
    // A gap at an end, or two of them, says nothing.
    var kept: [ScreenRow] = []
    for row in rows where !(row.isGap && (kept.last?.isGap ?? true)) { kept.append(row) }
    if kept.last?.isGap == true { kept.removeLast() }
    return kept
  }

  /// In the order of the screen; the rank says what goes first where there is no room (the highest).
  private var rows: [ScreenRow] {
    var rows = head
    if progress.elapsedNanoseconds > 0 || snapshot.rates != nil {
      rows += [.gap] + load + [.gap] + times
      for event in snapshot.events { rows += [.gap] + HopTable(event: event, columns: columns, labelWidth: Screen.label).rows }
      rows += [.gap] + errors + condition
    }
    return rows + [.gap, foot]
  }

  // What runs, and how far it is

  private var head: [ScreenRow] {
    var rows = [
      ScreenRow(
        rank: 0, [Cell(start.chain, .heading), Cell("  " + start.profile, .faint)], right: [Cell(stateText, stateTone)]),
      ScreenRow(rank: 14, [Cell(start.profileText, .faint)]),
    ]
    let waiting = Waiting.parts(progress)
    if !waiting.isEmpty {
      rows += waiting.enumerated().map { index, part in ScreenRow(rank: 1, [Cell((index == 0 ? "" : "then ") + part, .doubtful)]) }
    } else if progress.phase == .load {
      rows.append(ScreenRow(rank: 1, bar))
      if let stage { rows.append(ScreenRow(rank: 4, [stage])) }
    }
    return rows
  }

  private var stateText: String {
    let elapsed = progress.elapsedNanoseconds > 0 ? "  " + LiveText.clock(progress.elapsedNanoseconds, isRunning: true) : ""
    switch progress.phase {
    case .connecting: return "connecting"
    case .setup: return "setup"
    case .arming: return "arming the observers"
    case .load: return (isWarmUp ? "warming up" : "running") + elapsed
    case .stopping: return (progress.interruptions > 0 ? "stopping" : "finishing") + elapsed
    case .settling: return "settling" + elapsed
    case .teardown: return "teardown" + elapsed
    }
  }

  private var isWarmUp: Bool { progress.elapsedNanoseconds < start.warmUpNanoseconds }
  private var stateTone: Tone { progress.interruptions > 0 ? .doubtful : .good }

  private var bar: [Cell] {
    let share: Double
    let text: String
    if let whole = snapshot.plan.loadNanoseconds, whole > 0 {
      share = min(1, Double(progress.elapsedNanoseconds) / Double(whole))
      text = " \(LiveText.clock(min(progress.elapsedNanoseconds, whole), isRunning: true)) of \(LiveText.clock(whole))"
    } else if let whole = start.askedArrivals, whole > 0 {
      let ended = progress.iterations.started
      share = min(1, Double(ended) / Double(whole))
      text = " \(Quantities.count(ended)) of \(Quantities.count(whole)) iterations"
    } else {
      return [Cell(LiveText.clock(progress.elapsedNanoseconds, isRunning: true), .plain)]
    }
    let room = max(4, columns - text.count)
    let whole = Double(snapshot.plan.loadNanoseconds ?? 1)
    let stages = snapshot.plan.hasNamedStages ? snapshot.plan.stages : []
    let marks = stages.dropFirst().map { Int(Double($0.fromNanoseconds) / whole * Double(room)) }
    return ScreenBar.cells(share: share, width: room, marks: Set(marks)) + [Cell(text, .plain)]
  }

  private var stage: Cell? {
    let stages = snapshot.plan.stages
    guard snapshot.plan.hasNamedStages, let index = snapshot.plan.stage(at: progress.elapsedNanoseconds) else { return nil }
    let stage = stages[index]
    let unit = start.model == .open ? "/s" : stage.askedTo == 1 ? " user" : " users"
    let (from, to) = (Quantities.trimmed(stage.askedFrom, decimals: 1), Quantities.trimmed(stage.askedTo, decimals: 1))
    let asked = from == to ? "\(to)\(unit)" : "\(from) to \(to)\(unit)"
    let left = stage.toNanoseconds - progress.elapsedNanoseconds
    return Cell("stage \(index + 1) of \(stages.count): \(asked), \(LiveText.clock(left, isRunning: true)) left", .plain)
  }

  // Rate and users

  private static let label = 11

  private func label(_ text: String) -> Cell { Cell(LiveText.padded(text, Screen.label), .faint) }

  private var load: [ScreenRow] {
    var rows: [ScreenRow] = []
    if let rates = snapshot.rates {
      var parts: [Cell] = [label("rate")]
      if let asked = rates.asked { parts.append(Cell("asked \(Quantities.rate(asked))  ")) }
      if start.model == .open {
        parts.append(Cell("arrived \(LiveText.rate(rates.arrived))  "))
      }
      let isBehind = progress.phase == .load && (rates.asked.map { rates.done < 0.95 * $0 } ?? false)
      parts.append(Cell("done \(LiveText.rate(rates.done))", isBehind ? .doubtful : .plain))
      rows.append(ScreenRow(rank: 1, parts, spark: snapshot.history.done))
    }
    let counts = progress.iterations
    var ended = [label("iterations"), Cell("\(Quantities.count(counts.completed)) done")]
    for (count, name, tone) in [
      (counts.failed, "failed", Tone.bad), (counts.unknown, "unknown", .bad), (counts.dropped, "dropped", .doubtful),
      (counts.interrupted, "interrupted", .doubtful),
    ] where count > 0 {
      ended.append(", ")
      ended.append(Cell("\(Quantities.count(count)) \(name)", tone))
    }
    rows.append(ScreenRow(rank: 3, ended))
    let free = max(0, progress.totalUsers - progress.busyUsers)
    let isFull = progress.busyUsers >= snapshot.plan.usersMax
    var users = [label("users")]
    if start.model == .closed, snapshot.plan.stages.count > 1, progress.phase == .load,
      let asked = snapshot.plan.asked(at: progress.elapsedNanoseconds)
    {
      users.append(Cell("asked \(Int(asked.rounded())), "))
    }
    users += [Cell("\(progress.busyUsers) busy", isFull && start.model == .open ? .doubtful : .plain), Cell(", \(free) free")]
    if start.model == .open {
      users.append(Cell(", \(snapshot.plan.usersMax) at most"))
      users.append(Cell(", \(progress.queuedArrivals) waiting", progress.queuedArrivals > 0 ? .doubtful : .plain))
    }
    rows.append(ScreenRow(rank: 2, users, spark: snapshot.history.busy))
    return rows
  }

  // Times

  private var times: [ScreenRow] {
    let name = start.model == .open ? "response" : "service"
    var rows = [
      ScreenRow(rank: 2, [label(name)] + ["p50", "p95", "p99", "max"].map { Cell(LiveText.column($0, 10), .faint) }),
      ScreenRow(rank: 2, [label("  last 1 s")] + columns(of: snapshot.lastSecond), spark: snapshot.history.p95, sparkLabel: "p95"),
      ScreenRow(rank: 3, [label("  so far")] + columns(of: snapshot.soFar)),
    ]
    guard snapshot.steps.count > 1 else { return rows }
    let width = min(24, max(Screen.label, (snapshot.steps.map(\.name.count).max() ?? 0) + 2))
    rows.append(
      ScreenRow(
        rank: 12, [Cell(LiveText.padded("step", width), .faint)] + ["p50", "p95", "p99", "max"].map { Cell(LiveText.column($0, 10), .faint) } + [Cell("   last 1 s", .faint)]))
    for step in snapshot.steps {
      var cells = [Cell(LiveText.padded("  " + step.name, width))] + columns(of: step.lastSecond)
      cells.append(Cell(LiveText.column(LiveText.rate(step.perSecond), 11)))
      if step.failed > 0 { cells.append(Cell("  \(Quantities.count(step.failed)) failed", .bad)) }
      rows.append(ScreenRow(rank: 11, cells))
    }
    return rows
  }

  private func columns(of times: ScreenSnapshot.Times) -> [Cell] {
    [times.p50, times.p95, times.p99, times.max].map { value in
      value.map { Cell(LiveText.column(Quantities.duration($0), 10)) } ?? Cell(LiveText.column(times.count > 0 ? "–" : "", 10), .faint)
    }
  }

  // What goes wrong, and whether we are to blame

  private var errors: [ScreenRow] {
    var cells = [label("errors")]
    if snapshot.errorsTotal == 0 {
      cells.append(Cell("none", .good))
    } else {
      cells.append(Cell("\(Quantities.count(snapshot.errorsTotal))", .bad))
      cells.append(Cell(": " + snapshot.errorClasses.map { "\(Quantities.count($0.count)) \($0.name)" }.joined(separator: ", ")))
    }
    var rows = [ScreenRow(rank: 2, cells, spark: snapshot.errorsTotal == 0 ? [] : snapshot.history.errors)]
    for error in snapshot.errors.prefix(5) {
      let place = [error.step, error.code.isEmpty ? nil : error.code].compactMap { $0 }.joined(separator: " ")
      rows.append(
        ScreenRow(
          rank: 10,
          [Cell(LiveText.column(Quantities.count(error.count), Screen.label - 2) + "  ", .bad), Cell(place.isEmpty ? "" : place + "  ", .plain), Cell(error.message, .faint)]))
    }
    return rows
  }

  private var condition: [ScreenRow] {
    let generator = snapshot.generator
    let cpus = Quantities.trimmed(generator.cpus, decimals: 1)
    var cells = [label("generator")]
    cells.append(
      Cell("CPU \(LiveText.percent(generator.cpuShare)) of \(cpus) core\(cpus == "1" ? "" : "s")", generator.cpuShareSoFar > 0.7 ? .doubtful : .plain))
    if let late = generator.latenessHigh {
      cells.append(Cell(", late p99 \(Quantities.duration(late))", late > 2_000_000 ? .doubtful : .plain))
    }
    let gap = generator.longestGapNanoseconds
    cells.append(Cell(", gap \(Quantities.duration(gap))", gap > 200_000_000 ? .doubtful : .plain))
    cells.append(Cell(", steal \(LiveText.percent(generator.stealShare))", generator.stealShare > 0.01 ? .doubtful : .plain))
    var rows = [ScreenRow(rank: 3, cells)]
    if let doubts = snapshot.doubts {
      let verdict = doubts.isEmpty ? Cell("valid so far", .good) : Cell("degraded so far: " + doubts.joined(separator: ", "), .doubtful)
      rows.append(ScreenRow(rank: doubts.isEmpty ? 13 : 5, [label("validity"), verdict]))
    }
    guard !snapshot.pools.isEmpty else { return rows }
    var pools = [label("pools")]
    for (index, pool) in snapshot.pools.enumerated() {
      if index > 0 { pools.append(Cell(" · ", .faint)) }
      let figures = pool.progress
      pools.append(Cell("\(figures.name) \(figures.busy)/\(figures.connections)"))
      if figures.waiting > 0 { pools.append(Cell(" \(figures.waiting) wait", .doubtful)) }
      if let wait = pool.waitHigh, wait >= 100_000 { pools.append(Cell(" (\(Quantities.duration(wait)))", .doubtful)) }
      if figures.blocked > 0 { pools.append(Cell(" \(figures.blocked) blocked", .bad)) }
      if figures.reconnects > 0 { pools.append(Cell(" \(figures.reconnects) reconnects", .doubtful)) }
    }
    rows.append(ScreenRow(rank: 6, pools))
    return rows
  }

  private var foot: ScreenRow {
    let text =
      switch progress.interruptions {
      case 0: "q or ^C stops: running iterations finish, events settle"
      case 1: "q or ^C once more stops at once"
      default: "stopping at once"
      }
    return ScreenRow(rank: 7, [Cell(text, .faint)])
  }

  private init(snapshot: ScreenSnapshot, columns: Int) {
    self.snapshot = snapshot
    self.columns = columns
  }
}
