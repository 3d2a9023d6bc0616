import LosslessJSON
import Testing

@Suite struct TextCursorTests {
  private func written(_ capacity: Int, _ write: (inout TextCursor) -> Void) -> String {
    var bytes = Array("x".utf8)
    bytes.append(upTo: capacity, write)
    return String(decoding: bytes.dropFirst(), as: UTF8.self)
  }

  @Test func `every number of four digits is written as Swift writes it`() {
    var bytes: [UInt8] = []
    var expected = ""
    for number in 0..<UInt64(10_000) {
      bytes.append(upTo: 40) {
        $0.digits(number)
        $0.byte(UInt8(ascii: " "))
        $0.digits(number * 10_000 + 9_999 - number)
        $0.byte(UInt8(ascii: " "))
      }
      expected += "\(number) \(number * 10_000 + 9_999 - number) "
    }
    #expect(String(decoding: bytes, as: UTF8.self) == expected)
  }

  @Test func `numbers of any length are written as Swift writes them`() {
    var numbers: [UInt64] = [0, 1, .max, .max - 1, UInt64(Int64.max)]
    var power: UInt64 = 1
    for _ in 0..<20 {
      numbers += [power - 1, power, power + 1]
      power = power &* 10
    }
    for shift in 0..<UInt64(64) { numbers += (0..<50).map { _ in UInt64.random(in: 0 ... .max) >> shift } }
    for number in numbers {
      #expect(written(20) { $0.digits(number) } == String(number))
      var bytes: [UInt8] = []
      JSONWriter.appendDigits(number, to: &bytes)
      #expect(bytes == Array(String(number).utf8))
    }
    for number in [Int64.min, -1, -10, 7, .max] { #expect(written(20) { $0.integer(number) } == String(number)) }
  }

  @Test(arguments: 0..<20) func `a piece is copied to its last byte, and what follows comes behind it`(_ count: Int) {
    let source = Array("abcdefghijklmnopqrstuvwxyz0123456789".utf8)
    source.withUnsafeBytes { source in
      let text = written(count + 30) {
        $0.piece(UnsafeRawBufferPointer(rebasing: source[..<count]))
        $0.literal(",")
        $0.bytes(UnsafeRawBufferPointer(rebasing: source[..<count]))
        $0.text("ü")
      }
      let piece = String(decoding: source[..<count], as: UTF8.self)
      #expect(text == "\(piece),\(piece)ü")
    }
  }
}
