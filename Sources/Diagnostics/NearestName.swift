/// The candidate that a mistyped name most likely meant, or nil where none is near.
///
/// Case, underscores and dashes do not count. Near is at most 1 edit for up to 4 letters, 2 for up to 8, 3 beyond, where an
/// edit inserts, drops or replaces a letter or swaps two neighbours; at least one letter has to be right. Of equally near
/// candidates the first one wins.
/// - Complexity: the product of the lengths for each candidate of similar length; names above 64 letters have no neighbours.
package func nearestName(to name: String, among candidates: some Sequence<String>) -> String? {
  let wanted = foldedLetters(name)
  guard !wanted.isEmpty, wanted.count <= 64 else { return nil }
  let allowed = wanted.count <= 4 ? 1 : wanted.count <= 8 ? 2 : 3
  var best: (name: String, distance: Int)?
  for candidate in candidates {
    let letters = foldedLetters(candidate)
    guard abs(letters.count - wanted.count) <= allowed else { continue }
    let distance = editDistance(wanted, letters)
    guard distance <= allowed, distance < max(wanted.count, letters.count) else { continue }
    if best.map({ distance < $0.distance }) ?? true {
      best = (candidate, distance)
    }
  }
  return best?.name
}

private func foldedLetters(_ name: String) -> [Unicode.Scalar] {
  name.lowercased().unicodeScalars.filter { $0 != "_" && $0 != "-" }
}

/// Optimal string alignment: Levenshtein's distance with swaps of neighbours, each letter edited at most once.
private func editDistance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
  guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
  var beforePrevious: [Int] = []
  var previous = Array(0...right.count)
  for row in 1...left.count {
    var current = [row] + Array(repeating: 0, count: right.count)
    for column in 1...right.count {
      let replaced = previous[column - 1] + (left[row - 1] == right[column - 1] ? 0 : 1)
      current[column] = min(replaced, previous[column] + 1, current[column - 1] + 1)
      if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
        current[column] = min(current[column], beforePrevious[column - 2] + 1)
      }
    }
    beforePrevious = previous
    previous = current
  }
  return previous[right.count]
}
