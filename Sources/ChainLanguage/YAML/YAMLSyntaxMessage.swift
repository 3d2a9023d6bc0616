internal import Diagnostics

/// Says in our words where libyaml gave up, and first of all what people mean when they write expressions.
func yamlSyntaxFinding(
  _ problem: YAMLProblem, file: SourceFile, bytes: UnsafeBufferPointer<UInt8>, byteOffset: (Int) -> Int
) -> Finding {
  let offset = min(byteOffset(problem.problemScalar), bytes.count)
  let context = min(byteOffset(problem.contextScalar), offset)
  if let finding = unquotedExpression(problem, at: offset, file: file, bytes: bytes) { return finding }

  var phrase = SyntaxPhrase(problem)
  let hasContext = problem.context != nil && context < offset && phrase.contextLabel != nil
  phrase.look(at: offset, context: context, file: file, bytes: bytes)
  let help = phrase.help
  if problem.problem == "could not find expected ':'", problem.context != nil {
    // libyaml finds out on a later line; the key without a colon is what it was reading.
    let end = max(context, file.contentRange(ofLine: file.line(at: context)).upperBound)
    return Finding(.yamlSyntax, at: file.range(context, end), phrase.message, help: help)
  }
  let point = file.range(offset, characterEnd(at: offset, in: bytes))
  return Finding(
    .yamlSyntax, at: phrase.pointsAtContext && hasContext ? file.range(context, characterEnd(at: context, in: bytes)) : point,
    phrase.message, help: help,
    related: hasContext && !phrase.pointsAtContext
      ? [Related(file.range(context, characterEnd(at: context, in: bytes)), phrase.contextLabel ?? "")] : [])
}

/// What libyaml's problem means for the author of a chain.
private struct SyntaxPhrase {
  var message: String
  var help: String?
  /// What stands at libyaml's context mark, if that is worth showing.
  var contextLabel: String?
  /// The mistake is where the thing was begun, not where it was found out.
  var pointsAtContext = false

  init(_ problem: YAMLProblem) {
    let context = problem.context ?? ""
    let begun: String? =
      context.contains("flow mapping") ? "'{' opened here" : context.contains("flow sequence") ? "'[' opened here" : nil
    switch problem.problem {
    case "mapping values are not allowed in this context":
      message = "': ' may not stand here"
      help = "check the indentation, or quote the text if ': ' belongs to it"
    case "could not find expected ':'":
      message = "a key without ':', or a text that goes on in the wrong column"
      help = "write 'key: value', and indent the further lines of a text deeper than its key"
    case "found unexpected end of stream":
      message = "a quoted text is never closed"
      help = "close it, or write a text of several lines as a block after '|'"
      contextLabel = "opened here"
      pointsAtContext = true
    case "found unexpected document indicator":
      message = "a quoted text is not closed before the document ends"
      contextLabel = "opened here"
      pointsAtContext = true
    case "found character that cannot start any token":
      message = "a value cannot start with this character"
      help = "quote the value"
    case "did not find expected key":
      message = "this line does not fit the mapping that it stands in"
      help = "check the indentation: keys of one mapping start in the same column"
      contextLabel = "the mapping starts here"
    case "did not find expected '-' indicator":
      message = "this line does not fit the list that it stands in"
      help = "check the indentation: each item starts with '- ' in the same column"
      contextLabel = "the list starts here"
    case "did not find expected ',' or '}'":
      message = "'{' is not closed, or a ',' is missing before this"
      help = "quote a value that has one of , [ ] { } in it"
      contextLabel = begun
    case "did not find expected ',' or ']'":
      message = "'[' is not closed, or a ',' is missing before this"
      help = "quote a value that has one of , [ ] { } in it"
      contextLabel = begun
    case "did not find expected node content":
      message = "a value is missing here"
      help = "a value cannot start with a ',' or a closing bracket; quote it if it is meant as text"
    case "block sequence entries are not allowed in this context":
      message = "a list item may not stand here"
      help = "start the list on a line of its own below the key, or quote the text"
    case "found a tab character that violates indentation", "found a tab character where an indentation space is expected",
      "found a tab character where an indentation space is found":
      message = "a tab cannot indent a line"
      help = "indent with spaces"
    case "found unknown escape character":
      message = "this escape is not one of YAML's"
      help = "write '\\\\' for a backslash in double quotes, or use single quotes"
    case "did not find expected hexdecimal number":
      message = "this escape lacks a hexadecimal digit"
      help = "'\\x' takes 2 of them, '\\u' 4 and '\\U' 8"
    case "found invalid Unicode character escape code":
      message = "this escape is not a Unicode character"
    case "did not find expected alphabetic or numeric character":
      message = "'*' starts an alias and '&' an anchor, and the name is missing"
      help = "quote a text that starts with '*' or '&'"
    case "found undefined tag handle", "did not find URI escaped octet", "did not find expected tag URI",
      "did not find expected whitespace or line break", "did not find expected '!'":
      message = "a text that starts with '!' is read as a tag"
      help = "write 'not x' for a negation, and quote a text that starts with '!'"
    case "did not find expected comment or line break":
      message = "after '|' or '>' the text starts on the next line"
      help = "put the text on the lines below, indented, or quote it if it starts with '|' or '>'"
    case "did not find expected <document start>":
      message = "this text continues nothing above it"
      help = "check the indentation and the brackets of the lines above"
    default:
      message = "this is not YAML: " + problem.problem
      help = problem.context
    }
  }

  /// Says more where the text around the place tells what was meant.
  mutating func look(at offset: Int, context: Int, file: SourceFile, bytes: UnsafeBufferPointer<UInt8>) {
    let line = file.contentRange(ofLine: file.line(at: offset))
    let before = (line.lowerBound..<max(line.lowerBound, min(offset, line.upperBound))).last { !isYAMLBlank(bytes[$0]) }
    if message == "a value cannot start with this character", offset < bytes.count {
      if bytes[offset] == 0x09 {
        message = "a tab cannot indent a line"
        help = "indent with spaces"
      } else {
        message = "a value cannot start with '\(Character(Unicode.Scalar(bytes[offset])))'"
      }
    } else if contextLabel == "the mapping starts here" || contextLabel == "the list starts here", let before {
      switch bytes[before] {
      case UInt8(ascii: "'"), UInt8(ascii: "\""):
        message = "text goes on after a closing quote"
        help = "quote the whole value; inside single quotes a quote is written twice: 'it''s'"
        contextLabel = nil
      case UInt8(ascii: "]"), UInt8(ascii: "}"):
        message = "text goes on after a closing bracket"
        help = "quote the whole value if the brackets belong to its text"
        contextLabel = nil
      default:
        break
      }
    } else if hasCommentAbove(offset, file: file), message.hasPrefix("a key without ':'") || isDeeper(offset, than: context, file: file) {
      help = "' #' in a line above starts a comment and ends the text; quote the text, or write it as a block after '|'"
    }
  }

  private func isDeeper(_ offset: Int, than context: Int, file: SourceFile) -> Bool {
    contextLabel == "the mapping starts here" && file.position(at: offset).column > file.position(at: context).column
  }
}

/// `{ id: ${c.id} }` and `{ id: rows[0].id }`: inside brackets YAML reads the brackets of an expression as its own.
private func unquotedExpression(_ problem: YAMLProblem, at offset: Int, file: SourceFile, bytes: UnsafeBufferPointer<UInt8>) -> Finding? {
  let isFlow = (problem.context ?? "").contains("flow")
  let content = file.contentRange(ofLine: file.line(at: offset))
  guard isFlow || content.contains(where: { $0 < offset && (bytes[$0] == UInt8(ascii: "{") || bytes[$0] == UInt8(ascii: "[")) }) else {
    return nil
  }
  if let expression = lastExpression(in: content, before: offset, bytes: bytes) {
    let range = file.range(expression)
    let written = file.text(of: range)
    let path = String(written.dropFirst(2).dropLast(written.hasSuffix("}") ? 1 : 0)).filter { $0 != " " }
    let isPath = !path.isEmpty && path.utf8.allSatisfy(isPathByte)
    return Finding(
      .yamlSyntax, at: range, "'${…}' inside { } or [ ] must be quoted, or written as \(isPath ? "$\(path)" : "$name")",
      help: isPath ? "write $\(path), or '${\(path)}' in quotes" : "put quotes around the whole value")
  }
  if isFlow, offset < bytes.count, bytes[offset] == UInt8(ascii: "[") || bytes[offset] == UInt8(ascii: "{"), offset > content.lowerBound,
    isPathByte(bytes[offset - 1]) || bytes[offset - 1] == UInt8(ascii: "]")
  {
    return Finding(
      .yamlSyntax, at: file.range(offset, offset + 1), "an expression with brackets inside { } or [ ] must be quoted",
      help: "put quotes around the whole value")
  }
  return nil
}

/// The last unquoted `${…}` of a line that starts at or before an offset, and stands inside `{` or `[`.
private func lastExpression(in content: Range<Int>, before offset: Int, bytes: UnsafeBufferPointer<UInt8>) -> Range<Int>? {
  var found: Int?
  var quote: UInt8?
  var next = content.lowerBound
  while next < content.upperBound, next <= offset {
    let byte = bytes[next]
    if let opened = quote {
      if byte == opened { quote = nil }
    } else if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
      quote = byte
    } else if byte == UInt8(ascii: "$"), next + 1 < content.upperBound, bytes[next + 1] == UInt8(ascii: "{") {
      found = next
    }
    next += 1
  }
  guard let start = found else { return nil }
  var end = start
  while end < content.upperBound, bytes[end] != UInt8(ascii: "}") { end += 1 }
  return start..<min(end + 1, content.upperBound)
}

/// Does the nearest line above that is not empty have a comment after some text?
private func hasCommentAbove(_ offset: Int, file: SourceFile) -> Bool {
  var line = file.line(at: offset)
  var looked = 0
  while line >= 1, looked < 4 {
    let text = file.text(ofLine: line)
    if let hash = text.utf8.firstIndex(of: UInt8(ascii: "#")), hash > text.startIndex,
      isYAMLBlank(text.utf8[text.utf8.index(before: hash)]), text.utf8[..<hash].contains(where: { !isYAMLBlank($0) })
    {
      return true
    }
    line -= 1
    looked += 1
  }
  return false
}

private func characterEnd(at offset: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Int {
  guard offset < bytes.count, !isYAMLBreak(bytes[offset]) else { return offset }
  return offset + DecodedScalar(in: bytes, at: offset).byteCount
}

private func isPathByte(_ byte: UInt8) -> Bool {
  byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".") || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
    || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"))
}
