import Foundation

/// The message `{"order_id": 1, "amount": 12.10, ...}`.
///
/// Its members are found without building the whole document: at 20 000 messages a second a JSON decoder would be the pipeline's largest cost.
enum OrderEvent {
  /// The number after `"order_id":`. Nil when it is not there or is no whole number.
  static func orderID(in body: UnsafeRawBufferPointer) -> Int64? { wholeNumber("\"order_id\"", in: body) }

  /// What the log says of the order in this message; nil when it names none.
  static func facts(of body: UnsafeRawBufferPointer) -> OrderFacts? {
    guard let id = orderID(in: body) else { return nil }
    return OrderFacts(
      id: id, key: wholeNumber("\"customer_id\"", in: body), version: wholeNumber("\"version\"", in: body),
      amount: digits(after: "\"amount\"", in: body, { isDigit($0) || $0 == UInt8(ascii: ".") }).map { String(decoding: $0, as: UTF8.self) })
  }

  static func facts(of body: String) -> OrderFacts? {
    var body = body
    return body.withUTF8 { facts(of: UnsafeRawBufferPointer($0)) }
  }

  /// The same message with another amount, one digit longer: 12.10 becomes 912.10.
  static func withWrongAmount(_ body: String) -> String {
    guard let member = body.range(of: "\"amount\":"), let digit = body[member.upperBound...].firstIndex(where: \.isNumber) else {
      return body
    }
    return String(body[..<digit]) + "9" + String(body[digit...])
  }

  private static func wholeNumber(_ member: StaticString, in body: UnsafeRawBufferPointer) -> Int64? {
    guard let digits = digits(after: member, in: body, isDigit) else { return nil }
    var value: Int64 = 0
    for digit in digits {
      let (tenfold, overflowed) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflowedToo) = tenfold.addingReportingOverflow(Int64(digit - UInt8(ascii: "0")))
      guard !overflowed, !overflowedToo else { return nil }
      value = sum
    }
    return value
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

  /// The bytes of a number that follows the member's name and a colon; nil when there are none.
  private static func digits(
    after member: StaticString, in body: UnsafeRawBufferPointer, _ belongs: (UInt8) -> Bool
  ) -> Slice<UnsafeRawBufferPointer>? {
    let name = UnsafeRawBufferPointer(start: member.utf8Start, count: member.utf8CodeUnitCount)
    let isSpace = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\t") }
    var start = 0
    while start + name.count < body.count {
      if body[start] == name[0], body[start..<start + name.count].elementsEqual(name) {
        let afterName = body[(start + name.count)...].drop(while: isSpace)
        guard afterName.first == UInt8(ascii: ":") else { return nil }
        let digits = afterName.dropFirst().drop(while: isSpace).prefix(while: belongs)
        return digits.isEmpty ? nil : digits
      }
      start += 1
    }
    return nil
  }
}

/// What identifies an order, and what is shown of it. The amount is kept as it was written.
struct OrderFacts: Sendable {
  var id: Int64
  var key: Int64?
  var version: Int64?
  var amount: String?

  /// An order that nobody ever placed, of a customer that does not exist.
  var phantom: OrderFacts {
    OrderFacts(id: 9_000_000_000 + id, key: key.map { 1_000_000 + $0 }, version: version.map { _ in 1 }, amount: amount)
  }

  var body: String {
    var members = ["\"order_id\": \(id)"]
    if let key { members.append("\"customer_id\": \(key)") }
    if let version { members.append("\"version\": \(version)") }
    if let amount { members.append("\"amount\": \(amount)") }
    return "{\(members.joined(separator: ", "))}"
  }
}
