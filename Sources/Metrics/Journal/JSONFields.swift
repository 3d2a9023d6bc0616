internal import LosslessJSON

// Reading members of a journal record: what is missing is nothing.
extension JSONValue {
  func text(_ key: StaticString) -> String { self[key]?.string ?? "" }
  func optionalText(_ key: StaticString) -> String? { self[key]?.string }
  func unsigned(_ key: StaticString) -> UInt64 { self[key]?.integer() ?? 0 }
  func optionalUnsigned(_ key: StaticString) -> UInt64? { self[key]?.integer() }
  func int(_ key: StaticString) -> Int { self[key]?.integer() ?? 0 }
  func optionalInt(_ key: StaticString) -> Int? { self[key]?.integer() }
  func double(_ key: StaticString) -> Double { self[key]?.double ?? 0 }
  func optionalDouble(_ key: StaticString) -> Double? { self[key]?.double }
  func bool(_ key: StaticString) -> Bool { self[key]?.bool ?? false }
  func texts(_ key: StaticString) -> [String] { self[key]?.elements.compactMap(\.string) ?? [] }

  func list<Element>(_ key: StaticString, _ make: (JSONValue) -> Element) -> [Element] {
    self[key]?.elements.map(make) ?? []
  }
}

// Writing: empty and absent members are left out, which keeps a second of an idle step short.
extension JSONWriter {
  mutating func optional(_ name: String, _ value: String?) {
    if let value { member(name, value) }
  }

  mutating func optional(_ name: String, _ value: UInt64?) {
    if let value { member(name, value) }
  }

  mutating func optional(_ name: String, _ value: Int?) {
    if let value { member(name, value) }
  }

  mutating func optional(_ name: String, _ value: Double?) {
    if let value { member(name, value) }
  }

  mutating func optional(_ name: String, _ value: Bool?) {
    if let value { member(name, value) }
  }

  mutating func nonZero(_ name: String, _ value: UInt64) {
    if value != 0 { member(name, value) }
  }

  mutating func nonEmpty(_ name: String, _ value: HistogramSnapshot) {
    guard !value.isEmpty else { return }
    key(name)
    value.write(to: &self)
  }

  mutating func list<Element>(_ name: String, _ values: [Element], _ write: (Element, inout JSONWriter) -> Void) {
    guard !values.isEmpty else { return }
    key(name)
    beginArray()
    for value in values { write(value, &self) }
    endArray()
  }

  /// As ``list(_:_:_:)``, each element an object.
  mutating func objects<Element>(_ name: String, _ values: [Element], _ writeMembers: (Element, inout JSONWriter) -> Void) {
    list(name, values) { value, json in
      json.beginObject()
      writeMembers(value, &json)
      json.endObject()
    }
  }
}
