import ChainIO
import ChainProgram

/// What a sighting's content says, by the hop's mapping.
extension HopBook {
  enum Mapped { case ours, foreign, unreadable }

  /// Leaves in the frame what the mapping reads.
  func map(_ content: OperationResult, _ evaluator: Evaluator, runID: String) -> Mapped {
    reader.read(content)
    var draws = Randomness(seed: 0, stream: 0, iteration: 0)
    if mapping.namesRun, let run = declaration.run {
      frame[run.slot.index] = .null
      do throws(OperationError) {
        try evaluator.runBlock(entry: run.entry, frame: frame, content: reader, draws: &draws)
        if case .string(let made) = frame[run.slot.index], made != runID { return .foreign }
      } catch {
        // What does not say whose it is is judged by its id.
      }
    }
    do throws(OperationError) {
      try evaluator.runBlock(entry: mapping.entry, frame: frame, content: reader, draws: &draws)
      return .ours
    } catch {
      return .unreadable
    }
  }
}
