import ChainProgram

/// What the first word of a request tells.
enum RequestMethod {
  /// Methods that change nothing at the server (RFC 9110, 9.2.1). TRACE is left out: no step needs it.
  static let reading = ["GET", "HEAD", "OPTIONS"]

  /// The text before the first space; empty if there is none.
  static func name(ofRequestIn text: String) -> String {
    String(text.drop { $0 == " " }.prefix { $0 != " " })
  }

  static func effect(ofRequestIn text: String) -> Effect {
    let name = name(ofRequestIn: text)
    if !isMethod(name) { return .unclear }
    return reading.contains(name) ? .reads : .writes
  }

  /// Whether the word may stand as a method. Methods are case-sensitive, and a small letter in one is a slip.
  static func isMethod(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.allSatisfy { UInt8(ascii: "A") <= $0 && $0 <= UInt8(ascii: "Z") || $0 == UInt8(ascii: "-") }
  }
}
