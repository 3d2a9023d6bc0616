/// Replaces what varies in a message, so that one cause has one text, and a user's values stay out of reports.
///
/// In this order at each position: quoted text → `'…'`, UUID → `<uuid>`, timestamp → `<time>`, IP address (with port) →
/// `<address>`, path → `<path>`, long hex → `<hex>`, number → `<n>`. Words keep their digits (`utf8`, `INT4`).
package enum ErrorMask {
  package static let maximumBytes = 512

  package static func mask(_ message: String) -> String {
    var scanner = Scanner(text: Array(message.utf8.prefix(4 * maximumBytes)))
    return scanner.run()
  }
}

private struct Scanner {
  let text: [UInt8]
  var at = 0
  var out: [UInt8] = []

  init(text: [UInt8]) {
    self.text = text
  }

  mutating func run() -> String {
    while at < text.count && out.count < ErrorMask.maximumBytes {
      if replaceQuoted() { continue }
      if atWordStart {
        if replace(length: uuidLength(), by: "<uuid>") { continue }
        if replace(length: timestampLength(), by: "<time>") { continue }
        if replace(length: addressLength(), by: "<address>") { continue }
        if replace(length: pathLength(), by: "<path>") { continue }
        if replace(length: hexLength(), by: "<hex>") { continue }
        if replace(length: numberLength(), by: "<n>") { continue }
      }
      let byte = text[at]
      // One line, and no control characters: the text goes to terminals.
      out.append(byte < 0x20 || byte == 0x7F ? UInt8(ascii: " ") : byte)
      at += 1
    }
    var end = out.count
    while end > 0 && out[end - 1] == UInt8(ascii: " ") { end -= 1 }
    return String(decoding: out[..<end], as: UTF8.self)
  }

  private var atWordStart: Bool {
    at == 0 || !(isWord(text[at - 1]))
  }

  private mutating func replace(length: Int, by name: String) -> Bool {
    guard length > 0 else { return false }
    out.append(contentsOf: name.utf8)
    at += length
    return true
  }

  private mutating func replaceQuoted() -> Bool {
    let quote = text[at]
    guard quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "`") else { return false }
    // An apostrophe inside a word ("can't") opens nothing.
    if quote == UInt8(ascii: "'"), at > 0, isWord(text[at - 1]) { return false }
    guard let close = text[(at + 1)...].firstIndex(of: quote) else { return false }
    out.append(contentsOf: "'…'".utf8)
    at = close + 1
    return true
  }

  private func uuidLength() -> Int {
    guard at + 36 <= text.count else { return 0 }
    for offset in 0..<36 {
      let byte = text[at + offset]
      switch offset {
      case 8, 13, 18, 23: if byte != UInt8(ascii: "-") { return 0 }
      default: if !isHex(byte) { return 0 }
      }
    }
    return endsWord(at + 36) ? 36 : 0
  }

  /// 2026-05-01, 2026-05-01T12:00:00.123+02:00, 12:00:00.
  private func timestampLength() -> Int {
    var end = at
    if matches("dddd-dd-dd", at: end) {
      end += 10
      if end < text.count, text[end] == UInt8(ascii: "T") || text[end] == UInt8(ascii: " "), matches("dd:dd", at: end + 1) { end += 1 }
    }
    if matches("dd:dd:dd", at: end) {
      end += 8
    } else if end > at, matches("dd:dd", at: end) {
      end += 5
    }
    guard end > at else { return 0 }
    if end > at + 5 {
      if end < text.count, text[end] == UInt8(ascii: "."), end + 1 < text.count, isDigit(text[end + 1]) {
        end += 1
        while end < text.count, isDigit(text[end]) { end += 1 }
      }
      if end < text.count, text[end] == UInt8(ascii: "Z") {
        end += 1
      } else if matches("+dd:dd", at: end) || matches("-dd:dd", at: end) {
        end += 6
      } else if matches("+dd", at: end) {
        end += 3
      }
    }
    return endsWord(end) ? end - at : 0
  }

  /// IPv4 or IPv6, with brackets and port where they stand.
  private func addressLength() -> Int {
    var end = at
    var dots = 0
    while end < text.count {
      let start = end
      while end < text.count, isDigit(text[end]), end - start < 3 { end += 1 }
      if end == start { break }
      if dots < 3, end < text.count, text[end] == UInt8(ascii: ".") {
        dots += 1
        end += 1
      } else {
        break
      }
    }
    if dots == 3, isDigit(text[end - 1]) { return portEnd(end) - at }

    // IPv6: at least two colons among hex groups, or in brackets.
    end = at
    let bracketed = text[at] == UInt8(ascii: "[")
    if bracketed { end += 1 }
    var colons = 0
    let first = end
    while end < text.count, isHex(text[end]) || text[end] == UInt8(ascii: ":") || (colons > 1 && text[end] == UInt8(ascii: ".")) {
      if text[end] == UInt8(ascii: ":") { colons += 1 }
      end += 1
    }
    guard colons >= 2, end - first >= 3 else { return 0 }
    if bracketed {
      guard end < text.count, text[end] == UInt8(ascii: "]") else { return 0 }
      return portEnd(end + 1) - at
    }
    while text[end - 1] == UInt8(ascii: "."), end > first { end -= 1 }
    return endsWord(end) ? end - at : 0
  }

  private func portEnd(_ end: Int) -> Int {
    guard end + 1 < text.count, text[end] == UInt8(ascii: ":"), isDigit(text[end + 1]) else { return end }
    var end = end + 1
    while end < text.count, isDigit(text[end]) { end += 1 }
    return end
  }

  /// An absolute path of at least two parts, up to a space or closing mark.
  private func pathLength() -> Int {
    guard text[at] == UInt8(ascii: "/"), at + 1 < text.count, isWord(text[at + 1]) else { return 0 }
    var end = at
    var slashes = 0
    while end < text.count, isWord(text[end]) || "/.-+@~%".utf8.contains(text[end]) {
      if text[end] == UInt8(ascii: "/") { slashes += 1 }
      end += 1
    }
    while end > at, text[end - 1] == UInt8(ascii: ".") { end -= 1 }
    return slashes >= 2 ? end - at : 0
  }

  /// 0x… or at least eight hex digits, one of them a decimal digit and one a letter.
  private func hexLength() -> Int {
    var end = at
    if text[at] == UInt8(ascii: "0"), at + 2 < text.count, text[at + 1] == UInt8(ascii: "x"), isHex(text[at + 2]) {
      end += 2
      while end < text.count, isHex(text[end]) { end += 1 }
      return endsWord(end) ? end - at : 0
    }
    var hasDigit = false
    var hasLetter = false
    while end < text.count, isHex(text[end]) {
      if isDigit(text[end]) { hasDigit = true } else { hasLetter = true }
      end += 1
    }
    return end - at >= 8 && hasDigit && hasLetter && endsWord(end) ? end - at : 0
  }

  /// Digits, with sign, fraction or exponent; a unit may follow (`30s`, `512MB`).
  private func numberLength() -> Int {
    var end = at
    if text[end] == UInt8(ascii: "-") { end += 1 }
    let first = end
    while end < text.count, isDigit(text[end]) { end += 1 }
    guard end > first else { return 0 }
    if end + 1 < text.count, text[end] == UInt8(ascii: "."), isDigit(text[end + 1]) {
      end += 1
      while end < text.count, isDigit(text[end]) { end += 1 }
    }
    return end - at
  }

  private func matches(_ pattern: StaticString, at start: Int) -> Bool {
    guard start + pattern.utf8CodeUnitCount <= text.count else { return false }
    for offset in 0..<pattern.utf8CodeUnitCount {
      let wanted = pattern.utf8Start[offset]
      let byte = text[start + offset]
      if wanted == UInt8(ascii: "d") ? !isDigit(byte) : byte != wanted { return false }
    }
    return true
  }

  private func endsWord(_ end: Int) -> Bool { end >= text.count || !isWord(text[end]) }

  private func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

  private func isHex(_ byte: UInt8) -> Bool {
    isDigit(byte) || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "f"))
  }

  private func isWord(_ byte: UInt8) -> Bool {
    isDigit(byte) || byte == UInt8(ascii: "_") || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z")) || byte >= 0x80
  }
}
