/// Where a series changed its level.
package struct ChangePoint: Hashable, Sendable {
  /// The first value of the new level.
  package let index: Int
  /// Of a split as good as this one in a series without any change.
  package let pValue: Double

  package init(index: Int, pValue: Double) {
    self.index = index
    self.pValue = pValue
  }
}

/// Finds changes of level by the best split of a series, tested by permuting it, and then in each part again.
package enum ChangePoints {
  package static let permutations = 1_999
  package static let alpha = 0.01
  /// Values on each side of a split.
  package static let sideMin = 3

  /// - Parameters:
  ///   - series: In order of time; logarithms of figures.
  ///   - effectMin: Levels whose medians are nearer than this are one level.
  ///   - seed: Of the permutations: the same series gives the same answer.
  /// - Returns: ascending by index.
  package static func find(in series: [Double], effectMin: Double, seed: UInt64 = 1) -> [ChangePoint] {
    var found: [ChangePoint] = []
    search(series, range: 0..<series.count, effectMin: effectMin, seed: seed, found: &found)
    found.sort { $0.index < $1.index }
    return found
  }

  private static func search(_ series: [Double], range: Range<Int>, effectMin: Double, seed: UInt64, found: inout [ChangePoint]) {
    guard range.count >= 2 * sideMin else { return }
    let part = Array(series[range])
    let best = bestSplit(of: part)
    let before = Median.of(Array(part[..<best.index])) ?? 0
    let after = Median.of(Array(part[best.index...])) ?? 0
    guard abs(after - before) >= effectMin else { return }
    let p = pValue(of: best.gain, part: part, seed: seed &+ UInt64(range.lowerBound) &* 0x1_0001 &+ UInt64(range.count))
    guard p <= alpha else { return }
    let index = range.lowerBound + best.index
    found.append(ChangePoint(index: index, pValue: p))
    search(series, range: range.lowerBound..<index, effectMin: effectMin, seed: seed, found: &found)
    search(series, range: index..<range.upperBound, effectMin: effectMin, seed: seed, found: &found)
  }

  /// The split that explains most of the scatter: the highest sum of squares between the two sides.
  private static func bestSplit(of part: [Double]) -> (index: Int, gain: Double) {
    let mean = part.reduce(0, +) / Double(part.count)
    let n = Double(part.count)
    var sum = 0.0
    var best = (index: sideMin, gain: -1.0)
    for index in 0..<(part.count - sideMin) {
      sum += part[index] - mean
      let left = Double(index + 1)
      guard index + 1 >= sideMin else { continue }
      let gain = sum * sum * n / (left * (n - left))
      if gain > best.gain { best = (index + 1, gain) }
    }
    return best
  }

  /// The share of permutations whose best split is as good. Stops early once the share cannot fall to ``alpha`` any more.
  private static func pValue(of gain: Double, part: [Double], seed: UInt64) -> Double {
    var generator = SeededGenerator(seed: seed)
    var shuffled = part
    var asGood = 0
    let hopeless = Int(alpha * Double(permutations + 1))
    for round in 1...permutations {
      shuffled.shuffle(using: &generator)
      if bestSplit(of: shuffled).gain >= gain * (1 - 1e-12) { asGood += 1 }
      if asGood > hopeless { return Double(asGood + 1) / Double(round + 1) }
    }
    return Double(asGood + 1) / Double(permutations + 1)
  }
}
