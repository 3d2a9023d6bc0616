/// One scalar (or one byte that is not UTF-8) as a terminal shows it.
struct DisplayCell {
  let text: String
  /// Terminal columns: 0 for a combining mark, 2 for a wide character, more for a tab or an escaped character.
  let width: Int
  /// Bytes in the file.
  let byteCount: Int
}

/// Turns text from users' files into something that is safe to print and whose width is known.
///
/// What a terminal would obey or hide (control characters, direction changes, invisible format characters) is written as
/// `\u{202E}`, so that an excerpt can neither move the cursor nor show another order than the one the program reads.
enum DisplayText {
  static let tabWidth = 4

  /// - Parameter column: Terminal columns to the left of it, from zero, for tab stops.
  static func cell(in bytes: UnsafeBufferPointer<UInt8>, at offset: Int, column: Int) -> DisplayCell {
    let decoded = DecodedScalar(in: bytes, at: offset)
    guard let scalar = decoded.scalar else {
      return DisplayCell(text: "\\x" + hexadecimal(UInt32(bytes[offset]), digits: 2), width: 4, byteCount: 1)
    }
    if scalar == "\t" {
      let width = tabWidth - column % tabWidth
      return DisplayCell(text: String(repeating: " ", count: width), width: width, byteCount: 1)
    }
    if isHiddenOrActive(scalar) {
      let text = escaped(scalar)
      return DisplayCell(text: text, width: text.utf8.count, byteCount: decoded.byteCount)
    }
    return DisplayCell(text: String(scalar), width: width(of: scalar), byteCount: decoded.byteCount)
  }

  /// The text with everything escaped that a terminal would obey or hide, line breaks and tabs too.
  static func oneLine(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isHiddenOrActive) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      if isHiddenOrActive(scalar) { result += escaped(scalar) } else { result.unicodeScalars.append(scalar) }
    }
    return result
  }

  static func isHiddenOrActive(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return scalar.value < 0x20 || scalar.value == 0x7F }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: return true
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .nonspacingMark, .spacingMark,
      .enclosingMark, .decimalNumber, .letterNumber, .otherNumber, .connectorPunctuation, .dashPunctuation, .openPunctuation,
      .closePunctuation, .initialPunctuation, .finalPunctuation, .otherPunctuation, .mathSymbol, .currencySymbol, .modifierSymbol,
      .otherSymbol, .spaceSeparator:
      return false
    @unknown default: return true
    }
  }

  static func escaped(_ scalar: Unicode.Scalar) -> String {
    "\\u{" + hexadecimal(scalar.value, digits: 1) + "}"
  }

  private static func hexadecimal(_ value: UInt32, digits: Int) -> String {
    let text = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }

  /// Terminal columns of a scalar that is shown as itself.
  static func width(of scalar: Unicode.Scalar) -> Int {
    if scalar.value < 0x300 { return 1 }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark: return 0
    default: break
    }
    if scalar.properties.isEmojiPresentation { return 2 }
    return wideRanges.contains { $0.contains(scalar.value) } ? 2 : 1
  }

  /// East Asian Width W and F by blocks, from EastAsianWidth.txt of Unicode 15; unassigned gaps inside a block are counted along.
  private static let wideRanges: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF, 0xA960...0xA97C,
    0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x16FE0...0x18D08, 0x1B000...0x1B2FB,
    0x1F200...0x1F265, 0x20000...0x3FFFD,
  ]
}
