import ChainProgram
import LosslessJSON
import Testing

@testable import ChainRuntime

func json(_ text: String) -> Value { .json(try! JSONDocument(parsing: text.utf8Bytes).root) }

extension String {
  var utf8Bytes: [UInt8] { Array(utf8) }
}

@Suite struct OrderingTests {
  private static let comparisons: [Comparison] = [.equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual]

  private func answers(_ type: ComparedType, _ a: Value, _ b: Value) -> [Bool] {
    OrderingTests.comparisons.map { Ordering.holds($0, type, a, b) }
  }

  @Test(arguments: [
    (.int, .int(-1), .int(2)), (.decimal, decimal("12.09"), decimal("12.1")), (.float, .float(-0.5), .float(0.5)),
    (.duration, .duration(1), .duration(2)), (.instant, .instant(1), .instant(2)), (.string, .string("abc"), .string("abd")),
    (.rate, .rate(1), .rate(2)), (.size, .size(1), .size(2)), (.percentage, .percentage(0.001), .percentage(0.002)),
  ] as [(ComparedType, Value, Value)])
  func `ordered types compare by their order`(type: ComparedType, small: Value, large: Value) {
    #expect(answers(type, small, large) == [false, true, true, true, false, false])
    #expect(answers(type, large, small) == [false, true, false, false, true, true])
    #expect(answers(type, small, small) == [true, false, false, true, false, true])
  }

  @Test(arguments: [
    (.bool, .bool(true), .bool(false)),
    (.uuid, .uuid(UUIDBits(high: 1, low: 2)), .uuid(UUIDBits(high: 1, low: 3))),
    (.bytes, .bytes([1]), .bytes([2])), (.json, json(#"{"a":1}"#), json(#"{"a":2}"#)),
  ] as [(ComparedType, Value, Value)])
  func `the other types are equal or not`(type: ComparedType, a: Value, b: Value) {
    #expect(Ordering.holds(.equal, type, a, a) && !Ordering.holds(.notEqual, type, a, a))
    #expect(!Ordering.holds(.equal, type, a, b) && Ordering.holds(.notEqual, type, a, b))
  }

  @Test func `null equals null only, and is ordered with nothing`() {
    for type in [ComparedType.int, .string, .decimal, .json, .uuid] {
      #expect(answers(type, .null, .null) == [true, false, false, false, false, false])
    }
    for value in [Value.int(0), .string(""), .bool(false), decimal("0"), json("0")] {
      #expect(answers(.int, .null, value) == [false, true, false, false, false, false])
      #expect(answers(.int, value, .null) == [false, true, false, false, false, false])
    }
  }

  @Test func `decimals of different scales are equal when their values are`() {
    #expect(Ordering.holds(.equal, .decimal, decimal("12.1"), decimal("12.10")))
  }
}
