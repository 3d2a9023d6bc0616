import ChainProgram
import ChainRuntime
import Diagnostics
import Metrics
import Synchronization

/// The trace on standard output, and what became of the events at its end.
final class TraceOutput: Sendable {
  private let program: Program
  /// The reactor's thread writes while the run lasts, the main thread after it.
  private let writer: Mutex<TraceWriter>

  init(program: Program, files: SourceFiles, hidesValues: Bool, hasColour: Bool, width: Int) {
    self.program = program
    writer = Mutex(
      TraceWriter(
        program: program, files: files, hidesValues: hidesValues, hasColour: hasColour, width: width, write: { Terminal.out($0) }))
  }

  func note(_ entry: TraceEntry) { writer.withLock { $0.note(entry) } }

  /// One line for each event at each hop: how it came out.
  func summarise(_ rows: [JournalEventRow]) {
    guard !program.events.isEmpty else { return }
    writer.withLock { $0.summarise(rows) }
  }
}

extension TraceWriter {
  func summarise(_ rows: [JournalEventRow]) {
    let shown = rows.filter { $0.outcome != .unexpected }
    guard !shown.isEmpty || foreignSightings > 0 else { return }
    emit("\nevents\n")
    for row in shown { emit(line(row)) }
    if foreignSightings > 0 {
      emit("              \(foreignSightings) sighting\(foreignSightings == 1 ? "" : "s") of events that this iteration did not cause\n")
    }
  }
}
