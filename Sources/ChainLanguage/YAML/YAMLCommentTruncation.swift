internal import Diagnostics

/// Finds the comment that YAML saw in the middle of an expression: `check: name == 'a #b'` ends at `'a`.
///
/// - Returns: The comment's bytes and what is open where it starts, if something is.
func textLostToComment(after scalar: YAMLScalar, in bytes: UnsafeBufferPointer<UInt8>) -> (comment: Range<Int>, open: String)? {
  var offset = scalar.range.end
  let blanksStart = offset
  while offset < bytes.count, isYAMLBlank(bytes[offset]) { offset += 1 }
  guard offset > blanksStart, offset < bytes.count, bytes[offset] == UInt8(ascii: "#") else { return nil }
  guard let open = openConstruct(in: scalar.text) else { return nil }
  var end = offset
  while end < bytes.count, !isYAMLBreak(bytes[end]) { end += 1 }
  return (offset..<end, open)
}

/// The scalar in quotes together with as much of the comment as closes what was open; nil where that is not certain.
func quoteLostText(_ scalar: YAMLScalar, through end: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Fix? {
  let start = scalar.range.start
  guard !bytes[start..<end].contains(where: isYAMLBreak) else { return nil }
  var cut = scalar.range.end
  while cut < end {
    cut += 1
    // The text goes on to the next ' #', which then is a comment, or to the end of the line.
    let isEnd = cut == end || (isYAMLBlank(bytes[cut]) && cut + 1 < end && bytes[cut + 1] == UInt8(ascii: "#"))
    guard isEnd, let text = String(validating: bytes[start..<cut], as: UTF8.self), openConstruct(in: text) == nil else { continue }
    while isYAMLBlank(bytes[cut - 1]) { cut -= 1 }
    let range = SourceRange(file: scalar.range.file, start: start, end: cut)
    return .replace(range, by: yamlQuoted(String(decoding: bytes[start..<cut], as: UTF8.self)), "quote the text")
  }
  return nil
}

/// A plain text that is ambiguous, in quotes.
func quotePlain(_ scalar: YAMLScalar) -> Fix? {
  guard scalar.style == .plain, !scalar.text.isEmpty, !scalar.text.utf8.contains(where: { $0 < UInt8(ascii: " ") }) else { return nil }
  return .replace(scalar.range, by: yamlQuoted(scalar.text), "quote the text")
}

/// A text of one line as a YAML scalar in quotes: in double ones unless it has such, or backslashes, itself.
func yamlQuoted(_ text: String) -> String {
  guard text.utf8.contains(where: { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) else { return "\"\(text)\"" }
  var result = "'"
  for scalar in text.unicodeScalars {
    if scalar == "'" { result += "'" }
    result.unicodeScalars.append(scalar)
  }
  return result + "'"
}

/// What is still open at the end of a text: `${`, a parenthesis or a quote.
///
/// An apostrophe inside or after a word (`don't`) opens nothing.
private func openConstruct(in text: String) -> String? {
  var open: [UInt8] = []
  var quote: UInt8?
  var previous = UInt8(ascii: " ")
  for byte in text.utf8 {
    defer { previous = byte }
    if let opened = quote {
      if byte == opened { quote = nil }
      continue
    }
    switch byte {
    case UInt8(ascii: "'"), UInt8(ascii: "\""):
      if !isWordByte(previous) { quote = byte }
    case UInt8(ascii: "("):
      open.append(byte)
    case UInt8(ascii: "{"):
      if previous == UInt8(ascii: "$") { open.append(byte) }
    case UInt8(ascii: ")"):
      if open.last == UInt8(ascii: "(") { open.removeLast() }
    case UInt8(ascii: "}"):
      if open.last == UInt8(ascii: "{") { open.removeLast() }
    default:
      break
    }
  }
  if quote != nil { return "a quoted text" }
  if open.contains(UInt8(ascii: "{")) { return "'${'" }
  return open.isEmpty ? nil : "'('"
}

private func isWordByte(_ byte: UInt8) -> Bool {
  byte >= 0x80 || byte == UInt8(ascii: "_") || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
    || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"))
}
