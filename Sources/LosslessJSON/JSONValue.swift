internal import CJSON

/// One value inside a ``JSONDocument``; a reference and an index, so copying it costs a retain.
///
/// Equality is by content: numbers by their text (`1.0` is not `1`: nothing was asked about their type yet),
/// objects whatever the order of their members.
package struct JSONValue: Sendable {
  package let document: JSONDocument
  let index: Int

  init(document: JSONDocument, index: Int) {
    self.document = document
    self.index = index
  }

  package enum Kind: Hashable, Sendable {
    case null, bool, number, string, array, object
  }

  var node: cjson_node { document.nodes[index] }

  package var kind: Kind {
    switch cjson_kind(rawValue: node.kind) {
    case CJSON_NULL: .null
    case CJSON_FALSE, CJSON_TRUE: .bool
    case CJSON_NUMBER: .number
    case CJSON_STRING: .string
    case CJSON_ARRAY: .array
    case CJSON_OBJECT: .object
    default: preconditionFailure("node kind \(node.kind) is not one that CJSON.h lists")
    }
  }

  package var isNull: Bool { node.kind == CJSON_NULL.rawValue }

  package var bool: Bool? {
    switch node.kind {
    case CJSON_TRUE.rawValue: true
    case CJSON_FALSE.rawValue: false
    default: nil
    }
  }

  /// The number exactly as the text has it; nil for other kinds.
  package var numberText: String? { node.kind == CJSON_NUMBER.rawValue ? text : nil }

  /// The unescaped content of a string; nil for other kinds.
  package var string: String? { node.kind == CJSON_STRING.rawValue ? text : nil }

  /// The number as an integer; nil where it has a fraction or an exponent, or does not fit into `Number` or 64 bits.
  ///
  /// Does not allocate.
  @inlinable
  package func integer<Number: FixedWidthInteger>(as type: Number.Type = Number.self) -> Number? {
    guard let (isNegative, magnitude) = signAndMagnitude else { return nil }
    if !isNegative { return Number(exactly: magnitude) }
    return magnitude <= UInt64(Int64.max) + 1 ? Number(exactly: Int64(truncatingIfNeeded: 0 &- magnitude)) : nil
  }

  @usableFromInline
  package var signAndMagnitude: (isNegative: Bool, magnitude: UInt64)? {
    guard node.kind == CJSON_NUMBER.rawValue else { return nil }
    return withExtendedLifetime(document) {
      let digits = content
      let isNegative = digits[0] == UInt8(ascii: "-")
      var magnitude: UInt64 = 0
      for at in (isNegative ? 1 : 0)..<digits.count {
        let digit = UInt64(digits[at] &- UInt8(ascii: "0"))
        guard digit <= 9 else { return nil }
        let (tens, isTooLong) = magnitude.multipliedReportingOverflow(by: 10)
        let (sum, isTooLarge) = tens.addingReportingOverflow(digit)
        if isTooLong || isTooLarge { return nil }
        magnitude = sum
      }
      return (isNegative, magnitude)
    }
  }

  /// The number as a binary float, rounded; infinite where its exponent is out of range.
  package var double: Double? { node.kind == CJSON_NUMBER.rawValue ? Double(text) : nil }

  /// Calls `body` with a string's content or a number's text, without a copy; nil for other kinds.
  package func withUTF8<Result>(_ body: (UnsafeBufferPointer<UInt8>) throws -> Result) rethrows -> Result? {
    guard node.kind == CJSON_STRING.rawValue || node.kind == CJSON_NUMBER.rawValue else { return nil }
    return try withExtendedLifetime(document) { try body(content) }
  }

  /// Elements of an array or members of an object; 0 for scalars.
  package var count: Int { Int(node.count) }

  /// The value as JSON text: what was parsed, byte for byte, except that strings are escaped anew.
  package var serialized: String {
    guard node.kind == CJSON_STRING.rawValue else { return text }
    var writer = JSONWriter()
    writer.string(text)
    return writer.text
  }

  /// A scalar's or container's bytes. Valid while the document lives.
  var content: UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: document.bytes + Int(node.offset), count: Int(node.length))
  }

  private var text: String {
    withExtendedLifetime(document) { String(decoding: content, as: UTF8.self) }
  }
}

extension JSONValue: Hashable {
  package static func == (left: JSONValue, right: JSONValue) -> Bool {
    if left.document === right.document && left.index == right.index { return true }
    guard left.kind == right.kind else { return false }
    switch left.kind {
    case .null: return true
    case .bool: return left.bool == right.bool
    case .number, .string: return left.text == right.text
    case .array: return left.count == right.count && zip(left.elements, right.elements).allSatisfy(==)
    case .object:
      // Both ways, and by lookup, because a key may be repeated: the last one counts.
      return left.count == right.count
        && left.members.allSatisfy { left[$0.key] == right[$0.key] }
        && right.members.allSatisfy { left[$0.key] == right[$0.key] }
    }
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(kind)
    switch kind {
    case .null: break
    case .bool: hasher.combine(bool)
    case .number, .string: hasher.combine(text)
    case .array: for element in elements { hasher.combine(element) }
    case .object: hasher.combine(count)  // the order of members must not count
    }
  }
}
