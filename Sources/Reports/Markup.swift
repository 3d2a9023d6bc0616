/// Text as HTML and XML may carry it: the one place where what comes from users' systems becomes markup.
enum Markup {
  /// Safe as content and inside quoted attributes. What XML 1.0 cannot carry (control characters) becomes U+FFFD.
  static func escape(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isSpecial) else { return text }
    var escaped = ""
    escaped.reserveCapacity(text.utf8.count + 16)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&#39;"
      case "\t", "\n", "\r": escaped.unicodeScalars.append(scalar)
      default: escaped.unicodeScalars.append(isUnprintable(scalar) ? "\u{FFFD}" : scalar)
      }
    }
    return escaped
  }

  private static func isSpecial(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "&", "<", ">", "\"", "'": true
    default: isUnprintable(scalar)
    }
  }

  /// Control characters, non-characters, and those that turn the direction of the text around them.
  private static func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09, 0x0A, 0x0D: false
    case 0..<0x20, 0x7F..<0xA0, 0xFFFE, 0xFFFF, 0xFDD0...0xFDEF, 0x202A...0x202E, 0x2066...0x2069: true
    default: scalar.value & 0xFFFE == 0xFFFE
    }
  }

  /// `<name attribute="…">content</name>`; attributes are escaped, the content is markup already.
  static func element(_ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ content: String) -> String {
    "<\(name)\(text(attributes))>\(content)</\(name)>"
  }

  static func empty(_ name: String, _ attributes: KeyValuePairs<String, String> = [:]) -> String { "<\(name)\(text(attributes))/>" }

  private static func text(_ attributes: KeyValuePairs<String, String>) -> String {
    attributes.map { " \($0.key)=\"\(escape($0.value))\"" }.joined()
  }
}
