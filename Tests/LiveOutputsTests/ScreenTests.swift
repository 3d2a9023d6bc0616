import Glibc
@testable import LiveOutputs
import Metrics
import Reports
import Testing

/// Snapshots in, screens out, compared with `Tests/Golden/screens`. `UPDATE_GOLDEN=1 swift test --filter LiveOutputsTests` writes them anew.
@Suite struct ScreenTests {
  private static let plain = Screen.Style(text: .plain, isUnicode: true)
  private static let sizes = [(80, 23), (120, 39), (60, 14), (50, 9), (20, 1)]

  @Test(arguments: ScreenSamples.names)
  func `a snapshot becomes the same screen each time`(_ name: String) throws {
    var text = ""
    for (columns, rows) in Self.sizes {
      let lines = Screen.render(ScreenSamples.snapshot(name), size: .init(columns: columns, rows: rows), style: Self.plain)
      text += "--- \(columns)x\(rows)\n" + lines.map { $0 + "\n" }.joined()
    }
    try Golden.compare(text, with: "screens/\(name).txt")
  }

  @Test func `colours and a terminal without Unicode`() throws {
    let snapshot = ScreenSamples.snapshot("trouble")
    let coloured = Screen.render(snapshot, size: .init(columns: 80, rows: 23), style: .init(text: .ansi, isUnicode: true))
    try Golden.compare(coloured.map { $0 + "\n" }.joined(), with: "screens/trouble.ansi.txt")
    let bare = Screen.render(snapshot, size: .init(columns: 80, rows: 23), style: .init(text: .plain, isUnicode: false))
    try Golden.compare(bare.map { $0 + "\n" }.joined(), with: "screens/trouble.ascii.txt")
    #expect(bare.allSatisfy { $0.allSatisfy(\.isASCII) })
  }

  @Test(arguments: ScreenSamples.names)
  func `no screen is wider or higher than its terminal`(_ name: String) {
    let snapshot = ScreenSamples.snapshot(name)
    for columns in [20, 33, 47, 60, 79, 80, 81, 100, 133, 250] {
      for rows in [1, 2, 5, 9, 14, 23, 40, 90] {
        for text in [TextStyle.plain, .ansi] {
          let lines = Screen.render(snapshot, size: .init(columns: columns, rows: rows), style: .init(text: text, isUnicode: true))
          #expect(lines.count <= rows && !lines.isEmpty)
          for line in lines { #expect(FramePainter.visibleWidth(line) <= columns, "\(columns)x\(rows): \(line)") }
        }
      }
    }
  }

  @Test func `what matters most stays on the smallest screen`() {
    let lines = Screen.render(ScreenSamples.snapshot("stopping"), size: .init(columns: 60, rows: 2), style: Self.plain)
    #expect(lines.count == 2)
    #expect(lines[0].hasPrefix("order-flow"))
    #expect(lines[1].hasPrefix("waiting for 7 running iterations (at most 27 s)"))
  }

  @Test(arguments: ScreenSamples.names)
  func `the line says in words what the screen shows`(_ name: String) throws {
    let snapshot = ScreenSamples.snapshot(name)
    let short = [79, 40].map { ProgressLine.text(snapshot, columns: $0, isUnicode: true) }
    for (line, columns) in zip(short, [79, 40]) { #expect(line.count <= columns) }
    try Golden.compare(([ProgressLine.text(snapshot)] + short).joined(separator: "\n") + "\n", with: "screens/\(name).line.txt")
  }

  @Test func `an interruption says what is waited for, and a second one that nothing is`() {
    var snapshot = ScreenSamples.snapshot("stopping")
    #expect(
      ProgressLine.interruption(snapshot)
        == "stopping, waiting for 7 running iterations (at most 27 s), then for 5 events not yet seen (at most 10 s); ^C once more stops at once")
    snapshot.progress.interruptions = 2
    #expect(ProgressLine.interruption(snapshot) == "stopping at once")
  }
}

/// What the figures say of what they were given.
@Suite struct LiveFiguresTests {
  @Test func `quantiles of the last second and of the whole run are kept apart`() throws {
    let snapshot = ScreenSamples.snapshot("open")
    #expect(snapshot.lastSecond.count == 110)
    #expect(snapshot.soFar.count == 1_210)
    #expect(snapshot.lastSecond.p99 == nil, "110 values bound no p99")
    #expect(try #require(snapshot.soFar.p99) > 4_000_000)
  }

  @Test func `the warm-up moves the rate and is left out of the quantiles`() {
    let figures = LiveFigures(plan: ScreenSamples.plan(ScreenSamples.start(.open)))
    var report = RunProgress(phase: .load)
    var interval = JournalInterval()
    interval.endNanoseconds = ScreenSamples.second
    interval.isWarmUp = true
    interval.iterations.completed = 50
    interval.response.count = 50
    interval.service.count = 50
    report.interval = interval
    figures.take(report)
    #expect(figures.snapshot.rates?.done == 50)
    #expect(figures.snapshot.soFar.count == 0)
  }

  @Test func `what is asked between two stages changes evenly`() {
    let plan = ScreenSamples.plan(ScreenSamples.start(.open))
    #expect(plan.asked(at: 5 * ScreenSamples.second) == 100)
    #expect(plan.asked(at: 15 * ScreenSamples.second) == 150)
    #expect(plan.asked(at: 25 * ScreenSamples.second) == 200)
    #expect(plan.asked(at: 30 * ScreenSamples.second) == nil)
  }

  @Test func `a sparkline keeps two minutes and ends at now`() {
    var history = ScreenSnapshot.History()
    for number in 0..<200 { history.append(done: Double(number), p95: 0, busy: 0, errors: 0) }
    #expect(history.done.count == 120 && history.done.last == 199)
    #expect(Sparkline.text([0, 4, 8], width: 10) == "▁▄█")
    #expect(Sparkline.text([9, 0, 0], width: 2) == "▁▁")
  }
}
