import LosslessJSON

extension Value {
  /// Appends the value as text: what an SQL parameter, a Redis argument, a path segment before encoding or a message shows.
  ///
  /// - Returns: false for `null`, lists, maps and other values that have no text form; nothing is appended then.
  package func appendText(to buffer: inout [UInt8]) -> Bool {
    switch self {
    case .null, .list: return false
    case .bool(let value): buffer.append(contentsOf: (value ? "true" : "false").utf8)
    case .int(let value): Value.appendInteger(value, to: &buffer)
    case .decimal(let value): value.appendText(to: &buffer)
    case .float(let value), .rate(let value), .percentage(let value): buffer.append(contentsOf: value.description.utf8)
    case .duration(let value): Value.appendDuration(value, to: &buffer)
    case .instant(let value): Value.appendInstant(value, to: &buffer)
    case .string(let value): Value.append(value, to: &buffer)
    case .uuid(let value): value.appendText(to: &buffer)
    case .bytes(let value): buffer.append(contentsOf: value)
    case .json(let value): value.appendSerialized(to: &buffer)
    case .size(let value): Value.appendInteger(value, to: &buffer)
    }
    return true
  }

  /// Appends the value as one JSON value.
  package func appendJSON(to buffer: inout [UInt8]) {
    switch self {
    case .null: buffer.append(contentsOf: "null".utf8)
    case .bool, .int, .decimal, .size: _ = appendText(to: &buffer)
    case .float(let value), .rate(let value), .percentage(let value):
      buffer.append(contentsOf: value.isFinite ? value.description.utf8 : "null".utf8)
    case .json(let value): value.appendSerialized(to: &buffer)
    case .string(let value): JSONWriter.appendQuoted(value, to: &buffer)
    case .duration, .instant, .uuid:
      buffer.append(UInt8(ascii: "\""))
      _ = appendText(to: &buffer)
      buffer.append(UInt8(ascii: "\""))
    case .bytes(let value):
      JSONWriter.appendQuoted(String(decoding: value, as: UTF8.self), to: &buffer)
    case .list(let elements):
      buffer.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { buffer.append(UInt8(ascii: ",")) }
        element.appendJSON(to: &buffer)
      }
      buffer.append(UInt8(ascii: "]"))
    }
  }

  package static func append(_ text: String, to buffer: inout [UInt8]) {
    let appended: Void? = text.utf8.withContiguousStorageIfAvailable { buffer.append(contentsOf: $0) }
    if appended == nil { buffer.append(contentsOf: text.utf8) }
  }

  package static func appendInteger(_ value: Int64, to buffer: inout [UInt8]) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { scratch in
      var rest = value.magnitude
      var start = 20
      repeat {
        start -= 1
        scratch[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      } while rest != 0
      if value < 0 {
        buffer.append(UInt8(ascii: "-"))
      }
      buffer.append(contentsOf: UnsafeBufferPointer(rebasing: scratch[start..<20]))
    }
  }

  /// The largest unit that gives a whole number: `1500ms`, `2s`, `250us`.
  static func appendDuration(_ nanoseconds: Int64, to buffer: inout [UInt8]) {
    let units: [(Int64, String)] = [(3_600_000_000_000, "h"), (60_000_000_000, "m"), (1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")]
    for (size, name) in units where nanoseconds != 0 && nanoseconds % size == 0 {
      appendInteger(nanoseconds / size, to: &buffer)
      buffer.append(contentsOf: name.utf8)
      return
    }
    appendInteger(nanoseconds, to: &buffer)
    buffer.append(contentsOf: (nanoseconds == 0 ? "s" : "ns").utf8)
  }

  /// ISO 8601 in UTC with as many fraction digits as needed: `2026-11-20T07:33:00.25Z`.
  static func appendInstant(_ nanoseconds: Int64, to buffer: inout [UInt8]) {
    var seconds = nanoseconds / 1_000_000_000
    var fraction = nanoseconds % 1_000_000_000
    if fraction < 0 {
      fraction += 1_000_000_000
      seconds -= 1
    }
    var days = seconds / 86_400
    var rest = seconds % 86_400
    if rest < 0 {
      rest += 86_400
      days -= 1
    }
    // Civil date from a day count: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthIndex = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthIndex + 2) / 5 + 1
    let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    func padded(_ number: Int64, _ width: Int) {
      var digits: [UInt8] = []
      appendInteger(number, to: &digits)
      for _ in 0..<max(0, width - digits.count) { buffer.append(UInt8(ascii: "0")) }
      buffer.append(contentsOf: digits)
    }
    padded(year, 4)
    buffer.append(UInt8(ascii: "-"))
    padded(month, 2)
    buffer.append(UInt8(ascii: "-"))
    padded(day, 2)
    buffer.append(UInt8(ascii: "T"))
    padded(rest / 3600, 2)
    buffer.append(UInt8(ascii: ":"))
    padded(rest / 60 % 60, 2)
    buffer.append(UInt8(ascii: ":"))
    padded(rest % 60, 2)
    if fraction > 0 {
      var digits: [UInt8] = []
      appendInteger(fraction, to: &digits)
      digits.insert(contentsOf: repeatElement(UInt8(ascii: "0"), count: 9 - digits.count), at: 0)
      while digits.last == UInt8(ascii: "0") { digits.removeLast() }
      buffer.append(UInt8(ascii: "."))
      buffer.append(contentsOf: digits)
    }
    buffer.append(UInt8(ascii: "Z"))
  }
}

extension Value: CustomStringConvertible {
  /// For listings and tests; reports hide values of users' systems.
  package var description: String {
    switch self {
    case .string(let value): return "\"\(value)\""
    case .null: return "null"
    case .list(let elements): return "[" + elements.map(\.description).joined(separator: ", ") + "]"
    case .bool, .int, .decimal, .float, .duration, .instant, .uuid, .bytes, .json, .rate, .size, .percentage:
      var buffer: [UInt8] = []
      _ = appendText(to: &buffer)
      return String(decoding: buffer, as: UTF8.self)
    }
  }
}
