import CZlib
import Metrics
import Testing

/// The format is HdrHistogram's; this decoder is written from its description and shares no code with the encoder.
private struct HDRDecoder {
  var bytes: [UInt8]
  var position = 0

  mutating func unsigned(_ count: Int) -> UInt64 {
    defer { position += count }
    return bytes[position..<position + count].reduce(0) { $0 << 8 | UInt64($1) }
  }

  mutating func zigZag() -> Int64 {
    var value: UInt64 = 0
    for step in 0..<9 {
      let byte = bytes[position]
      position += 1
      if step == 8 {
        value |= UInt64(byte) << 56
      } else {
        value |= UInt64(byte & 0x7f) << UInt64(7 * step)
        if byte < 0x80 { break }
      }
    }
    return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }

  /// Bucket and count, in order.
  static func counts(ofCompressed bytes: [UInt8]) throws -> [(index: Int, count: Int64)] {
    var outer = HDRDecoder(bytes: bytes)
    try #require(outer.unsigned(4) == 0x1c84_9314)
    let length = Int(outer.unsigned(4))
    try #require(length == bytes.count - 8)
    var plain = [UInt8](repeating: 0, count: 1 << 22)
    var size = uLong(plain.count)
    try #require(uncompress(&plain, &size, Array(bytes[8...]), uLong(length)) == Z_OK)
    var inner = HDRDecoder(bytes: Array(plain[..<Int(size)]))
    try #require(inner.unsigned(4) == 0x1c84_9313)
    let payload = Int(inner.unsigned(4))
    try #require(inner.unsigned(4) == 0)
    try #require(inner.unsigned(4) == 3)
    try #require(inner.unsigned(8) == 1)
    try #require(inner.unsigned(8) == 3_600_000_000_000)
    try #require(Double(bitPattern: inner.unsigned(8)) == 1)
    try #require(inner.position == 40 && payload == Int(size) - 40)
    var found: [(Int, Int64)] = []
    var index = 0
    while inner.position < Int(size) {
      let value = inner.zigZag()
      if value < 0 {
        index += Int(-value)
      } else {
        if value > 0 { found.append((index, value)) }
        index += 1
      }
    }
    return found
  }
}

@Suite struct HDREncodingTests {
  @Test func `an encoded histogram has every bucket of the snapshot and no other`() throws {
    let seed: UInt64 = 20_260_730
    var random = SplitMix(state: seed)
    for round in 0..<60 {
      let histogram = Histogram()
      for _ in 0..<Int(random.next() % 400) + 1 {
        // Neighbours, runs of one empty bucket, and long runs; over the whole range.
        let value = round % 3 == 0 ? random.next() % 3_000 : random.next() >> (random.next() % 40 + 22)
        for _ in 0..<(random.next() % 50 == 0 ? 300 : 1) { histogram.record(value) }
      }
      let snapshot = histogram.snapshot()
      let counts = try HDRDecoder.counts(ofCompressed: snapshot.hdrCompressed)
      #expect(counts.map(\.index) == snapshot.indices.map { Int($0) }, "seed \(seed), round \(round)")
      #expect(counts.map { UInt64($0.count) } == snapshot.counts, "seed \(seed), round \(round)")
    }
  }

  @Test func `a count of any size is encoded as it is`() {
    var random = SplitMix(state: 5)
    for value in [0, 1, -1, 63, 64, -64, -65, 8191, 8192, .max, .min] + (0..<500).map({ _ in Int64(bitPattern: random.next() >> (random.next() % 64)) }) {
      var bytes: [UInt8] = []
      bytes.appendZigZag(value)
      var decoder = HDRDecoder(bytes: bytes)
      #expect(decoder.zigZag() == value)
      #expect(decoder.position == bytes.count && bytes.count <= 9)
    }
  }

  /// RFC 4648, section 10.
  @Test func `base 64 is that of the RFC`() {
    let vectors = ["": "", "f": "Zg==", "fo": "Zm8=", "foo": "Zm9v", "foob": "Zm9vYg==", "fooba": "Zm9vYmE=", "foobar": "Zm9vYmFy"]
    for (plain, coded) in vectors { #expect(base64(Array(plain.utf8)) == coded) }
    #expect(base64([0xff, 0xef, 0xbe]) == "/+++")
  }

  @Test func `values above a limit are counted to the bucket's width`() {
    let histogram = Histogram()
    for value in 1...1000 { histogram.record(UInt64(value)) }
    let snapshot = histogram.snapshot()
    #expect(snapshot.count(above: 0) == 1000 && snapshot.count(above: 700) == 300 && snapshot.count(above: 1000) == 0)
    #expect(HistogramSnapshot().count(above: 5) == 0)
  }
}
