import ChainIO
import ChainProgram
import Testing

@Suite struct TraceParentTests {
  private func text(_ trace: TraceParent) -> String {
    var bytes: [UInt8] = []
    trace.append(to: &bytes)
    #expect(bytes.count == TraceParent.byteCount)
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func `a traceparent is written as W3C Trace Context says`() {
    let trace = TraceParent(traceHigh: 0x0af7_6519_16cd_43dd, traceLow: 0x8448_eb21_1c80_319c, span: 0xb7ad_6b71_6920_3331)
    #expect(text(trace) == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
  }

  @Test func `ids of nothing but zeros are never sent`() {
    #expect(text(TraceParent(traceHigh: 0, traceLow: 0, span: 0)) == "00-00000000000000000000000000000001-0000000000000001-01")
  }

  @Test func `the systems are named by words`() {
    #expect(TraceContext(words: "http,amqp") == [.http, .amqp])
    #expect(TraceContext(words: "sql")?.includes(kind: "postgres") == true)
    #expect(TraceContext(words: "http")?.includes(kind: "redis") == false)
    for wrong in ["", "http,", "HTTP", "redis"] { #expect(TraceContext(words: wrong) == nil) }
  }
}
