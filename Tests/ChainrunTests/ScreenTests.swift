import Foundation
import Testing

/// The screen on a real terminal, with a chain that needs no servers.
@Suite(.serialized) struct ScreenTests {
  private static let chain = """
    version: 1
    chain: pausing
    steps:
      - think: 20ms
    load:
      long: { open: { rate: 50/s, for: 60s } }
      short: { closed: { vus: 2, iterations: 6 } }
    """
  private static let hideCursor = "\u{1B}[?25l"
  private static let showCursor = "\u{1B}[?25h"

  private let folder: ScratchFolder
  private let file: String

  init() throws {
    folder = try ScratchFolder()
    file = try folder.write(Self.chain, to: "pausing.chain.yaml")
  }

  private func run(_ arguments: [String], columns: UInt16 = 80, rows: UInt16 = 24, environment: [String: String] = [:]) throws -> OnTerminal {
    try .chainrun(["run", file, "--out", folder.path("out")] + arguments, columns: columns, rows: rows, environment: environment)
  }

  @Test func `the key q stops gracefully, the report follows and the terminal is given back`() throws {
    let terminal = try run([])
    #expect(eventually(within: 20) { terminal.text.contains("iterations \u{1B}[0m") || terminal.text.contains(" done") }, "\(terminal.text)")
    #expect(terminal.text.contains(Self.hideCursor) && !terminal.isCooked)
    terminal.type("q")
    #expect(terminal.end(within: 20) == 130, "\(terminal.text)")
    let end = terminal.text.components(separatedBy: Self.showCursor)
    #expect(end.count == 2 && end[1].contains("INTERRUPTED") && end[1].contains("Results"), "\(terminal.text)")
    #expect(terminal.isCooked)
  }

  @Test(arguments: [SIGABRT, SIGQUIT, SIGHUP, SIGSEGV])
  func `a signal that ends the process gives the terminal back first`(_ signal: Int32) throws {
    let terminal = try run(["--progress", "tui"])
    #expect(eventually(within: 20) { terminal.text.contains(Self.hideCursor) }, "\(terminal.text)")
    terminal.send(signal)
    #expect(terminal.end(within: 20) == 128 + signal, "\(terminal.text)")
    #expect(eventually(within: 5) { terminal.text.contains(Self.showCursor) })
    #expect(terminal.isCooked)
  }

  @Test func `a small terminal gets one line, one without escape sequences plain lines`() throws {
    let small = try run(["--profile", "short"], columns: 50, rows: 10)
    #expect(small.end(within: 20) == 0, "\(small.text)")
    #expect(small.text.contains("\r\u{1B}[2K") && !small.text.contains(Self.hideCursor), "\(small.text)")
    try FileManager.default.removeItem(atPath: folder.path("out"))
    let dumb = try run(["--profile", "short"], environment: ["TERM": "dumb"])
    #expect(dumb.end(within: 20) == 0, "\(dumb.text)")
    #expect(!dumb.text.contains("\u{1B}"), "\(dumb.text)")
  }

  @Test func `a locale without UTF-8 gets ASCII until the report`() throws {
    let terminal = try run([], environment: ["LANG": "C", "NO_COLOR": "1"])
    #expect(eventually(within: 20) { terminal.text.contains(" done") }, "\(terminal.text)")
    #expect(terminal.text.allSatisfy(\.isASCII) && !terminal.text.contains("\u{1B}[32m"), "\(terminal.text)")
    terminal.type("q")
    #expect(terminal.end(within: 20) == 130)
  }

  @Test func `lines in a log say what an interrupted run waits for`() throws {
    let slow = try folder.write(Self.chain.replacingOccurrences(of: "20ms", with: "3s"), to: "slow.chain.yaml")
    let launched = try Launched.chainrun(["run", slow, "--out", folder.path("lines")])
    try OnServers.awaitLoad(launched, folder.path("lines"))
    #expect(eventually(within: 20) { RunResults.text(folder.path("lines") + "/journal.ndjson").contains(#""r":"interval""#) || !launched.isRunning })
    launched.send(SIGINT)
    let ended = try launched.end(within: 20)
    #expect(ended.code == 130, "\(ended)")
    #expect(
      ended.errors.contains("chainrun: stopping, waiting for ") && ended.errors.contains("running iterations (at most")
        && ended.errors.contains("^C once more stops at once"), "\(ended)")
  }

  @Test func `a kind of progress that does not exist is refused with the list`() throws {
    let refused = try Launched.chainrun(["run", file, "--progress", "gui"]).end(within: 20)
    #expect(refused.code == 2 && refused.errors.contains("write auto, tui, line or none"), "\(refused)")
  }
}
