/// Reads a scalar's raw bytes by the rules of its style, and notes where each byte of the text came from.
///
/// The rules are those of libyaml's scanner (`scanner.c`, `yaml_parser_scan_*_scalar`), since its text is the one that counts;
/// line breaks other than LF, CR LF and CR were refused before.
struct ScalarRescan {
  private(set) var cooked: [UInt8] = []
  private(set) var runs: [ScalarOffsetMap.Run] = []
  /// Where the text would start if it is empty.
  let contentStart: Int

  private init(contentStart: Int) {
    self.contentStart = contentStart
  }

  static func plain(_ range: Range<Int>, in bytes: UnsafeBufferPointer<UInt8>) -> ScalarRescan {
    var rescan = ScalarRescan(contentStart: range.lowerBound)
    rescan.readFlow(range, in: bytes) { _, _, _ in nil }
    return rescan
  }

  static func singleQuoted(_ range: Range<Int>, in bytes: UnsafeBufferPointer<UInt8>) -> ScalarRescan {
    var rescan = ScalarRescan(contentStart: range.lowerBound + 1)
    rescan.readFlow(insideQuotes(range), in: bytes) { rescan, offset, end in
      guard bytes[offset] == 0x27, offset + 1 < end, bytes[offset + 1] == 0x27 else { return nil }
      rescan.replace(offset..<offset + 2, by: [0x27])
      return offset + 2
    }
    return rescan
  }

  static func doubleQuoted(_ range: Range<Int>, in bytes: UnsafeBufferPointer<UInt8>) -> ScalarRescan {
    var rescan = ScalarRescan(contentStart: range.lowerBound + 1)
    rescan.readFlow(insideQuotes(range), in: bytes) { rescan, offset, end in
      guard bytes[offset] == 0x5C, offset + 1 < end else { return nil }
      if isYAMLBreak(bytes[offset + 1]) { return rescan.skipEscapedBreak(at: offset, end: end, in: bytes) }
      let (value, length) = unescaped(at: offset, end: end, in: bytes)
      rescan.replace(offset..<offset + length, by: value)
      return offset + length
    }
    return rescan
  }

  private static func insideQuotes(_ range: Range<Int>) -> Range<Int> {
    range.lowerBound + 1..<max(range.lowerBound + 1, range.upperBound - 1)
  }

  /// Reads a scalar in which line breaks fold, giving each byte that is not white space to `special` first.
  ///
  /// - Parameter special: Consumes what it knows and returns the offset behind it, or returns nil.
  private mutating func readFlow(
    _ range: Range<Int>, in bytes: UnsafeBufferPointer<UInt8>, special: (inout ScalarRescan, Int, Int) -> Int?
  ) {
    var offset = range.lowerBound
    let end = range.upperBound
    while offset < end {
      let byte = bytes[offset]
      if isYAMLBlank(byte) || isYAMLBreak(byte) {
        offset = readWhiteSpace(at: offset, end: end, in: bytes)
      } else if let next = special(&self, offset, end) {
        offset = next
      } else {
        copy(offset..<offset + 1, in: bytes)
        offset += 1
      }
    }
  }

  /// Blanks stay if no line ends among them; else they vanish, one line break becomes a space, and of several one vanishes.
  private mutating func readWhiteSpace(at start: Int, end: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Int {
    var offset = start
    var breaks = 0
    while offset < end, isYAMLBlank(bytes[offset]) || isYAMLBreak(bytes[offset]) {
      if isYAMLBreak(bytes[offset]) {
        breaks += 1
        offset = afterYAMLBreak(at: offset, end: end, in: bytes)
      } else {
        offset += 1
      }
    }
    switch breaks {
    case 0: copy(start..<offset, in: bytes)
    case 1: replace(start..<offset, by: [0x20])
    default: replace(start..<offset, by: Array(repeating: 0x0A, count: breaks - 1))
    }
    return offset
  }

  /// `\` at the end of a line: the break and the blanks after it vanish, and each empty line that follows is a line break.
  private mutating func skipEscapedBreak(at start: Int, end: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Int {
    var offset = afterYAMLBreak(at: start + 1, end: end, in: bytes)
    var breaks = 0
    while offset < end, isYAMLBlank(bytes[offset]) || isYAMLBreak(bytes[offset]) {
      if isYAMLBreak(bytes[offset]) {
        breaks += 1
        offset = afterYAMLBreak(at: offset, end: end, in: bytes)
      } else {
        offset += 1
      }
    }
    replace(start..<offset, by: Array(repeating: 0x0A, count: breaks))
    return offset
  }

  /// What a `\` escape stands for and how long it is; libyaml has refused the malformed ones before.
  private static func unescaped(at offset: Int, end: Int, in bytes: UnsafeBufferPointer<UInt8>) -> (value: [UInt8], length: Int) {
    let digits: Int
    switch bytes[offset + 1] {
    case UInt8(ascii: "0"): return ([0x00], 2)
    case UInt8(ascii: "a"): return ([0x07], 2)
    case UInt8(ascii: "b"): return ([0x08], 2)
    case UInt8(ascii: "t"), 0x09: return ([0x09], 2)
    case UInt8(ascii: "n"): return ([0x0A], 2)
    case UInt8(ascii: "v"): return ([0x0B], 2)
    case UInt8(ascii: "f"): return ([0x0C], 2)
    case UInt8(ascii: "r"): return ([0x0D], 2)
    case UInt8(ascii: "e"): return ([0x1B], 2)
    case UInt8(ascii: "N"): return ([0xC2, 0x85], 2)
    case UInt8(ascii: "_"): return ([0xC2, 0xA0], 2)
    case UInt8(ascii: "L"): return ([0xE2, 0x80, 0xA8], 2)
    case UInt8(ascii: "P"): return ([0xE2, 0x80, 0xA9], 2)
    case UInt8(ascii: "x"): digits = 2
    case UInt8(ascii: "u"): digits = 4
    case UInt8(ascii: "U"): digits = 8
    case let other: return ([other], 2)
    }
    let last = min(offset + 2 + digits, end)
    let text = String(decoding: bytes[offset + 2..<last], as: UTF8.self)
    let scalar = UInt32(text, radix: 16).flatMap(Unicode.Scalar.init)
    return (scalar.map { Array(String($0).utf8) } ?? [], last - offset)
  }

  mutating func copy(_ raw: Range<Int>, in bytes: UnsafeBufferPointer<UInt8>) {
    guard !raw.isEmpty else { return }
    let start = cooked.count
    cooked.append(contentsOf: bytes[raw])
    if let last = runs.indices.last, runs[last].isVerbatim, runs[last].raw.upperBound == raw.lowerBound {
      runs[last].raw = runs[last].raw.lowerBound..<raw.upperBound
      runs[last].cooked = runs[last].cooked.lowerBound..<cooked.count
    } else {
      runs.append(.init(cooked: start..<cooked.count, raw: raw, isVerbatim: true))
    }
  }

  mutating func replace(_ raw: Range<Int>, by value: [UInt8]) {
    guard !value.isEmpty else { return }
    let start = cooked.count
    cooked.append(contentsOf: value)
    runs.append(.init(cooked: start..<cooked.count, raw: raw, isVerbatim: false))
  }
}

extension ScalarRescan {
  /// Reads a block scalar with the indentation that gives the text which `isRight` accepts.
  ///
  /// An indentation indicator counts from the parent's indentation, which is not known here, so the likely one is tried
  /// first and then the others.
  static func blockCandidates(
    _ range: Range<Int>, isFolded: Bool, in bytes: UnsafeBufferPointer<UInt8>, isRight: (ScalarRescan) -> Bool
  ) -> ScalarRescan? {
    var header = range.lowerBound + 1
    var chomping: Chomping = .clip
    while header < bytes.count, !isYAMLBreak(bytes[header]), bytes[header] != UInt8(ascii: "#") {
      if bytes[header] == UInt8(ascii: "-") { chomping = .strip }
      if bytes[header] == UInt8(ascii: "+") { chomping = .keep }
      header += 1
    }
    while header < bytes.count, !isYAMLBreak(bytes[header]) { header += 1 }
    let body = header < bytes.count ? afterYAMLBreak(at: header, end: bytes.count, in: bytes) : header
    let likely = detectIndentation(at: body, in: bytes)
    for indentation in [likely] + (1...80).filter({ $0 != likely }) {
      var rescan = ScalarRescan(contentStart: body)
      rescan.readBlock(at: body, indentation: indentation, isFolded: isFolded, chomping: chomping, in: bytes)
      if isRight(rescan) { return rescan }
    }
    return nil
  }

  private enum Chomping {
    case strip
    case clip
    case keep
  }

  private static func detectIndentation(at body: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Int {
    var offset = body
    while offset < bytes.count {
      var column = 0
      while offset < bytes.count, bytes[offset] == 0x20 {
        column += 1
        offset += 1
      }
      if offset < bytes.count, !isYAMLBreak(bytes[offset]) { return max(1, column) }
      if offset < bytes.count { offset = afterYAMLBreak(at: offset, end: bytes.count, in: bytes) }
    }
    return 1
  }

  /// `yaml_parser_scan_block_scalar`, with places noted: a line break is held back until it is known whether it folds.
  private mutating func readBlock(
    at body: Int, indentation: Int, isFolded: Bool, chomping: Chomping, in bytes: UnsafeBufferPointer<UInt8>
  ) {
    var offset = body
    var leadingBreak: Range<Int>?
    var trailingBreaks: [Range<Int>] = []
    var wasBlank = false
    var column = readIndentation(&offset, upTo: indentation, breaks: &trailingBreaks, in: bytes)
    while column == indentation, offset < bytes.count {
      let startsBlank = isYAMLBlank(bytes[offset])
      if let held = leadingBreak {
        if isFolded, !wasBlank, !startsBlank {
          if trailingBreaks.isEmpty { replace(held.lowerBound..<offset, by: [0x20]) }
        } else {
          lineBreak(held, in: bytes)
        }
      }
      for held in trailingBreaks { lineBreak(held, in: bytes) }
      leadingBreak = nil
      trailingBreaks = []
      wasBlank = startsBlank
      let lineStart = offset
      while offset < bytes.count, !isYAMLBreak(bytes[offset]) { offset += 1 }
      copy(lineStart..<offset, in: bytes)
      if offset < bytes.count {
        let next = afterYAMLBreak(at: offset, end: bytes.count, in: bytes)
        leadingBreak = offset..<next
        offset = next
      }
      column = readIndentation(&offset, upTo: indentation, breaks: &trailingBreaks, in: bytes)
    }
    if chomping != .strip, let held = leadingBreak { lineBreak(held, in: bytes) }
    if chomping == .keep {
      for held in trailingBreaks { lineBreak(held, in: bytes) }
    }
  }

  /// Skips empty lines and the next line's indentation; returns how far that line is indented, at most `limit`.
  private func readIndentation(
    _ offset: inout Int, upTo limit: Int, breaks: inout [Range<Int>], in bytes: UnsafeBufferPointer<UInt8>
  ) -> Int {
    while true {
      var column = 0
      while column < limit, offset < bytes.count, bytes[offset] == 0x20 {
        column += 1
        offset += 1
      }
      guard offset < bytes.count, isYAMLBreak(bytes[offset]) else { return column }
      let next = afterYAMLBreak(at: offset, end: bytes.count, in: bytes)
      breaks.append(offset..<next)
      offset = next
    }
  }

  private mutating func lineBreak(_ raw: Range<Int>, in bytes: UnsafeBufferPointer<UInt8>) {
    if raw.count == 1, bytes[raw.lowerBound] == 0x0A { copy(raw, in: bytes) } else { replace(raw, by: [0x0A]) }
  }
}

/// A space or a tab.
func isYAMLBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

/// Part of a line break: LF or CR.
func isYAMLBreak(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

/// The offset behind the line break at an offset: LF, CR LF or CR.
func afterYAMLBreak(at offset: Int, end: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Int {
  bytes[offset] == 0x0D && offset + 1 < end && bytes[offset + 1] == 0x0A ? offset + 2 : offset + 1
}
