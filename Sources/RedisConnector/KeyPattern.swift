/// A Redis glob: `*`, `?`, `[abc]`, `[^a-z]`, and `\` before a character that stands for itself; matched as Redis' `stringmatchlen` does.
struct KeyPattern {
  private let pattern: [UInt8]
  var bytes: [UInt8] { pattern }
  /// What every matching key starts with.
  let literalPrefix: [UInt8]
  /// Whether the prefix alone decides: `order:*`.
  private let isPrefixOnly: Bool

  init(_ text: String) {
    pattern = Array(text.utf8)
    var prefix: [UInt8] = []
    var at = 0
    scan: while at < pattern.count {
      switch pattern[at] {
      case UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "["): break scan
      case UInt8(ascii: "\\") where at + 1 < pattern.count:
        prefix.append(pattern[at + 1])
        at += 2
      case let byte:
        prefix.append(byte)
        at += 1
      }
    }
    literalPrefix = prefix
    isPrefixOnly = at == pattern.count - 1 && pattern[at] == UInt8(ascii: "*")
  }

  func matches(_ key: UnsafeRawBufferPointer) -> Bool {
    if isPrefixOnly { return key.starts(with: literalPrefix) }
    return pattern.withUnsafeBytes { KeyPattern.match($0, key) }
  }

  /// Goes back to the last star only, which is enough for globs and keeps hostile patterns from costing exponential time.
  private static func match(_ pattern: UnsafeRawBufferPointer, _ key: UnsafeRawBufferPointer) -> Bool {
    var p = 0
    var k = 0
    var star: (pattern: Int, key: Int)?
    while k < key.count {
      if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
        star = (p + 1, k)
        p += 1
      } else if let after = matchOne(pattern, p, key[k]) {
        p = after
        k += 1
      } else if let (starPattern, starKey) = star {
        star = (starPattern, starKey + 1)
        p = starPattern
        k = starKey + 1
      } else {
        return false
      }
    }
    while p < pattern.count, pattern[p] == UInt8(ascii: "*") { p += 1 }
    return p == pattern.count
  }

  /// Where the pattern goes on if its element at `start` matches `byte`; nil if it does not.
  private static func matchOne(_ pattern: UnsafeRawBufferPointer, _ start: Int, _ byte: UInt8) -> Int? {
    guard start < pattern.count else { return nil }
    switch pattern[start] {
    case UInt8(ascii: "?"): return start + 1
    case UInt8(ascii: "["):
      var at = start + 1
      let isNegated = at < pattern.count && pattern[at] == UInt8(ascii: "^")
      if isNegated { at += 1 }
      var isMember = false
      // As in Redis: a class that is not closed ends with the pattern, and `]` right after `[` closes it.
      while at < pattern.count, pattern[at] != UInt8(ascii: "]") {
        if pattern[at] == UInt8(ascii: "\\"), at + 1 < pattern.count {
          isMember = isMember || pattern[at + 1] == byte
          at += 2
        } else if at + 2 < pattern.count, pattern[at + 1] == UInt8(ascii: "-") {
          let low = min(pattern[at], pattern[at + 2])
          let high = max(pattern[at], pattern[at + 2])
          isMember = isMember || (low...high).contains(byte)
          at += 3
        } else {
          isMember = isMember || pattern[at] == byte
          at += 1
        }
      }
      return isMember != isNegated ? min(at + 1, pattern.count) : nil
    case UInt8(ascii: "\\") where start + 1 < pattern.count:
      return pattern[start + 1] == byte ? start + 2 : nil
    case let literal: return literal == byte ? start + 1 : nil
    }
  }
}
