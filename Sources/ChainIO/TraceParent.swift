/// What a request says of the trace it belongs to: the `traceparent` of W3C Trace Context, version 00, always sampled.
///
/// The trace is the iteration, and a function of (seed, iteration): the same run has the same ids again. A span is one operation in it.
package struct TraceParent: Sendable, Hashable {
  /// `00-<32 digits>-<16 digits>-01`.
  package static let byteCount = 55

  package let traceHigh: UInt64
  package let traceLow: UInt64
  package let span: UInt64

  /// Ids of nothing but zeros are invalid (section 3.2.2.3): those become 1.
  package init(traceHigh: UInt64, traceLow: UInt64, span: UInt64) {
    self.traceHigh = traceHigh
    self.traceLow = traceHigh | traceLow == 0 ? 1 : traceLow
    self.span = span == 0 ? 1 : span
  }

  package func append(to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "0"))
    bytes.append(UInt8(ascii: "0"))
    bytes.append(UInt8(ascii: "-"))
    TraceParent.append(traceHigh, to: &bytes)
    TraceParent.append(traceLow, to: &bytes)
    bytes.append(UInt8(ascii: "-"))
    TraceParent.append(span, to: &bytes)
    bytes.append(UInt8(ascii: "-"))
    bytes.append(UInt8(ascii: "0"))
    bytes.append(UInt8(ascii: "1"))
  }

  private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
    for shift in stride(from: 60, through: 0, by: -4) {
      let digit = UInt8(truncatingIfNeeded: value &>> UInt64(shift)) & 15
      bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    }
  }
}
