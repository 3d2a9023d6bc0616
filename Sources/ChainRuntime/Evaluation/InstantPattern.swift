import ChainIO
import ChainProgram

/// `format` and `parse_instant`: a part of strftime, in UTC, the same in both directions.
enum InstantPattern {
  static func format(_ nanoseconds: Int64, _ pattern: String) throws(OperationError) -> String {
    var iso: [UInt8] = []
    // The year first: it may have more digits than four.
    _ = Value.instant(nanoseconds).appendText(to: &iso)
    let isNegative = iso.first == UInt8(ascii: "-")
    let fields = String(decoding: isNegative ? Array(iso.dropFirst()) : iso, as: UTF8.self).split { "-T:.Z".contains($0) }
    guard fields.count >= 6 else { throw FunctionLibrary.overflow }
    let fraction = ((nanoseconds % 1_000_000_000) + 1_000_000_000) % 1_000_000_000
    var text: [UInt8] = []
    var scalars = pattern.unicodeScalars.makeIterator()
    while let scalar = scalars.next() {
      guard scalar == "%" else {
        text.append(contentsOf: String(Character(scalar)).utf8)
        continue
      }
      let sign = scalars.next()
      switch sign {
      case "Y":
        if isNegative { text.append(UInt8(ascii: "-")) }
        text.append(contentsOf: fields[0].utf8)
      case "m": text.append(contentsOf: fields[1].utf8)
      case "d": text.append(contentsOf: fields[2].utf8)
      case "H": text.append(contentsOf: fields[3].utf8)
      case "M": text.append(contentsOf: fields[4].utf8)
      case "S": text.append(contentsOf: fields[5].utf8)
      case "j": appendPadded(dayOfYear(fields), 3, to: &text)
      case "L": appendPadded(fraction / 1_000_000, 3, to: &text)
      case "N": appendPadded(fraction, 9, to: &text)
      case "s": Value.appendInteger(nanoseconds / 1_000_000_000 - (nanoseconds % 1_000_000_000 < 0 ? 1 : 0), to: &text)
      case "%": text.append(UInt8(ascii: "%"))
      default: throw unknown(sign)
      }
      guard text.count <= Arithmetic.textBytesMax else { throw Arithmetic.textTooLong }
    }
    return String(decoding: text, as: UTF8.self)
  }

  static func parse(_ text: String, _ pattern: String) throws(OperationError) -> Int64 {
    let bytes = Array(text.utf8)
    var position = 0
    var (year, month, day, hour, minute, second, fraction): (Int64, Int64, Int64, Int64, Int64, Int64, Int64) = (1970, 1, 1, 0, 0, 0, 0)
    var epoch: Int64?
    func number(_ width: Int) throws(OperationError) -> Int64 {
      var value: Int64 = 0
      guard position + width <= bytes.count else { throw mismatch }
      for byte in bytes[position..<position + width] {
        guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { throw mismatch }
        value = value * 10 + Int64(byte - UInt8(ascii: "0"))
      }
      position += width
      return value
    }
    var scalars = pattern.unicodeScalars.makeIterator()
    while let scalar = scalars.next() {
      let sign = scalar == "%" ? scalars.next() : nil
      switch (scalar, sign) {
      case ("%", "Y"): year = try number(4)
      case ("%", "m"): month = try number(2)
      case ("%", "d"): day = try number(2)
      case ("%", "H"): hour = try number(2)
      case ("%", "M"): minute = try number(2)
      case ("%", "S"): second = try number(2)
      case ("%", "L"): fraction = try number(3) * 1_000_000
      case ("%", "N"): fraction = try number(9)
      case ("%", "s"):
        let start = position
        while position < bytes.count, bytes[position] >= UInt8(ascii: "0"), bytes[position] <= UInt8(ascii: "9") { position += 1 }
        guard let value = Int64(String(decoding: bytes[start..<position], as: UTF8.self)) else { throw mismatch }
        epoch = value
      case ("%", _) where sign != "%": throw unknown(sign)
      default:
        let literal = Array(String(Character(scalar)).utf8)
        guard bytes[position...].starts(with: literal) else { throw mismatch }
        position += literal.count
      }
    }
    guard position == bytes.count else { throw mismatch }
    if let epoch {
      let (whole, isTooFar) = epoch.multipliedReportingOverflow(by: 1_000_000_000)
      let (result, isJustTooFar) = whole.addingReportingOverflow(fraction)
      guard !isTooFar, !isJustTooFar else { throw FunctionLibrary.overflow }
      return result
    }
    // The reader of RFC 3339 knows the calendar.
    var iso: [UInt8] = []
    for (value, width, mark) in [(year, 4, "-"), (month, 2, "-"), (day, 2, "T"), (hour, 2, ":"), (minute, 2, ":"), (second, 2, "."), (fraction, 9, "Z")] {
      appendPadded(value, width, to: &iso)
      iso.append(contentsOf: mark.utf8)
    }
    guard let result = iso.withUnsafeBytes({ InstantText.nanoseconds(utf8: $0) }) else { throw mismatch }
    return result
  }

  private static let mismatch = OperationError(.value, code: "not-instant", "the text does not fit the pattern, or there is no such day")

  private static func unknown(_ sign: Unicode.Scalar?) -> OperationError {
    OperationError(.value, code: "bad-pattern", "'%\(sign.map { String(Character($0)) } ?? "")' means nothing in a pattern of time")
  }

  private static func appendPadded(_ value: Int64, _ width: Int, to text: inout [UInt8]) {
    var digits: [UInt8] = []
    Value.appendInteger(value, to: &digits)
    text.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: max(0, width - digits.count)))
    text.append(contentsOf: digits)
  }

  private static func dayOfYear(_ fields: [Substring]) -> Int64 {
    guard let year = Int64(fields[0]), let month = Int(fields[1]), let day = Int64(fields[2]), (1...12).contains(month) else { return 0 }
    let before: [Int64] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    return before[month - 1] + day + (isLeap && month > 2 ? 1 : 0)
  }
}
