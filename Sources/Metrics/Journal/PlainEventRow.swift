internal import Glibc

/// An event row in the journal's own bytes: where its parts stand, and nothing decoded that nobody asked for.
///
/// A run has a row for each event and hop, far more than all other records together, and the general JSON code takes 50 000 instructions
/// for one. Only a line that looks in every way as ``EventRows`` writes those without a character to escape is plain; any other is left to
/// the general reader, so nothing depends on these rules but time. A test holds both ways to the same result.
///
/// Valid as long as the bytes that it was found in, behind whose parts at least eight more can be read (the line's end).
package struct PlainEventRow {
  /// Rows of the start record's tables.
  package fileprivate(set) var event = 0
  package fileprivate(set) var hop = 0
  /// Text without a quote, a backslash or a control character, in ASCII; empty where the row has none.
  package fileprivate(set) var id = UnsafeRawBufferPointer(start: nil, count: 0)
  package fileprivate(set) var key = UnsafeRawBufferPointer(start: nil, count: 0)
  package fileprivate(set) var version = UnsafeRawBufferPointer(start: nil, count: 0)
  /// Whether one of the three has a comma.
  package fileprivate(set) var hasComma = false
  /// Digits; empty where the row has none. Up to 18, without leading zeros.
  package fileprivate(set) var sent = UnsafeRawBufferPointer(start: nil, count: 0)
  package fileprivate(set) var acked = UnsafeRawBufferPointer(start: nil, count: 0)
  package fileprivate(set) var low = UnsafeRawBufferPointer(start: nil, count: 0)
  package fileprivate(set) var high = UnsafeRawBufferPointer(start: nil, count: 0)
  package fileprivate(set) var outcome = EventOutcome.ok
  /// Names in quotes, with commas between them.
  fileprivate var anomalyNames = UnsafeRawBufferPointer(start: nil, count: 0)
  /// Of its line, without the line's end.
  package fileprivate(set) var byteCount = 0

  /// - Parameters:
  ///   - text: What was read of a journal.
  ///   - start: Where a line begins.
  /// - Returns: nil if no plain row begins there. Whether the line ends behind it is the caller's matter.
  @inline(__always)
  init?(in text: UnsafeRawBufferPointer, at start: Int) {
    guard let base = text.baseAddress else { return nil }
    var scanner = EventRowScanner(at: base + start, end: base + text.count)
    guard scanner.read(into: &self) else { return nil }
  }

  package var hasAnomalies: Bool { !anomalyNames.isEmpty }

  package var anomalies: [EventAnomaly] {
    guard hasAnomalies else { return [] }
    return anomalyNames.split(separator: UInt8(ascii: ",")).compactMap { name in
      EventAnomaly(rawValue: String(decoding: name.dropFirst().dropLast(), as: UTF8.self))
    }
  }

  /// The row as the general reader gives it.
  package var decoded: JournalEventRow {
    func text(_ piece: UnsafeRawBufferPointer) -> String { String(decoding: piece, as: UTF8.self) }
    func number(_ digits: UnsafeRawBufferPointer) -> UInt64? {
      digits.isEmpty ? nil : digits.reduce(0) { $0 * 10 + UInt64($1 - UInt8(ascii: "0")) }
    }
    return JournalEventRow(
      event: event, hop: hop, id: text(id), key: key.isEmpty ? nil : text(key), version: version.isEmpty ? nil : text(version),
      sentNanoseconds: number(sent), ackedNanoseconds: number(acked), lowNanoseconds: number(low), highNanoseconds: number(high),
      outcome: outcome, anomalies: anomalies)
  }
}

/// An event row as it was found in a journal.
package enum EventRowLine {
  /// Valid during the call that it is handed to.
  case plain(PlainEventRow)
  case general(JournalEventRow)

  package var decoded: JournalEventRow {
    switch self {
    case .plain(let row): row.decoded
    case .general(let row): row
    }
  }
}

/// Reads a line from its start to its end, its members in the order in which they are written.
private struct EventRowScanner {
  private var at: UnsafeRawPointer
  private let end: UnsafeRawPointer
  private var hasComma = false

  init(at start: UnsafeRawPointer, end: UnsafeRawPointer) {
    at = start
    self.end = end
  }

  /// - Returns: false if the line is no plain row; what was read then means nothing.
  mutating func read(into row: inout PlainEventRow) -> Bool {
    let start = at
    guard take(#"{"r":"event","event":"#), let event = index(), take(#","hop":"#), let hop = index() else { return false }
    row.event = event
    row.hop = hop
    guard take(#","id":""#), text(into: &row.id) else { return false }
    if take(#","key":""#), !text(into: &row.key) { return false }
    if take(#","version":""#), !text(into: &row.version) { return false }
    row.hasComma = hasComma
    if take(#","sent":"#), !number(into: &row.sent) { return false }
    if take(#","acked":"#), !number(into: &row.acked) { return false }
    if take(#","lo":"#), !number(into: &row.low) { return false }
    if take(#","hi":"#), !number(into: &row.high) { return false }
    guard take(#","outcome":""#) else { return false }
    if !take(#"ok""#) {
      guard let outcome = EventOutcome(rawValue: name()) else { return false }
      row.outcome = outcome
    }
    if take(#","anomalies":["#) {
      let first = at
      repeat {
        guard take("\""), EventAnomaly(rawValue: name()) != nil else { return false }
      } while take(",")
      row.anomalyNames = UnsafeRawBufferPointer(start: first, count: at - first)
      guard take("]") else { return false }
    }
    guard take("}") else { return false }
    row.byteCount = at - start
    return true
  }

  @inline(__always)
  private mutating func take(_ wanted: StaticString) -> Bool {
    let count = wanted.utf8CodeUnitCount
    guard end - at >= count, memcmp(at, wanted.utf8Start, count) == 0 else { return false }
    at += count
    return true
  }

  /// A number of a table's row.
  @inline(__always)
  private mutating func index() -> Int? {
    guard at < end, case let first = at.load(as: UInt8.self) &- UInt8(ascii: "0"), first < 10 else { return nil }
    at += 1
    if first == 0 { return 0 }
    var value = Int(first)
    while at < end, value < 100_000_000, case let digit = at.load(as: UInt8.self) &- UInt8(ascii: "0"), digit < 10 {
      value = value * 10 + Int(digit)
      at += 1
    }
    return value
  }

  /// A whole number below 10^18, as its digits.
  @inline(__always)
  private mutating func number(into piece: inout UnsafeRawBufferPointer) -> Bool {
    let start = at
    skipDigits()
    let count = at - start
    // JSON has no leading zeros.
    guard count > 0, count <= 18, count == 1 || start.load(as: UInt8.self) != UInt8(ascii: "0") else { return false }
    piece = UnsafeRawBufferPointer(start: start, count: count)
    return true
  }

  /// Eight bytes at a time. Stops within the last seven of all: no row ends there, its outcome is longer.
  @inline(__always)
  private mutating func skipDigits() {
    while end - at >= 8 {
      let distance = UInt64(littleEndian: at.loadUnaligned(as: UInt64.self)) ^ 0x3030_3030_3030_3030
      // The upper bit of each byte whose distance from "0" is more than 9: 0x76 and 10 make 0x80.
      let others = ((distance & 0x7F7F_7F7F_7F7F_7F7F) + 0x7676_7676_7676_7676 | distance) & 0x8080_8080_8080_8080
      if others != 0 {
        at += others.trailingZeroBitCount / 8
        return
      }
      at += 8
    }
  }

  /// What stands before the next quote, which is taken too. Not plain are an escape, a byte that is not ASCII, and no text at all, which a
  /// piece cannot tell from a member that is absent.
  @inline(__always)
  private mutating func text(into piece: inout UnsafeRawBufferPointer) -> Bool {
    let start = at
    // Most ids are numbers.
    skipDigits()
    while at < end {
      let byte = at.load(as: UInt8.self)
      if byte == UInt8(ascii: "\"") {
        piece = UnsafeRawBufferPointer(start: start, count: at - start)
        at += 1
        return !piece.isEmpty
      }
      guard byte >= 0x20, byte < 0x80, byte != UInt8(ascii: "\\") else { return false }
      if byte == UInt8(ascii: ",") { hasComma = true }
      at += 1
    }
    return false
  }

  /// A name before its closing quote, which is taken too; one that is no name of ours if there is none.
  private mutating func name() -> String {
    let start = at
    while at < end, at.load(as: UInt8.self) != UInt8(ascii: "\""), at - start < 64 { at += 1 }
    let name = String(decoding: UnsafeRawBufferPointer(start: start, count: at - start), as: UTF8.self)
    return take("\"") ? name : ""
  }
}
