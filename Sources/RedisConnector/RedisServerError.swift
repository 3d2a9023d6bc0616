import ChainIO

extension OperationError {
  /// What a Redis server answered after `-`: `WRONGTYPE Operation against a key holding the wrong kind of value`.
  ///
  /// The code is the first word where it is one in capitals, as Redis' own are; a script's free text has the code `ERR`.
  static func redis(_ text: [UInt8], class: Class = .server) -> OperationError {
    let line = String(decoding: text.prefix { $0 != 13 && $0 != 10 }.prefix(1000), as: UTF8.self)
    let first = line.prefix { $0 != " " }
    let isCode = !first.isEmpty && first.utf8.allSatisfy { (65...90).contains($0) || $0 == UInt8(ascii: "_") }
    let code = isCode ? String(first) : "ERR"
    let rest = isCode ? line.dropFirst(first.count).drop { $0 == " " } : line[...]
    var message = String(masked(rest).prefix(200))
    if code == "MOVED" || code == "ASK" {
      message = "the target is a cluster, and its redirections are not followed: \(code.lowercased()) to \(rest)"
    }
    return OperationError(`class`, code: code, message.isEmpty ? code : message)
  }

  /// Without the arguments that `unknown command` repeats, and with what else stands in quotes hidden.
  private static func masked(_ text: Substring) -> String {
    let head: Substring
    if let cut = firstRange(of: ", with args beginning with", in: text) { head = text[..<cut] } else { head = text }
    // The command's own name comes from the chain, and is what the reader needs.
    if head.hasPrefix("unknown command") || head.hasPrefix("unknown subcommand") || head.hasPrefix("wrong number of arguments for") {
      return String(head)
    }
    var shown = ""
    var quote: Character?
    var previous: Character = " "
    for character in head {
      if let open = quote {
        guard character == open else { continue }
        shown += "…"
        quote = nil
        shown.append(character)
      } else {
        // An apostrophe inside a word is not a quote.
        if character == "\"" || character == "`" || (character == "'" && !previous.isLetter) { quote = character }
        shown.append(character)
      }
      previous = character
    }
    return shown
  }

  private static func firstRange(of needle: String, in text: Substring) -> Substring.Index? {
    var rest = text
    while !rest.isEmpty {
      if rest.hasPrefix(needle) { return rest.startIndex }
      rest = rest.dropFirst()
    }
    return nil
  }
}
