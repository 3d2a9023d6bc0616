internal import Glibc
package import Metrics

/// Writes everything that is derived from a journal into the journal's directory: the one code path at the end of a run, for
/// `chainrun report`, and after a crash.
package enum ResultFiles {
  package static let journalName = "journal.ndjson"

  /// Reads `<directory>/journal.ndjson` and writes the reports beside it, each under its name only when it is complete.
  ///
  /// - Parameter conclude: Called with the record once the journal is read and before anything but the event rows is written: the end of a run
  ///   judges it here and appends its verdicts to the record and to the journal, which is therefore read only once.
  /// - Returns: the run record, for the terminal summary.
  package static func write(
    into directory: String, conclude: (inout RunRecord) -> Void = { _ in }
  ) throws(ResultFilesError) -> RunRecord {
    let journal = directory + "/" + journalName
    var run: RunRecord
    let events: OutputFile
    let histograms: OutputFile
    do {
      // The start record names the rows that follow it.
      let start = try JournalReader.readStart(path: journal)
      var csv = EventsCSV(events: start.events)
      let log = HistogramLog(start: start)
      let (file, logFile) = (try OutputFile(directory + "/results_events.csv"), try OutputFile(directory + "/metrics.hlog"))
      (events, histograms) = (file, logFile)
      file.write(EventsCSV.header)
      logFile.write(log.header)
      run = try JournalReader.read(path: journal) { (row) throws(JournalReadError) in
        file.write(csv.line(for: row))
        if let code = file.failureCode { throw .rowNotHandled(code: code) }
      } eachInterval: { (interval) throws(JournalReadError) in
        logFile.write(log.lines(of: interval))
        if let code = logFile.failureCode { throw .rowNotHandled(code: code) }
      }
    } catch let error as ResultFilesError {
      throw error
    } catch let error as JournalReadError {
      throw .journal(error)
    } catch {
      preconditionFailure("only the two error types above are thrown: \(error)")
    }
    try events.finish()
    try histograms.finish()
    conclude(&run)
    try write(SummaryJSON.text(of: run), to: directory + "/summary.json")
    try write(LocustCSV.stats(of: run), to: directory + "/results_stats.csv")
    try write(LocustCSV.history(of: run), to: directory + "/results_stats_history.csv")
    try write(LocustCSV.failures(of: run), to: directory + "/results_failures.csv")
    try write(LocustCSV.exceptions(of: run), to: directory + "/results_exceptions.csv")
    return run
  }

  private static func write(_ text: String, to path: String) throws(ResultFilesError) {
    let file = try OutputFile(path)
    file.write(text)
    try file.finish()
  }
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

/// A file that gets its name when it is complete; before that it is `<name>.part`. Mode 0600.
private final class OutputFile {
  private let path: String
  private let descriptor: Int32
  private var buffer: [UInt8] = []
  private(set) var failureCode: Int32?
  private var isFinished = false

  init(_ path: String) throws(ResultFilesError) {
    self.path = path
    descriptor = open(path + ".part", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .file(path: path, code: errno) }
  }

  /// Keeps the first failure; ``finish()`` throws it.
  func write(_ text: String) {
    buffer.append(contentsOf: text.utf8)
    if buffer.count >= 1 << 18 { flush() }
  }

  deinit {
    guard !isFinished else { return }
    close(descriptor)
    unlink(path + ".part")
  }

  func finish() throws(ResultFilesError) {
    flush()
    isFinished = true
    if close(descriptor) != 0 && failureCode == nil { failureCode = errno }
    if failureCode == nil && rename(path + ".part", path) != 0 { failureCode = errno }
    guard let failureCode else { return }
    unlink(path + ".part")
    throw .file(path: path, code: failureCode)
  }

  private func flush() {
    defer { buffer.removeAll(keepingCapacity: true) }
    guard failureCode == nil else { return }
    buffer.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let written = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if written > 0 {
          rest = rest.dropFirst(written)
        } else if written < 0 && errno != EINTR {
          failureCode = errno
          return
        }
      }
    }
  }
}
