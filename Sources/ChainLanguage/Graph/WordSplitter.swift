internal import ChainProgram

/// Splits a command into words before values are put in, so that a value is never more than one word.
///
/// White space separates words; single or double quotes group, a doubled quote inside quotes stands for itself.
struct WordSplitter {
  private var words: [TextTemplate] = []
  private var pieces: [TextPiece] = []
  private var literal: [UInt8] = []
  private var isInWord = false
  private var quote: UInt8?
  /// The byte before closed a quote: the same quote again is a quote.
  private var justClosed: UInt8?

  mutating func append(_ text: String) {
    for byte in text.utf8 {
      if let open = quote {
        if byte == open {
          quote = nil
          justClosed = byte
        } else {
          literal.append(byte)
        }
        continue
      }
      if let closed = justClosed, byte == closed {
        literal.append(byte)
        quote = closed
        justClosed = nil
        continue
      }
      justClosed = nil
      switch byte {
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"): endWord()
      case UInt8(ascii: "'"), UInt8(ascii: "\""):
        isInWord = true
        quote = byte
      default:
        isInWord = true
        literal.append(byte)
      }
    }
  }

  mutating func append(argument: Int) {
    justClosed = nil
    isInWord = true
    endLiteral()
    pieces.append(.argument(argument, .text))
  }

  /// The words; nil if a quote is open.
  mutating func finish() -> [TextTemplate]? {
    guard quote == nil else { return nil }
    endWord()
    return words
  }

  private mutating func endLiteral() {
    guard !literal.isEmpty else { return }
    pieces.append(.literal(literal))
    literal = []
  }

  private mutating func endWord() {
    guard isInWord else { return }
    endLiteral()
    words.append(TextTemplate(pieces))
    pieces = []
    isInWord = false
  }
}
