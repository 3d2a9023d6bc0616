import ChainProgram

/// A GraphQL document, read only as far as it takes to tell what it does (October 2021 specification, sections 2.1 to 2.3).
struct GraphQLDocument {
  /// The kinds of its operations, in their order: `query` (also for a bare `{…}`), `mutation`, `subscription`. Fragments are none.
  let operations: [String]

  init(_ text: String) {
    var operations: [String] = []
    var depth = 0
    /// Between a definition's first word and its selection set.
    var isInsideDefinition = false
    var scanner = Scanner(text)
    while let token = scanner.next() {
      switch token {
      case .open:
        if depth == 0, !isInsideDefinition { operations.append("query") }
        depth += 1
      case .openOther: depth += 1
      case .close:
        depth = max(0, depth - 1)
      case .closeSelection:
        depth = max(0, depth - 1)
        if depth == 0 { isInsideDefinition = false }
      case .name(let name):
        guard depth == 0, !isInsideDefinition else { continue }
        isInsideDefinition = true
        if ["query", "mutation", "subscription"].contains(name) { operations.append(name) }
      }
    }
    self.operations = operations
  }

  /// Whether every operation is a query, and there is one.
  var isReading: Bool { !operations.isEmpty && operations.allSatisfy { $0 == "query" } }

  /// - Parameter text: The document, or the path of a file that holds it; then nobody can tell.
  static func effect(of text: String) -> Effect {
    let document = GraphQLDocument(text)
    return document.operations.isEmpty ? .unclear : document.isReading ? .reads : .writes
  }

  private enum Token {
    /// `{`, and the `}` that may end a definition.
    case open, closeSelection
    /// `(` and `[`, inside which a `{` is a value.
    case openOther, close
    case name(String)
  }

  /// Skips strings, block strings and comments.
  private struct Scanner {
    private let bytes: [UInt8]
    private var place = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    mutating func next() -> Token? {
      while place < bytes.count {
        let byte = bytes[place]
        place += 1
        switch byte {
        case UInt8(ascii: "#"): while place < bytes.count, bytes[place] != 10, bytes[place] != 13 { place += 1 }
        case UInt8(ascii: "\""): skipString()
        case UInt8(ascii: "{"): return .open
        case UInt8(ascii: "}"): return .closeSelection
        case UInt8(ascii: "("), UInt8(ascii: "["): return .openOther
        case UInt8(ascii: ")"), UInt8(ascii: "]"): return .close
        case UInt8(ascii: "$"), UInt8(ascii: "@"): while place < bytes.count, Scanner.isNameByte(bytes[place]) { place += 1 }
        default:
          guard Scanner.isNameByte(byte) else { continue }
          let start = place - 1
          while place < bytes.count, Scanner.isNameByte(bytes[place]) { place += 1 }
          return .name(String(decoding: bytes[start..<place], as: UTF8.self))
        }
      }
      return nil
    }

    private mutating func skipString() {
      let quote = UInt8(ascii: "\"")
      func isBlockQuote(_ at: Int) -> Bool {
        at + 2 < bytes.count && bytes[at] == quote && bytes[at + 1] == quote && bytes[at + 2] == quote
      }
      if isBlockQuote(place - 1) {
        place += 2
        while place < bytes.count {
          if bytes[place] == UInt8(ascii: "\\"), isBlockQuote(place + 1) {
            place += 4
          } else if isBlockQuote(place) {
            place += 3
            return
          } else {
            place += 1
          }
        }
        return
      }
      while place < bytes.count, bytes[place] != quote, bytes[place] != 10 {
        place += bytes[place] == UInt8(ascii: "\\") ? 2 : 1
      }
      place += 1
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "_"):
        true
      default: false
      }
    }
  }
}
