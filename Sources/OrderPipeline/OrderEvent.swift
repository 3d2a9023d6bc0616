/// The message `{"order_id": 1, "amount": 12.10, ...}`.
enum OrderEvent {
  private static let member: StaticString = "\"order_id\""

  /// The number after `"order_id":`, found without building the whole document: at 20 000 messages a second a JSON decoder would be
  /// the pipeline's largest cost. Nil when it is not there or is no whole number.
  static func orderID(in body: UnsafeRawBufferPointer) -> Int64? {
    let name = UnsafeRawBufferPointer(start: member.utf8Start, count: member.utf8CodeUnitCount)
    var start = 0
    while start + name.count < body.count {
      if body[start] == name[0], body[start..<start + name.count].elementsEqual(name) {
        return number(in: body[(start + name.count)...])
      }
      start += 1
    }
    return nil
  }

  private static func number(in rest: Slice<UnsafeRawBufferPointer>) -> Int64? {
    let isSpace = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\t") }
    let afterName = rest.drop(while: isSpace)
    guard afterName.first == UInt8(ascii: ":") else { return nil }
    let digits = afterName.dropFirst().drop(while: isSpace).prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    guard !digits.isEmpty else { return nil }
    var value: Int64 = 0
    for digit in digits {
      let (tenfold, overflowed) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflowedToo) = tenfold.addingReportingOverflow(Int64(digit - UInt8(ascii: "0")))
      guard !overflowed, !overflowedToo else { return nil }
      value = sum
    }
    return value
  }
}
