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
