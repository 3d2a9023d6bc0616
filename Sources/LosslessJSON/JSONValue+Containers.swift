internal import CJSON
internal import Glibc

extension JSONValue {
  /// The member with this key; the last one where a key is repeated, as in JavaScript and jsonb.
  ///
  /// - Complexity: linear in the members; compares bytes, does not allocate.
  package subscript(key: StaticString) -> JSONValue? {
    precondition(key.hasPointerRepresentation, "a key is a text, not a single scalar")
    return self[utf8: UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount)]
  }

  package subscript(key: String) -> JSONValue? {
    var key = key
    return key.withUTF8 { self[utf8: $0] }
  }

  package subscript(utf8 key: UnsafeBufferPointer<UInt8>) -> JSONValue? {
    guard node.kind == CJSON_OBJECT.rawValue else { return nil }
    // Raw pointers, because this is asked for every message seen: going through `JSONValue` was four times as slow.
    let found = withExtendedLifetime(document) { () -> Int? in
      let nodes = document.nodes
      var found: Int?
      var at = index + 1
      for _ in 0..<Int(nodes[index].count) {
        let name = nodes[at]
        if Int(name.length) == key.count && (key.isEmpty || memcmp(document.bytes + Int(name.offset), key.baseAddress!, key.count) == 0) {
          found = at + 1
        }
        at = Int(nodes[at + 1].next)
      }
      return found
    }
    return found.map { JSONValue(document: document, index: $0) }
  }

  /// The element at `position`; nil outside the array or for other kinds.
  ///
  /// - Complexity: linear in `position`.
  package subscript(position: Int) -> JSONValue? {
    guard node.kind == CJSON_ARRAY.rawValue, position >= 0, position < count else { return nil }
    var at = index + 1
    for _ in 0..<position { at = Int(document.nodes[at].next) }
    return JSONValue(document: document, index: at)
  }

  package var elements: JSONElements { JSONElements(of: self) }
  package var members: JSONMembers { JSONMembers(of: self) }
}

/// The elements of an array, in order; empty for other kinds.
package struct JSONElements: Sequence, IteratorProtocol, Sendable {
  private let document: JSONDocument
  private var at: Int
  private var remaining: Int

  init(of value: JSONValue) {
    document = value.document
    at = value.index + 1
    remaining = value.kind == .array ? value.count : 0
  }

  package mutating func next() -> JSONValue? {
    guard remaining > 0 else { return nil }
    remaining -= 1
    let value = JSONValue(document: document, index: at)
    at = Int(document.nodes[at].next)
    return value
  }
}

extension JSONValue {
  /// Calls `body` with each element of an array of whole numbers that are not negative, until it returns false or one is something else.
  ///
  /// For arrays of thousands, such as a histogram's buckets: no value is made of an element.
  package func forEachUnsigned(_ body: (UInt64) -> Bool) {
    guard kind == .array else { return }
    withExtendedLifetime(document) {
      let (nodes, bytes) = (document.nodes, document.bytes)
      var at = index + 1
      for _ in 0..<count {
        let node = nodes[at]
        guard node.kind == CJSON_NUMBER.rawValue, node.length <= 19 else { return }
        var number: UInt64 = 0
        for place in Int(node.offset)..<Int(node.offset) + Int(node.length) {
          let digit = UInt64(bytes[place] &- UInt8(ascii: "0"))
          guard digit <= 9 else { return }
          number = number &* 10 &+ digit
        }
        guard body(number) else { return }
        at = Int(node.next)
      }
    }
  }
}

/// The members of an object, in the order of the text, repeated keys included; empty for other kinds.
package struct JSONMembers: Sequence, IteratorProtocol, Sendable {
  private let document: JSONDocument
  private var at: Int
  private var remaining: Int

  init(of value: JSONValue) {
    document = value.document
    at = value.index + 1
    remaining = value.kind == .object ? value.count : 0
  }

  package mutating func next() -> (key: String, value: JSONValue)? {
    guard remaining > 0 else { return nil }
    remaining -= 1
    let key = JSONValue(document: document, index: at)
    let value = JSONValue(document: document, index: at + 1)
    at = Int(document.nodes[at + 1].next)
    return (key.string ?? "", value)
  }
}
