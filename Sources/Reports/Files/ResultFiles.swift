internal import Glibc
package import Metrics

/// Writes everything that is derived from a journal into the journal's directory: the one code path at the end of a run, for
/// `chainrun report`, and after a crash.
package enum ResultFiles {
  package static let journalName = "journal.ndjson"
  /// What the commands of alerts wrote; there is none without any.
  package static let alertLogName = "alerts.log"
  package static let eventsName = "results_events.csv"
  package static let histogramsName = "metrics.hlog"

  /// The files that are functions of the record, in the order in which they are written: the shortest way back first.
  private static var derived: [(name: String, text: (RunRecord) -> String)] {
    [("summary.json", SummaryJSON.text)] + locust + [("junit.xml", JUnitXML.text), ("report.html", HTMLReport.text)]
  }

  private static var locust: [(name: String, text: (RunRecord) -> String)] {
    [
      ("results_stats.csv", LocustCSV.stats), ("results_stats_history.csv", LocustCSV.history),
      ("results_failures.csv", LocustCSV.failures), ("results_exceptions.csv", LocustCSV.exceptions),
    ]
  }

  /// Reads `<directory>/journal.ndjson` and writes the reports beside it, each under its name only when it is complete.
  ///
  /// - Parameter conclude: Called with the record once the journal is read and before anything but the event rows is written: the end of a run
  ///   judges it here and appends its verdicts to the record and to the journal, which is therefore read only once. It is called, too, where
  ///   files cannot be written: a caller that wants to show the record in that case keeps it from here.
  /// - Returns: the run record, for the terminal summary.
  /// - Throws: at the end, the first file that could not be written; the others were tried all the same.
  package static func write(
    into directory: String, conclude: (inout RunRecord) -> Void = { _ in }
  ) throws(ResultFilesError) -> RunRecord {
    try write(into: directory, from: directory, derived, conclude)
  }

  private static func write(
    into directory: String, from source: String, _ files: [(name: String, text: (RunRecord) -> String)], _ conclude: (inout RunRecord) -> Void
  ) throws(ResultFilesError) -> RunRecord {
    let journal = source + "/" + journalName
    var failure: ResultFilesError?
    func attempt(_ write: () throws(ResultFilesError) -> Void) {
      do throws(ResultFilesError) {
        try write()
      } catch {
        failure = failure ?? error
      }
    }
    var run: RunRecord
    var events: OutputFile?
    var histograms: OutputFile?
    do throws(JournalReadError) {
      // The start record names the rows that follow it.
      let start = try JournalReader.readStart(path: journal)
      let csv = EventsCSV(events: start.events)
      let log = HistogramLog(start: start)
      attempt { () throws(ResultFilesError) in events = try OutputFile(directory + "/" + eventsName) }
      // Only beside its journal: another folder was asked for other files.
      if directory == source { attempt { () throws(ResultFilesError) in histograms = try OutputFile(directory + "/" + histogramsName) } }
      events?.write(EventsCSV.header)
      histograms?.write(log.header)
      run = try JournalReader.read(path: journal) { (row) throws(JournalReadError) in
        events?.write { csv.append(row, to: &$0) }
      } eachInterval: { (interval) throws(JournalReadError) in
        histograms?.write(log.lines(of: interval))
      }
    } catch {
      throw .journal(error)
    }
    attempt { () throws(ResultFilesError) in try events?.finish() }
    attempt { () throws(ResultFilesError) in try histograms?.finish() }
    conclude(&run)
    for file in files {
      attempt { () throws(ResultFilesError) in try OutputFile.write(file.text(run), to: directory + "/" + file.name) }
    }
    if let failure { throw failure }
    return run
  }

  /// Reads a run's journal and gives one report of it; the run's own directory stays as it is.
  ///
  /// - Parameters:
  ///   - path: The file (for `csv`: the directory) that is written; nil for `elsePrint`.
  ///   - elsePrint: Takes the text where there is no path.
  package static func render(
    _ format: ReportFormat, of directory: String, into path: String?, style: TextStyle, width: Int, conclude: (inout RunRecord) -> Void,
    elsePrint: (String) -> Void
  ) throws(ResultFilesError) -> RunRecord {
    if format == .csv, let path {
      guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .file(path: path, code: errno) }
      return try write(into: path, from: directory, locust, conclude)
    }
    var run: RunRecord
    var histograms = ""
    do throws(JournalReadError) {
      let path = directory + "/" + journalName
      if format == .hlog {
        let log = HistogramLog(start: try JournalReader.readStart(path: path))
        histograms = log.header
        run = try JournalReader.read(path: path) { (_) throws(JournalReadError) in
        } eachInterval: { (interval) throws(JournalReadError) in
          histograms += log.lines(of: interval)
        }
      } else {
        run = try JournalReader.read(path: path)
      }
    } catch {
      throw .journal(error)
    }
    conclude(&run)
    let text: String
    switch format {
    case .text: text = TerminalSummary.text(of: run, style: style, width: width, resultsPath: directory)
    case .html: text = HTMLReport.text(of: run)
    case .json: text = SummaryJSON.text(of: run)
    case .csv: text = LocustCSV.stats(of: run)
    case .junit: text = JUnitXML.text(of: run)
    case .md: text = MarkdownSummary.text(of: run)
    case .hlog: text = histograms
    }
    if let path { try OutputFile.write(text, to: path) } else { elsePrint(text) }
    return run
  }
}

/// What `chainrun report --format` takes.
package enum ReportFormat: String, CaseIterable, Sendable {
  case text, html, json, csv, junit, md, hlog
}

package enum ResultFilesError: Error, Hashable, Sendable, CustomStringConvertible {
  case journal(JournalReadError)
  case file(path: String, code: Int32)

  package var description: String {
    switch self {
    case .journal(let error): error.description
    case .file(let path, let code): "cannot write '\(path)': \(String(cString: strerror(code)))"
    }
  }
}
