internal import Glibc
package import LosslessJSON

/// The line of an event row, written and read without the general JSON code, which took 50 000 instructions for a row: a run has one for each
/// event and hop, and they would be half of what an iteration costs.
///
/// The lines are JSON as all others. A line that looks in any way different from what `append` writes is left to the general reader, so
/// nothing depends on these rules but time; a test holds both ways to the same result.
enum EventRowText {
  static func append(_ row: JournalEventRow, to bytes: inout [UInt8]) {
    append(#"{"r":"event","event":"#, UInt64(row.event), to: &bytes)
    append(#","hop":"#, UInt64(row.hop), to: &bytes)
    append(#","id":"#, row.id, to: &bytes)
    append(#","key":"#, row.key, to: &bytes)
    append(#","version":"#, row.version, to: &bytes)
    append(#","sent":"#, row.sentNanoseconds, to: &bytes)
    append(#","acked":"#, row.ackedNanoseconds, to: &bytes)
    append(#","lo":"#, row.lowNanoseconds, to: &bytes)
    append(#","hi":"#, row.highNanoseconds, to: &bytes)
    append(#","outcome":"#, row.outcome.rawValue, to: &bytes)
    for (index, anomaly) in row.anomalies.enumerated() {
      append(index == 0 ? #","anomalies":["# : ",", anomaly.rawValue, to: &bytes)
    }
    if !row.anomalies.isEmpty { bytes.append(UInt8(ascii: "]")) }
    bytes.append(UInt8(ascii: "}"))
  }

  private static func append(_ key: StaticString, _ value: UInt64?, to bytes: inout [UInt8]) {
    guard let value else { return }
    bytes.append(contentsOf: UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount))
    JSONWriter.appendDigits(value, to: &bytes)
  }

  private static func append(_ key: StaticString, _ value: String?, to bytes: inout [UInt8]) {
    guard let value else { return }
    bytes.append(contentsOf: UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount))
    JSONWriter.appendQuoted(value, to: &bytes)
  }

  /// The row that the line holds; nil if this is no event row, or one that only the general reader understands.
  static func row(_ bytes: [UInt8], _ line: Range<Int>) -> JournalEventRow? {
    bytes.withUnsafeBufferPointer { text in
      var scanner = EventRowScanner(text: UnsafeBufferPointer(rebasing: text[line]))
      return scanner.row()
    }
  }
}

/// Reads a line from its start to its end.
private struct EventRowScanner {
  let text: UnsafeBufferPointer<UInt8>
  private var at = 0

  init(text: UnsafeBufferPointer<UInt8>) { self.text = text }

  mutating func row() -> JournalEventRow? {
    guard take(#"{"r":"event""#) else { return nil }
    var row = JournalEventRow(event: 0, hop: 0, id: "", outcome: .unobserved)
    while take(",\"") {
      guard let key = untilQuote(), take(":") else { return nil }
      switch key.count {
      case 2 where equal(key, "id"):
        guard let id = string() else { return nil }
        row.id = id
      case 2 where equal(key, "lo"):
        guard let number = number() else { return nil }
        row.lowNanoseconds = number
      case 2 where equal(key, "hi"):
        guard let number = number() else { return nil }
        row.highNanoseconds = number
      case 3 where equal(key, "hop"):
        guard let number = number() else { return nil }
        row.hop = Int(number)
      case 3 where equal(key, "key"):
        guard let text = string() else { return nil }
        row.key = text
      case 4 where equal(key, "sent"):
        guard let number = number() else { return nil }
        row.sentNanoseconds = number
      case 5 where equal(key, "acked"):
        guard let number = number() else { return nil }
        row.ackedNanoseconds = number
      case 5 where equal(key, "event"):
        guard let number = number() else { return nil }
        row.event = Int(number)
      case 7 where equal(key, "version"):
        guard let text = string() else { return nil }
        row.version = text
      case 7 where equal(key, "outcome"):
        guard let outcome = outcome() else { return nil }
        row.outcome = outcome
      case 9 where equal(key, "anomalies"):
        guard let anomalies = anomalies() else { return nil }
        row.anomalies = anomalies
      default: return nil
      }
    }
    return take("}") && at == text.count ? row : nil
  }

  private mutating func take(_ wanted: StaticString) -> Bool {
    let count = wanted.utf8CodeUnitCount
    guard text.count - at >= count, memcmp(text.baseAddress! + at, wanted.utf8Start, count) == 0 else { return false }
    at += count
    return true
  }

  /// What stands before the next quote, which is taken too; nil where it needs more than a copy: an escape, or a byte that is not ASCII.
  private mutating func untilQuote() -> UnsafeBufferPointer<UInt8>? {
    let start = at
    while at < text.count {
      let byte = text[at]
      at += 1
      if byte == UInt8(ascii: "\"") { return UnsafeBufferPointer(rebasing: text[start..<(at - 1)]) }
      guard byte >= 0x20, byte < 0x80, byte != UInt8(ascii: "\\") else { return nil }
    }
    return nil
  }

  private mutating func string() -> String? {
    guard take("\""), let content = untilQuote() else { return nil }
    return String(decoding: content, as: UTF8.self)
  }

  /// A whole number below 10^18.
  private mutating func number() -> UInt64? {
    let start = at
    var value: UInt64 = 0
    while at < text.count, case let digit = text[at] &- UInt8(ascii: "0"), digit < 10, at - start < 18 {
      value = value &* 10 &+ UInt64(digit)
      at += 1
    }
    // JSON has no leading zeros.
    guard at > start, at == start + 1 || text[start] != UInt8(ascii: "0") else { return nil }
    return value
  }

  private mutating func outcome() -> EventOutcome? {
    if take(#""ok""#) { return .ok }
    return string().flatMap(EventOutcome.init)
  }

  private mutating func anomalies() -> [EventAnomaly]? {
    guard take("[") else { return nil }
    var found: [EventAnomaly] = []
    repeat {
      guard let name = string(), let anomaly = EventAnomaly(rawValue: name) else { return nil }
      found.append(anomaly)
    } while take(",")
    return take("]") ? found : nil
  }

  private func equal(_ key: UnsafeBufferPointer<UInt8>, _ name: StaticString) -> Bool {
    memcmp(key.baseAddress!, name.utf8Start, key.count) == 0
  }
}

extension JournalEventRow {
  package func write(to json: inout JSONWriter) { json.line { EventRowText.append(self, to: &$0) } }
}
