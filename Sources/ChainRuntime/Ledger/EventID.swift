import ChainProgram
import Metrics

/// What identifies an event on every hop.
enum EventID: Hashable {
  case int(Int64)
  case text(String)
  case uuid(UUIDBits)

  /// nil for a value that cannot be an id (null, json, …).
  init?(_ value: Value) {
    switch value {
    case .int(let number): self = .int(number)
    case .string(let text): self = .text(text)
    case .uuid(let bits): self = .uuid(bits)
    case .null, .bool, .decimal, .float, .duration, .instant, .bytes, .json, .list, .rate, .size, .percentage: return nil
    }
  }

  /// A whole number itself; of other ids 64 bits of a keyed hash, under which two of a million ids meet once in forty million runs.
  var compact: Int64 {
    switch self {
    case .int(let number): return number
    case .text(let text):
      var hasher = Hasher()
      hasher.combine(text)
      return Int64(hasher.finalize())
    case .uuid(let bits):
      var hasher = Hasher()
      hasher.combine(bits)
      return Int64(hasher.finalize())
    }
  }

  var value: Value {
    switch self {
    case .int(let number): .int(number)
    case .text(let text): .string(text)
    case .uuid(let bits): .uuid(bits)
    }
  }

  var text: String {
    if case .text(let text) = self { return text }
    var bytes: [UInt8] = []
    append(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  func append(to bytes: inout [UInt8]) {
    switch self {
    case .int(let number): Value.appendInteger(number, to: &bytes)
    case .text(let text): bytes.append(contentsOf: text.utf8)
    case .uuid(let bits): bits.appendText(to: &bytes)
    }
  }
}

extension EventRows {
  /// Keeps an id for the rows of its event.
  mutating func keep(_ id: EventID) -> Text {
    switch id {
    case .int(let number): .integer(number)
    case .text(let text): keep(text)
    case .uuid(let bits): keep { bits.appendText(to: &$0) }
    }
  }
}
