import Glibc
import LosslessJSON
import Metrics
import Reports
import Testing

/// Journals in, every report out, compared with the files in `Tests/Golden/reports`.
/// `UPDATE_GOLDEN=1 swift test --filter ReportsTests` writes them anew; read the difference before committing it.
@Suite struct GoldenTests {
  private static let root = #filePath.split(separator: "/").dropLast(2).map { "/" + $0 }.joined() + "/Golden/reports/"
  private static let reports = [
    "summary.json", "results_events.csv", "results_stats.csv", "results_stats_history.csv", "results_failures.csv",
    "results_exceptions.csv", "junit.xml",
  ]

  @Test(arguments: SampleRuns.names)
  func `a journal becomes the same reports each time`(_ name: String) throws {
    var template = Array("/tmp/chainrun-reports-XXXXXX".utf8CString)
    let directory = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
    let files = Self.reports + ["journal.ndjson", "report.html"]
    defer {
      for file in files { unlink(directory + "/" + file) }
      #expect(rmdir(directory) == 0, "something else was left in the directory")
    }
    let journal = SampleRuns.journal(name)
    try write(journal, to: directory + "/journal.ndjson")
    let run = try ResultFiles.write(into: directory)

    try compare(journal, with: name + "/journal.ndjson")
    for report in Self.reports {
      try compare(read(directory + "/" + report), with: name + "/" + report)
      var info = stat()
      #expect(stat(directory + "/" + report, &info) == 0 && info.st_mode & 0o777 == 0o600)
    }
    try compare(MarkdownSummary.text(of: run), with: name + "/summary.md")
    if name == "broken-closed" { try compare(read(directory + "/report.html"), with: name + "/report.html") }
    let path = "results/20260730T082640Z-order-flow-7f3a"
    try compare(TerminalSummary.text(of: run, style: .plain, width: 100, resultsPath: path), with: name + "/terminal.txt")
    try compare(TerminalSummary.text(of: run, style: .ansi, width: 80), with: name + "/terminal-80.ansi.txt")
  }

  @Test(arguments: SampleRuns.names, [80, 100, 160])
  func `no line of the terminal summary is wider than the terminal`(_ name: String, width: Int) throws {
    let run = try JournalReader.read(bytes: SampleRuns.journal(name))
    let text = TerminalSummary.text(of: run, style: .plain, width: width)
    // The verdict's sentence and the two facts below it are prose and may wrap; tables may not.
    for line in text.split(separator: "\n").dropFirst(4) {
      #expect(line.count <= width, "\(line)")
    }
  }

  @Test func `colour changes nothing but colour`() throws {
    let run = try JournalReader.read(bytes: SampleRuns.journal("broken-closed"))
    let painted = TerminalSummary.text(of: run, style: .ansi)
    var bare = ""
    var isEscape = false
    for scalar in painted.unicodeScalars {
      if scalar == "\u{1b}" { isEscape = true }
      if !isEscape { bare.unicodeScalars.append(scalar) }
      if scalar == "m" { isEscape = false }
    }
    #expect(bare == TerminalSummary.text(of: run, style: .plain))
  }

  @Test(arguments: SampleRuns.names)
  func `summary.json obeys its published schema`(_ name: String) throws {
    let schema = try JSONDocument(parsing: read(Self.root + "../../../grammar/summary.schema.json")).root
    let run = try JournalReader.read(bytes: SampleRuns.journal(name))
    let summary = try JSONDocument(parsing: SummaryJSON.text(of: run)).root
    #expect(SchemaCheck(schema: schema).problems(of: summary) == [])
  }

  @Test func `an empty run gives reports, not traps`() throws {
    let run = try JournalReader.read(bytes: JournalStart().line())
    #expect(TerminalSummary.text(of: run, style: .plain).hasPrefix("CRASHED"))
    #expect(LocustCSV.stats(of: run).hasSuffix("N/A\r\n"))
    #expect(LocustCSV.history(of: run).split(separator: "\r\n").count == 1)
    let schema = try JSONDocument(parsing: read(Self.root + "../../../grammar/summary.schema.json")).root
    #expect(try SchemaCheck(schema: schema).problems(of: JSONDocument(parsing: SummaryJSON.text(of: run)).root) == [])
  }

  @Test func `a journal with damaged bytes still gives reports, and never a trap`() throws {
    let seed: UInt64 = 4_711
    var state = seed
    func random(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(limit))
    }
    let journal = SampleRuns.journal("broken-closed")
    let digits = journal.indices.filter { (0x30...0x39).contains(journal[$0]) }
    var read = 0
    for _ in 0..<120 {
      var bytes = journal
      for _ in 0...random(6) {
        // Digits mostly: a number that is wrong does more harm than a line that is no JSON.
        if random(4) > 0 {
          bytes[digits[random(digits.count)]] = UInt8(0x30 + random(10))
        } else {
          bytes[random(bytes.count)] = UInt8(random(256))
        }
        if random(3) == 0 { bytes.insert(contentsOf: Array("99999999999".utf8.prefix(random(12))), at: digits[random(digits.count)]) }
      }
      guard let run = try? JournalReader.read(bytes: bytes) else { continue }
      read += 1
      _ = TerminalSummary.text(of: run, style: .ansi) + LocustCSV.stats(of: run) + LocustCSV.history(of: run)
      if read % 4 == 0 { _ = HTMLReport.text(of: run) + MarkdownSummary.text(of: run) + JUnitXML.text(of: run) }
      _ = try JSONDocument(parsing: SummaryJSON.text(of: run))
    }
    #expect(read > 30, "seed \(seed): hardly any damage was survivable")
  }

  // Files.

  private func compare(_ text: String, with name: String) throws { try compare(Array(text.utf8), with: name) }

  private func compare(_ bytes: [UInt8], with name: String) throws {
    let path = Self.root + name
    if getenv("UPDATE_GOLDEN") != nil {
      mkdir(Self.root + name.split(separator: "/")[0], 0o755)
      try write(bytes, to: path)
    }
    let golden = (try? read(path)) ?? []
    guard bytes != golden else { return }
    let (new, old) = (String(decoding: bytes, as: UTF8.self), String(decoding: golden, as: UTF8.self))
    let pairs = zip(
      new.split(separator: "\n", omittingEmptySubsequences: false), old.split(separator: "\n", omittingEmptySubsequences: false))
    let (line, (mine, theirs)) = pairs.enumerated().first { $1.0 != $1.1 } ?? (-1, ("", "(of another length)"))
    Issue.record("\(name) differs at line \(line + 1):\n  now    \(mine)\n  golden \(theirs)")
  }

  private func read(_ path: String) throws -> [UInt8] {
    let file = try #require(fopen(path, "r"), "cannot read \(path)")
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&piece, 1, piece.count, file), count > 0 { bytes += piece[..<count] }
    return bytes
  }

  private func write(_ bytes: [UInt8], to path: String) throws {
    let file = try #require(fopen(path, "w"), "cannot write \(path)")
    defer { fclose(file) }
    #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
  }
}
