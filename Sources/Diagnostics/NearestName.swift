/// The candidate that a mistyped name most likely meant, or nil where none is near.
///
/// Case, underscores and dashes do not count. Near is at most 1 edit for up to 4 letters, 2 for up to 8, 3 beyond, where an
/// edit inserts, drops or replaces a letter or swaps two neighbours; at least one letter has to be right. Of equally near
/// candidates the first one wins.
/// - Complexity: the product of the lengths for each candidate with nearly the same letters; names above 64 letters have no neighbours.
package func nearestName(to name: String, among candidates: some Sequence<String>) -> String? {
  let wanted = foldedLetters(name)
  guard !wanted.isEmpty, wanted.count <= 64 else { return nil }
  let wantedLetters = letterSet(wanted)
  let allowed = wanted.count <= 4 ? 1 : wanted.count <= 8 ? 2 : 3
  var best: (name: String, distance: Int)?
  for candidate in candidates.prefix(candidatesMax) {
    // Folding only drops bytes, and a letter of another case has as many, or a few more.
    guard candidate.utf8.count + allowed >= wanted.count, candidate.utf8.count <= 4 * (wanted.count + allowed) + 64 else { continue }
    let letters = foldedLetters(candidate)
    guard abs(letters.count - wanted.count) <= allowed else { continue }
    // An edit changes at most two letters of the set.
    guard (letterSet(letters) ^ wantedLetters).nonzeroBitCount <= 2 * allowed else { continue }
    let distance = editDistance(wanted, letters)
    guard distance <= allowed, distance < max(wanted.count, letters.count) else { continue }
    if best.map({ distance < $0.distance }) ?? true {
      best = (candidate, distance)
    }
  }
  return best?.name
}

/// A file with more names of one kind than this gets suggestions from the first ones only.
private let candidatesMax = 500

private func letterSet(_ letters: [Unicode.Scalar]) -> UInt64 {
  letters.reduce(0) { $0 | 1 << UInt64($1.value & 63) }
}

private func foldedLetters(_ name: String) -> [Unicode.Scalar] {
  var letters: [Unicode.Scalar] = []
  letters.reserveCapacity(name.utf8.count)
  for byte in name.utf8 {
    switch byte {
    case 0x80...: return name.lowercased().unicodeScalars.filter { $0 != "_" && $0 != "-" }
    case UInt8(ascii: "_"), UInt8(ascii: "-"): break
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): letters.append(Unicode.Scalar(byte | 0x20))
    default: letters.append(Unicode.Scalar(byte))
    }
  }
  return letters
}

/// Optimal string alignment: Levenshtein's distance with swaps of neighbours, each letter edited at most once.
private func editDistance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
  guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
  let width = right.count + 1
  // Three rows, used in turn.
  return withUnsafeTemporaryAllocation(of: Int.self, capacity: 3 * width) { rows in
    for column in 0..<width { rows[column] = column }
    for row in 1...left.count {
      let current = row % 3 * width
      let previous = (row + 2) % 3 * width
      let beforePrevious = (row + 1) % 3 * width
      rows[current] = row
      for column in 1..<width {
        let replaced = rows[previous + column - 1] + (left[row - 1] == right[column - 1] ? 0 : 1)
        var least = min(replaced, rows[previous + column] + 1, rows[current + column - 1] + 1)
        if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
          least = min(least, rows[beforePrevious + column - 2] + 1)
        }
        rows[current + column] = least
      }
    }
    return rows[left.count % 3 * width + right.count]
  }
}
