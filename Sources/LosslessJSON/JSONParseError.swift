internal import CJSON

/// Why a text is not JSON, and where.
package struct JSONParseError: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Reason: Hashable, Sendable {
    case empty
    case tooLarge
    case tooDeep
    case brokenUTF8
    case badString
    case unclosedString
    case badNumber
    case badLiteral
    case unexpected
    case trailingContent
    case outOfMemory
  }

  package let reason: Reason
  /// The byte at which the text stopped being JSON; 0 where only the kind of error is known.
  package let byteOffset: Int

  /// Never quotes the text: it may hold a user's data.
  package var description: String {
    let phrase =
      switch reason {
      case .empty: "the text is empty"
      case .tooLarge: "the text is larger than the limit"
      case .tooDeep: "more than \(JSONDocument.maximumDepth) containers are open"
      case .brokenUTF8: "the text is not UTF-8"
      case .badString: "a string has a bad escape or a control character"
      case .unclosedString: "a string is not closed"
      case .badNumber: "a number is malformed"
      case .badLiteral: "a word is neither true, false nor null"
      case .unexpected: "a value, a comma or a bracket is missing"
      case .trailingContent: "something follows the value"
      case .outOfMemory: "out of memory"
      }
    return byteOffset > 0 ? "\(phrase), at byte \(byteOffset)" : phrase
  }
}

extension JSONParseError.Reason {
  init(_ status: cjson_status) {
    switch status {
    case CJSON_EMPTY: self = .empty
    case CJSON_TOO_LARGE: self = .tooLarge
    case CJSON_TOO_DEEP: self = .tooDeep
    case CJSON_BAD_UTF8: self = .brokenUTF8
    case CJSON_BAD_STRING: self = .badString
    case CJSON_UNCLOSED_STRING: self = .unclosedString
    case CJSON_BAD_NUMBER: self = .badNumber
    case CJSON_BAD_LITERAL: self = .badLiteral
    case CJSON_UNEXPECTED: self = .unexpected
    case CJSON_TRAILING: self = .trailingContent
    case CJSON_OUT_OF_MEMORY: self = .outOfMemory
    default: preconditionFailure("cjson_status \(status.rawValue) is not a failure that CJSON.h lists")
    }
  }
}
