import ChainProgram
import Metrics

/// What an iteration has chosen so far: read when something fails. One for a user and its lanes, confined to the reactor's thread.
///
/// An entry is of this iteration only if it carries its number; nothing is cleared between iterations.
final class Circumstances {
  private struct Mark {
    var iteration: UInt64 = .max
    var value = 0
  }

  private let branches: UnsafeMutableBufferPointer<Mark>
  private let rows: UnsafeMutableBufferPointer<Mark>

  init(program: Program) {
    branches = .allocate(capacity: program.branches.count)
    branches.initialize(repeating: Mark())
    rows = .allocate(capacity: program.feeds.count)
    rows.initialize(repeating: Mark())
  }

  deinit {
    branches.deallocate()
    rows.deallocate()
  }

  func chose(_ branch: Int, _ value: Int, iteration: UInt64) { branches[branch] = Mark(iteration: iteration, value: value) }
  func drew(_ row: Int, of feed: Int, iteration: UInt64) { rows[feed] = Mark(iteration: iteration, value: row) }

  /// Off the hot path.
  func attributes(iteration: UInt64) -> [FailureAttribute] {
    var attributes: [FailureAttribute] = []
    for (table, mark) in branches.enumerated() where mark.iteration == iteration {
      attributes.append(FailureAttribute(.branch, table: table, value: mark.value))
    }
    for (table, mark) in rows.enumerated() where mark.iteration == iteration {
      attributes.append(FailureAttribute(.row, table: table, value: mark.value))
    }
    return attributes
  }
}

/// The code that a `retry:` repeats, and where it counts its attempts.
struct RetryExtent {
  let retry: Int
  let code: Range<Int>
  let attempts: SlotIndex

  static func all(in instructions: [Instruction]) -> [RetryExtent] {
    instructions.enumerated().compactMap { pc, instruction in
      guard case .retryAgain(let retry, let attempts, let target) = instruction, Int(target) < pc else { return nil }
      return RetryExtent(retry: retry.index, code: Int(target)..<pc, attempts: attempts)
    }
  }
}
