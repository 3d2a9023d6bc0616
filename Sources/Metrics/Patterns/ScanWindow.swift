internal import Glibc

/// The stretch of a run in which failures came thickest, found by looking at every window (Kulldorff's scan statistic).
package struct ScanWindow: Hashable, Sendable {
  /// Of the cells given: from, and to but not included.
  package let cells: Range<Int>
  package let failures: Double
  package let attempts: Double
  /// The exact test of the window, times the number of windows that were looked at.
  package let pValue: Double

  /// At most so many cells are looked at; longer runs are given in coarser ones.
  package static let cellsMax = 300

  /// - Parameters: failures and attempts in each cell. A window holds at most half of the cells.
  /// - Returns: nil where no window has more than its share.
  package static func strongest(failures: [Double], attempts: [Double]) -> ScanWindow? {
    let count = min(failures.count, attempts.count)
    let totalFailures = failures.reduce(0, +)
    let totalAttempts = attempts.reduce(0, +)
    guard count >= 4, totalFailures >= 3, totalAttempts > 0 else { return nil }
    var sums: [(failures: Double, attempts: Double)] = [(0, 0)]
    for cell in 0..<count { sums.append((sums[cell].failures + failures[cell], sums[cell].attempts + attempts[cell])) }
    var best: (cells: Range<Int>, failures: Double, attempts: Double)?
    var highest = 0.0
    var windows = 0
    for start in 0..<count {
      for end in (start + 1)...min(count, start + count / 2) {
        windows += 1
        // A window that begins or ends with nothing is never the strongest.
        guard failures[start] > 0, failures[end - 1] > 0 else { continue }
        let inside = sums[end].failures - sums[start].failures
        let tried = sums[end].attempts - sums[start].attempts
        let expected = totalFailures * tried / totalAttempts
        guard inside >= 3, inside > expected, expected > 0 || tried == 0 else { continue }
        let outside = totalFailures - inside
        let ratio = inside * log(inside / max(expected, 1e-9))
          + (outside > 0 ? outside * log(outside / max(totalFailures - expected, 1e-9)) : 0)
        if ratio > highest {
          highest = ratio
          best = (start..<end, inside, tried)
        }
      }
    }
    guard let best else { return nil }
    let tail = ExactTest.upperTail(
      hits: best.failures, sample: max(best.attempts, best.failures), marked: totalFailures, population: totalAttempts)
    return ScanWindow(
      cells: best.cells, failures: best.failures, attempts: best.attempts, pValue: min(1, tail * Double(windows)))
  }
}
