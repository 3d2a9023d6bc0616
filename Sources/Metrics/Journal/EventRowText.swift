package import LosslessJSON

/// The line of an event row, written without the general JSON code: a run has one for each event and hop. A test holds both ways to the same result.
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
}

extension JournalEventRow {
  package func write(to json: inout JSONWriter) { json.line { EventRowText.append(self, to: &$0) } }
}
