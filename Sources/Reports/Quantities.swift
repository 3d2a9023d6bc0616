internal import Glibc

/// How quantities are written for people: three significant digits and a unit that fits.
package enum Quantities {
  /// `850 ns`, `20.1 µs`, `3.14 ms`, `1.70 s`, `125 s`.
  package static func duration(_ nanoseconds: UInt64) -> String {
    let unit = Unit(for: nanoseconds)
    return "\(unit.digits(nanoseconds)) \(unit.name)"
  }

  package static func duration(seconds: Double) -> String {
    duration(UInt64(max(0, seconds) * 1e9))
  }

  /// A bracket in the unit of its upper end: `3.1–3.4 ms`; one number where three digits show no difference.
  package static func interval(_ low: UInt64, _ high: UInt64) -> String {
    let unit = Unit(for: high)
    let (from, to) = (unit.digits(low), unit.digits(high))
    return from == to ? "\(to) \(unit.name)" : "\(from)–\(to) \(unit.name)"
  }

  /// `9 999`, `12 345 678`: groups from five digits on.
  package static func count(_ value: UInt64) -> String {
    let digits = Array(String(value))
    guard digits.count > 4 else { return String(digits) }
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0 && (digits.count - index) % 3 == 0 { text.append(" ") }
      text.append(digit)
    }
    return text
  }

  /// `1 event`, `2 events`.
  package static func count(_ value: UInt64, _ singular: String, _ plural: String? = nil) -> String {
    "\(count(value)) \(value == 1 ? singular : plural ?? singular + "s")"
  }

  /// `200/s`, `199.7/s`, `0.05/s`.
  package static func rate(_ perSecond: Double) -> String {
    "\(trimmed(perSecond, decimals: perSecond >= 100 ? 1 : 2))/s"
  }

  /// `0.1 %`, `12 %`, `100 %`. Never rounds to all or nothing what is neither.
  package static func percentage(_ share: Double) -> String {
    let percent = share * 100
    if percent > 99.9 && percent < 100 { return ">99.9 %" }
    if percent > 0 && percent < 0.01 { return "<0.01 %" }
    return "\(trimmed(percent, decimals: percent < 1 ? 2 : 1)) %"
  }

  /// At most so many decimals, without trailing zeros.
  package static func trimmed(_ value: Double, decimals: Int) -> String {
    var text = fixed(value, decimals: decimals)
    if text.contains(".") {
      while text.hasSuffix("0") { text.removeLast() }
      if text.hasSuffix(".") { text.removeLast() }
    }
    return text == "-0" ? "0" : text
  }

  package static func fixed(_ value: Double, decimals: Int) -> String {
    guard value.isFinite, abs(value) < 9e15 else { return "\(value)" }
    var scale: Double = 1
    for _ in 0..<decimals { scale *= 10 }
    let scaled = (abs(value) * scale).rounded()
    let whole = UInt64(scaled / scale)
    let fraction = UInt64(scaled - Double(whole) * scale)
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard decimals > 0 else { return "\(sign)\(UInt64(scaled))" }
    let digits = String(fraction)
    return "\(sign)\(whole)." + String(repeating: "0", count: max(0, decimals - digits.count)) + digits
  }

  /// Exact seconds from nanoseconds, as few digits as that takes: `0.0201`.
  package static func seconds(_ nanoseconds: UInt64) -> String {
    let whole = nanoseconds / 1_000_000_000
    let fraction = nanoseconds % 1_000_000_000
    guard fraction > 0 else { return String(whole) }
    let digits = String(fraction)
    var text = "\(whole)." + String(repeating: "0", count: 9 - digits.count) + digits
    while text.hasSuffix("0") { text.removeLast() }
    return text
  }

  /// `2026-07-30T08:15:00Z`.
  package static func instant(realtimeNanoseconds: UInt64) -> String {
    var time = time_t(realtimeNanoseconds / 1_000_000_000)
    var parts = tm()
    gmtime_r(&time, &parts)
    func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))T"
      + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
  }

  private struct Unit {
    let name: String
    let nanoseconds: Double
    let decimals: Int

    /// Chosen so that the value, rounded to three digits, is below 1 000 of its unit.
    init(for nanoseconds: UInt64) {
      let value = Double(nanoseconds)
      let units: [(String, Double)] = [("ns", 1), ("µs", 1e3), ("ms", 1e6)]
      let (name, size) = units.first { value / $0.1 < 999.5 } ?? ("s", 1e9)
      self.name = name
      self.nanoseconds = size
      let scaled = value / size
      decimals = name == "ns" || scaled >= 99.95 ? 0 : scaled >= 9.995 ? 1 : 2
    }

    func digits(_ value: UInt64) -> String {
      Quantities.fixed(Double(value) / nanoseconds, decimals: decimals)
    }
  }
}
