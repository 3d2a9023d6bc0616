/// Appends JSON text to a byte array; the caller opens and closes what it writes, in order.
///
///     var json = JSONWriter()
///     json.beginObject()
///     json.member("id", 9007199254740993)
///     json.endObject()
///
/// Compact (one line) unless told to indent. Doubles are the shortest text that reads back the same;
/// what JSON cannot say (NaN, infinity) becomes null.
package struct JSONWriter: Sendable {
  package private(set) var bytes: [UInt8] = []
  private let indentation: Int
  private var depth = 0
  private var needsComma = false
  private var followsKey = false

  package init(indentation: Int = 0) {
    self.indentation = indentation
  }

  package var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Empties the buffer and keeps its storage.
  package mutating func reset() {
    bytes.removeAll(keepingCapacity: true)
    depth = 0
    needsComma = false
    followsKey = false
  }

  /// Ends a line of newline-delimited JSON: the next value stands alone.
  package mutating func endLine() {
    precondition(depth == 0, "a line ends outside of all containers")
    bytes.append(UInt8(ascii: "\n"))
    needsComma = false
  }

  /// Appends a whole line whose text the caller vouches for, and its end.
  ///
  /// - Parameter capacity: Bytes, at least as many as will be written.
  package mutating func line(upTo capacity: Int, _ write: (inout TextCursor) -> Void) {
    precondition(depth == 0, "a line stands outside of all containers")
    bytes.append(upTo: capacity + 1) {
      write(&$0)
      $0.literal("\n")
    }
    needsComma = false
  }

  package mutating func beginObject() { open(UInt8(ascii: "{")) }
  package mutating func endObject() { close(UInt8(ascii: "}")) }
  package mutating func beginArray() { open(UInt8(ascii: "[")) }
  package mutating func endArray() { close(UInt8(ascii: "]")) }

  package mutating func key(_ name: String) {
    separate()
    quote(name)
    bytes.append(UInt8(ascii: ":"))
    if indentation > 0 { bytes.append(UInt8(ascii: " ")) }
    followsKey = true
  }

  package mutating func string(_ value: String) {
    separate()
    quote(value)
    needsComma = true
  }

  package mutating func integer(_ value: some BinaryInteger) {
    if let small = UInt64(exactly: value) {
      unsigned(small)
    } else {
      rawNumber(String(value))
    }
  }

  package mutating func unsigned(_ value: UInt64) {
    separate()
    JSONWriter.appendDigits(value, to: &bytes)
    needsComma = true
  }

  package mutating func double(_ value: Double) {
    guard value.isFinite else { return null() }
    // 5.0 is written as 5: the same number to every reader, and shorter.
    if value == value.rounded(), abs(value) < 9_007_199_254_740_992 { return rawNumber(String(Int64(value))) }
    rawNumber(value.description)
  }

  /// Writes a number whose text the caller vouches for, such as ``JSONValue/numberText`` or a decimal.
  package mutating func rawNumber(_ text: String) {
    separate()
    bytes.append(contentsOf: text.utf8)
    needsComma = true
  }

  package mutating func bool(_ value: Bool) { rawNumber(value ? "true" : "false") }
  package mutating func null() { rawNumber("null") }

  /// Writes a parsed value again: numbers with their text, strings escaped anew.
  package mutating func value(_ value: JSONValue) {
    switch value.kind {
    case .null: null()
    case .bool: bool(value.bool == true)
    case .number: rawNumber(value.numberText ?? "null")
    case .string: string(value.string ?? "")
    case .array:
      beginArray()
      for element in value.elements { self.value(element) }
      endArray()
    case .object:
      beginObject()
      for member in value.members {
        key(member.key)
        self.value(member.value)
      }
      endObject()
    }
  }

  private mutating func open(_ bracket: UInt8) {
    separate()
    bytes.append(bracket)
    depth += 1
    needsComma = false
  }

  private mutating func close(_ bracket: UInt8) {
    precondition(depth > 0 && !followsKey, "a container closes after it was opened, and never between a key and its value")
    depth -= 1
    if needsComma { breakLine() }
    bytes.append(bracket)
    needsComma = true
  }

  private mutating func separate() {
    if followsKey {
      followsKey = false
    } else {
      if needsComma { bytes.append(UInt8(ascii: ",")) }
      if depth > 0 { breakLine() }
    }
    needsComma = false
  }

  private mutating func breakLine() {
    guard indentation > 0 else { return }
    bytes.append(UInt8(ascii: "\n"))
    bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: depth * indentation))
  }

  private mutating func quote(_ text: String) { JSONWriter.appendQuoted(text, to: &bytes) }
}

// Members, the common case, in one call.
extension JSONWriter {
  package mutating func member(_ name: String, _ value: String?) {
    key(name)
    if let value { string(value) } else { null() }
  }

  package mutating func member(_ name: String, _ value: some BinaryInteger) {
    key(name)
    integer(value)
  }

  package mutating func member(_ name: String, _ value: UInt64) {
    key(name)
    unsigned(value)
  }

  package mutating func member(_ name: String, _ value: Int) {
    key(name)
    if value >= 0 { unsigned(UInt64(value)) } else { integer(value) }
  }

  package mutating func member(_ name: String, _ value: UInt64?) {
    key(name)
    if let value { unsigned(value) } else { null() }
  }

  package mutating func member(_ name: String, _ value: Int?) {
    key(name)
    if let value { integer(value) } else { null() }
  }

  package mutating func member(_ name: String, _ value: Double?) {
    key(name)
    if let value { double(value) } else { null() }
  }

  package mutating func member(_ name: String, _ value: Bool) {
    key(name)
    bool(value)
  }
}
